import pandas as pd
import pytest
from synthetic_results import MODELS, write_results

from hierarcaps.report.study import TAU_D, Results, Run, Spread
from hierarcaps.runtime.errors import InputError


@pytest.fixture
def root(tmp_path):
    write_results(tmp_path, n=8)
    return tmp_path


def test_kinds_and_labels():
    assert Run("rn-24", "zeroshot", 0).kind == "model"
    assert Run("rn-24-untrained", "zeroshot", 2).label == "rn-24, untrained"
    assert Run("rn-24-untrained", "zeroshot", 2).family == "rn-24"
    assert Run("rn-24", "re", 0).label == "rn-24 + RE"
    assert Run("words", "baseline", 0).label == "length in words"


def test_only_listed_runs_and_the_baselines_are_read(root):
    results = Results(root, [["vit-8", "zeroshot", [0]]])
    names = [run.model for run in results.runs]
    assert names == ["vit-8", "words", "characters", "frequency", "random"]


def test_a_listed_run_without_results_is_named(root):
    with pytest.raises(InputError, match=r"summary\.csv has no row of model 'rn-99'.*seed 3"):
        Results(root, [["rn-99", "zeroshot", [3]]])


def test_missing_files_and_columns_are_named(root):
    with pytest.raises(InputError, match=r"summary\.csv not found"):
        Results(root / "nowhere", MODELS)
    (root / "run.json").unlink()
    with pytest.raises(InputError, match=r"run\.json not found"):
        _ = Results(root, MODELS).info
    pd.read_csv(root / "summary.csv").drop(columns="low").to_csv(root / "summary.csv")
    with pytest.raises(InputError, match="lacks the columns low"):
        Results(root, MODELS)


def test_a_metric_without_value_is_not_measured(root):
    frame = pd.read_csv(root / "summary.csv")
    frame.loc[(frame.model == "words") & (frame.metric == TAU_D[1]), ["value", "low", "high"]] = (
        None
    )
    frame.to_csv(root / "summary.csv", index=False)
    results = Results(root, MODELS)
    words = next(run for run in results.runs if run.model == "words")
    assert results.estimate(words, *TAU_D) is None


def test_seed_is_named_only_where_there_are_several(root):
    results = Results(root, MODELS)
    names = [results.name(run) for run in results.runs]
    assert "rn-24" in names
    assert "rn-24, untrained (seed 1)" in names
    assert [r.seed for r in results.representatives("untrained")] == [0, 0]


def test_a_spread_is_no_interval():
    assert str(Spread(0.5, 0.25, 0.75, 9)) == "0.500 (0.250 to 0.750)"


def test_an_alignment_has_one_interval_over_its_orders(aligned):
    results = Results(aligned["results"], aligned["models"])
    pooled = results.pooled("rn-24", "re", TAU_D)
    orders = [results.estimate(Run("rn-24", "re", seed), *TAU_D) for seed in (0, 1)]
    assert pooled.value == pytest.approx(sum(each.value for each in orders) / 2)
    assert (pooled.runs, pooled.trainings, pooled.n) == (2, 1, 12)
    before = results.pooled("rn-24", "zeroshot", TAU_D)
    assert (before.runs, before.value) == (
        1,
        results.estimate(Run("rn-24", "zeroshot", 0), *TAU_D).value,
    )
    assert results.pooled("rn-24", "re", TAU_D, "zeroshot").value == pytest.approx(0.0005)
    assert results.pooled("nothing", "re", TAU_D) is None
    (results.root / "pooled.csv").rename(results.root / "moved.csv")
    with pytest.raises(InputError, match=r"pooled\.csv not found"):
        Results(aligned["results"], aligned["models"]).pooled("rn-24", "re", TAU_D)
    (results.root / "moved.csv").rename(results.root / "pooled.csv")
