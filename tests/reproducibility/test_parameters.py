"""Each parameter makes run what depends on it, and no more; dvc.yaml knows the same."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from planning import FEWER, detailed_summary, plan, recorded_code, snakemake_on
from small_study import ROOT, merge

EVALUATE = {"evaluate", "evaluate_baselines", "compare_objectives"}
COMPARED = {"compare_objectives", "write_leaderboard"}
PROBED = {"embed", "evaluate", "summarise", "render_report"} | COMPARED
JUDGED = {"filter_written", "recombine", "train_hierarchy_model", "write_items"}
JUDGED |= {"ablate_augmentation"}
MLFLOW = {"mirror_to_mlflow"}
# Makes what a finished run has removed: it runs whenever one that needs it does.
TEMPORARY = {"scale_scenes"}
# What each parameter decides itself (what follows from it runs too); the longest prefix counts.
# Whatever changes, describe_run tells the reports.
DECIDES: dict[str, set[str]] = {
    "results": PROBED
    | EVALUATE
    | MLFLOW
    | {"list_embedding_needs", "draw_contact_sheet", "pick_examples", "export_explorer"}
    | {"compare_published", "write_leaderboard", "write_index"},
    "scenes": {"draw_scenes"},
    "pretrain": {"pretrain"},
    "pretrain.training": {"pretrain", "pretrain_meru"},
    "pretrain.training.steps": {"pretrain"},
    "pretrain.architectures.rn-16": {"pretrain", "pretrain_meru"},
    "pretrain.variants.meru-16": {"pretrain_meru"},
    "pretrain.variants.meru-16-untrained": {"pretrain_meru"},
    "models": {"embed"} | MLFLOW,
    "models.rn-16": {"embed", "align"} | MLFLOW,
    "models.rn-16.seeds": {"pretrain", "align", "export_explorer"} | PROBED | MLFLOW,
    "models.vit-8.seeds": {"pretrain", "export_explorer"} | PROBED | MLFLOW,
    "models.meru-16.seeds": {"pretrain_meru", "export_explorer"} | PROBED | MLFLOW,
    "models.rn-16-untrained.seeds": {"pretrain"} | PROBED | MLFLOW,
    "models.vit-8-untrained.seeds": {"pretrain"} | PROBED | MLFLOW,
    "models.meru-16-untrained.seeds": {"pretrain_meru"} | PROBED | MLFLOW,
    "captions": {"gather_captions"},
    "captions.sources.train.0.kind": {"gather_captions", "write_datasheet", "ablate_augmentation"},
    "nli": {"evaluate_nli"} | JUDGED,
    "nli.model": {"write_datasheet"} | JUDGED | MLFLOW,
    "nli.train": {"train_nli"} | MLFLOW,
    "nli.train.evaluation_pairs": {"evaluate_nli"} | MLFLOW,
    "nli.train.seed": {"train_nli", "evaluate_nli"} | MLFLOW,
    "nli.thresholds": JUDGED,
    "nli.thresholds.contradiction": {"write_items"},
    "generation.seed": {"sample_seed_captions", "sample_item_captions", "write_seeds", "augment"}
    | {"filter_written", "recombine", "write_items", "ablate_augmentation"},
    "generation.mend": {"filter_written"},
    "generation.held_out": {"filter_written"},
    "generation.seeds": {"write_seeds"},
    "generation.seeds.captions": {"sample_seed_captions", "write_seeds"},
    "generation.seeds.llm": {"write_seeds", "augment"},
    "generation.seeds.prompt": {"write_seeds", "filter_written", "write_datasheet"},
    "generation.seeds.shards": {"write_seeds", "filter_written"},
    "generation.augmentation": {"augment"},
    "generation.ablation": {"ablate_augmentation"},
    "generation.recombination": {"recombine", "ablate_augmentation"},
    "generation.hierarchy_model": {"train_hierarchy_model", "ablate_augmentation"} | MLFLOW,
    "generation.production": {"write_items"},
    "generation.production.captions": {"sample_item_captions", "write_items"},
    "generation.production.shards": {"write_items", "gather_items"},
    "alignment": {"align"},
    "alignment.training": {"align", "write_leaderboard"},
    "alignment.models": {"align", "export_explorer"} | PROBED | MLFLOW,
    "alignment.seeds": {"align"} | PROBED | MLFLOW,
    "alignment.recipe": {"align"} | MLFLOW,
    "alignment.objectives": {"align"} | MLFLOW,
    "test_set.name": {"write_leaderboard"},
    "test_set.hierarchies": {"gather_captions", "list_embedding_needs", "embed", "evaluate"}
    | {"evaluate_baselines", "pick_examples", "export_explorer"},
    "test_set.images": {"embed", "pick_examples", "export_explorer"},
    "probe": {"embed"},
    "evaluation": EVALUATE,
    "evaluation.bootstrap": EVALUATE | {"write_leaderboard"},
    "evaluation.drawn_world.scenes": {"list_embedding_needs", "embed"} | EVALUATE,
    "evaluation.drawn_world.templates": {"list_embedding_needs"} | EVALUATE,
    "report": {"pick_examples"},
}
# Another valid value where adding one or halving gives none.
OTHER: dict[str, Any] = {
    "results": "other-results",
    "rn-16": "vit-8",
    "vit-8": "rn-16",
    "rn-16-untrained": "vit-8-untrained",
    "vit-8-untrained": "rn-16-untrained",
    "meru-16": "meru-16-untrained",
    "meru-16-untrained": "meru-16",
    "scenes": "table",
    "models/nli": "someone/an-nli-model",
    "transformers": "vllm",
    "re": "ec",
    "ec": "re",
}
# Valid only with another value elsewhere: they have a test of their own.
TIED = {
    ("pretrain", "variants", "meru-16", "objective"),
    ("pretrain", "variants", "meru-16-untrained", "objective"),
    ("pretrain", "variants", "meru-16-untrained", "steps"),
}
SPLITS = {"train": "validation", "validation": "train", "test": "validation"}


def study() -> dict:
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    params = json.loads(json.dumps(params))  # YAML's anchors are one object
    merge(params, FEWER)
    return params


def leaves(node: Any, path: tuple = ()) -> list[tuple]:
    """Return the paths of all values; a list is one value, unless it is of sections."""
    if isinstance(node, dict):
        return [leaf for key, value in node.items() for leaf in leaves(value, (*path, key))]
    if isinstance(node, list) and node and isinstance(node[0], dict):
        return [leaf for i, value in enumerate(node) for leaf in leaves(value, (*path, i))]
    return [path]


def another(value: Any, path: tuple) -> Any:
    """Return a different value that the schema and the checks of references allow."""
    if isinstance(value, bool):
        return not value
    if path == ("pretrain", "training", "captions"):
        return value - 1  # a scene has no more
    if isinstance(value, int):
        return value + 1
    if isinstance(value, float):
        return value / 2 or 0.5
    if isinstance(value, list):
        if path == ("alignment", "models"):
            return [*value, "vit-8"]
        if path[-1] in ("seeds", "templates"):
            return [*value, 7 if path[-1] == "seeds" else "a drawing of {}"]
        return [another(value[0], path), *value[1:]]
    if value in OTHER:
        return OTHER[value]
    if path[0] == "models":
        folder, variant, seed = value.split("/")
        return f"{folder}/{OTHER[variant]}/{seed}"
    return re.sub(r"\b(train|validation|test)\.", lambda m: f"{SPLITS[m[1]]}.", value) + (
        "" if "/" in value else "-other"
    )


def with_another(path: tuple) -> dict:
    """Return the section of ``path`` with another value there."""
    params = study()
    node = params
    for key in path[:-1]:
        node = node[key]
    before = node[path[-1]]
    node[path[-1]] = another(before, path)
    assert node[path[-1]] != before
    return {path[0]: params[path[0]]}


def dotted(path: tuple) -> str:
    return ".".join(map(str, path))


def longest_prefix(path: tuple) -> set[str]:
    for end in range(len(path), 0, -1):
        if dotted(path[:end]) in DECIDES:
            return DECIDES[dotted(path[:end])]
    raise KeyError(path)


def stages() -> dict[str, dict]:
    return yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]


def outs(stage: dict) -> list[str]:
    return [next(iter(out)) if isinstance(out, dict) else out for out in stage["outs"]]


def stage_of(output: str) -> str:
    """Return the stage that holds an output."""
    found = [
        name
        for name, stage in stages().items()
        if any(Path(output).is_relative_to(out) for out in outs(stage))
    ]
    assert len(found) == 1, f"{output} is in the outs of {found or 'no stage'}"
    return found[0]


def test_a_finished_run_has_nothing_to_do_whatever_the_runtime(pretended):
    runtime = ["--cores", "7", "--resources", "gpu=3", "--set-threads", "align=4"]
    runtime += ["--set-resources", "align:mem_mb=9999", "--retries", "2", "--jobs", "3"]
    text = snakemake_on(pretended, {}, *runtime, "--dry-run", "--", "all")
    assert "Nothing to be done" in text


@pytest.mark.parametrize("path", [path for path in leaves(study()) if path not in TIED], ids=dotted)
def test_a_parameter_decides_what_depends_on_it(pretended, path):
    jobs = plan(pretended, with_another(path))
    own = [job for job in jobs if job.own and job.rule not in TEMPORARY]
    decided = longest_prefix(path) | {"describe_run"}
    assert {job.rule for job in own} <= decided <= {job.rule for job in jobs}
    for job in own:
        if path[0] == "results":
            continue  # the folder that the outs name
        params = stages()[stage_of(job.outputs[0])]["params"]
        assert path[0] in params or {"params.yaml": None} in params, (job, params)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        (
            {
                "pretrain": {
                    "variants": {"NAME": {"objective": "clip", "entailment_weight": None}}
                },
                "models": {"NAME": {"meru": None, "open_clip": "models/NAME/seed{seed}"}},
            },
            "pretrain",
        ),
        (
            {"pretrain": {"variants": {"NAME": {"steps": 5, "entailment_weight": 0.1}}}},
            "pretrain_meru",
        ),
    ],
    ids=["objective", "steps"],
)
@pytest.mark.parametrize("name", ["meru-16", "meru-16-untrained"])
def test_parameters_that_change_together_decide_how_a_variant_is_trained(
    pretended, name, changes, rule
):
    jobs = plan(pretended, json.loads(json.dumps(changes).replace("NAME", name)))
    trained = [job for job in jobs if job.wildcards.startswith(f"variant={name},")]
    assert {job.rule for job in trained} == {rule}


@pytest.mark.parametrize(
    ("path", "wildcards"),
    [
        ("scenes.test", {"split=test"}),
        ("scenes.held_out_share", {"split=test"}),
        ("scenes.seed", {"split=train", "split=validation", "split=test"}),
        ("pretrain.variants.vit-8.steps", {"variant=vit-8, seed=0"}),
        ("pretrain.training.warmup", {f"variant={v}, seed=0" for v in ("rn-16", "vit-8")}),
        ("alignment.objectives.ec.margin", {"model=rn-16, objective=ec, seed=0"}),
        ("captions.sources.train.0.path", {"split=train"}),
        ("models.vit-8-untrained.seeds", {"variant=vit-8-untrained, seed=7"}),
    ],
)
def test_a_parameter_of_one_part_leaves_the_others(pretended, path, wildcards):
    keys = tuple(int(key) if key.isdigit() else key for key in path.split("."))
    rules = ("draw_scenes", "pretrain", "align", "gather_captions")
    jobs = [job for job in plan(pretended, with_another(keys)) if job.own and job.rule in rules]
    assert {job.wildcards for job in jobs} == wildcards


@pytest.mark.parametrize("name", list(stages()))
def test_a_stage_holds_what_its_target_makes_and_needs(pretended, name):
    stage = stages()[name]
    command, targets = stage["cmd"].split(" -- ")
    assert command == "snakemake"
    known = [*stage["deps"], *outs(stage)]
    made = set()
    for output, (rule, inputs) in detailed_summary(pretended, *targets.split()).items():
        # Earlier stages' jobs are in the graph too.
        if stage_of(output) != name:
            assert any(Path(output).is_relative_to(each) for each in stage["deps"]), (rule, output)
            continue
        made.add(output)
        for path in recorded_code(pretended, output):
            assert any(Path(path).is_relative_to(each) for each in known), (rule, path)
        for path in inputs:
            inside = Path(pretended, path).resolve()
            relative = inside.relative_to(ROOT if inside.is_relative_to(ROOT) else pretended)
            assert any(relative.is_relative_to(each) for each in known), (rule, path)
    assert made


def test_the_last_stage_versions_snakemakes_records():
    *_, last = stages().values()
    assert ".snakemake/metadata" in outs(last)
    assert {"params.yaml": None} in last["params"]
    for stage in stages().values():
        assert all(out[next(iter(out))]["persist"] for out in stage["outs"])
