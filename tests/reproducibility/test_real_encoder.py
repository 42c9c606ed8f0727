"""``make official-align`` on an encoder with really pre-trained towers, on the official test set.

The effects of the paper must show on real weights, within bounds that leave room for the order of
items and for kernels; the numbers are no results of the paper's models. A quarter of an hour on two
cores: ``make test-long``, not part of ``make test-reproducibility``.
"""

from pathlib import Path

import pandas as pd
import pytest
import yaml
from smoke import ROOT, snakemake

NAME = "real-encoder"
OVERLAYS = [ROOT / "config" / name for name in ("official.yaml", "official-align.yaml")]


def changes(data: Path) -> dict:
    """Return what puts the encoder in the place of the paper's models."""
    official = yaml.safe_load(OVERLAYS[0].read_text(encoding="utf-8"))
    texts = data / "hierarcaps"
    steps = {"max_steps": 1000, "validate_every": 1000}
    return {
        "models": {
            **dict.fromkeys(official["models"]),
            NAME: {"open_clip": str(data / "real_encoder")},
        },
        "alignment": {
            "models": [NAME],
            "objectives": {"ec": None},
            # The authors' training file is not here; of this one test images are left out.
            "training": str(texts / "hierarcaps_test_expanded.csv.gz"),
            "validation": str(texts / "train100.tsv"),
            "recipe": {"learning_rate": 1e-6, **steps},
        },
        "evaluation": {
            "protocols": [],
            "hyperlex": {"file": str(data / "hyperlex" / "hyperlex-all.txt"), "template": "{}"},
        },
        "test_set": {"official_directory": str(texts)},
    }


@pytest.mark.long
def test_re_alignment_shows_on_real_weights(real_data: Path, tmp_path: Path) -> None:
    if not (real_data / "real_encoder").is_dir():
        pytest.skip(f"no real encoder in {real_data}")
    snakemake(tmp_path, "--", "probe", overlays=OVERLAYS, changes=changes(real_data))
    summary = pd.read_csv(tmp_path / "results-official" / "summary.csv")
    rows = summary[summary["model"] == NAME].set_index(["objective", "task", "metric"])["value"]
    print(rows.to_string())
    before, after = rows["zeroshot"], rows["re"]
    assert before["ordering", "tau_d"] == pytest.approx(0.82, abs=0.01)
    assert after["ordering", "tau_d"] >= 0.92
    assert after["hyperlex", "spearman_all"] >= 0.38 > before["hyperlex", "spearman_all"]
    for name in ("image_to_text_r1", "text_to_image_r1"):
        assert after["retrieval", name] >= before["retrieval", name] - 0.02, name
