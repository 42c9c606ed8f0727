"""Ranks from paired differences, and the file of the leaderboard."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from hierarcaps.evaluation.baselines import evaluate_baselines, random_embeddings
from hierarcaps.evaluation.cost import read_weights
from hierarcaps.evaluation.leaderboard import METRICS, write_leaderboard
from hierarcaps.evaluation.results import Run
from hierarcaps.evaluation.tasks.registry import evaluate
from hierarcaps.runtime.errors import InputError

ROOT = Path(__file__).resolve().parents[3]
KNOWN = read_weights(ROOT / "config" / "weights.csv")
SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/leaderboard.yaml").read_text(encoding="utf-8"))
RECALL, TAU_D = ("hierarchical_retrieval", "recall"), ("ordering", "tau_d")
OPENAI = {"library": "open_clip 3", "name": "ViT-B-32", "pretrained": "openai", "parameters": 151}
HYCOCLIP = {
    "library": "open_clip 3",
    "class": "MERU",
    "name": "hf-hub:avik-pal/hycoclip/hycoclip_vit_b.pth",
    "lift": {"curvature": 0.1},
}
LONG = {"library": "transformers 5", "name": "zer0int/LongCLIP-SAE-ViT-L-14"}
VARIANT = {"library": "open_clip 3", "name": "models/rn-16/seed0"}


@pytest.fixture
def study(settings) -> dict:
    return {
        "test_set": "made",
        "bootstrap": settings["bootstrap"],
        "aligned_on": "train.csv",
        "pretrained": {"rn-16": "drawn scenes", "none": "nothing"},
    }


@pytest.fixture
def measure(tmp_path, items, settings):
    def one(embeddings, run: Run, model: dict, folder: Path = tmp_path, of=items) -> Run:
        made = replace(embeddings, provenance=model)
        evaluate(of, made, run, settings, run.folder(folder))
        return run

    return one


def board(folder: Path, runs, study, **options) -> dict:
    write_leaderboard(runs, folder, study, KNOWN, folder / "leaderboard.json", **options)
    written = json.loads((folder / "leaderboard.json").read_text(encoding="utf-8"))
    Draft202012Validator(SCHEMA).validate(written)
    return written


def ranks(written: dict, key: tuple[str, str]) -> dict[tuple[str, str], list[int] | None]:
    return {
        (entry["model"], entry["objective"]): score["rank"]
        for entry in written["entries"]
        for score in entry["scores"]
        if (score["task"], score["metric"]) == key
    }


def test_models_within_noise_share_ranks_and_controls_have_none(
    tmp_path, items, ideal, settings, study, measure
):
    random = random_embeddings(items, 0)
    runs = [
        measure(random, Run("poor", "zeroshot", 0), LONG),
        measure(ideal, Run("good", "zeroshot", 0), OPENAI),
        measure(ideal, Run("twin", "zeroshot", 0), HYCOCLIP),
        measure(random, Run("x-untrained", "zeroshot", 0), VARIANT),
        measure(random_embeddings(items, 1), Run("x-untrained", "zeroshot", 1), VARIANT),
    ]
    evaluate_baselines(items, settings, tmp_path)
    runs += [Run("words", "baseline", 0), Run("random", "baseline", 0)]
    written = board(tmp_path, runs, study)
    found = ranks(written, RECALL)
    assert found["good", "zeroshot"] == found["twin", "zeroshot"] == [1, 2]
    assert found["poor", "zeroshot"] == [3, 3]
    assert found["x-untrained", "zeroshot"] is None
    assert ranks(written, TAU_D)["words", "baseline"] is None
    assert ("words", "baseline") not in found
    assert next(e for e in written["entries"] if e["kind"] == "untrained")["seeds"] == [0, 1]
    assert [(m["task"], m["metric"]) for m in written["metrics"]] == list(METRICS)


def test_values_are_those_of_the_result_files(tmp_path, ideal, study, measure):
    run = measure(ideal, Run("good", "zeroshot", 0), OPENAI)
    (entry,) = board(tmp_path, [run], study)["entries"]
    for score in entry["scores"]:
        result = json.loads((run.folder(tmp_path) / f"{score['task']}.json").read_text())
        shown = {key: score[key] for key in ("value", "low", "high", "n")}
        assert shown == result["metrics"][score["metric"]]


def test_what_is_known_of_a_model_is_said_and_no_more(tmp_path, ideal, study, measure):
    made = {
        "clip": OPENAI, "hyco": HYCOCLIP, "long": LONG, "drawn": VARIANT,
        "control": {**VARIANT, "name": "models/none/seed0"}, "own": {**LONG, "name": "a/b"},
    }  # fmt: skip
    runs = [measure(ideal, Run(name, "zeroshot", 0), model) for name, model in made.items()]
    aligned = {**OPENAI, "name": "models/clip/re/seed0", "pretrained": None}
    runs.append(measure(ideal, Run("clip", "re", 0), aligned))
    entries = {(e["model"], e["objective"]): e for e in board(tmp_path, runs, study)["entries"]}

    def said(model: str, objective: str = "zeroshot") -> tuple:
        entry = entries[model, objective]
        return entry["geometry"], entry["training"], entry["saw_coco"]

    assert said("clip") == ("sphere", "WIT (400M pairs)", None)
    assert said("clip", "re") == ("sphere", "WIT (400M pairs); then train.csv", None)
    assert said("hyco") == ("hyperboloid", "GRIT (20.5M pairs)", None)
    assert said("long")[2] == "yes"
    assert said("drawn") == ("sphere", "drawn scenes", "no")
    assert said("control") == ("sphere", "nothing", "no")
    assert said("own") == ("sphere", None, None)
    assert entries["hyco", "zeroshot"]["curvature"] == 0.1
    assert entries["clip", "zeroshot"]["parameters"] == 151


def test_a_submission_is_ranked_where_it_was_measured_alike(
    tmp_path, items, ideal, study, measure, capsys
):
    run = measure(random_embeddings(items, 0), Run("ours", "zeroshot", 0), OPENAI)
    others = tmp_path / "submissions"
    measure(ideal, Run("theirs", "zeroshot", 0), LONG, others)
    measure(ideal, Run("ours", "zeroshot", 0), OPENAI, others)
    measure(ideal, Run("fewer", "zeroshot", 0), LONG, others, of=items[1:])
    found = ranks(board(tmp_path, [run], study, submissions=others), RECALL)
    assert found == {("ours", "zeroshot"): [2, 2], ("theirs", "zeroshot"): [1, 1]}
    printed = capsys.readouterr().out
    assert "fewer/zeroshot/seed0: measured on other items" in printed
    assert "ours is a model of this study" in printed


def test_results_of_other_rows_and_unreadable_ones_are_named(
    tmp_path, items, ideal, study, measure
):
    runs = [measure(ideal, Run(name, "zeroshot", 0), OPENAI) for name in ("one", "two")]
    measure(ideal, runs[1], OPENAI, of=items[::-1])
    with pytest.raises(InputError, match="not about the same rows"):
        board(tmp_path, runs, study)
    (runs[0].folder(tmp_path) / "ordering.json").write_text("{")
    with pytest.raises(InputError, match=r"ordering\.json: not a readable result file"):
        board(tmp_path, runs[:1], study)
