"""Methods that compare values only: they propose points, and are told what f is there."""

from __future__ import annotations

import math
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any, ClassVar

import numpy as np

from ...checks import check_int
from ...seeds import Key, fresh_key, generator, key_of
from ..objectives.bounds import Bounds
from ..objectives.layout import Layout
from ..objectives.objective import Objective
from ..point import Point
from ..stop import Stop
from .base import Method

__all__ = ["Population"]


class Population(Method):
    """Base of the methods that ask for points and are told their values.

    In a loop of one's own: `start`, then ``X = method.ask()`` and ``method.tell(X, values)`` in turn. `state_dict` is
    all that a run needs to go on, to the last bit: numbers come from counters, not from a generator's state.

    Attributes
    ----------
    x, fun : ndarray, float
        The best point that was told, and its value.
    generation : int
        How often `tell` was called.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> es = gs.minimizers.CMAES()
    >>> es.start([3.0, 1.0], seed=0)
    >>> for _ in range(120):
    ...     X = es.ask()
    ...     es.tell(X, (X**2).sum(axis=1))
    >>> bool(es.fun < 1e-10)
    True
    """

    needs = "value"
    takes_bounds = True
    is_stochastic = True
    # Names of the attributes that a run changes: arrays and numbers.
    _state: ClassVar[tuple[str, ...]] = ()

    x: np.ndarray
    fun: float
    generation: int
    _key: Key
    _asked: np.ndarray | None

    def start(self, x0: Any, bounds: Any = None, seed: int | None = None, evaluations: int | None = None) -> None:
        """Begin a run.

        Parameters
        ----------
        x0 : array_like, shape (n,)
        bounds : sequence of pairs, optional
            As `minimize` takes them.
        seed : int, optional
            By default the numbers are different each time, unless `utils.set_random_seed` was called.
        evaluations : int, optional
            How many there will be, for methods that plan ahead.
        """
        layout = Layout(x0)
        self._begin(
            layout.x0.astype(np.float64),
            Bounds.of(bounds, layout),
            key_of(seed) or fresh_key(),
            None if evaluations is None else check_int("evaluations", evaluations, 1),
        )

    def ask(self) -> np.ndarray:
        """The points whose values are wanted next, shape (P, n)."""
        points = self._points()
        self._asked = points
        asked: np.ndarray = points.copy()
        return asked

    def tell(self, X: np.ndarray, values: Any) -> None:
        """Take the values of the points of the last `ask`.

        Parameters
        ----------
        X : ndarray, shape (P, n)
            As `ask` gave them.
        values : array_like, shape (P,)
            NaN counts as infinity.

        Raises
        ------
        ValueError
            Another number of points or values.
        """
        asked = self._asked
        values = np.asarray(values, np.float64)
        if asked is None or np.shape(X) != asked.shape or values.shape != (len(asked),):
            want = "ask() first" if asked is None else f"X of shape {asked.shape} and {len(asked)} values"
            raise ValueError(f"tell needs {want}; got X of shape {np.shape(X)} and values of shape {values.shape}.")
        values = np.where(np.isnan(values), math.inf, values)
        best = int(np.argmin(values))
        if values[best] < self.fun:
            self.x, self.fun = np.array(X[best], np.float64), float(values[best])
        self._asked = None
        self._learn(asked, values)
        self.generation += 1

    def state_dict(self) -> dict[str, Any]:
        """The state of the run: arrays and numbers by name, copies."""
        return {name: _copied(getattr(self, attribute)) for name, attribute in self._state_names().items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state that `state_dict` gave, after `start` with the same x0 and bounds.

        Raises
        ------
        ValueError
            The state is of another method: names are missing or too many.
        """
        self._check_names(state)
        names = self._state_names()
        for name, value in state.items():
            setattr(self, names[name], _copied(value))
        self._key = int(self._key[0]), int(self._key[1])
        self._asked = None

    def _state_names(self) -> dict[str, str]:
        """Names in the state, and the attributes."""
        return {name.lstrip("_"): name for name in ("x", "fun", "generation", "_key", "_planned", *self._state)}

    def _check_names(self, state: Mapping[str, Any], more: AbstractSet[str] = frozenset()) -> None:
        wrong = sorted(set(state) ^ (set(self._state_names()) | more))
        if wrong:
            raise ValueError(f"state must be a state_dict of {type(self).__name__}; it differs in {', '.join(wrong)}.")

    # -- for subclasses ----

    def _begin(self, x0: np.ndarray, bounds: Bounds | None, key: Key, evaluations: int | None) -> None:
        self._x0, self._bounds, self._key = x0, bounds, key
        self._planned = evaluations
        self.x, self.fun, self.generation = x0.copy(), math.inf, 0
        self._asked = None
        # How far variables may be expected to move: the width of their bounds.
        self._width = np.ones(len(x0))
        if bounds is not None:
            width = bounds.upper - bounds.lower
            self._width = np.where(np.isfinite(width) & (width > 0), width, 1.0)
        self._init()

    def _init(self) -> None:
        """Make the state of a run."""

    def _points(self) -> np.ndarray:
        """The points of a generation, in memory of their own."""
        raise NotImplementedError(f"{type(self).__name__} must define _points().")

    def _learn(self, X: np.ndarray, values: np.ndarray) -> None:
        """Change the state by the values of the last points."""

    def _rng(self) -> np.random.Generator:
        return generator(self._key, self.generation)

    def _ended(self) -> Stop | None:
        """Why no further generation makes sense, if none does."""
        return None

    def _spread(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Points all over the bounds, or around x0 where there are none."""
        n = len(self._x0)
        cells = np.argsort(rng.random((count, n)), axis=0)
        share = (cells + rng.random((count, n))) / count
        radius = np.maximum(1.0, np.abs(self._x0))
        low, high = self._x0 - radius, self._x0 + radius
        if self._bounds is not None:
            low = np.where(np.isfinite(self._bounds.lower), self._bounds.lower, low)
            high = np.where(np.isfinite(self._bounds.upper), self._bounds.upper, high)
        points: np.ndarray = low + share * (np.maximum(high, low) - low)
        return points

    def _inside(self, X: np.ndarray) -> np.ndarray:
        return X if self._bounds is None else self._bounds.reflect(X)

    # -- as a method of minimize ----

    def _start(self, objective: Objective, point: Point, seed: int | None) -> None:
        super()._start(objective, point, seed)
        most = objective.limits.maxfev
        self._begin(
            point.x.astype(np.float64),
            objective.bounds,
            key_of(seed) or fresh_key(),
            int(most - objective.nfev) if most < math.inf and most > objective.nfev else None,
        )
        self.x, self.fun = point.x.astype(np.float64), point.f
        self._settled: Stop | None = None

    def _step(self, point: Point) -> Point:
        ended = self._ended()
        if ended is not None:
            raise ended
        X = self.ask()
        asked = X.astype(point.x.dtype) if point.x.dtype != np.float64 else X
        values = self.objective.values(asked)
        if len(values) < len(X):
            raise Stop("maxfev")
        self.tell(X, values)
        best = int(np.argmin(np.where(np.isnan(values), math.inf, values)))
        return Point(asked[best].copy(), float(values[best]), None, self._step_size())

    def _step_size(self) -> float:
        return math.nan

    def _extras(self, point: Point) -> dict[str, Any]:
        return {"method": self}


def _copied(value: Any) -> Any:
    return value.copy() if isinstance(value, np.ndarray) else value
