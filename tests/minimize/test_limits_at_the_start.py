"""A run that a limit ends before its first iteration gives a result, as any other."""

from __future__ import annotations

from typing import Any

import gradstep as gs
import numpy as np
import pytest

METHODS = ("bfgs", "adam", "gd", "cg", "l-bfgs", "l-bfgs-b", "owl-qn", "newton-cg", "trust-ncg", "trust-exact")
POPULATIONS = ("cma-es", "differential-evolution", "ga", "openai-es", "simulated-annealing", "multistart")
SQUARES = ("levenberg-marquardt", "gauss-newton", "natural-gradient")
LIMITS: dict[str, dict[str, Any]] = {
    "target": {"target": 10.0},
    "maxfev": {"maxfev": 1},
    "maxtime": {"maxtime": 1e-9},
    "maxiter": {"maxiter": 0},
}


def parabola(x: np.ndarray) -> float:
    return float(((x - 1) ** 2).sum())


def slope(x: np.ndarray) -> np.ndarray:
    return 2 * (x - 1)


@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("method", [*METHODS, *POPULATIONS, *SQUARES, "sequence"])
def test_a_limit_that_is_met_at_the_start(method: str, limit: str) -> None:
    options: dict[str, Any] = dict(LIMITS[limit])
    fun: Any = parabola
    if method in POPULATIONS:
        options |= {"bounds": [(-1, 2)] * 2, "seed": 0}
    elif method in SQUARES:
        fun, options["residual"] = (lambda x: x - 1), True
    else:
        options["jac"] = slope
    chosen: Any = gs.minimizers.Sequence("adam", "bfgs", switch=3) if method == "sequence" else method
    result = gs.minimize(fun, [0.0, 0.0], method=chosen, **options)
    assert result.reason == limit
    assert result.success == (limit == "target")
    assert np.isfinite(result.fun) or limit == "maxtime"  # which may leave no time for one call
    assert str(result)
    if limit == "target":
        assert (result.nit, result.x.tolist()) == (0, [0.0, 0.0])


def test_nothing_of_the_run_before_is_in_the_result() -> None:
    method = gs.minimizers.BFGS()
    gs.minimize(parabola, [0.0, 0.0], jac=slope, method=method)
    result = gs.minimize(parabola, [3.0], jac=slope, bounds=None, method=method, target=10.0)
    assert result.x.tolist() == [3.0]
    assert result.jac.tolist() == [4.0]
