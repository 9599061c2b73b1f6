"""A `Sequential` without an `Input`, for the first data, and for data of other sizes after them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..layers.base.layer import Layer
from ..layers.base.sizes import for_weights
from ..layers.base.weights import leaves_of
from ..layers.core.input import InputLayer
from ..layers.core.time_distributed import TimeDistributed
from ..layers.recurrent.with_states import tell_rows

if TYPE_CHECKING:
    from .sequential import Sequential

__all__ = ["build_for", "check_row", "entrance_for", "meet_call", "open_sizes"]


def build_for(model: Sequential, array: np.ndarray, name: str) -> None:
    """Build a model for the first data; name: what it is called in errors.

    Raises
    ------
    ValueError
        Its rows have no shape, or not that of the model.
    """
    if model._shape is None and array.ndim < 2:
        raise ValueError(
            f"{name} must have shape (rows, numbers a row); its shape is {array.shape}. "
            f"For one number a row use {name}.reshape(-1, 1)."
        )
    model._infers = model._shape is None
    model.build((None, *array.shape[1:]) if model._infers else None)


def meet_call(model: Sequential, row: Sequence[int | None]) -> None:
    """Let a model without an `Input` take a symbolic tensor of other sizes than the first, if it can."""
    model._infers = model._infers or model._shape is None
    if model.built and model._infers:
        open_sizes(model, row)


def entrance_for(layers: Sequence[Any], entrance: InputLayer | None, input_shape: Any) -> InputLayer | None:
    """The `Input` of a model that is being built, if it has one, or needs one for the rows of stateful layers."""
    rows = input_shape[0] if entrance is None and input_shape is not None else None
    if rows is not None and any(getattr(leaf, "stateful", False) for leaf in leaves_of(layers).values()):
        entrance = InputLayer(tuple(input_shape)[1:], batch_size=rows)
    if entrance is not None:
        tell_rows(layers, entrance.batch_size)
    return entrance


def check_row(layers: Sequence[Any], row: Sequence[int | None]) -> None:
    """Refuse a row that layers one behind the other cannot take."""
    current: Any = (None, *row)
    for layer in layers:
        layer._check_shape(current)
        current = layer.compute_output_shape(current)


def open_sizes(model: Sequential, row: Sequence[int | None]) -> None:
    """Let a built model take rows of other sizes too, if no weight depends on them; else it stays as it is.

    As in Keras, which takes the shape of the first batch for no more than the weights need.
    """
    known = model._shape
    assert known is not None
    if len(known) != len(row) or all(one in (None, size) for one, size in zip(known, row, strict=True)):
        return
    opened = tuple(one if one == size else None for one, size in zip(known, row, strict=True))
    with model._guard:
        if model._shape != known:  # another thread was here
            return
        shapes: dict[int, Any] = {}
        try:
            current: Any = (None, *opened)
            for layer in model._layers:
                current = _opened(layer, current, shapes)
        except ValueError:
            return  # who asked says which shape there is
        before = {key: vars(layer)["_built_input_shape"] for key, (layer, _) in shapes.items()}
        parts = model._entrance, model._shape
        try:
            for layer, shape in shapes.values():
                layer._input_shape, layer._shared = shape, True  # weights stay where they are
            _describe(model, opened)
        except BaseException:
            for key, (layer, _) in shapes.items():
                layer._input_shape = before[key]
            model._entrance, model._shape = parts
            _describe(model, known)
            raise


def _describe(model: Sequential, row: tuple[int | None, ...]) -> None:
    """Describe a model anew for rows of a shape, over the weights that it has."""
    assert model._entrance is not None
    model._forget_calls()
    model._ends = []
    model._shape, model._entrance = row, InputLayer(row, dtype=model._entrance._of_data, name=model._entrance.name)
    model._describe()
    model._connect_engine([row])


def _opened(layer: Any, shape: Any, shapes: dict[int, Any]) -> Any:
    """Note the shape that a layer, and those in it, get; gives that of its output.

    Raises
    ------
    ValueError
        Weights depend on sizes that are not known; or it is a model, whose inputs are described.
    """
    if not isinstance(layer, Layer) or layer._holds_model:
        raise ValueError(f"model {layer.name!r} must get inputs of the shape that it was described for.")
    for_weights(layer, shape[1:])
    shapes[id(layer)] = layer, tuple(shape)
    output = layer.compute_output_shape(shape)
    if isinstance(layer, TimeDistributed):
        _opened(layer.layer, (None, *shape[2:]), shapes)
    for stage in layer._stages:
        shapes[id(stage)] = stage, output
    return output
