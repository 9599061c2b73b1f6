"""Jacobian-vector and Gauss-Newton products of a model, by the tangent pass of the engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import _core
from ..checks import describe
from ..data.columns import arrays_of
from ..data.rows import Rows
from .counted import last_number
from .executor import Executor
from .network import arranged, check_backward, learned

__all__ = ["check_second_derivatives", "gauss_newton_product", "jvp"]


def jvp(
    executor: Executor, rows: Any, directions: Any, dxs: Sequence[np.ndarray] | None, training: bool
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The outputs for rows, and how they move; directions: of the model's trainable weights."""
    (network, _, outputs), arrays = executor.sized(rows), arrays_of(rows)
    moves = None if directions is None else in_order(executor, directions)
    given = None if dxs is None else [np.ascontiguousarray(dx.reshape(len(dx), -1)) for dx in dxs]
    shapes = [(len(rows), *row) for row in outputs]
    with executor.guard:
        ys, dys = network.jvp(arrays, moves, given, last_number(executor), training)
    reshape = [[each.reshape(shape) for each, shape in zip(all_, shapes, strict=True)] for all_ in (ys, dys)]
    return reshape[0], reshape[1]


def gauss_newton_product(executor: Executor, rows: Rows, directions: Any) -> list[np.ndarray]:
    """The Gauss-Newton matrix of the loss of rows in training, times directions of the weights that are trained."""
    network, x = executor.sized(rows.x).network, arrays_of(rows.x)
    check_backward(executor.steps, len(x))
    losses, targets = executor.specifications(rows), executor.targets(rows)
    check_second_derivatives(executor, losses)
    moves = in_order(executor, directions)
    with executor.guard:
        found = network.gauss_newton_product(
            losses, x, targets.values, moves, last_number(executor), targets.weights, targets.masks
        )
    return arranged(network, found, executor.model.trainable_weights)


def check_second_derivatives(executor: Executor, specifications: Sequence[Any]) -> None:
    """Refuse losses, by their specifications, without the second derivatives that Gauss-Newton products need.

    Raises
    ------
    ValueError
        A loss is in Python.
    """
    for loss, spec in zip(executor.losses_and_metrics.losses, specifications, strict=True):
        if callable(spec):
            assert loss is not None
            raise ValueError(
                f"loss {loss.name!r} is in Python: its second derivatives, which Gauss-Newton products need, are not "
                "known."
            )


def in_order(executor: Executor, directions: Any) -> list[np.ndarray | None]:
    """Directions of the trainable weights, as the network has them in its order.

    Raises
    ------
    TypeError, ValueError
        They are no list with an array, or None, for each weight, of its shape.
    """
    network, model = executor.network, executor.model
    assert network is not None
    weights = model.trainable_weights
    if not isinstance(directions, (list, tuple)):
        raise TypeError(f"directions must be a list with one for each trainable weight; got {describe(directions)}.")
    if len(directions) != len(weights):
        raise ValueError(
            f"directions must have one for each of {len(weights)} trainable weights, None for one that stands still; "
            f"got {len(directions)}."
        )
    found: dict[int, np.ndarray | None] = {}
    for i, (weight, direction) in enumerate(zip(weights, directions, strict=True)):
        if direction is None:
            found[_core.address(weight)] = None
            continue
        array = np.asarray(direction)
        if array.dtype.kind not in "biuf":
            raise TypeError(f"directions[{i}] must be an array of numbers; got {describe(direction)}.")
        if array.shape != weight.shape:
            raise ValueError(f"directions[{i}] has shape {array.shape}; its weight has shape {weight.shape}.")
        found[_core.address(weight)] = np.require(array, weight.dtype, ["C_CONTIGUOUS", "ALIGNED"])
    arranged(network, learned(network), weights)  # every one of them is trained
    return [found.get(_core.address(weight)) for weight in learned(network)]
