"""What a method of minimization is: it starts at a point, and each step gives the next one."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ... import _core
from ..objectives.objective import Objective
from ..point import Point
from .settings import Settable
from .training import Trains

__all__ = ["Method", "free", "largest"]


def largest(v: np.ndarray) -> float:
    """The largest magnitude in a vector; NaN if one is in it."""
    return _core.largest(v)


def free(objective: Objective, x: np.ndarray, g: np.ndarray) -> np.ndarray:
    """The gradient, or, with bounds, the part of it along which x can move."""
    return g if objective.bounds is None else objective.bounds.projected(x, g)


class Method(Settable, Trains):
    """Base of the methods, one of which is a file in this folder and a line in `registry`.

    A subclass has its settings as arguments of ``__init__``, each an attribute of its name, and defines `_step`. A
    setting that is assigned later is checked as there, and holds from the next run on.

    Attributes
    ----------
    needs : {"value", "gradient", "residual"}
        What it asks of the function.
    trains_models : bool
        Whether ``model.compile(optimizer=...)`` takes it.
    takes_bounds : bool
        Whether its points stay within bounds.
    scipy_names : dict of str to str
        SciPy's names of options, and what they are here.

    Examples
    --------
    >>> import gradstep as gs
    >>> issubclass(gs.minimizers.BFGS, gs.minimizers.Method), gs.minimizers.BFGS.needs
    (True, 'gradient')
    """

    name: ClassVar[str] = ""
    needs: ClassVar[str] = "gradient"
    takes_bounds: ClassVar[bool] = False
    is_stochastic: ClassVar[bool] = False  # draws random numbers: takes seed=
    makes_runs: ClassVar[bool] = False  # each of its steps is a whole run of another method
    needs_data: ClassVar[bool] = False  # steps after each batch: takes data=
    is_first_order: ClassVar[bool] = False  # has a learning rate, and may go up
    scipy_names: ClassVar[dict[str, str]] = {}

    _native: Any = None  # the method in the core, which steps without Python
    _settled: Any = None  # why an earlier run ended, where others followed it
    _settled_at = float("nan")  # the value it came to
    _rules: Any = None  # the conditions that end the run, for methods that make runs of others

    def _prepare(self, objective: Objective) -> None:
        """Change what is minimized, before the first call."""

    def _start(self, objective: Objective, point: Point, seed: int | None) -> None:
        """Make the state for a run from `point`."""
        self.objective = objective

    def _step(self, point: Point) -> Point:
        """The next point.

        Raises
        ------
        Stop
            There is none.
        """
        raise NotImplementedError(f"{type(self).__name__} must define _step(point).")

    def _optimality(self, point: Point) -> float:
        """What `gtol` is compared with: the largest component of the gradient that bounds leave free."""
        return float("nan") if point.g is None else largest(free(self.objective, point.x, point.g))

    def _left(self, point: Point) -> float | None:
        """How much lower the method's model of the curvature expects the minimum to be, if it has one."""
        return None

    def _default_maxiter(self, n: int) -> int:
        """Iterations where ``maxiter`` is not given."""
        return max(10_000, 200 * n)

    def _extras(self, point: Point) -> dict[str, Any]:
        """Fields of the result that only this method has."""
        return {}

    def _history(self) -> dict[str, np.ndarray]:
        """What the history of the result should have beside: a number for each iteration, the start first."""
        return {}

    def _sentences(self) -> list[str]:
        """What the message of the result should add."""
        return []
