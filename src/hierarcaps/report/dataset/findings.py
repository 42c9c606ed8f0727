"""The sentences with which the notebook on the caption hierarchies begins."""

from hierarcaps.report.dataset.sheet import PAPER_VALIDITY, Datasheet, percent
from hierarcaps.report.study import Estimate
from hierarcaps.report.wording import count


def opening(sheet: Datasheet) -> list[str]:
    """Return three plain-text sentences: how many items, how many are right, how good the judge."""
    return [_funnel_sentence(sheet), _validity_sentence(sheet), _judge_sentence(sheet)]


def _funnel_sentence(sheet: Datasheet) -> str:
    first, *between, last = [sheet.steps[0], *sheet.steps[1:]]
    kept, entered = sheet.captions["kept"], sheet.captions["entered"]
    sentence = f"Of {count(entered, 'caption')}, {kept:,} were usable and distinct"
    if last is not first:
        sentence += (
            f"; a language model wrote hierarchies for {first.entered:,} of them, of which "
            f"{first.accepted:,} ({percent(first.yielded)}) were accepted"
        )
        if more := [f"{step.accepted:,} from {step.label.lower()}" for step in between]:
            sentence += f"; together with {' and '.join(more)} these taught the hierarchy model H"
    verb = "H then turned" if last is not first else "the pipeline turned"
    return (
        f"{sentence}; {verb} {count(last.entered, 'caption')} into "
        f"{count(last.accepted, 'item')} with four positive and four negative tiers "
        f"({percent(last.yielded)})."
    )


def _validity_sentence(sheet: Datasheet) -> str:
    if not sheet.has_oracle:
        return (
            "How many of the items are right was not measured: for these captions no program knows "
            "the truth, and only people who review a sample can tell."
        )
    eight, before, after = (
        sheet.final.valid("all_eight"),
        sheet.final.valid("positives", "written"),
        sheet.final.valid("positives"),
    )
    if eight is None or after is None:
        return "No item was accepted, so that there is nothing whose validity could be measured."
    return (
        "By the drawn world's own logic, which scores every step and filters nothing, "
        f"{percent(eight)} of the {sheet.final.accepted:,} accepted items are right in all eight "
        f"texts and {percent(after)} in their four positive tiers (before the filter "
        f"{percent(before)}); the interval of the former {_against(eight)} the "
        f"{100 * PAPER_VALIDITY:.0f}% that the paper reports for its own automatic items."
    )


def _against(share: Estimate) -> str:
    if share.low > PAPER_VALIDITY:
        return "lies above"
    return "lies below" if share.high < PAPER_VALIDITY else "contains"


def _judge_sentence(sheet: Datasheet) -> str:
    parts = []
    if overall := sheet.accuracy("all"):
        kinds = {kind: sheet.accuracy(f"pairs: {kind}") for kind in sheet.pair_kinds}
        measured = [(kind, share) for kind, share in kinds.items() if share]
        part = (
            f"the NLI model that filters is right on {percent(overall)} of {overall.n:,} held-out "
            "pairs"
        )
        if measured:
            kind, worst = min(measured, key=lambda pair: pair[1].value)
            part += f", least often on {_plain(kind)} pairs ({percent(worst)} of {worst.n:,})"
        parts.append(part)
    if h := sheet.hierarchy:
        parts.append(
            f"of {count(h['n'], 'held-out hierarchy', 'held-out hierarchies')}, H repeats "
            f"{100 * h['exact_match']:.0f}% word for word, and {100 * h['nli_valid']:.0f}% of what "
            "it writes from their captions passes the filter"
        )
    if not parts:
        return "The models that write and filter were not measured on held-out data in this run."
    sentence = "; ".join(parts)
    return f"{sentence[0].upper()}{sentence[1:]}."


def _plain(kind: str) -> str:
    return kind.replace("_", " ")
