"""Schedules that fall along half a cosine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .formula import Formula, number

__all__ = ["CosineDecay", "CosineDecayRestarts"]


@dataclass(frozen=True, repr=False)
class CosineDecay(Formula):
    """Down along half a cosine, after a linear rise if one is wanted.

    Parameters
    ----------
    initial_learning_rate : float
        Of the first step; at least 0.
    decay_steps : int
        Steps of the fall; above 0.
    alpha : float, default 0.0
        Where the fall ends, as a share of where it began; at least 0.
    name : str, default "CosineDecay"
        Name in the config.
    warmup_target : float, optional
        Where the rise ends and the fall begins; at least 0. None: no rise.
    warmup_steps : int, default 0
        Steps of the rise; at least 0.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong type, or out of its range.
    ValueError
        `warmup_steps` without a `warmup_target`, which Keras takes and does not use.

    Notes
    -----
    .. math::

        \\eta_t &= \\eta_0 + (\\eta_w - \\eta_0) t / w && t < w \\\\
        \\eta_t &= \\eta_w ((1 - \\alpha) (1 + \\cos \\pi \\tfrac{t - w}{s}) / 2 + \\alpha) && w \\le t \\le w + s

    with :math:`\\eta_w` ``warmup_target`` (without one :math:`\\eta_0`), :math:`w` ``warmup_steps`` and :math:`s`
    ``decay_steps``; later as at :math:`w + s`. As in Keras. PyTorch's ``CosineAnnealingLR`` has an end ``eta_min``
    instead of a share, and rises again after it.

    References
    ----------
    Loshchilov, Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR 2017, arXiv:1608.03983.

    Examples
    --------
    >>> import gradstep as gs
    >>> schedule = gs.optimizers.schedules.CosineDecay(0.0, 2, warmup_target=1.0, warmup_steps=2)
    >>> schedule([0, 1, 2, 3, 4, 5])
    array([0. , 0.5, 1. , 0.5, 0. , 0. ])
    """

    initial_learning_rate: float
    decay_steps: float
    alpha: float = 0.0
    name: str = "CosineDecay"
    warmup_target: float | None = None
    warmup_steps: float = 0

    def _check(self) -> None:
        target = self.warmup_target
        self._set(
            initial_learning_rate=number("initial_learning_rate", self.initial_learning_rate),
            decay_steps=number("decay_steps", self.decay_steps, above=True),
            alpha=number("alpha", self.alpha),
            warmup_target=None if target is None else number("warmup_target", target),
            warmup_steps=number("warmup_steps", self.warmup_steps),
        )
        if target is None and self.warmup_steps > 0:
            raise ValueError(f"warmup_steps need a warmup_target; got {self.warmup_steps} steps and None.")

    def rates(self, steps: np.ndarray) -> np.ndarray:
        start, rise = self.initial_learning_rate, self.warmup_steps
        top = start if self.warmup_target is None else self.warmup_target
        done = np.clip(steps - rise, 0, self.decay_steps) / self.decay_steps
        values = top * ((1 - self.alpha) * (0.5 * (1 + np.cos(np.pi * done))) + self.alpha)
        if rise > 0:
            values = np.where(steps < rise, (top - start) * (steps / rise) + start, values)
        return values


@dataclass(frozen=True, repr=False)
class CosineDecayRestarts(Formula):
    """Down along half a cosine, again and again, each time over a longer period.

    Parameters
    ----------
    initial_learning_rate : float
        Of the first step; at least 0.
    first_decay_steps : int
        Steps of the first period; above 0.
    t_mul : float, default 2.0
        Length of a period, as a multiple of the one before; at least 1.
    m_mul : float, default 1.0
        Where a period begins, as a share of where the one before began; at least 0.
    alpha : float, default 0.0
        The lowest rate, as a share of `initial_learning_rate`; at least 0.
    name : str, default "SGDRDecay"
        Name in the config.

    Notes
    -----
    .. math::

        \\eta_t = \\eta_0 ((1 - \\alpha) m^i (1 + \\cos \\pi \\tfrac{t - t_i}{s_i}) / 2 + \\alpha)

    in period :math:`i`, from 0, that begins at :math:`t_i` and has :math:`s_i = s_0 T^i` steps, with :math:`T`
    ``t_mul`` and :math:`m` ``m_mul``. As in Keras, whose float32 logarithm can miss the step of a restart by one.

    References
    ----------
    Loshchilov, Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR 2017, arXiv:1608.03983.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.optimizers.schedules.CosineDecayRestarts(1.0, 2, m_mul=0.5)([0, 1, 2, 4, 6])
    array([1.  , 0.5 , 0.5 , 0.25, 0.25])
    """

    initial_learning_rate: float
    first_decay_steps: float
    t_mul: float = 2.0
    m_mul: float = 1.0
    alpha: float = 0.0
    name: str = "SGDRDecay"

    def _check(self) -> None:
        self._set(
            initial_learning_rate=number("initial_learning_rate", self.initial_learning_rate),
            first_decay_steps=number("first_decay_steps", self.first_decay_steps, above=True),
            t_mul=number("t_mul", self.t_mul, 1),
            m_mul=number("m_mul", self.m_mul),
            alpha=number("alpha", self.alpha),
        )

    def rates(self, steps: np.ndarray) -> np.ndarray:
        period, begin, length = self._periods(steps / self.first_decay_steps)
        height = np.power(float(self.m_mul), period)
        cosine = 1 + np.cos(np.pi * ((steps / self.first_decay_steps - begin) / length))
        values: np.ndarray = self.initial_learning_rate * ((1 - self.alpha) * (0.5 * height * cosine) + self.alpha)
        return values

    def _periods(self, time: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Number, beginning and length of the period of each time, in units of the first period."""
        ratio = float(self.t_mul)
        if ratio == 1:
            period = np.floor(time)
            return period, period, np.ones_like(time)
        # The logarithm may be one off at a border: the borders themselves decide.
        period = np.floor(np.log1p(time * (ratio - 1)) / np.log(ratio))
        period = period + (_begin(period + 1, ratio) <= time) - (_begin(period, ratio) > time)
        return period, _begin(period, ratio), np.power(ratio, period)


def _begin(period: np.ndarray, ratio: float) -> np.ndarray:
    begin: np.ndarray = (np.power(ratio, period) - 1) / (ratio - 1)
    return begin
