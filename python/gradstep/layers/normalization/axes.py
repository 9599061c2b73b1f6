"""Axes of a layer's input, counted with that of the rows, 0, as Keras counts them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...checks import brief, check_int, describe

__all__ = ["one_axis", "sample_axes", "some_axes"]

MOST = 8  # the engine's limit (csrc/kernels/layers/strided_copy.hpp)


def some_axes(name: str, value: Any) -> int | list[int]:
    """An argument that is one axis or a list of some; none of them that of the rows.

    Raises
    ------
    TypeError, ValueError
        It is none; or there are no axes in it, or one twice.
    """
    if not isinstance(value, (list, tuple)):
        return one_axis(name, value)
    if not value:
        raise ValueError(f"{name} must name an axis; got {brief(value)}.")
    return [one_axis(f"{name}[{i}]", axis) for i, axis in enumerate(value)]


def one_axis(name: str, value: Any) -> int:
    """An argument that is one axis, not that of the rows; Keras's files may have it in a list."""
    if isinstance(value, (list, tuple)) and len(value) == 1:
        value = value[0]
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be an int; got {describe(value)}.")
    axis = check_int(name, value, -MOST)
    if axis == 0:
        raise ValueError(f"{name} must not be that of the rows, 0; got {brief(value)}.")
    return axis


def sample_axes(name: str, axis: int | Sequence[int], input_shape: Sequence[int | None]) -> list[int]:
    """Axes of a row from 0, in increasing order.

    Parameters
    ----------
    name : str
        What the argument is called in errors.
    axis : int or sequence of int
        As `some_axes` gives it.
    input_shape : sequence
        With the rows in front.

    Raises
    ------
    ValueError
        Inputs of this shape have no such axis, or it is that of the rows; or two are the same.
    """
    found: set[int] = set()
    ndim = len(input_shape)
    axes: Sequence[int] = [axis] if isinstance(axis, int) else axis
    for one in axes:
        place = one + ndim if one < 0 else one
        if not 0 < place < ndim:
            raise ValueError(
                f"{name} must be an axis of inputs of shape {tuple(input_shape)}, and not that of the rows; got {one}."
            )
        if place in found:
            raise ValueError(
                f"{name} must name different axes; got {brief(axis)} for inputs of shape {tuple(input_shape)}."
            )
        found.add(place)
    return sorted(place - 1 for place in found)
