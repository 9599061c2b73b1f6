"""Every method of `minimize`: x0 is only read, and a run has the same bits at any number of threads."""

from __future__ import annotations

from typing import Any

import gradstep as gs
import numpy as np
import pytest
from gradstep.minimize.methods.registry import METHODS, method_of
from threads import same_at_any_number_of_threads

N = 40
START = np.tile([-1.2, 1.0], N // 2)
X = np.random.default_rng(0).normal(size=(60, N))
START.flags.writeable = X.flags.writeable = False


def value(x: np.ndarray) -> float:
    return float((100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum())


def gradient(x: np.ndarray) -> np.ndarray:
    g = np.zeros_like(x)
    g[:-1] = -400 * x[:-1] * (x[1:] - x[:-1] ** 2) - 2 * (1 - x[:-1])
    g[1:] += 200 * (x[1:] - x[:-1] ** 2)
    return g


def residuals(x: np.ndarray) -> np.ndarray:
    return np.concatenate([10 * (x[1:] - x[:-1] ** 2), 1 - x[:-1]])


def of_rows(w: np.ndarray, x: np.ndarray) -> tuple[float, np.ndarray]:
    r = (x * (w - 1)).sum(1)
    return float((r * r).mean()), (2 * r[:, None] * x).mean(0)


def run(name: str) -> gs.OptimizeResult:
    method = method_of(name, {}, {})
    given: dict[str, Any] = {"method": name, "maxiter": 4}
    if method.is_stochastic:
        given["seed"] = 3
    if method.needs_data:
        return gs.minimize(of_rows, START, data=X, **given)
    if method.needs == "residual":
        return gs.minimize(residuals, START, residual=True, **given)
    if method.is_stochastic:
        return gs.minimize(value, START, bounds=[(-2.0, 2.0)] * N, **given)
    return gs.minimize(value, START, jac=gradient, **given)


@pytest.mark.parametrize("name", [*METHODS, "gd", "momentum", "adam"])
def test_x0_is_read_and_threads_change_no_bit(name: str) -> None:
    at_first = START.tobytes()

    def result() -> tuple[Any, ...]:
        res = run(name)
        assert not np.shares_memory(res.x, START)
        return res.x, res.fun, res.nfev, res.reason

    same_at_any_number_of_threads(result, (1, 2, 7))
    assert START.tobytes() == at_first
