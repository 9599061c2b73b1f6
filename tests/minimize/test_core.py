"""The methods that the core runs: threads, steps one by one, states that are saved and resumed."""

from __future__ import annotations

import pickle

import gradstep as gs
import numpy as np
import pytest
from gradstep import _core
from gradstep.minimize.objectives.layout import Layout
from gradstep.minimize.objectives.objective import Objective
from gradstep.minimize.point import Point
from problems import rosenbrock
from threads import same_at_any_number_of_threads

R = rosenbrock()
METHODS = [gs.minimizers.BFGS, gs.minimizers.LBFGS]


def objective_and_start():
    objective = Objective(lambda x: (R.value(x), R.gradient(x)), True, Layout(R.start))
    x = objective.layout.x0
    return objective, Point(x, objective.value(x), objective.gradient(x))


@pytest.mark.parametrize("cls", METHODS)
def test_steps_one_by_one_are_those_of_a_run(cls):
    objective, point = objective_and_start()
    method = cls()
    method._start(objective, point, None)
    path = [point.x]
    for _ in range(12):
        point = method._step(point)
        path.append(point.x)
    res = gs.minimize(
        lambda x: (R.value(x), R.gradient(x)), R.start, jac=True, method=cls(), maxiter=12, return_path=True
    )
    assert [x.tobytes() for x in path] == [x.tobytes() for x in res.path]


@pytest.mark.parametrize("cls", METHODS)
def test_a_resumed_run_has_the_same_bits(cls):
    objective, point = objective_and_start()
    method = cls()
    method._start(objective, point, None)
    for _ in range(15):
        point = method._step(point)
    method._loss, method._gradient = point.f, point.g
    state, kept, copy = method._learned(), Point(point.x.copy(), point.f, point.g.copy()), pickle.dumps(method)
    for _ in range(10):
        point = method._step(point)
    other, _ = objective_and_start()
    resumed = cls()
    resumed._start(other, kept, None)
    resumed._relearn(state)
    unpickled = pickle.loads(copy)
    unpickled.objective = other
    for method in (resumed, unpickled):
        at = kept
        for _ in range(10):
            at = method._step(at)
        assert at.x.tobytes() == point.x.tobytes()


@pytest.mark.parametrize(("method", "n"), [("l-bfgs", 70_001), ("bfgs", 450)])
def test_same_bits_at_any_number_of_threads(method, n):
    scale = np.linspace(1, 30, n)

    def fun(x):
        return float(0.5 * (scale * x) @ x + np.cos(x).sum()), scale * x - np.sin(x)

    def run():
        res = gs.minimize(fun, np.linspace(-1, 1, n), jac=True, method=method, maxiter=12)
        return res.x, res.fun, res.nfev

    same_at_any_number_of_threads(run, (1, 2, 7))


def test_the_inverse_hessian_is_what_its_formula_says():
    rng = np.random.default_rng(0)
    n = 21
    A = rng.standard_normal((n, n))
    A = A @ A.T + n * np.eye(n)
    res = gs.minimize(lambda x: (float(0.5 * x @ A @ x), A @ x), rng.standard_normal(n), jac=True, method="bfgs",
                      gtol=1e-12, return_path=True, maxiter=15)  # fmt: skip
    H = np.eye(n)
    for i, (before, after) in enumerate(zip(res.path[:-1], res.path[1:], strict=True)):
        s, y = after - before, A @ after - A @ before
        if i == 0:
            H *= max((y @ s / (y @ y)) ** 0.75, 1e-3)
        V = np.eye(n) - np.outer(s, y) / (y @ s)
        H = V @ H @ V.T + np.outer(s, s) / (y @ s)
    np.testing.assert_allclose(res.hess_inv, H, rtol=1e-8, atol=1e-10)
    assert (res.hess_inv == res.hess_inv.T).all()


@pytest.mark.parametrize("m", [1, 3, 8, 20, 65])  # beyond 64 pairs are gone through one by one
@pytest.mark.parametrize("n", [1, 7, 30, 700])
def test_l_bfgs_multiplies_by_what_its_formula_says(m, n):
    rng = np.random.default_rng(m * n)
    memory, pairs = _core.Memory(n, m), []
    curvature = np.exp(rng.uniform(-2, 2, n))
    for turn in range(2 * m + 3):
        s = rng.standard_normal(n)
        y = curvature * s if turn != m else -s  # a pair without curvature is refused
        assert memory.add(s, y) == (turn != m)
        if turn != m:
            pairs = [*pairs, (s, y)][-m:]
        if turn % 3 == 0 or turn > 2 * m:  # columns of several pairs may be missing
            g = rng.standard_normal(n)
            np.testing.assert_allclose(memory.product(g), two_loops(pairs, g), rtol=1e-9, atol=1e-9 * abs(g).max())
    memory.clear()
    g = rng.standard_normal(n)
    np.testing.assert_array_equal(memory.product(g), g)
    memory.add(*pairs[-1])
    np.testing.assert_allclose(memory.product(g), two_loops(pairs[-1:], g), rtol=1e-9, atol=1e-9)


def two_loops(pairs, g):
    """The product as Nocedal and Wright have it, algorithm 7.4."""
    q, weights = g.copy(), []
    for s, y in reversed(pairs):
        weights.append(s @ q / (y @ s))
        q -= weights[-1] * y
    s, y = pairs[-1]
    q *= y @ s / (y @ y)
    for (s, y), weight in zip(pairs, reversed(weights), strict=True):
        q += (weight - y @ q / (y @ s)) * s
    return q


@pytest.mark.parametrize(("method", "n"), [("l-bfgs", 21), ("l-bfgs", 40_000), ("bfgs", 21), ("bfgs", 450), ("gd", 21)])
def test_same_bits_on_every_instruction_set(method, n):
    scale = np.linspace(1, 30, n)

    def fun(x):
        return float(0.5 * (scale * x) @ x + np.cos(x).sum()), scale * x - np.sin(x)

    info, found = _core.build_info(), set()
    for isa in info["isas"]:
        _core.set_isa(isa)
        res = gs.minimize(fun, np.linspace(-1, 1, n), jac=True, method=method, maxiter=25)
        found.add((res.x.tobytes(), res.fun, res.nfev))
    _core.set_isa(info["isa"])
    assert len(found) == 1


def test_a_run_of_bfgs_goes_on_from_any_hessian():
    """H set from outside counts at once: no direction of the matrix before is left."""
    objective, point = objective_and_start()
    method = gs.minimizers.BFGS()
    method._start(objective, point, None)
    for _ in range(5):
        point = method._step(point)
    native = method._native
    assert native.direction.shape == (2, 2)
    np.testing.assert_allclose(native.direction[1], -native.H @ point.g, rtol=1e-12)
    native.H = np.diag([1e-3, 2e-3])
    assert native.direction.shape == (0, 2)
    after = method._step(point)
    moved = np.asarray(after.x) - point.x
    np.testing.assert_allclose(moved / (-np.array([1e-3, 2e-3]) * point.g), moved[0] / (-1e-3 * point.g[0]))
    with pytest.raises(ValueError, match=r"direction must have shape \(2, 2\) or \(0, 2\); got"):
        native.direction = np.zeros((1, 2))


def test_fun_may_keep_and_write_what_it_is_given():
    kept = []

    def fun(x):
        value, slopes = R.value(x), R.gradient(x)
        kept.append((x.copy(), x))
        x[:] = np.nan
        fun.slopes[:] = slopes  # one array for all gradients
        return value, fun.slopes

    fun.slopes = np.empty(2)
    for method in ("l-bfgs", "bfgs", "adam"):
        res = gs.minimize(fun, R.start, jac=True, method=method, maxiter=30)
        same = gs.minimize(R.value, R.start, jac=R.gradient, method=method, maxiter=30)
        assert res.fun <= same.history["fun"][0]
        assert np.isfinite(res.x).all()
    assert len({id(x) for _, x in kept}) == len(kept)


def test_views_and_parts_of_what_fun_is_given_stay_as_they_are():
    kept = []

    def fun(x):
        kept.append((x.copy(), x[::-1] if len(kept) % 2 else memoryview(x)))
        if len(kept) % 5 == 0:
            x.flags.writeable = False
        if len(kept) % 7 == 0:
            x.shape = (1, 2)
        return R.value(kept[-1][0]), R.gradient(kept[-1][0])

    res = gs.minimize(fun, R.start, jac=True, method="l-bfgs")
    assert res.success
    for i, (copy, part) in enumerate(kept):
        assert np.asarray(part).ravel().tolist() == (copy[::-1] if i % 2 else copy).tolist()


def test_an_array_may_come_again_only_changed_by_us():
    def fun(x):
        assert x.shape == (2,)
        assert x.flags.writeable
        value, slopes = R.value(x), R.gradient(x)
        x.flags.writeable = False
        return value, slopes

    res = gs.minimize(fun, R.start, jac=True, method="l-bfgs")
    assert res.success


def test_a_run_within_a_run():
    def outer(x):
        inner = gs.minimize(lambda z: float((z[0] - x[0]) ** 2), [0.0], jac=lambda z: 2 * (z - x), method="l-bfgs")
        return float((inner.x[0] - 3) ** 2)

    res = gs.minimize(outer, [0.0], jac=lambda x: 2 * (x - 3), method="l-bfgs")
    assert abs(res.x[0] - 3) < 1e-5


def test_history_has_the_time_of_every_iteration():
    res = gs.minimize(R.value, R.start, jac=R.gradient, method="gd", learning_rate=1e-4, maxiter=500)
    time = res.history["time"]
    assert len(time) == 501
    assert (np.diff(time) >= 0).all()
    assert time[0] > 0


def test_largest():
    nan, inf = float("nan"), float("inf")
    for values, most in (([], 0.0), ([-3.0, 2.0], 3.0), ([1.0, -inf], inf), ([nan, inf], nan), ([2.0, nan, 1.0], nan)):
        assert _core.largest(np.array(values)) == pytest.approx(most, rel=0, nan_ok=True)
    assert _core.largest(np.arange(-9.0, 9.0)[::4].astype(np.float32)) == 9
