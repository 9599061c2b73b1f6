"""Schedules that fall along a power, a root, an exponential or a line."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...checks import check_bool, check_int
from .formula import Formula, number

__all__ = ["ExponentialDecay", "InverseSquareRoot", "InverseTimeDecay", "Linear", "PolynomialDecay"]


@dataclass(frozen=True, repr=False)
class ExponentialDecay(Formula):
    """Times `decay_rate` over every `decay_steps` steps, little by little.

    Parameters
    ----------
    initial_learning_rate : float
        Of the first step; at least 0.
    decay_steps : int
        Above 0.
    decay_rate : float
        At least 0.
    staircase : bool, default False
        Whether the rate changes only every `decay_steps` steps.
    name : str, default "ExponentialDecay"
        Name in the config.

    Notes
    -----
    :math:`\\eta_t = \\eta_0 \\gamma^{t / s}`, with :math:`s` ``decay_steps``, :math:`\\gamma` ``decay_rate`` and the
    exponent rounded down with ``staircase``; as in Keras. PyTorch's ``ExponentialLR`` has :math:`s = 1`.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.optimizers.schedules.ExponentialDecay(1.0, decay_steps=2, decay_rate=0.25)([0, 1, 2])
    array([1.  , 0.5 , 0.25])
    """

    initial_learning_rate: float
    decay_steps: float
    decay_rate: float
    staircase: bool = False
    name: str = "ExponentialDecay"

    def _check(self) -> None:
        self._set(
            initial_learning_rate=number("initial_learning_rate", self.initial_learning_rate),
            decay_steps=number("decay_steps", self.decay_steps, above=True),
            decay_rate=number("decay_rate", self.decay_rate),
            staircase=check_bool("staircase", self.staircase),
        )

    def rates(self, steps: np.ndarray) -> np.ndarray:
        periods = steps / self.decay_steps
        return self.initial_learning_rate * np.power(
            float(self.decay_rate), np.floor(periods) if self.staircase else periods
        )


@dataclass(frozen=True, repr=False)
class InverseTimeDecay(Formula):
    """Falls as one over the number of steps.

    Parameters
    ----------
    initial_learning_rate : float
        Of the first step; at least 0.
    decay_steps : int
        Above 0.
    decay_rate : float
        At least 0.
    staircase : bool, default False
        Whether the rate changes only every `decay_steps` steps.
    name : str, default "InverseTimeDecay"
        Name in the config.

    Notes
    -----
    :math:`\\eta_t = \\eta_0 / (1 + \\gamma t / s)`, with :math:`s` ``decay_steps``, :math:`\\gamma` ``decay_rate`` and
    :math:`t / s` rounded down with ``staircase``; as in Keras.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.optimizers.schedules.InverseTimeDecay(1.0, decay_steps=1, decay_rate=1.0)([0, 1, 3])
    array([1.  , 0.5 , 0.25])
    """

    initial_learning_rate: float
    decay_steps: float
    decay_rate: float
    staircase: bool = False
    name: str = "InverseTimeDecay"

    def _check(self) -> None:
        self._set(
            initial_learning_rate=number("initial_learning_rate", self.initial_learning_rate),
            decay_steps=number("decay_steps", self.decay_steps, above=True),
            decay_rate=number("decay_rate", self.decay_rate),
            staircase=check_bool("staircase", self.staircase),
        )

    def rates(self, steps: np.ndarray) -> np.ndarray:
        periods = steps / self.decay_steps
        return self.initial_learning_rate / (1 + self.decay_rate * (np.floor(periods) if self.staircase else periods))


@dataclass(frozen=True, repr=False)
class PolynomialDecay(Formula):
    """From one rate to another along a power of the remaining time; `power` 1 is a line.

    Parameters
    ----------
    initial_learning_rate : float
        Of the first step; at least 0.
    decay_steps : int
        When `end_learning_rate` is reached; above 0.
    end_learning_rate : float, default 0.0001
        At least 0.
    power : float, default 1.0
        At least 0.
    cycle : bool, default False
        Whether, instead of staying at the end, the rate jumps up there and falls over twice the time, then over three
        times, and so on.
    name : str, default "PolynomialDecay"
        Name in the config.

    Notes
    -----
    :math:`\\eta_t = (\\eta_0 - \\eta_e) (1 - t / s)^p + \\eta_e`, with :math:`s` ``decay_steps``, :math:`\\eta_e`
    ``end_learning_rate`` and :math:`p` ``power``. At most :math:`s` of :math:`t` count; with ``cycle`` :math:`s` is
    taken times :math:`\\lceil t / s \\rceil` (at least 1) instead. As in Keras.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.optimizers.schedules.PolynomialDecay(1.0, decay_steps=4, end_learning_rate=0.0, power=2.0)([0, 2, 4, 6])
    array([1.  , 0.25, 0.  , 0.  ])
    """

    initial_learning_rate: float
    decay_steps: float
    end_learning_rate: float = 0.0001
    power: float = 1.0
    cycle: bool = False
    name: str = "PolynomialDecay"

    def _check(self) -> None:
        self._set(
            initial_learning_rate=number("initial_learning_rate", self.initial_learning_rate),
            decay_steps=number("decay_steps", self.decay_steps, above=True),
            end_learning_rate=number("end_learning_rate", self.end_learning_rate),
            power=number("power", self.power),
            cycle=check_bool("cycle", self.cycle),
        )

    def rates(self, steps: np.ndarray) -> np.ndarray:
        if self.cycle:
            done = steps / (self.decay_steps * np.maximum(np.ceil(steps / self.decay_steps), 1))
        else:
            done = np.minimum(steps, self.decay_steps) / self.decay_steps
        left = np.power(1 - done, float(self.power))
        return (self.initial_learning_rate - self.end_learning_rate) * left + self.end_learning_rate


@dataclass(frozen=True, repr=False)
class Linear(Formula):
    """Along a line from one rate to another, up or down, and then on at that.

    Parameters
    ----------
    initial_learning_rate : float
        Of the first step; at least 0.
    end_learning_rate : float
        At least 0.
    decay_steps : int
        When `end_learning_rate` is reached; above 0.

    Notes
    -----
    :math:`\\eta_t = \\eta_0 + (\\eta_e - \\eta_0) \\min(t / s, 1)`, with :math:`s` ``decay_steps``. PyTorch's
    ``LinearLR`` has factors of a base rate, ``start_factor`` and ``end_factor``, and ``total_iters``.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.optimizers.schedules.Linear(1.0, 0.5, decay_steps=4)([0, 1, 2, 4, 5])
    array([1.   , 0.875, 0.75 , 0.5  , 0.5  ])
    """

    initial_learning_rate: float
    end_learning_rate: float
    decay_steps: float

    def _check(self) -> None:
        self._set(
            initial_learning_rate=number("initial_learning_rate", self.initial_learning_rate),
            end_learning_rate=number("end_learning_rate", self.end_learning_rate),
            decay_steps=number("decay_steps", self.decay_steps, above=True),
        )

    def rates(self, steps: np.ndarray) -> np.ndarray:
        done = np.minimum(steps / self.decay_steps, 1.0)
        # Both ends come out exact in this form.
        return self.initial_learning_rate * (1 - done) + self.end_learning_rate * done


@dataclass(frozen=True, repr=False)
class InverseSquareRoot(Formula):
    """Up along a line, then down as one over the root of the number of steps: the schedule of the Transformer.

    Parameters
    ----------
    max_learning_rate : float
        The highest rate, of step `warmup_steps` counted from 1; at least 0.
    warmup_steps : int
        At least 1.

    Notes
    -----
    .. math::

        \\eta_t = \\hat\\eta \\min(n / w, \\sqrt{w / n}), \\qquad n = t + 1

    with :math:`\\hat\\eta` ``max_learning_rate`` and :math:`w` ``warmup_steps``. `noam` gives it in the paper's terms.

    References
    ----------
    Vaswani et al., "Attention Is All You Need", NeurIPS 2017, arXiv:1706.03762, section 5.3.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.optimizers.schedules.InverseSquareRoot(1.0, warmup_steps=2)([0, 1, 7, 31])
    array([0.5 , 1.  , 0.5 , 0.25])
    """

    max_learning_rate: float
    warmup_steps: int

    def _check(self) -> None:
        self._set(
            max_learning_rate=number("max_learning_rate", self.max_learning_rate),
            warmup_steps=check_int("warmup_steps", self.warmup_steps, 1),
        )

    @classmethod
    def noam(cls, d_model: int, warmup_steps: int = 4000, factor: float = 1.0) -> InverseSquareRoot:
        """The schedule of a Transformer of width `d_model`: :math:`f d^{-1/2} \\min(n^{-1/2}, n w^{-3/2})`.

        Parameters
        ----------
        d_model : int
            Width of the model; at least 1.
        warmup_steps : int, default 4000
            At least 1.
        factor : float, default 1.0
            At least 0.

        Raises
        ------
        TypeError, ValueError
            An argument of the wrong type, or out of its range.

        Examples
        --------
        >>> import gradstep as gs
        >>> gs.optimizers.schedules.InverseSquareRoot.noam(64, warmup_steps=100)
        InverseSquareRoot(max_learning_rate=0.0125, warmup_steps=100)
        """
        width, steps = check_int("d_model", d_model, 1), check_int("warmup_steps", warmup_steps, 1)
        return cls(number("factor", factor) / float(np.sqrt(width * steps)), steps)

    def rates(self, steps: np.ndarray) -> np.ndarray:
        n = steps + 1.0
        return self.max_learning_rate * np.minimum(n / self.warmup_steps, np.sqrt(self.warmup_steps / n))
