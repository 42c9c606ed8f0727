"""The fast recipe is the reference recipe: same losses, same weights."""

import pytest
import torch
from plain_recipe import PlainRecipe
from tiny_alignment import make_encoder

from hierarcaps.alignment.data import Schedule
from hierarcaps.alignment.recipe import align
from hierarcaps.alignment.settings import AlignmentSettings
from hierarcaps.alignment.text_tower import text_parameters
from hierarcaps.data.hierarchy import CaptionHierarchy

STEPS = 5
# Losses of five steps at learning rate 1e-3, float64; changed only with the recipe itself.
GOLDEN = {
    "re": [
        0.7127024437644658,
        -0.35432148659671175,
        -0.6653625828183962,
        -1.1078052128849363,
        0.13242671938707562,
    ],
    "ec": [
        5.5211887474003,
        5.55150887512462,
        4.61771147229021,
        3.7669104215167435,
        3.4546180560329685,
    ],
}


@pytest.mark.parametrize("objective", ["re", "ec"])
@pytest.mark.parametrize("learning_rate", [1e-7, 1e-3])
def test_losses_and_weights_equal_the_plain_recipe(
    objective: str,
    learning_rate: float,
    items: list[CaptionHierarchy],
    held_out: list[CaptionHierarchy],
) -> None:
    # Two epochs: the prior meets texts that have moved.
    settings = AlignmentSettings(
        objective, learning_rate=learning_rate, epochs=2, max_steps=STEPS, log_every=1
    )
    plain_encoder = make_encoder()
    start = {n: p.detach().clone() for n, p in text_parameters(plain_encoder.model).items()}
    plain = PlainRecipe(plain_encoder.model, plain_encoder.tokenise, learning_rate, objective)
    schedule = Schedule(len(items), settings, seed=3)
    expected = []
    for step in range(STEPS):
        (batch,) = schedule.batches(step)
        expected.append(plain.step([(items[i].tiers, items[i].negatives) for i in batch]))

    encoder = make_encoder()
    result = align(encoder, items, held_out, settings, seed=3)
    assert result.steps == STEPS
    rows = [row for row in result.curve if row["split"] == "train"]
    assert len(rows) == STEPS
    for row, losses in zip(rows, expected, strict=True):
        for name, value in losses.items():
            assert row[name] == pytest.approx(value, rel=1e-5, abs=1e-12), name

    expected_weights = text_parameters(plain.model)
    for name, weight in text_parameters(encoder.model).items():
        moved = expected_weights[name] - start[name]
        assert moved.abs().max() > 0, name
        # The bias of the keys has no gradient but rounding, which Adam scales up: hence the atol.
        torch.testing.assert_close(
            weight, expected_weights[name], rtol=1e-5, atol=1e-6 * learning_rate
        )
        # The weights hardly move at 1e-7: compare the movement, too.
        difference = (weight - expected_weights[name]).norm() / moved.norm()
        assert difference < 1e-5, name


@pytest.mark.parametrize("objective", ["re", "ec"])
def test_golden_losses(
    objective: str, items: list[CaptionHierarchy], held_out: list[CaptionHierarchy]
) -> None:
    settings = AlignmentSettings(objective, learning_rate=1e-3, max_steps=5, epochs=2, log_every=1)
    result = align(make_encoder(), items, held_out, settings, seed=3)
    totals = [row["total"] for row in result.curve if row["split"] == "train"]
    assert totals == pytest.approx(GOLDEN[objective], rel=1e-5)
