"""What a task is."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pandas as pd

from hierarcaps.data.hierarchy import TIERS, CaptionHierarchy
from hierarcaps.data.image_sets import ImageSet
from hierarcaps.metrics.intervals import Measure
from hierarcaps.models.embeddings import Embeddings

Items = Sequence[CaptionHierarchy]
# N texts -> their radii (N,): a model's, or a trivial baseline's.
Radius = Callable[[Sequence[str]], np.ndarray]
# Of a metric: its values over the rows of a table (NaN: not defined for a row), or a statistic.
Values = Measure


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
    def version(self) -> int:
        """Which definition of its numbers this is: it rises whenever one of them changes."""
        ...

    @property
    def unit(self) -> str:
        """What varies independently, e.g. an image: intervals are over these.

        The column ``unit`` of the table says which one each row belongs to.
        """
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
    """Base of tasks that need nothing but the tiers and images of the test set.

    An image is one image, however many rows (chains of tiers) it has.
    """

    version = 2
    unit = "image"
    image_set: ImageSet | None = None

    def strings(self, items: Items) -> Iterable[str]:
        """Return nothing: tiers are always embedded."""
        return ()

    def provenance(self, items: Items) -> Mapping[str, Any]:
        """Return nothing: the hash of the test set is in every result."""
        return {}


@dataclass(frozen=True)
class DistinctImages:
    """The images of N items, each once, and what is right for each.

    Attributes:
        names: I names, in the order of their first item.
        row_of_item: (N,) the image of each item.
        gold: of each image its tiers, each the set of the texts of all its items.
    """

    names: list[str]
    row_of_item: np.ndarray
    gold: list[list[set[str]]]


def distinct_images(items: Items) -> DistinctImages:
    """Return the images of items; a name that is never embedded stands for none."""
    row_of_item, names = pd.factorize(np.array(images_of(items), dtype=object))
    gold: list[list[set[str]]] = [[set() for _ in range(TIERS)] for _ in names]
    for row, item in zip(row_of_item, items, strict=True):
        for texts, tier in zip(gold[row], item.tiers, strict=True):
            texts.add(tier)
    return DistinctImages(list(names), row_of_item, gold)


def images_of(items: Items) -> list[str]:
    """Return the image name of each item; an empty one, which is never embedded, for none."""
    return [item.image or "" for item in items]


def unit_of(item: CaptionHierarchy) -> str:
    """Return the independent unit of an item: its image, or without one itself."""
    return item.image or f"item {item.item_id}"


def item_columns(items: Items) -> pd.DataFrame:
    """Return the columns that a table with a row per item begins with: ``item_id``, ``unit``."""
    rows = [(item.item_id, unit_of(item)) for item in items]
    return pd.DataFrame(rows, columns=["item_id", "unit"])


def once_per_unit(table: pd.DataFrame, values: np.ndarray) -> np.ndarray:
    """Return values that all rows of a unit share, NaN for all of its rows but the first."""
    return np.where(table["unit"].duplicated(), np.nan, np.asarray(values, dtype=float))


def columns_once(table: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return all columns behind ``item_columns`` as metrics, each unit counting once."""
    return {name: once_per_unit(table, table[name].to_numpy()) for name in table.columns[2:]}


def half_of_units(units: pd.Series) -> np.ndarray:
    """Return for each row whether its unit is in one half of the units, by their names alone.

    What is fitted on one half is measured on the other.
    """
    names = sorted(set(units), key=lambda name: hashlib.sha256(name.encode()).digest())
    return units.isin(names[: len(names) // 2]).to_numpy()
