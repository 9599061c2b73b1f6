"""The user's function as the methods see it: flat vectors, counted calls, checked values, the best point kept."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

import numpy as np

from ... import _core
from ...checks import describe
from ..stop import Stop
from . import differences
from .bounds import Bounds
from .layout import Layout

__all__ = ["Limits", "Objective"]


class Limits:
    """What a run may spend, and the value that is good enough."""

    def __init__(self, maxfev: float = math.inf, maxtime: float = math.inf, target: float = -math.inf) -> None:
        self.maxfev, self.maxtime, self.target = maxfev, maxtime, target
        self.begin = perf_counter()


class Objective:
    """A function of a flat vector.

    Parameters
    ----------
    fun : callable
        ``fun(x, *args)``, x in the structure of `layout`.
    jac : callable, True, or a scheme of finite differences
        True: `fun` gives a pair of value and gradient.
    hess, hessp : callable, optional
        ``hess(x, *args)``, shape (n, n), and ``hessp(x, p, *args)``, shape (n,).
    layout : Layout
    args : tuple
    bounds : Bounds or None
        Points of finite differences stay within; methods see to theirs.
    limits : Limits
    step : float or ndarray, optional
        Absolute step of finite differences.
    mapped : callable, optional
        A ``map`` that evaluates several points at once, of finite differences and populations.
    threads : int
        On which machine code evaluates a population.
    batched : bool
        `fun` takes (P, n) points and gives (P,) values.

    Notes
    -----
    An array that was given to `value` is never written again: the best one is kept, not copied.
    """

    limit_name = "maxiter"  # the argument that says how many iterations there may be
    l1: Any = 0.0  # weight of the sum of |x_i| that OWL-QN adds to the value, or one for each x_i
    has_l1 = False
    own_l1: Any = 0.0  # what the function itself leaves to it
    refines = False  # whether differences become central where forward ones are too rough
    _curvature = 0.0  # the largest that forward differences have met
    _last_differences: tuple[np.ndarray, np.ndarray] | None = None  # the point and gradient of the last forward ones

    def __init__(
        self,
        fun: Callable[..., Any],
        jac: Any,
        layout: Layout,
        *,
        hess: Any = None,
        hessp: Any = None,
        args: tuple[Any, ...] = (),
        bounds: Bounds | None = None,
        limits: Limits | None = None,
        step: Any = None,
        mapped: Any = None,
        threads: int = 1,
        batched: bool = False,
    ) -> None:
        self.fun, self.jac, self.hess, self.hessp, self.layout, self.args = fun, jac, hess, hessp, layout, args
        self.bounds, self.limits, self.step, self.batched = bounds, limits or Limits(), step, batched
        self._map, self.threads = mapped or map, threads
        self.is_pair, self.is_differences = jac is True, isinstance(jac, str)
        self.nfev = self.njev = self.nhev = 0
        self.eps = float(np.finfo(layout.dtype).eps)
        self.best_x, self.best_f = layout.x0, math.inf
        self.best_g: np.ndarray | None = None
        self._x: np.ndarray | None = None  # the last point, and what is known there
        self._f = math.nan
        self._g: np.ndarray | None = None

    @property
    def is_direct(self) -> bool:
        """Whether the core may call `fun` and `jac` itself, with the counting below in C++."""
        return self.is_direct_by_values and not self.is_differences

    @property
    def is_direct_by_values(self) -> bool:
        """The same for a method that asks for values alone."""
        return type(self) is Objective and not (self.batched or self.has_l1)

    @property
    def is_mapped(self) -> bool:
        """Whether several points are evaluated at once."""
        return self._map is not map or self.threads > 1

    @property
    def machine_code(self) -> Any:
        """`fun` in machine code, or None."""
        return self.fun if isinstance(self.fun, _core.MachineCode) else None

    # -- counting ----

    def _spend(self, calls: int = 1) -> None:
        limits = self.limits
        if self.nfev + calls > limits.maxfev:
            raise Stop("maxfev")
        if limits.maxtime < math.inf and perf_counter() - limits.begin > limits.maxtime:
            raise Stop("maxtime")
        self.nfev += calls

    def _saw(self, x: np.ndarray, f: float, g: np.ndarray | None) -> float:
        if self.has_l1:
            f += self.magnitudes(x)
        self._x, self._f, self._g = x, f, g
        if f < self.best_f:
            self.best_x, self.best_f, self.best_g = x, f, g
            if f == -math.inf:
                raise Stop("nan", "f is -inf: it has no minimum")
            if f <= self.limits.target:
                raise Stop("target")
        return f

    def add_l1(self, l1: float) -> None:
        """Add to the function from now on this weight times the sum of |x_i|, and what it leaves itself."""
        self.l1 = l1 + self.own_l1
        self.has_l1 = bool(np.any(self.l1))

    def magnitudes(self, x: np.ndarray) -> float:
        """The weighted sum of |x_i|."""
        if isinstance(self.l1, np.ndarray):
            return float(np.dot(self.l1, np.abs(x)))
        return float(self.l1) * float(np.abs(x).sum(dtype=np.float64))

    # -- values ----

    def value(self, x: np.ndarray) -> float:
        """The value at a point of x0's dtype; not asked again for the last point."""
        if x is self._x:
            return self._f
        if self.batched:
            return float(self.values(x[None])[0])
        self._spend()
        found = self.fun(self.layout.restore(x), *self.args)
        if not self.is_pair:
            return self._saw(x, self._number(found), None)
        value, gradient = self._split(found)
        self.njev += 1
        return self._saw(x, self._number(value), self.layout.flatten(gradient, "the gradient that fun gives"))

    def _split(self, found: Any) -> tuple[Any, Any]:
        if not isinstance(found, (tuple, list)) or len(found) != 2:
            raise TypeError(f"fun must give a pair (value, gradient) with jac=True; got {describe(found)}.")
        return found[0], found[1]

    def _number(self, found: Any) -> float:
        """A value as a float: what has one real number."""
        kind = type(found)
        if kind is float or kind is np.float64:
            return float(found)
        if kind is np.float32:
            self.eps = max(self.eps, float(np.finfo(np.float32).eps))
            return float(found)
        if isinstance(found, tuple):
            raise TypeError(f"fun must give one number; got {describe(found)}: with a gradient beside it, jac=True.")
        try:
            array = np.asarray(found)
            real = array.dtype.kind in "fiub" and array.size == 1
        except (ValueError, TypeError):
            real = False
        if not real:
            got = (
                describe(found)
                if not isinstance(found, (np.ndarray, complex, np.complexfloating))
                else (f"shape {array.shape} of dtype {array.dtype}")
            )
            raise TypeError(f"fun must give one real number; got {got}.")
        if array.dtype == np.float32:
            self.eps = max(self.eps, float(np.finfo(np.float32).eps))
        return float(array.reshape(()))

    def values(self, points: np.ndarray) -> np.ndarray:
        """The values of a population, points (P, n) -> (P,), in one call if `batched`, or through the map."""
        room = self.limits.maxfev - self.nfev
        if room < 1:
            raise Stop("maxfev")
        points = points[: int(min(room, len(points)))]
        if self.batched:
            self._spend(len(points))
            found = np.asarray(self.fun(points.copy(), *self.args))
            if found.shape != (len(points),) or found.dtype.kind not in "fiub":
                raise ValueError(
                    f"fun must give {len(points)} values for {len(points)} points with batched=True; "
                    f"got shape {found.shape} of dtype {found.dtype}."
                )
        elif self.machine_code is not None:
            self._spend(len(points))
            found = self.machine_code.values(points, self.threads)
        elif self._map is map or len(points) == 1:
            found = np.empty(len(points))
            for i, point in enumerate(points):
                found[i] = self.value(point)
            return found
        else:
            found = np.array(self.values_beside(list(points)), np.float64)
        found = found.astype(np.float64, copy=False)
        best = int(np.argmin(np.where(np.isnan(found), math.inf, found)))
        self._saw(points[best], float(found[best]), None)
        return found

    def values_beside(self, points: Sequence[np.ndarray]) -> list[float]:
        """Values through the map, none of which is a candidate for the best one or counts as the last point."""
        self._spend(len(points))
        if self._map is map and not self.args:
            found = [self.fun(self.layout.restore(point)) for point in points]
        elif self.args:
            found = list(self._map(_WithArgs(self.fun, self.args), [self.layout.restore(point) for point in points]))
        else:
            found = list(self._map(self.fun, [self.layout.restore(point) for point in points]))
        if self.jac == "cs":
            return found
        return [self._number(self._split(value)[0] if self.is_pair else value) for value in found]

    def extras(self, x: np.ndarray) -> dict[str, Any]:
        """Fields of the result that only this kind of function has."""
        return {}

    def sentences(self, by_gradient: bool) -> list[str]:
        """What a result's message says about the gradient."""
        if not (by_gradient and self.is_differences and (self.refines or self.jac == "2-point")):
            return []
        kind = "forward" if self.jac == "2-point" else "forward, at last central"
        return [f"The gradient is from {kind} differences of fun; jac= is faster and more exact."]

    # -- derivatives ----

    def gradient(self, x: np.ndarray) -> np.ndarray:
        """The gradient at a point, float64; that of the last point is not asked for again."""
        if x is self._x:
            if self._g is not None:
                return self._g
        elif x is self.best_x and self.best_g is not None:
            return self.best_g
        if self.is_pair:
            self.value(x)
            assert self._g is not None
            return self._g
        if self.is_differences:
            f = self._f if x is self._x else self.value(x)
            g = self._differences(x, f - self.magnitudes(x) if self.has_l1 else f)
        else:
            if self.limits.maxtime < math.inf and perf_counter() - self.limits.begin > self.limits.maxtime:
                raise Stop("maxtime")
            g = self.layout.flatten(self.jac(self.layout.restore(x), *self.args), "jac(x)")
            self.njev += 1
        if x is self._x:
            self._g = g
        if x is self.best_x:
            self.best_g = g
        return g

    def _differences(self, x: np.ndarray, f: float) -> np.ndarray:
        g = differences.difference(self.values_beside, x, f, self.jac, self.eps, self.step, self.bounds)
        if self.refines and self.jac == "2-point":
            if self._is_rough(x, f, g):
                self.jac = "3-point"
                return self._differences(x, f)
            self._last_differences = x, g
        return g

    def _is_rough(self, x: np.ndarray, f: float, g: np.ndarray) -> bool:
        """Whether forward differences are wrong by more than a tenth of the gradient (Gill, Murray and Wright 1981).

        Half the step times the curvature, and rounding. The change of the gradient from point to point tells the
        curvature along one direction; that along all is the largest of those seen, the older ones less and less.
        """
        if self._last_differences is None:
            return False
        x0, g0 = self._last_differences
        moved = float(np.abs(x - x0).max())
        if moved == 0:
            return False
        self._curvature = max(float(np.abs(g - g0).max()) / moved, 0.95 * self._curvature)
        h = float(np.abs(differences.steps(x, "2-point", self.eps, None)).max())
        wrong = h / 2 * self._curvature + 2 * self.eps * abs(f) / h
        left = g if self.bounds is None else self.bounds.projected(x, g)
        return wrong > 0.1 * float(np.abs(left).max())

    def hessian(self, x: np.ndarray, g: np.ndarray | None = None) -> np.ndarray:
        """The matrix of second derivatives (n, n): from `hess`, or from differences of gradients."""
        n = len(x)
        if self.hess is not None:
            given = self._hess(x)
            if hasattr(given, "toarray"):
                given = given.toarray()
            return np.asarray(given if isinstance(given, np.ndarray) else given @ np.eye(n), np.float64)
        if self.hessp is not None:
            rows = np.stack([self.hessian_product(x, row) for row in np.eye(n)])
        else:
            rows = np.stack([self.hessian_product(x, row, g) for row in np.eye(n)])
        symmetric: np.ndarray = (rows + rows.T) / 2
        return symmetric

    def _hess(self, x: np.ndarray) -> Any:
        """What `hess` gives: an array, or a sparse matrix or LinearOperator of SciPy as it is."""
        assert self.hess is not None
        self.nhev += 1
        given, n = self.hess(self.layout.restore(x), *self.args), len(x)
        if not hasattr(given, "shape"):
            given = given.toarray() if hasattr(given, "toarray") else np.asarray(given)
        elif not (hasattr(given, "toarray") or hasattr(given, "matvec")):
            given = np.asarray(given)
        if given.shape != (n, n) or np.dtype(given.dtype).kind not in "fiu":
            raise ValueError(f"hess(x) must have shape {(n, n)}; got {given.shape} of dtype {given.dtype}.")
        return given

    def hessian_product(self, x: np.ndarray, p: np.ndarray, g: np.ndarray | None = None) -> np.ndarray:
        """The Hessian times p: from `hessp` or `hess`, or by a difference of gradients along p."""
        if self.hessp is not None:
            self.nhev += 1
            direction = self.layout.restore(p.astype(self.layout.dtype))
            found = self.hessp(self.layout.restore(x), direction, *self.args)
            return self.layout.flatten(found, "hessp(x, p)")
        if self.hess is not None:
            return np.asarray(self._hess(x) @ p, np.float64)
        size = float(np.sqrt(p @ p))
        if size == 0:
            return np.zeros_like(p)
        scale = 1.0 + float(np.abs(x).max())
        h = 2 * math.sqrt(self.eps) * scale / size if not self.is_differences else self.eps**0.25 * scale / size
        moved = (x + h * p).astype(x.dtype)
        if self.bounds is not None:
            inside = self.bounds.clip(moved)
            if (inside != moved).any():
                h, moved = -h, (x - h * p).astype(x.dtype)
                moved = self.bounds.clip(moved)
        kept = self._x, self._f, self._g
        g = self.gradient(x) if g is None else g
        difference: np.ndarray = (self.gradient_beside(moved) - g) / h
        self._x, self._f, self._g = kept
        return difference

    def hessian_products(self, x: np.ndarray, g: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        """Products with the Hessian at a point with the gradient g: of the matrix, where `hess` alone is known."""
        if self.hess is not None and self.hessp is None:
            H = self._hess(x)
            return lambda p: np.asarray(H @ p, np.float64)
        return lambda p: self.hessian_product(x, p, g)

    def gradient_beside(self, x: np.ndarray) -> np.ndarray:
        """A gradient at a point whose value is not wanted."""
        return self.gradient(x)


class _WithArgs:
    """fun with its further arguments, as a function of x alone that processes can send."""

    def __init__(self, fun: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self.fun, self.args = fun, args

    def __call__(self, x: Any) -> Any:
        return self.fun(x, *self.args)
