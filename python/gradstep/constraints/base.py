"""Base class of the constraints, which are computed in csrc/graph/weight_attributes.hpp."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from ..checks import brief, numeric, rows_of
from ..config import FLOATS, floatx
from ..described import Described, check_unsettled

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["Axis", "Constraint", "axis_word", "check_axis"]

Axis = int | Sequence[int] | None


class Constraint(Described):
    """Base class of the constraints, which project weights after each step. A subclass defines `rule`.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> w = gs.constraints.NonNeg()(np.array([-1.0, 2.0]))
    >>> w, isinstance(gs.constraints.NonNeg(), gs.constraints.Constraint)
    (array([0., 2.]), True)
    """

    def __setattr__(self, name: str, value: Any) -> None:
        check_unsettled(self, name)
        super().__setattr__(name, value)

    def rule(self, ndim: int) -> dict[str, Any]:
        """Kind and settings of the constraint for an array of this many dimensions."""
        raise NotImplementedError(f"{type(self).__name__} must define rule(ndim).")

    def __call__(self, w: ArrayLike) -> np.ndarray:
        """The weights as they must be, in a new array.

        Parameters
        ----------
        w : array_like
            A vector, a matrix, or a kernel of more axes.

        Raises
        ------
        TypeError, ValueError
            `w` is no array of numbers, or has a shape or no axis that the constraint is for.
        """
        array = numeric(w, "w")
        rule = self.rule(array.ndim)
        rows = rows_of(array, array.dtype.name if array.dtype.name in FLOATS else floatx())
        flat = rows.reshape(-1, rows.shape[-1]) if rows.ndim > 2 else rows  # as the engine sees kernels
        return _core.constrained(flat, {"constraint": rule}).reshape(rows.shape)


def axis_word(axis: Any, ndim: int) -> str:
    """The axes over which norms are taken, as the compiled core names them."""
    if ndim < 1:
        raise ValueError("w must be an array of one axis or more; it has none.")
    axes = range(ndim) if axis is None else [axis] if isinstance(axis, (int, np.integer)) else axis
    if isinstance(axis, (bool, str)) or not isinstance(axes, (range, list, tuple)):
        raise TypeError(f"axis must be an int, some of them, or None; got {brief(axis)}.")
    for each in axes:
        if isinstance(each, bool) or not isinstance(each, (int, np.integer)):
            raise TypeError(f"axis must be an int, some of them, or None; got {brief(axis)}.")
        if not -ndim <= each < ndim:
            raise ValueError(f"axis must be in [{-ndim}, {ndim}) for an array of {ndim} dimensions; got {brief(axis)}.")
    known = {each % ndim for each in axes}
    if not known:
        raise ValueError(f"axis must name an axis; got {brief(axis)}.")
    if len(known) == ndim:
        return "all"
    if known not in ({ndim - 1}, set(range(ndim - 1))):
        raise ValueError(
            f"axis must be all but the last of a kernel of {ndim} dimensions, {list(range(ndim - 1))}, or the last, or "
            f"all; got {brief(axis)}."
        )
    return "first" if known == set(range(ndim - 1)) else "last"


def check_axis(axis: Any) -> None:
    """Refuse what is an axis of no weight; several may be of a kernel of more axes than two."""
    several = [each for each in axis if isinstance(each, int)] if isinstance(axis, (list, tuple)) else []
    last = max(several, default=0)
    axis_word(axis, last + 2 if last > 1 else 2)
