"""Methods that know the curvature: Newton's, trust regions, least squares, and OWL-QN."""

from __future__ import annotations

import pickle

import gradstep as gs
import numpy as np
import pytest
from gradstep.minimize.methods.trust_region import boundary_step
from problems import quadratic, rosenbrock

R = rosenbrock()
NEWTON = ["newton", "newton-cg", "trust-exact", "trust-ncg"]


def hessian(x):
    return np.array([[1200 * x[0] ** 2 - 400 * x[1] + 2, -400 * x[0]], [-400 * x[0], 200.0]])


@pytest.mark.parametrize("method", NEWTON)
@pytest.mark.parametrize("given", ["hess", "hessp", "neither"])
def test_newton_methods(method, given):
    how = {"hess": {"hess": hessian}, "hessp": {"hessp": lambda x, p: hessian(x) @ p}, "neither": {}}[given]
    res = gs.minimize(R.value, R.start, jac=R.gradient, method=method, **how)
    assert res.success, res.message
    np.testing.assert_allclose(res.x, R.optimum, atol=1e-5)
    assert res.nit < 80
    assert (res.nhev > 0) == (given != "neither")


@pytest.mark.parametrize("method", NEWTON)
def test_a_quadratic_takes_a_few_steps(method):
    q = quadratic(12, 1e4)
    H = np.diag(np.geomspace(1.0, 1e4, 12))
    res = gs.minimize(q.value, q.start, jac=q.gradient, hess=lambda x: H, method=method, gtol=1e-9)
    np.testing.assert_allclose(res.x, q.optimum, atol=1e-7)
    assert res.nit < 15


@pytest.mark.parametrize("method", NEWTON)
def test_negative_curvature_is_left(method):
    """f = x^2 y^2-like saddle: x^2 - y^2 + y^4 falls from (1, 0.01) to y^2 = 1/2."""

    def fun(x):
        return x[0] ** 2 - x[1] ** 2 + x[1] ** 4

    def jac(x):
        return np.array([2 * x[0], -2 * x[1] + 4 * x[1] ** 3])

    res = gs.minimize(fun, [1.0, 0.01], jac=jac, method=method)
    assert res.success
    assert res.fun == pytest.approx(-0.25)


def test_methods_by_default():
    q = quadratic(5)
    H = np.diag(np.geomspace(1.0, 100.0, 5))
    res = gs.minimize(q.value, q.start, jac=q.gradient, hess=lambda x: H)
    assert res.nhev > 0
    assert "hess_inv" not in res
    assert "hess_inv" in gs.minimize(q.value, q.start, jac=q.gradient)
    assert "cov_x" in gs.minimize(lambda x: x - 1, [3.0, 4.0], residual=True)


@pytest.mark.parametrize("seed", range(20))
def test_the_step_to_the_boundary_is_the_lowest(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 6))
    w, a = np.sort(rng.normal(size=n)), rng.normal(size=n)
    if seed % 3 == 0:
        a[0] = 0.0  # the hard case
    radius = float(rng.uniform(0.1, 3))
    q = boundary_step(w, a, radius)
    assert np.sqrt(q @ q) <= radius * (1 + 1e-5)
    best = a @ q + w @ q**2 / 2
    others = rng.normal(size=(3000, n))
    others *= radius * rng.uniform(size=(3000, 1)) ** (1 / n) / np.sqrt((others**2).sum(1, keepdims=True))
    assert best <= (others @ a + (others**2) @ w / 2).min() + 1e-5


# -- least squares ----

T = np.linspace(0, 3, 30)
Y = 2.5 * np.exp(-1.3 * T) + 0.5
TRUTH = np.array([2.5, 1.3, 0.5])


def residuals(x):
    return x[0] * np.exp(-x[1] * T) + x[2] - Y


def jacobian(x):
    e = np.exp(-x[1] * T)
    return np.stack([e, -x[0] * T * e, np.ones_like(T)], axis=1)


@pytest.mark.parametrize("method", ["levenberg-marquardt", "lm", "gauss-newton", "natural-gradient", "bfgs", None])
@pytest.mark.parametrize("jac", [jacobian, None, "cs"])
def test_a_curve_is_fitted(method, jac):
    loose = {"maxiter": 3000, "gtol": 1e-4} if method == "natural-gradient" else {}
    res = gs.minimize(residuals, [1.0, 1.0, 0.0], jac=jac, method=method, residual=True, **loose)
    np.testing.assert_allclose(res.x, TRUTH, atol=1e-2 if loose else 1e-4)
    assert res.success, res.message
    assert res.jac.shape == (30, 3)
    assert res.residual.shape == (30,)
    assert res.fun == 0.5 * float((res.residual**2).sum())
    np.testing.assert_allclose(res.cov_x, np.linalg.inv(res.jac.T @ res.jac), rtol=1e-6)
    np.testing.assert_allclose(res.grad, res.jac.T @ res.residual, atol=1e-12)


def test_a_pair_of_residuals_and_jacobian():
    res = gs.minimize(lambda x: (residuals(x), jacobian(x)), [1.0, 1.0, 0.0], jac=True, residual=True)
    np.testing.assert_allclose(res.x, TRUTH, atol=1e-6)
    assert res.nfev == res.njev


def test_geodesic_acceleration():
    res = gs.minimize(residuals, [1.0, 1.0, 0.0], jac=jacobian, residual=True, options={"geodesic": True})
    np.testing.assert_allclose(res.x, TRUTH, atol=1e-6)


def test_least_squares_within_bounds():
    low, high = np.zeros(3), np.array([2.0, 5.0, 1.0])

    def fun(x):
        assert (x >= low).all()
        assert (x <= high).all()
        return residuals(x)

    res = gs.minimize(fun, [1.0, 1.0, 0.1], jac=jacobian, residual=True, bounds=list(zip(low, high, strict=True)))
    assert res.x[0] == 2.0
    assert res.success
    free = gs.minimize(lambda x: residuals([2.0, *x]), [1.0, 0.1], residual=True)
    np.testing.assert_allclose(res.x[1:], free.x, atol=1e-4)


@pytest.mark.parametrize("loss", ["huber", "soft_l1", "cauchy"])
def test_robust_losses_ignore_outliers(loss):
    y = Y.copy()
    y[::7] += 3.0

    def fun(x):
        return x[0] * np.exp(-x[1] * T) + x[2] - y

    start = [1.0, 1.0, 0.0]
    options = {"loss": loss, "loss_scale": 0.01}
    res = gs.minimize(fun, start, jac=jacobian, residual=True, options=options)
    plain = gs.minimize(fun, start, jac=jacobian, residual=True)
    assert abs(res.x - TRUTH).max() < 0.05 < abs(plain.x - TRUTH).max()
    by_gradient = gs.minimize(fun, res.x + 0.01, jac=jacobian, residual=True, options=options, method="bfgs")
    assert by_gradient.fun == pytest.approx(res.fun, rel=1e-6)


def test_a_loss_and_its_derivatives():
    from gradstep.minimize.objectives.residuals import LOSSES

    z = np.array([0.0, 0.3, 0.99, 1.01, 5.0, 80.0])
    h = 1e-6
    for name, rho in LOSSES.items():
        _, first, second = rho(z)
        np.testing.assert_allclose((rho(z + h)[0] - rho(z - h)[0]) / (2 * h), first, rtol=1e-6, err_msg=name)
        np.testing.assert_allclose((rho(z + h)[1] - rho(z - h)[1]) / (2 * h), second, atol=1e-6, err_msg=name)


@pytest.mark.parametrize(
    ("fun", "given", "said"),
    [
        (lambda x: 1.0 * x, {"method": "lm"}, "needs residual=True"),
        (lambda x: None, {"residual": True}, "must give the residuals"),
        (lambda x: np.zeros((2, 2)), {"residual": True}, r"shape \(2, 2\)"),
        (lambda x: x, {"residual": True, "jac": lambda x: np.zeros(2)}, r"jac\(x\) must have shape \(2, 2\)"),
        (lambda x: x, {"residual": True, "options": {"loss": "hubert"}}, "Did you mean 'huber'"),
        (lambda x: x, {"residual": True, "options": {"loss_scale": 0}}, "loss_scale must be"),
        (lambda x: 1.0, {"options": {"loss": "huber"}}, "no argument 'loss'"),
        (lambda x: 1.0, {"jac": lambda x: x, "hess": lambda x: np.eye(3)}, r"hess\(x\) must have shape \(2, 2\)"),
        (lambda x: 1.0, {"options": {"radius": 0}, "method": "trust-exact"}, "radius must be"),
        (lambda x: 1.0, {"options": {"l1": -1}, "method": "owl-qn"}, "l1 must be"),
    ],
)
def test_bad_calls(fun, given, said):
    with pytest.raises((TypeError, ValueError), match=said):
        gs.minimize(fun, [1.0, 2.0], **given)


# -- OWL-QN ----


def test_owl_qn_has_exact_zeros():
    """The optimum of sum(w (x - c)^2) / 2 + l1 |x| is known: c shrunk by l1 / w."""
    w, c, l1 = np.geomspace(1, 10, 8), np.array([3.0, -2, 0.1, -0.05, 1, 0.02, -1, 0.5]), 0.8
    res = gs.minimize(
        lambda x: float(0.5 * (w * (x - c) ** 2).sum()),
        np.ones(8),
        jac=lambda x: w * (x - c),
        method="owl-qn",
        options={"l1": l1},
    )
    truth = np.sign(c) * np.maximum(np.abs(c) - l1 / w, 0)
    np.testing.assert_allclose(res.x, truth, atol=1e-6)
    assert ((res.x == 0) == (truth == 0)).all()
    assert res.success
    assert res.fun == pytest.approx(0.5 * (w * (truth - c) ** 2).sum() + l1 * abs(truth).sum())


def test_a_step_that_ends_at_the_radius_says_nothing_of_what_is_left():
    """f falls for ever along a valley: where rounding ends the run, it is not called solved."""

    def residuals(x):
        return np.array([1.5, 2.25, 2.625]) - x[0] * (1 - x[1] ** np.arange(1, 4))

    def jac(x):
        k = np.arange(1, 4)
        return np.stack([-(1 - x[1] ** k), x[0] * k * x[1] ** (k - 1)], axis=1)

    res = gs.minimize(residuals, [10.0, 10.0], jac=jac, residual=True)
    assert abs(res.x[0]) > 1e5
    assert not res.success


def test_a_sparse_matrix_of_second_derivatives():
    class Sparse:
        """As SciPy's: what has `toarray`."""

        def __init__(self, x):
            self.x = x

        def toarray(self):
            return np.diag(12 * self.x**2 + 2)

    res = gs.minimize(
        lambda x: float((x**4 + x**2).sum()),
        np.ones(3),
        jac=lambda x: 4 * x**3 + 2 * x,
        hess=Sparse,
        method="newton-cg",
    )
    assert res.success
    assert np.abs(res.x).max() < 1e-6


def test_one_bound_for_all_components():
    class Both:
        """As scipy.optimize.Bounds(0.5, 2) keeps them."""

        lb, ub = np.array([0.5]), np.array([2.0])

    res = gs.minimize(lambda x: float(x @ x), np.ones(3), jac=lambda x: 2 * x, bounds=Both())
    assert res.success
    assert np.array_equal(res.x, np.full(3, 0.5))


@pytest.mark.parametrize("method", ["l-bfgs", "l-bfgs-b"])
def test_the_inverse_hessian_of_l_bfgs_by_its_products(method):
    A = np.diag([1.0, 4.0, 9.0]) + 0.5
    res = gs.minimize(lambda x: float(x @ A @ x) / 2 - x.sum(), np.zeros(3), jac=lambda x: A @ x - 1, method=method)
    H = res.hess_inv
    assert H.shape == (3, 3)
    assert H.dtype == np.float64
    dense = H.todense()
    assert (dense == dense.T).all()
    np.testing.assert_allclose(dense, np.linalg.inv(A), rtol=0.05, atol=0.01)
    np.testing.assert_allclose(H @ np.ones(3), dense @ np.ones(3), rtol=1e-12)
    np.testing.assert_allclose(H.dot(np.eye(3)[:, :2]), dense[:, :2], rtol=1e-12, atol=1e-15)
    assert (pickle.loads(pickle.dumps(res)).hess_inv.todense() == dense).all()
    with pytest.raises(ValueError, match=r"p must have shape \(3,\)"):
        H @ np.ones(2)
