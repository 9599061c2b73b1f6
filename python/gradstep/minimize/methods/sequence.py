"""Several methods one after another, each from the best point of the one before."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from collections.abc import Sequence as Several
from typing import Any

import numpy as np

from ...checks import check_int, describe
from ..objectives.objective import Objective
from ..point import Point
from ..stop import Stop
from .base import Method
from .first_order import FirstOrder

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

    Notes
    -----
    ``model.compile(optimizer=Sequence("adam", "bfgs", switch=20))`` trains a model with batches first and with all rows
    at the end: an epoch is an iteration, f the loss of the epoch, and x the list of the trained weights.

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
        self.switch: Several[int | str | Callable[[Any, float], Any]] = switches
        self._at = self._iterations = self._done = 0  # of the methods before: steps in training
        self._values: list[float] = []  # lowest until each of the last iterations, of the method that is at work
        self._first = math.nan

    def _with(self, name: str, value: Any) -> Sequence:
        if name == "methods":
            raise AttributeError("methods of Sequence hold for good: make a new Sequence of others.")
        return Sequence(*self.methods, switch=value)

    @property
    def needs(self) -> str:  # type: ignore[override]
        """What the most demanding of the methods asks of the function."""
        needs = {method.needs for method in self.methods}
        return "residual" if "residual" in needs else "gradient" if "gradient" in needs else "value"

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
        if self._at + 1 < len(self.methods) and self._switches(lambda: self.objective.layout.restore(point.x), point.f):
            return self._next()
        try:
            new = self._now._step(point)
        except Stop as stop:
            mine = stop.reason in ("line_search", "stalled", "ftol", "xtol", "diverged", "nan")
            if not mine or self._at + 1 == len(self.methods):
                raise
            return self._next()
        self._count(new.f)
        if new.g is None and self._now.needs != "value":
            new.g = self.objective.gradient(new.x)
        return new

    def _count(self, f: float) -> None:
        self._iterations += 1
        self._values = [*self._values[-PLATEAU:], min(self._values[-1], f)]

    def _switches(self, x: Callable[[], Any], f: float) -> bool:
        """Whether the next method is to begin at f, where x() gives the variables."""
        switch = self.switch[self._at]
        if callable(switch):
            return bool(switch(x(), f))
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

    # -- training a model ----

    @property
    def trains_models(self) -> bool:  # type: ignore[override]
        """Whether all of the methods do."""
        return all(method.trains_models and not isinstance(method, Sequence) for method in self.methods)

    @property
    def log_names(self) -> tuple[str, ...]:  # type: ignore[override]
        """What the logs of epochs have beside losses and metrics, of any of the methods."""
        named = (name for method in self.methods if not isinstance(method, FirstOrder) for name in method.log_names)
        return tuple(dict.fromkeys(named))

    def _stage(self, state: Mapping[str, Any] | None = None) -> Any:
        return self.methods[self._at if state is None else int(state["at"])]._stage()

    def _optimizers(self) -> list[Any]:
        return [optimizer for method in self.methods for optimizer in method._optimizers()]

    def _after_epoch(self, loss: float, weights: Callable[[], list[np.ndarray]]) -> bool:
        if not self._values:
            self._values, self._first = [loss], loss
        self._count(loss)
        return self._at + 1 < len(self.methods) and self._switches(weights, loss) and self._next_stage()

    def _next_stage(self) -> bool:
        if self._at + 1 == len(self.methods):
            return False
        self._done += self.methods[self._at].iterations
        self._at, self._iterations, self._values, self._first = self._at + 1, 0, [], math.nan
        return True

    @property
    def iterations(self) -> int:  # type: ignore[override]
        """Steps that training has taken, in batches and with all rows."""
        return self._done + self.methods[self._at].iterations

    @property
    def nfev(self) -> int:  # type: ignore[override]
        """How often training has computed the loss of all rows and its gradient."""
        return sum(method.nfev for method in self.methods)

    def get_config(self) -> dict[str, Any]:
        """The arguments, with the methods as `serialize` gives them."""
        from .registry import serialize

        if any(map(callable, self.switch)):
            raise TypeError("switch of Sequence is a function, which cannot be saved.")
        return {"methods": [serialize(method) for method in self.methods], "switch": list(self.switch)}

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Any = None) -> Sequence:
        """A sequence from the dict that `get_config` gives."""
        from .registry import deserialize

        return cls(*[deserialize(one, custom_objects) for one in config["methods"]], switch=list(config["switch"]))

    def __repr__(self) -> str:
        named = [repr(one.optimizer if isinstance(one, FirstOrder) else one) for one in self.methods]
        return f"Sequence({', '.join(named)}, switch={self.switch!r})"

    def state_dict(self) -> dict[str, Any]:
        """Copies of all that training goes on from, beside the weights and the state of optimizers.

        Returns
        -------
        dict of str to ndarray
            ``"at"``, the method at work, its ``"steps"``, ``"values"`` and ``"first"``, from which the switch follows,
            ``"done"``, the steps before it, and the state of the methods, ``"1.H"``.
        """
        state = {
            "at": np.array(self._at, np.int64),
            "steps": np.array(self._iterations, np.int64),
            "done": np.array(self._done, np.int64),
            "values": np.array(self._values, np.float64),
            "first": np.array(self._first),
        }
        for i, method in enumerate(self.methods):
            if not isinstance(method, FirstOrder):
                state |= {f"{i}.{name}": value for name, value in method.state_dict().items()}
        return state

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state that `state_dict` gave.

        Raises
        ------
        TypeError, ValueError
            The state is of another sequence; nothing is changed then.
        """
        parts = self._check_state(state)
        self._at, self._iterations, self._done = (int(state[name]) for name in ("at", "steps", "done"))
        self._values, self._first = np.array(state["values"], np.float64).tolist(), float(state["first"])
        for i, part in parts.items():
            self.methods[i].load_state_dict(part)

    def _check_state(self, state: Any) -> dict[int, dict[str, Any]]:
        """The states of the methods in that of the sequence."""
        if not isinstance(state, Mapping):
            raise TypeError(f"state must be a dict, as state_dict() gives; got {describe(state)}.")
        parts = {
            i: {name.partition(".")[2]: value for name, value in state.items() if name.startswith(f"{i}.")}
            for i, method in enumerate(self.methods)
            if not isinstance(method, FirstOrder)
        }
        known = {
            "at",
            "steps",
            "done",
            "values",
            "first",
            *(f"{i}.{name}" for i, part in parts.items() for name in part),
        }
        if set(state) != known or not 0 <= int(state["at"]) < len(self.methods):
            raise ValueError("state must be a state_dict of a Sequence of the same methods.")
        for i, part in parts.items():
            self.methods[i]._check_state(part)
        return parts

    # -- on a function ----

    def _optimality(self, point: Point) -> float:
        return self._now._optimality(point) if self._now.needs != "value" else math.nan

    def _default_maxiter(self, n: int) -> int:
        return sum(method._default_maxiter(n) for method in self.methods)

    def _extras(self, point: Point) -> dict[str, Any]:
        return self._now._extras(point)

    def _sentences(self) -> list[str]:
        names = [f'"{method.name}"' for method in self.methods[: self._at + 1]]
        return [f"The methods were {', then '.join(names)}.", *self._now._sentences()]
