"""Reading the datasheet of the caption hierarchies (``datasheet.json``) for its notebook."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hierarcaps.report.study import Estimate
from hierarcaps.runtime.errors import InputError

KEYS = ("captions", "steps", "validation", "lengths", "vocabulary", "prompt", "knowledge")
STEP_LABELS = {
    "seeds": "Seeds",
    "augmentation": "Augmentation",
    "recombination": "Recombination",
    "items-train": "Items",
    "items-validation": "Items of validation images",
}
UNKNOWN, FORM, ENTAILMENT, NOVELTY, NEGATIVE, HELD_OUT, OTHER = (
    "unknown word",
    "form of the answer",
    "a tier does not entail",
    "a tier adds nothing",
    "no fitting negative",
    "held out",
    "other",
)
STAGES = (UNKNOWN, FORM, ENTAILMENT, NOVELTY, NEGATIVE, HELD_OUT, OTHER)
FORM_REASONS = {
    "no_answer": "no answer",
    "tier_count": "not four tiers",
    "empty_tier": "a tier without a word",
    "repeated_tier": "two tiers are the same",
    "longer_tier": "a general tier is longer than the one it generalises",
    "markup": "brackets of a template or a page",
    "known": "was written before",
    "unattested": "two neighbouring words that no caption has side by side",
}
NEGATIVE_FAULTS = {
    "malformed": "is not one text",
    "same_as_positive": "is the positive itself",
    "not_entailing": "does not entail the tier before",
    "unread": "is longer than the NLI model reads",
    "not_contradicting": "does not contradict the positive",
}
CAPTION_REASONS = {
    "test_image": "of a test image",
    "empty": "empty",
    "separator": "contains the separator of tiers",
    "address": "an address or a file name",
    "too_short": "too short",
    "too_long": "too long",
    "duplicate": "a duplicate",
}
OUTCOMES = {
    "passed": "a chain that passes the filter",
    "right": "a chain that passes the filter and is right by the oracle",
}
# What the paper reports for its own automatic items before their correction by people
# (its supplementary material; at second hand).
PAPER_VALIDITY = 0.75
Z_95 = 1.959964


def wilson(share: float, n: int) -> Estimate | None:
    """Return a share of ``n`` with Wilson's 95% interval; None of nothing.

    ``(p + z^2/2n -+ z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n)`` (Wilson, 1927): unlike the normal
    approximation it stays in [0, 1] and has a width at 0 and 1.
    """
    if n == 0:
        return None
    middle = share + Z_95**2 / (2 * n)
    half = Z_95 * math.sqrt(share * (1 - share) / n + Z_95**2 / (4 * n * n))
    scale = 1 + Z_95**2 / n
    return Estimate(share, max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale), n)


def percent(share: Estimate | None) -> str:
    """Return ``93.1% [92.0, 94.0]``."""
    if share is None:
        return "–"
    return f"{100 * share.value:.1f}% [{100 * share.low:.1f}, {100 * share.high:.1f}]"


def points(difference: Estimate) -> str:
    """Return ``+1.5 points [-0.5, +3.0]`` of a difference of shares."""
    low, high = 100 * difference.low, 100 * difference.high
    return f"{100 * difference.value:+.1f} points [{low:+.1f}, {high:+.1f}]"


def explain(reason: str) -> tuple[str, str]:
    """Return the stage at which a reason rejects, and the reason in words."""
    if reason == "unknown_word":
        return UNKNOWN, "H never saw a word of the caption"
    if reason == "held_out":
        return HELD_OUT, "accepted, and kept to measure H on"
    if reason in FORM_REASONS:
        return FORM, FORM_REASONS[reason]
    if found := re.fullmatch(r"tier(\d)_not_entailing", reason):
        tier = int(found[1])
        return ENTAILMENT, f"tier {tier} does not entail tier {tier - 1}"
    if found := re.fullmatch(r"tier(\d)_unread", reason):
        tier = int(found[1])
        return ENTAILMENT, f"tiers {tier - 1} and {tier} are longer than the NLI model reads"
    if found := re.fullmatch(r"tier(\d)_nothing_new", reason):
        tier = int(found[1])
        return NOVELTY, f"tier {tier} says no more than tier {tier - 1}"
    if (found := re.fullmatch(r"negative(\d)_(\w+)", reason)) and found[2] in NEGATIVE_FAULTS:
        return NEGATIVE, f"negative {found[1]} {NEGATIVE_FAULTS[found[2]]}"
    return OTHER, reason.replace("_", " ")


@dataclass(frozen=True)
class Step:
    """One step of the pipeline: what entered, what was accepted, and why the rest was not."""

    name: str
    entered: int
    accepted: int
    reasons: Mapping[str, int]
    sources: Mapping[str, int]
    examples: Mapping[str, list[dict[str, Any]]]
    oracle: Mapping[str, Mapping[str, Any]] | None

    @property
    def label(self) -> str:
        """The name to print."""
        return STEP_LABELS.get(self.name, self.name)

    @property
    def yielded(self) -> Estimate | None:
        """Share accepted of what entered."""
        return wilson(self.accepted / self.entered, self.entered) if self.entered else None

    def passed(self, stage: str) -> Estimate | None:
        """Return the share of what entered that no stage up to this one rejected."""
        if not self.entered:
            return None
        lost = sum(list(self.by_stage().values())[: STAGES.index(stage) + 1])
        return wilson(1 - lost / self.entered, self.entered)

    def by_stage(self) -> dict[str, int]:
        """Return how many rows were rejected at each stage, in order; 0 where none were."""
        counts = dict.fromkeys(STAGES, 0)
        for reason, number in self.reasons.items():
            counts[explain(reason)[0]] += number
        return counts

    def valid(self, measure: str, when: str = "accepted") -> Estimate | None:
        """Return a share that the oracle found right; None where it judged nothing.

        Args:
            measure: ``positives`` (all four tiers), ``negatives`` or ``all_eight``.
            when: ``accepted``, or ``written``: whatever has tiers, before the filter. Only accepted
                rows have negatives, so that ``written`` is for ``positives``.
        """
        scores = (self.oracle or {}).get(when, {})
        return wilson(scores[measure], scores["n"]) if measure in scores else None

    def valid_tiers(self, measure: str) -> list[Estimate | None]:
        """Return the share right per tier, of ``positive_tiers`` or ``negative_tiers``."""
        scores = (self.oracle or {}).get("accepted", {})
        return [wilson(share, scores["n"]) for share in scores.get(measure, [])]


def _step(name: str, entry: Mapping[str, Any]) -> Step:
    keys = ("entered", "accepted", "reasons", "sources", "examples")
    return Step(name=name, oracle=entry.get("oracle"), **{key: entry[key] for key in keys})


class Datasheet:
    """The datasheet of ``hierarcaps.generation.datasheet.write_datasheet``.

    Raises
    ------
    InputError: the file is missing, is no JSON, or lacks a part.
    """

    def __init__(self, path: str | Path) -> None:
        path = Path(path)
        if not path.is_file():
            raise InputError(f"{path} not found: make the hierarchies before rendering this report")
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (UnicodeDecodeError, json.JSONDecodeError) as error:
            raise InputError(f"{path}: not a readable datasheet ({error})") from None
        if missing := [key for key in KEYS if key not in content]:
            raise InputError(f"{path}: the datasheet lacks {', '.join(missing)}")
        if not content["steps"]:
            raise InputError(f"{path}: the datasheet has no step")
        # JSON's keys are sorted: the pipeline's order is that of the labels.
        order = {name: place for place, name in enumerate(STEP_LABELS)}
        names = sorted(content["steps"], key=lambda name: (order.get(name, len(order)), name))
        self.steps = [_step(name, content["steps"][name]) for name in names]
        self.validation = _step("items-validation", content["validation"])
        self.captions: dict[str, int] = content["captions"]
        self.lengths: dict[str, list[dict[str, float]]] = content["lengths"]
        self.vocabulary: dict[str, Any] = content["vocabulary"]
        self.prompt: dict[str, str] = content["prompt"]
        self.knowledge: dict[str, str] = content["knowledge"]
        self.nli: dict[str, Any] | None = content.get("nli")
        self.hierarchy: dict[str, Any] | None = content.get("hierarchy")
        self.ablation: dict[str, Any] = content.get("ablation") or {}

    @property
    def counted(self) -> list[Step]:
        """Every step, then the last one on captions of validation images."""
        return [*self.steps, self.validation]

    @property
    def final(self) -> Step:
        """The step whose accepted rows are the data set."""
        return self.steps[-1]

    @property
    def has_oracle(self) -> bool:
        """Whether the truth about the captions is known."""
        return self.final.oracle is not None

    def named(self, name: str) -> Step | None:
        """Return the step of a name; None where there is none, or nothing entered it."""
        return next((step for step in self.steps if step.name == name and step.entered), None)

    def effect(self, measure: str, of: str) -> Estimate | None:
        """Return how H did with or without augmentation, or the difference; None if not measured.

        Args:
            measure: ``passed`` or ``right``, shares of the captions of validation images.
            of: ``with``, ``without`` or ``difference``.
        """
        found = self.ablation.get(measure, {}).get(of)
        return Estimate(found["value"], found["low"], found["high"], found["n"]) if found else None

    def accuracy(self, group: str) -> Estimate | None:
        """Return the NLI model's accuracy on a group of held-out pairs; None without that group."""
        if self.nli is None or group not in self.nli["n"]:
            return None
        return wilson(self.nli["accuracy"][group], self.nli["n"][group])

    @property
    def pair_kinds(self) -> list[str]:
        """The kinds of pairs that the NLI model was measured on."""
        groups = self.nli["n"] if self.nli else {}
        return [group.removeprefix("pairs: ") for group in groups if group.startswith("pairs: ")]
