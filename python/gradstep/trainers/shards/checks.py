"""What a model, its losses and its optimizer must be to be trained in shards of batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ... import _core
from ...data.rows import Rows
from ...layers.normalization.batch_normalization import BatchNormalization
from ...layers.preprocessing.normalization import Normalization
from ...minimize.methods.base import Method
from ...optimizers.base.wrappers import Wrapper
from ...optimizers.sam import SAM
from ..executor import Executor

__all__ = ["check_losses", "check_model", "check_optimizer", "is_plain_mean"]

MEANS = ("sum_over_batch_size", "mean")


def check_model(executor: Executor) -> None:
    """Refuse layers that change weights of theirs in a way that shards cannot share.

    Raises
    ------
    ValueError
        There is a layer that keeps states from batch to batch, or one in NumPy that moves statistics.
    """
    for step in executor.steps:
        layer = step.layer
        moves = layer._trainable and not all(layer._trained[: len(layer._weights)])
        summed = isinstance(layer, (BatchNormalization, Normalization)) and not layer._computing._in_numpy
        if moves and not summed:
            raise ValueError(
                f"layer {layer.name!r} ({type(layer).__name__}) updates statistics or states from each batch, of which "
                "every process sees a part only: with a distribution use BatchNormalization, LayerNormalization or "
                "GroupNormalization in its place, or trainable=False."
            )


def check_optimizer(executor: Executor) -> None:
    """Refuse what trains by more than the gradient of a batch.

    Raises
    ------
    ValueError
        A method of `minimize`, an optimizer that follows the curvature, or `SAM`.
    """
    stage = executor.stage
    if isinstance(stage, Method):
        raise ValueError(f'"{stage.name}" takes its steps over all rows at once: it cannot train with a distribution.')
    if stage is None:
        return
    if any(isinstance(one, SAM) for one in _with_inner(stage)):
        raise ValueError("SAM needs two passes over each batch, which fit with a distribution does not make.")
    for leaf in stage._leaves():
        if leaf._follows_curvature:
            raise ValueError(
                f"{type(leaf).__name__} needs the curvature of a whole batch, which no process of a distribution sees: "
                "use an optimizer that steps by gradients alone."
            )


def _with_inner(optimizer: Any) -> Iterator[Any]:
    """An optimizer, and those inside it."""
    yield optimizer
    if isinstance(optimizer, Wrapper):
        for inner in optimizer._inner().values():
            yield from _with_inner(inner)


def is_plain_mean(executor: Executor, rows: Rows) -> bool:
    """Whether the loss of a batch is the mean over its rows, as of each of its parts."""
    known = executor.losses_and_metrics
    masks = executor.targets(rows).masks
    return (
        all(loss is None or loss.reduction in MEANS for loss in known.losses)
        and all(mask is None for mask in masks)
        and not any(executor.sized(rows.x).network.masked)
    )


def check_losses(executor: Executor, rows: Rows) -> None:
    """Refuse losses that are no sum over shards of a batch.

    Raises
    ------
    ValueError
        Rows of a loss depend on each other; or several losses, or one in Python, are no plain mean over the rows; or a
        penalty comes on top of a sum.
    """
    known = executor.losses_and_metrics
    for loss, spec in zip(known.losses, executor.specifications(rows), strict=True):
        if isinstance(spec, dict) and spec["kind"] in _core.whole_batch_losses():
            assert loss is not None
            raise ValueError(f"rows of loss {loss.name!r} depend on each other: it cannot be split into shards.")
    if is_plain_mean(executor, rows):
        return
    in_python = any(callable(spec) for spec in executor.specifications(rows))
    if in_python or len(known.counted) > 1:
        raise ValueError(
            'with a distribution several losses, or losses in Python, must have the reduction "sum_over_batch_size", '
            "and no masks."
        )
    layers = {id(step.layer): step.layer for step in executor.steps}.values()
    for layer in layers:
        penalized = any(setting.get("penalty") for setting in layer._settings())
        if penalized or getattr(layer, "activity_regularizer", None) is not None:
            raise ValueError(
                f"layer {layer.name!r} has a regularizer: with a distribution the loss must then have the reduction "
                '"sum_over_batch_size", and no mask.'
            )
