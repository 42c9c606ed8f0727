"""What alignment changes, leaves alone, reports and refuses."""

import csv
import math
import re
from dataclasses import replace
from itertools import chain, pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from small_memory import small_memory
from tiny_alignment import make_encoder, make_items

from hierarcaps.alignment.curve import write_curve
from hierarcaps.alignment.data import Schedule
from hierarcaps.alignment.recipe import align
from hierarcaps.alignment.settings import AlignmentSettings
from hierarcaps.alignment.text_tower import PackedTextTower, text_parameters
from hierarcaps.data.hierarchy import CaptionHierarchy
from hierarcaps.models.open_clip_family.encoder import OpenClipEncoder
from hierarcaps.runtime.errors import InputError

FAST = {"learning_rate": 1e-3, "epochs": 6, "log_every": 3}


def validation_rows(curve: list[dict]) -> list[dict]:
    return [row for row in curve if row["split"] == "validation"]


@pytest.mark.parametrize("objective", ["re", "ec"])
def test_alignment_orders_held_out_tiers(
    objective: str,
    encoder: OpenClipEncoder,
    items: list[CaptionHierarchy],
    held_out: list[CaptionHierarchy],
) -> None:
    result = align(encoder, items, held_out, AlignmentSettings(objective, **FAST), seed=0)
    first, last = validation_rows(result.curve)
    assert last["total"] < first["total"]
    assert last["tau_d"] > first["tau_d"]
    assert last["angle_violations"] < first["angle_violations"]
    assert first["prior"] == pytest.approx(0, abs=1e-12)
    assert 0 < last["prior"] < 0.5


@pytest.mark.parametrize("settings", [{}, {"accumulate": 2, "batch_size": 5}, {"root": "learned"}])
def test_a_memory_too_small_changes_no_step(
    settings: dict,
    items: list[CaptionHierarchy],
    held_out: list[CaptionHierarchy],
    monkeypatch: pytest.MonkeyPatch,
    capsys,
) -> None:
    """The hard-example term is of the whole batch: parts are of the texts, not of the loss.

    No two triplets share a pair of texts: which of equally hard ones is taken is up to rounding.
    """
    items = [
        replace(
            item,
            tiers=tuple(f"{text} {number}" for text in item.tiers),
            negatives=tuple(f"{text} {number}" for text in item.negatives or ()),
        )
        for number, item in enumerate(items)
    ]
    whole, parts = make_encoder(), make_encoder()
    params = AlignmentSettings.from_params({"objective": "re", **FAST} | settings)
    align(whole, items, held_out, params, seed=0)
    encode = PackedTextTower.encode
    limited = small_memory(encode, 12, rows=lambda _self, tokens: len(tokens))
    monkeypatch.setattr(PackedTextTower, "encode", limited)
    align(parts, items, held_out, params, seed=0)
    expected = whole.model.state_dict()
    for name, value in parts.model.state_dict().items():
        torch.testing.assert_close(value, expected[name], atol=1e-6, rtol=0)
    said = capsys.readouterr().err
    assert "alignment: memory does not hold a batch at once, goes on in" in said
    assert "embedding texts: memory does not hold" in said


def test_only_the_text_tower_changes(
    encoder: OpenClipEncoder, items: list[CaptionHierarchy], held_out: list[CaptionHierarchy]
) -> None:
    before = {name: value.clone() for name, value in encoder.model.state_dict().items()}
    align(encoder, items, held_out, AlignmentSettings("re", **FAST), seed=0)
    trained = set(text_parameters(encoder.model))
    assert "text_projection" in trained
    for name, value in encoder.model.state_dict().items():
        assert torch.equal(value, before[name]) == (name not in trained), name


@pytest.mark.parametrize(
    "ablation",
    [
        {"prior_weight": 0.0},
        {"hard_weight": 0.0},
        {"negatives": False},
        {"tiers": [1, 2, 4]},
        {"tiers": [1, 2, 4], "negatives": False, "objective": "ec"},
        {"root": "mean"},
        {"root": "origin"},
        {"root": "learned"},
        {"objective": "ec", "eps": 0.3, "margin": 1.0},
        {"accumulate": 2, "batch_size": 5},
        {"schedule": "cosine", "warmup_steps": 3},
    ],
)
def test_ablations_run_and_differ_from_the_recipe(
    ablation: dict, items: list[CaptionHierarchy], held_out: list[CaptionHierarchy]
) -> None:
    params = {"objective": "re", **FAST}
    base = align(make_encoder(), items, held_out, AlignmentSettings.from_params(params), seed=0)
    settings = AlignmentSettings.from_params(params | ablation)
    result = align(make_encoder(), items, held_out, settings, seed=0)
    first, last = validation_rows(result.curve)
    assert last["total"] != validation_rows(base.curve)[-1]["total"]
    assert all(math.isfinite(v) for row in result.curve for v in row.values() if v != row["split"])
    assert last["triplet"] < first["triplet"]
    assert (result.root is None) == (settings.root == "empty")
    assert ("angle_negative" in last) == settings.negatives
    assert [name for name in last if name.startswith("radius_") and name[-1].isdigit()] == [
        f"radius_{tier}" for tier in settings.tiers
    ]


def test_accumulated_batches_give_the_gradient_of_their_mean(
    items: list[CaptionHierarchy], held_out: list[CaptionHierarchy]
) -> None:
    """Without the hard-example term, which looks at one batch, accumulation is a larger batch."""
    weights = []
    for size, accumulate in ((8, 1), (2, 4)):
        encoder = make_encoder()
        settings = AlignmentSettings(
            "re", hard_weight=0.0, batch_size=size, accumulate=accumulate, learning_rate=1e-3
        )
        align(encoder, items, held_out, settings, seed=0)
        weights.append(encoder.model.text_projection.detach())
    torch.testing.assert_close(*weights, rtol=1e-6, atol=1e-9)


def test_early_stopping_returns_the_best_weights(
    items: list[CaptionHierarchy], held_out: list[CaptionHierarchy]
) -> None:
    params = {"learning_rate": 0.1, "epochs": 10, "validate_every": 1, "patience": 3}
    encoder = make_encoder()
    result = align(encoder, items, held_out, AlignmentSettings("re", **params), seed=0)
    rows = validation_rows(result.curve)
    best = min(rows, key=lambda row: row["total"])
    assert result.steps == best["step"]
    assert rows[-1]["step"] == best["step"] + 3 < 30
    again = align(
        encoder, items, held_out, AlignmentSettings("re", prior_weight=0.0, max_steps=1), seed=0
    )
    first = validation_rows(again.curve)[0]
    assert first["triplet"] == pytest.approx(best["triplet"], rel=1e-9)


def test_recall_is_watched_where_there_are_images(
    encoder: OpenClipEncoder, items: list[CaptionHierarchy], held_out: list[CaptionHierarchy]
) -> None:
    with torch.no_grad():
        images = encoder.model.encode_text(
            encoder.tokenise([item.tiers[-1] for item in held_out]), normalize=True
        ).numpy()
    settings = AlignmentSettings("re", **FAST)
    result = align(encoder, items, held_out, settings, seed=0, validation_images=images)
    first, last = validation_rows(result.curve)
    assert first["r1_image_to_text"] == first["r1_text_to_image"] == first["r1_retention"] == 1.0
    assert last["r1_retention"] == (last["r1_image_to_text"] + last["r1_text_to_image"]) / 2
    with pytest.raises(InputError, match="found 2 validation images"):
        align(encoder, items, held_out, settings, seed=0, validation_images=np.zeros((2, 16)))


def test_other_captions_of_an_image_are_right_in_validation_too(
    encoder: OpenClipEncoder, items: list[CaptionHierarchy], held_out: list[CaptionHierarchy]
) -> None:
    """Three images of two items each: the image has the embedding of its first caption."""
    held_out = [replace(item, image=f"{row // 2}.png") for row, item in enumerate(held_out)]
    captions = [held_out[row - row % 2].tiers[-1] for row in range(len(held_out))]
    with torch.no_grad():
        images = encoder.model.encode_text(encoder.tokenise(captions), normalize=True).numpy()
    settings = AlignmentSettings("re", **FAST)
    result = align(encoder, items, held_out, settings, seed=0, validation_images=images)
    first = validation_rows(result.curve)[0]
    # One row an image: no image ties with its own copy, and finds its first caption.
    assert first["r1_image_to_text"] == 1
    assert first["r1_text_to_image"] >= 0.5


def test_a_loss_that_is_not_finite_names_step_and_items(
    encoder: OpenClipEncoder, items: list[CaptionHierarchy], held_out: list[CaptionHierarchy]
) -> None:
    settings = AlignmentSettings("re", learning_rate=1e30, epochs=3)
    with pytest.raises(InputError) as raised:
        align(encoder, items, held_out, settings, seed=0)
    message = str(raised.value)
    found = re.search(r"loss is (nan|inf) at step (\d+) on items", message)
    assert found
    (batch,) = Schedule(len(items), settings, 0).batches(int(found[2]) - 1)
    assert all(repr(items[i].item_id) in message for i in batch)


def test_items_without_negatives_are_named(
    encoder: OpenClipEncoder, items: list[CaptionHierarchy]
) -> None:
    bare = [CaptionHierarchy(item.item_id, item.tiers) for item in make_items(3)]
    with pytest.raises(InputError, match="item 'item-0' has no negatives"):
        align(encoder, bare, items, AlignmentSettings("re"), seed=0)
    align(encoder, bare, bare, AlignmentSettings("re", negatives=False), seed=0)
    with pytest.raises(InputError, match="no items"):
        align(encoder, items, [], AlignmentSettings("re"), seed=0)


@pytest.mark.parametrize("n_items", [1, 7, 8, 9, 30])
@pytest.mark.parametrize("accumulate", [1, 3])
def test_an_epoch_meets_every_item_once(n_items: int, accumulate: int) -> None:
    settings = AlignmentSettings("re", epochs=2, batch_size=4, accumulate=accumulate)
    schedule = Schedule(n_items, settings, seed=0)
    order = [np.concatenate(schedule.batches(step)).tolist() for step in range(schedule.n_steps)]
    half = schedule.steps_per_epoch
    epochs = [list(chain(*order[:half])), list(chain(*order[half:]))]
    assert [sorted(epoch) for epoch in epochs] == [list(range(n_items))] * 2
    short = Schedule(n_items, AlignmentSettings("re", batch_size=4, max_steps=1), seed=0)
    assert short.items().tolist() == sorted(short.batches(0)[0].tolist())


def test_curve_is_a_table(tmp_path: Path) -> None:
    write_curve(tmp_path / "curve.csv", [{"step": 1, "total": 0.1}, {"step": 2, "tau_d": 1 / 3}])
    with (tmp_path / "curve.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert rows[0] == {"step": "1", "total": "0.1", "tau_d": ""}
    assert float(rows[1]["tau_d"]) == 1 / 3


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"objective": "re", "lr": 1}, "alignment.lr: unknown key"),
        ({}, "alignment.objective: missing"),
        ({"objective": "xe"}, "found 'xe', expected one of re, ec"),
        ({"objective": "re", "learning_rate": 0.0}, "alignment.learning_rate: found 0.0"),
        ({"objective": "re", "batch_size": 2.5}, "alignment.batch_size: found 2.5"),
        ({"objective": "re", "tiers": [2, 1]}, "alignment.tiers"),
        ({"objective": "re", "tiers": [4, 5]}, "alignment.tiers"),
        ({"objective": "re", "root": "text"}, "alignment.root"),
        ({"objective": "re", "prior_weight": math.nan}, "alignment.prior_weight: found nan"),
        ({"objective": "re", "triplet_weight": 0, "hard_weight": 0}, "alignment.triplet_weight"),
    ],
)
def test_settings_refuse_bad_values_in_one_sentence(params: dict, message: str) -> None:
    with pytest.raises(InputError) as raised:
        AlignmentSettings.from_params(params)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_learning_rate_schedule() -> None:
    settings = AlignmentSettings("re", learning_rate=1.0, schedule="cosine", warmup_steps=4)
    rates = [settings.learning_rate_at(step, 24) for step in range(24)]
    assert rates[:5] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    assert rates[14] == pytest.approx(0.5)
    assert all(a > b for a, b in pairwise(rates[4:]))
    assert 0 < rates[-1] < 0.01
    assert AlignmentSettings("re").learning_rate_at(10, 20) == 1e-7
