"""Keras's functions of several inputs: each makes a layer and calls it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .elementwise import Add, Average, Maximum, Minimum, Multiply, Subtract
from .merging import Concatenate, Dot

__all__ = ["add", "average", "concatenate", "dot", "maximum", "minimum", "multiply", "subtract"]


def add(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """The sum of inputs: ``Add(**kwargs)(inputs)``. Raises as `Add` does."""
    return Add(**kwargs)(inputs)


def subtract(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """The first of two inputs less the second: ``Subtract(**kwargs)(inputs)``. Raises as `Subtract` does."""
    return Subtract(**kwargs)(inputs)


def multiply(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """The product of inputs, number by number: ``Multiply(**kwargs)(inputs)``. Raises as `Multiply` does."""
    return Multiply(**kwargs)(inputs)


def average(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """The mean of inputs: ``Average(**kwargs)(inputs)``. Raises as `Average` does."""
    return Average(**kwargs)(inputs)


def maximum(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """The largest of inputs, number by number: ``Maximum(**kwargs)(inputs)``. Raises as `Maximum` does."""
    return Maximum(**kwargs)(inputs)


def minimum(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """The smallest of inputs, number by number: ``Minimum(**kwargs)(inputs)``. Raises as `Minimum` does."""
    return Minimum(**kwargs)(inputs)


def concatenate(inputs: Sequence[Any], axis: int = -1, **kwargs: Any) -> Any:
    """Inputs side by side: ``Concatenate(axis, **kwargs)(inputs)``. Raises as `Concatenate` does."""
    return Concatenate(axis, **kwargs)(inputs)


def dot(inputs: Sequence[Any], axes: Any = -1, **kwargs: Any) -> Any:
    """Products of the rows of two inputs: ``Dot(axes, **kwargs)(inputs)``. Raises as `Dot` does."""
    return Dot(axes, **kwargs)(inputs)
