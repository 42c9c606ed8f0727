"""What ``hierarcaps doctor`` finds out about a study before it runs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hierarcaps.cli.checks import (
    MISSING,
    NOTE,
    OK,
    Check,
    check_disk,
    check_packages,
    gpu_gigabytes,
)
from hierarcaps.cli.plan import planned_jobs, processor_seconds
from hierarcaps.evaluation.cost import Weights, describe_cost, read_weights
from hierarcaps.report.index import durations
from hierarcaps.runtime.errors import InputError, one_line
from hierarcaps.runtime.params import read_params

SCHEMA = Path("workflow", "schemas", "params.schema.yaml")
OFFICIAL = "data/official/"
# Weights, gradients and both moments of AdamW; what a model computes beside its weights.
TRAINED, USED = 4.0, 1.3
WEIGHT_FILES = (".safetensors", ".bin")


@dataclass(frozen=True)
class Needed:
    """Weights that a study takes from the hub: its ``role``, and times its size in memory."""

    role: str
    repository: str
    known_as: str
    cached: bool
    times: float
    half: bool = False


def check_study(configs: Sequence[Path], directory: Path) -> list[Check]:
    """Return the checks of ``params.yaml`` with overlays, as ``make run`` would take them.

    Raises:
        InputError: the overlays are not of a checkout, or are no valid parameters.
    """
    checkout = _checkout(configs)
    params = read_params(checkout / "params.yaml", configs, checkout / SCHEMA)
    known = read_weights(checkout / "config" / "weights.csv")
    from hierarcaps.models.hub import can_reach_hub

    checks = _check_backend(params)
    downloads = 0.0
    reached = can_reach_hub()
    for needed in _needed(params):
        gigabytes, check = _check_weights(needed, known, reached)
        checks.append(check)
        downloads += 0.0 if needed.cached else gigabytes
        if gigabytes:
            checks += _check_memory(needed, gigabytes)
    from huggingface_hub import constants

    checks += [check_disk(Path(constants.HF_HUB_CACHE), downloads), check_disk(directory)]
    if params["test_set"]["hierarchies"].startswith(OFFICIAL):
        try:
            said = describe_cost(params, known)
            checks += [Check("probing", OK, line.rstrip(".")) for line in said.splitlines()]
        except InputError as error:
            checks.append(Check("probing", MISSING, str(error)))
    return [*checks, _check_plan(checkout, configs, directory)]


def _checkout(configs: Sequence[Path]) -> Path:
    for folder in (Path.cwd(), *(parent for each in configs for parent in each.resolve().parents)):
        if (folder / SCHEMA).is_file():
            return folder
    raise InputError(
        f"{configs[0]}: not of a checkout of the workflow, expected {SCHEMA} beside or above it, "
        "or in the working directory"
    )


def _needed(params: Mapping[str, Any]) -> Iterator[Needed]:
    """Yield the weights that a study takes from the hub: its models, and what writes and judges."""
    from hierarcaps.models.hub import is_cached
    from hierarcaps.models.remote import remote_weights
    from hierarcaps.models.transformers_family.source import WEIGHTS

    aligned = params["alignment"]["models"]
    for name, entry in params["models"].items():
        if remote := remote_weights(entry):
            times = TRAINED if name in aligned else USED
            yield Needed(name, remote.repository, remote.name, remote.cached(), times)
    if not aligned:
        return
    generation = params["generation"]
    llm = generation["seeds"]["llm"]["model"]
    for role, name, times in (
        ("language model", llm, USED),
        ("judge", params["nli"]["model"], USED),
        ("hierarchy model", generation["hierarchy_model"].get("model", ""), TRAINED),
    ):
        if name and not name.startswith(("models/", "package:")) and not Path(name).exists():
            yield Needed(role, name, name, is_cached(name, WEIGHTS), times, name == llm)


def _check_backend(params: Mapping[str, Any]) -> list[Check]:
    """Return whether the packages of the language model's backend are there."""
    backend = params["generation"]["seeds"]["llm"]["backend"]
    if backend != "vllm" or not params["alignment"]["models"]:
        return []
    return [each for each in check_packages(["vllm"]) if each.subject == "hierarcaps[vllm]"]


def _check_weights(
    needed: Needed, known: Mapping[str, Weights], hub_reached: bool
) -> tuple[float, Check]:
    """Return the size of weights (GB, 0 where not known) and whether they can be had."""
    row = known.get(needed.known_as)
    size = row.gigabytes if row else 0.0
    subject = f"{needed.role}: {needed.repository}"
    if needed.cached:
        return size, Check(subject, OK, "in the cache")
    from huggingface_hub import HfApi
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    if not hub_reached:
        return size, Check(subject, MISSING, "not in the cache, and the hub is not reached")
    try:
        HfApi().auth_check(needed.repository)
        size = size or _size(needed.repository)
    except GatedRepoError:
        return size, Check(
            subject, MISSING, "its licence is not accepted: accept it on its page, as the user of "
            "the token (`hf auth login`, or HF_TOKEN)",
        )  # fmt: skip
    except RepositoryNotFoundError:
        return size, Check(
            subject, MISSING, "the hub has no such repository, or shows it to others"
        )
    except Exception as error:  # the hub client's own errors, and those of its transport
        return size, Check(subject, MISSING, f"the hub does not answer ({one_line(error)})")
    about = f"{size:.1f} GB" if size else "size not known"
    return size, Check(subject, OK, f"to be downloaded, {about}")


def _size(repository: str) -> float:
    """Return the size of a repository's weights, GB: one format of them, as one is loaded."""
    from huggingface_hub import HfApi

    files = HfApi().model_info(repository, files_metadata=True).siblings or []
    sizes = [
        sum(file.size or 0 for file in files if file.rfilename.endswith(suffix)) / 1e9
        for suffix in WEIGHT_FILES
    ]
    return next((size for size in sizes if size), 0.0)


def _check_memory(needed: Needed, gigabytes: float) -> list[Check]:
    there = gpu_gigabytes()
    wanted = gigabytes * needed.times
    if not there or wanted <= there:
        return []
    finding = f"about {wanted:.0f} GB, the GPU has {there:.0f} GB"
    return [Check(f"{needed.role}: memory", MISSING, finding)]


def _check_plan(checkout: Path, configs: Sequence[Path], directory: Path) -> Check:
    try:
        jobs = planned_jobs(checkout, configs, directory)
    except InputError as error:
        return Check("jobs", MISSING, str(error))
    number = sum(jobs.values()) - jobs.get("all", 0)
    if not number:
        return Check("jobs", OK, "none, all is made")
    listed = ", ".join(f"{rule} {n}" for rule, n in jobs.items() if rule != "all")
    seconds, unknown = processor_seconds(jobs, directory)
    time = f"{durations.clock(seconds)} in all by what such jobs took here" if seconds else ""
    never = f"{len(unknown)} rules never ran here: their time is not known" if unknown else ""
    return Check(
        "jobs",
        NOTE if unknown else OK,
        "; ".join(filter(None, [f"{number} ({listed})", time, never])),
    )
