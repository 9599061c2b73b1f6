"""What a method needs to train a model: counters, a config, and a state that is saved and loaded."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar

import numpy as np

from ...checks import check_config, describe

__all__ = ["Trains"]

# What belongs to a run and not to the method: made again by the next one.
PASSING = ("objective", "_measured")

Self = TypeVar("Self", bound="Trains")


class Trains:
    """The part of a method that a model uses when ``compile(optimizer=...)`` is given the method.

    Attributes
    ----------
    iterations : int
        Steps that training has taken; an epoch of ``fit`` is one.
    nfev : int
        How often training has computed the loss of all rows and its gradient.
    message : str
        Why the last ``fit`` came to an end by itself; empty if it did not.
    """

    trains_models: ClassVar[bool] = False
    # Names of the arrays that `_learned` gives, and their axes: "n" variables, "k" any number, "m" n or none.
    _learns: ClassVar[dict[str, str]] = {}

    iterations: int = 0
    nfev: int = 0
    message: str = ""
    # The loss and its gradient where training left off; None: it has not begun.
    _loss: float = math.nan
    _gradient: np.ndarray | None = None
    _measured: tuple[Any, float] = (None, math.nan)
    _loaded: dict[str, np.ndarray] | None = None  # what was learned, of a state that was loaded for the next run

    # -- training a model with all rows -------------------------------------------------------------------------------

    # Names of what `_logs` gives.
    log_names: ClassVar[tuple[str, ...]] = ("nfev", "gnorm", "alpha")

    def _start_training(self, objective: Any, point: Any) -> None:
        """Begin a run from a point; with what was learned until now, if training left off there."""
        learned, before = None, self._gradient
        if point.f == self._loss and before is not None and np.array_equal(point.g, before):
            learned = self._learned() if self._loaded is None else self._loaded
            objective.nfev -= 1  # the call that has shown it
        self._loaded = None
        self._start(objective, point, None)
        if learned is not None:
            self._relearn(learned)

    def _start(self, objective: Any, point: Any, seed: int | None) -> None:
        raise NotImplementedError(f"{type(self).__name__} must define _start(objective, point, seed).")

    def _logs(self, point: Any) -> dict[str, float]:
        """What the logs of an epoch have beside losses and metrics."""
        return {"nfev": self.nfev, "gnorm": self._gnorm(point), "alpha": float(point.alpha)}

    def _gnorm(self, point: Any) -> float:
        """The largest component of the gradient at a point, computed once for the last one."""
        if self._measured[0] is not point:
            self._measured = point, self._optimality(point)
        return self._measured[1]

    def _optimality(self, point: Any) -> float:
        raise NotImplementedError(f"{type(self).__name__} must define _optimality(point).")

    # -- what trains a model now ---------------------------------------------------------------------------------------

    def _stage(self, state: Mapping[str, Any] | None = None) -> Any:
        """The method, or the optimizer, that trains a model now; or would with a state."""
        return self

    def _optimizers(self) -> list[Any]:
        """The optimizers in it, which have learning rates."""
        return []

    def _after_epoch(self, loss: float, weights: Callable[[], list[np.ndarray]]) -> bool:
        """Take the loss of an epoch, and what gives the weights; whether another stage trains from now on."""
        return False

    def _next_stage(self) -> bool:
        """Go on to the next stage, where this one can go no further; whether there is one."""
        return False

    def finalize_variable_values(self, var_list: Any) -> None:
        """Do nothing: there are no running averages."""

    # -- config --------------------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal method, without what it has learned.

        Raises
        ------
        TypeError
            One of them is a function, which cannot be written.
        """
        names = inspect.signature(type(self)).parameters
        config = {name: getattr(self, name) for name in names}
        for name, value in config.items():
            if callable(value):
                raise TypeError(f"{name} of {type(self).__name__} is a function, which cannot be saved.")
        return config

    @classmethod
    def from_config(cls: type[Self], config: Mapping[str, Any], custom_objects: Any = None) -> Self:
        """A method from the dict that `get_config` gives."""
        return cls(**check_config(config))

    def __repr__(self) -> str:
        names = inspect.signature(type(self)).parameters
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in PASSING}

    # -- state ---------------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Copies of all that training goes on from, beside the weights.

        Returns
        -------
        dict of str to ndarray
            ``"iterations"`` and ``"nfev"``; once training has begun also ``"f"`` and ``"g"``, the loss and its gradient
            at the weights, and what the method has learned, such as ``"H"`` of BFGS.
        """
        state: dict[str, Any] = {
            "iterations": np.array(self.iterations, np.int64),
            "nfev": np.array(self.nfev, np.int64),
        }
        if self._gradient is not None:
            learned = self._learned() if self._loaded is None else self._loaded
            state |= {"f": np.array(self._loss), "g": self._gradient.copy(), **learned}
        return state

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state that `state_dict` gave.

        Raises
        ------
        TypeError, ValueError
            The state is of another method; nothing is changed then.
        """
        self._check_state(state)
        self.iterations, self.nfev = int(state["iterations"]), int(state["nfev"])
        self._loss, self._gradient, self._loaded = math.nan, None, None
        if "g" in state:
            self._loss, self._gradient = float(state["f"]), np.array(state["g"], np.float64)
            self._loaded = {name: np.array(state[name]) for name in self._learns}

    def _check_state(self, state: Any) -> Any:
        """Raise TypeError or ValueError unless this is a state of such a method."""
        if not isinstance(state, Mapping):
            raise TypeError(f"state must be a dict, as state_dict() gives; got {describe(state)}.")
        names = {"iterations", "nfev", *(("f", "g", *self._learns) if "g" in state else ())}
        if set(state) != names:
            wrong = ", ".join(sorted(map(str, set(state) ^ names)))
            raise ValueError(f"state must be a state_dict of {type(self).__name__}; it differs in {wrong}.")
        if min(int(state["iterations"]), int(state["nfev"])) < 0:
            raise ValueError("iterations and nfev of a state must be at least 0.")
        if "g" in state:
            n = np.size(state["g"])
            for name, axes in (self._learns | {"f": "", "g": "n"}).items():
                shape = np.shape(state[name])
                sizes = {"n": (n,), "m": (0, n)}
                if len(shape) != len(axes) or any(
                    one not in sizes.get(axis, (one,)) for one, axis in zip(shape, axes, strict=True)
                ):
                    raise ValueError(f"state[{name!r}] has shape {shape}; it is not of {n} weights.")

    def _learned(self) -> dict[str, np.ndarray]:
        """Copies of what the method has learned from its path, by the names in `_learns`."""
        return {}

    def _relearn(self, learned: dict[str, np.ndarray]) -> None:
        """Take up what `_learned` gave, in a run that has begun."""
