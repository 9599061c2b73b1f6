"""The list of experiments, in the order in which they are best read."""

from __future__ import annotations

from .setup import Experiment

__all__ = ["experiments"]


def experiments() -> dict[str, Experiment]:
    """All experiments by name."""
    from . import (
        activations,
        architectures,
        batch_size,
        epochs,
        initialization,
        iterations,
        learning_rate,
        momentum,
        optimizers,
        parabola,
        regularization,
        scaling,
        schedules,
    )

    order = (
        *(parabola, learning_rate, iterations, scaling, initialization, activations, momentum, optimizers),
        *(schedules, batch_size, epochs, regularization, architectures),
    )
    return {module.EXPERIMENT.name: module.EXPERIMENT for module in order}
