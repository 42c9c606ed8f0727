"""The tables of the caption hierarchies: funnel, reasons, judge, examples, prompt."""

from collections.abc import Mapping
from html import escape
from typing import Any

from hierarcaps.report.dataset.sheet import (
    CAPTION_REASONS,
    ENTAILMENT,
    FORM,
    OUTCOMES,
    STAGES,
    Datasheet,
    explain,
    percent,
    points,
    wilson,
)
from hierarcaps.report.markup import Html, folded, note, number_cell, prose, table, two_lines
from hierarcaps.report.study import Estimate
from hierarcaps.report.wording import count

SHOWN_ACCEPTED = 4
SHOWN_PER_REASON = 1
SOURCES = {
    "llm": "language model",
    "llm, mended": "mended",
    "hierarchy model": "H",
}
RELATIONS = ("entailment", "neutral", "contradiction")
PAIR_KINDS = {
    "general": "each tier against the one before",
    "reverse": "the same, the other way round",
    "near_miss": "one attribute changed",
    "blurred_miss": "one attribute changed, then some detail dropped",
    "siblings": "two generalisations of one meaning",
    "exchanged": "the two objects exchanged",
    "unrelated": "nothing in common",
}


def funnel_table(sheet: Datasheet) -> Html:
    """Return a row per step: entered, rejected at each stage, accepted."""
    stages = [s for s in STAGES if any(step.by_stage()[s] for step in sheet.counted)]
    rows = []
    for step in sheet.counted:
        source = ", ".join(SOURCES.get(name, escape(name)) for name in step.sources)
        name = two_lines(escape(step.label), source)
        rejected = [f"{step.by_stage()[stage]:,}" for stage in stages]
        rows.append(
            [name, f"{step.entered:,}", *rejected, f"{step.accepted:,}", _share_cell(step.yielded)]
        )
    return table(
        "From captions to items.",
        "A rejected row counts once, at its first fault. In brackets: Wilson's 95% interval. "
        "A dash: nothing to measure.",
        ["Step", "Entered", *(s.capitalize() for s in stages), "Accepted", "Accepted, share"],
        rows,
    )


def validity_table(sheet: Datasheet) -> Html:
    """Return a row per step: shares that the oracle finds right, before and after the filter."""
    if not sheet.has_oracle:
        return Html("")
    columns = {
        "Four tiers, before the filter": ("positives", "written"),
        "Four tiers, accepted": ("positives", "accepted"),
        "Four negatives, accepted": ("negatives", "accepted"),
        "All eight texts, accepted": ("all_eight", "accepted"),
    }
    rows = [
        [
            escape(step.label),
            *(_share_cell(step.valid(*key), size=True) for key in columns.values()),
        ]
        for step in sheet.counted
    ]
    return table(
        "Right by the oracle.",
        "In brackets: Wilson's 95% interval, then the number of rows. A dash: nothing to judge; "
        "only items have negatives.",
        ["Step", *columns],
        rows,
    )


def _share_cell(share: Estimate | None, size: bool = False) -> str:
    if share is None:
        return number_cell(None)
    n = f'<span class="hc-interval">n = {share.n:,}</span>' if size else ""
    return two_lines(*percent(share).split(" ", 1)) + n


def reasons_table(sheet: Datasheet) -> Html:
    """Return every reason of rejection with its count per step, captions first."""
    rows = [
        ["Captions", escape(CAPTION_REASONS.get(reason, reason)), f"{number:,}"]
        for reason, number in sheet.captions.items()
        if reason not in ("entered", "kept") and number
    ]
    for step in sheet.counted:
        ordered = sorted(step.reasons.items(), key=lambda pair: (-pair[1], pair[0]))
        rows += [[escape(step.label), escape(explain(r)[1]), f"{n:,}"] for r, n in ordered]
    if not rows:
        return note("Nothing was rejected at any step.")
    listed = table("Why rows were rejected.", "", ["Step", "Reason", "Rows"], rows, "hc-reasons")
    return Html(
        f"<details><summary>All {count(len(rows), 'reason')} with their counts</summary>\n"
        f"{listed.text}\n</details>"
    )


def augmentation_tables(sheet: Datasheet) -> Html:
    """Return what was left of the completions at each gate, and what the accepted ones gave H."""
    step = sheet.named("augmentation")
    if step is None:
        return note("Augmentation was switched off in this study.")
    lost = step.by_stage()
    known, unattested = (step.reasons.get(reason, 0) for reason in ("known", "unattested"))
    parsed = step.entered - lost[FORM] + known + unattested
    judged = step.entered - lost[FORM]
    counts = {
        "written by the language model": step.entered,
        "four different tiers, none longer than the one it generalises": parsed,
        "of a caption that no seed and no earlier line has": parsed - known,
        "in word pairs that captions have: judged": judged,
        "each tier entails the one before, by the NLI model": judged - lost[ENTAILMENT],
        "and says more than it: accepted": step.accepted,
    }
    if right := step.valid("positives"):
        counts["right in all four tiers, by the oracle, which filters nothing"] = round(
            right.value * right.n
        )
    rows = [
        [escape(what), f"{number:,}", _share_cell(wilson(number / step.entered, step.entered))]
        for what, number in counts.items()
    ]
    funnel = table(
        "Completions left after each gate.",
        "In brackets: Wilson's 95% interval of the share of all completions.",
        ["Gate", "Completions", "Share"],
        rows,
    )
    return funnel + _effect_table(sheet)


def _effect_table(sheet: Datasheet) -> Html:
    """Return H with and without augmentation."""
    measured = [name for name in OUTCOMES if sheet.effect(name, "difference")]
    if not measured:
        return note("What augmentation gives H was not measured in this study.")
    rows = [
        [
            escape(OUTCOMES[name]),
            *(_share_cell(sheet.effect(name, of), size=True) for of in ("without", "with")),
            points(gain),
        ]
        for name in measured
        if (gain := sheet.effect(name, "difference"))
    ]
    taught = sheet.ablation["taught"]
    return table(
        "H without and with augmentation.",
        f"Two H of {sheet.ablation['steps']:,} steps, each trained once (H itself for longer), of "
        f"{taught['without']:,} and {taught['with']:,} hierarchies, recombined ones included; "
        "shares of the same captions of validation images. In brackets: 95% intervals over "
        "images; the difference is paired.",
        ["H writes", "Without", "With", "Difference"],
        rows,
    )


def judge_tables(sheet: Datasheet) -> Html:
    """Return the NLI model's accuracy per relation and kind of pair, and its precision."""
    if sheet.nli is None:
        return note("The NLI model was not measured in this run: it was trained elsewhere.")
    rows = []
    for kind in ("all", *sheet.pair_kinds):
        groups = [f"{kind}: {relation}" for relation in RELATIONS] + [f"pairs: {kind}"]
        if kind == "all":
            groups = [*RELATIONS, "all"]
        cells = [_share_cell(sheet.accuracy(group), size=True) for group in groups]
        rows.append([_kind(kind), *cells])
    accuracy = table(
        "Accuracy of the NLI model.",
        "Held-out pairs of the drawn world, labelled by its logic, in the shapes that the filters "
        "ask about. In brackets: Wilson's 95% interval, then the number of pairs.",
        ["Pairs", *(relation.capitalize() for relation in RELATIONS), "All relations"],
        rows,
    )
    precision = sheet.nli["precision"]
    thresholds = sorted({t for shares in precision.values() for t in shares}, key=float)
    rows = [
        [
            escape(relation.capitalize()),
            *(f"{100 * shares[t]:.1f}%" if shares.get(t) else "–" for t in thresholds),
        ]
        for relation, shares in precision.items()
    ]
    return accuracy + table(
        "Precision of the NLI model at thresholds of its probability.",
        f"Of the {count(sheet.nli['n']['all'], 'held-out pair')} whose probability reaches the "
        "threshold, the share that has the relation. A dash: none that reaches it has.",
        ["Relation", *(f"p ≥ {t}" for t in thresholds)],
        rows,
    )


def _kind(kind: str) -> str:
    if kind == "all":
        return "all"
    words = escape(kind.replace("_", " "))
    meaning = PAIR_KINDS.get(kind)
    return two_lines(words, escape(meaning)) if meaning else words


def accepted_cards(sheet: Datasheet) -> Html:
    """Return the first accepted items, and items that passed though the oracle finds them wrong."""
    examples = list(sheet.final.examples.get("accepted", []))[:SHOWN_ACCEPTED]
    if not examples:
        return note("No item was accepted.")
    cards = [_card(example, "accepted") for example in examples]
    wrong = ((sheet.final.oracle or {}).get("accepted") or {}).get("wrong", [])[:SHOWN_ACCEPTED]
    cards += [_card(example, "accepted, but wrong by the oracle") for example in wrong]
    rule = f"The first {count(len(examples), 'accepted item')} of the table"
    if wrong:
        rule += f", and the first {len(wrong)} that the oracle finds wrong in one of eight texts"
    return note(f"{rule}: a plain choice, by place and not by eye.") + Html(
        '<div class="hc-cards">\n' + "\n".join(cards) + "\n</div>"
    )


def _card(example: Mapping[str, Any], title: str) -> str:
    tiers, negatives = example["tiers"], example.get("negatives", ())
    texts = "".join(
        f'<tr><th scope="row">{tier + 1}</th><td>{escape(text)}</td>'
        f"<td>{escape(negatives[tier]) if tier < len(negatives) else '–'}</td></tr>"
        for tier, text in enumerate(tiers)
    )
    return (
        f'<article class="hc-card">\n<h4>{escape(title)}</h4>\n<table class="hc-pair">\n'
        '<thead><tr><th scope="col">Tier</th><th scope="col">Positive</th>'
        f'<th scope="col">Negative</th></tr></thead>\n<tbody>{texts}</tbody>\n</table>\n</article>'
    )


def rejects_table(sheet: Datasheet) -> Html:
    """Return the first reject of each reason and step, with what was written."""
    rows = [
        [
            two_lines(
                escape(explain(reason)[1]),
                f"{escape(step.label)}, {count(step.reasons.get(reason, 0), 'row')}",
            ),
            _written(example),
        ]
        for step in sheet.counted
        for reason, examples in step.examples.items()
        if reason != "accepted"
        for example in examples[:SHOWN_PER_REASON]
    ]
    if not rows:
        return note("Nothing was rejected.")
    return table(
        "Rejects, one for each reason and step.",
        "The first of its kind in the table of the step; long texts are cut. Tiers run from "
        "general to specific; text that is no chain is shown as it was written. A negative that "
        "failed is not kept: its row shows the positives.",
        ["Reason", "What was written"],
        rows,
        "hc-facts",
    )


def _written(example: Mapping[str, Any]) -> str:
    caption, tiers = example.get("caption", ""), example.get("tiers", ())
    if tiers:
        return " <b>→</b> ".join(escape(text) for text in tiers)
    if output := example.get("output"):
        known = output.startswith(caption) or not caption
        asked = "" if known else f'<span class="hc-interval">from: {escape(caption)}</span>'
        return f"<code>{escape(output)}</code> {asked}".strip()
    return two_lines(escape(caption), "the caption; nothing was written")


def disclosure(sheet: Datasheet) -> Html:
    """Return what the prompt and recombination brought in from outside, with the prompt's text."""
    lines = sheet.prompt["text"].strip().splitlines()
    rows = [
        ["Prompt", f"version {escape(sheet.prompt['version'])}, {count(len(lines), 'line')}"],
        *(
            [escape(name.replace("_", " ").capitalize()), prose(what)]
            for name, what in sheet.knowledge.items()
        ),
    ]
    return table(
        "What was known before the first caption was read.",
        "",
        ["Part", "What it brought"],
        rows,
        "hc-facts",
    ) + folded("The whole text of the prompt", sheet.prompt["text"])
