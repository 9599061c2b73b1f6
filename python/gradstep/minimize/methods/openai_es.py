"""OpenAI's evolution strategy: a gradient from random directions, taken by an optimizer of the package."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from ...checks import check_float, check_int
from ...optimizers import Adam, Optimizer
from ...optimizers import registry as optimizers
from ...optimizers.base.without_state import without_state
from ..stop import Stop
from .population import Population

__all__ = ["OpenAIES"]


class OpenAIES(Population):
    """Evolution strategy of many variables: antithetic steps, ranks in place of values, an optimizer on the mean.

    Parameters
    ----------
    sigma : float, optional
        Standard deviation of the steps, relative to the width of the bounds; by default 0.05, and 0.1 times the larger
        of 1 and the largest magnitude in x0 where there are no bounds.
    population : int, optional
        Points in a generation, rounded up to an even number, at least 4; by default 4 + 4 floor(3 log(n) / 2).
    optimizer : str or Optimizer, optional
        What steps the mean; by default Adam with rate 0.05 in units of the bounds, which falls with sigma.
    decay : float
        What sigma is multiplied by after each generation, in (0, 1].

    Notes
    -----
    ``g = sum(rank_i z_i) / (P sigma)``, with ranks from -1/2 to 1/2 and z in pairs of opposite sign.

    References
    ----------
    Salimans, Ho, Chen, Sidor and Sutskever 2017, "Evolution strategies as a scalable alternative to reinforcement
    learning", arXiv:1703.03864.

    Examples
    --------
    >>> import gradstep as gs
    >>> p = gs.problems.booth
    >>> res = gs.minimize(p.value, p.start, bounds=[(-10, 10)] * 2, method=gs.minimizers.OpenAIES(), seed=0)
    >>> res.fun < 0.01
    True
    """

    name = "openai-es"
    _state: ClassVar[tuple[str, ...]] = ("_mean", "_sigma")

    def __init__(
        self,
        sigma: float | None = None,
        population: int | None = None,
        optimizer: str | Optimizer | None = None,
        decay: float = 0.995,
    ) -> None:
        self.sigma = None if sigma is None else check_float("sigma", sigma)
        self.population = None if population is None else check_int("population", population, 4)
        self.optimizer = Adam(0.05) if optimizer is None else optimizers.get(optimizer)
        self.decay = check_float("decay", decay)
        if self.sigma is not None and not 0 < self.sigma < math.inf:
            raise ValueError(f"sigma must be more than 0 and finite; got {self.sigma:g}.")
        if not 0 < self.decay <= 1:
            raise ValueError(f"decay must be in (0, 1]; got {self.decay:g}.")

    def _init(self) -> None:
        n = len(self._x0)
        self._pairs = ((self.population or 4 + 4 * (int(3 * math.log(n)) // 2)) + 1) // 2
        first = 0.05 if self._bounds is not None else 0.1 * max(1.0, float(np.abs(self._x0).max()))
        self._sigma = self._first = self.sigma or first
        self._mean = self._x0 / self._width
        self._own = without_state(self.optimizer)
        self._w = self._mean.copy()
        self._bound = self._own.bind(self._w)

    def _points(self) -> np.ndarray:
        z = self._rng().standard_normal((self._pairs, len(self._mean)))
        self._z = np.concatenate([z, -z])
        return self._inside((self._mean + self._sigma * self._z) * self._width)

    def _learn(self, X: np.ndarray, values: np.ndarray) -> None:
        ranks = np.empty(len(values))
        ranks[np.argsort(values, kind="stable")] = np.linspace(-0.5, 0.5, len(values))
        gradient = (ranks @ self._z) / (len(values) * self._sigma)
        self._w[...] = self._mean
        self._bound.step(gradient)
        # Steps shrink with sigma, so that the mean comes to rest.
        self._mean = self._mean + (self._sigma / self._first) * (self._w - self._mean)
        if self._bounds is not None:
            self._mean = self._bounds.clip(self._mean * self._width) / self._width
        self._sigma *= self.decay

    def state_dict(self) -> dict[str, Any]:
        """The state of the run, and as ``"optimizer"`` that of the optimizer."""
        return {**super().state_dict(), "optimizer": self._own.state_dict()}

    def load_state_dict(self, state: Any) -> None:
        """Go on from a state that `state_dict` gave, the optimizer's too."""
        rest = dict(state)
        inner = rest.pop("optimizer", None)
        if inner is None:
            raise ValueError("state must be a state_dict of OpenAIES; it differs in optimizer.")
        super().load_state_dict(rest)
        self._own.load_state_dict(inner)

    def _ended(self) -> Stop | None:
        if self._sigma < 1e-10 * self._first:
            return Stop("xtol", f"points differ by {self._sigma:.1g}")
        return None

    def _step_size(self) -> float:
        return float(self._sigma)
