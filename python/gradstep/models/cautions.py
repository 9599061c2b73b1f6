"""Warnings before training and scoring: what can be computed, but is most likely a mistake."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..hints import warn
from ..losses.base import Loss
from .columns import Columns
from .data import Rows
from .objectives import Objectives

if TYPE_CHECKING:
    from .compiled import Compiled

__all__ = ["warn_of_frozen", "warn_of_targets"]


def warn_of_targets(model: Compiled, rows: Rows) -> None:
    """Warn of targets that a loss is not defined for, and of a loss over classes for a single output."""
    measures = model._objectives
    if isinstance(measures, Objectives) and isinstance(rows.y, Columns):
        several = len(measures.outputs) > 1
        for name, loss, y, shape in zip(
            measures.outputs, measures.losses, rows.y.arrays, model._output_rows(), strict=True
        ):
            if loss is not None and y is not None:
                _warn(loss, y, shape[-1], f"y[{name!r}]" if several else "y")
    elif model.loss is not None:
        _warn(model.loss, rows.y, model._row[-1], "y")


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


def warn_of_frozen(model: Compiled) -> None:
    """Warn where `trainable` of layers was changed after `compile`, which is what training follows."""
    compiled = {id(weight) for weight in model._trained().values()}
    now = {id(weight) for weight in model.trainable_weights}
    if model._network is not None and compiled != now:
        warn(
            "the trainable attribute of layers was changed after compile(): training goes on as compiled. Call "
            "compile() again for the change to count.",
        )
