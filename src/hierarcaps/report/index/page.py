"""The first page of a run's results: what came out, where it is, and what it was made from."""

import json
import re
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

from hierarcaps.report.index.durations import Duration, clock
from hierarcaps.report.markup import Html, figure_css, number_cell, prose, table, two_lines
from hierarcaps.report.study import METRICS, Estimate, Key, Kind, Results, Run, Spread, heading
from hierarcaps.report.tables import GROUPS, provenance
from hierarcaps.report.wording import count, span
from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.files import atomic_path

LEAD = re.compile(r'<ul class="hc-lead">\n<li>(.*?)</li>', re.DOTALL)
GROUP_OF: dict[Kind, str] = {
    "model": "",
    "untrained": "untrained control",
    "baseline": "no model",
}


def write_index(
    path: str | Path,
    results: Results,
    notebooks: Sequence[str],
    links: Mapping[str, str],
    durations: Sequence[Duration] = (),
) -> None:
    """Write ``index.html``, which loads nothing and links the rest of a results folder.

    Args:
        path: the page; links are relative to its folder.
        results: the study.
        notebooks: names of rendered notebooks, ``reports/{name}.ipynb`` and ``.html`` beside it.
        links: further files, relative to the page -> what they are, in plain text.
        durations: how long each rule's jobs took; the only part that differs between equal runs.

    Raises:
        InputError: a linked file is missing.
    """
    path = Path(path)
    pages = [f"reports/{name}.html" for name in notebooks]
    for target in (*pages, *links):
        if not Path(path.parent, target).is_file():
            raise InputError(f"{path}: would link to {target}, which is missing")
    cards = "\n".join(_card(path.parent, name) for name in notebooks)
    listed = "\n".join(
        f'<li><a href="{escape(target)}">{escape(target)}</a> {prose(text)}</li>'
        for target, text in links.items()
    )
    parts = {
        "STYLE": figure_css() + _asset("page.css"),
        "WHAT": prose(_what(results)),
        "CARDS": cards,
        "TABLE": headline_table(results).text,
        "LINKS": listed,
        "PROVENANCE": provenance(results).text,
        "SEEDS": prose(_seeds(results)),
        "DURATIONS": _durations(durations),
    }
    page = re.sub(r"%%([A-Z]+)%%", lambda match: parts[match[1]], _asset("page.html"))
    with atomic_path(path) as partial:
        partial.write_text(page, encoding="utf-8", newline="\n")


def _asset(name: str) -> str:
    return files("hierarcaps.report.index").joinpath(name).read_text(encoding="utf-8")


def _what(results: Results) -> str:
    test_set = results.info["test_set"]
    models = len({run.model for run in results.of_kind("model")})
    aligned = len([run for run in results.of_kind("model") if run.objective != "zeroshot"])
    untrained = len({run.model for run in results.of_kind("untrained")})
    baselines = len(results.of_kind("baseline"))
    return (
        f"{count(models, 'model')}, {count(aligned, 'alignment')}, "
        f"{count(untrained, 'untrained control')} and {count(baselines, 'baseline')} without a "
        f"model, on {count(test_set['n_items'], 'image')} with four captions each "
        f"({test_set['source']})."
    )


def _card(folder: Path, name: str) -> str:
    """Return a link to a notebook: its title and the first sentence that it begins with."""
    notebook = json.loads(Path(folder, "reports", f"{name}.ipynb").read_text(encoding="utf-8"))
    sources = ["".join(cell["source"]) for cell in notebook["cells"]]
    title = next((s.lstrip("# ").split("\n")[0] for s in sources if s.startswith("# ")), name)
    return (
        f'<li><a href="reports/{escape(name)}.html"><b>{escape(title)}</b></a>\n'
        f"<p>{_first_sentence(notebook)}</p></li>"
    )


def _first_sentence(notebook: Mapping[str, Any]) -> str:
    for cell in notebook["cells"]:
        for output in cell.get("outputs", ()):
            text = "".join(output.get("data", {}).get("text/html", ""))
            if found := LEAD.search(text):
                return found[1]  # escaped where it was made
    return ""


def headline_table(results: Results) -> Html:
    """Return a row per model and objective: the main metrics, means over its runs."""
    groups: dict[tuple[str, str], list[Run]] = {}
    for kind in GROUPS:
        for run in results.of_kind(kind):
            groups.setdefault((run.model, run.objective), []).append(run)
    rows: list[list[str]] = []
    sizes: set[int] = set()
    for runs in groups.values():
        values = [_over_runs(results, runs, key) for key in METRICS]
        if not any(values):
            continue
        sizes |= {value.n for value in values if value}
        group = GROUP_OF[runs[0].kind]
        label = runs[0].label.removesuffix(", untrained")
        name = two_lines(escape(label), group)
        rows.append([name, _count(results, runs), *(number_cell(value) for value in values)])
    return table(
        "Retrieval of hierarchies, order of the tiers, and standard retrieval.",
        f"In brackets: bootstrap 95% intervals, n = {span(sizes)} items: of models of several "
        "trainings, before and after alignment, of the mean, over trainings and items; otherwise "
        "over items, of aligned models of the mean over orders of the training items. Untrained "
        "controls: the mean over seeds, in parentheses the lowest and the highest. A dash: does "
        "not apply. What they mean is in the notebooks.",
        ["Model", "Runs", *(heading(key) for key in METRICS)],
        rows,
    )


def _over_runs(results: Results, runs: Sequence[Run], key: Key) -> Estimate | None:
    """Return a metric over the runs of one model and objective, or None where it has none."""
    first = runs[0]
    if first.kind == "model":
        return results.pooled(first.model, first.objective, key)
    found = [each for run in runs if (each := results.estimate(run, *key)) is not None]
    if len(found) < 2:
        return found[0] if found else None
    values = [each.value for each in found]
    return Spread(sum(values) / len(values), min(values), max(values), found[0].n)


def _count(results: Results, runs: Sequence[Run]) -> str:
    if runs[0].kind == "baseline":
        return "–"
    return count(len(runs), results.varies(runs[0]))


def _seeds(results: Results) -> str:
    of: dict[str, list[int]] = {}
    for run in results.of_kind("model", "untrained"):
        of.setdefault(run.label, []).append(run.seed)
    listed = "; ".join(f"{label}: {', '.join(map(str, seeds))}" for label, seeds in of.items())
    return (
        "Seeds of the weights; of aligned models those of the training that they start from, or of "
        f"the order of items. {listed}."
    )


def _durations(durations: Sequence[Duration]) -> str:
    if not durations:
        return "<p>How long the jobs took was not recorded.</p>"
    rows = [
        [escape(each.rule), str(each.jobs), clock(each.seconds), f"{each.peak_mb:,.0f}"]
        for each in durations
    ]
    total = clock(sum(each.seconds for each in durations))
    jobs = count(sum(each.jobs for each in durations), "job")
    return table(
        f"Duration: {total} of work in {jobs}.",
        "The last time that each job ran; jobs run beside each other, so that the run itself took "
        "less where there are several cores. “make report” shows when each of them ran.",
        ["Rule", "Jobs", "Time, h:mm:ss", "Peak memory, MB"],
        rows,
    ).text
