"""Inputs of one shape into one, number by number."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .merging import Merge

__all__ = ["Add", "Average", "Elementwise", "Maximum", "Minimum", "Multiply", "Subtract"]

Pair = tuple[np.ndarray, np.ndarray]


class Elementwise(Merge):
    """Base of the layers that fold their inputs, from the first on: ``f(f(a, b), c)``.

    An axis of 1 is stretched to that of the others, as NumPy does; that of the rows is not.

    Parameters
    ----------
    dtype, name
        As in `Layer`.
    """

    _least = 2

    def _two(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Of two arrays one."""
        raise NotImplementedError(f"{type(self).__name__} must define _two(a, b).")

    def _slopes(self, a: np.ndarray, b: np.ndarray, dy: np.ndarray) -> Pair:
        """The gradients of ``sum(dy * _two(a, b))`` with respect to a and b, stretched to the shape of dy."""
        raise NotImplementedError(f"{type(self).__name__} must define _slopes(a, b, dy).")

    def _output_shape(self, shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
        ndim = len(shapes[0])
        sizes = [set(each) - {1} for each in zip(*shapes, strict=False)]
        if any(len(shape) != ndim for shape in shapes) or any(len(each) > 1 for each in sizes):
            raise ValueError(
                f"inputs of layer {self.name!r} must have equal shapes, or 1 in an axis; their rows have "
                f"{', '.join(map(str, shapes))}."
            )
        return tuple(max(each, default=1) for each in sizes)

    def _forward(self, xs: Sequence[np.ndarray]) -> np.ndarray:
        y = xs[0]
        for x in xs[1:]:
            y = self._two(y, x)
        return y

    def _backward(self, xs: Sequence[np.ndarray], dy: np.ndarray) -> list[np.ndarray]:
        sofar = [xs[0]]
        for x in xs[1:-1]:
            sofar.append(self._two(sofar[-1], x))
        slopes = []
        for before, x in zip(reversed(sofar), reversed(xs[1:]), strict=True):
            of_before, of_x = self._slopes(before, x, dy)
            dy = _summed(of_before, before.shape)
            slopes.append(_summed(of_x, x.shape))
        return [dy, *reversed(slopes)]


def _summed(slope: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """A slope by what was stretched from a shape."""
    axes = tuple(i for i, size in enumerate(shape) if size == 1 and slope.shape[i] != 1)
    return slope.sum(axis=axes, keepdims=True) if axes else slope


class Add(Elementwise):
    """The sum of the inputs.

    Parameters
    ----------
    dtype, name
        As in `Layer`.

    Raises
    ------
    TypeError, ValueError
        When called: inputs are no list, less than two, or of shapes that do not fit each other.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.Add()([np.array([[1.0, 2.0]]), np.array([[3.0, 5.0]])])
    array([[4., 7.]], dtype=float32)
    """

    def _two(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        result: np.ndarray = a + b
        return result

    def _slopes(self, a: np.ndarray, b: np.ndarray, dy: np.ndarray) -> Pair:
        return dy, dy


class Subtract(Elementwise):
    """The first of two inputs without the second.

    Parameters
    ----------
    dtype, name
        As in `Layer`.

    Raises
    ------
    TypeError, ValueError
        When called: inputs are no list of two, or of shapes that do not fit each other.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.Subtract()([np.array([[1.0, 2.0]]), np.array([[3.0, 5.0]])])
    array([[-2., -3.]], dtype=float32)
    """

    _exactly = 2

    def _two(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        result: np.ndarray = a - b
        return result

    def _slopes(self, a: np.ndarray, b: np.ndarray, dy: np.ndarray) -> Pair:
        return dy, -dy


class Multiply(Elementwise):
    """The product of the inputs.

    Parameters
    ----------
    dtype, name
        As in `Layer`.

    Raises
    ------
    TypeError, ValueError
        When called: inputs are no list, less than two, or of shapes that do not fit each other.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.Multiply()([np.array([[1.0, 2.0]]), np.array([[3.0, 5.0]])])
    array([[ 3., 10.]], dtype=float32)
    """

    def _two(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        result: np.ndarray = a * b
        return result

    def _slopes(self, a: np.ndarray, b: np.ndarray, dy: np.ndarray) -> Pair:
        return dy * b, dy * a


class Average(Add):
    """The mean of the inputs.

    Parameters
    ----------
    dtype, name
        As in `Layer`.

    Raises
    ------
    TypeError, ValueError
        When called: inputs are no list, less than two, or of shapes that do not fit each other.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.Average()([np.array([[1.0, 2.0]]), np.array([[3.0, 5.0]])])
    array([[2. , 3.5]], dtype=float32)
    """

    def _forward(self, xs: Sequence[np.ndarray]) -> np.ndarray:
        result: np.ndarray = super()._forward(xs) / xs[0].dtype.type(len(xs))
        return result

    def _backward(self, xs: Sequence[np.ndarray], dy: np.ndarray) -> list[np.ndarray]:
        return super()._backward(xs, dy / dy.dtype.type(len(xs)))


class Extreme(Elementwise):
    """Base of those that let one of two through."""

    def _slopes(self, a: np.ndarray, b: np.ndarray, dy: np.ndarray) -> Pair:
        share = np.where(a == b, 0.5, a == self._two(a, b)).astype(dy.dtype)
        return dy * share, dy * (1 - share)


class Maximum(Extreme):
    """The largest of the inputs.

    Parameters
    ----------
    dtype, name
        As in `Layer`.

    Raises
    ------
    TypeError, ValueError
        When called: inputs are no list, less than two, or of shapes that do not fit each other.

    Notes
    -----
    Two that are equal share the gradient, as in Keras with JAX and PyTorch.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.Maximum()([np.array([[1.0, 7.0]]), np.array([[3.0, 5.0]])])
    array([[3., 7.]], dtype=float32)
    """

    def _two(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        result: np.ndarray = np.maximum(a, b)
        return result


class Minimum(Extreme):
    """The smallest of the inputs.

    Parameters
    ----------
    dtype, name
        As in `Layer`.

    Raises
    ------
    TypeError, ValueError
        When called: inputs are no list, less than two, or of shapes that do not fit each other.

    Notes
    -----
    Two that are equal share the gradient, as in Keras with JAX and PyTorch.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.Minimum()([np.array([[1.0, 7.0]]), np.array([[3.0, 5.0]])])
    array([[1., 5.]], dtype=float32)
    """

    def _two(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        result: np.ndarray = np.minimum(a, b)
        return result
