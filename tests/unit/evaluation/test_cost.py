"""Before the official benchmark starts, it says what it downloads, and what to put where."""

from pathlib import Path

import pytest
import yaml

from hierarcaps.evaluation import cost
from hierarcaps.evaluation.cost import describe_cost, measured_speed, read_weights
from hierarcaps.models import hub
from hierarcaps.models.remote import remote_weights
from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.params import merge, validate

ROOT = Path(__file__).resolve().parents[3]
KNOWN = read_weights(ROOT / "config" / "weights.csv")
SCHEMA = ROOT / "workflow" / "schemas" / "params.schema.yaml"


def study(*overlays: str, models: list[str] | None = None) -> dict:
    params: dict = {}
    for path in ["params.yaml", *overlays]:
        params = merge(params, yaml.safe_load((ROOT / path).read_text(encoding="utf-8")))
    if models:
        params["probe"]["models"] = models
    return validate(params, SCHEMA)


OFFICIAL = ("config/official.yaml",)
ALIGN = (*OFFICIAL, "config/official-align.yaml")
ZOO = (*OFFICIAL, "config/zoo.yaml")


@pytest.fixture(autouse=True)
def empty_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HIERARCAPS_DATA", raising=False)
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_: None)
    monkeypatch.setattr(hub, "can_reach_hub", lambda: True)
    monkeypatch.setattr(cost, "measured_speed", lambda: 60.0)


@pytest.mark.parametrize("overlays", [["paper"], ["paper", "open-models"]])
def test_what_writes_and_judges_has_a_known_size(overlays):
    params = study(*(f"config/{name}.yaml" for name in overlays))
    generation = params["generation"]
    roles = (generation["seeds"]["llm"], params["nli"], generation["hierarchy_model"])
    assert all(KNOWN[role["model"]].gigabytes > 0.5 for role in roles)


def test_every_model_of_the_zoo_has_a_known_size():
    entries = study(*ZOO)["models"]
    assert len(entries) >= 20
    remote = [each for entry in entries.values() if (each := remote_weights(entry))]
    others = {name for name, row in KNOWN.items() if not row.image_gflop}
    assert {each.name for each in remote} == set(KNOWN) - others
    assert len(remote) == len(entries) - 1  # the control is made here


def test_downloads_and_time_are_said(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cost.os, "cpu_count", lambda: 2)
    said = describe_cost(study(*OFFICIAL, models=["CLIP-B", "CLIP-L"]), KNOWN)
    assert said.splitlines()[0] == (
        "Downloads: 2.3 GB (CLIP-B 0.6, CLIP-L 1.7, the test set 0.025)."
    )
    # 8.7 + 156 GFLOP an image, 0.8 + 1.7 a text; tasks and pages take 6 min.
    minutes = round((1000 * 164.7 + 3600 * 2.5) / 30 / 2 / 60 + (110 + 240) / 60)
    assert f"about {minutes} min after that for 2 models on 2 cores" in said


def test_alignment_is_counted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(cost.os, "cpu_count", lambda: 2)
    params = study(*ALIGN, models=["CLIP-B"])
    said = describe_cost(params, KNOWN)
    assert "the training file 0.01" in said
    # Two objectives of 73,000 items on one core each, at 6.72 GFLOP an item; less than half an hour
    # for embeddings, tasks and pages.
    hours = 73_000 * 6.72 / 30 / 3600
    assert hours < float(said.split("about ")[1].split(" h ")[0]) < hours + 0.5
    monkeypatch.setattr(hub, "can_reach_hub", lambda: False)
    monkeypatch.setenv("HIERARCAPS_DATA", str(tmp_path))
    with pytest.raises(InputError, match=r"hierarcaps_train\.csv\.gz, .* .of the authors' rep"):
        describe_cost(params, KNOWN)
    (tmp_path / "data").mkdir()
    for name in ("hierarcaps_train.csv.gz", "hierarcaps_test_expanded.csv.gz"):
        (tmp_path / "data" / name).touch()
    with pytest.raises(InputError) as raised:
        describe_cost(params, KNOWN)
    assert "hierarcaps_train" not in str(raised.value)


def test_what_is_here_is_not_downloaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    wanted = ("timm/vit_base_patch32_clip_224.openai", "open_clip_model.safetensors")
    monkeypatch.setattr(
        "huggingface_hub.try_to_load_from_cache", lambda *asked: "file" if asked == wanted else None
    )
    monkeypatch.setattr(hub, "can_reach_hub", lambda: False)
    monkeypatch.setenv("HIERARCAPS_DATA", str(tmp_path))
    said = describe_cost(study(*OFFICIAL, models=["CLIP-B", "CLIP-B-untrained"]), KNOWN)
    assert said.startswith("Downloads: nothing, all is here.")


def test_without_a_network_it_is_said_what_goes_where(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(hub, "can_reach_hub", lambda: False)
    chosen = ["CLIP-B", "HyCoCLIP-B", "HyCoCLIP-S"]
    with pytest.raises(InputError) as raised:
        describe_cost(study(*ZOO, models=chosen), KNOWN)
    sentence = str(raised.value)
    assert "\n" not in sentence
    for named in ("HIERARCAPS_DATA", "hierarcaps_test.csv and test_imgs/", "HF_HOME"):
        assert named in sentence
    assert "of timm/vit_base_patch32_clip_224.openai, avik-pal/hycoclip (in" in sentence


def test_a_model_of_unknown_size_is_marked():
    params = study(*OFFICIAL, models=["CLIP-B"])
    params["models"]["mine"] = {"transformers": "me/mine"}
    said = describe_cost(params, KNOWN)
    assert "mine ?" in said
    assert "1 of unknown size taken for CLIP-B's" in said


def test_models_are_chosen_by_name():
    assert list(study(*ZOO, models=["SigLIP-B", "CLIP-B"])["models"]) == ["CLIP-B", "SigLIP-B"]
    with pytest.raises(InputError, match=r"unknown model 'SigLIP' .did you mean 'SigLIP-B'"):
        study(*ZOO, models=["SigLIP"])


def test_an_overlay_is_merged_key_by_key():
    params = {"a": {"b": 1, "c": {"d": 2}}, "e": [1]}
    merged = merge(params, {"a": {"c": {"f": None}}, "e": [2]})
    assert merged == {"a": {"b": 1, "c": {"d": 2, "f": None}}, "e": [2]}
    assert params == {"a": {"b": 1, "c": {"d": 2}}, "e": [1]}


def test_the_speed_is_measured(monkeypatch: pytest.MonkeyPatch):
    assert 0.1 < measured_speed(0.01) < 1e6
