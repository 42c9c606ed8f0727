"""The qualitative report: images with what is retrieved before and after, chosen by rule."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from hierarcaps.data.hierarchy import TIERS
from hierarcaps.report.markup import Html, Panel, figure, note, table
from hierarcaps.report.plot_style import GREY, INK, PALETTE, TIER_TICKS, styled, svg_panel
from hierarcaps.report.qualitative.retrieved import (
    TASK,
    Retrieved,
    changes,
    compared_runs,
    most_changed,
    retrieved,
    transitions,
    worst,
)
from hierarcaps.report.study import OBJECTIVES, Results
from hierarcaps.report.tables import chain, gold_chain, picture
from hierarcaps.report.wording import count, first_run, span

PLAIN_SAMPLE = 6
COLOURS = {"re": PALETTE[0], "ec": PALETTE[1]}
NOTHING = "No retrieved hierarchies are part of this run."


def opening(results: Results) -> list[str]:
    """Return three plain-text sentences on the first model: what changed, and what still fails."""
    groups = compared_runs(results)
    if not groups:
        return [NOTHING]
    first, *others = (retrieved(results, run) for run in groups[0])
    if first.run.objective == "zeroshot" and all(r.run.model == first.run.model for r in others):
        sentences = [_change_sentence(results, first, other) for other in others[:2]]
    else:
        sentences = []
    last = others[0] if sentences else first
    if len(sentences) < 2:
        sentences.append(_extremes_sentence(results, last))
    if len(sentences) < 2:
        sentences.append(_missed_sentence(results, last))
    return [*sentences, _failure_sentence(results, first if sentences else last, last)]


def _change_sentence(results: Results, before: Retrieved, after: Retrieved) -> str:
    more, fewer, same = changes(before, after)
    means = "; ".join(
        f"{metric} {results.estimate(before.run, TASK, metric)} before and "
        f"{results.estimate(after.run, TASK, metric)} after"
        for metric in ("recall", "precision")
    )
    return (
        f"{results.name(after.run)} retrieves more gold tiers than {results.name(before.run)} for "
        f"{more:,} of {count(len(after.table), 'image')}, fewer for {fewer:,} and as many for "
        f"{same:,} ({means})."
    )


def _extremes_sentence(results: Results, run: Retrieved) -> str:
    return (
        f"{results.name(run.run)} retrieves all four gold tiers for {(run.found == TIERS).sum():,} "
        f"of {count(len(run.table), 'image')} and none of them for {(run.found == 0).sum():,}."
    )


def _missed_sentence(results: Results, run: Retrieved) -> str:
    missed = (~run.hits).sum(axis=0)
    tier = int(missed.argmax())
    return (
        f"It misses tier {tier + 1} most often, for {missed[tier]:,} of "
        f"{count(len(run.table), 'image')}."
    )


def _failure_sentence(results: Results, before: Retrieved, after: Retrieved) -> str:
    text = (
        f"{results.name(after.run)} retrieves no gold tier at all for {(after.found == 0).sum():,} "
        f"of {count(len(after.table), 'image')}"
    )
    if before.run != after.run:
        text += f" (before: {(before.found == 0).sum():,})"
    if after.intruder:
        wrong, times = after.intruder
        text += f"; the text that it retrieves wrongly most often is “{wrong}”, for {times:,}"
    return f"{text}."


def transition_tables(results: Results) -> Html:
    """Return, per model and objective, how many gold tiers were found before and after."""
    tables = []
    for first, *others in compared_runs(results):
        for other in others:
            if other.model != first.model:
                continue
            before, after = retrieved(results, first), retrieved(results, other)
            counts = transitions(before, after)
            rows = [
                [f"{found} before", *(_count_cell(n, found, to) for to, n in enumerate(row))]
                for found, row in enumerate(counts.tolist())
            ]
            more, fewer, same = changes(before, after)
            tables.append(
                table(
                    f"{results.name(other)}: gold tiers found, before and after.",
                    f"Images, n = {len(after.table):,}: {more:,} find more (right of the "
                    f"diagonal), {fewer:,} fewer, {same:,} as many. Counts, so no interval.",
                    ["Gold tiers", *(f"{found} after" for found in range(TIERS + 1))],
                    rows,
                )
            )
    if not tables:
        return note("No model was evaluated both before and after alignment.")
    listed = "\n".join(each.text for each in tables)
    return Html(f'<div class="hc-panels">\n{listed}\n</div>')


def _count_cell(number: int, before: int, after: int) -> str:
    text = f"{number:,}" if number else '<span class="hc-none">0</span>'
    return f"<b>{text}</b>" if before == after else text


@styled
def tier_figure(results: Results) -> Html:
    """Return for how many images each gold tier is newly found, and no longer, per model."""
    panels, sizes = [], set()
    for first, *others in compared_runs(results):
        aligned = [run for run in others if run.model == first.model]
        if aligned:
            before = retrieved(results, first)
            afters = [retrieved(results, run) for run in aligned]
            panels.append(_tier_panel(before, afters))
            sizes.add(len(before.table))
    if not panels:
        return note("No model was evaluated both before and after alignment.")
    return figure(
        panels,
        "Gold captions by tier: above zero, images that retrieve theirs only after alignment; "
        "below, images that did so only before. Solid: RE; hatched: EC. n = "
        f"{span(sizes)} images; {first_run()}; counts, so no interval.",
    )


def _tier_panel(before: Retrieved, afters: Sequence[Retrieved]) -> Panel:
    drawn = Figure(figsize=(3.15, 2.9), layout="constrained")
    axes = drawn.add_subplot()
    width = 0.8 / len(afters)
    described = []
    for band, after in enumerate(afters):
        gained = (after.hits & ~before.hits).sum(axis=0)
        lost = (before.hits & ~after.hits).sum(axis=0)
        places = np.arange(1, TIERS + 1) + width * (band - (len(afters) - 1) / 2)
        colour = COLOURS.get(after.run.objective, GREY)
        hatch = "////" if after.run.objective == "ec" else None
        name = OBJECTIVES.get(after.run.objective, after.run.objective)
        shared: dict[str, Any] = {"width": 0.9 * width, "edgecolor": colour, "hatch": hatch}
        face = "white" if hatch else colour
        axes.bar(places, gained, facecolor=face, label=name, **shared)
        axes.bar(places, -lost, facecolor=face, alpha=0.55, **shared)
        steps = ", ".join(f"+{g} −{s}" for g, s in zip(gained, lost, strict=True))
        described.append(f"{name} tiers 1 to 4: {steps}")
    axes.axhline(0, color=INK, linewidth=0.9)
    axes.set_xticks(range(1, TIERS + 1), TIER_TICKS)
    axes.yaxis.set_major_formatter(lambda value, _: f"{abs(value):g}")
    axes.grid(axis="x", visible=False)
    axes.set_title(before.run.label)
    axes.set_xlabel("gold tier")
    axes.set_ylabel("images: lost | gained")
    drawn.legend(loc="outside lower left", ncols=2)
    return svg_panel(
        drawn,
        f"Gold captions gained and lost per tier, {before.run.label}: {'; '.join(described)}.",
    )


def plain_cards(results: Results) -> Html:
    """Return the first items of the seeded sample: what anybody would meet who looks."""
    shown = list(results.examples["item_id"])[:PLAIN_SAMPLE]
    rule = (
        f"Chosen before any result was known: the first {count(len(shown), 'image')} of the sample "
        f"of {len(results.examples):,} that was drawn by seed from the test set."
    )
    return note(rule) + _cards(results, [(item, "sampled") for item in shown])


def changed_cards(results: Results) -> Html:
    """Return the items that change most, either way, and the median, for the first model."""
    groups = compared_runs(results)
    if not groups or len(groups[0]) < 2 or groups[0][1].model != groups[0][0].model:
        return note("No model was evaluated both before and after alignment.")
    before, after = (retrieved(results, run) for run in groups[0][:2])
    shown = list(results.examples["item_id"])
    rule = (
        f"Chosen by rule, not by eye: of the {len(shown):,} sampled images, ranked by how many "
        f"more gold tiers {results.name(after.run)} retrieves than "
        f"{results.name(before.run)}, then by the change of precision, then by item id, the first "
        "two, the middle two and the last two."
    )
    return note(rule) + _cards(results, most_changed(before, after, shown))


def failure_cards(results: Results) -> Html:
    """Return the items of which least is found after alignment (or by the first model)."""
    groups = compared_runs(results)
    if not groups:
        return note(NOTHING)
    run = (
        groups[0][1]
        if len(groups[0]) > 1 and groups[0][1].objective != "zeroshot"
        else groups[0][0]
    )
    shown = worst(retrieved(results, run), list(results.examples["item_id"]))
    rule = (
        f"Chosen by rule: of the sampled images the {count(len(shown), 'one')} with the fewest "
        f"gold tiers under {results.name(run)}, then of the lowest precision, then by item id."
    )
    return note(rule) + _cards(results, [(item, "fails") for item in shown])


def _cards(results: Results, chosen: Iterable[tuple[str, str]]) -> Html:
    groups = compared_runs(results)
    if not groups:
        return note(NOTHING)
    runs = [retrieved(results, run) for run in groups[0]]
    pictures = results.examples.set_index("item_id")["image"]
    cards = []
    for item, why in chosen:
        gold = list(runs[0].table.loc[item, "gold"])
        chains = "\n".join(chain(results, each.run, each.table.loc[item], gold) for each in runs)
        cards.append(
            '<article class="hc-card hc-wide">\n'
            f"<header>{picture(pictures[item], gold)}<div><p><b>{escape(why)}</b> "
            f"<code>{escape(item)}</code></p>\n<h4>gold</h4>{gold_chain(gold)}</div></header>\n"
            f'<div class="hc-columns">\n{chains}\n</div>\n</article>'
        )
    return Html('<div class="hc-cards hc-rows">\n' + "\n".join(cards) + "\n</div>")
