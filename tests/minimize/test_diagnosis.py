"""What minimize notices, in words: one test each, and silence where nothing is wrong."""

from __future__ import annotations

import math

import gradstep as gs
import numpy as np
import pytest
from problems import quadratic, rosenbrock

R = rosenbrock()


def test_nothing_is_said_of_a_good_run():
    for method in ("bfgs", "l-bfgs", "trust-exact", "cg"):
        res = gs.minimize(R.value, R.start, jac=R.gradient, method=method)
        assert res.diagnosis == {}


def test_diverging():
    q = quadratic(5, 10.0)
    res = gs.minimize(q.value, q.start, jac=q.gradient, method="gd", learning_rate=0.5)
    assert res.reason == "diverged"
    text = res.diagnosis["diverging"]
    assert "curvature here is 10" in text
    assert "rates above 0.2 diverge; it was 0.5" in text


def test_oscillating():
    res = gs.minimize(lambda x: x * x, 1.0, jac=lambda x: 2 * x, method="gd", learning_rate=0.999, maxiter=50)
    assert "Halve the learning rate" in res.diagnosis["oscillating"]


def test_plateau():
    def fun(x):
        return 1 / (1 + math.exp(-x[0]))

    def jac(x):
        s = fun(x)
        return np.array([s * (1 - s)])

    res = gs.minimize(fun, [12.0], jac=jac, method="gd", learning_rate=0.1, maxiter=100, gtol=1e-9)
    assert "plateau" in res.diagnosis
    assert not res.success


@pytest.mark.parametrize("method", ["bfgs", "gd"])
def test_flat_steps_are_no_success(method):
    res = gs.minimize(lambda x: float(np.round(20 * x[0]) ** 2), [4.01], method=method)
    assert not res.success
    assert "exactly 0" in res.diagnosis["plateau"]
    # A minimum whose differences are below the rounding of f is one.
    assert gs.minimize(lambda x: float((x[0] - 1) ** 2) + 7, [1.0], method=method).success


def saddle(x):
    return float(x[0] ** 2 - x[1] ** 2 + 0.5 * x[1] ** 4)


def saddle_gradient(x):
    return np.array([2 * x[0], -2 * x[1] + 2 * x[1] ** 3])


@pytest.mark.parametrize("method", ["bfgs", "gd", "l-bfgs", "newton-cg"])
@pytest.mark.parametrize("start", [[0.0, 0.0], [1.0, 0.0]])
def test_a_saddle_point_is_no_success_and_can_be_escaped(method, start):
    res = gs.minimize(saddle, start, jac=saddle_gradient, method=method)
    assert not res.success
    assert res.status == 2
    assert "saddle point" in res.message
    np.testing.assert_allclose(abs(res.escape), [0, 1], atol=1e-6)
    again = gs.minimize(saddle, res.x + 0.1 * res.escape, jac=saddle_gradient, method=method)
    assert again.success
    assert again.fun == pytest.approx(-0.5)


def test_trust_exact_leaves_a_saddle_by_itself():
    res = gs.minimize(saddle, [1.0, 0.0], jac=saddle_gradient, method="trust-exact")
    assert res.success
    assert res.fun == pytest.approx(-0.5)


def test_a_start_at_the_minimum_is_a_success():
    q = quadratic(4)
    res = gs.minimize(q.value, q.optimum, jac=q.gradient)
    assert res.success
    assert res.nit == 0


def test_bad_scaling():
    w = np.array([1.0, 1e10, 1.0])
    res = gs.minimize(
        lambda x: float(0.5 * (w * x**2).sum()),
        np.ones(3),
        jac=lambda x: w * x,
        method="gd",
        learning_rate=1e-11,
        maxiter=20,
    )
    text = res.diagnosis["bad scaling"]
    assert "x0[1]" in text
    assert "1e+05" in text


def test_noise():
    rng = np.random.default_rng(0)

    def fun(x):
        return R.value(x) + 1e-4 * rng.standard_normal()

    res = gs.minimize(fun, R.start, method="bfgs")
    assert not res.success
    assert "cma-es" in res.diagnosis["noise"]
    size = float(res.diagnosis["noise"].split("about ")[1].split(" ")[0])
    assert 2e-5 < size < 5e-4


def test_wrong_gradient():
    def wrong(x):
        return R.gradient(x) * [1, -1]

    res = gs.minimize(R.value, R.start, jac=wrong, method="bfgs")
    assert not res.success
    assert "x0[1] is" in res.diagnosis["wrong gradient"]
    with pytest.raises(ValueError, match=r"not that of fun.*x0\[1\]"):
        gs.minimize(R.value, R.start, jac=wrong, check_grad=True)
    assert gs.minimize(R.value, R.start, jac=R.gradient, check_grad=True).success


def test_non_finite_start():
    res = gs.minimize(lambda x: math.inf, [1.0], jac=lambda x: x)
    assert "fun(x0) is inf" in res.diagnosis["non-finite start"]


def test_at_bounds():
    res = gs.minimize(R.value, R.start, jac=R.gradient, bounds=[(-2, 0.5), (-2, 2)])
    assert res.diagnosis["at bounds"] == "1 of 2 variables are at their bounds: x0[0]."


def test_limits_hold_in_the_diagnosis_too():
    res = gs.minimize(R.value, R.start, jac=lambda x: -R.gradient(x), method="bfgs", maxfev=31)
    assert res.nfev <= 31


# -- as a method of SciPy ----


@pytest.mark.parametrize(
    ("name", "options"), [("adam", {"learning_rate": 0.05, "maxiter": 3000}), ("l-bfgs", {"m": 5}), ("cg", {})]
)
def test_scipy_calls_our_methods(name, options):
    optimize = pytest.importorskip("scipy.optimize")
    res = optimize.minimize(R.value, R.start, jac=R.gradient, method=gs.scipy_method(name, **options))
    np.testing.assert_allclose(res.x, R.optimum, atol=1e-2)
    assert res.message
    seen = []
    res = optimize.minimize(
        lambda x, scale: scale * R.value(x),
        R.start,
        args=(2.0,),
        jac=lambda x, scale: scale * R.gradient(x),
        method=gs.scipy_method("l-bfgs-b"),
        bounds=[(-2, 0.5), (-2, 2)],
        callback=seen.append,
        options={"gtol": 1e-5},
    )
    np.testing.assert_allclose(res.x, [0.5, 0.25], atol=1e-4)
    assert seen


def test_constraints_are_refused():
    optimize = pytest.importorskip("scipy.optimize")
    with pytest.raises(ValueError, match="constraints"):
        optimize.minimize(
            R.value, R.start, method=gs.scipy_method("cg"), constraints=[{"type": "eq", "fun": lambda x: x[0]}]
        )


@pytest.mark.parametrize("bounded", [False, True])
def test_l_bfgs_b_comes_where_scipy_s_does(bounded):
    optimize = pytest.importorskip("scipy.optimize")
    rng = np.random.default_rng(0)
    for n in (2, 5, 12):
        A = rng.normal(size=(n, n))
        H, c = A @ A.T + 0.1 * np.eye(n), rng.normal(size=n)

        def fun(x, H=H, c=c):
            return float(0.5 * x @ H @ x + c @ x + 0.1 * (x**4).sum())

        def jac(x, H=H, c=c):
            return H @ x + c + 0.4 * x**3

        bounds = [(-0.3, 0.2)] * n if bounded else None
        ours = gs.minimize(fun, np.zeros(n), jac=jac, method="l-bfgs-b", bounds=bounds, gtol=1e-8)
        theirs = optimize.minimize(
            fun, np.zeros(n), jac=jac, method="L-BFGS-B", bounds=bounds, options={"ftol": 0, "gtol": 1e-9}
        )
        np.testing.assert_allclose(ours.x, theirs.x, atol=1e-6)
        assert ours.success


def test_noisy_residuals_are_called_noisy():
    rng = np.random.default_rng(0)
    noisy = gs.minimize(
        lambda x: x + 1e-3 * rng.normal(size=2), np.ones(2), jac=lambda x: np.eye(2), residual=True, method="lm"
    )
    assert not noisy.success
    assert "noise" in noisy.diagnosis
    wrong = gs.minimize(lambda x: x, np.ones(2), jac=lambda x: -np.eye(2), residual=True, method="lm")
    assert "wrong gradient" in wrong.diagnosis


def sigmoid(x):
    return 1 / (1 + np.exp(np.clip(x, -600, 600)))


def test_a_gradient_that_underflowed_is_a_plateau():
    """A fall from 1 to 0, from so high that neither slope nor curvature is left: no minimum, whatever gtol says."""
    res = gs.minimize(
        lambda x: float(np.sum(sigmoid(x))), [-300.0], jac=lambda x: -sigmoid(x) * sigmoid(-x), method="bfgs"
    )
    assert 0 < abs(res.jac[0]) < 1e-100
    assert not res.success
    assert "has vanished" in res.message
    # As small, at a minimum.
    res = gs.minimize(lambda x: 1 + float(x @ x), [1e-60], jac=lambda x: 2 * x, method="bfgs")
    assert res.success


def test_variables_without_effect_are_named():
    """A peak so far away that its height, place and width have slopes of 0 to the last bit."""
    t = np.linspace(0, 1, 9)

    def fun(x):
        peak = np.exp(-(((t - x[1]) / x[2]) ** 2))
        r = x[0] * t - t + x[3] * peak
        slopes = [t, x[3] * peak * 2 * (t - x[1]) / x[2] ** 2, x[3] * peak * 2 * (t - x[1]) ** 2 / x[2] ** 3, peak]
        return float(r @ r), 2 * np.array(slopes) @ r

    res = gs.minimize(fun, [0.0, 500.0, 1.0, 2.0], jac=True, method="bfgs")
    assert res.success
    assert res.diagnosis["no effect"].startswith("3 of 4 variables have no effect here")
    assert "x0[1], x0[2], x0[3]" in res.diagnosis["no effect"]
    res = gs.minimize(fun, [0.0, 0.5, 1.0, 2.0], jac=True, method="bfgs")
    assert "no effect" not in res.diagnosis
    res = gs.minimize(lambda x: float(x @ x), [1.0, 0.0], jac=lambda x: 2 * x, method="bfgs")  # is at its minimum
    assert "no effect" not in res.diagnosis


@pytest.mark.parametrize("start", [3.0, 300.0])
def test_residuals_that_no_longer_depend_on_a_variable(start):
    """exp(-x t) fitted to what no x gives: x goes to where neither f nor the gradient depends on it."""
    t = np.linspace(1, 2, 5)

    def fun(x):
        return np.exp(-x[1] * t) + x[0] - np.array([1.0, 2, 3, 2, 1])

    def jac(x):
        return np.stack([np.ones(5), -t * np.exp(-x[1] * t)], axis=1)

    with np.errstate(over="ignore", invalid="ignore"):
        res = gs.minimize(fun, [0.0, start], jac=jac, residual=True)
    assert not res.success
    assert "x0[1]" in str(res.diagnosis)
    assert ("plateau" in res.diagnosis) == (start == 3.0)


@pytest.mark.parametrize("f0", [0.0, 1e-3, 40.0])
def test_fits_with_residuals_that_stay_are_solved(f0):
    t = np.linspace(0, 2, 20)
    y = np.exp(-t) + f0 * np.sin(7 * t)
    res = gs.minimize(
        lambda x: x[0] * np.exp(-x[1] * t) - y,
        [0.5, 0.2],
        jac=lambda x: np.stack([np.exp(-x[1] * t), -x[0] * t * np.exp(-x[1] * t)], axis=1),
        residual=True,
    )
    assert res.success, res.message
    assert abs(res.grad).max() <= 1e-8 * max(1.0, res.fun)


def test_functions_without_a_minimum_are_not_solved():
    res = gs.minimize(lambda x: float(x[0]), [1.0], jac=lambda x: np.ones(1))
    assert not res.success
    assert "no minimum" in res.diagnosis["unbounded"]
    res = gs.minimize(lambda x: -math.inf if x[0] < 0 else float(x[0]), [1.0], jac=lambda x: np.ones(1))
    assert (res.reason, res.success, res.fun) == ("nan", False, -math.inf)
    assert "no minimum" in res.message


def test_kinks_are_no_wrong_gradients():
    res = gs.minimize(lambda x: float(np.abs(x).sum()), [1.0, 2.3], jac=np.sign, method="bfgs")
    assert not res.success
    assert "kink" in res.diagnosis
    assert "wrong gradient" not in res.diagnosis


def test_values_that_are_no_numbers_around_are_no_wrong_gradient():
    start = [1.0, 2.0]
    res = gs.minimize(lambda x: 1.0 if x.tolist() == start else math.nan, start, jac=lambda x: 2 * x, method="bfgs")
    assert not res.success
    assert "wrong gradient" not in res.diagnosis
