"""Every mistake in params.yaml gives one sentence with the key and what is allowed."""

import copy
from pathlib import Path

import pytest
import yaml

from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.params import check_repeated_keys, drop_nulls, merge, validate

ROOT = Path(__file__).resolve().parents[3]
SCHEMA = ROOT / "workflow" / "schemas" / "params.schema.yaml"


@pytest.fixture
def params() -> dict:
    return yaml.safe_load((ROOT / "params.yaml").read_text())


def change(params: dict, path: str, value: object) -> dict:
    changed = copy.deepcopy(params)
    *parents, key = path.split(".")
    section = changed
    for parent in parents:
        section = section[parent]
    section[key] = value
    return changed


def test_default_params_are_valid(params):
    assert validate(params, SCHEMA) == params


# Overlays that are given after others.
UNDERNEATH = {
    "official-align.yaml": ("official.yaml",),
    "zoo.yaml": ("official.yaml",),
    "rehearsal.yaml": ("paper.yaml",),
    "open-models.yaml": ("paper.yaml",),
}


@pytest.mark.parametrize("overlay", sorted(p.name for p in (ROOT / "config").glob("*.yaml")))
def test_every_overlay_is_valid(params, overlay):
    for name in (*UNDERNEATH.get(overlay, ()), overlay):
        params = merge(params, yaml.safe_load((ROOT / "config" / name).read_text()))
    validate(params, SCHEMA)


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("evaluaton", {}, "unknown key 'evaluaton' (did you mean 'evaluation'?)"),
        ("evaluation.threshold", 3, "evaluation: unknown key 'threshold'"),
        (
            "evaluation.thresholds",
            "fifty",
            "thresholds: expected integer, found 'fifty'",
        ),
        ("evaluation.thresholds", 1, "evaluation.thresholds: 1 is less than the minimum of 2"),
        ("evaluation.bootstrap", {"seed": 0}, "evaluation.bootstrap: missing key 'resamples'"),
        ("models", {}, "models: "),
        ("models.mine", {"open_clip": "models/none/seed{seed}"}, "no variant 'none' to pre-train"),
        ("models.mine", {"meru": "models/none/seed{seed}"}, "no variant 'none' to pre-train"),
        ("models.mine", {"open_clip": "models/meru-16/seed0"}, "objective 'meru', expected 'clip'"),
        ("models.mine", {"meru": "models/rn-16/seed0"}, "objective 'clip', expected 'meru'"),
        ("models.mine", {"meru": "a.pth", "root": "mum"}, "models.mine.root: expected one of"),
        ("alignment.models", ["meru-16"], "meru-16 is on the hyperboloid"),
        ("pretrain.variants.rn-16.objective", "meru", "expected 'entailment_weight' with the"),
        ("pretrain.training.captions", 5, "at most scenes.captions_per_image = 4 captions a step"),
        ("models.mine", {"openclip": "ViT-B-32"}, "models.mine: unknown key 'openclip'"),
        ("models.mine", {"open_clip": "ViT-B-32", "seeds": []}, "models.mine.seeds: "),
        ("models.mine", {"pretrained": "openai"}, "models.mine: expected exactly one of open_clip"),
        ("models.mine", {"text_only": ""}, "models.mine.text_only: "),
        ("alignment.models", ["none"], "alignment.models: unknown model 'none'"),
        ("alignment.recipe.root", "mode", "expected one of ['empty', 'mean', 'origin', 'learned']"),
        ("nli.thresholds.entailment", 2, "nli.thresholds.entailment: 2 is greater than"),
        ("pretrain.variants.rn-16.architecture", "rn", "unknown architecture 'rn'; allowed are"),
        ("scenes.train", 0, "scenes.train: 0 is less than the minimum of 1"),
    ],
)
def test_a_mistake_is_one_sentence(params, path, value, expected):
    with pytest.raises(InputError) as raised:
        validate(change(params, path, value), SCHEMA)
    message = str(raised.value)
    assert expected in message
    assert "\n" not in message
    assert message.endswith(".")


def test_a_sentence_encoder_is_not_aligned(params):
    changed = change(params, "models.texts", {"text_only": "some/folder"})
    assert validate(changed, SCHEMA)["models"]["texts"] == {"text_only": "some/folder"}
    with pytest.raises(InputError, match=r"texts is a sentence encoder .* is only probed\.$"):
        validate(change(changed, "alignment.models", ["texts"]), SCHEMA)


def test_an_overlay_removes_a_key_with_null():
    assert drop_nulls({"a": None, "b": {"c": None, "d": 0}}) == {"b": {"d": 0}}


def test_a_key_given_twice_is_named_with_both_lines(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("models:\n  A: {open_clip: x}\nnli:\n  train: 1\nmodels:\n  B: {}\n")
    with pytest.raises(InputError, match=r"line 5: the key 'models' is here .* after line 1"):
        check_repeated_keys(path)
    path.write_text("models:\n- {a: 1}\n- {b: 1, c: {d: 1, d: 2}}\n")
    with pytest.raises(
        InputError, match=r"line 3: the key 'models\.1\.c\.d' is here a second time"
    ):
        check_repeated_keys(path)
    for good in ("", "a: 1\nb: {a: 1}\n", "- a\n- a\n"):
        path.write_text(good)
        check_repeated_keys(path)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("models: {2024: {}}", 'models: the name 2024 is a number in YAML, .* quotes, "2024"'),
        ("models: {no: {}}", 'models: the name no is yes or no in YAML, .* quotes, "no"'),
        ("seeds: 1e-5", r"seeds: expected .*, found '1e-5' \(text in YAML: write 1\.0e-5\)"),
        ("seeds: 2.E3", r"\(text in YAML: write 2\.0e\+3\)"),
    ],
)
def test_what_yaml_reads_otherwise_than_it_looks_is_said(tmp_path, text, sentence):
    schema = tmp_path / "schema.yaml"
    schema.write_text("properties: {models: {type: object}, seeds: {type: number}}")
    with pytest.raises(InputError, match=sentence):
        validate(yaml.safe_load(text), schema)
