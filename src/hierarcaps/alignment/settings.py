"""What a user can set about alignment; the defaults are the reference recipe."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from hierarcaps.data.hierarchy import TIERS
from hierarcaps.runtime.errors import InputError

OBJECTIVES = ("re", "ec")
SCHEDULES = ("constant", "cosine")
ROOTS = ("empty", "mean", "origin", "learned")
PRECISIONS = ("float32", "auto")


@dataclass(frozen=True)
class AlignmentSettings:
    """One alignment run.

    Attributes:
        objective: ``re`` (radial embedding) or ``ec`` (entailment cones).
        learning_rate: of AdamW, at its peak.
        batch_size: items per forward pass.
        accumulate: forward passes per optimiser step.
        epochs: passes over the items.
        max_steps: optimiser steps at most; None for no limit.
        weight_decay: of AdamW, on every parameter of the text tower.
        schedule: of the learning rate after warm-up: ``constant``, or ``cosine`` down to zero.
        warmup_steps: optimiser steps of linear warm-up.
        triplet_weight: weight of the mean triplet loss.
        prior_weight: weight of the prior-preservation loss; 0 leaves it out.
        hard_weight: weight of the hard-example loss; 0 leaves it out.
        negatives: whether triplets have a contradicting text.
        tiers: which tiers form the chain, rising, from 1 to 4; triplets are
            ``(pos_i, pos_next, neg_i)``.
        root: where radii start: ``empty``, the empty string, embedded by the model being trained;
            ``mean``, the normalised mean of the original embeddings of all tiers; ``origin``; or
            ``learned``, a free vector that starts at the original empty string.
        eps: cone constant of ``ec``.
        margin: margin of ``ec``, radians.
        validate_every: optimiser steps between two validations.
        patience: validations without a lower total loss after which training stops, with the
            weights of the best one; None trains to the end and keeps the last.
        log_every: optimiser steps per row of the curve.
        precision: ``auto`` is bfloat16 in the text tower on a GPU; ``float32`` is float32 anywhere.
    """

    objective: str
    learning_rate: float = 1e-7
    batch_size: int = 8
    accumulate: int = 1
    epochs: int = 1
    max_steps: int | None = None
    weight_decay: float = 0.01
    schedule: str = "constant"
    warmup_steps: int = 0
    triplet_weight: float = 1.0
    prior_weight: float = 10.0
    hard_weight: float = 1.0
    negatives: bool = True
    tiers: tuple[int, ...] = (1, 2, 3, 4)
    root: str = "empty"
    eps: float = 0.1
    margin: float = 0.1
    validate_every: int = 500
    patience: int | None = None
    log_every: int = 10
    precision: str = "float32"

    def __post_init__(self) -> None:
        object.__setattr__(self, "tiers", tuple(self.tiers))
        for key, allowed in {
            "objective": OBJECTIVES,
            "schedule": SCHEDULES,
            "root": ROOTS,
            "precision": PRECISIONS,
        }.items():
            self._require(key, getattr(self, key) in allowed, f"one of {', '.join(allowed)}")
        for key in ("batch_size", "accumulate", "epochs", "validate_every", "log_every"):
            self._require(key, _is_integer(getattr(self, key), 1), "an integer of at least 1")
        self._require("warmup_steps", _is_integer(self.warmup_steps, 0), "an integer, 0 or more")
        for key in ("max_steps", "patience"):
            value = getattr(self, key)
            valid = value is None or _is_integer(value, 1)
            self._require(key, valid, "an integer of at least 1, or none")
        for key in ("learning_rate", "eps"):
            self._require(key, _is_number(getattr(self, key)) and getattr(self, key) > 0, "above 0")
        for key in ("weight_decay", "triplet_weight", "prior_weight", "hard_weight", "margin"):
            self._require(key, _is_number(getattr(self, key)), "a number, 0 or more")
        trains = self.triplet_weight + self.hard_weight > 0
        self._require("triplet_weight", trains, "above 0, or hard_weight above 0")
        self._require("negatives", isinstance(self.negatives, bool), "true or false")
        rising = all(a < b for a, b in zip(self.tiers, self.tiers[1:], strict=False))
        known = set(self.tiers) <= set(range(1, TIERS + 1)) and len(self.tiers) >= 2
        self._require("tiers", rising and known, f"two or more rising numbers from 1 to {TIERS}")

    def _require(self, key: str, valid: bool, expected: str) -> None:
        if not valid:
            raise InputError(f"alignment.{key}: found {getattr(self, key)!r}, expected {expected}")

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> "AlignmentSettings":
        """Build settings from a mapping.

        Raises:
            InputError: unknown or missing key, or a value out of range, by the key's name.
        """
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(params) - known)
        if unknown:
            raise InputError(
                f"alignment.{unknown[0]}: unknown key, expected one of {', '.join(sorted(known))}"
            )
        if "objective" not in params:
            raise InputError(f"alignment.objective: missing, expected one of {OBJECTIVES}")
        return cls(**params)

    def learning_rate_at(self, step: int, n_steps: int) -> float:
        """Learning rate of optimiser step ``step`` (from 0) of ``n_steps``."""
        if step < self.warmup_steps:
            return self.learning_rate * (step + 1) / (self.warmup_steps + 1)
        if self.schedule == "constant":
            return self.learning_rate
        share = (step - self.warmup_steps) / max(1, n_steps - self.warmup_steps)
        return self.learning_rate * (1 + math.cos(math.pi * share)) / 2


def _is_integer(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _is_number(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(value) and value >= 0
