"""What is read in curves whose best rate is known."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradstep.tune.rate_curve import read_curve


def sweep(curvatures: np.ndarray, noise: float, seed: int, momentum: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Losses of gradient descent on a quadratic function while the rate rises."""
    draw = np.random.default_rng(seed)
    w, velocity = draw.normal(size=len(curvatures)), np.zeros(len(curvatures))
    rates, losses = np.geomspace(1e-7, 10, 100), []
    for rate in rates:
        value = 0.5 * curvatures @ w**2
        losses.append(value * (1 + noise * draw.normal()))
        if not value < 1e3 * losses[0]:
            break
        velocity = momentum * velocity - rate * curvatures * w
        w = w + velocity
    return rates[: len(losses)], np.array(losses)


@pytest.mark.parametrize("largest", [0.3, 1.0, 10.0, 100.0, 1e3, 1e4])
@pytest.mark.parametrize("condition", [1, 10, 100, 1000])
def test_the_suggestion_is_within_what_a_quadratic_allows(largest: float, condition: int) -> None:
    for dimensions in (2, 10, 50):
        curvatures = np.geomspace(largest / condition, largest, dimensions)
        for noise in (0.0, 0.1, 0.2):
            for seed in range(3):
                reading = read_curve(*sweep(curvatures, noise, seed))
                assert reading.suggestion is not None, reading.reason
                assert 0.02 <= reading.suggestion / (2 / largest) <= 1, (dimensions, noise, seed)
                assert reading.steep <= reading.minimum
                assert reading.valley <= reading.minimum


def test_a_model_that_is_a_quadratic() -> None:
    """Least squares: the largest curvature is the largest eigenvalue of 2 X'X / n."""
    for scale in (0.3, 1.0, 5.0):
        x = scale * np.random.default_rng(1).normal(size=(256, 6)) * np.geomspace(0.1, 1, 6)
        model = gs.Sequential([gs.Input((6,)), gs.layers.Dense(1, use_bias=False, dtype="float64")])
        model.compile("sgd", "mse")
        limit = 2 / np.linalg.eigvalsh(2 * x.T @ x / len(x)).max()
        found = model.lr_find(x, x @ np.ones(6), batch_size="full")
        assert found.suggestion is not None
        assert 0.02 * limit <= found.suggestion <= limit


def test_noise_alone_is_no_descent() -> None:
    rates = np.geomspace(1e-7, 10, 100)
    for noise in (0.0, 1e-9, 0.01, 0.5):
        found = [
            read_curve(rates, 2 + noise * np.random.default_rng(seed).normal(size=100)).suggestion for seed in range(50)
        ]
        assert sum(rate is not None for rate in found) <= 2, (noise, found)


def test_a_spike_at_the_start_is_not_the_steepest_place() -> None:
    """A suggestion from differences of neighbours is fooled by it."""
    rates = np.geomspace(1e-7, 10, 100)
    losses = 0.5 + 2 / (1 + (rates / 0.01) ** 1.5) + 1e3 * (rates > 1)
    losses[2] = 9.0
    reading = read_curve(rates, losses)
    assert 3e-3 < reading.steep < 0.05
    assert 3e-3 < reading.suggestion < 0.1
    assert 0.02 < reading.minimum < 1


def test_losses_below_zero() -> None:
    rates = np.geomspace(1e-7, 10, 100)
    losses = -1 + 1 / (1 + rates / 0.01) + (rates > 1) * 50
    shifted = read_curve(rates, losses + 7)
    reading = read_curve(rates, losses)
    assert reading.suggestion == shifted.suggestion
    assert 0.005 < reading.suggestion < 0.3
