"""The paper's study is planned as a whole; it waits only for its data and weights."""

from conftest import ROOT, snakemake

SOURCES = (
    "data/conceptual/Train_GCC-training.tsv",
    "data/coco/annotations/captions_val2014.json",
    "data/coco/val2014/COCO_val2014_000000000001.jpg",
    "models/meru_vit_b.pth",
)


def test_the_papers_study_is_planned(tmp_path):
    for source in SOURCES:
        path = tmp_path / source
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    result = snakemake(
        tmp_path,
        "--dry-run",
        "--",
        "all",
        overlays=[ROOT / "config" / "paper.yaml"],
        changes={"alignment": {"seeds": [0, 1]}, "models": {"rn-16-untrained": None}},
    )
    output = result.stdout + result.stderr
    counts = {
        fields[0]: int(fields[1])
        for fields in (line.split() for line in output.splitlines())
        if len(fields) == 2 and fields[1].isdigit()
    }
    assert counts["align"] == 2 * 2 * 2  # models, objectives, seeds
    assert counts["embed"] == counts["evaluate"] == 7 + counts["align"]
    assert counts["write_items"] == 2 * 50
    assert counts["fetch_official_test_set"] == 1
    assert not {"train_nli", "pretrain"} & set(counts)
