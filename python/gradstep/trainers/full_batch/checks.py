"""What a model must be to be trained by a method of `minimize`: a function of its weights that is smooth."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import _core
from ...hints import warn
from ...minimize.methods.base import Method
from ...minimize.methods.owlqn import OWLQN
from ..executor import Executor
from .whole_loss import WholeLoss

__all__ = ["check_model", "take_penalties", "warn_of_draws"]


def _settings(executor: Executor) -> dict[int, tuple[str, dict[str, Any]]]:
    """Names and settings of all weights, by where they lie."""
    found: dict[int, tuple[str, dict[str, Any]]] = {}
    for step in executor.steps:
        for weight, setting in zip(step.layer._weights, step.layer._settings(), strict=False):
            found[_core.address(weight)] = step.layer.name, setting
    return found


def check_model(executor: Executor, method: Method) -> None:
    """Refuse what no method over all rows can train.

    Raises
    ------
    ValueError
        A layer keeps states between batches, a constraint moves weights after each step, no weight is trained.
    """
    assert executor.network is not None
    trained = executor.trained_weights()
    if not trained:
        raise ValueError(f'"{method.name}" needs a weight to train; none is trainable.')
    for name, weight in trained.items():
        if not np.isfinite(weight).all():
            raise ValueError(
                f'weight {name!r} must be finite to be trained by "{method.name}"; it has NaN or infinity.'
            )
    if executor.network.batch:
        raise ValueError(
            f'"{method.name}" computes the loss of the same rows again and again, and a stateful layer gives another '
            "one each time: use an optimizer that takes batches, or stateful=False."
        )
    settings = _settings(executor)
    for weight in trained.values():
        layer, setting = settings[_core.address(weight)]
        if setting.get("constraint") is not None:
            raise ValueError(
                f"a constraint of layer {layer!r} moves weights after each step, which the line search of "
                f'"{method.name}" does not see: use an optimizer that takes batches, or no constraint.'
            )


def take_penalties(executor: Executor, method: Method, objective: WholeLoss) -> None:
    """Give penalties of magnitudes to OWL-QN; other methods get a warning of their kinks.

    Raises
    ------
    ValueError
        A penalty is proximal, and the method is not OWL-QN.
    """
    kinked, cut = np.zeros(objective.layout.size), np.zeros(objective.layout.size)
    settings, begin = _settings(executor), 0
    for weight in objective.weights:
        layer, setting = settings[_core.address(weight)]
        penalty = setting.get("penalty") or {}
        end = begin + weight.size
        kinked[begin:end], cut[begin:end] = penalty.get("l1", 0.0), penalty.get("proximal", 0.0)
        begin = end
        if isinstance(method, OWLQN):
            continue
        if penalty.get("proximal"):
            raise ValueError(
                f'the proximal L1 penalty of layer {layer!r} is for optimizers that take batches, and for "owl-qn"; '
                f'"{method.name}" needs a smooth loss.'
            )
    if isinstance(method, OWLQN):
        objective.take_l1(kinked, cut)
    elif kinked.any():
        warn(f'an L1 penalty has a kink where a weight is 0, at which "{method.name}" may stop early: use "owl-qn".')


def warn_of_draws(executor: Executor, method: Method) -> None:
    """Warn of layers that draw: a line search needs the same draws in every call."""
    drawing = [step.layer.name for step in executor.steps if step.layer._key is not None]
    if drawing:
        warn(
            f'layer {drawing[0]!r} draws random numbers; "{method.name}" keeps the same draws in all iterations, for '
            "the loss must be a function of the weights. It regularizes less than with an optimizer that takes batches."
        )
