"""Why a run of minimize ends, and what it says."""

from __future__ import annotations

import math

import gradstep as gs
import numpy as np
import pytest
from problems import rosenbrock

R = rosenbrock()


@pytest.mark.parametrize(
    ("given", "reason", "success"),
    [
        ({"maxiter": 3}, "maxiter", False),
        ({"maxfev": 5}, "maxfev", False),
        ({"target": 1.0}, "target", True),
        ({"ftol": 1e-3}, "ftol", None),
        ({"xtol": 1e-2}, "xtol", None),
        ({"callback": lambda x: True}, "callback", True),
        ({"options": {"maxiter": 3}}, "maxiter", False),
        ({"options": {"maxfun": 5}}, "maxfev", False),
    ],
)
def test_reasons(given, reason, success):
    res = gs.minimize(R.value, R.start, jac=R.gradient, method="l-bfgs", **given)
    assert res.reason == reason
    assert success is None or res.success is success
    assert res.message.endswith(".")
    assert any(letter.isdigit() for letter in res.message)
    if reason == "maxfev":
        assert res.nfev == 5
    if reason == "maxiter":
        assert res.nit == 3


def test_maxtime():
    import time

    def slow(x):
        time.sleep(0.01)
        return R.value(x)

    begin = time.perf_counter()
    res = gs.minimize(slow, R.start, jac=R.gradient, maxtime=0.05)
    assert res.reason == "maxtime"
    assert time.perf_counter() - begin < 2


def test_divergence_is_said_and_the_best_point_kept():
    res = gs.minimize(lambda x: x * x, 1.0, jac=lambda x: 2 * x, method="gd", learning_rate=1.1)
    assert res.reason == "diverged"
    assert not res.success
    assert res.x == 1.0
    assert "learning rate" in res.message


def test_a_start_that_is_not_finite():
    res = gs.minimize(lambda x: math.nan, [1.0, 2.0], jac=lambda x: x)
    assert res.reason == "nan"
    assert not res.success
    res = gs.minimize(lambda x: 1.0, [1.0, 2.0], jac=lambda x: np.array([0.0, np.inf]))
    assert res.reason == "nan"
    assert "jac(x0)[1] is inf" in res.message


def test_nan_on_the_way_is_stepped_around():
    def fun(x):
        with np.errstate(invalid="ignore"):
            return float(x[0] - np.log(x[0]))

    res = gs.minimize(fun, [20.0], jac=lambda x: 1 - 1 / x, method="bfgs")
    assert res.success
    assert res.x[0] == pytest.approx(1, abs=1e-5)


def test_ctrl_c_gives_the_best_point_so_far():
    calls = []

    def fun(x):
        calls.append(R.value(x))
        if len(calls) == 10:
            raise KeyboardInterrupt
        return calls[-1]

    res = gs.minimize(fun, R.start, jac=R.gradient)
    assert res.reason == "interrupted"
    assert not res.success
    assert res.fun == min(calls[:9]) == R.value(res.x)


@pytest.mark.parametrize("error", [ZeroDivisionError, StopIteration, RuntimeError])
def test_errors_of_fun_pass_through(error):
    def fun(x):
        if len(calls) == 5:
            raise error("mine")
        calls.append(1)
        return R.value(x)

    calls = []
    with pytest.raises(error, match="mine") as caught:
        gs.minimize(fun, R.start, jac=R.gradient)
    notes = getattr(caught.value, "__notes__", ["the best value"])
    assert "the best value" in notes[0]


def test_a_line_search_that_fails_is_no_success():
    res = gs.minimize(R.value, R.start, jac=lambda x: -R.gradient(x), method="bfgs")
    assert res.reason == "line_search"
    assert not res.success
    assert "check_grad" in res.message


def test_the_rounding_floor_is_a_success():
    def fun(x):
        return 1e6 + R.value(x)

    res = gs.minimize(fun, R.start, jac=R.gradient, method="bfgs", gtol=1e-14)
    assert res.success
    assert res.reason in ("line_search", "stalled", "gtol")


def test_callbacks_of_scipy():
    seen = []

    def named(intermediate_result):
        seen.append((intermediate_result.fun, intermediate_result.nit))
        if len(seen) == 4:
            raise StopIteration

    res = gs.minimize(R.value, R.start, jac=R.gradient, callback=named)
    assert res.reason == "callback"
    assert [n for _, n in seen] == [1, 2, 3, 4]
    points = []
    res = gs.minimize(R.value, R.start, jac=R.gradient, callback=points.append)
    assert len(points) == res.nit


@pytest.mark.parametrize("method", ["bfgs", "cg", "l-bfgs", "l-bfgs-b", "newton-cg", "trust-ncg", "gd", "adam"])
@pytest.mark.parametrize("n", [1, 3, 20])
@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_function_that_falls_for_ever_is_never_solved(method, n, power):
    """Rounding hides the decrease at last; that is no minimum, whatever the number of variables."""
    weights = np.linspace(1, 2, n)

    def value(x):
        return -float((weights * np.abs(x + 1) ** power).sum())

    def slope(x):
        return -power * weights * np.abs(x + 1) ** (power - 1) * np.sign(x + 1)

    res = gs.minimize(value, np.zeros(n), jac=slope, method=method, maxiter=500)
    assert not res.success, res.message
    assert res.fun < value(np.zeros(n))
