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


def test_paths_of_loops_of_one_s_own():
    steps = [np.array([2.0, 1.0]) * 0.8**i for i in range(5)]
    bowl = lambda x: x[0] ** 2 + x[1] ** 2  # noqa: E731
    for given, names in ((steps, ["1"]), (np.array(steps), ["1"]), ({"a": steps, "b": np.array(steps)}, ["a", "b"])):
        panel = plot.path(bowl, given, resolution=5).axes[0]
        drawn = [line for line in panel.lines if not line.get_label().startswith("_")]
        assert [line.get_label() for line in drawn] == names
        for line in drawn:
            assert np.allclose(line.get_xydata(), steps)
    both = plot.path(bowl, [np.array(steps), steps[:3]], resolution=5).axes[0]
    assert [text.get_text() for text in both.get_legend().get_texts()] == ["1", "2"]
    line = plot.path(lambda x: x**2, [3.0, 2.0, 1.0], resolution=5).axes[0].lines[1]
    assert line.get_xydata().tolist() == [[3, 9], [2, 4], [1, 1]]


@pytest.mark.parametrize("far", [1e3, 1e160, np.inf])
def test_a_run_that_went_away_does_not_decide_what_is_shown(far):
    bowl = lambda x: x[0] ** 2 + x[1] ** 2  # noqa: E731
    steps = np.array([[2.0, 1.0], [1.0, 1.0], [0.5, 0.0]])
    away = np.array([[2.0, 1.0], [-2.5, 0.0], [far, far]])
    alone, both = (plot.path(bowl, given, resolution=5).axes[0] for given in (steps, {"a": steps, "b": away}))
    for limits in (both.get_xlim(), both.get_ylim()):
        assert -3.5 < limits[0] < limits[1] < 3
    assert both.get_ylim() == alone.get_ylim()
    assert plot.path(bowl, away, bounds=[(-9, 9), (-9, 9)], resolution=5).axes[0].get_xlim() == (-9, 9)


@pytest.mark.parametrize("wrong", [3.0, [], np.ones((1, 2, 2, 2)), [[np.nan, 1.0]]])
def test_no_paths(wrong):
    with pytest.raises(ValueError, match="a path must "):
        plot.path(lambda x: 0.0, wrong)
