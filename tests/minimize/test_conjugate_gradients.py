"""Nonlinear conjugate gradients: directions, preconditioning, convergence."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradstep.minimize.methods.cg import DIRECTIONS, Turn
from problems import rosenbrock

R = rosenbrock()
RNG = np.random.default_rng(0)


def turn(n=5):
    """Gradients of a quadratic function before and after a step along d, and a preconditioner."""
    A, P = (q @ q.T + np.eye(n) for q in RNG.normal(size=(2, n, n)))
    old, alpha = RNG.normal(size=n), 0.3
    d = -P @ old + 0.1 * RNG.normal(size=n)
    g = old + alpha * A @ d
    return Turn(g, old, P @ g, P @ old, d, alpha), P


def test_shannos_direction_is_that_of_bfgs_from_a_multiple_of_the_preconditioner():
    t, P = turn()
    s, y = t.alpha * t.d, t.g - t.old
    V = np.eye(5) - np.outer(y, s) / (s @ y)
    H = V.T @ (s @ y / (y @ P @ y) * P) @ V + np.outer(s, s) / (s @ y)
    np.testing.assert_allclose(DIRECTIONS["shanno"](t), -H @ t.g, rtol=1e-12)


@pytest.mark.parametrize("beta", ["shanno", "hz"])
def test_directions_agree_after_an_exact_search(beta):
    """Where the new gradient is at a right angle to d, both point along -Pg' + (y'Pg' / d'y) d."""
    t, P = turn()
    t.g = t.g - (t.g @ t.d) / (t.d @ t.d) * t.d
    t.pg = P @ t.g
    y = t.g - t.old
    exact = -t.pg + (y @ t.pg) / (t.d @ y) * t.d
    found = DIRECTIONS[beta](t)
    np.testing.assert_allclose(found / np.linalg.norm(found), exact / np.linalg.norm(exact), atol=1e-12)


@pytest.mark.parametrize("beta", DIRECTIONS)
def test_each_solves_the_valley(beta):
    res = gs.minimize(R.value, R.start, jac=R.gradient, method="cg", options={"beta": beta}, maxiter=20_000)
    assert res.success, res.message
    np.testing.assert_allclose(res.x, 1, atol=1e-4)


@pytest.mark.parametrize("beta", ["shanno", "hz"])
def test_a_preconditioner_undoes_bad_units(beta):
    units = 10.0 ** np.arange(8)

    def fun(x):
        return float(0.5 * (units * x * x).sum() + x.sum())

    def jac(x):
        return units * x + 1

    runs = [
        gs.minimize(fun, np.ones(8), jac=jac, method="cg", options={"beta": beta, "preconditioner": one}, maxiter=500)
        for one in (None, lambda v: v / units)
    ]
    assert runs[1].success
    assert runs[1].nit <= 5 < runs[0].nit
    np.testing.assert_allclose(runs[1].x, -1 / units, rtol=1e-4)


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"beta": "pr"}, ValueError, "beta must be one of shanno, hz"),
        ({"preconditioner": 3}, TypeError, "preconditioner must be callable"),
        ({"preconditioner": lambda v: v[:1]}, ValueError, "must have shape"),
        ({"c2": 1e-5}, ValueError, "c1 < c2"),
    ],
)
def test_bad_settings(options, error, said):
    with pytest.raises(error, match=said):
        gs.minimize(R.value, R.start, jac=R.gradient, method="cg", options=options)
