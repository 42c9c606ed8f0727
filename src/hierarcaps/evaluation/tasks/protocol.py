"""What a task is."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pandas as pd

from hierarcaps.data.hierarchy import CaptionHierarchy
from hierarcaps.data.image_sets import ImageSet
from hierarcaps.metrics.intervals import Statistic
from hierarcaps.models.embeddings import Embeddings

Items = Sequence[CaptionHierarchy]
# N texts -> their radii (N,): a model's, or a trivial baseline's.
Radius = Callable[[Sequence[str]], np.ndarray]
# Of a metric: its values over the rows of a table (NaN: not defined for a row), or a statistic.
Values = np.ndarray | Statistic


class Task(Protocol):
    """One question put to a model.

    A task turns the test items and embeddings into a table, and that table into its metrics, so
    that every number can be traced to rows, and two models be compared row by row.
    """

    @property
    def name(self) -> str:
        """Name of the task and of its files."""
        ...

    @property
    def image_set(self) -> ImageSet | None:
        """Images beside those of the test set that the task reads, or None."""
        ...

    def items(self, items: Items, embeddings: Embeddings) -> pd.DataFrame:
        """Return the table of what the model did. Its first column tells what each row is about."""
        ...

    def values(self, table: pd.DataFrame) -> Mapping[str, Values]:
        """Return per metric its values over the rows of the table, or a statistic of them."""
        ...

    def strings(self, items: Items) -> Iterable[str]:
        """Return the texts, beside the tiers of the items, whose embeddings the task reads."""
        ...

    def provenance(self, items: Items) -> Mapping[str, Any]:
        """Return what a reader must know of the task's own data: sources, what was left out."""
        ...


@runtime_checkable
class RadiusTask(Task, Protocol):
    """A task that radii alone can answer, so that caption length can be put to it as well."""

    def items_of_radius(self, items: Items, radius: Radius) -> pd.DataFrame:
        """Return the table with those columns that radii decide."""
        ...


class TestSetTask:
    """Base of tasks that need nothing but the tiers and images of the test set."""

    image_set: ImageSet | None = None

    def strings(self, items: Items) -> Iterable[str]:
        """Return nothing: tiers are always embedded."""
        return ()

    def provenance(self, items: Items) -> Mapping[str, Any]:
        """Return nothing: the hash of the test set is in every result."""
        return {}


def images_of(items: Items) -> list[str]:
    """Return the image name of each item; an empty one, which is never embedded, for none."""
    return [item.image or "" for item in items]
