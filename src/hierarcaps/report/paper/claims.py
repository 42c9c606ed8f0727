"""The paper's claims, one by one: what this run's own models say of each.

Numbers of other models on other data can be set beside no published value; whether the same claim
holds for them can be asked all the same. A claim holds for a model where its whole 95% interval
says so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from hierarcaps.report.changes import ROUNDING, Alignment
from hierarcaps.report.markup import Html, number_cell, prose, table
from hierarcaps.report.paper.published_table import PAPER, effects, two_decimals
from hierarcaps.report.study import (
    METRICS,
    PRECISION,
    R1_IMAGE_TO_TEXT,
    R1_TEXT_TO_IMAGE,
    RECALL,
    TAU_D,
    TAU_D_CONTROLLED,
    Estimate,
    Key,
)
from hierarcaps.report.wording import count, listed, signed, signed_interval

SUPPORTED, PARTLY, NOT_SUPPORTED, UNTESTED = (
    "supported", "supported for some models", "not supported", "not tested here",
)  # fmt: skip
TOLERATED = 0.02
"""Of R@1, what a loss may be for "keeps what it knows": twice the last decimal that is printed."""
PUBLISHED_TASKS = {"retrieval": "retrieval_coco"}  # the paper retrieves on COCO
LEXICAL = (("hyperlex", "spearman_all"), ("taxonomy_pairs", "spearman_all"))


@dataclass(frozen=True)
class Claim:
    """What the paper says, and of each model whether it holds.

    Attributes:
        text: the claim, plain text.
        published: model of the paper -> its value, as far as one is known here.
        found: model -> (value and interval, plain text; whether the interval says so).
    """

    text: str
    published: Mapping[str, str]
    found: Mapping[str, tuple[str, bool]]

    @property
    def verdict(self) -> str:
        """One of the four verdicts."""
        if not self.found:
            return UNTESTED
        holds = [held for _, held in self.found.values()]
        return SUPPORTED if all(holds) else PARTLY if any(holds) else NOT_SUPPORTED


def claims(study: Alignment, published: pd.DataFrame) -> list[Claim]:
    """Return the paper's claims in its order: emergence, retrieval, alignment, what it costs.

    Args:
        study: this run.
        published: the rows of ``published.csv``.
    """

    def values(key: Key) -> dict[str, str]:
        return _published(published, key)

    return [
        Claim(
            "Untrained for it, models order the tiers by distance from the root (τ_d above that of "
            "every control: length, word frequency, untrained encoders)",
            values(TAU_D),
            _above_controls(study, TAU_D),
        ),
        Claim(
            "The same where counting words is of no help (a control that the paper does not have)",
            {},
            _beyond(study, TAU_D_CONTROLLED),
        ),
        *(
            Claim(
                f"From an image, a hierarchy is retrieved ({METRICS[key]} above that of untrained "
                "and random encoders)",
                values(key),
                _above_controls(study, key),
            )
            for key in (PRECISION, RECALL)
        ),
        *(
            Claim(f"RE raises {METRICS[key]}", _effect(published, key), _changes(study, key))
            for key in (PRECISION, RECALL, TAU_D)
        ),
        Claim(
            "RE raises recall more than EC does",
            _effect(published, RECALL, "ec"),
            _changes(study, RECALL, ("re", "ec")),
        ),
        _lexical(study, published),
        *(
            Claim(
                f"RE costs no more than {TOLERATED} of {METRICS[key]}",
                _effect(published, key),
                _changes(study, key, beyond=-TOLERATED),
            )
            for key in (R1_IMAGE_TO_TEXT, R1_TEXT_TO_IMAGE)
        ),
    ]


def finding(study: Alignment, found: Sequence[Claim]) -> str:
    """Return one plain sentence: how many claims this run supports."""
    verdicts = [claim.verdict for claim in found]
    parts = [
        f"{verdicts.count(verdict)} {'is' if verdicts.count(verdict) == 1 else 'are'} {verdict}"
        for verdict in (SUPPORTED, PARTLY, NOT_SUPPORTED, UNTESTED)
        if verdict in verdicts
    ]
    return (
        f"Of {count(len(found), 'claim')}, the paper's and one stricter, "
        f"{listed(parts)} by this run's own models and data "
        f"(means over {study.replications}, 95% intervals over {study.varied})."
    )


def claims_table(found: Sequence[Claim]) -> Html:
    """Return a row per claim: the paper's values, those of this run, and the verdict."""
    rows = [
        [
            prose(claim.text),
            _lines([f"{model} {said}" for model, said in claim.published.items()]),
            _lines(
                [
                    f"{model} {said}{'' if held else ': no'}"
                    for model, (said, held) in claim.found.items()
                ]
            ),
            f"<b>{claim.verdict}</b>",
        ]
        for claim in found
    ]
    return table(
        "What this run says of the paper's claims.",
        "Each model of this run with its bootstrap 95% interval, over trainings and items where it "
        "has several trainings, else over items (of changes, paired); “no” where it does not say "
        "what is "
        "claimed. Supported: it does for every model. The paper's values are of other models and "
        "data, without intervals. For its own models run “make official”, which needs a network, "
        "or its whole study by config/paper.yaml.",
        ["Claim", "The paper", "This run", "Verdict"],
        rows,
        "hc-facts hc-claims",
    )


def _lines(texts: Sequence[str]) -> str:
    return "".join(f"<div>{prose(text)}</div>" for text in texts) or number_cell(None)


def _above_controls(study: Alignment, key: Key) -> dict[str, tuple[str, bool]]:
    controls = study.results.measured(*key, "baseline", "untrained")
    ceiling = max((estimate.high for _, estimate in controls), default=None)
    return {} if ceiling is None else _beyond(study, key, ceiling)


def _beyond(study: Alignment, key: Key, least: float = 0.0) -> dict[str, tuple[str, bool]]:
    """Say of each model before alignment whether its interval lies above ``least``."""
    return {
        run.label: (str(estimate), estimate.low > least)
        for run, estimate in study.results.before_alignment(*key)
    }


def _changes(
    study: Alignment, key: Key, comparison: Key = ("re", "zeroshot"), beyond: float = ROUNDING
) -> dict[str, tuple[str, bool]]:
    """Say of each aligned model whether the interval of its change lies above ``beyond``."""
    return {
        model: (_signed(mean), mean.low > beyond)
        for model, mean in study.pooled_differences(comparison, key).items()
    }


def _signed(change: Estimate) -> str:
    return f"{signed(change.value)} {signed_interval(change.low, change.high)}"


def _lexical(study: Alignment, published: pd.DataFrame) -> Claim:
    measured = {key: _changes(study, key) for key in LEXICAL}
    key = next((key for key, found in measured.items() if found), LEXICAL[0])
    pairs = "HyperLex" if key == LEXICAL[0] else "pairs of the drawn world's taxonomy"
    return Claim(
        f"RE raises Spearman's ρ with graded lexical entailment ({pairs})",
        _effect(published, LEXICAL[0]),
        measured[key],
    )


def _published(rows: pd.DataFrame, key: Key) -> dict[str, str]:
    """Return the paper's zero-shot values of a metric, as printed."""
    task, metric = key
    own = rows[(rows["task"] == task) & (rows["metric"] == metric) & (rows["source"] == PAPER)]
    own = own[own["objective"] == "zeroshot"]
    return {row.model: f"{row.published:.{row.decimals}f}" for row in own.itertuples()}


def _effect(rows: pd.DataFrame, key: Key, reference: str = "zeroshot") -> dict[str, str]:
    """Return what RE changes in the paper, of each model that has both values."""
    task, metric = key
    found = effects(rows, (PUBLISHED_TASKS.get(task, task), metric), reference)
    return {model: two_decimals(each) for source, model, each in found if source == PAPER}
