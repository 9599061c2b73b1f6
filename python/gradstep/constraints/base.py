"""What every constraint can do: settings of the computation in csrc/graph/weight_attributes.hpp."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from ..checks import numeric, rows_of
from ..config import FLOATS, floatx
from ..described import Described

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["Axis", "Constraint", "axis_word"]

Axis = int | Sequence[int] | None


class Constraint(Described):
    """Base of the constraints: what weights must be after each step. A subclass says it in the engine's words."""

    def rule(self, ndim: int) -> dict[str, Any]:
        """The constraint of an array of so many dimensions, in the engine's words."""
        raise NotImplementedError(f"{type(self).__name__} must define rule(ndim).")

    def __call__(self, w: ArrayLike) -> np.ndarray:
        """The weights as they must be, in a new array.

        Parameters
        ----------
        w : array_like
            A vector or a matrix.

        Raises
        ------
        TypeError, ValueError
            `w` is no array of numbers, or has a shape or no axis that the constraint is for.
        """
        array = numeric(w, "w")
        rule = self.rule(array.ndim)
        rows = rows_of(array, array.dtype.name if array.dtype.name in FLOATS else floatx())
        return _core.constrained(rows, {"constraint": rule})


def axis_word(axis: Any, ndim: int) -> str:
    """Along which numbers norms are taken, in the engine's words."""
    if ndim not in (1, 2):
        raise ValueError(f"w must be a vector or a matrix; it has {ndim} dimensions.")
    axes = range(ndim) if axis is None else [axis] if isinstance(axis, (int, np.integer)) else axis
    if isinstance(axis, (bool, str)) or not isinstance(axes, (range, list, tuple)):
        raise TypeError(f"axis must be an int, some of them, or None; got {axis!r}.")
    for each in axes:
        if isinstance(each, bool) or not isinstance(each, (int, np.integer)):
            raise TypeError(f"axis must be an int, some of them, or None; got {axis!r}.")
        if not -ndim <= each < ndim:
            raise ValueError(f"axis must be in [{-ndim}, {ndim}) for an array of {ndim} dimensions; got {axis!r}.")
    known = {each % ndim for each in axes}
    if not known:
        raise ValueError(f"axis must name an axis; got {axis!r}.")
    return "all" if len(known) == ndim else "first" if known == {0} else "last"
