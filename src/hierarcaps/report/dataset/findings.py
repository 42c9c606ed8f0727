"""The sentences with which the notebook on the caption hierarchies begins."""

from hierarcaps.report.dataset.sheet import (
    FORM,
    NOVELTY,
    OUTCOMES,
    PAPER_VALIDITY,
    Datasheet,
    percent,
    points,
    wilson,
)
from hierarcaps.report.study import Estimate
from hierarcaps.report.wording import count


def finding(sheet: Datasheet) -> str:
    """Return one plain sentence: how many items there are, and what share of them is right."""
    final = sheet.final
    made = f"The pipeline made {count(final.accepted, 'item')} of {count(final.entered, 'caption')}"
    right = final.valid("all_eight") if sheet.has_oracle else None
    if right is None:
        return f"{made}; how many are right was not measured."
    return f"{made}, and {percent(right)} of them are right in all eight texts."


def opening(sheet: Datasheet) -> list[str]:
    """Return plain-text sentences: how many items, how many right, how good are H and the judge."""
    return [
        _funnel_sentence(sheet),
        _validity_sentence(sheet),
        _writer_sentence(sheet),
        _judge_sentence(sheet),
        *_augmentation_sentences(sheet),
    ]


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


def _writer_sentence(sheet: Datasheet) -> str:
    """Say what H makes of captions that taught it nothing: real ones first, then held-out seeds."""
    seen = sheet.validation
    if not seen.entered:
        return "There are no captions of validation images to measure H on."
    sentence = (
        f"Of {count(seen.entered, 'caption')} of validation images, H wrote four tiers for "
        f"{percent(seen.passed(FORM))} and a chain that passes the filter for "
        f"{percent(seen.passed(NOVELTY))}"
    )
    h = sheet.hierarchy
    if h and h["n"]:
        sentence += (
            f"; of {count(h['n'], 'held-out seed')} it repeats "
            f"{percent(wilson(h['exact_match'], h['n']))} word for word, and "
            f"{percent(wilson(h['nli_valid'], h['n']))} of what it writes from their captions "
            "passes the filter"
        )
    return f"{sentence}."


def _judge_sentence(sheet: Datasheet) -> str:
    overall = sheet.accuracy("all")
    if overall is None:
        return "The model that filters was not measured on held-out pairs in this run."
    kinds = {kind: sheet.accuracy(f"pairs: {kind}") for kind in sheet.pair_kinds}
    measured = [(kind, share) for kind, share in kinds.items() if share]
    sentence = (
        f"The NLI model that filters is right on {percent(overall)} of {overall.n:,} held-out pairs"
    )
    if measured:
        kind, worst = min(measured, key=lambda pair: pair[1].value)
        sentence += (
            f", least often on {kind.replace('_', ' ')} pairs ({percent(worst)} of {worst.n:,})"
        )
    return f"{sentence}."


def _augmentation_sentences(sheet: Datasheet) -> list[str]:
    """Say what augmentation yielded and gave H; nothing where it was switched off."""
    step = sheet.named("augmentation")
    if step is None:
        return []
    sentence = (
        f"Augmentation, the language model's own lines in the context of accepted seeds, yielded "
        f"{count(step.accepted, 'hierarchy', 'hierarchies')} of {step.entered:,} completions"
    )
    if right := step.valid("positives"):
        sentence += f", {percent(right)} of them right by the oracle"
    measure = "right" if sheet.effect("right", "difference") else "passed"
    if gain := sheet.effect(measure, "difference"):
        # An interval over captions: two trainings of anything differ, in this by ten points.
        sentence += (
            f"; an H taught with them and one without, each trained once, differ by {points(gain)} "
            "over captions of validation images in the share that is "
            f"{OUTCOMES[measure]}, which tells nothing of augmentation until it is trained again"
        )
    return [f"{sentence}."]
