"""The numbers of one fixed model on fixed scenes: whatever moves one of them is seen here.

A change of a library or of a line that moves a number is explained in CHANGELOG.md, and the version
of its task rises.
"""

from pathlib import Path

import pytest
import torch
import yaml
from tiny_clip import write_folder

from hierarcaps.data.hierarchy import read_hierarchies
from hierarcaps.data.images import open_images
from hierarcaps.evaluation.results import interval_of
from hierarcaps.evaluation.tasks.registry import all_tasks, embedding_needs
from hierarcaps.models.embed import embed_test_set
from hierarcaps.models.embeddings import read_embeddings
from hierarcaps.models.open_clip_family.encoder import load_open_clip
from hierarcaps.scenes.dataset import write_split

ROOT = Path(__file__).resolve().parents[2]
# Last digits differ between processors, and a near tie with them; a definition changes more.
TOLERANCE = 0.008
GOLDEN = yaml.safe_load(Path(__file__).with_name("golden_metrics.yaml").read_text())


@pytest.fixture(scope="module")
def measured(tmp_path_factory) -> dict[str, dict]:
    """Version and metrics of each task, for a CLIP of fixed random weights on 80 scenes."""
    folder = tmp_path_factory.mktemp("golden")
    scenes = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))["scenes"]
    write_split("test", {**scenes, "test": 80}, folder / "test.parquet", folder / "test.csv")
    encoder = load_open_clip(str(write_folder(folder)), None, torch.device("cpu"))
    items, store = read_hierarchies(folder / "test.csv"), open_images(folder / "test.parquet")
    world = {"scenes": str(folder / "test.parquet"), "templates": ["a picture of {}"]}
    settings = {"thresholds": 50, "drawn_world": world}
    path = folder / "embeddings.safetensors"
    embed_test_set(encoder, items, store, path, needs=embedding_needs(items, settings))
    embeddings, bootstrap = read_embeddings(path), {"seed": 0, "resamples": 200}
    found = {}
    for task in all_tasks(settings):
        table = task.items(items, embeddings)
        intervals = {
            name: interval_of(value, bootstrap, table["unit"])
            for name, value in task.values(table).items()
        }
        metrics = {name: [round(float(x), 4) for x in i[:3]] for name, i in intervals.items()}
        found[task.name] = {"version": task.version, **metrics}
    return found


@pytest.mark.parametrize("task", GOLDEN)
def test_numbers_and_intervals_are_as_they_were(measured, task):
    assert measured[task].pop("version") == GOLDEN[task].pop("version")
    assert set(measured[task]) == set(GOLDEN[task])
    for metric, expected in GOLDEN[task].items():
        assert measured[task][metric] == pytest.approx(expected, abs=TOLERANCE, nan_ok=True), metric


def test_every_task_has_golden_numbers(measured):
    assert set(measured) == set(GOLDEN)
