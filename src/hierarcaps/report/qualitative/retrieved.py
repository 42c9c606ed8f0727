"""What runs retrieve per image, side by side: the numbers behind the qualitative report."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from hierarcaps.data.hierarchy import TIERS
from hierarcaps.report.study import OBJECTIVES, Results, Run
from hierarcaps.report.tables import best_middle_worst

TASK = "hierarchical_retrieval"


@dataclass(frozen=True)
class Retrieved:
    """The hierarchies that one run retrieves.

    Attributes:
        run: the model, objective and seed.
        table: per item its precision, recall, retrieved texts (generic to specific) and gold tiers;
            the index is the item.
    """

    run: Run
    table: pd.DataFrame

    @cached_property
    def hits(self) -> np.ndarray:
        """Whether each gold tier is retrieved, ``(N, 4)`` bool."""
        pairs = zip(self.table["retrieved"], self.table["gold"], strict=True)
        return np.array([[tier in set(texts) for tier in gold] for texts, gold in pairs], bool)

    @cached_property
    def found(self) -> np.ndarray:
        """How many gold tiers are retrieved, ``(N,)`` int."""
        return self.hits.sum(axis=1)

    @cached_property
    def intruder(self) -> tuple[str, int] | None:
        """The text retrieved for the most images of which it is no gold tier, and for how many."""
        counts: Counter[str] = Counter()
        for texts, gold in zip(self.table["retrieved"], self.table["gold"], strict=True):
            counts.update(set(texts).difference(gold))
        # Equal counts in the order of code points: the same text whatever the order of items.
        return min(counts.items(), key=lambda pair: (-pair[1], pair[0]), default=None)


def retrieved(results: Results, run: Run) -> Retrieved:
    """Read what a run retrieves."""
    return Retrieved(run, results.items(run, TASK).set_index("item_id"))


def compared_runs(results: Results) -> list[list[Run]]:
    """Return the runs to show side by side, a list per model: zero-shot first.

    Of several seeds the first listed one is taken. Where no model was aligned, all models make up
    one list.
    """
    runs = [run for run in results.representatives("model") if _measured(results, run)]
    groups: dict[str, list[Run]] = {run.model: [] for run in runs}
    for objective in OBJECTIVES:
        for run in runs:
            if run.objective == objective:
                groups[run.model].append(run)
    several = [
        group for group in groups.values() if len(group) > 1 and group[0].objective == "zeroshot"
    ]
    return several or [runs] * bool(runs)


def _measured(results: Results, run: Run) -> bool:
    return results.estimate(run, TASK, "recall") is not None


def changes(before: Retrieved, after: Retrieved) -> tuple[int, int, int]:
    """Return for how many images more, fewer and as many gold tiers are retrieved."""
    difference = after.found - before.found
    return int((difference > 0).sum()), int((difference < 0).sum()), int((difference == 0).sum())


def transitions(before: Retrieved, after: Retrieved) -> np.ndarray:
    """Return ``(5, 5)`` counts of images: gold tiers found before (rows) and after (columns)."""
    counts = np.zeros((TIERS + 1, TIERS + 1), dtype=int)
    np.add.at(counts, (before.found, after.found), 1)
    return counts


def most_changed(
    before: Retrieved, after: Retrieved, shown: Sequence[str]
) -> list[tuple[str, str]]:
    """Return items and why: two that gain most gold tiers, two that lose most, two in the middle.

    Only ``shown`` items take part; ties go to the larger change of precision, then to the item id.
    """
    table = pd.DataFrame(
        {
            "item_id": before.table.index,
            "change": after.found - before.found,
            "precision": after.table["precision"].to_numpy() - before.table["precision"].to_numpy(),
        }
    )
    table = table[table["item_id"].isin(list(shown))].sort_values(
        ["change", "precision", "item_id"], ascending=[False, False, True], ignore_index=True
    )
    chosen = best_middle_worst(len(table), ("gains most", "median", "loses most"))
    return [(table["item_id"][place], why) for place, why in chosen.items()]


def worst(after: Retrieved, shown: Sequence[str], size: int = 4) -> list[str]:
    """Return the ``shown`` items of which fewest gold tiers are found, then of least precision."""
    table = pd.DataFrame(
        {
            "item_id": after.table.index,
            "found": after.found,
            "precision": after.table["precision"].to_numpy(),
        }
    )
    table = table[table["item_id"].isin(list(shown))]
    return list(table.sort_values(["found", "precision", "item_id"])["item_id"][:size])
