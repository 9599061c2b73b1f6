"""Linear conjugate gradients on a quadratic model, which stop at negative curvature or at a radius."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

__all__ = ["Truncated", "truncated"]


@dataclass
class Truncated:
    """What the iterations came to.

    Attributes
    ----------
    p : ndarray, shape (n,)
        The step.
    decrease : float
        By how much the model falls along it.
    curvature : float
        The lowest curvature ``p'Hp / p'p`` that was met.
    """

    p: np.ndarray
    decrease: float
    curvature: float


def truncated(
    product: Callable[[np.ndarray], np.ndarray],
    g: np.ndarray,
    tolerance: float,
    limit: int,
    radius: float = math.inf,
) -> Truncated:
    """Minimize ``g . p + p'Hp / 2`` until the residual is at most `tolerance`.

    Parameters
    ----------
    product : callable
        ``product(p)`` gives H p.
    g : ndarray, shape (n,)
    tolerance : float
    limit : int
        Most iterations.
    radius : float
        Where the step ends; along negative curvature it goes there. Without one, the step ends at the last iterate, or
        is the first direction where that has negative curvature.

    References
    ----------
    Steihaug 1983, SIAM J. Numer. Anal. 20. Nocedal and Wright 2006, algorithms 7.1 and 7.2.
    """
    p, r = np.zeros_like(g), g.copy()
    d, rr = -r, float(r @ r)
    decrease, lowest = 0.0, math.inf
    for i in range(limit):
        Hd = product(d)
        dHd, dd = float(d @ Hd), float(d @ d)
        lowest = min(lowest, dHd / dd if dd else math.inf)
        flat = not dHd > 1e-14 * dd * max(1.0, abs(lowest))
        if flat and radius == math.inf:
            if i == 0:
                return Truncated(d, rr, lowest)
            break
        alpha = rr / dHd if not flat else math.inf
        if flat or _size(p + alpha * d) >= radius:
            alpha = _to_edge(p, d, radius)
            decrease += alpha * rr - 0.5 * alpha * alpha * dHd
            return Truncated(p + alpha * d, decrease, lowest)
        p = p + alpha * d
        decrease += 0.5 * alpha * rr
        r = r + alpha * Hd
        before, rr = rr, float(r @ r)
        if math.sqrt(rr) <= tolerance:
            break
        d = (rr / before) * d - r
    return Truncated(p, decrease, lowest)


def _size(p: np.ndarray) -> float:
    return math.sqrt(float(p @ p))


def _to_edge(p: np.ndarray, d: np.ndarray, radius: float) -> float:
    """The alpha > 0 with ``|p + alpha d| = radius``."""
    a, b, c = float(d @ d), float(p @ d), float(p @ p) - radius * radius
    root = math.sqrt(max(b * b - a * c, 0.0))
    return -c / (b + root) if b > 0 else (root - b) / a
