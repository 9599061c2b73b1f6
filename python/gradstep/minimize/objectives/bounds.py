"""Bounds of the variables: how they are given, the projection onto them, the gradient that they leave."""

from __future__ import annotations

from typing import Any

import numpy as np

from .layout import Layout

__all__ = ["Bounds"]


class Bounds:
    """Lower and upper bounds of every component, in float64.

    Parameters
    ----------
    lower, upper : ndarray of float64, shape (n,)
        With infinities where there is no bound.
    """

    def __init__(self, lower: np.ndarray, upper: np.ndarray) -> None:
        self.lower, self.upper = lower, upper

    @classmethod
    def of(cls, given: Any, layout: Layout) -> Bounds | None:
        """Bounds as SciPy takes them: n pairs, or an object with ``lb`` and ``ub``; None if there are none.

        For an x0 that is no vector, a pair ``(lower, upper)``: each a number, None, or the structure of x0.

        Raises
        ------
        TypeError, ValueError
            Not of that form, NaN, or a lower bound above its upper one.
        """
        if given is None:
            return None
        if hasattr(given, "lb") and hasattr(given, "ub"):
            lower = _side(_for_all(given.lb), layout, -np.inf, "bounds.lb")
            upper = _side(_for_all(given.ub), layout, np.inf, "bounds.ub")
        elif layout.is_vector or layout.size == 1:
            lower, upper = _pairs(given, layout)
        else:
            if not isinstance(given, (list, tuple)) or len(given) != 2:
                raise TypeError("bounds must be a pair (lower, upper): numbers, None, or the structure of x0.")
            lower = _side(given[0], layout, -np.inf, "bounds[0]")
            upper = _side(given[1], layout, np.inf, "bounds[1]")
        for i in np.flatnonzero(~(lower <= upper)):
            what = layout.name(int(i))
            raise ValueError(f"bounds of {what} must have lower <= upper; got ({lower[i]:g}, {upper[i]:g}).")
        lower, upper = _representable(lower, layout.dtype, np.inf), _representable(upper, layout.dtype, -np.inf)
        if not (np.isfinite(lower) | np.isfinite(upper)).any():
            return None
        return cls(lower, upper)

    @property
    def finite(self) -> bool:
        """Whether every component has both bounds."""
        return bool(np.isfinite(self.lower).all() and np.isfinite(self.upper).all())

    def clip(self, x: np.ndarray) -> np.ndarray:
        """The nearest point within the bounds."""
        inside: np.ndarray = np.minimum(np.maximum(x, self.lower), self.upper).astype(x.dtype, copy=False)
        return inside

    def projected(self, x: np.ndarray, g: np.ndarray) -> np.ndarray:
        """The part of a gradient along which x can move: x - P(x - g)."""
        moved: np.ndarray = x - np.minimum(np.maximum(x - g, self.lower), self.upper)
        return moved

    def active(self, x: np.ndarray) -> np.ndarray:
        """Which components lie on a bound."""
        return np.asarray((x <= self.lower) | (x >= self.upper))

    def reflect(self, x: np.ndarray) -> np.ndarray:
        """Points beyond a bound, reflected at it; those too far beyond are clipped."""
        x = np.where(x < self.lower, 2 * self.lower - x, x)
        x = np.where(x > self.upper, 2 * self.upper - x, x)
        return self.clip(x)


def _pairs(given: Any, layout: Layout) -> tuple[np.ndarray, np.ndarray]:
    try:
        pairs = [tuple(pair) for pair in given]
    except TypeError:
        raise TypeError("bounds must be a sequence of pairs (lower, upper), None where there is none.") from None
    if len(pairs) != layout.size:
        raise ValueError(f"bounds must have {layout.size} pairs, one for each component of x0; got {len(pairs)}.")
    sides = np.empty((2, layout.size))
    for i, pair in enumerate(pairs):
        if len(pair) != 2:
            raise ValueError(f"bounds[{i}] must be a pair (lower, upper); it has length {len(pair)}.")
        for side, none, value in zip(sides, (-np.inf, np.inf), pair, strict=True):
            side[i] = _number(value, none, f"bounds[{i}]")
    return sides[0], sides[1]


def _number(value: Any, none: float, name: str) -> float:
    try:
        number = none if value is None else float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must hold real numbers or None; got {value!r}.") from None
    if number != number:
        raise ValueError(f"{name} must not be NaN.")
    return number


def _for_all(side: Any) -> Any:
    """The one number of an array of size 1, which is a bound of all components: so SciPy keeps ``Bounds(0, 1)``."""
    return side[0] if isinstance(side, np.ndarray) and side.shape == (1,) else side


def _side(value: Any, layout: Layout, none: float, name: str) -> np.ndarray:
    if value is None or (np.ndim(value) == 0 and not isinstance(value, dict)):
        return np.full(layout.size, _number(value, none, name))
    side = layout.flatten(value, name)
    if np.isnan(side).any():
        raise ValueError(f"{name} must not be NaN.")
    return side


def _representable(side: np.ndarray, dtype: np.dtype[Any], inward: float) -> np.ndarray:
    """Bounds as numbers of x's dtype, rounded inwards: a float32 point on one is never beyond it."""
    with np.errstate(over="ignore"):
        near = side.astype(dtype)
    beyond = near.astype(np.float64) < side if inward > 0 else near.astype(np.float64) > side
    return np.where(beyond, np.nextafter(near, dtype.type(inward)), near).astype(np.float64)
