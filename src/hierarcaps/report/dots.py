"""Charts of dots with their intervals: a row per model or run, the first at the top."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hierarcaps.report.plot_style import GREY, error_bar
from hierarcaps.report.study import Estimate, Run

K = TypeVar("K", bound=Hashable)


def name_rows(axes: Axes, labels: Sequence[str]) -> None:
    """Make a row of each label, the first at the top."""
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.grid(axis="y", visible=False)


def dot(axes: Axes, estimate: Estimate, place: float, scale: float = 1, **style: Any) -> None:
    """Draw a value, in units of ``1 / scale``, with its interval at a height among the rows."""
    bar = scale * error_bar(estimate)
    axes.errorbar(scale * estimate.value, place, xerr=bar, **style)


def centred(number: int, distance: float) -> np.ndarray:
    """Return places ``(N,)`` at equal distances about 0, in rising order."""
    return (np.arange(number) - (number - 1) / 2) * distance


class Band(NamedTuple):
    """A line of dots within each row: its name in the legend, its colour and marker."""

    name: str
    colour: str
    marker: str


@dataclass(frozen=True)
class Bands(Generic[K]):
    """Rows of several bands, in each of which a dot stands for a run, or for the mean of several.

    Attributes:
        looks: the bands, from the top of a row down.
        apart: distance of bands, in rows.
        seeds_apart: distance of the seeds in a band, in rows.
        size: of a marker, points.
    """

    looks: Mapping[K, Band]
    apart: float
    seeds_apart: float
    size: float

    def places(self, row: int) -> np.ndarray:
        """Return the heights of a row's bands."""
        return row + centred(len(self.looks), self.apart)

    def draw(
        self,
        axes: Axes,
        labels: Sequence[str],
        found: Callable[[str, K], Sequence[tuple[Run, Estimate]]],
    ) -> None:
        """Draw what is found of each row and band, with lines between the rows."""
        for row, label in enumerate(labels):
            for place, (key, band) in zip(self.places(row), self.looks.items(), strict=True):
                pairs = found(label, key)
                offsets = centred(len(pairs), self.seeds_apart)
                for (_, estimate), offset in zip(pairs, offsets, strict=True):
                    dot(
                        axes,
                        estimate,
                        place + offset,
                        color=band.colour,
                        marker=band.marker,
                        markersize=self.size,
                        elinewidth=1.1,
                    )
        for row in range(1, len(labels)):
            axes.axhline(row - 0.5, color=GREY, linewidth=0.4)
        name_rows(axes, labels)

    def legend(self, drawn: Figure, axes: Axes, fontsize: float | None = None) -> None:
        """Explain the bands below the axes."""
        for name, colour, marker in self.looks.values():
            axes.plot(
                [], [], color=colour, marker=marker, linestyle="none", markersize=self.size,
                label=name,
            )  # fmt: skip
        drawn.legend(
            loc="outside lower left",
            ncols=len(self.looks),
            handletextpad=0,
            columnspacing=0.6,
            fontsize=fontsize,
        )
