"""The functions of gs.problems are what they say."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest

PROBLEMS = [getattr(gs.problems, name) for name in gs.problems.__all__ if name != "Problem"]


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name)
def test_minima_and_gradients(problem):
    assert getattr(gs.problems, problem.name) is problem
    for minimum in problem.minima:
        assert problem(np.array(minimum)) == pytest.approx(problem.fun, abs=1e-12)
        np.testing.assert_allclose(problem.gradient(np.array(minimum)), 0, atol=1e-12)
        assert all(low <= x <= high for x, (low, high) in zip(minimum, problem.bounds, strict=True))
    for at in ([0.7, -0.4], [1.3, 1.9]):
        assert gs.check_grad(problem.value, problem.gradient, at).success
    rng = np.random.default_rng(0)
    low, high = np.transpose(problem.bounds)
    assert min(problem(x) for x in rng.uniform(low, high, (500, 2))) >= problem.fun


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name)
def test_de_finds_the_lowest(problem):
    res = gs.minimize(problem, problem.start, method="de", bounds=problem.bounds, seed=0, maxfev=4000)
    assert res.fun == pytest.approx(problem.fun, abs=1e-4)
