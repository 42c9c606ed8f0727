"""The paper's study is planned as a whole; it waits only for its data and weights."""

import os

from job_table import job_counts
from smoke import ROOT, snakemake

SOURCES = (
    "data/conceptual/Train_GCC-training.tsv",
    "data/coco/annotations/captions_val2014.json",
    "data/coco/val2014/COCO_val2014_000000000001.jpg",
    "models/meru_vit_b.pth",
)


# What the tasks download where it is absent.
DOWNLOADED = ("hierarcaps", "hyperlex", "coco", "cifar10", "cifar100")
PUBLISHED = (
    "hyperlex/hyperlex-all.txt",
    "hierarcaps/hierarcaps_test_expanded.csv.gz",
    "coco/captions_val2017.json", "coco/val2017.parquet",
    "cifar10/test_batch.bin", "cifar10/batches.meta.txt",
    "cifar100/test.bin", "cifar100/coarse_label_names.txt", "cifar100/fine_label_names.txt",
)  # fmt: skip


def _planned(directory, files) -> dict[str, int]:
    """Return rule -> jobs of the paper's study in a directory where ``files`` are in place."""
    for name in files:
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        os.utime(path, (10**9, 10**9))  # older than all code
    planned = snakemake(
        directory,
        "--dry-run",
        "--",
        "all",
        overlays=[ROOT / "config" / "paper.yaml"],
        changes={"alignment": {"seeds": [0, 1]}, "models": {"rn-16-untrained": None}},
    )
    return job_counts(planned.stdout)


def test_the_papers_study_is_planned(tmp_path):
    counts = _planned(tmp_path, SOURCES)
    assert counts["align"] == 2 * 2 * 2  # models, objectives, seeds
    # Seven published models, three seeds of random weights.
    assert counts["embed"] == counts["evaluate"] == 7 + 3 + counts["align"]
    assert counts["write_items"] == 2 * 50
    assert counts["fetch_official_test_set"] == 1
    assert counts["pretrain"] == 3  # the seeds of random weights: no step is trained
    assert "train_nli" not in counts
    downloads = {rule for rule in counts if rule.startswith("download_")}
    assert downloads == {f"download_{name}" for name in DOWNLOADED}


def test_a_prepared_directory_downloads_nothing(tmp_path):
    prepared = [f"data/published/{name}" for name in PUBLISHED]
    counts = _planned(tmp_path, [*SOURCES, *prepared])
    assert counts["list_embedding_needs"] == 1
    assert not {rule for rule in counts if rule.startswith("download_")}
