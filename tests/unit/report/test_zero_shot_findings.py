"""The opening sentences must be right for whatever numbers the evaluation wrote."""

import json

import pandas as pd
import pytest

from hierarcaps.evaluation.results import POOLED_COLUMNS
from hierarcaps.report.study import Results
from hierarcaps.report.zero_shot.findings import finding, opening

MODELS = [
    ["a", "zeroshot", [0]],
    ["b", "zeroshot", [0]],
    ["a-untrained", "zeroshot", [0, 1]],
]


@pytest.fixture
def write(tmp_path):
    def write_study(rows: list[tuple], models=MODELS) -> Results:
        """Write rows of (model, seed, metric, value, half-width) and read them back."""
        tasks = {"tau_d": "ordering", "tau_d_length_controlled": "ordering"}
        controls = ("words", "characters", "shuffled")
        tasks |= {f"{m}_{c}": "radius_controls" for m in ("precision", "recall") for c in controls}
        tasks |= {"precision": "hierarchical_retrieval", "recall": "hierarchical_retrieval"}
        frame = pd.DataFrame(
            {
                "model": model,
                "objective": "baseline"
                if model in ("words", "characters", "frequency")
                else "zeroshot",
                "seed": seed,
                "task": tasks.get(metric, "retrieval"),
                "metric": metric,
                "value": value,
                "low": value - half,
                "high": value + half,
                "n": 100,
            }
            for model, seed, metric, value, half in rows
        )
        frame.to_csv(tmp_path / "summary.csv", index=False)
        test_set = {"source": "drawn scenes", "n_items": 100, "n_texts": 400}
        (tmp_path / "run.json").write_text(
            json.dumps({"params": {}, "versions": {}, "test_set": test_set})
        )
        return Results(tmp_path, models)

    return write_study


def _tau(a, b, untrained, words, half=0.01):
    return [
        ("a", 0, "tau_d", a, half),
        ("b", 0, "tau_d", b, half),
        ("a-untrained", 0, "tau_d", untrained, half),
        ("a-untrained", 1, "tau_d", untrained / 2, half),
        ("words", 0, "tau_d", words, half),
    ]


def test_the_best_model_and_the_controls_are_reported(write):
    sentence = opening(write(_tau(0.95, 0.9, 0.4, 0.88)))[0]
    assert "On 100 test hierarchies (drawn scenes)" in sentence
    assert "τ_d = 0.950 [0.940, 0.960] for a (highest of 2 models; lowest: 0.900, b)" in sentence
    assert "caption length in words gives 0.880" in sentence
    assert "untrained encoders give 0.200 to 0.400 (2 runs)" in sentence
    # b's interval [.89, .91] touches that of the word count, [.87, .89]: not above it.
    assert sentence.endswith("wholly above theirs for 1 of 2 models.")


def test_models_worse_than_their_controls_are_not_praised(write):
    sentence = opening(write(_tau(0.5, 0.3, 0.6, 0.9)))[0]
    assert sentence.endswith("wholly above theirs for none of 2 models.")


def test_length_controlled_compares_with_untrained_encoders_only(write):
    rows = [
        *_tau(0.95, 0.9, 0.4, 0.88),
        ("a", 0, "tau_d_length_controlled", 0.3, 0.05),
        ("b", 0, "tau_d_length_controlled", -0.2, 0.05),
        ("a-untrained", 0, "tau_d_length_controlled", 0.1, 0.05),
        ("words", 0, "tau_d_length_controlled", 0.9, 0.05),
    ]
    sentence = opening(write(rows))[1]
    assert "0.300 [0.250, 0.350] for a (highest of 2 models; lowest: −0.200, b)" in sentence
    assert "untrained encoders give 0.100 (1 run)" in sentence
    assert "for 1 of 2 models" in sentence


def test_word_frequency_is_a_control_where_length_is_none(write):
    rows = [
        *_tau(0.95, 0.9, 0.4, 0.88),
        ("frequency", 0, "tau_d", 0.92, 0.01),
        ("a", 0, "tau_d_length_controlled", 0.3, 0.05),
        ("b", 0, "tau_d_length_controlled", 0.2, 0.05),
        ("frequency", 0, "tau_d_length_controlled", 0.22, 0.01),
    ]
    first, second, _ = opening(write(rows))
    assert "gives 0.880, word frequency gives 0.920 and untrained encoders" in first
    assert first.endswith("for 1 of 2 models.")
    assert "; word frequency gives 0.220; " in second
    assert second.endswith("for 1 of 2 models.")


def test_retrieval_states_what_another_radius_gives(write):
    rows = [("a", 0, "recall", 0.5, 0.01), ("a", 0, "precision", 0.25, 0.01)]
    rows += [("a", 0, "recall_words", 0.6, 0.01), ("a", 0, "precision_words", 0.45, 0.01)]
    rows += [("a", 0, "recall_shuffled", 0.1, 0.01), ("a", 0, "precision_shuffled", 0.05, 0.01)]
    sentence = opening(write(rows, [["a", "zeroshot", [0]]]))[2]
    assert (
        "with the same similarities but another radius they are 0.600 and 0.450 with caption "
        "length in words and 0.100 and 0.050 with its own radii shuffled"
    ) in sentence


def test_retrieval_follows_the_model_of_highest_recall(write):
    rows = [
        *_tau(0.95, 0.9, 0.4, 0.88),
        ("a", 0, "recall", 0.2, 0.01),
        ("b", 0, "recall", 0.5, 0.01),
        ("a", 0, "precision", 0.9, 0.01),
        ("b", 0, "precision", 0.25, 0.01),
        ("b", 0, "image_to_text_r1", 0.7, 0.02),
    ]
    sentence = opening(write(rows))[2]
    assert "b (highest recall of 2 models; lowest: 0.200, a)" in sentence
    assert "recall 0.500 [0.490, 0.510] and precision 0.250 [0.240, 0.260]" in sentence
    assert "b has R@1 = 0.700 [0.680, 0.720]" in sentence


def test_what_was_not_measured_is_said_so(write):
    models = [["a", "zeroshot", [0]]]
    sentences = opening(write([("a", 0, "tau_d", 0.9, 0.01)], models))
    assert sentences[0].endswith("τ_d = 0.900 [0.890, 0.910] for a (the only model).")
    assert "No pair of tiers" in sentences[1]
    assert "not measured" in sentences[2]


def test_trainings_of_a_model_are_one_mean(write, tmp_path):
    rows = [*_tau(0.95, 0.9, 0.4, 0.88), ("a", 1, "tau_d", 0.85, 0.01)]
    mean = ("a", "zeroshot", "", "ordering", "tau_d", 0.905, 0.8, 1.0, 100, 2, 2, 0.895, 0.915)
    pd.DataFrame([mean], columns=POOLED_COLUMNS).to_csv(tmp_path / "pooled.csv", index=False)
    results = write(rows, [["a", "zeroshot", [0, 1]], *MODELS[1:]])
    sentence = opening(results)[0]
    assert "τ_d = 0.905 [0.800, 1.000] for a (highest of 2 models; lowest: 0.900, b)" in sentence
    # a's interval over items alone would lie above the word count's .89, that over trainings not.
    assert sentence.endswith("for none of 2 models.")
    assert "means over 2 trainings, 95% intervals over trainings and items; 1 model of one" in (
        finding(results)
    )


def test_an_encoder_of_texts_alone_is_no_model_that_is_praised(write, tmp_path):
    results = write(_tau(0.95, 0.9, 0.4, 0.88))
    info = json.loads((tmp_path / "run.json").read_text())
    info["params"]["models"] = {"a": {"text_only": "somewhere"}, "b": {"open_clip": "b"}}
    (tmp_path / "run.json").write_text(json.dumps(info))
    assert "for b (the only model)" in opening(results)[0]


def test_the_finding_counts_models_above_every_control(write):
    rows = [*_tau(0.95, 0.9, 0.4, 0.88), ("a", 0, "tau_d_length_controlled", 0.5, 0.1)]
    sentence = finding(write(rows))
    assert "1 of 2 models order general before specific captions better than any" in sentence
    assert "and the one model order" in sentence
    assert "all 2 models" in finding(write(_tau(0.95, 0.93, 0.4, 0.88)))
    assert "none of 2 models" in finding(write(_tau(0.8, 0.7, 0.4, 0.88)))
    assert "not measured" in finding(
        write([("a", 0, "recall", 0.5, 0.1)], [["a", "zeroshot", [0]]])
    )
