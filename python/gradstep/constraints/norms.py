"""Constraints of norms, and of signs."""

from __future__ import annotations

import math
from typing import Any

from ..checks import check_float
from .base import Axis, Constraint, axis_word, check_axis

__all__ = ["MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm"]


class NonNeg(Constraint):
    """Constrains weights to be non-negative.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.constraints.NonNeg()([-1.0, 2.0])
    array([0., 2.])
    """

    def rule(self, ndim: int) -> dict[str, Any]:
        """Kind and settings of the constraint, for the compiled core."""
        return {"kind": "non_negative"}


class MinMaxNorm(Constraint):
    r"""Constrains norms of weights to a range.

    Parameters
    ----------
    min_value, max_value : float, default 0.0 and 1.0
        At least 0; `min_value` <= `max_value`.
    rate : float, default 1.0
        How much of the way to the bounds is gone at each step; in [0, 1].
    axis : int, sequence of int or None, default 0
        Along which norms are taken: of a kernel (inputs, units), 0 is the norm of what goes into a unit. None: of all
        numbers together.

    Raises
    ------
    TypeError, ValueError
        A number out of its range; an axis that the weight does not have.

    Notes
    -----
    .. math:: w \leftarrow \frac{w}{|w| + 10^{-7}} \left(r \min(\max(|w|, a), b) + (1 - r) |w|\right)

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.constraints.MinMaxNorm(0.0, 5.0)([[6.0, 0.5], [8.0, 0.5]]).round(3)
    array([[3. , 0.5],
           [4. , 0.5]])
    """

    def __init__(self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: Axis = 0) -> None:
        self.min_value, self.max_value = check_float("min_value", min_value), check_float("max_value", max_value)
        self.rate, self.axis = check_float("rate", rate), axis
        check_axis(axis)
        if not 0 <= self.min_value <= self.max_value or math.isinf(self.min_value):
            raise ValueError(
                f"min_value and max_value must be numbers with 0 <= min_value <= max_value; "
                f"got {min_value!r} and {max_value!r}."
            )
        if not 0 <= self.rate <= 1:
            raise ValueError(f"rate must be in [0, 1]; got {rate!r}.")

    def rule(self, ndim: int) -> dict[str, Any]:
        """Kind and settings of the constraint, for the compiled core."""
        return _norm(self.min_value, self.max_value, self.rate, axis_word(self.axis, ndim))


class MaxNorm(Constraint):
    r"""Constrains norms of weights to a maximum.

    Parameters
    ----------
    max_value : float, default 2
        At least 0.
    axis : int, sequence of int or None, default 0
        As of `MinMaxNorm`.

    Raises
    ------
    TypeError, ValueError
        A number out of its range; an axis that the weight does not have.

    Notes
    -----
    .. math:: w \leftarrow w \min(|w|, b) / (|w| + 10^{-7})

    References
    ----------
    Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", JMLR 15 (2014).

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.constraints.MaxNorm(5.0)([6.0, 8.0]).round(3)
    array([3., 4.])
    """

    def __init__(self, max_value: float = 2, axis: Axis = 0) -> None:
        self.max_value, self.axis = check_float("max_value", max_value), axis
        check_axis(axis)
        if not self.max_value >= 0:
            raise ValueError(f"max_value must be at least 0; got {max_value!r}.")

    def rule(self, ndim: int) -> dict[str, Any]:
        """Kind and settings of the constraint, for the compiled core."""
        return _norm(0.0, self.max_value, 1.0, axis_word(self.axis, ndim))


class UnitNorm(Constraint):
    r"""Constrains norms of weights to 1.

    Parameters
    ----------
    axis : int, sequence of int or None, default 0
        As of `MinMaxNorm`.

    Raises
    ------
    TypeError, ValueError
        `axis` is none, or the weight has not got it.

    Notes
    -----
    .. math:: w \leftarrow w / (|w| + 10^{-7})

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.constraints.UnitNorm()([6.0, 8.0]).round(3)
    array([0.6, 0.8])
    """

    def __init__(self, axis: Axis = 0) -> None:
        check_axis(axis)
        self.axis = axis

    def rule(self, ndim: int) -> dict[str, Any]:
        """Kind and settings of the constraint, for the compiled core."""
        return _norm(1.0, 1.0, 1.0, axis_word(self.axis, ndim))


def _norm(low: float, high: float, rate: float, axis: str) -> dict[str, Any]:
    return {"kind": "norm", "low": low, "high": high, "rate": rate, "axis": axis}
