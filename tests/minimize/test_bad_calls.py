"""What minimize refuses, by name."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradstep.minimize.methods import registry
from problems import rosenbrock

R = rosenbrock()


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ({"method": "bgfs"}, ValueError, "Did you mean 'bfgs'"),
        ({"method": 3}, TypeError, "method must be"),
        ({"options": {"mm": 3}}, TypeError, "has no argument 'mm'"),
        ({"options": {"m": 0}, "method": "l-bfgs"}, ValueError, "m must be at least 1"),
        ({"options": [1]}, TypeError, "options must be a dict"),
        ({"learning_rate": 0.1, "method": "bfgs"}, TypeError, "learning_rate"),
        ({"line_search": "exact", "method": "gd"}, ValueError, "line_search must be one of"),
        ({"gtol": -1}, ValueError, "gtol must be at least 0"),
        ({"maxiter": 1.5}, TypeError, "maxiter must be a whole number"),
        ({"maxtime": 0}, ValueError, "maxtime"),
        ({"jac": "4-point"}, ValueError, "jac must be"),
        ({"jac": 3}, TypeError, "jac must be"),
        ({"jac": lambda x: np.zeros(3)}, ValueError, r"jac\(x\) must have shape \(2,\), as x0 has; got \(3,\)"),
        ({"jac": lambda x: None}, TypeError, r"jac\(x\) must be an array of shape \(2,\)"),
        ({"jac": lambda x: x * 1j}, TypeError, "real numbers"),
        ({"callback": 3}, TypeError, "callback"),
        ({"bounds": [(0, 1), (0, 1)], "method": "bfgs"}, ValueError, "takes no bounds"),
        ({"jac": True}, TypeError, "pair"),
    ],
)
def test_bad_arguments(given, error, said):
    with pytest.raises(error, match=said):
        gs.minimize(R.value, R.start, **{"jac": R.gradient, **given})


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "got None"),
        (1j, "one real number"),
        (np.zeros(2), r"got shape \(2,\)"),
        ("a", "one real number"),
        ((1.0, np.zeros(2)), "jac=True"),
    ],
)
def test_bad_values(value, said):
    with pytest.raises(TypeError, match=said):
        gs.minimize(lambda x: value, R.start, jac=R.gradient)


@pytest.mark.parametrize(
    ("x0", "error"),
    [
        ([], ValueError),
        ([np.nan, 1], ValueError),
        (np.array([1j]), TypeError),
        (np.zeros(2, np.float16), TypeError),
        ("ab", TypeError),
        (None, TypeError),
        ([np.zeros(2), np.zeros(2, np.float32)], TypeError),
        (np.ma.masked_array([1.0, 2.0], [True, False]), TypeError),
    ],
)
def test_bad_starts(x0, error):
    with pytest.raises(error, match="x0 must"):
        gs.minimize(lambda x: 1.0, x0, jac=lambda x: x)


@pytest.mark.parametrize("name", ["Nelder-Mead", "SLSQP", "trust-constr", "Powell"])
def test_methods_that_scipy_alone_has(name):
    with pytest.raises(ValueError, match=f"got '{name}'. scipy.optimize.minimize has it"):
        gs.minimize(lambda x: float(x @ x), np.ones(2), method=name)


@pytest.mark.parametrize(
    ("name", "said"),
    [("trust-krylov", '"trust-ncg" is nearest'), ("Nelder Mead", '"cma-es" is nearest'), ("TNC", '"l-bfgs-b"')],
)
def test_what_is_nearest_to_a_method_of_scipy(name, said):
    with pytest.raises(ValueError, match=said):
        gs.minimize(lambda x: float(x @ x), np.ones(2), method=name)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("Newton_CG", "newton-cg"),
        ("NewtonCG", "newton-cg"),
        ("TrustNCG", "trust-ncg"),
        ("LBFGS", "l-bfgs"),
        ("L-BFGS-B", "l-bfgs-b"),
        ("owlqn", "owl-qn"),
        ("Levenberg Marquardt", "levenberg-marquardt"),
        ("CMA", "cma-es"),
        ("cmaes", "cma-es"),
    ],
)
def test_names_of_methods_in_other_spellings(given, name):
    assert registry._method_name(given) == name


def test_gradient_descent_by_its_long_name():
    res = gs.minimize(R.value, R.start, jac=R.gradient, method="Gradient descent", learning_rate=1e-4, maxiter=3)
    same = gs.minimize(R.value, R.start, jac=R.gradient, method="gd", learning_rate=1e-4, maxiter=3)
    assert (res.x == same.x).all()


def test_an_option_that_is_no_methods_own():
    with pytest.raises(TypeError, match=r"has no argument 'maxitr'\. Did you mean 'maxiter'"):
        gs.minimize(R.value, R.start, jac=R.gradient, options={"maxitr": 3})


def test_check_grad_in_another_order():
    with pytest.raises(TypeError, match="fun, jac and x in this order"):
        gs.check_grad(R.value, R.start, R.gradient)


def hessian(x):
    """Of Rosenbrock's valley."""
    return np.array([[1200 * x[0] ** 2 - 400 * x[1] + 2, -400 * x[0]], [-400 * x[0], 200.0]])


class Sparse:
    """As a sparse matrix of SciPy, of which only a few methods are asked."""

    def __init__(self, dense):
        self.dense, self.shape, self.dtype = dense, dense.shape, dense.dtype

    def toarray(self):
        return self.dense

    def __matmul__(self, p):
        return self.dense @ p


class Products:
    """As a LinearOperator of SciPy."""

    def __init__(self, dense):
        self.dense, self.shape, self.dtype = dense, dense.shape, dense.dtype

    def matvec(self, p):
        return self.dense @ p

    def __matmul__(self, p):
        return self.dense @ p


@pytest.mark.parametrize("method", ["newton-cg", "trust-ncg", "trust-exact"])
@pytest.mark.parametrize("kind", [Sparse, Products])
def test_a_hessian_that_is_no_array(method, kind):
    given = {"jac": R.gradient, "method": method}
    res = gs.minimize(R.value, R.start, hess=lambda x: kind(hessian(x)), **given)
    assert (res.x == gs.minimize(R.value, R.start, hess=hessian, **given).x).all()


@pytest.mark.parametrize("given", ["2-point", 3])
def test_a_hessian_that_is_no_function(given):
    with pytest.raises(TypeError, match=r"hess must be callable.*differences of the gradient"):
        gs.minimize(R.value, R.start, jac=R.gradient, hess=given)


def test_a_sparse_gradient():
    with pytest.raises(TypeError, match=r"jac\(x\) must be an array; got a Sparse: give its toarray"):
        gs.minimize(R.value, R.start, jac=lambda x: Sparse(R.gradient(x)[None]))


def test_positions_as_in_scipy():
    with pytest.raises(TypeError, match="jac='BFGS' is a method: by position"):
        gs.minimize(R.value, R.start, (), "BFGS", R.gradient)
    with pytest.raises(TypeError, match="By position it comes behind jac"):
        gs.minimize(R.value, R.start, (), None, R.gradient)
