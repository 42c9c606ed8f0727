"""Reading ``leaderboard.json``: models with their scores and possible ranks."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hierarcaps.report.study import METRICS, Estimate, Key, Kind, Run
from hierarcaps.runtime.errors import InputError

SCHEMA_VERSION = 1
NOT_KNOWN = "not known"


@dataclass(frozen=True)
class Score(Estimate):
    """A metric of a model; ``first`` and ``last`` are its possible ranks, 0 for a control."""

    first: int = 0
    last: int = 0

    @property
    def rank(self) -> str:
        """The rank to print: ``2``, or ``2–4`` where noise does not tell."""
        return f"{self.first}" if self.first == self.last else f"{self.first}–{self.last}"


@dataclass(frozen=True)
class Model:
    """A row of the leaderboard.

    Attributes:
        label: the name to print.
        kind: ``model``, ``untrained`` or ``baseline``.
        facts: what the file says of it: ``geometry``, ``parameters``, ``training``, ``saw_coco``.
        scores: by task and metric, those that were measured.
    """

    label: str
    kind: Kind
    facts: dict[str, Any]
    scores: dict[Key, Score]

    @property
    def hyperbolic(self) -> bool:
        """Whether its embeddings lie on a hyperboloid."""
        return self.facts["geometry"] == "hyperboloid"


def read_board(path: str | Path) -> list[Model]:
    """Return the models of a leaderboard, in the order of the file.

    Raises:
        InputError: missing, unreadable, or of another version.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        version = content["schema_version"]
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path}: not a readable leaderboard ({error})") from None
    if version != SCHEMA_VERSION:
        raise InputError(f"{path}: is of version {version!r}, expected {SCHEMA_VERSION}")
    return [_model(entry) for entry in content["entries"]]


def _model(entry: dict[str, Any]) -> Model:
    run = Run(entry["model"], entry["objective"], entry["seeds"][0])
    scores = {
        (score["task"], score["metric"]): Score(
            *(score[name] for name in ("value", "low", "high", "n")), *(score["rank"] or ())
        )
        for score in entry["scores"]
    }
    facts = {key: entry[key] for key in ("geometry", "parameters", "training", "saw_coco")}
    return Model(run.label, entry["kind"], facts, scores)


def ranked(models: Sequence[Model], key: Key) -> list[Model]:
    """Return the models that are ranked by a metric, the best first."""
    found = [model for model in models if key in model.scores and model.scores[key].first]
    return sorted(found, key=lambda model: -model.scores[key].value)


def in_order(models: Sequence[Model]) -> list[Model]:
    """Return the models that are ranked, by the mean of their possible ranks over all metrics."""
    found = [model for model in models if any(score.first for score in model.scores.values())]
    return sorted(found, key=_mean_rank)


def _mean_rank(model: Model) -> float:
    ranks = [score.first + score.last for key in METRICS if (score := model.scores.get(key))]
    return sum(ranks) / len(ranks)
