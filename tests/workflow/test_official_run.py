"""The probe on the official test set: all 1,000 items, a mini CLIP and random weights."""

import pandas as pd
import pytest
import yaml
from job_table import job_counts
from smoke import ROOT, snakemake

ARCHITECTURE = "ViT-S-32-alt"  # depth, pictures and patches of a ViT-B/32, half as wide


@pytest.fixture(scope="module")
def official_summary(smoke_run, real_data, tmp_path_factory) -> pd.DataFrame:
    directory = tmp_path_factory.mktemp("official")
    weights = directory / "vit-s-32.safetensors"
    write_random_weights(weights)
    overlay = ROOT / "config" / "official.yaml"
    official = yaml.safe_load(overlay.read_text(encoding="utf-8"))
    changes = {
        "models": {
            **dict.fromkeys(official["models"]),
            "rn-16": {"open_clip": str(smoke_run / "models" / "rn-16" / "seed0"), "seeds": [0]},
            "ViT-untrained": {"open_clip": ARCHITECTURE, "pretrained": str(weights)},
            "rn-16-untrained": None,
        },
        "test_set": {"official_directory": str(real_data / "hierarcaps")},
        "evaluation": {"bootstrap": {"resamples": 100}},
    }
    encoder = real_data / "real_encoder"
    if encoder.is_dir():
        changes["models"]["real-encoder"] = {"open_clip": str(encoder)}
    snakemake(directory, "--", "probe", overlays=[overlay], changes=changes)
    return pd.read_csv(directory / "results-official" / "summary.csv")


def write_random_weights(path) -> None:
    import torch
    from safetensors.torch import save_model

    from hierarcaps.models.open_clip_family.encoder import open_clip

    torch.manual_seed(0)
    save_model(open_clip.create_model(ARCHITECTURE), path)


def value(summary: pd.DataFrame, model: str, metric: str) -> float:
    rows = summary[(summary["model"] == model) & (summary["metric"] == metric)]
    (row,) = rows[rows["task"].isin(["ordering", "hierarchical_retrieval"])].itertuples()
    assert row.n == 1000
    return row.value


def test_length_alone_orders_the_official_tiers(official_summary):
    assert value(official_summary, "words", "tau_d") == pytest.approx(0.890, abs=0.001)
    assert value(official_summary, "characters", "tau_d") == pytest.approx(0.869, abs=0.001)


def test_random_weights_order_tiers_but_retrieve_nothing(official_summary):
    assert 0.7 < value(official_summary, "ViT-untrained", "tau_d") < 0.95
    assert value(official_summary, "ViT-untrained", "precision") < 0.02
    assert value(official_summary, "ViT-untrained", "recall") < 0.02


def test_a_mini_clip_is_probed_on_photographs(official_summary):
    assert value(official_summary, "rn-16", "recall") < 0.2


@pytest.mark.parametrize(
    ("metric", "expected"), [("tau_d", 0.823), ("precision", 0.060), ("recall", 0.148)]
)
def test_a_really_trained_encoder_scores_as_it_did(official_summary, metric, expected):
    if "real-encoder" not in set(official_summary["model"]):
        pytest.skip("no real encoder")
    assert value(official_summary, "real-encoder", metric) == pytest.approx(expected, abs=0.005)


def test_alignment_is_on_the_authors_training_file(tmp_path):
    """``make official-align MODELS=CLIP-B``: what it plans."""
    only = {"probe": {"models": ["CLIP-B"]}, "alignment": {"objectives": {"ec": None}}}
    names = ("official.yaml", "official-align.yaml")
    overlays = [ROOT / "config" / name for name in names]
    result = snakemake(tmp_path, "--dry-run", "--", "all", overlays=overlays, changes=only)
    counts = job_counts(result.stdout)
    assert counts["align"] == counts["download_hierarcaps"] == 1
    assert counts["embed"] == 2
    assert not {"draw_scenes", "write_seeds", "train_nli", "pretrain"} & set(counts)


def test_the_benchmark_draws_and_generates_nothing(tmp_path):
    """``make official MODELS="CLIP-B CLIP-B-untrained"``: what it plans."""
    only = {"probe": {"models": ["CLIP-B", "CLIP-B-untrained"]}}
    overlays = [ROOT / "config" / "official.yaml", ROOT / "config" / "zoo.yaml"]
    result = snakemake(tmp_path, "--dry-run", "--", "all", overlays=overlays, changes=only)
    counts = job_counts(result.stdout)
    assert counts["embed"] == counts["evaluate"] == 2
    assert counts["pretrain"] == counts["fetch_official_test_set"] == 1
    assert counts["render_report"] == 4
    assert not {"draw_scenes", "draw_contact_sheet", "write_seeds", "train_nli"} & set(counts)
