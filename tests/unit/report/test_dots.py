"""Dots with intervals: where they are drawn, and how long their bars are."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from hierarcaps.report.dots import Band, Bands, centred, dot, name_rows
from hierarcaps.report.plot_style import error_bar
from hierarcaps.report.study import Estimate, Run


def test_bars_are_lengths_below_and_above_and_never_negative():
    bars = error_bar(Estimate(0.5, 0.4, 0.7, 9), Estimate(0.2, 0.3, 0.2, 9))
    assert bars == pytest.approx(np.array([[0.1, 0.0], [0.2, 0.0]]))
    assert error_bar(Estimate(0.5, 0.4, 0.7, 9)).shape == (2, 1)


def test_rows_run_from_the_top_and_a_dot_has_its_units():
    axes = Figure().add_subplot()
    name_rows(axes, ["first", "second"])
    assert axes.get_ylim() == (1.5, -0.5)
    dot(axes, Estimate(0.5, 0.4, 0.7, 9), 1, scale=100, marker="o")
    (bar,) = axes.collections[0].get_segments()
    assert bar == pytest.approx(np.array([[40, 1], [70, 1]]))


def test_bands_and_seeds_stand_side_by_side_about_their_row():
    assert list(centred(1, 0.1)) == [0]
    assert centred(3, 0.1) == pytest.approx([-0.1, 0, 0.1])
    bands = Bands({"a": Band("A", "red", "o"), "b": Band("B", "blue", "s")}, 0.4, 0.1, 4)
    values = {"a": [0.1, 0.2], "b": [0.3]}
    drawn = Figure()
    axes = drawn.add_subplot()
    bands.draw(
        axes,
        ["first", "second"],
        lambda label, band: [
            (Run(label, "re", seed), Estimate(value, value, value, 9))
            for seed, value in enumerate(values[band])
        ],
    )
    dots = [line for line in axes.lines if line.get_marker() in ("o", "s")]
    places = [(float(line.get_xdata()[0]), float(line.get_ydata()[0])) for line in dots]
    expected = [(0.1, -0.25), (0.2, -0.15), (0.3, 0.2), (0.1, 0.75), (0.2, 0.85), (0.3, 1.2)]
    assert np.array(places) == pytest.approx(np.array(expected))
    bands.legend(drawn, axes)
    assert [text.get_text() for text in drawn.legends[0].get_texts()] == ["A", "B"]
