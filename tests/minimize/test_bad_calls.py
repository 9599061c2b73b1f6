"""What minimize refuses, by name."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
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
