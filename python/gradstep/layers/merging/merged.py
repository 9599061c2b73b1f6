"""Keras's functions of several inputs: each makes a layer and calls it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .elementwise import Add, Average, Maximum, Minimum, Multiply, Subtract
from .merging import Concatenate, Dot

__all__ = ["add", "average", "concatenate", "dot", "maximum", "minimum", "multiply", "subtract"]


def add(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """Adds inputs elementwise: ``Add(**kwargs)(inputs)``. Raises as `Add` does."""
    return Add(**kwargs)(inputs)


def subtract(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """Subtracts the second input from the first: ``Subtract(**kwargs)(inputs)``. Raises as `Subtract` does."""
    return Subtract(**kwargs)(inputs)


def multiply(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """Multiplies inputs elementwise: ``Multiply(**kwargs)(inputs)``. Raises as `Multiply` does."""
    return Multiply(**kwargs)(inputs)


def average(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """Averages inputs elementwise: ``Average(**kwargs)(inputs)``. Raises as `Average` does."""
    return Average(**kwargs)(inputs)


def maximum(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """Elementwise maximum of inputs: ``Maximum(**kwargs)(inputs)``. Raises as `Maximum` does."""
    return Maximum(**kwargs)(inputs)


def minimum(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """Elementwise minimum of inputs: ``Minimum(**kwargs)(inputs)``. Raises as `Minimum` does."""
    return Minimum(**kwargs)(inputs)


def concatenate(inputs: Sequence[Any], axis: int = -1, **kwargs: Any) -> Any:
    """Concatenates inputs along an axis: ``Concatenate(axis, **kwargs)(inputs)``. Raises as `Concatenate` does."""
    return Concatenate(axis, **kwargs)(inputs)


def dot(inputs: Sequence[Any], axes: Any = -1, **kwargs: Any) -> Any:
    """Dot products of two inputs: ``Dot(axes, **kwargs)(inputs)``. Raises as `Dot` does."""
    return Dot(axes, **kwargs)(inputs)
