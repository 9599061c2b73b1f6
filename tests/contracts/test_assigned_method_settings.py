"""A setting of a method of `minimize` that is assigned holds in its next run, or is refused: never neither."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradstep as gs
import numpy as np
import pytest
from gradstep.minimize.methods.settings import settings_of
from problems import rosenbrock

M = gs.minimizers
R = rosenbrock()
X = np.random.default_rng(0).normal(size=(60, 2))
T = np.linspace(0, 1, 12)
# Values to try, of any setting: the constructor says which of them it takes.
VALUES: tuple[Any, ...] = (
    *(0.2, 0.6, 1, 3, 8, True, False, "armijo", "fr", "rand/1", "sobol", "ipop"),
    *(gs.optimizers.SGD(0.002), M.LBFGS(m=2), np.tanh),
)
ABSTRACT = {M.Method, M.Population}
MADE: dict[Any, Callable[[], Any]] = {
    M.FirstOrder: lambda: M.FirstOrder(gs.optimizers.Adam(0.05)),
    M.Sequence: lambda: M.Sequence(gs.optimizers.Adam(0.05), "l-bfgs", switch=5),
    M.MultiStart: lambda: M.MultiStart(3),
}


def made(cls: Any) -> Any:
    return MADE.get(cls, cls)()


def over_rows(w: np.ndarray, x: np.ndarray) -> tuple[float, np.ndarray]:
    r = x @ (w - [1.0, -2.0])
    return float(r @ r) / len(x), 2 * r @ x / len(x)


def run(method: Any) -> bytes:
    """The bytes of where a short run comes to."""
    options: dict[str, Any] = {"method": method, "maxiter": 12, "seed": 3}
    if method.is_stochastic and not method.needs_data:
        options["bounds"] = [(-3.0, 3.0)] * 2
    if not method.is_stochastic:
        del options["seed"]
    if isinstance(method, M.HessianFree):
        gs.utils.set_random_seed(1)
        model = gs.Sequential([gs.Input((2,)), gs.layers.Dense(4, "tanh"), gs.layers.Dense(1)])
        model.compile(method, "mse")
        model.fit(X, np.sin(3 * X[:, 0]), epochs=4, verbose=0)
        return b"".join(weight.tobytes() for weight in model.get_weights())
    if method.needs_data:
        return gs.minimize(over_rows, np.zeros(2), data=X, **options | {"maxiter": 3}).x.tobytes()
    if method.needs == "residual":
        of_curve = lambda p: p[0] * np.exp(-p[1] * T) - 2 * np.exp(-3 * T)  # noqa: E731
        return gs.minimize(of_curve, [0.5, 9.0], residual=True, **options | {"maxiter": 3}).x.tobytes()
    return gs.minimize(R.value, R.start, jac=R.gradient, hess=R_hessian, **options).x.tobytes()


def R_hessian(x: np.ndarray) -> np.ndarray:
    return np.array([[1200 * x[0] ** 2 - 400 * x[1] + 2, -400 * x[0]], [-400 * x[0], 200.0]])


CASES = [
    pytest.param(cls, name, id=f"{cls.__name__}.{name}")
    for cls in (getattr(M, one) for one in M.__all__)
    if cls not in ABSTRACT
    for name in sorted(settings_of(cls) - {"methods"})
]


def others(method: Any, name: str) -> list[Any]:
    """Values, other than the method's, that the constructor takes."""
    found = []
    for value in VALUES:
        try:
            other = method._with(name, value)
        except (TypeError, ValueError):
            continue
        if getattr(other, name) != getattr(method, name):
            found.append(value)
    return found[:2]


@pytest.mark.parametrize(("cls", "name"), CASES)
def test_an_assigned_setting_holds_in_the_next_run(cls, name):
    values = others(made(cls), name)
    assert values
    for value in values:
        method = made(cls)
        if cls is not M.HessianFree:  # which goes on with its counters
            run(method)
        setattr(method, name, value)
        wanted = made(cls)._with(name, value)
        assert repr(method) == repr(wanted)
        assert run(method) == run(wanted), value


@pytest.mark.parametrize(("cls", "name"), CASES)
def test_what_the_constructor_refuses_changes_nothing(cls, name):
    method = made(cls)
    before = repr(method)
    with pytest.raises((TypeError, ValueError), match="must be"):
        setattr(method, name, object())
    assert repr(method) == before


def test_settings_are_checked_together():
    method = M.LBFGS()
    with pytest.raises(ValueError, match=r"0 < c1 < c2 < 1; got 0.95 and 0.9"):
        method.c1 = 0.95
    with pytest.raises(ValueError, match="m must be at least 1; got -3"):
        method.m = -3
    with pytest.raises(AttributeError, match="methods of Sequence hold for good"):
        made(M.Sequence).methods = ["sgd", "bfgs"]


def test_a_model_takes_it_at_the_next_fit():
    y, weights = np.sin(X[:, :1]), []
    for late in (True, False):
        gs.utils.set_random_seed(1)
        model = gs.Sequential([gs.Input((2,)), gs.layers.Dense(4, "tanh"), gs.layers.Dense(1)])
        model.compile(M.LevenbergMarquardt(damping=None if late else 5.0), "mse")
        if late:
            model.optimizer.damping = 5.0
        model.fit(X, y, epochs=3, verbose=0)
        weights.append(np.concatenate([weight.ravel() for weight in model.get_weights()]))
    assert np.array_equal(*weights)


def test_classes_of_the_program_set_theirs_as_they_like():
    class Own(M.BFGS):
        def __init__(self, length=1.0):
            super().__init__()
            self.length = length

    method = Own()
    method.length = "any"
    assert method.length == "any"
