"""Schedules that rise and fall, for the learning rate and, the other way round, for the momentum."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...checks import check_bool, check_choice, check_int
from .formula import Formula, number

__all__ = ["CyclicalLR", "OneCycle"]

MODES = dict.fromkeys(("triangular", "triangular2", "exp_range"))
STRATEGIES = dict.fromkeys(("cos", "linear"))


@dataclass(frozen=True, repr=False)
class CyclicalLR(Formula):
    """Up along a line, down along a line, and again.

    Parameters
    ----------
    base_learning_rate : float
        Of the first step, and the end of every cycle; at least 0.
    max_learning_rate : float
        Between the two lines of the first cycle; at least 0.
    step_size_up : int, default 2000
        Steps of the line up; above 0.
    step_size_down : int, optional
        Steps of the line down; above 0. None: the same number as up.
    mode : {"triangular", "triangular2", "exp_range"}, default "triangular"
        All cycles alike; each half as high as the one before; or `gamma` lower each step.
    gamma : float, default 1.0
        What the height is multiplied by each step, with "exp_range" only; at least 0.

    Notes
    -----
    :math:`\\eta_t = \\eta_b + (\\eta_m - \\eta_b) h_t f_t`, with :math:`\\eta_b, \\eta_m` the two rates, :math:`h_t`
    the height within the cycle, from 0 to 1, and :math:`f_t` 1, :math:`2^{-i}` in cycle :math:`i` from 0, or
    :math:`\\gamma^t`. PyTorch's ``CyclicLR``, with ``base_lr`` and ``max_lr``; the momentum that goes with it is a
    schedule of its own, `momentum`.

    References
    ----------
    Smith, "Cyclical Learning Rates for Training Neural Networks", WACV 2017, arXiv:1506.01186.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.optimizers.schedules.CyclicalLR(0.0, 1.0, step_size_up=2, mode="triangular2")([0, 1, 2, 3, 4, 5, 6])
    array([0.  , 0.5 , 1.  , 0.5 , 0.  , 0.25, 0.5 ])
    """

    base_learning_rate: float
    max_learning_rate: float
    step_size_up: float = 2000
    step_size_down: float | None = None
    mode: str = "triangular"
    gamma: float = 1.0

    def _check(self) -> None:
        down = self.step_size_down
        self._set(
            base_learning_rate=number("base_learning_rate", self.base_learning_rate),
            max_learning_rate=number("max_learning_rate", self.max_learning_rate),
            step_size_up=number("step_size_up", self.step_size_up, above=True),
            step_size_down=None if down is None else number("step_size_down", down, above=True),
            gamma=number("gamma", self.gamma),
        )
        check_choice("mode", self.mode, MODES)
        if self.gamma != 1 and self.mode != "exp_range":
            raise ValueError(f"gamma is for mode 'exp_range' only; got {self.gamma} with {self.mode!r}.")

    def rates(self, steps: np.ndarray) -> np.ndarray:
        up = self.step_size_up
        down = up if self.step_size_down is None else self.step_size_down
        place = np.mod(steps, up + down)
        height: np.ndarray = np.where(place <= up, place / up, (up + down - place) / down)
        if self.mode == "triangular2":
            height = height * np.power(0.5, np.floor(steps / (up + down)))
        if self.mode == "exp_range":
            height = height * np.power(float(self.gamma), steps.astype(np.float64))
        return self.base_learning_rate + (self.max_learning_rate - self.base_learning_rate) * height

    def momentum(self, base_momentum: float = 0.8, max_momentum: float = 0.9) -> CyclicalLR:
        """The momentum that goes with it, as in PyTorch: high where the rate is low.

        Parameters
        ----------
        base_momentum : float, default 0.8
            Where the rate is at `max_learning_rate`; from 0 to 1.
        max_momentum : float, default 0.9
            Where the rate is at `base_learning_rate`; from 0 to 1.

        Raises
        ------
        TypeError, ValueError
            Not a number, or out of its range.

        Examples
        --------
        >>> import gradstep as gs
        >>> rate = gs.optimizers.schedules.CyclicalLR(0.0, 1.0, step_size_up=2)
        >>> optimizer = gs.optimizers.SGD(rate, momentum=rate.momentum(0.5, 0.75))
        >>> rate.momentum(0.5, 0.75)([0, 1, 2, 3, 4])
        array([0.75 , 0.625, 0.5  , 0.625, 0.75 ])
        """
        low, high = number("base_momentum", base_momentum, high=1), number("max_momentum", max_momentum, high=1)
        return replace(self, base_learning_rate=high, max_learning_rate=low)


@dataclass(frozen=True, repr=False)
class OneCycle(Formula):
    """One rise and one long fall, to far below the beginning, over all of the training.

    Parameters
    ----------
    max_learning_rate : float
        The highest rate; at least 0.
    total_steps : int
        Steps of the training: ``epochs * ceil(rows / batch_size)``; at least 1.
    pct_start : float, default 0.3
        Share of the steps spent rising; from 0 to 1, with `three_phase` to 0.5.
    anneal_strategy : {"cos", "linear"}, default "cos"
        Along half a cosine, or a line.
    div_factor : float, default 25.0
        The first rate is `max_learning_rate` divided by this; above 0.
    final_div_factor : float, default 10000.0
        The last rate is the first one divided by this; above 0.
    three_phase : bool, default False
        Whether the fall takes as long as the rise, to the first rate, and what is left of the steps goes from there to
        the last.

    Notes
    -----
    PyTorch's ``OneCycleLR``, number by number: the highest rate is that of step ``pct_start * total_steps - 1``, which
    need not be whole. PyTorch has an error after `total_steps`; here the last rate holds. The momentum that goes with
    it is a schedule of its own, `momentum`.

    References
    ----------
    Smith, Topin, "Super-Convergence: Very Fast Training of Neural Networks Using Large Learning Rates", 2017,
    arXiv:1708.07120.

    Examples
    --------
    >>> import gradstep as gs
    >>> schedule = gs.optimizers.schedules.OneCycle(
    ...     1.0, 10, div_factor=4, final_div_factor=2, anneal_strategy="linear")
    >>> schedule([0, 1, 2, 9, 10])
    array([0.25 , 0.625, 1.   , 0.125, 0.125])
    """

    max_learning_rate: float
    total_steps: int
    pct_start: float = 0.3
    anneal_strategy: str = "cos"
    div_factor: float = 25.0
    final_div_factor: float = 1e4
    three_phase: bool = False

    def _check(self) -> None:
        self._set(
            max_learning_rate=number("max_learning_rate", self.max_learning_rate),
            total_steps=check_int("total_steps", self.total_steps, 1),
            three_phase=check_bool("three_phase", self.three_phase),
            div_factor=number("div_factor", self.div_factor, above=True),
            final_div_factor=number("final_div_factor", self.final_div_factor, above=True),
        )
        # Past a half the second phase would end after the third.
        self._set(pct_start=number("pct_start", self.pct_start, high=0.5 if self.three_phase else 1))
        check_choice("anneal_strategy", self.anneal_strategy, STRATEGIES)

    def rates(self, steps: np.ndarray) -> np.ndarray:
        first, last = self.max_learning_rate / self.div_factor, float(self.total_steps - 1)
        rise = self.pct_start * self.total_steps
        # Where each phase ends, and with which rate.
        ends, rates = [0.0, rise - 1], [first, self.max_learning_rate]
        if self.three_phase:
            ends, rates = [*ends, 2 * rise - 2], [*rates, first]
        borders, levels = np.array([*ends, last]), np.array([*rates, first / self.final_div_factor])
        phase = np.minimum(np.searchsorted(borders[1:], steps), len(borders) - 2)
        begin, width = borders[phase], borders[phase + 1] - borders[phase]
        # A phase without width is its end.
        done = np.where(width > 0, np.minimum(steps - begin, width) / np.where(width > 0, width, 1), 1.0)
        low, high = levels[phase], levels[phase + 1]
        line: np.ndarray = (high - low) * done + low
        cosine: np.ndarray = high + (low - high) / 2 * (1 + np.cos(np.pi * done))
        return line if self.anneal_strategy == "linear" else cosine

    def momentum(self, base_momentum: float = 0.85, max_momentum: float = 0.95) -> OneCycle:
        """The momentum that goes with it, as in PyTorch: high where the rate is low.

        Parameters
        ----------
        base_momentum : float, default 0.85
            Where the rate is highest; above 0, at most 1.
        max_momentum : float, default 0.95
            At the beginning and at the end; above 0, at most 1.

        Raises
        ------
        TypeError, ValueError
            Not a number, or out of its range.

        Examples
        --------
        >>> import gradstep as gs
        >>> rate = gs.optimizers.schedules.OneCycle(1.0, 10, anneal_strategy="linear")
        >>> optimizer = gs.optimizers.SGD(rate, momentum=rate.momentum(0.5, 0.75))
        >>> rate.momentum(0.5, 0.75)([0, 1, 2, 9])
        array([0.75 , 0.625, 0.5  , 0.75 ])
        """
        low = number("base_momentum", base_momentum, high=1, above=True)
        high = number("max_momentum", max_momentum, high=1, above=True)
        return replace(self, max_learning_rate=low, div_factor=low / high, final_div_factor=1.0)
