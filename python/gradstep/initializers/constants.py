"""Initializers that do not draw."""

from __future__ import annotations

import numpy as np

from ..checks import check_float
from .base import Initializer

__all__ = ["Constant", "Identity", "Ones", "Zeros"]


class Constant(Initializer):
    """Initializes with a constant.

    Parameters
    ----------
    value : float, default 0.0

    Raises
    ------
    TypeError
        `value` is not a real number.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.initializers.Constant(0.5)((2,))
    array([0.5, 0.5], dtype=float32)
    """

    def __init__(self, value: float = 0.0) -> None:
        self.value = check_float("value", value)

    def draw(self, shape: tuple[int, ...]) -> np.ndarray:
        """The number, in this shape."""
        return np.full(shape, self.value)


class Zeros(Constant):
    """Initializes with zeros.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.initializers.Zeros()((2,))
    array([0., 0.], dtype=float32)
    """

    def __init__(self) -> None:
        super().__init__(0.0)


class Ones(Constant):
    """Initializes with ones.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.initializers.Ones()((2,))
    array([1., 1.], dtype=float32)
    """

    def __init__(self) -> None:
        super().__init__(1.0)


class Identity(Initializer):
    """Identity matrix, times a gain.

    Parameters
    ----------
    gain : float, default 1.0
        In place of 1.

    Raises
    ------
    TypeError
        `gain` is not a real number.
    ValueError
        At the call: the shape is not that of a matrix.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.initializers.Identity(2.0)((2, 3))
    array([[2., 0., 0.],
           [0., 2., 0.]], dtype=float32)
    """

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = check_float("gain", gain)

    def draw(self, shape: tuple[int, ...]) -> np.ndarray:
        """The diagonal."""
        if len(shape) != 2:
            raise ValueError(f"shape must be that of a matrix for Identity; got {shape}.")
        return self.gain * np.eye(*shape)
