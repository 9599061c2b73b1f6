"""Calls of the methods of custom layers, with checks of what they return."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ... import _core
from ...checks import describe

if TYPE_CHECKING:
    from .layer import Layer

__all__ = ["call_backward", "forward", "gradients", "method_of", "output", "output_by_trial", "parts", "penalized"]
__all__ += ["takes", "tangent"]


def forward(layer: Layer, xs: Sequence[np.ndarray], training: bool, mask: np.ndarray | None = None) -> np.ndarray:
    """The output for a batch: (rows, *shape of a row), of the layer's dtype, in C order."""
    vars(layer)["_last_call"] = None  # no setting
    return output(layer, _call_forward(layer, xs, training, mask), (len(xs[0]), *layer._output_row))


def output(layer: Layer, y: Any, shape: tuple[int, ...]) -> np.ndarray:
    """What the user's method gave, as an array of this shape and the layer's dtype, in C order."""
    return _array(layer, _of_forward, y, shape)


def gradients(layer: Layer, dy: np.ndarray, xs: Sequence[tuple[int, ...]]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """dy -> the gradient by each input, of these shapes, and by each trainable weight."""
    return parts(layer, call_backward(layer, _shield(dy)), xs)


def call_backward(layer: Layer, dy: np.ndarray) -> Any:
    """What the user's method gives for dy, which cannot be written."""
    known = vars(layer)
    known["_in_backward"] = True  # the method of the subclass, not the wrapper around it
    try:
        return layer.backward(dy)
    finally:
        del known["_in_backward"]


def parts(
    layer: Layer, given: Any, xs: Sequence[tuple[int, ...]], wanted: bool = True
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """What it gave -> the gradient by each input, of these shapes, and by each trainable weight.

    wanted: whether somebody needs those by the inputs; if not they may be None.
    """
    dxs, found = given if isinstance(given, tuple) and len(given) == 2 else (given, ())
    if isinstance(dxs, tuple) or not isinstance(found, (list, tuple)):
        raise TypeError(f"layer {layer.name!r}: backward() must give dx, or a pair (dx, [gradients of the weights]).")
    gradients = _by_weights(layer, found) if layer._weights or found else []
    if dxs is None and not wanted:
        return [], gradients
    each = dxs if isinstance(dxs, list) and len(xs) > 1 else [dxs]
    if len(each) != len(xs):
        raise ValueError(f"layer {layer.name!r}: backward() must give a dx for each of {len(xs)} inputs, in a list.")
    return [_array(layer, _of_dx, dx, shape) for dx, shape in zip(each, xs, strict=True)], gradients


def _by_weights(layer: Layer, found: Sequence[Any]) -> list[np.ndarray]:
    """The gradients by the trainable weights, of what `backward` gave for them."""
    weights = [weight for weight, trained in zip(layer._weights, layer._trained, strict=False) if trained]
    if len(found) != len(weights):
        raise ValueError(
            f"layer {layer.name!r}: backward() must give (dx, [gradients]) with one for each of its {len(weights)} "
            f"trainable weights; it gave {len(found)}."
        )
    return [
        _array(layer, _of_gradient, gradient, weight.shape, i)
        for i, (gradient, weight) in enumerate(zip(found, weights, strict=True))
    ]


def tangent(layer: Layer, dxs: Sequence[np.ndarray], dws: Sequence[np.ndarray], row: tuple[int, ...]) -> np.ndarray:
    """How the output of the last call moves along directions of the inputs and of the trainable weights."""
    if not callable(getattr(layer, "jvp", None)):
        raise NotImplementedError(
            f"layer {layer.name!r} must define jvp(dx, dws), how its output moves, for Jacobian-vector and "
            "Gauss-Newton products."
        )
    dy = layer.jvp(_shielded(dxs), [_shielded([dw]) for dw in dws])  # type: ignore[attr-defined]
    return _array(layer, _of_jvp, dy, (len(dxs[0]), *row))


def penalized(layer: Layer, gradients: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The gradients of the trainable weights with those of their penalties, in new arrays."""
    made = [np.array(gradient) for gradient in gradients]
    trained = [i for i, flag in enumerate(layer._trained[: len(layer.weights)]) if flag]
    rules = layer._weight_rules()
    for i, gradient in zip(trained, made, strict=True):
        regularizer, _ = rules[i]
        if regularizer is not None:
            _core.penalize(layer.weights[i], regularizer._specification(), gradient)
    return made


def output_by_trial(layer: Layer, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Shape of the output for one row of zeros, of this shape."""
    with np.errstate(all="ignore"):
        y = _numbers(layer, f"{_name(layer)}()", _call_forward(layer, [np.zeros((1, *shape), layer.dtype)], False))
    if y.ndim < 2 or len(y) != 1:
        raise ValueError(
            f"layer {layer.name!r}: {_name(layer)}() must give a row of numbers for each row of x; for x of "
            f"shape {(1, *shape)} it gave {y.shape}."
        )
    return y.shape[1:]


def _trained_names(layer: Layer) -> list[str]:
    return [name for name, trained in zip(layer.weight_names, layer._trained, strict=False) if trained]


def _name(layer: Layer) -> str:
    return "forward" if callable(getattr(layer, "forward", None)) else "call"


def takes(layer: Layer, argument: str) -> bool:
    """Whether the user's method has an argument of this name."""
    return _has_argument(getattr(type(layer), _name(layer)), argument)


@cache
def _has_argument(function: Any, name: str) -> bool:
    parameters = inspect.signature(function).parameters
    return name in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def method_of(layer: Layer) -> tuple[str, tuple[dict[str, Any], dict[str, Any]]]:
    """The name of the user's method, and the keywords it is called with, out of training and in it."""
    has = takes(layer, "training")
    return _name(layer), ({"training": False}, {"training": True}) if has else ({}, {})


def _call_forward(layer: Layer, xs: Sequence[np.ndarray], training: bool, mask: np.ndarray | None = None) -> Any:
    name, options = method_of(layer)
    given = {} if mask is None else {"mask": mask}
    return getattr(layer, name)(_shielded(xs), **options[training], **given)


def _shielded(arrays: Sequence[np.ndarray]) -> Any:
    """Arrays that cannot be written, views of those that can: they may be the user's data. Several in a list."""
    return _shield(arrays[0]) if len(arrays) == 1 else [_shield(array) for array in arrays]


def _shield(array: np.ndarray) -> np.ndarray:
    if not array.flags.writeable:
        return array
    view: np.ndarray = array.view()
    view.flags.writeable = False
    return view


def _numbers(layer: Layer, what: str, value: Any) -> np.ndarray:
    array = np.asarray(value) if isinstance(value, (np.ndarray, np.generic, list, float, int)) else None
    if array is None or array.dtype.kind not in "biuf":
        raise TypeError(f"layer {layer.name!r}: {what} must be an array of numbers; got {describe(value)}.")
    return array


# What a value is called in an error.
def _of_forward(layer: Layer, number: int) -> str:
    return f"{_name(layer)}()"


def _of_jvp(layer: Layer, number: int) -> str:
    return "dy that jvp() gives"


def _of_dx(layer: Layer, number: int) -> str:
    return "dx that backward() gives"


def _of_gradient(layer: Layer, number: int) -> str:
    return f"the gradient of {_trained_names(layer)[number]!r} that backward() gives"


def _array(
    layer: Layer, what: Callable[[Layer, int], str], value: Any, shape: tuple[int, ...], number: int = 0
) -> np.ndarray:
    """The value as an array of this shape and the layer's dtype, in C order; what: what it is called, by its number."""
    if type(value) is np.ndarray and value.shape == shape and value.dtype == layer.dtype and value.flags.carray:
        return value
    name = what(layer, number)
    array = _numbers(layer, name, value)
    if array.shape != shape:
        raise ValueError(f"layer {layer.name!r}: {name} must have shape {shape}; it has {array.shape}.")
    return np.require(array, layer.dtype, ["C_CONTIGUOUS", "ALIGNED"])
