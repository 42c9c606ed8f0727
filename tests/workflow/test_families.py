"""Alignment of every family of models on the sphere, each written in the format it came in.

And a family of texts alone, which is probed as far as texts go.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from smoke import snakemake
from tiny_meru import drop_lift, write_published
from tiny_sentence_encoder import sentence_encoder
from tiny_text_towers import vit_and_bert

from hierarcaps.models.embeddings import read_embeddings

NOUNS = ("dog", "cat", "car", "bus", "goat", "boat", "bird", "tree")
MODELS = ("tiny-transformers", "tiny-clip")


@pytest.fixture
def study(tmp_path: Path) -> dict:
    """Changes of the parameters: models of other families, aligned on a few items."""
    vit_and_bert(tmp_path / "tiny-transformers")
    write_published(tmp_path / "clip_vit.pth", drop_lift)
    write_published(tmp_path / "meru_vit.pth")
    sentence_encoder(tmp_path / "tiny-texts")
    rows = [
        (
            i,
            *(f"thing => {noun} => red {noun} => a red {noun} outside" for noun in pair),
            f"{i}.png",
        )
        for i, pair in enumerate(zip(NOUNS, reversed(NOUNS), strict=True))
    ]
    for row in rows:
        pixels = np.random.default_rng(row[0]).integers(0, 256, (32, 32, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / row[-1])
    table = pd.DataFrame(rows, columns=["id", "positive", "negative", "image_url"])
    table.iloc[:6].to_csv(tmp_path / "train.csv", index=False)
    table.iloc[6:].rename(columns={"positive": "captions"}).to_csv(
        tmp_path / "test.csv", index=False
    )
    return {
        "models": {
            "rn-16": None,
            "vit-8": None,
            "meru-16": None,
            "rn-16-untrained": None,
            "tiny-transformers": {"transformers": "tiny-transformers"},
            "tiny-clip": {"meru": "clip_vit.pth"},
            "tiny-meru": {"meru": "meru_vit.pth"},
            "tiny-texts": {"text_only": "tiny-texts"},
        },
        "alignment": {
            "models": list(MODELS),
            "objectives": {"ec": None},
            "training": "train.csv",
            "validation": "train.csv",
            "validation_images": None,
        },
        "evaluation": {"drawn_world": None},
        "test_set": {"hierarchies": "test.csv", "images": "."},
    }


def test_each_stands_in_every_table_and_the_dual_encoders_aligned(
    study: dict, tmp_path: Path
) -> None:
    del study["models"]["tiny-meru"]
    pages = {
        name: tmp_path / "results" / "reports" / f"{name}.html"
        for name in ("zero_shot", "leaderboard", "paper")
    }
    snakemake(tmp_path, "--", *(str(path.relative_to(tmp_path)) for path in pages.values()),
              changes=study)  # fmt: skip
    for model in MODELS:
        before, after = (
            read_embeddings(tmp_path / f"results/{model}/{objective}/seed0/embeddings.safetensors")
            for objective in ("zeroshot", "re")
        )
        assert np.array_equal(before.images, after.images)
        assert np.abs(before.texts - after.texts).max() > 0
        assert after.provenance["name"] == f"models/{model}/re/seed0"
    found = {model: {p.name for p in Path(tmp_path, f"models/{model}/re/seed0").iterdir()}
             for model in MODELS}  # fmt: skip
    assert {"config.json", "model.safetensors", "root.json"} < found["tiny-transformers"]
    assert {"open_clip_config.json", "open_clip_model.safetensors"} < found["tiny-clip"]

    summary = pd.read_csv(tmp_path / "results" / "summary.csv")
    own = summary[summary["model"] == "tiny-texts"]
    assert set(own["task"]) == {"ordering", "chains", "entailment"}
    board = json.loads((tmp_path / "results" / "leaderboard.json").read_text())
    (entry,) = (each for each in board["entries"] if each["model"] == "tiny-texts")
    assert {score["metric"] for score in entry["scores"]} <= {"tau_d", "tau_d_length_controlled"}
    assert entry["training"] is None
    assert entry["parameters"] > 0
    for page in pages.values():
        assert "tiny-texts" in page.read_text()


def test_a_published_meru_is_refused_where_it_is_read(study: dict, tmp_path: Path) -> None:
    study["alignment"]["models"] = ["tiny-meru"]
    target = "models/tiny-meru/re/seed0/root.json"
    refused = snakemake(tmp_path, "--", target, changes=study, check=False)
    assert "meru_vit.pth is on the hyperboloid, expected one on the sphere" in refused.stdout
    assert not list((tmp_path / "models").rglob("*.safetensors"))


def test_a_sentence_encoder_is_not_aligned(study: dict, tmp_path: Path) -> None:
    study["alignment"]["models"] = ["tiny-texts"]
    refused = snakemake(tmp_path, "--dry-run", "--", "probe", changes=study, check=False)
    assert "tiny-texts is a sentence encoder (text_only)" in refused.stdout
