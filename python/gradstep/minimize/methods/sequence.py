"""Several methods one after another, each from the best point of the one before."""

from __future__ import annotations

import math
from collections.abc import Callable
from collections.abc import Sequence as Several
from typing import Any

import numpy as np

from ...checks import check_int
from ..objective import Objective
from ..point import Point
from ..stop import Stop
from .base import Method

__all__ = ["Sequence"]

PLATEAU = 50  # iterations in which f must fall by a thousandth, or it is a plateau
FALL = 1e-3


class Sequence(Method):
    """Methods one after another, such as Adam from far away and BFGS at the end.

    Parameters
    ----------
    *methods : str, Optimizer or Method
        At least two; or one list of them.
    switch : int, "plateau", callable, or a list of these
        When the next one begins: after so many iterations; where f fell by less than a thousandth in 50 iterations (of
        itself, or of a thousandth of where the method began); or where ``switch(x, f)`` is true. A list has one for
        each change. In any case the next method begins where one can go no further.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> def fun(x):
    ...     a, b = 1 - x[0], x[1] - x[0] ** 2
    ...     return a * a + 100 * b * b, np.array([-2 * a - 400 * x[0] * b, 200 * b])
    >>> adam = gs.optimizers.Adam(0.05)
    >>> res = gs.minimize(fun, [-1.2, 1.0], jac=True, method=gs.minimizers.Sequence(adam, "bfgs", switch=100))
    >>> res.success, res.nit > 100
    (True, True)
    """

    name = "sequence"

    def __init__(self, *methods: Any, switch: Any = "plateau") -> None:
        from .registry import method_of

        given = list(methods[0]) if len(methods) == 1 and isinstance(methods[0], (list, tuple)) else list(methods)
        if len(given) < 2:
            raise ValueError(f"Sequence needs at least two methods; got {len(given)}.")
        self.methods = [method_of(one, {}, {}) for one in given]
        switches = list(switch) if isinstance(switch, (list, tuple)) else [switch] * (len(given) - 1)
        if len(switches) != len(given) - 1:
            raise ValueError(f"switch must have {len(given) - 1} entries, one for each change; got {len(switches)}.")
        for one in switches:
            if isinstance(one, str) and one != "plateau":
                raise ValueError(f'switch must be a number of iterations, "plateau" or callable; got {one!r}.')
            if not isinstance(one, str) and not callable(one):
                check_int("switch", one, 1)
        self.switches: Several[int | str | Callable[[Any, float], Any]] = switches
        needs = {method.needs for method in self.methods}
        self._needs = "residual" if "residual" in needs else "gradient" if "gradient" in needs else "value"

    @property
    def needs(self) -> str:  # type: ignore[override]
        """What the most demanding of the methods asks of the function."""
        return self._needs

    @property
    def needs_data(self) -> bool:  # type: ignore[override]
        """Whether one of the methods steps after each batch."""
        return any(method.needs_data for method in self.methods)

    @property
    def takes_bounds(self) -> bool:  # type: ignore[override]
        """Whether all of the methods do."""
        return all(method.takes_bounds for method in self.methods)

    def _start(self, objective: Objective, point: Point, seed: int | None) -> None:
        super()._start(objective, point, seed)
        self._seed, self._at = seed, 0
        self._begin(point)

    def _begin(self, point: Point) -> None:
        self._now = self.methods[self._at]
        self._now._rules = self._rules
        self._iterations, self._values, self._first = 0, [point.f], point.f
        self._now._start(self.objective, point, self._seed)

    def _step(self, point: Point) -> Point:
        if self._at + 1 < len(self.methods) and self._switches(point):
            return self._next()
        try:
            new = self._now._step(point)
        except Stop as stop:
            mine = stop.reason in ("line_search", "stalled", "ftol", "xtol", "diverged", "nan")
            if not mine or self._at + 1 == len(self.methods):
                raise
            return self._next()
        self._iterations += 1
        self._values = [*self._values[-PLATEAU:], min(self._values[-1], new.f)]
        if new.g is None and self.needs != "value" and self._now.needs != "value":
            new.g = self.objective.gradient(new.x)
        return new

    def _switches(self, point: Point) -> bool:
        switch = self.switches[self._at]
        if callable(switch):
            return bool(switch(self.objective.layout.restore(point.x), point.f))
        if switch == "plateau":
            if len(self._values) <= PLATEAU:
                return False
            return self._values[0] - self._values[-1] <= FALL * (abs(self._values[-1]) + FALL * abs(self._first))
        return self._iterations >= int(switch)

    def _next(self) -> Point:
        """The best point, from which the next method goes on."""
        self._at += 1
        x, f = self.objective.best_x, self.objective.best_f
        point = Point(np.array(x), f, None, math.nan)
        if self.methods[self._at].needs != "value":
            point.g = self.objective.gradient(x)
        self._begin(point)
        return point

    def _optimality(self, point: Point) -> float:
        return self._now._optimality(point) if self._now.needs != "value" else math.nan

    def _default_maxiter(self, n: int) -> int:
        return sum(method._default_maxiter(n) for method in self.methods)

    def _extras(self, point: Point) -> dict[str, Any]:
        return self._now._extras(point)

    def _sentences(self) -> list[str]:
        names = [f'"{method.name}"' for method in self.methods[: self._at + 1]]
        return [f"The methods were {', then '.join(names)}.", *self._now._sentences()]
