"""Warnings before training and scoring: what can be computed, but is most likely a mistake."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import activations
from ..activations.registry import is_custom
from ..data.columns import arrays_of
from ..data.rows import Rows
from ..hints import warn
from ..layers.core.time_distributed import TimeDistributed
from ..losses.base import Loss
from ..losses.native import NativeLoss
from .executor import Executor

__all__ = ["warn_of_frozen", "warn_of_targets"]


def warn_of_targets(executor: Executor, rows: Rows) -> None:
    """Warn of targets that a loss is not defined for, of a loss over classes for a single output, and of outputs that
    are probabilities where the loss takes logits, or the reverse."""
    known = executor.losses_and_metrics
    several = len(known.outputs) > 1
    each = zip(known.outputs, known.losses, arrays_of(rows.y), executor.sized(rows.x).rows, strict=True)
    for i, (name, loss, y, shape) in enumerate(each):
        if loss is not None and y is not None:
            _warn(loss, y, shape[-1], f"y[{name!r}]" if several else "y")
            if isinstance(loss, NativeLoss) and "from_logits" in loss._names:
                _warn_of_last(loss, _last_layer(executor.model.outputs[i]))


def _last_layer(tensor: Any) -> Any:
    """The layer that gives an output of a model, in models and `TimeDistributed` too."""
    last = tensor.node.operation
    while isinstance(last, TimeDistributed):
        last = last.layer
    is_model = "outputs" in vars(last) or hasattr(type(last), "outputs")  # hasattr(last) would look for similar names
    return _last_layer(last.outputs[tensor.index]) if is_model else last


def _warn_of_last(loss: NativeLoss, last: Any) -> None:
    """Warn where the last activation is not what a loss of logits, or of probabilities, is for."""
    activation = getattr(last, "activation", None)
    if activation is None or is_custom(activation):
        return
    kind = activations.specify(activation)["kind"]
    if loss.from_logits and kind in ("sigmoid", "softmax"):
        warn(
            f"loss {loss.name!r} has from_logits=True, and layer {last.name!r} ends in {kind!r}: it is applied twice. "
            "Leave out one of them.",
        )
    if not loss.from_logits and kind == "linear" and last.weights:  # Activation("linear") may follow a softmax
        wanted = "softmax" if loss.categorical else "sigmoid"
        warn(
            f"loss {loss.name!r} is of probabilities, and layer {last.name!r} ends without an activation: give it "
            f"activation={wanted!r}, or the loss from_logits=True.",
        )


def _warn(loss: Loss, y: np.ndarray, outputs: int, name: str) -> None:
    if loss.categorical and outputs == 1:
        warn(
            f"loss {loss.name!r} compares classes, and the model has a single output, whose loss does not depend on "
            "the weights: use 'binary_crossentropy', or an output for each class.",
        )
    low, high = loss.target_range
    if not y.size or (low, high) == (-np.inf, np.inf):
        return
    least, most = float(np.min(y)), float(np.max(y))
    if least < low or most > high:  # not of nan, which TerminateOnNaN and Diagnose see
        wanted = f"at least {low:g}" if high == np.inf else f"in [{low:g}, {high:g}]"
        warn(f"loss {loss.name!r} is for targets {wanted}; {name} has numbers from {least:g} to {most:g}.")


def warn_of_frozen(executor: Executor) -> None:
    """Warn where `trainable` of layers was changed after `compile`, which is what training follows."""
    compiled = {id(weight) for weight in executor.trained_weights().values()}
    now = {id(weight) for weight in executor.model.trainable_weights}
    if executor.network is not None and compiled != now:
        warn(
            "the trainable attribute of layers was changed after compile(): training continues as compiled. Call "
            "compile() again for the change to count.",
        )
