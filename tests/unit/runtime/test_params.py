"""Every mistake in params.yaml gives one sentence with the key and what is allowed."""

import copy
from pathlib import Path

import pytest
import yaml

from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.params import drop_nulls, validate

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


def merge(params: dict, overlay: dict) -> dict:
    merged = dict(params)
    for key, value in overlay.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = merge(merged[key], value) if both else value
    return merged


def test_default_params_are_valid(params):
    assert validate(params, SCHEMA) == params


@pytest.mark.parametrize("overlay", sorted(p.name for p in (ROOT / "config").glob("*.yaml")))
def test_every_overlay_is_valid(params, overlay):
    changes = yaml.safe_load((ROOT / "config" / overlay).read_text())
    validate(merge(params, changes), SCHEMA)


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
        ("models.mine", {"open_clip": "models/meru-24/seed0"}, "objective 'meru', expected 'clip'"),
        ("models.mine", {"meru": "models/rn-24/seed0"}, "objective 'clip', expected 'meru'"),
        ("models.mine", {"meru": "a.pth", "root": "mum"}, "models.mine.root: expected one of"),
        ("alignment.models", ["meru-24"], "meru-24 is not a model of open_clip"),
        ("pretrain.variants.rn-24.objective", "meru", "expected 'entailment_weight' with the"),
        ("models.mine", {"openclip": "ViT-B-32"}, "models.mine: unknown key 'openclip'"),
        ("models.mine", {"open_clip": "ViT-B-32", "seeds": []}, "models.mine.seeds: "),
        ("models.mine", {"pretrained": "openai"}, "models.mine: expected exactly one of open_clip"),
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


def test_an_overlay_removes_a_key_with_null():
    assert drop_nulls({"a": None, "b": {"c": None, "d": 0}}) == {"b": {"d": 0}}
