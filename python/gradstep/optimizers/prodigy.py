"""Prodigy: Adam that finds its own step size."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from .base.arguments import arguments
from .base.hyperparameters import Hyperparameter
from .base.optimizer import Optimizer
from .schedules.base import LearningRateSchedule

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .base.options import OptionsBesideDecay


class Prodigy(Optimizer):
    """Prodigy: Adam with an estimated step size, from the distance to the solution; no learning rate to tune.

    Parameters
    ----------
    learning_rate : float or LearningRateSchedule, default 1.0
        Factor of the step size that is found; at least 0. Meant to stay 1, or to follow a schedule that ends at 0.
    beta_1 : float, default 0.9
        Share of `m` kept from step to step; at least 0, below 1.
    beta_2 : float, default 0.999
        Share of `v` kept from step to step; at least 0, below 1. Its root is the share kept of `s` and `numerator`.
    epsilon : float, default 1e-8
        Added to the root of `v`, times `d`, in units of the gradient; at least 0.
    weight_decay : float, default 0.0
        Share of each weight removed in one step, times `learning_rate` and `d`; at least 0.
    d0 : float, default 1e-6
        What `d` is at first, far below any useful distance; above 0.
    d_coef : float, default 1.0
        Factor of the estimate; above 0. The one to tune: 0.5 for shorter steps, 2 for longer ones.
    growth_rate : float, default inf
        The most that `d` grows by in one step, once it has left `d0`; at least 1. 1.02 makes a warm-up.
    name : str, default "prodigy"
        Name in the config.

    State
    -----
    m, v : ndarray, shape and dtype of the parameter
        Running means of `d` times the gradient, and of its square, from 0.
    s : ndarray, shape and dtype of the parameter
        Weighted sum of the gradients, from 0.
    offset : ndarray, shape and dtype of the parameter
        What all steps together have taken off the array, from 0.
    d, d_max, numerator : ndarray of float64, shape ()
        The estimate of the distance, the largest one seen, and the weighted sum of gains; for all arrays together,
        0 before the first step.

    Raises
    ------
    TypeError, ValueError
        A hyperparameter is not a real number, or not within its range.

    Notes
    -----
    .. math::

        m_t &= \\beta_1 m_{t-1} + (1 - \\beta_1) d_t g_t, \\qquad
        v_t = \\beta_2 v_{t-1} + (1 - \\beta_2) d_t^2 g_t^2 \\\\
        n_t &= \\sqrt{\\beta_2} n_{t-1} + \\eta \\frac{d_t^2}{d_0} \\langle g_t, w_0 - w_{t-1} \\rangle, \\qquad
        s_t = \\sqrt{\\beta_2} s_{t-1} + \\eta \\frac{d_t^2}{d_0} g_t \\\\
        d_{t+1} &= \\max(d_t, c \\, n_t / \\lVert s_t \\rVert_1), \\qquad
        w_t = (1 - \\lambda \\eta d_t) w_{t-1} - \\eta d_t \\frac{m_t}{\\sqrt{v_t} + d_{t+1} \\epsilon}

    with :math:`\\eta` ``learning_rate``, :math:`\\lambda` ``weight_decay``, :math:`\\beta_1, \\beta_2`
    ``beta_1, beta_2``, :math:`\\epsilon` ``epsilon``, :math:`c` ``d_coef``, :math:`n` ``numerator`` and
    :math:`w_0 - w` ``offset``. The scalar product and the 1-norm are over all arrays that move in a step. Groups with
    rates of their own count in them with these; :math:`\\beta_2, d_0, c` and ``growth_rate`` are there the first
    group's. This is the form of the authors' code with its defaults: decoupled decay, no bias correction. Their code
    keeps the start of every array instead of `offset`, which does not lose small steps beside large weights. Neither
    Keras nor PyTorch has Prodigy. A step reads most of its numbers twice.

    References
    ----------
    Mishchenko, Defazio, "Prodigy: An Expeditiously Adaptive Parameter-Free Learner", ICML 2024, arXiv:2306.06101,
    algorithm 4.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> w, opt = np.array([3.0, -1.0]), gs.optimizers.Prodigy()
    >>> for _ in range(300):
    ...     opt.step(w, w - 1)
    >>> w.round(3), opt.state_dict()["d"].round(3)  # at most 2 from the start
    (array([1., 1.]), np.float64(1.041))
    """

    beta_1 = Hyperparameter()
    beta_2 = Hyperparameter()
    epsilon = Hyperparameter()
    weight_decay = Hyperparameter()
    d0 = Hyperparameter()
    d_coef = Hyperparameter()
    growth_rate = Hyperparameter()

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 1.0,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
        d0: float = 1e-6,
        d_coef: float = 1.0,
        growth_rate: float = inf,
        *,
        name: str = "prodigy",
        **options: Unpack[OptionsBesideDecay],
    ) -> None:
        super().__init__(**arguments("Prodigy", locals()))
