import json

import numpy as np
import pytest
import torch
from captions_in_memory import prepare_captions
from hostile_captions import HOSTILE
from safetensors.numpy import load_file
from small_memory import small_memory
from test_filter_and_recombine import GOOD, SEEDS, THRESHOLDS, LogicNLI
from tiny_checkpoints import tiny_t5
from transformers import T5ForConditionalGeneration

from hierarcaps.generation.distillation import (
    evaluate_hierarchy_model,
    train_hierarchy_model,
)
from hierarcaps.generation.negatives import add_negatives, write_positives
from hierarcaps.generation.oracle import negative_faults
from hierarcaps.generation.recombination import recombine
from hierarcaps.generation.seq2seq import HierarchyModel, examples_of
from hierarcaps.generation.shards import make_table
from hierarcaps.runtime.errors import InputError

SETTINGS = {
    "model": None, "width": 32, "layers": 1, "heads": 2, "steps": 15, "batch_size": 16,
    "learning_rate": 3e-3, "seed": 0, "device": "cpu",
}  # fmt: skip


@pytest.fixture(scope="module")
def chains():
    return [*SEEDS, *recombine(SEEDS, 60, 0)]


@pytest.fixture(scope="module")
def t5(tmp_path_factory):
    return HierarchyModel(tiny_t5(tmp_path_factory.mktemp("t5")), batch_size=2, device="cpu")


def test_examples_of_both_directions():
    assert examples_of(GOOD) == [
        *[("generalise: a red duck on the beach", "a red duck => a duck => an animal")] * 3,
        ("specialise:", "an animal"),
        ("specialise: an animal", "a duck"),
        ("specialise: an animal => a duck", "a red duck"),
        ("specialise: an animal => a duck => a red duck", "a red duck on the beach"),
    ]


def test_batches_change_nothing_and_sampling_is_seeded(t5):
    sources = ["generalise: a duck", "generalise: a small blue car in the snow", "specialise:"]
    together = t5.generate(sources, max_new_tokens=6)
    assert together == [t5.generate([source], max_new_tokens=6)[0] for source in sources]
    beams = t5.generate(sources, max_new_tokens=6, beams=3)
    assert len(beams) == 3
    sampled = [t5.generate(sources, max_new_tokens=9, temperature=2.0, seed=s) for s in (1, 1, 2)]
    assert sampled[0] == sampled[1] != sampled[2]
    assert t5.generate([], max_new_tokens=6) == []
    with pytest.raises(InputError, match="exclude each other"):
        t5.generate(sources, max_new_tokens=6, beams=2, temperature=1.0)


def test_a_memory_too_small_changes_no_output(t5, monkeypatch, capsys):
    sources = ["generalise: a duck", "generalise: a small blue car in the snow", "specialise:"]
    expected = t5.generate(sources, max_new_tokens=6)
    limited = small_memory(t5.model.generate, 1, rows=lambda input_ids, **_: len(input_ids))
    monkeypatch.setattr(t5.model, "generate", limited)
    assert t5.generate(sources, max_new_tokens=6) == expected
    assert "hierarchy model: memory does not hold 2 at once, goes on with 1" in (
        capsys.readouterr().err
    )


@pytest.fixture
def double_precision():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def test_h_is_trained_in_parts_to_the_same_loss(tmp_path, chains, monkeypatch, double_precision):
    """Its loss is the mean over the words of a batch: a part counts by its words."""
    settings = SETTINGS | {"steps": 3}
    # In single precision AdamW's first steps make of a gradient that is all rounding a whole step.
    train_hierarchy_model(chains, settings, tmp_path / "whole", tmp_path / "whole.csv")
    forward = T5ForConditionalGeneration.forward
    limited = small_memory(forward, 5, rows=lambda _self, input_ids, **_: len(input_ids))
    monkeypatch.setattr(T5ForConditionalGeneration, "forward", limited)
    train_hierarchy_model(chains, settings, tmp_path / "parts", tmp_path / "parts.csv")
    whole, parts = (load_file(tmp_path / x / "model.safetensors") for x in ("whole", "parts"))
    for name, value in whole.items():
        np.testing.assert_allclose(parts[name], value, atol=1e-6)


def test_unknown_words_and_hostile_captions_are_rejected_with_a_reason(t5):
    captions = [text for name, text in HOSTILE.items() if name != "surrogate"]
    results = t5.generalise(["a zebra", *captions])
    assert results[0][1].reason == "unknown_word"
    assert all((parsed.tiers is None) != (parsed.reason is None) for _, parsed in results)


def test_training_is_reproducible_and_opens_again(tmp_path, chains):
    held_out, teaching = chains[:6], chains[6:]
    for name in ("one", "two"):
        train_hierarchy_model(teaching, SETTINGS, tmp_path / name, tmp_path / "c.csv")
    first, second = ((tmp_path / n / "model.safetensors").read_bytes() for n in ("one", "two"))
    assert first == second
    model = HierarchyModel(str(tmp_path / "one"))
    report = evaluate_hierarchy_model(
        model, LogicNLI(), held_out, THRESHOLDS, tmp_path / "report.json"
    )
    assert json.loads((tmp_path / "report.json").read_text()) == report
    assert report["n"] == 6
    assert 0 <= report["nli_valid"] <= report["parsed"] <= 1
    nothing = evaluate_hierarchy_model(model, LogicNLI(), [], THRESHOLDS, tmp_path / "report.json")
    assert nothing == {"exact_match": None, "parsed": None, "nli_valid": None, "n": 0}


def test_training_goes_on_from_a_checkpoint(tmp_path, chains):
    start = tiny_t5(tmp_path / "start")
    settings = SETTINGS | {"model": start, "steps": 2}
    train_hierarchy_model(chains, settings, tmp_path / "h", tmp_path / "c.csv")
    config = json.loads((tmp_path / "h" / "config.json").read_text())
    assert config["d_ff"] == 32
    assert config["architectures"] == ["T5ForConditionalGeneration"]


def test_too_few_hierarchies_are_one_sentence(tmp_path):
    with pytest.raises(InputError, match="found 5 accepted hierarchies, expected at least 20"):
        train_hierarchy_model([*SEEDS, *SEEDS], SETTINGS, tmp_path / "h", tmp_path / "c.csv")


class Scripted:
    """An H that answers from a list, to see what the filters make of it."""

    def __init__(self, answers):
        self.answers = answers
        self.asked = []

    def specialise(self, prefixes, *, temperature, seed, max_new_tokens=32):
        self.asked.append(list(prefixes))
        return [self.answers[len(prefix)].pop(0) for prefix in prefixes]


NEGATIVES = {"tries": 2, "temperature": 1.0, "max_new_tokens": 16}


def test_a_negative_continues_the_tier_before_and_contradicts_its_own():
    h = Scripted(
        [
            ["a vehicle"], ["a duck", "an owl"], ["a small duck", "a blue duck"],
            [GOOD[3] + ".", "a red duck in the snow"],
        ]
    )  # fmt: skip
    table = add_negatives(
        make_table([{"tiers": GOOD}, {"reason": "tier_count"}]), h, LogicNLI(), THRESHOLDS,
        NEGATIVES, seed=0,
    )  # fmt: skip
    row = table.iloc[0]
    assert row["reason"] is None
    assert row["negatives"] == ("a vehicle", "an owl", "a blue duck", "a red duck in the snow")
    assert not any(negative_faults(row["tiers"], row["negatives"]))
    assert [len(asked) for asked in h.asked] == [4, 3]
    assert table.iloc[1]["reason"] == "tier_count"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("a blue car", "negative3_not_entailing"),
        ("a small duck", "negative3_not_contradicting"),
        ("A red duck.", "negative3_same_as_positive"),
        ("a duck => an owl", "negative3_malformed"),
        ("", "negative3_malformed"),
    ],
)
def test_a_row_without_a_negative_says_why(answer, reason):
    h = Scripted([["a vehicle"], ["an owl"], [answer] * 2, ["a red duck in the snow"]])
    table = add_negatives(
        make_table([{"tiers": GOOD}]), h, LogicNLI(), THRESHOLDS, NEGATIVES, seed=0
    )
    assert table["reason"].tolist() == [reason]
    assert table["negatives"].tolist() == [None]


def test_a_negative_too_long_for_the_judge_is_unread():
    h = Scripted([["a vehicle"], ["an owl"], ["a blue duck " * 9] * 2, ["a red duck in the snow"]])
    nli = LogicNLI(longest=90)
    table = add_negatives(make_table([{"tiers": GOOD}]), h, nli, THRESHOLDS, NEGATIVES, seed=0)
    assert table["reason"].tolist() == ["negative3_unread"]


def test_repeating_a_greedy_try_is_refused(t5):
    with pytest.raises(InputError, match="temperature above 0"):
        add_negatives(
            make_table([]), t5, LogicNLI(), THRESHOLDS, NEGATIVES | {"temperature": 0}, seed=0
        )


def test_positives_keep_every_caption(t5):
    import pandas as pd

    texts = ["a duck", "a zebra on the beach", *HOSTILE.values()]
    raw = pd.DataFrame({"caption": texts, "image": ["x.png"] * len(texts)}, dtype=object)
    captions, _ = prepare_captions(raw)
    table = write_positives(captions, t5, LogicNLI(), THRESHOLDS, {"max_new_tokens": 8, "beams": 2})
    assert table["caption"].tolist() == captions["caption"].tolist()
    assert table["reason"].notna().all()
