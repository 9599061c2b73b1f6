"""Base class of the regularizers, which are computed in csrc/graph/weight_attributes.hpp."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from .. import _core
from ..checks import check_float, numeric, rows_of
from ..config import FLOATS, floatx
from ..described import Described, check_unsettled

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["Regularizer", "factor"]


class Regularizer(Described):
    """Base class of the regularizers, penalties of weights in the loss. A subclass defines `penalty`.

    Examples
    --------
    >>> import gradstep as gs
    >>> isinstance(gs.regularizers.L2(0.1), gs.regularizers.Regularizer), gs.regularizers.L2(0.1)([1.0, 2.0])
    (True, 0.5)
    """

    def __setattr__(self, name: str, value: Any) -> None:
        check_unsettled(self, name)
        super().__setattr__(name, value)

    def penalty(self) -> dict[str, Any]:
        """Kind and settings of the penalty, for the compiled core."""
        raise NotImplementedError(f"{type(self).__name__} must define penalty().")

    def __call__(self, x: ArrayLike) -> float:
        """The penalty of a weight.

        Parameters
        ----------
        x : array_like
            A vector, a matrix, or a kernel of more axes.

        Raises
        ------
        TypeError, ValueError
            `x` is no array of numbers, or a single number.
        """
        array = numeric(x, "x")
        self.check(array.shape)
        rows = rows_of(array, array.dtype.name if array.dtype.name in FLOATS else floatx())
        return _core.penalty(rows.reshape(-1, rows.shape[-1]) if rows.ndim > 2 else rows, self._specification())

    def check(self, shape: tuple[int, ...]) -> None:
        """Raise ValueError for a shape that the regularizer does not take."""
        if not shape:
            raise ValueError(f"x must be an array of one axis or more; its shape is {shape}.")

    def _specification(self) -> dict[str, Any]:
        return {"penalty": self.penalty()}


def factor(name: str, value: Any) -> float:
    """A finite number, at least 0."""
    number = check_float(name, value)
    if not 0 <= number < math.inf:
        raise ValueError(f"{name} must be a finite number, at least 0; got {value!r}.")
    return number
