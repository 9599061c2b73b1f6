"""Elementwise merges of several inputs (csrc/layers/elementwise.hpp)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .merging import Merge

__all__ = ["Add", "Average", "Elementwise", "Maximum", "Minimum", "Multiply", "Subtract"]


class Elementwise:
    """Mixin, before `Merge` among the bases, of elementwise merges, which fold their inputs: f(f(a, b), c).

    Inputs with fewer axes, or with 1 in an axis, are broadcast to the shape of the others, as in NumPy; rows are not.
    """

    name: str
    _least = 2
    _kind = ""  # of the specification

    def specification(self) -> dict[str, Any]:
        """Kind and settings of the layer, for the compiled core."""
        return {"kind": self._kind}

    def _output_shape(self, shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
        try:
            return np.broadcast_shapes(*shapes)
        except ValueError:
            raise ValueError(
                f"inputs of layer {self.name!r} must have equal shapes, or 1 in an axis; their rows have "
                f"{', '.join(map(str, shapes))}."
            ) from None


class Add(Elementwise, Merge):
    """Adds inputs elementwise.

    Parameters
    ----------
    dtype, name
        As in `Layer`.

    Raises
    ------
    TypeError, ValueError
        When called: the inputs are not a list of two or more, or their shapes cannot be broadcast together.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.Add()([np.array([[1.0, 2.0]]), np.array([[3.0, 5.0]])])
    array([[4., 7.]], dtype=float32)
    """

    _kind = "add"


class Subtract(Elementwise, Merge):
    """Subtracts the second of two inputs from the first, elementwise.

    Parameters
    ----------
    dtype, name
        As in `Layer`.

    Raises
    ------
    TypeError, ValueError
        When called: the inputs are not a list of two, or their shapes cannot be broadcast together.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.Subtract()([np.array([[1.0, 2.0]]), np.array([[3.0, 5.0]])])
    array([[-2., -3.]], dtype=float32)
    """

    _kind = "subtract"
    _exactly = 2


class Multiply(Elementwise, Merge):
    """Multiplies inputs elementwise.

    Parameters
    ----------
    dtype, name
        As in `Layer`.

    Raises
    ------
    TypeError, ValueError
        When called: the inputs are not a list of two or more, or their shapes cannot be broadcast together.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.Multiply()([np.array([[1.0, 2.0]]), np.array([[3.0, 5.0]])])
    array([[ 3., 10.]], dtype=float32)
    """

    _kind = "multiply"


class Average(Elementwise, Merge):
    """Averages inputs elementwise.

    Parameters
    ----------
    dtype, name
        As in `Layer`.

    Raises
    ------
    TypeError, ValueError
        When called: the inputs are not a list of two or more, or their shapes cannot be broadcast together.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.Average()([np.array([[1.0, 2.0]]), np.array([[3.0, 5.0]])])
    array([[2. , 3.5]], dtype=float32)
    """

    _kind = "average"


class Maximum(Elementwise, Merge):
    """Elementwise maximum of the inputs.

    Parameters
    ----------
    dtype, name
        As in `Layer`.

    Raises
    ------
    TypeError, ValueError
        When called: the inputs are not a list of two or more, or their shapes cannot be broadcast together.

    Notes
    -----
    Two that are equal share the gradient, as in Keras with JAX and PyTorch.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.Maximum()([np.array([[1.0, 7.0]]), np.array([[3.0, 5.0]])])
    array([[3., 7.]], dtype=float32)
    """

    _kind = "maximum"


class Minimum(Elementwise, Merge):
    """Elementwise minimum of the inputs.

    Parameters
    ----------
    dtype, name
        As in `Layer`.

    Raises
    ------
    TypeError, ValueError
        When called: the inputs are not a list of two or more, or their shapes cannot be broadcast together.

    Notes
    -----
    Two that are equal share the gradient, as in Keras with JAX and PyTorch.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.Minimum()([np.array([[1.0, 7.0]]), np.array([[3.0, 5.0]])])
    array([[1., 5.]], dtype=float32)
    """

    _kind = "minimum"
