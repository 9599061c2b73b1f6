"""minimize_many: every problem comes where minimize brings it, and leaves when it is solved."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest

STARTS = np.random.default_rng(0).uniform(-2, 2, (400, 2))


def value(X, rows):
    return (1 - X[:, 0]) ** 2 + 100 * (X[:, 1] - X[:, 0] ** 2) ** 2


def gradient(X, rows):
    a, b = 1 - X[:, 0], X[:, 1] - X[:, 0] ** 2
    return np.stack([-2 * a - 400 * X[:, 0] * b, 200 * b], axis=1)


@pytest.mark.parametrize("pair", [True, False])
def test_many_valleys(pair):
    sizes = []

    def fun(X, rows):
        sizes.append(len(rows))
        assert len(set(rows.tolist())) == len(rows)
        found = value(X, rows), gradient(X, rows)
        X[:] = 9  # what fun gets is its own
        return found if pair else found[0]

    res = gs.minimize_many(fun, STARTS, jac=True if pair else gradient)
    assert res.success.all()
    np.testing.assert_allclose(res.x, 1, atol=1e-4)
    assert (res.fun == value(res.x, None)).all()
    assert (res.jac == gradient(res.x, None)).all()
    assert sum(sizes) == res.nfev.sum()
    assert len(sizes) == res.ncall < 150
    assert sizes[-1] < sizes[0] == 400
    assert res.message.startswith("400 of 400 problems are solved")


def test_each_problem_is_its_own():
    """The same path whoever else is there, and the rows say which problem it is."""
    shift = np.arange(40.0)

    def fun(X, rows):
        e = X - shift[rows, None]
        return (e**4).sum(axis=1) + (e**2).sum(axis=1), 4 * e**3 + 2 * e

    x0 = np.zeros((40, 3))
    together = gs.minimize_many(fun, x0, jac=True)
    np.testing.assert_allclose(together.x, shift[:, None] * np.ones(3), atol=1e-5)
    for row in (0, 7, 39):
        alone = gs.minimize_many(lambda X, rows, row=row: fun(X, np.full(len(rows), row)), x0[:1], jac=True)
        assert alone.x.tobytes() == together.x[row : row + 1].tobytes()
        assert alone.nfev[0] == together.nfev[row]


def test_float32_is_kept():
    res = gs.minimize_many(lambda X, rows: (value(X, rows), gradient(X, rows)), STARTS.astype(np.float32), jac=True)
    assert res.x.dtype == np.float32
    assert (res.fun < 1e-6).mean() > 0.99


def test_curves_are_fitted():
    rng = np.random.default_rng(1)
    t = np.linspace(0, 3, 30)
    truth = np.stack([rng.uniform(1, 3, 300), rng.uniform(0.5, 2, 300), rng.uniform(-1, 1, 300)], axis=1)

    def curve(X):
        return X[:, :1] * np.exp(-X[:, 1:2] * t) + X[:, 2:]

    y = curve(truth) + 0.01 * rng.standard_normal((300, 30))

    def fun(X, rows):
        e = np.exp(-X[:, 1:2] * t)
        return curve(X) - y[rows], np.stack([e, -X[:, :1] * t * e, np.ones_like(e)], axis=-1)

    res = gs.minimize_many(fun, np.ones((300, 3)), jac=True, residual=True)
    assert res.success.all(), res.message
    for row in (0, 50, 299):
        one = gs.minimize(
            lambda x, row=row: curve(x[None])[0] - y[row],
            np.ones(3),
            jac=lambda x, row=row: fun(x[None], [row])[1][0],
            residual=True,
        )
        np.testing.assert_allclose(res.x[row], one.x, rtol=1e-5)
        assert res.fun[row] == pytest.approx(one.fun, rel=1e-9)


def test_reasons_of_those_that_fail():
    def fun(X, rows):
        values, slopes = value(X, rows), gradient(X, rows)
        values[rows == 1] = np.nan
        slopes[rows == 2] *= -1
        return values, slopes

    res = gs.minimize_many(fun, STARTS[:4], jac=True)
    assert res.reason.tolist()[1:3] == ["nan", "line_search"]
    assert res.success.tolist() == [True, False, False, True]
    res = gs.minimize_many(fun, STARTS[:4], jac=True, maxiter=2)
    assert res.reason[0] == "maxiter"
    assert res.nit.max() == 2
    assert "ended by maxiter" in res.message


@pytest.mark.parametrize(
    ("fun", "x0", "given", "said"),
    [
        (value, STARTS, {}, "jac must be callable or True"),
        (value, STARTS[0], {"jac": gradient}, r"x0 must have shape \(K, n\)"),
        (value, np.full((2, 2), np.nan), {"jac": gradient}, r"x0\[0, 0\] is nan"),
        (value, STARTS, {"jac": lambda X, rows: X[:, :1]}, r"jac\(X, rows\) must have shape \(400, 2\)"),
        (lambda X, rows: X, STARTS, {"jac": gradient}, r"fun\(X, rows\) must have shape \(400\)"),
        (value, STARTS, {"jac": True}, "pair"),
        (value, STARTS, {"jac": gradient, "method": "cg"}, "with residual=False; got"),
        (value, STARTS, {"jac": gradient, "method": "levenberg-marquardt"}, "with residual=False"),
    ],
)
def test_bad_calls(fun, x0, given, said):
    with pytest.raises((TypeError, ValueError), match=said):
        gs.minimize_many(fun, x0, **given)
