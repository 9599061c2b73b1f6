"""minimize: what it takes, what it gives, and how it ends."""

from __future__ import annotations

import math

import gradstep as gs
import numpy as np
import pytest
from problems import quadratic, rosenbrock

QUASI = ["bfgs", "l-bfgs", "l-bfgs-b", "cg"]
DESCENTS = ["gd", "adam", "nesterov"]
R = rosenbrock()


def pair(x):
    return R.value(x), R.gradient(x)


@pytest.mark.parametrize("method", QUASI)
def test_rosenbrock_is_solved(method):
    res = gs.minimize(R.value, R.start, jac=R.gradient, method=method)
    assert res.success
    assert res.reason == "gtol"
    assert res.status == 0
    assert abs(res.jac).max() <= 1e-6
    np.testing.assert_allclose(res.x, R.optimum, atol=1e-5)
    assert res.fun == R.value(res.x)
    assert res.nfev < 200
    assert "gtol" in res.message


@pytest.mark.parametrize("jac", ["2-point", "3-point", None])
def test_finite_differences(jac):
    res = gs.minimize(R.value, R.start, jac=jac, method="bfgs", gtol=1e-5)
    np.testing.assert_allclose(res.x, R.optimum, atol=1e-3)
    source = {None: "from forward, at last central differences", "2-point": "from forward differences"}
    assert source.get(jac, "") in res.message
    assert ("differences" in res.message) == (jac != "3-point")
    assert res.njev == 0


def test_complex_steps_are_exact():
    def fun(x):
        return np.sum(np.exp(x) - 2 * x)

    res = gs.minimize(fun, np.zeros(3), jac="cs", method="bfgs", gtol=1e-9)
    np.testing.assert_allclose(res.x, math.log(2), atol=1e-9)


def test_the_articles_loop_says_that_it_did_not_arrive():
    """f = 3x^2 - 2x - 3 from 8 at rate 0.001, change 1e-5, 500 iterations: it stops far from 1/3, and says so."""
    given = {"jac": lambda x: 6 * x - 2, "method": "gd", "learning_rate": 0.001, "xtol": 1e-5}
    res = gs.minimize(lambda x: 3 * x**2 - 2 * x - 3, 8, maxiter=500, **given)
    assert not res.success
    assert res.reason == "maxiter"
    assert res.x == pytest.approx(0.7116, abs=1e-4)
    assert res.nit == 500
    res = gs.minimize(lambda x: 3 * x**2 - 2 * x - 3, 8, **given)
    assert res.reason == "xtol"
    assert not res.success  # the steps became short before the gradient did
    assert "learning rate" in res.message
    res = gs.minimize(lambda x: 3 * x**2 - 2 * x - 3, 8, jac=lambda x: 6 * x - 2, method="gd")
    assert res.success
    assert res.x == pytest.approx(1 / 3, abs=1e-6)


# -- the structure and dtype of x0 ----


def tree_fun(x):
    return float(np.sum((x["w"] - 1) ** 2) + (x["b"] - 2) ** 2 + np.sum(x["rest"][0] ** 2))


def tree_jac(x):
    return {"w": 2 * (x["w"] - 1), "b": 2 * (x["b"] - 2), "rest": (2 * x["rest"][0],)}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("method", [*QUASI, *DESCENTS])
def test_structure_and_dtype_are_kept(method, dtype):
    x0 = {"w": np.zeros((2, 3), dtype), "b": dtype(0.5), "rest": (np.ones(2, dtype),)}
    seen = []

    def fun(x):
        seen.append({x["w"].dtype, np.asarray(x["b"]).dtype, x["rest"][0].dtype})
        assert x["w"].shape == (2, 3)
        assert isinstance(x["rest"], tuple)
        x["w"] = x["w"] + 0  # what fun gets is its own
        return tree_fun(x)

    res = gs.minimize(fun, x0, jac=tree_jac, method=method, learning_rate=0.05 if method in DESCENTS else None)
    assert all(kinds == {np.dtype(dtype)} for kinds in seen)
    assert res.x["w"].dtype == dtype
    assert isinstance(res.x["rest"], tuple)
    np.testing.assert_allclose(res.x["w"], 1, atol=1e-3)
    assert res.x["b"] == pytest.approx(2, abs=1e-3)
    assert res.fun == tree_fun(res.x)
    assert not x0["w"].any()
    assert res.success, res.message


def test_what_fun_does_to_its_x_changes_nothing():
    def fun(x):
        value = R.value(x)
        x[:] = 7
        return value

    res = gs.minimize(fun, R.start, jac=R.gradient)
    assert res.success
    assert R.start.tolist() == [-1.2, 1.0]


def test_no_point_is_asked_twice_in_a_row():
    seen = []

    def fun(x):
        seen.append(x.tobytes())
        return R.value(x)

    res = gs.minimize(fun, R.start, jac=R.gradient, method="l-bfgs")
    assert len(seen) == len(set(seen)) == res.nfev


@pytest.mark.parametrize("method", [*QUASI, "gd"])
def test_float32_keeps_its_dtype_and_its_value(method):
    def fun(x):
        return np.float32(R.value(x.astype(float)))

    res = gs.minimize(fun, R.start.astype(np.float32), jac=lambda x: R.gradient(x).astype(np.float32), method=method)
    assert res.x.dtype == np.float32
    assert res.fun == fun(res.x)
    assert res.success, res.message
    np.testing.assert_allclose(res.x, R.optimum, atol=1e-2)


# -- optimizers ----


@pytest.mark.parametrize(
    "name", sorted(name for name, cls in gs.optimizers.registry.classes().items() if not cls._follows_curvature)
)
def test_every_optimizer_descends(name):
    if name in ("kfac", "diagonalnaturalgradient"):
        with pytest.raises(ValueError, match="trains the layers of models; a function has none"):
            gs.minimize(R.value, R.start, jac=R.gradient, method=name)
        return
    q = quadratic(6, 10.0)
    res = gs.minimize(q.value, q.start, jac=q.gradient, method=name, maxiter=300)
    assert res.fun <= q.value(q.start)
    assert res.nit == 300 or res.reason in ("gtol", "stalled")
    assert res.fun == min(res.history["fun"])


def test_an_optimizer_is_not_changed_by_its_runs():
    optimizer = gs.optimizers.Adam(0.1)
    first = gs.minimize(R.value, R.start, jac=R.gradient, method=optimizer, maxiter=50)
    second = gs.minimize(R.value, R.start, jac=R.gradient, method=optimizer, maxiter=50)
    assert optimizer.iterations == 0
    assert first.x.tobytes() == second.x.tobytes()
    assert first.optimizer.iterations == 50


def test_adam_is_the_package_s():
    w = R.start.copy()
    optimizer = gs.optimizers.Adam(0.01)
    for _ in range(20):
        optimizer.step(w, R.gradient(w))
    res = gs.minimize(R.value, R.start, jac=R.gradient, method="adam", learning_rate=0.01, maxiter=20, return_path=True)
    assert res.path[-1].tobytes() == w.tobytes()
    assert len(res.path) == 21
    assert res.path_fun[-1] == R.value(w)


@pytest.mark.parametrize("search", ["armijo", "strong-wolfe", "barzilai-borwein"])
def test_line_searches_of_first_order_methods(search):
    q = quadratic(10, 50.0)
    res = gs.minimize(q.value, q.start, jac=q.gradient, method="gd", learning_rate=1.0, line_search=search)
    assert res.success, res.message
    np.testing.assert_allclose(res.x, q.optimum, atol=1e-5)


def test_a_schedule_as_learning_rate():
    rate = gs.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)
    res = gs.minimize(R.value, R.start, jac=R.gradient, method="adam", learning_rate=rate, maxiter=30)
    assert res.history["alpha"][1] == 0.1
    assert res.history["alpha"][-1] < 0.02


# -- bounds ----


@pytest.mark.parametrize("method", [None, "l-bfgs-b", "gd", "adam"])
def test_no_call_is_outside_the_bounds(method):
    low, high = np.array([-2.0, -1.0]), np.array([0.5, 2.0])

    def fun(x):
        assert (x >= low).all()
        assert (x <= high).all()
        return R.value(x)

    given = {"bounds": list(zip(low, high, strict=True)), "learning_rate": 0.05 if method == "adam" else None}
    res = gs.minimize(fun, R.start, jac=R.gradient, method=method, maxiter=3000, **given)
    np.testing.assert_allclose(res.x, [0.5, 0.25], atol=1e-3)
    if method in (None, "l-bfgs-b", "gd"):
        assert res.success, res.message
        res = gs.minimize(fun, R.start, method=method, bounds=list(zip(low, high, strict=True)))  # differences too
        np.testing.assert_allclose(res.x, [0.5, 0.25], atol=1e-3)


def test_forms_of_bounds():
    class Bounds:
        lb, ub = [-np.inf, 0.0], 0.5

    for bounds in (Bounds(), [(None, 0.5), (0, 0.5)], np.array([[-np.inf, 0.5], [0, 0.5]])):
        res = gs.minimize(R.value, R.start, jac=R.gradient, bounds=bounds)
        np.testing.assert_allclose(res.x, [0.5, 0.25], atol=1e-6)
    res = gs.minimize(
        tree_fun,
        {"w": np.zeros((2, 3)), "b": 0.5, "rest": (np.ones(2),)},
        jac=tree_jac,
        bounds=(None, {"w": np.full((2, 3), 0.5), "b": 3, "rest": (np.full(2, 9),)}),
    )
    assert (res.x["w"] == 0.5).all()
    assert res.x["b"] == pytest.approx(2)


@pytest.mark.parametrize(
    ("bounds", "said"),
    [
        ([(1, 0), (0, 1)], r"bounds of x0\[0\] must have lower <= upper; got \(1, 0\)"),
        ([(0, 1)], "2 pairs"),
        ([(0, 1), (0, 1, 2)], r"bounds\[1\] must be a pair"),
        ([(0, "a"), (0, 1)], r"bounds\[0\] must hold real numbers"),
        ([(0, np.nan), (0, 1)], "NaN"),
        (3, "sequence of pairs"),
    ],
)
def test_bad_bounds(bounds, said):
    with pytest.raises((TypeError, ValueError), match=said):
        gs.minimize(R.value, R.start, jac=R.gradient, bounds=bounds)


def test_results_are_dicts_with_attributes():
    res = gs.minimize(R.value, R.start, jac=R.gradient)
    assert res["x"] is res.x
    assert "message: " in repr(res)
    assert {"x", "fun", "jac", "nit", "nfev", "njev", "success", "status", "message", "hess_inv"} <= set(dir(res))
    with pytest.raises(AttributeError):
        res.nothing  # noqa: B018
    import copy
    import pickle

    assert pickle.loads(pickle.dumps(res)).fun == copy.deepcopy(res).fun == res.fun


# -- SciPy's options ----


@pytest.mark.parametrize("method", ["l-bfgs", "L-BFGS-B"])
@pytest.mark.parametrize("bounds", [None, [(-2, 0.5), (-2, 2)]])
def test_options_of_l_bfgs_b(method, bounds):
    if method == "l-bfgs" and bounds is not None:
        return
    options = {"maxcor": 5, "maxls": 20, "ftol": 0, "gtol": 1e-7, "eps": 1e-7, "disp": False, "maxfun": 500}
    res = gs.minimize(R.value, R.start, method=method, bounds=bounds, options={**options, "return_all": True})
    assert len(res.path) == res.nit + 1
    at = R.optimum if bounds is None else [0.5, 0.25]
    np.testing.assert_allclose(res.x, at, atol=1e-3)


@pytest.mark.parametrize("bounds", [None, [(-3, 3), (-3, 3)]])
def test_a_line_search_takes_at_most_maxls_calls(bounds):
    def wall(x):  # it rises by 1e6 just beside the start, so that trials must come back a long way
        return float(x @ x) if abs(x[0] - 1) < 1e-6 else 1e6 * (1 + float(x @ x))

    calls = {}
    for most in (2, 30):
        res = gs.minimize(
            wall, [1.0, 1.0], jac=lambda x: 2 * x, bounds=bounds, method="l-bfgs-b", maxiter=1, options={"maxls": most}
        )
        calls[most] = res.nfev
        assert res.nit == (most == 30)
    assert calls[2] < calls[30]
    with pytest.raises(ValueError, match="maxls must be at least 1"):
        gs.minimize(wall, [1.0, 1.0], method="l-bfgs", options={"maxls": 0})


@pytest.mark.parametrize("method", ["l-bfgs", "l-bfgs-b", "bfgs", "cg", "trust-ncg", "newton-cg"])
@pytest.mark.parametrize("n", [2, 3, 4, 5, 8, 10, 20])
def test_without_jac_a_valley_is_no_endless_walk(method, n):
    """Forward differences are wrong by 1e-5 there, ten times gtol: central ones take over."""

    def rosen(x):
        return float((100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum())

    res = gs.minimize(rosen, np.zeros(n), method=method)
    assert res.success, res.message
    assert res.reason == "gtol"
    assert np.allclose(res.x, 1, atol=1e-4)
    assert res.nfev < 1000 * n
    assert "at last central differences" in res.message


def test_differences_that_were_asked_for_stay_as_they_are():
    points = []

    def value(x):
        points.append(x.copy())
        return R.value(x)

    res = gs.minimize(value, R.start, jac="2-point", method="bfgs")
    assert "from forward differences" in res.message
    steps = np.array([point - res.x for point in points[-len(res.x) :]])
    assert (steps >= -1e-12).all()  # no point on the other side


@pytest.mark.parametrize("bounded", [False, True])
def test_rough_differences_of_large_values(bounded):
    """Rounding of f counts too: 1e6 + f is known to 1e-10, its forward differences to 0.01."""

    def value(x):
        return 1e6 + float(((x - [1.0, -2.0]) ** 2).sum())

    box = {"bounds": [(-3, 3), (-1.5, 3)]} if bounded else {}
    res = gs.minimize(value, np.zeros(2), method="l-bfgs-b", gtol=1e-3, **box)
    assert res.success, res.message
    assert np.allclose(res.x, [1, -1.5 if bounded else -2], atol=1e-3)
