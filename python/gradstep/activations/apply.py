"""How a function of an array becomes the engine's; and what it is there, for layers that hold it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from ..checks import check_float, numeric, rows_of
from ..config import floatx

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["Spec", "SpecRequest", "along", "apply"]

# An activation as the compiled core takes it: {"kind": name, and settings by name}.
Spec = dict[str, Any]


class SpecRequest:
    """Given in place of an array, an activation says in `use` what it is, and computes nothing."""

    def __init__(self) -> None:
        self.spec: Spec = {}


def apply(kind: str, x: ArrayLike | SpecRequest, **settings: float) -> np.ndarray:
    """x (...), of any strides -> f(x), a new array of its shape. Other dtypes than floats are converted to floatx."""
    spec: Spec = {"kind": kind} | {name: check_float(name, value) for name, value in settings.items()}
    if isinstance(x, SpecRequest):
        _core.activation(spec, np.zeros((1, 1), np.float32))  # checks the settings
        x.spec = spec
        return np.empty(0)
    array = numeric(x, "x")
    kept = isinstance(x, np.ndarray) and array.dtype in (np.float32, np.float64)
    return _core.activation(spec, rows_of(array, array.dtype.name if kept else floatx()))


def along(kind: str, x: ArrayLike | SpecRequest, axis: int) -> np.ndarray:
    """`apply`, for one that works along an axis."""
    if isinstance(x, SpecRequest):
        if axis not in (-1, 1):
            raise ValueError(f"axis must be -1 or 1 in a layer, whose rows are (n,); got {axis!r}.")
        return apply(kind, x)
    array = numeric(x, "x")
    if array.ndim == 0:
        return apply(kind, x)  # which says what is wrong
    place = axis_of(axis, array.ndim)
    if place == array.ndim - 1:
        return apply(kind, x)
    kept = array if isinstance(x, np.ndarray) else array.astype(floatx())
    return np.ascontiguousarray(np.moveaxis(apply(kind, np.moveaxis(kept, place, -1)), -1, place))


def axis_of(axis: int, ndim: int) -> int:
    """An axis counted from the first."""
    if isinstance(axis, bool) or not isinstance(axis, (int, np.integer)):
        raise TypeError(f"axis must be an int; got {axis!r}.")
    if not -ndim <= axis < ndim:
        raise ValueError(f"axis must be in [{-ndim}, {ndim}); got {axis}.")
    return int(axis) % ndim
