"""Pictures of minimizations: curves over iterations, paths over contours."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradstep import plot
from problems import rosenbrock

pytest.importorskip("matplotlib")
R = rosenbrock()


def test_curves_of_a_run(tmp_path):
    res = gs.minimize(R.value, R.start, jac=R.gradient, method="bfgs")
    figure = res.plot(tmp_path / "run.png")
    assert (tmp_path / "run.png").stat().st_size > 1000
    assert [panel.get_ylabel() for panel in figure.axes] == [
        "value",
        "largest gradient component",
        "length of the step",
    ]
    drawn = figure.axes[0].lines[0]
    assert drawn.get_ydata().tolist() == res.history["fun"].tolist()
    assert figure.axes[0].get_yscale() == "log"
    assert {panel.get_xlabel() for panel in figure.axes} == {"iteration"}


def test_a_negative_value_is_drawn_above_its_lowest():
    res = gs.minimize(lambda x: x[0] ** 2 - 5, [3.0], jac=lambda x: 2 * x, method="gd")
    assert res.plot().axes[0].get_ylabel() == "value above -5"


def test_paths_over_contours():
    runs = {
        name: gs.minimize(R.value, R.start, jac=R.gradient, method=name, return_path=True) for name in ("bfgs", "cg")
    }
    figure = plot.path(R.value, runs, resolution=20)
    panel = figure.axes[0]
    lines = {line.get_label(): line for line in panel.lines if not line.get_label().startswith("_")}
    assert list(lines) == ["bfgs", "cg"]
    np.testing.assert_array_equal(lines["bfgs"].get_xdata(), [x[0] for x in runs["bfgs"].path])
    assert [text.get_text() for text in panel.get_legend().get_texts()] == ["bfgs", "cg"]
    assert panel.get_xlabel() == "x[0]"


def test_the_path_along_a_curve():
    res = gs.minimize(lambda x: (x - 1) ** 2, 4.0, method="gd", learning_rate=0.1, maxiter=5, return_path=True)
    panel = plot.path(lambda x: (x - 1) ** 2, res).axes[0]
    assert panel.lines[1].get_ydata().tolist() == res.path_fun.tolist()
    assert len(panel.lines[1].get_xdata()) == 6


def test_what_cannot_be_drawn():
    res = gs.minimize(R.value, R.start, jac=R.gradient)
    with pytest.raises(ValueError, match="return_path=True"):
        plot.path(R.value, res)
    res = gs.minimize(lambda x: float(x @ x), np.ones(3), return_path=True)
    with pytest.raises(ValueError, match="one or two variables"):
        plot.path(R.value, res)
    with pytest.raises(ValueError, match="one or two pairs"):
        plot.landscape(R.value, [(0, 1)] * 3)
    figure = plot.landscape(lambda x: x[0] ** 2, [(-1, 1)], resolution=11)
    assert len(figure.axes[0].lines[0].get_xdata()) == 11
