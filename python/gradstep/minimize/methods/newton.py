"""Newton's method with a line search and without matrices: directions by conjugate gradients."""

from __future__ import annotations

import math

import numpy as np

from ..point import Point
from ..stop import Stop
from .base import Method
from .conjugate import truncated
from .linesearch import Failed, Line, given_gradient, strong_wolfe

__all__ = ["NewtonCG"]


class NewtonCG(Method):
    """Newton's method without matrices: directions by conjugate gradients on the quadratic model, and a line search.

    Notes
    -----
    Products with the Hessian come from ``hessp`` or ``hess``, or from differences of the gradient, one for each inner
    iteration. These end at a residual of ``min(0.5, sqrt(|g|)) |g|``, or at negative curvature.

    References
    ----------
    Nocedal and Wright 2006, "Numerical Optimization", section 7.1.

    Examples
    --------
    >>> import gradstep as gs
    >>> p = gs.problems.rosenbrock
    >>> res = gs.minimize(p.value, p.start, jac=p.gradient, method=gs.minimizers.NewtonCG())
    >>> res.success, res.x.round(4)
    (True, array([1., 1.]))
    """

    name = "newton-cg"

    def _step(self, point: Point) -> Point:
        g = given_gradient(point)
        size = math.sqrt(float(g @ g))
        product = self.objective.hessian_products(point.x, g)
        found = truncated(product, g, min(0.1, math.sqrt(size)) * size, 20 * len(g))
        self.curvature = found.curvature
        return _searched(self, point, found.p)


def _searched(method: Method, point: Point, d: np.ndarray) -> Point:
    """The end of a line search along a Newton direction, or along the negative gradient where that fails."""
    g = given_gradient(point)
    line = Line(method.objective, point, d)
    decrease = -line.slope / 2
    try:
        if not line.slope < 0:
            raise Failed(None)
        return strong_wolfe(line, 1.0)
    except Failed:
        line = Line(method.objective, point, -g)
    try:
        return strong_wolfe(line, min(1.0, 1.0 / math.sqrt(float(g @ g))))
    except Failed:
        raise Stop("line_search", f"slope {-2 * decrease:.2g}", max(decrease, 0.0)) from None
