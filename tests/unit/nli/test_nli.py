from random import Random

import numpy as np
import pytest
from hostile_captions import HOSTILE
from small_memory import small_memory
from tiny_checkpoints import tiny_deberta, tiny_deberta_v3, tiny_judge

from hierarcaps.nli import CONTRADICTION, ENTAILMENT, NEUTRAL, NLIModel
from hierarcaps.nli.model import resolve_labels
from hierarcaps.nli.pairs import _Options, attribute_relations, sample_meaning, sample_pairs
from hierarcaps.nli.training import evaluate_nli, train_nli
from hierarcaps.nli.word_labels import IGNORED, caption_words, word_relations
from hierarcaps.runtime.errors import InputError
from hierarcaps.scenes.grammar import parse
from hierarcaps.scenes.logic import relation

LABELS = ("contradiction", "ENTAILMENT", "Neutral")
PAIRS = [
    ("a red duck on the beach", "a duck"), ("a duck", "an animal"), ("a car", "a duck"),
    ("a small blue car in the snow", "a blue car"), ("a duck", "an animal"),
]  # fmt: skip


@pytest.fixture(scope="module")
def deberta(tmp_path_factory):
    return tiny_deberta(tmp_path_factory.mktemp("deberta"), LABELS)


def test_labels_are_found_by_name():
    assert resolve_labels({0: "CONTRADICTION", 1: "neutral", 2: "Entailment"}, "x") == [2, 1, 0]
    assert resolve_labels({0: "entail", 1: "contradict", 2: "neutral"}, "x") == [0, 2, 1]


@pytest.mark.parametrize(
    "names",
    [
        ("LABEL_0", "LABEL_1", "LABEL_2"),
        ("entailment", "not_entailment"),
        ("entailment", "entailed", "neutral", "contradiction"),
    ],
)
def test_unnamed_or_ambiguous_labels_are_refused(names):
    with pytest.raises(InputError, match="expected one each of entailment"):
        resolve_labels(dict(enumerate(names)), "x")


def test_probabilities_follow_the_names_not_the_columns(deberta):
    import torch

    nli = NLIModel(deberta, canaries={}, device="cpu", batch_tokens=16)
    found = nli.probabilities(PAIRS)
    assert found.shape == (5, 3)
    assert np.allclose(found.sum(1), 1, atol=1e-6)
    for pair, row in zip(PAIRS, found, strict=True):
        inputs = nli.tokenizer(*pair, return_tensors="pt")
        with torch.no_grad():
            one = torch.softmax(nli.model(**inputs).logits[0], -1).numpy()
        assert row[CONTRADICTION] == pytest.approx(one[0], abs=1e-5)
        assert row[ENTAILMENT] == pytest.approx(one[1], abs=1e-5)
        assert row[NEUTRAL] == pytest.approx(one[2], abs=1e-5)
    assert nli.probabilities([]).shape == (0, 3)


def test_a_memory_too_small_changes_no_probability(deberta, monkeypatch, capsys):
    expected = NLIModel(deberta, canaries={}, device="cpu").probabilities(PAIRS)
    nli = NLIModel(deberta, canaries={}, device="cpu")
    limited = small_memory(nli.model.forward, 1, rows=lambda input_ids, **_: len(input_ids))
    monkeypatch.setattr(nli.model, "forward", limited)
    assert np.allclose(nli.probabilities(PAIRS), expected, atol=1e-6)
    assert "NLI: memory does not hold 4 at once, goes on with 1" in capsys.readouterr().err


def test_each_pair_is_classified_once(deberta, monkeypatch):
    nli = NLIModel(deberta, canaries={}, device="cpu")
    asked = []
    classify = nli._classify
    monkeypatch.setattr(nli, "_classify", lambda new: (asked.extend(new), classify(new)))
    nli.probabilities(PAIRS)
    nli.probabilities(PAIRS[::-1])
    assert sorted(asked) == sorted(set(PAIRS))


def test_what_cannot_be_read_is_neutral(deberta):
    nli = NLIModel(deberta, canaries={}, device="cpu", max_length=20)
    texts = [text for name, text in HOSTILE.items() if name not in ("surrogate", "separator")]
    for text in [*texts, "a zebra", "a duck " * 30]:
        assert nli.probabilities([("a duck", text)])[0].tolist() == [0, 1, 0] or not text.split()


def test_pairs_longer_than_the_model_reads_are_told_apart(deberta):
    nli = NLIModel(deberta, canaries={}, device="cpu", max_length=20)
    pairs = [("a duck", "a duck " * 30), ("a duck", "a zebra"), ("a duck", "an animal")]
    nli.probabilities(pairs)
    assert [nli.is_too_long(pair) for pair in pairs] == [True, False, False]


def test_a_wrong_canary_is_reported(deberta):
    pair = PAIRS[0]
    found = int(NLIModel(deberta, canaries={}).probabilities([pair])[0].argmax())
    right, wrong = LABEL_NAMES[found], LABEL_NAMES[(found + 1) % 3]
    NLIModel(deberta, canaries={right: pair})
    with pytest.raises(InputError, match=f"classified as {right}, expected {wrong}"):
        NLIModel(deberta, canaries={wrong: pair})
    with pytest.raises(InputError, match=r"nli\.canaries"):
        NLIModel(deberta, canaries={"sameness": pair})


LABEL_NAMES = ("entailment", "neutral", "contradiction")


def test_missing_checkpoint():
    with pytest.raises(InputError, match="cannot be loaded as AutoTokenizer"):
        NLIModel("/no/such/model")


def test_pairs_carry_the_logics_own_labels_and_the_same_seed_gives_the_same_pairs():
    pairs = list(sample_pairs(2000, 5))
    assert pairs == list(sample_pairs(2000, 5))
    assert pairs != list(sample_pairs(2000, 6))
    for pair in pairs:
        premise, hypothesis = parse(pair.premise), parse(pair.hypothesis)
        assert premise is not None
        assert hypothesis is not None
        assert relation(premise, hypothesis) == pair.label
        assert attribute_relations(premise, hypothesis) == pair.attributes
    labels = [pair.label for pair in pairs]
    assert min(labels.count(label) for label in LABEL_NAMES) > 300


def test_attribute_relations_decide_the_label():
    rng = Random(0)
    for _ in range(3000):
        a, b = (sample_meaning(rng, _Options(0.7, 0.5)) for _ in range(2))
        assert LABEL_NAMES[max(attribute_relations(a, b))] == relation(a, b)


def test_the_strongest_word_label_is_the_pairs_label():
    for pair in sample_pairs(3000, 9):
        labels = word_relations(pair.hypothesis, pair.attributes)
        assert len(labels) == len(caption_words(pair.hypothesis))
        assert LABEL_NAMES[max([0, *labels])] == pair.label


def test_word_labels_name_the_attribute():
    # The subject's colour contradicts; the companion's is not said in the premise.
    relations = (0, 0, 2, 0, 0, 0, 1, 0, 0, 1)
    text = "in a field, a red duck next to a red car"
    labels = dict(enumerate(word_relations(text, relations)))
    words = caption_words(text)
    assert [words[i] for i, label in labels.items() if label == 2] == ["red"]
    assert [words[i] for i, label in labels.items() if label == 1] == ["next", "to", "red"]
    assert labels[3] == IGNORED


SETTINGS = {
    "steps": 20, "batch_size": 16, "learning_rate": 1e-3, "seed": 0, "width": 32, "layers": 2,
    "heads": 2,
}  # fmt: skip


def test_training_writes_a_checkpoint_that_opens_like_any_other(tmp_path):
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        train_nli(SETTINGS, folder, tmp_path / "curve.csv")
    weights = [(folder / "model.safetensors").read_bytes() for folder in folders]
    assert weights[0] == weights[1]
    assert not list(tmp_path.glob(".*"))
    assert (tmp_path / "curve.csv").read_text().startswith("step,loss\n")
    nli = NLIModel(str(folders[0]), canaries={})
    report = evaluate_nli(nli, 200, 0, tmp_path / "report.json")
    assert set(LABEL_NAMES) < set(report["accuracy"])
    assert report["n"]["all"] == 200
    with pytest.raises(InputError, match="no multiple"):
        train_nli(SETTINGS | {"heads": 5}, tmp_path / "x", tmp_path / "c.csv")


@pytest.mark.parametrize(
    ("family", "ids"),
    [
        ("bert", [2, 5, 3, 6, 3]),
        # One separator, as it was trained with; the tokeniser of transformers 5 writes two.
        ("deberta", [1, 5, 2, 6, 2]),
        ("roberta", [0, 5, 2, 2, 6, 2]),
    ],
)
def test_pairs_are_joined_as_the_family_was_trained(tmp_path, family, ids):
    judge = NLIModel(tiny_judge(tmp_path, family), canaries={})
    encoded = judge._encode([("a", "b"), ("b", "a")])
    assert encoded["input_ids"][0] == ids
    assert {len(values[0]) for values in encoded.values()} == {len(ids)}
    assert judge.probabilities([("a", "b")]).shape == (1, 3)


def test_a_family_whose_pairs_are_not_known_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"its family \(gpt2\) joins .* is not known here"):
        NLIModel(tiny_judge(tmp_path, "gpt2"), canaries={})


def test_a_roberta_has_room_for_two_tokens_fewer_than_it_has_positions(tmp_path):
    judge = NLIModel(tiny_judge(tmp_path, "roberta", positions=14), max_length=512, canaries={})
    assert judge.max_length == 12
    texts = [("a" * 4, "b" * 4), ("a" * 5, "b" * 4)]  # 12 tokens, 13 tokens
    fits, too_long = judge.probabilities(texts)
    assert too_long.tolist() == [0, 1, 0]
    assert fits.tolist() != [0, 1, 0]


def test_a_separator_spelled_out_is_no_separator(tmp_path):
    judge = NLIModel(tiny_judge(tmp_path, "bert"), canaries={})
    assert judge.probabilities([("a [SEP] b", "a")])[0].tolist() == [0, 1, 0]


# As the configurations of published judges of DeBERTa v3 have them.
V3_LABELS = {
    "MoritzLaurer": ("entailment", "neutral", "contradiction"),
    "cross-encoder": ("contradiction", "entailment", "neutral"),
}


@pytest.mark.parametrize("publisher", V3_LABELS)
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_a_judge_of_version_3_is_read_as_it_was_published(tmp_path, publisher, dtype):
    """Against the plain computation: pieces joined by hand, labels by name, single precision."""
    import torch
    import transformers

    labels = V3_LABELS[publisher]
    folder = tiny_deberta_v3(tmp_path, labels, dtype)
    judge = NLIModel(folder, canaries={})
    pairs = [("a red car", "a car"), ("a car", "a red car"), ("cars", "a car")]
    start, end = judge.tokenizer.cls_token_id, judge.tokenizer.sep_token_id
    model = transformers.DebertaV2ForSequenceClassification.from_pretrained(
        folder, dtype=torch.float32
    ).eval()
    for pair, found in zip(pairs, judge.probabilities(pairs), strict=True):
        one, two = (
            judge.tokenizer.convert_tokens_to_ids(judge.tokenizer.tokenize(text)) for text in pair
        )
        ids = [start, *one, end, *two, end]
        assert judge._encode([pair])["input_ids"][0] == ids
        with torch.no_grad():
            plain = model(torch.tensor([ids])).logits[0].softmax(-1).numpy()
        expected = [
            plain[labels.index(name)] for name in ("entailment", "neutral", "contradiction")
        ]
        np.testing.assert_allclose(found, expected, atol=1e-5)
    assert next(judge.model.parameters()).dtype == torch.float32
    # A word that its pieces cannot spell is not judged.
    assert judge.probabilities([("a red zebra", "a car")])[0].tolist() == [0, 1, 0]
