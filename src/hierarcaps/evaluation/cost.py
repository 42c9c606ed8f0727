"""What a study on the official test set downloads, and about how long it takes on this machine."""

import csv
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from hierarcaps.data.downloads import ROOT
from hierarcaps.data.mirror import mirror
from hierarcaps.data.official import DIRECTORY_VARIABLE, URL, official_copy
from hierarcaps.models import hub
from hierarcaps.models.remote import remote_weights
from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.torch_setup import choose_device

IMAGES, TEXTS = 1000, 3600
"""Of the official test set: pictures, and distinct texts."""
TEST_SET_GIGABYTES = 0.025
TRAINING_ITEMS, TRAINING_GIGABYTES = 73_000, 0.01
"""Of the authors' training file (its size with that of the validation rows)."""
# Of the speed of a large product of matrices, what encoding a batch reaches.
EFFICIENCY = 0.5
# Of one core: all tasks on one model's embeddings; baselines, pages and start of the jobs.
TASKS_SECONDS, PAGES_SECONDS = 110, 240
# Texts of an item with those that validation reads; forward and backward; what is left of the work
# where each distinct prefix of a batch is computed once, as measured on real captions.
_ALIGNING = 8 * 3 * 0.35
_SIDE = 1024


@dataclass(frozen=True)
class Weights:
    """A row of ``config/weights.csv``: GB, and GFLOP to encode one image and one text.

    ``training`` names the training data, ``saw_coco`` (yes, no) says whether images of COCO were in
    it; both are empty where no source says so.
    """

    gigabytes: float
    image_gflop: float
    text_gflop: float
    training: str = ""
    saw_coco: str = ""

    def gflop(self) -> float:
        """Return the work on the official test set."""
        return IMAGES * self.image_gflop + TEXTS * self.text_gflop


_CLIP_B = Weights(0.6, 8.7, 0.8)


def read_weights(path: str | Path) -> dict[str, Weights]:
    """Read the table of what is known of published weights, by their name."""
    with Path(path).open(encoding="utf-8", newline="") as file:
        return {
            row["weights"]: Weights(
                float(row["gigabytes"]),
                float(row["image_gflop"]),
                float(row["text_gflop"]),
                row["training"],
                row["saw_coco"],
            )
            for row in csv.DictReader(file)
        }


def describe_cost(params: Mapping[str, Any], known: Mapping[str, Weights]) -> str:
    """Return two lines: what will be downloaded, and about how long the study takes.

    Args:
        params: validated parameters of a study on the official test set.
        known: by :func:`read_weights`.

    Raises:
        InputError: something is to be downloaded and there is no network.
    """
    remote = {name: remote_weights(entry) for name, entry in params["models"].items()}
    absent = {name: each for name, each in remote.items() if each and not each.cached()}
    test_set = _test_set_is_absent(params)
    training = _absent_training(params)
    # A mirror may be within reach where the hub is not.
    wanted = bool(absent) or (mirror() is None and (test_set or bool(training)))
    if wanted and not hub.can_reach_hub():
        repositories = [each.repository for each in absent.values()]
        raise InputError(_without_network(repositories, test_set, training))
    sizes = {name: known.get(each.name) for name, each in absent.items()}
    listed = [f"{name} {size.gigabytes:g}" if size else f"{name} ?" for name, size in sizes.items()]
    total = sum(size.gigabytes for size in sizes.values() if size)
    if test_set:
        listed.append(f"the test set {TEST_SET_GIGABYTES:g}")
        total += TEST_SET_GIGABYTES
    if training:
        listed.append(f"the training file {TRAINING_GIGABYTES:g}")
        total += TRAINING_GIGABYTES
    download = f"{total:.1f} GB ({', '.join(listed)})" if listed else "nothing, all is here"
    work = {name: known.get(each.name) if each else None for name, each in remote.items()}
    unknown = sum(each is not None and each.name not in known for each in remote.values())
    return f"Downloads: {download}.\nTime: {_time(work, unknown, params['alignment'])}."


def _test_set_is_absent(params: Mapping[str, Any]) -> bool:
    named = params["test_set"].get("official_directory") or os.environ.get(DIRECTORY_VARIABLE)
    files = (params["test_set"][key] for key in ("hierarchies", "images"))
    return not named and not all(Path(file).is_file() for file in files)


def _absent_training(params: Mapping[str, Any]) -> list[str]:
    """Return the published files that alignment reads and that are not in place."""
    alignment = params["alignment"]
    files = [alignment["training"], alignment["validation"]] if alignment["models"] else []
    return [
        file
        for file in files
        if ROOT in PurePosixPath(file).parents
        and not Path(file).is_file()
        and not official_copy(f"{URL}/data/{Path(file).name}")
    ]


def _without_network(repositories: list[str], test_set: bool, training: list[str]) -> str:
    wanted = []
    if test_set:
        wanted.append(
            f"the official test set (a folder with hierarcaps_test.csv and test_imgs/, named by "
            f"{DIRECTORY_VARIABLE})"
        )
    if repositories:
        names = ", ".join(dict.fromkeys(repositories))
        wanted.append(
            f"the weights of {names} (in the hub's cache, the folder HF_HOME: `hf download "
            "REPOSITORY` fills it where there is a network)"
        )
    if training:
        wanted.append(f"{', '.join(training)} (of the authors' repository)")
    return f"there is no network, and these are not here: {'; '.join(wanted)}"


def _time(work: Mapping[str, Weights | None], unknown: int, alignment: Mapping[str, Any]) -> str:
    device, cores = choose_device("auto"), os.cpu_count() or 1
    speed = measured_speed()
    # Local ones, the control among them, are taken for CLIP-B's size, as are those not known.
    known = {name: each or _CLIP_B for name, each in work.items()}
    steps = alignment["recipe"].get("max_steps", TRAINING_ITEMS)
    items = min(TRAINING_ITEMS, steps * alignment["recipe"].get("batch_size", 8))
    objectives = len(alignment["objectives"]) * len(alignment["seeds"])
    gflop = sum(each.gflop() for each in known.values())
    for name in alignment["models"]:
        aligned = items * known[name].text_gflop * _ALIGNING + known[name].gflop()
        gflop += objectives * aligned
    runs = len(known) + objectives * len(alignment["models"])
    # Jobs run side by side, each on one core; a GPU takes one at a time.
    beside = min(cores, runs)
    seconds = gflop / (speed * EFFICIENCY) / (beside if device.type == "cpu" else 1)
    seconds += runs * TASKS_SECONDS / beside + PAGES_SECONDS
    assumed = f", {unknown} of unknown size taken for CLIP-B's" * bool(unknown)
    name = "a GPU" if device.type == "cuda" else f"{cores} cores"
    models = f"{runs} model{'s' * (runs != 1)}"
    return (
        f"about {_minutes(seconds)} after that for {models} on {name} "
        f"({speed:,.0f} GFLOP/s{assumed})"
    )


def _minutes(seconds: float) -> str:
    minutes = max(1, round(seconds / 60))
    return f"{minutes} min" if minutes < 100 else f"{minutes / 60:.1f} h"


def measured_speed(seconds: float = 0.5) -> float:
    """Return the GFLOP/s of linear layers, as models have them: of one thread, or of the GPU."""
    import torch
    import torch.nn.functional as F

    from hierarcaps.runtime.onednn import linear_by_onednn

    device = choose_device("auto")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    matrix = torch.ones(_SIDE, _SIDE, device=device)
    done, start = 0, time.perf_counter()
    with linear_by_onednn(device):
        while (spent := time.perf_counter() - start) < seconds or done == 0:
            F.linear(matrix, matrix)[0, 0].item()  # waits for a GPU
            done += 1
    torch.set_num_threads(threads)
    return done * 2 * _SIDE**3 / spent / 1e9
