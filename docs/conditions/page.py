"""Composes docs/conditions.md and its figure of what `make conditions` measured.

With `--collect` first gathers docs/conditions/results.csv from the result folders.
"""

import sys
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from matplotlib.figure import Figure

from hierarcaps.publishing.markdown import filled, table
from hierarcaps.report.changes import direction
from hierarcaps.report.dots import Band, Bands
from hierarcaps.report.plot_style import INK, PALETTE, styled
from hierarcaps.report.study import (
    METRICS,
    POOLED,
    PRECISION,
    R1_IMAGE_TO_TEXT,
    RECALL,
    TAU_D,
    Key,
    Pooled,
    Run,
    read_pooled,
)
from hierarcaps.report.wording import listed, signed, signed_interval

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
PAGE, FIGURE, TABLE = HERE.parent / "conditions.md", HERE / "effects.svg", HERE / "results.csv"
SHOWN: tuple[Key, ...] = (PRECISION, RECALL, TAU_D, R1_IMAGE_TO_TEXT)
LIMIT = "limit (eps .001, margin 4), equal weights"
RECIPE = Path("results/conditions/recipe")


class Condition(NamedTuple):
    """A row: where its results lie, of which model, and the objectives that are compared."""

    group: str
    name: str
    results: Path
    model: str = "rn-16"
    re: str = "re"
    ec: str = "ec"


CONDITIONS = (
    Condition("as the study", "rn-16, mixed captions, 100 steps at 1e-5", Path("results")),
    Condition("size", "rn-8, half the width", Path("results/conditions/size"), "rn-8"),
    Condition("captions", "mostly general", Path("build/conditions/general/results")),
    Condition("captions", "full alone", Path("build/conditions/full/results")),
    Condition("distance", "of the tested categories", Path("results/conditions/near"),
              re="re-near", ec="ec-near"),
    Condition("distance", "of the other categories", Path("results/conditions/far"),
              re="re-far", ec="ec-far"),
    Condition("rate", "1,000 steps at 1e-6", RECIPE, re="re-slow", ec="ec-slow"),
    Condition("rate", "10 steps at 1e-4", RECIPE, re="re-fast", ec="ec-fast"),
    Condition("cones", "wide cones (eps .3, margin .1)", RECIPE, re="", ec="ec-wide"),
    Condition("cones", "larger margin (eps .1, margin 1)", RECIPE, re="", ec="ec-margin"),
    Condition("cones", LIMIT, RECIPE, re="re-limit",
              ec="ec-limit"),
)  # fmt: skip
GROUPS = {
    "as the study": "The study itself",
    "size": "Size of the model",
    "captions": "Captions in pre-training",
    "distance": "Hierarchies to align on",
    "rate": "Steps and rate",
    "cones": "EC's cones",
}
BEFORE = {"captions": "captions ", "distance": "hierarchies "}  # a condition's name, in the figure
COLUMNS = [
    "group", "condition", "objective", "reference", "task", "metric", "value", "low", "high", "n",
    "runs", "trainings",
]  # fmt: skip


def collect() -> None:
    """Write what all conditions measured as one table, `objective` being re or ec."""
    rows = []
    for condition in CONDITIONS:
        if not (ROOT / condition.results / POOLED).is_file():
            continue  # the page says which were not run
        found = read_pooled(ROOT / condition.results)
        names = {condition.re: "re", condition.ec: "ec", "zeroshot": "zeroshot", "": ""}
        for (model, objective, reference, *key), mean in found.items():
            if model != condition.model or not {objective, reference} <= names.keys():
                continue
            if tuple(key) in SHOWN and objective:
                head = (condition.group, condition.name, names[objective], names[reference], *key)
                numbers = (mean.value, mean.low, mean.high, mean.n, mean.runs, mean.trainings)
                rows.append((*head, *numbers))
    collected = pd.DataFrame(rows, columns=COLUMNS)
    collected.round(5).to_csv(TABLE, index=False, lineterminator="\n")


class Effects:
    """The rows of results.csv."""

    def __init__(self) -> None:
        rows = pd.read_csv(TABLE, keep_default_na=False)
        key = ["condition", "objective", "reference", "task", "metric"]
        numbers = ["value", "low", "high", "n", "runs", "trainings"]
        self._rows = {
            name: Pooled(*row)
            for name, row in zip(
                rows[key].itertuples(index=False, name=None),
                rows[numbers].itertuples(index=False, name=None),
                strict=True,
            )
        }

    def measured(self) -> list[Condition]:
        """Return the conditions that were run, in their order."""
        names = {name for name, *_ in self._rows}
        return [condition for condition in CONDITIONS if condition.name in names]

    def of(
        self, condition: str, objective: str, key: Key, reference: str = "zeroshot"
    ) -> Pooled | None:
        """Return a paired difference, or with an empty reference the metric itself."""
        return self._rows.get((condition, objective, reference, *key))


BANDS = Bands(
    {"re": Band("RE", PALETTE[0], "o"), "ec": Band("EC", PALETTE[1], "s")},
    apart=0.3,
    seeds_apart=0,
    size=4,
)


@styled
def draw(effects: Effects) -> None:
    """Draw what RE and EC change under each condition, a panel per metric."""
    conditions = effects.measured()
    names = [condition.name for condition in conditions]
    figure = Figure(figsize=(11.5, 0.9 + 0.42 * len(names)), layout="constrained")
    panels = figure.subplots(1, len(SHOWN), sharey=True)
    for axes, key in zip(panels, SHOWN, strict=True):

        def found(name: str, objective: str, key: Key = key) -> list[tuple[Run, Pooled]]:
            mean = effects.of(name, objective, key)
            return [(Run(name, objective, 0), mean)] if mean else []

        axes.axvline(0, color=INK, linewidth=0.9)
        BANDS.draw(axes, names, found)
        axes.set_title(METRICS[key].replace("τ_d", "$\\tau_d$"))
        axes.set_xlabel("after minus before")
        axes.locator_params(axis="x", nbins=5)
    panels[0].set_yticklabels([BEFORE.get(each.group, "") + each.name for each in conditions])
    BANDS.legend(figure, panels[0])
    figure.savefig(FIGURE, metadata={"Date": None})


def said(mean: Pooled | None) -> str:
    """Return a difference with its interval, bold where that excludes zero."""
    if mean is None:
        return "–"
    mark = "**" if direction(mean) else ""
    return f"{mark}{signed(mean.value)}{mark} {signed_interval(mean.low, mean.high)}"


def effect_table(effects: Effects) -> str:
    """Return a row per condition and objective: the metric before, and what alignment changes."""
    head = ["condition", "", "trainings", *(METRICS[key] for key in SHOWN)]
    rows = []
    for condition in effects.measured():
        for objective, reference, label in (
            ("re", "zeroshot", "RE"), ("ec", "zeroshot", "EC"), ("re", "ec", "RE − EC"),
        ):  # fmt: skip
            found = [effects.of(condition.name, objective, key, reference) for key in SHOWN]
            if any(found):
                trainings = next(str(mean.trainings) for mean in found if mean)
                name = f"{GROUPS[condition.group]}: {condition.name}"
                rows.append([name, label, trainings, *map(said, found)])
    return table(head, rows)


OF_THE_MODEL = ("as the study", "size", "captions")  # groups that differ before alignment


def before(effects: Effects) -> str:
    """Say how well each kind of model orders the tiers by itself, and how well it retrieves."""
    parts = []
    for condition in effects.measured():
        if condition.group not in OF_THE_MODEL:
            continue
        order, first = (
            effects.of(condition.name, "zeroshot", key, "") for key in (TAU_D, R1_IMAGE_TO_TEXT)
        )
        name = f"{BEFORE.get(condition.group, '')}{condition.name}"
        parts.append(f"{name}: τ_d {order}, R@1 {first}")
    return f"**Before alignment**: {'; '.join(parts)}."


def before_table(effects: Effects) -> str:
    """Return the models as pre-trained, a row each."""
    rows = []
    for condition in effects.measured():
        if condition.group in OF_THE_MODEL:
            found = [effects.of(condition.name, "zeroshot", key, "") for key in SHOWN]
            name = f"{GROUPS[condition.group]}: {condition.name}"
            rows.append([name, *("–" if mean is None else str(mean) for mean in found)])
    return table(["before alignment", *(METRICS[key] for key in SHOWN)], rows)


def better(effects: Effects, key: Key) -> str:
    """Say under which conditions RE and EC surely differ in a metric."""
    sides: dict[str, list[str]] = {"RE": [], "EC": []}
    compared = 0
    for condition in CONDITIONS:
        mean = effects.of(condition.name, "re", key, "ec")
        if mean is None or condition.name == LIMIT:
            continue
        compared += 1
        if ahead := {1: "RE", -1: "EC"}.get(direction(mean)):
            sides[ahead].append(f"{condition.name} ({said(mean)})")
    parts = [
        f"{name} is ahead in {len(found)} of {compared} conditions: {'; '.join(found)}"
        for name, found in sides.items()
        if found
    ]
    return (
        f"**{METRICS[key]}, RE against EC.** "
        f"{'. '.join(parts) or f'Neither is surely ahead under any of {compared} conditions'}."
    )


def most(effects: Effects) -> str:
    """Say under which condition alignment gives the most recall, and the least."""
    found = {
        f"{name.upper()}, {condition.name}": mean
        for condition in CONDITIONS
        for name in ("re", "ec")
        if (mean := effects.of(condition.name, name, RECALL))
    }
    ordered = sorted(found, key=lambda name: found[name].value)
    ends = " and ".join(f"{said(found[name])} ({name})" for name in (ordered[-1], ordered[0]))
    sure = sum(direction(mean) > 0 for mean in found.values())
    return (
        f"**How much recall alignment gives.** It surely rises in {sure} of {len(found)} cases; "
        f"the most and the least are {ends}. The paper reports +.11 for CLIP-B."
    )


def by_group(effects: Effects, key: Key) -> str:
    """Say of each condition whether it changes what RE gives of a metric, against the study."""
    base = effects.of(CONDITIONS[0].name, "re", key)
    assert base is not None
    parts = []
    for condition in CONDITIONS[1:]:
        mean = effects.of(condition.name, "re", key)
        if mean is None or condition.group == "cones":
            continue
        apart = mean.low > base.high or mean.high < base.low
        verdict = "apart" if apart else "overlaps"
        parts.append(
            f"{GROUPS[condition.group].lower()}, {condition.name}: {said(mean)}, {verdict}"
        )
    return (
        f"**RE's change of {METRICS[key]} by condition**, beside the study's {said(base)} (whether "
        f"the two intervals lie apart): {'; '.join(parts)}."
    )


def missing(effects: Effects) -> str:
    """Say which conditions were not run."""
    run = effects.measured()
    names = [f"{GROUPS[c.group].lower()} ({c.name})" for c in CONDITIONS if c not in run]
    return f"Not measured yet: {listed(names)}." if names else "All conditions were measured."


def cones(effects: Effects) -> str:
    """Say what wider cones give and take."""
    parts = []
    for condition in effects.measured():
        if condition.group not in ("cones", "as the study"):
            continue
        recall, precision = (effects.of(condition.name, "ec", key) for key in (RECALL, PRECISION))
        name = "as tuned (eps .1, margin .1)" if condition.group != "cones" else condition.name
        parts.append(f"{name}: recall {said(recall)}, precision {said(precision)}")
    return f"**EC's cones.** {'; '.join(parts)}."


def limit(effects: Effects) -> str:
    """Say whether RE is EC's limit in results."""
    parts = []
    for key in SHOWN:
        mean = effects.of(LIMIT, "re", key, "ec")
        if mean is not None:
            parts.append(f"{METRICS[key]} {mean.value:+.4f} [{mean.low:+.4f}, {mean.high:+.4f}]")
    return (
        "**RE as EC's limit.** With a margin that no angle reaches and a cone almost without "
        f"width, RE less EC is, same weights of the hard examples: {listed(parts)}."
    )


def compose() -> str:
    """Return the page."""
    effects = Effects()
    draw(effects)
    lines = [before(effects), most(effects), *(by_group(effects, key) for key in (RECALL, TAU_D)),
             *(better(effects, key) for key in (PRECISION, RECALL, TAU_D)),
             cones(effects), limit(effects)]  # fmt: skip
    parts = {
        "findings": "\n".join(f"* {line}" for line in lines),
        "before": before_table(effects),
        "table": effect_table(effects),
        "missing": missing(effects),
    }
    return filled(HERE.joinpath("page.md.in").read_text(encoding="utf-8"), parts)


if __name__ == "__main__":
    if "--collect" in sys.argv:
        collect()
    PAGE.write_text(compose(), encoding="utf-8")
