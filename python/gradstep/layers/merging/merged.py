"""Keras's functions of several inputs: each makes a layer and calls it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .elementwise import Add, Average, Maximum, Minimum, Multiply, Subtract
from .merging import Concatenate, Dot

__all__ = ["add", "average", "concatenate", "dot", "maximum", "minimum", "multiply", "subtract"]


def add(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """Adds inputs elementwise: ``Add(**kwargs)(inputs)``. Raises as `Add` does.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.add([np.array([[1.0, 2.0]]), np.array([[3.0, 1.0]])])
    array([[4., 3.]], dtype=float32)
    """
    return Add(**kwargs)(inputs)


def subtract(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """Subtracts the second input from the first: ``Subtract(**kwargs)(inputs)``. Raises as `Subtract` does.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.subtract([np.array([[1.0, 2.0]]), np.array([[3.0, 1.0]])])
    array([[-2.,  1.]], dtype=float32)
    """
    return Subtract(**kwargs)(inputs)


def multiply(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """Multiplies inputs elementwise: ``Multiply(**kwargs)(inputs)``. Raises as `Multiply` does.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.multiply([np.array([[1.0, 2.0]]), np.array([[3.0, 1.0]])])
    array([[3., 2.]], dtype=float32)
    """
    return Multiply(**kwargs)(inputs)


def average(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """Averages inputs elementwise: ``Average(**kwargs)(inputs)``. Raises as `Average` does.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.average([np.array([[1.0, 2.0]]), np.array([[3.0, 1.0]])])
    array([[2. , 1.5]], dtype=float32)
    """
    return Average(**kwargs)(inputs)


def maximum(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """Elementwise maximum of inputs: ``Maximum(**kwargs)(inputs)``. Raises as `Maximum` does.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.maximum([np.array([[1.0, 2.0]]), np.array([[3.0, 1.0]])])
    array([[3., 2.]], dtype=float32)
    """
    return Maximum(**kwargs)(inputs)


def minimum(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """Elementwise minimum of inputs: ``Minimum(**kwargs)(inputs)``. Raises as `Minimum` does.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.minimum([np.array([[1.0, 2.0]]), np.array([[3.0, 1.0]])])
    array([[1., 1.]], dtype=float32)
    """
    return Minimum(**kwargs)(inputs)


def concatenate(inputs: Sequence[Any], axis: int = -1, **kwargs: Any) -> Any:
    """Concatenates inputs along an axis: ``Concatenate(axis, **kwargs)(inputs)``. Raises as `Concatenate` does.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.concatenate([np.zeros((2, 3)), np.ones((2, 1))]).shape
    (2, 4)
    """
    return Concatenate(axis, **kwargs)(inputs)


def dot(inputs: Sequence[Any], axes: Any = -1, **kwargs: Any) -> Any:
    """Dot products of two inputs: ``Dot(axes, **kwargs)(inputs)``. Raises as `Dot` does.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.dot([np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])], axes=1)
    array([[11.]], dtype=float32)
    """
    return Dot(axes, **kwargs)(inputs)
