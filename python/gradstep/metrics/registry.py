"""Metrics by name."""

from __future__ import annotations

from .. import _core
from ..checks import choose
from ..losses.base import Loss
from ..losses.registry import ALIASES

__all__ = ["resolve"]


def resolve(metric: str, loss: Loss, outputs: int) -> str:
    """The engine's name of a metric, for a model of this loss and this many outputs.

    Raises
    ------
    TypeError
        Not a name.
    ValueError
        An unknown name, or a metric that takes other targets than the loss does.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.metrics.resolve("accuracy", gs.losses.get("sparse_categorical_crossentropy"), 10)
    'sparse_categorical_accuracy'
    """
    names = {name: name for name in _core.metrics()}
    name = choose("metrics", metric, {"accuracy": "accuracy", "acc": "accuracy"} | names | ALIASES)
    if name == "accuracy":
        if loss.labels:
            return "sparse_categorical_accuracy"
        return "binary_accuracy" if outputs == 1 else "categorical_accuracy"
    if name.startswith("sparse") != loss.labels:
        takes = {True: "class numbers", False: "rows of numbers"}
        raise ValueError(
            f"metrics must take the targets of the loss: {metric!r} takes {takes[not loss.labels]}, {loss.name} takes "
            f"{takes[loss.labels]}. 'accuracy' fits either."
        )
    return name
