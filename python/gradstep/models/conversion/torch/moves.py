"""Functions of PyTorch that move numbers, or take a buffer, as layers here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .... import layers
from ..assembly import Traced
from .converted import Converted
from .windows_of_modules import pad

__all__ = ["MOVES", "with_constant"]

Add = Callable[[Any, Sequence[Traced]], Traced]  # adds a call of a layer


def _axis(x: Traced, axis: int, more: int = 0) -> int:
    """An axis counted from the front, in a tensor of so many more."""
    found = axis % (len(x.shape) + more)
    if not found:
        raise ValueError("forward() must keep the rows as the first axis.")
    return found


def _row(x: Traced) -> list[int]:
    return [size or 0 for size in x.shape[1:]]


def _permuted(add: Add, x: Traced, *dims: Any) -> Traced:
    order = [dim % len(x.shape) for dim in (dims[0] if isinstance(dims[0], (tuple, list)) else dims)]
    if order[0]:
        raise ValueError("forward() must keep the rows as the first axis.")
    return add(layers.Permute(order[1:]), [x])


def _transposed(add: Add, x: Traced, dim0: int, dim1: int) -> Traced:
    order = list(range(len(x.shape)))
    one, other = _axis(x, dim0), _axis(x, dim1)
    order[one], order[other] = other, one
    return add(layers.Permute(order[1:]), [x])


def _unsqueezed(add: Add, x: Traced, dim: int) -> Traced:
    row, at = _row(x), _axis(x, dim, 1) - 1
    return add(layers.Reshape((*row[:at], 1, *row[at:])), [x])


def _squeezed(add: Add, x: Traced, dim: Any = None) -> Traced:
    if dim is None:
        raise ValueError("squeeze() must be given its dim, as rows may be one.")
    axes = {_axis(x, one) - 1 for one in (dim if isinstance(dim, (tuple, list)) else [dim])}
    row = [size for axis, size in enumerate(_row(x)) if axis not in axes or size != 1]
    return add(layers.Reshape(row), [x])


def _split(add: Add, x: Traced, split_size: Any, dim: int = 0) -> tuple[Traced, ...]:
    at = _axis(x, dim)
    whole = _row(x)[at - 1]
    sizes = list(split_size) if isinstance(split_size, (tuple, list)) else []
    begin, parts = 0, list[Traced]()
    while begin < whole:
        end = min(begin + (sizes[len(parts)] if sizes else split_size), whole)
        parts.append(add(layers.GetItem((*[slice(None)] * at, slice(begin, end))), [x]))
        begin = end
    return tuple(parts)


def _chunked(add: Add, x: Traced, chunks: int, dim: int = 0) -> tuple[Traced, ...]:
    return _split(add, x, -(-_row(x)[_axis(x, dim) - 1] // chunks), dim)


def _stacked(add: Add, tensors: Sequence[Traced], dim: int = 0) -> Traced:
    return add(layers.Concatenate(_axis(tensors[0], dim, 1)), [_unsqueezed(add, x, dim) for x in tensors])


class _Padding:
    """The module of a call of `pad`."""

    def __init__(self, padding: Sequence[int], value: float | None) -> None:
        self.padding, self.value = padding, value or 0


def _padded(add: Add, x: Traced, pad_: Sequence[int], mode: str = "constant", value: float | None = None) -> Traced:
    missing = 2 * (len(x.shape) - 2) - len(pad_)
    if mode != "constant" or value or missing < 0:
        raise ValueError("pad() must put zeros around the axes behind that of the channels.")
    made: Converted = pad(_Padding([*pad_, *[0] * missing], value), x.shape)
    for layer, _ in made:
        x = add(layer, [x])
    return x


def with_constant(operation: str, x: Traced, constant: np.ndarray, is_left: bool) -> Any:
    """The layer of arithmetic with a buffer, which is not trained: that of a mean or of a deviation.

    is_left: whether x is to the left of the operation.
    """
    shape = (1,) * (len(x.shape) - constant.ndim) + constant.shape
    axes = [axis for axis, size in enumerate(shape) if axis and size > 1]
    fits = len(shape) == len(x.shape) and shape[0] == 1 and all(shape[axis] == x.shape[axis] for axis in axes)
    if not fits or (not is_left and operation in ("subtract", "true_divide")):
        raise ValueError(f"{operation}() of a tensor {x.shape} and a buffer {constant.shape} has no layer here.")
    numbers = constant.astype(np.float64).reshape([shape[axis] for axis in axes] or ())
    known: dict[str, Any] = {"axis": axes or None, "invert": operation == "multiply"}
    if operation in ("add", "subtract"):
        mean = numbers if operation == "subtract" else -numbers
        return layers.Normalization(mean=mean, variance=np.ones_like(mean), **known)
    if not (numbers > 0).all():
        raise ValueError(f"{operation}() of a tensor and a buffer must be by numbers above 0.")
    return layers.Normalization(mean=np.zeros_like(numbers), variance=numbers**2, **known)


MOVES: dict[str, Callable[..., Any]] = {
    "chunk": _chunked,
    "pad": _padded,
    "permute": _permuted,
    "split": _split,
    "squeeze": _squeezed,
    "stack": _stacked,
    "swapaxes": _transposed,
    "transpose": _transposed,
    "unsqueeze": _unsqueezed,
}
