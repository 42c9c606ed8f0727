"""The figures of the caption hierarchies: each states n and interval in its caption."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from hierarcaps.report.dataset.sheet import (
    ENTAILMENT,
    FORM,
    HELD_OUT,
    NEGATIVE,
    NOVELTY,
    OTHER,
    PAPER_VALIDITY,
    UNKNOWN,
    Datasheet,
    Step,
    percent,
)
from hierarcaps.report.dots import dot, name_rows
from hierarcaps.report.markup import Html, Panel, figure, note
from hierarcaps.report.plot_style import (
    GREY,
    INK,
    PALETTE,
    REFERENCE_LINE,
    TIER_TICKS,
    error_bar,
    styled,
    svg_panel,
)

BLUE, ORANGE, GREEN, PINK, SKY, AMBER = PALETTE
# Accepted is full and blue; what rejects is paler and hatched, so that it tells apart in grey too.
STAGE_LOOKS = {
    UNKNOWN: (GREEN, "||||"),
    FORM: (AMBER, "...."),
    ENTAILMENT: (ORANGE, "////"),
    NOVELTY: (PINK, "\\\\\\\\"),
    NEGATIVE: (SKY, "xxxx"),
    HELD_OUT: (BLUE, "----"),
    OTHER: (GREY, ""),
}
WILSON = "Wilson's 95% intervals, rows taken as independent"


@styled
def funnel_figure(sheet: Datasheet) -> Html:
    """Return how many rows entered and left each step, and where the rest went."""
    steps = [step for step in sheet.counted if step.entered]
    sizes = ", ".join(f"{step.label} {step.entered:,}" for step in steps)
    skipped = [step.label for step in sheet.counted if not step.entered]
    remark = f" Switched off or empty: {', '.join(skipped)}." if skipped else ""
    return figure(
        [_count_panel(sheet, steps), _share_panel(steps)],
        "First: captions, and rows that entered (open) and left (filled) each step, on a "
        "logarithmic scale. Second: where the rows of each step went; each row counts at its first "
        f"fault. Rows: n = {sizes}. One run; all rows are counted, hence no interval.{remark}",
    )


def _count_panel(sheet: Datasheet, steps: Sequence[Step]) -> Panel:
    rows = [("Captions", sheet.captions["entered"], sheet.captions["kept"])]
    rows += [(step.label, step.entered, step.accepted) for step in steps]
    drawn = Figure(figsize=(4.4, 0.9 + 0.36 * len(rows)), layout="constrained")
    axes = drawn.add_subplot()
    for place, (_, entered, left) in enumerate(rows):
        axes.plot([max(left, 1), entered], [place, place], color=BLUE, linewidth=1.2)
        axes.plot(entered, place, marker="o", mfc="white", mec=BLUE, markersize=7)
        axes.plot(max(left, 1), place, marker="o", mfc=BLUE, mec=BLUE, markersize=7)
        text = f"{entered:,} → {left:,}"
        axes.annotate(
            text, (entered, place), (8, 0), textcoords="offset points", va="center", fontsize=8
        )
    axes.set_xscale("log")
    axes.set_xlim(left=0.7, right=max(entered for _, entered, _ in rows) * 40)
    name_rows(axes, [label for label, _, _ in rows])
    axes.set_title("Entered and left")
    axes.set_xlabel("rows")
    described = "; ".join(f"{label} {entered:,} to {left:,}" for label, entered, left in rows)
    return svg_panel(drawn, f"Rows that entered and left each step: {described}.")


def _share_panel(steps: Sequence[Step]) -> Panel:
    drawn = Figure(figsize=(4.7, 1.6 + 0.36 * len(steps)), layout="constrained")
    axes = drawn.add_subplot()
    left = np.zeros(len(steps))
    parts = {"accepted": [step.accepted for step in steps]}
    for stage in STAGE_LOOKS:
        numbers = [step.by_stage()[stage] for step in steps]
        if any(numbers):
            parts[stage] = numbers
    described = []
    for name, numbers in parts.items():
        colour, hatch = STAGE_LOOKS.get(name, (BLUE, ""))
        widths = np.array([100 * n / step.entered for n, step in zip(numbers, steps, strict=True)])
        full = name == "accepted"
        axes.barh(
            range(len(steps)),
            widths,
            left=left,
            height=0.62,
            label=name,
            facecolor=colour if full else "white",
            edgecolor="white" if full else colour,
            hatch=None if full else hatch,
            linewidth=0.8,
        )
        left += widths
        described.append(f"{name} {', '.join(f'{width:.1f}%' for width in widths)}")
    axes.set_xlim(0, 100)
    name_rows(axes, [step.label for step in steps])
    axes.set_xlabel("share of the rows that entered (%)")
    axes.set_title("Where they went")
    drawn.legend(loc="outside lower left", ncols=2)
    names = ", ".join(step.label for step in steps)
    return svg_panel(drawn, f"Stacked bars of shares, for {names}: {'; '.join(described)}.")


@styled
def validity_figure(sheet: Datasheet) -> Html:
    """Return the shares that the oracle finds right, per step and per tier."""
    if not sheet.has_oracle:
        return note(
            "These captions were written by people about real pictures: no program knows which "
            "texts are true of each other, so that there is no oracle. Reviewing a sample by hand "
            "(make review) is what tells how many items are right."
        )
    final = sheet.final
    return figure(
        [panel for panel in (_step_panel(sheet), _tier_panel(final)) if panel],
        "Shares that the drawn world's logic finds right. First: hierarchies of four right tiers, "
        "before (open) and after (filled) the NLI filter, and accepted items right in all eight "
        f"texts (diamond). Dashed: {100 * PAPER_VALIDITY:.0f}%, which the paper reports for its "
        "own automatic items before their correction. Second: per tier, positives and negatives "
        f"of the accepted items, on a scale of its own. Bars: {WILSON}; n = {final.accepted:,} "
        "accepted items, one run. The logic reads only what its grammar knows: a true text that it "
        "cannot read counts as wrong.",
    )


def _step_panel(sheet: Datasheet) -> Panel:
    marks = []
    for row, step in enumerate(sheet.counted):
        for measure, when, offset, style in (
            ("positives", "written", -0.18, {"marker": "o", "mfc": "white", "mec": BLUE}),
            ("positives", "accepted", 0.0, {"marker": "o", "mfc": BLUE, "mec": BLUE}),
            ("all_eight", "accepted", 0.18, {"marker": "D", "mfc": ORANGE, "mec": ORANGE}),
        ):
            if share := step.valid(measure, when):
                marks.append((step, row + offset, share, style, f"{measure} {when}"))
    drawn = Figure(figsize=(4.6, 1.4 + 0.42 * len(sheet.counted)), layout="constrained")
    axes = drawn.add_subplot()
    axes.axvline(100 * PAPER_VALIDITY, **REFERENCE_LINE)
    labels = {
        "positives written": "four tiers, before the filter",
        "positives accepted": "four tiers, accepted",
        "all_eight accepted": "all eight texts, accepted",
    }
    seen: set[str] = set()
    for _, place, share, style, name in marks:
        label = f"_{name}" if name in seen else labels[name]
        seen.add(name)
        dot(
            axes,
            share,
            place,
            scale=100,
            color=style["mec"],
            linestyle="none",
            markersize=6,
            label=label,
            **style,
        )
    axes.set_xlim(0, 103)
    name_rows(axes, [step.label for step in sheet.counted])
    axes.set_title("Right by the oracle")
    axes.set_xlabel("share of rows (%)")
    drawn.legend(loc="outside lower left", ncols=2)
    described = "; ".join(
        f"{step.label}, {labels[name]}: {percent(share)}" for step, _, share, _, name in marks
    )
    return svg_panel(drawn, f"Dot plot of the shares right by the oracle. {described}.")


def _tier_panel(step: Step) -> Panel | None:
    drawn = Figure(figsize=(3.6, 2.9), layout="constrained")
    axes = drawn.add_subplot()
    described, lowest = [], 100.0
    for measure, name, colour, marker, offset in (
        ("positive_tiers", "positives", BLUE, "o", -0.08),
        ("negative_tiers", "negatives", ORANGE, "s", 0.08),
    ):
        shares = [share for share in step.valid_tiers(measure) if share]
        if not shares:
            continue
        lowest = min(lowest, *(100 * share.low for share in shares))
        axes.errorbar(
            np.arange(1, len(shares) + 1) + offset,
            [100 * share.value for share in shares],
            yerr=100 * error_bar(*shares),
            color=colour,
            marker=marker,
            markersize=5,
            label=name,
        )
        described.append(f"{name} {', '.join(percent(share) for share in shares)}")
    if not described:
        return None
    axes.set_xticks(range(1, 5), TIER_TICKS)
    room = 0.1 * (100.5 - lowest)
    axes.set_ylim(lowest - room, 100 + room)
    axes.set_title(f"Per tier, {step.label.lower()}")
    axes.set_xlabel("tier")
    axes.set_ylabel("right (% of accepted)")
    drawn.legend(loc="outside lower left", ncols=2)
    return svg_panel(drawn, f"Shares right for tiers 1 to 4: {'; '.join(described)}.")


@styled
def text_figure(sheet: Datasheet) -> Html:
    """Return the length of the tiers in words, and the most frequent first tiers."""
    panels = [panel for panel in (_length_panel(sheet), _first_tier_panel(sheet)) if panel]
    if not panels:
        return note("No item was accepted: there are no texts to describe.")
    words, texts = sheet.vocabulary["words"], sheet.vocabulary["texts"]
    return figure(
        panels,
        "First: words per tier of the accepted items; marks are means, bars reach from the "
        "shortest to the longest text. Second: the most frequent texts of tier 1. "
        f"n = {sheet.final.accepted:,} items, with {texts:,} distinct positive texts made of "
        f"{words:,} distinct words. One run; all items are counted, hence no interval.",
    )


def _length_panel(sheet: Datasheet) -> Panel | None:
    if not sheet.lengths:
        return None
    drawn = Figure(figsize=(3.6, 2.9), layout="constrained")
    axes = drawn.add_subplot()
    described = []
    for (column, tiers), colour, marker, offset in zip(
        sorted(sheet.lengths.items(), reverse=True), (BLUE, ORANGE), "os", (-0.1, 0.1), strict=False
    ):
        name = {"tiers": "positives", "negatives": "negatives"}[column]
        means = np.array([tier["mean"] for tier in tiers])
        below = means - [tier["least"] for tier in tiers]
        above = np.array([tier["greatest"] for tier in tiers]) - means
        axes.errorbar(
            np.arange(1, len(means) + 1) + offset,
            means,
            yerr=[below, above],
            color=colour,
            marker=marker,
            elinewidth=1,
            label=name,
        )
        described.append(f"{name} {', '.join(f'{mean:.1f}' for mean in means)}")
    axes.set_xticks(range(1, 5), TIER_TICKS)
    axes.set_ylim(bottom=0)
    axes.set_title("Words per tier")
    axes.set_xlabel("tier")
    axes.set_ylabel("words")
    drawn.legend(loc="outside lower left", ncols=2)
    return svg_panel(drawn, f"Mean words for tiers 1 to 4: {'; '.join(described)}.")


def _first_tier_panel(sheet: Datasheet) -> Panel | None:
    counted = sorted(sheet.vocabulary["first_tiers"].items(), key=lambda pair: (-pair[1], pair[0]))
    if not counted:
        return None
    drawn = Figure(figsize=(4.4, 0.8 + 0.2 * len(counted)), layout="constrained")
    axes = drawn.add_subplot()
    shown = [text if len(text) <= 28 else f"{text[:27]}…" for text, _ in counted]
    # Captions are any text: a dollar sign must not start a formula.
    shown = [text.replace("$", r"\$") for text in shown]
    axes.barh(range(len(counted)), [number for _, number in counted], color=BLUE, height=0.65)
    name_rows(axes, shown)
    axes.tick_params(axis="y", labelcolor=INK)
    axes.set_title("Most frequent first tiers")
    axes.set_xlabel("items")
    described = ", ".join(f"{text} {number}" for text, number in counted)
    return svg_panel(drawn, f"Bars of the most frequent first tiers: {described}.")
