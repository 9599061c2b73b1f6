"""Every optimizer reaches the known minimum of every problem."""

from __future__ import annotations

import numpy as np
import pytest
from gradstep.optimizers import Ftrl
from problems import PROBLEMS

# Rates that suit a problem. Rules whose step is about the rate need it near the distance over the steps; plain
# descent needs it below 2 over the largest curvature on its way.
RATES = {
    "quadratic": {"SGD": 0.015, "Momentum": 0.005, "Nesterov": 0.005, "FtrlPower": 0.03},
    "rosenbrock": {
        "SGD": 0.0014,
        "Momentum": 0.0005,
        "Nesterov": 0.0005,
        "Adadelta": 0.3,
        "AMSGrad": 0.1,
        "AMSGradW": 0.1,
        "AdEMAMix": 0.1,
        "FtrlPower": 0.03,
        "Lion": 0.002,
        "RAdam": 0.001,  # the first steps are plain descent
        "ScheduleFreeSGD": 0.005,
        "Signum": 0.0005,
        "Yogi": 0.1,
    },
    "booth": {"SGD": 0.05, "Momentum": 0.01, "Nesterov": 0.01, "Adagrad": 1.0, "FtrlPower": 0.03},
    "beale": {"SGD": 0.01, "Momentum": 0.003, "Nesterov": 0.003, "FtrlPower": 0.03},
}
# For all others of a kind: those that forget, step by about the rate; those that sum, by the rate over the root of t.
SIGN_LIKE_RATE = 0.01
# Outside of a model these are Adam at a part of their rate.
OF_ADAM = {"KFAC": 1.0, "KFACEmpirical": 1.0, "DiagonalNaturalGradient": 0.1, "DiagonalNaturalGradientEmpirical": 0.1}
for rates in RATES.values():
    rates |= OF_ADAM
    rates |= {"ASGD": rates["SGD"], "Lars": 10.0, "Prodigy": 1.0} | rates
    rates |= {"Adagrad": 0.5, "Adadelta": 1.0, "AdEMAMix": 0.1, "Ftrl": 0.5} | rates
STEPS = 20_000


def test_gradients_of_the_problems_are_right():
    for problem in PROBLEMS:
        rng = np.random.default_rng(0)
        for x in [problem.start, *(problem.optimum + rng.standard_normal((5, problem.start.size)))]:
            h = 1e-6
            numeric = [(problem.value(x + h * e) - problem.value(x - h * e)) / (2 * h) for e in np.eye(x.size)]
            # Central differences: h**2 of truncation, and eps / h of rounding, times the values.
            np.testing.assert_allclose(problem.gradient(x), numeric, rtol=1e-6, atol=1e-6 * (1 + problem.value(x)))
        assert abs(problem.gradient(problem.optimum)).max() < 1e-12


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name)
def test_converges(new, problem):
    optimizer = new()
    for decay in ("weight_decay", "lambd"):
        if hasattr(optimizer, decay):
            setattr(optimizer, decay, 0.0)  # with it the minimum lies elsewhere
    if hasattr(optimizer, "step_size_min"):
        optimizer.step_size_min = 0.0  # how near Rprop may come
    if hasattr(optimizer, "r"):
        optimizer.r = 5.0  # a mean that leaves the start behind
    rate = RATES[problem.name].get(optimizer._core.rule.removeprefix("Torch"), SIGN_LIKE_RATE)
    x = problem.start.copy()
    bound = optimizer.bind(x)
    for t in range(STEPS):
        # Down to 0, since the step of a sign-like rule does not shrink with the gradient. Ftrl's weights are in
        # proportion to the rate, and would go with it.
        if not isinstance(optimizer, Ftrl) or t == 0:
            optimizer.learning_rate = rate * min(1.0, 2 * (1 - t / STEPS))
        bound.step(problem.gradient(x))
    assert abs(x - problem.optimum).max() < 1e-3
