"""Differences between runs, and our numbers beside the published ones."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from snakemake.utils import update_config

from hierarcaps.evaluation.baselines import random_embeddings
from hierarcaps.evaluation.differences import COLUMNS as DIFFERENCE_COLUMNS
from hierarcaps.evaluation.differences import write_differences
from hierarcaps.evaluation.published import (
    COLUMNS,
    PUBLISHED_COLUMNS,
    compare_with_published,
    published_comparison,
    read_published,
    write_comparison,
)
from hierarcaps.evaluation.results import POOLED_COLUMNS, SUMMARY_COLUMNS, Run, summarise
from hierarcaps.evaluation.sameness import OFFICIAL_TEST_SET, split_of
from hierarcaps.evaluation.tasks.names import task_names
from hierarcaps.evaluation.tasks.registry import evaluate
from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.files import write_json
from hierarcaps.runtime.params import drop_nulls

PUBLISHED = Path(__file__).resolve().parents[3] / "config" / "paper_results.csv"


@pytest.fixture
def runs(tmp_path, items, ideal, settings) -> list[Run]:
    """A model that is random before alignment and ideal after, with another that is never."""
    runs = [Run("m", "zeroshot", 0), Run("m", "re", 0), Run("other", "zeroshot", 0)]
    random = random_embeddings(items, 0)
    for run, embeddings in zip(runs, (random, ideal, random), strict=True):
        evaluate(items, embeddings, run, settings, run.folder(tmp_path))
    return runs


def _write(runs, folder, settings):
    write_differences(runs, folder, settings, folder / "differences.csv", folder / "pooled.csv")


def test_differences_are_those_of_the_summary(tmp_path, runs, settings):
    _write(runs, tmp_path, settings)
    table = pd.read_csv(tmp_path / "differences.csv")
    assert list(table.columns) == DIFFERENCE_COLUMNS
    assert set(table["model"]) == {"m"}
    assert set(table["reference"]) == {"zeroshot"}
    summary = summarise(tmp_path.glob("m/*/seed0/*.json"))
    value = summary.set_index(["objective", "task", "metric"])["value"]
    for row in table.itertuples():
        if row.metric != "tau_d_length_controlled":  # paired over other items than either run
            expected = value["re", row.task, row.metric] - value["zeroshot", row.task, row.metric]
            assert row.difference == pytest.approx(expected), row.metric
            assert row.low <= row.difference + 1e-12
            assert row.difference <= row.high + 1e-12
    precision = table[table["metric"] == "precision"].set_index("task")
    assert precision.loc["hierarchical_retrieval", "low"] > 0
    assert "auroc_reversed" in set(table["metric"])


def test_pairing_is_narrower_than_two_intervals(tmp_path, items, ideal, settings):
    """A model against itself: the difference is exactly nothing."""
    runs = [Run("m", objective, 0) for objective in ("zeroshot", "re", "ec")]
    for run in runs:
        evaluate(items, random_embeddings(items, 3), run, settings, run.folder(tmp_path))
    _write(runs, tmp_path, settings)
    table = pd.read_csv(tmp_path / "differences.csv")
    assert {*zip(table["objective"], table["reference"], strict=True)} == {
        ("re", "zeroshot"), ("ec", "zeroshot"), ("re", "ec"),
    }  # fmt: skip
    assert (table[["difference", "low", "high"]] == 0).all(axis=None)


def test_runs_on_other_items_are_not_compared(tmp_path, runs, items, ideal, settings):
    evaluate(items[::-1], ideal, runs[1], settings, runs[1].folder(tmp_path))
    with pytest.raises(InputError, match=r"not about the same rows \(item_id\)"):
        _write(runs, tmp_path, settings)
    (runs[1].folder(tmp_path) / "ordering.parquet").unlink()
    with pytest.raises(InputError):
        _write(runs, tmp_path, settings)
    assert not (tmp_path / "differences.csv").exists()
    assert not (tmp_path / "pooled.csv").exists()


def test_orders_of_the_training_items_have_one_pooled_difference(tmp_path, items, ideal, settings):
    runs = [Run("m", "zeroshot", 0), *(Run("m", "re", seed) for seed in (0, 1)), Run("m", "ec", 1)]
    found = (random_embeddings(items, 0), ideal, random_embeddings(items, 1), ideal)
    for run, embeddings in zip(runs, found, strict=True):
        evaluate(items, embeddings, run, settings, run.folder(tmp_path))
    _write(runs, tmp_path, settings)
    differences = pd.read_csv(tmp_path / "differences.csv")
    pooled = pd.read_csv(tmp_path / "pooled.csv", keep_default_na=False)
    assert list(pooled.columns) == POOLED_COLUMNS
    rows = pooled.set_index(["objective", "reference", "task", "metric"])
    key = ("ordering", "tau_d")
    orders = differences[(differences["metric"] == "tau_d") & (differences["reference"] != "ec")]
    re = rows.loc[("re", "zeroshot", *key)]
    assert re["value"] == pytest.approx(
        orders.loc[orders["objective"] == "re", "difference"].mean()
    )
    assert re["low"] < re["value"] < re["high"]
    assert (re["runs"], re["trainings"], re["n"]) == (2, 1, orders["n"].iloc[0])
    assert (re["items_low"], re["items_high"]) == (re["low"], re["high"])
    # Of one order the pooled interval is the order's own; only equal orders are compared.
    ec = orders[orders["objective"] == "ec"].iloc[0]
    assert tuple(rows.loc[("ec", "zeroshot", *key)][["value", "low", "high"]]) == pytest.approx(
        tuple(ec[["difference", "low", "high"]])
    )
    assert rows.loc[("re", "ec", *key), "runs"] == 1
    # The metric itself, beside its differences; nothing of a run that was not aligned.
    values = summarise(tmp_path.glob("m/re/*/ordering.json")).set_index("metric")["value"]
    assert rows.loc[("re", "", *key), "value"] == pytest.approx(values["tau_d"].mean())
    assert set(pooled["objective"]) == {"re", "ec"}


def test_differences_of_replicates_are_paired_within_a_training(tmp_path, items, ideal, settings):
    seeds = (0, 1, 2)
    runs = [Run("m", objective, seed) for objective in ("zeroshot", "re") for seed in seeds]
    runs += [Run("m-untrained", "zeroshot", seed) for seed in (0, 1)]
    found = [random_embeddings(items, seed) for seed in seeds] + [ideal] * 3
    found += [random_embeddings(items, seed) for seed in (7, 8)]
    for run, embeddings in zip(runs, found, strict=True):
        evaluate(items, embeddings, run, settings, run.folder(tmp_path))
    _write(runs, tmp_path, settings)
    key = ("ordering", "tau_d")
    taus = {
        run: json.loads((run.folder(tmp_path) / "ordering.json").read_text())["metrics"]["tau_d"]
        for run in runs
    }
    differences = pd.read_csv(tmp_path / "differences.csv").query("metric == 'tau_d'")
    for run in runs[3:6]:
        own = differences[differences["seed"] == run.seed]["difference"].item()
        before = taus[Run("m", "zeroshot", run.seed)]["value"]
        assert own == pytest.approx(taus[run]["value"] - before)
    pooled = pd.read_csv(tmp_path / "pooled.csv", keep_default_na=False)
    # A mean of its own before alignment; untrained controls are no replicates of a training.
    assert set(zip(pooled["model"], pooled["objective"], strict=True)) == {
        ("m", "zeroshot"), ("m", "re"),
    }  # fmt: skip
    rows = pooled.set_index(["objective", "reference", "task", "metric"])
    change = rows.loc[("re", "zeroshot", *key)]
    assert (change["runs"], change["trainings"]) == (3, 3)
    assert change["value"] == pytest.approx(differences["difference"].mean())
    before = rows.loc[("zeroshot", "", *key)]
    spread = np.ptp([taus[run]["value"] for run in runs[:3]])
    assert spread > 0.05
    for row in (change, before):  # random encoders differ: the one interval must hold that
        assert row["high"] - row["low"] > row["items_high"] - row["items_low"]
    after = rows.loc[("re", "", *key)]  # equal trainings: nothing to add to items
    assert after["high"] - after["low"] == pytest.approx(after["items_high"] - after["items_low"])


# All that is quoted: (source, model, objective) -> metric -> value.
HIERARCHICAL = ("precision", "recall", "tau_d")
COCO = ("text_to_image_r1", "text_to_image_r5")
QUOTED = {
    ("paper", "CLIP-B", "zeroshot"): dict(zip(HIERARCHICAL, (0.14, 0.36, 0.89), strict=True))
    | {"spearman_all": 0.44} | dict(zip(COCO, (0.30, 0.55), strict=True)),
    ("paper", "CLIP-B", "re"): dict(zip(HIERARCHICAL, (0.15, 0.47, 0.99), strict=True))
    | {"spearman_all": 0.51} | dict(zip(COCO, (0.31, 0.56), strict=True)),
    ("paper", "CLIP-L", "zeroshot"): dict(zip(HIERARCHICAL, (0.16, 0.37, 0.88), strict=True))
    | dict(zip(COCO, (0.36, 0.60), strict=True)),
    ("paper", "CLIP-L", "re"): dict(zip(HIERARCHICAL, (0.15, 0.44, 0.97), strict=True))
    | dict(zip(COCO, (0.36, 0.61), strict=True)),
    ("paper", "MERU", "zeroshot"): dict(zip(HIERARCHICAL, (0.11, 0.11, 0.79), strict=True)),
    ("paper", "CLIP-B", "ec"): {"recall": 0.30},
    ("paper", "LEAR", "reference"): {"spearman_all": 0.69},
} | {
    ("RCME", model, objective): dict(zip(HIERARCHICAL, values, strict=True))
    for model, objective, values in (
        ("CLIP-B", "zeroshot", (0.142, 0.335, 0.883)),
        ("CLIP-B", "re", (0.155, 0.441, 0.988)),
        ("CLIP-B", "rcme", (0.162, 0.467, 0.991)),
        ("CLIP-B", "hycoclip", (0.124, 0.451, 0.892)),
        ("CLIP-B", "atmg", (0.134, 0.422, 0.981)),
        ("CLIP-L", "zeroshot", (0.151, 0.343, 0.881)),
        ("CLIP-L", "re", (0.145, 0.415, 0.973)),
        ("CLIP-L", "rcme", (0.158, 0.452, 0.992)),
    )
}  # fmt: skip


def test_published_values_are_whole():
    table = read_published(PUBLISHED)
    assert (table["citation"].str.len() > 10).all()
    assert (table["table"].str.len() > 5).all()
    found: dict = {}
    for row in table.itertuples():
        found.setdefault((row.source, row.model, row.objective), {})[row.metric] = row.value
    assert found == QUOTED
    decimals = table.groupby("source")["decimals"].unique()
    assert (list(decimals["paper"]), list(decimals["RCME"])) == ([2], [3])


def test_nothing_is_said_to_be_known_of_how_the_rerun_measured():
    table = read_published(PUBLISHED)
    rerun = table[table["source"] == "RCME"]
    assert (rerun[["weights", "training", "split", "protocol"]] == "").all(axis=None)


def test_the_papers_study_measures_every_published_value():
    """Each value's model, objective and task are planned by ``config/paper.yaml``.

    Exempt are MERU, whose checkpoint has no address that the overlay could name, the other methods
    of the rerun, and the reference value of a model of another kind.
    """
    params = yaml.safe_load((PUBLISHED.parents[1] / "params.yaml").read_text())
    paper = yaml.safe_load((PUBLISHED.parent / "paper.yaml").read_text())
    tasks = task_names(paper["evaluation"] | {"drawn_world": {}})
    for row in read_published(PUBLISHED).itertuples():
        assert row.task in tasks, row
        if row.objective in ("rcme", "hycoclip", "atmg", "reference"):
            continue
        assert row.objective in {"zeroshot", *params["alignment"]["objectives"]}, row
        assert row.model in {*paper["models"], "MERU"}, row
        assert row.objective == "zeroshot" or row.model in paper["alignment"]["models"], row


def _params(overlay: str) -> dict:
    """The parameters of a study with an overlay, as a run writes them."""
    params = yaml.safe_load((PUBLISHED.parents[1] / "params.yaml").read_text())
    update_config(params, yaml.safe_load((PUBLISHED.parent / overlay).read_text()))
    return drop_nulls(params)


def _summary(*more: tuple) -> pd.DataFrame:
    """Zero-shot CLIP-B in two metrics, aligned CLIP-B in one."""
    rows = [
        ("CLIP-B", "zeroshot", 0, "ordering", "tau_d", 0.88),
        ("CLIP-B", "zeroshot", 0, "hyperlex", "spearman_all", 0.40),
        *(("CLIP-B", "re", seed, "ordering", "tau_d", 0.9 + 0.1 * seed) for seed in (0, 1)),
        *more,
    ]
    table = pd.DataFrame(rows, columns=[*SUMMARY_COLUMNS[:6]])
    return table.assign(low=table["value"] - 0.01, high=table["value"] + 0.01, n=9)


def _pooled() -> pd.DataFrame:
    """Aligned CLIP-B over two orders: the metric, and its difference to zero-shot."""
    rows = [
        ("CLIP-B", "re", reference, "ordering", "tau_d", value, *ends, 9, 2, 1, *ends)
        for reference, value in ((np.nan, 0.97), ("zeroshot", 0.09))
        for ends in [(value - 0.02, value + 0.02)]
    ]
    return pd.DataFrame(rows, columns=POOLED_COLUMNS)


def _compare(summary: pd.DataFrame, params: dict) -> pd.DataFrame:
    return compare_with_published(summary, _pooled(), read_published(PUBLISHED), params)


def _compared(table: pd.DataFrame) -> pd.DataFrame:
    return table.set_index(["source", "model", "objective", "metric"])


def test_only_the_same_weights_split_and_protocol_are_comparable():
    table = _compare(_summary(), _params("paper.yaml"))
    assert list(table.columns) == COLUMNS
    assert len(table) == sum(map(len, QUOTED.values()))
    rows = _compared(table)
    same = rows.loc["paper", "CLIP-B", "zeroshot", "tau_d"]
    assert same["comparable"]
    assert same["status"] == "Same: weights, training data, seeds, split, protocol"
    assert (same["ours"], same["low"], same["high"]) == pytest.approx((0.88, 0.87, 0.89))
    assert same["difference"] == pytest.approx(-0.01)
    assert table["comparable"].sum() == 1
    assert table["difference"].notna().sum() == 1


def test_what_differs_and_what_is_not_known_is_said_in_words():
    table = _compare(_summary(), _params("paper.yaml"))
    rows = _compared(table)
    aligned = rows.loc["paper", "CLIP-B", "re", "tau_d"]
    assert aligned["status"] == (
        "Same: split, protocol. Differs: weights (ours: aligned here from "
        "openai/clip-vit-base-patch32; published: malper/hierarcaps-clip-b), training data (ours: "
        "data/hierarcaps/train.csv; published: the authors' training file). Not known: seeds "
        "(ours: 0)"
    )
    assert (aligned["ours"], aligned["low"], aligned["high"]) == (0.97, 0.95, 0.99)
    assert aligned["runs"] == 2
    assert rows.loc["paper", "CLIP-B", "zeroshot", "spearman_all"]["status"] == (
        "Same: weights, training data, seeds. Not known: split (ours: "
        "data/published/hyperlex/hyperlex-all.txt), protocol (ours: this project's)"
    )
    rerun = rows.loc["RCME", "CLIP-B", "zeroshot", "tau_d"]
    assert rerun["status"].startswith("Not known: weights (ours: openai/clip-vit-base-patch32)")
    assert rerun["ours"] == pytest.approx(0.88)
    assert np.isnan(rerun["difference"])


def test_the_authors_training_file_is_known_by_its_place():
    params = _params("paper.yaml")
    overlay = yaml.safe_load((PUBLISHED.parent / "official-align.yaml").read_text())
    params["alignment"]["training"] = overlay["alignment"]["training"]
    rows = _compared(_compare(_summary(), params))
    status = rows.loc["paper", "CLIP-B", "re", "tau_d"]["status"]
    assert status.startswith(
        "Same: training data, split, protocol. Differs: weights (ours: aligned"
    )


def test_a_checkpoint_of_the_authors_stands_beside_its_own_values():
    params = _params("paper.yaml")
    params["models"]["authors"] = {"transformers": "malper/hierarcaps-clip-b"}
    summary = _summary(("authors", "zeroshot", 0, "ordering", "tau_d", 0.99))
    rows = _compared(_compare(summary, params))
    aligned = rows.loc["paper", "CLIP-B", "re", "tau_d"]
    assert (aligned["run"], aligned["comparable"]) == ("authors zeroshot", True)
    assert aligned["difference"] == pytest.approx(0)
    # Nothing is known of the rerun's weights: there it is our own alignment, as before.
    assert rows.loc["RCME", "CLIP-B", "re", "tau_d"]["run"] == "CLIP-B re"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"test_set": {"hierarchies": "mine.csv"}},
         "Differs: split (ours: official HierarCaps test set, mine.csv; "),
        ({"test_set": {"images": "mine.parquet"}}, "Differs: split "),
        ({"evaluation": {"thresholds": 20}}, "protocol (ours: 20 thresholds; "),
        ({"models": {"CLIP-B": {"root": "mean"}}}, "protocol (ours: root mean; "),
        ({"models": {"CLIP-B": {"pretrained": "laion2b_s34b_b79k"}}},
         "Differs: weights (ours: ViT-B-32, laion2b_s34b_b79k; published: openai/clip-vit-base-"),
        ({"models": {"CLIP-B": {"pretrained": "openai.safetensors"}}}, "Differs: weights "),
    ],
)  # fmt: skip
def test_one_thing_that_differs_is_enough(change, said):
    params = _params("paper.yaml")
    summary = _summary(("CLIP-B", "zeroshot", 0, "hierarchical_retrieval", "recall", 0.36))
    row = ("paper", "CLIP-B", "zeroshot", "recall")
    assert _compared(_compare(summary, params)).loc[row]["comparable"]
    update_config(params, change)
    found = _compared(_compare(summary, params)).loc[row]
    assert said in found["status"]
    assert not found["comparable"]


def test_what_was_not_run_has_no_number_and_a_reason():
    params = _params("paper.yaml")
    nothing = _summary().iloc[:0], _pooled().iloc[:0]
    table = compare_with_published(*nothing, read_published(PUBLISHED), params)
    assert table[["ours", "low", "high", "difference"]].isna().all(axis=None)
    assert (table["runs"] == 0).all()
    assert not table["comparable"].any()
    rows = _compared(table)["status"]
    assert rows["RCME", "CLIP-B", "atmg", "recall"] == "Not run: no objective atmg in this study"
    assert rows["paper", "LEAR", "reference", "spearman_all"] == (
        "Not run: no model LEAR in this study"
    )
    params["alignment"]["models"] = ["CLIP-L"]
    del params["evaluation"]["captions"]
    table = compare_with_published(*nothing, read_published(PUBLISHED), params)
    rows = _compared(table)["status"]
    assert rows["paper", "CLIP-B", "re", "recall"] == "Not run: CLIP-B is not aligned in this study"
    assert rows["paper", "CLIP-L", "re", "text_to_image_r5"] == (
        "Not run: no task retrieval_coco in this study"
    )


def test_a_comparison_is_written_from_the_files_of_a_run(tmp_path):
    _summary().to_csv(tmp_path / "summary.csv", index=False)
    _pooled().to_csv(tmp_path / "pooled.csv", index=False)
    write_json(tmp_path / "run.json", {"params": _params("paper.yaml")})
    write_comparison(tmp_path, PUBLISHED, tmp_path / "comparison.csv")
    table = pd.read_csv(tmp_path / "comparison.csv")
    assert list(table.loc[table["comparable"], "metric"]) == ["tau_d"]
    (tmp_path / "run.json").unlink()
    with pytest.raises(InputError, match=r"run\.json: no such file"):
        published_comparison(tmp_path, PUBLISHED)


@pytest.mark.parametrize(
    ("model", "protocol"),
    [
        ({"class": "MERU", "lift": {"curvature": 0.1}}, "protocol (ours: root origin; "),
        ({"class": "CLIP in MERU's format"}, "Same: split, protocol"),
    ],
)
def test_only_a_model_on_the_hyperboloid_has_its_root_at_the_origin(tmp_path, model, protocol):
    params = _params("paper.yaml")
    params["models"]["CLIP-B"] = {"meru": "models/some.pth"}
    _summary().to_csv(tmp_path / "summary.csv", index=False)
    _pooled().to_csv(tmp_path / "pooled.csv", index=False)
    write_json(tmp_path / "run.json", {"params": params})
    path = Run("CLIP-B", "zeroshot", 0).folder(tmp_path) / "ordering.json"
    write_json(path, {"provenance": {"model": model}})
    rows = _compared(published_comparison(tmp_path, PUBLISHED))
    assert protocol in rows.loc["paper", "CLIP-B", "zeroshot", "tau_d"]["status"]


@pytest.mark.parametrize("overlay", ["paper.yaml", "official.yaml"])
def test_the_official_test_set_is_known_by_its_checked_files(overlay):
    assert split_of("ordering", _params(overlay)) == OFFICIAL_TEST_SET


def test_files_of_other_hashes_are_not_the_published_ones():
    """A rehearsal's stand-ins, or a mirror's own version, lie under the official names."""
    params = _params("paper.yaml")
    coco = split_of("retrieval_coco", params)
    params["test_set"]["official_checksums"] = "own.sha256"
    params["downloads"] = "own.csv"
    assert "own.sha256" in split_of("ordering", params)
    for task in ("retrieval_coco", "hyperlex"):
        assert split_of(task, params).endswith(", by the hashes of own.csv")
    assert coco != split_of("retrieval_coco", params)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("source,model,value\np,a,1\n", "no column 'objective'"),
        (f"{','.join(PUBLISHED_COLUMNS)}\np,a,re,t,m,high,x,,,,,y\n", "row 1: .*'high'"),
        (
            f"{','.join(PUBLISHED_COLUMNS)}\n" + "p,a,re,t,m,1,x,,,,,y\n" * 2,
            "p/a/re/t/m is given tw",
        ),
        ("", "not a readable table"),
    ],
)
def test_bad_published_values_are_named(tmp_path, text, message):
    (tmp_path / "published.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        read_published(tmp_path / "published.csv")
