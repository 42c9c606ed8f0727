"""The project's one style of figures.

A model family keeps its colour and marker in every figure, by its place in the explicit list of
models. Untrained controls are grey, open and hatched; model-free baselines are dark crosses. Output
is SVG without dates and with fixed ids: equal data give equal bytes.
"""

import io
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from hierarcaps.report.markup import Panel
from hierarcaps.report.study import Estimate, Results, Run

# Okabe and Ito's palette without its yellow, which is too faint for lines on white.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
MARKERS = ("o", "s", "^", "D", "v", "P")
TIER_SHADES = ("#9ecae1", "#4f9ac4", "#0072B2", "#08306b")  # from general to specific
TIER_TICKS = ("1\ngeneral", "2", "3", "4\nspecific")
INK, GREY, FAINT = "#1f2933", "#6b7280", "#d9dee5"
BASELINE_MARKERS = {
    "words": "x",
    "characters": "+",
    "frequency": "1",
    "random_order": "2",
    "random": "*",
}
# A value to compare with.
REFERENCE_LINE: dict[str, Any] = {"color": GREY, "linewidth": 1, "linestyle": (0, (4, 3))}
# The page's own fonts, so that figures and text match; text stays text (selectable, small files).
WEB_FONTS = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 9,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "hatch.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "lines.linewidth": 1.6,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "svg.fonttype": "none",
    "svg.hashsalt": "hierarcaps",
}
# Decorates every function that draws: the style holds while it runs and nowhere else.
styled = mpl.rc_context(STYLE)


@dataclass(frozen=True)
class Look:
    """How a run is drawn: colour, marker, whether filled, and the hatch of its areas."""

    colour: str
    marker: str
    filled: bool
    hatch: str | None = None

    def marker_style(self) -> dict:
        """Return the keyword arguments of a matplotlib marker."""
        face = self.colour if self.filled else "white"
        return {"marker": self.marker, "markerfacecolor": face, "markeredgecolor": self.colour}


def look(results: Results, run: Run) -> Look:
    """Return the look of a run, the same in every figure made from the same list of models."""
    if run.kind == "baseline":
        return Look(INK, BASELINE_MARKERS.get(run.model, "x"), filled=True)
    families = list(dict.fromkeys(r.family for r in results.of_kind("model", "untrained")))
    place = families.index(run.family)
    marker = MARKERS[place % len(MARKERS)]
    if run.kind == "untrained":
        return Look(GREY, marker, filled=False, hatch="////")
    return Look(PALETTE[place % len(PALETTE)], marker, filled=True)


def line_style(run: Run) -> dict[str, Any]:
    """Return the keyword arguments of a run's line: full for a model, thin and dashed otherwise."""
    trained = run.kind == "model"
    return {
        "linestyle": "-" if trained else (0, (3, 2)),
        "linewidth": 1.6 if trained else 0.9,
    }


def error_bar(*estimates: Estimate) -> np.ndarray:
    """Return matplotlib's error bars of N intervals: lengths below and above, shape (2, N)."""
    lengths = [(each.value - each.low, each.high - each.value) for each in estimates]
    return np.maximum(np.transpose(lengths), 0)


def tex(text: str) -> str:
    """Return plain text as a figure sets it: ``τ_d`` with its subscript."""
    return text.replace("τ_d", "$\\tau_d$")


def svg_panel(drawn: Figure, alt: str) -> Panel:
    """Return a drawn figure as an SVG panel: no date, no creator, ids fixed by the style."""
    buffer = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    drawn.savefig(buffer, format="svg", metadata=nothing)
    # With several families in the style matplotlib would warn about each one it can't measure.
    text = buffer.getvalue().replace("'DejaVu Sans'", WEB_FONTS)
    return Panel(text.encode("utf-8"), alt)
