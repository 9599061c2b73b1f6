"""Gradients by finite differences, inside the bounds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .bounds import Bounds

__all__ = ["SCHEMES", "difference", "steps"]

SCHEMES = ("2-point", "3-point", "cs")
Values = Callable[[Sequence[np.ndarray]], "list[Any]"]


def steps(x: np.ndarray, scheme: str, eps: float, step: float | np.ndarray | None) -> np.ndarray:
    """Step of each component, away from 0: eps^(1/2), or eps^(1/3) for central differences, relative to max(1, |x|)."""
    if step is not None:
        return np.array(np.broadcast_to(np.asarray(step, np.float64), x.shape))
    relative = eps ** (1 / 3) if scheme == "3-point" else eps**0.5
    away: np.ndarray = np.where(x < 0, -relative, relative) * np.maximum(1.0, np.abs(x))
    return away


def difference(
    values: Values, x: np.ndarray, fx: Any, scheme: str, eps: float, step: Any, bounds: Bounds | None
) -> np.ndarray:
    """Derivatives of f by each component, shape (n,) for a number, (m, n) for m residuals.

    Parameters
    ----------
    values : callable
        Gives f at each of a list of points.
    x : ndarray, shape (n,)
        Where; fx is f there.
    scheme : {"2-point", "3-point", "cs"}
        Forward, central, or by the complex step, which has no rounding error but needs an f of complex numbers.
    eps : float
        Relative error of f.
    step : float, ndarray or None
        Absolute steps.
    bounds : Bounds or None
        No point is outside them: steps turn where there is no room, and central ones become one-sided.
    """
    n = len(x)
    if scheme == "cs":
        tiny = 1e-30
        points = [x.astype(np.complex128) for _ in range(n)]
        for i, point in enumerate(points):
            point[i] += 1j * tiny
        return np.stack([np.imag(value) / tiny for value in values(points)], axis=-1)
    h = steps(x, scheme, eps, step)
    forward = x.astype(np.float64) + h
    backward = x.astype(np.float64) - h
    if bounds is not None:
        out = (forward < bounds.lower) | (forward > bounds.upper)
        out_back = (backward < bounds.lower) | (backward > bounds.upper)
        room_up, room_down = bounds.upper - x, x - bounds.lower
        farther = np.where(room_up >= room_down, room_up, -room_down)
        if scheme == "3-point":
            # Where one side has no room: the points x + h and x + 2h of the other one.
            one_sided = out | out_back
            inward = np.where(np.abs(farther) < 2 * np.abs(h), farther / 2, np.copysign(h, farther))
            forward = np.where(one_sided, x + inward, forward)
            backward = np.where(one_sided, x + 2 * inward, backward)
        else:
            one_sided = np.zeros(n, bool)
            turned = np.where(out_back, np.where(np.abs(farther) < np.abs(h), farther, -h), -h)
            forward = np.where(out, x + turned, forward)
    else:
        one_sided = np.zeros(n, bool)
    points = []
    sides = (forward, backward) if scheme == "3-point" else (forward,)
    for side in sides:
        for i in range(n):
            point = x.copy()
            point[i] = side[i]
            points.append(point)
    found = values(points)
    with np.errstate(all="ignore"):
        columns = []
        for i in range(n):
            # The steps that rounding made, not those that were meant.
            up = float(points[i][i]) - float(x[i])
            if up == 0:  # no room at all: a variable that its bounds fix
                columns.append(np.zeros_like(np.asarray(fx, np.float64)))
            elif scheme == "2-point":
                columns.append((found[i] - fx) / up)
            elif one_sided[i]:
                far = float(points[n + i][i]) - float(x[i])
                columns.append(
                    (found[i] - fx) * far / (up * (far - up)) - (found[n + i] - fx) * up / (far * (far - up))
                )
            else:
                columns.append((found[i] - found[n + i]) / (up - (float(points[n + i][i]) - float(x[i]))))
    return np.stack(columns, axis=-1)
