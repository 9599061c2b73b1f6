"""ScheduleFreeAdamW: AdamW whose weights are averaged, in place of a rate that falls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .base.arguments import arguments
from .base.hyperparameters import Hyperparameter
from .base.optimizer import Optimizer
from .base.schedulefree import ScheduleFree
from .schedules.base import LearningRateSchedule

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .base.options import OptionsBesideDecay


class ScheduleFreeAdamW(ScheduleFree, Optimizer):
    """Schedule-free AdamW: a constant learning rate, with the average of the iterates as the result.

    While training an array holds the point whose gradient is wanted. `eval` puts the mean into it, `train` takes that
    back, `averages` gives copies, and `finalize_variable_values`, which `fit` calls, sets it for good.

    Parameters
    ----------
    learning_rate : float or LearningRateSchedule, default 0.0025
        Step size; at least 0. Roughly the largest change of one weight in one step.
    beta_1 : float, default 0.9
        Part of the mean in the point whose gradient is wanted; above 0, at most 1.
    beta_2 : float, default 0.999
        Share of `v` kept from step to step; at least 0, below 1.
    epsilon : float, default 1e-8
        Added to the corrected root of `v`, in units of the gradient; at least 0.
    warmup_steps : float, default 0
        Steps over which the rate grows from 0; at least 0.
    weight_decay : float or LearningRateSchedule, default 0.0
        Share of every weight that is removed in each step, times the rate; at least 0.
    r : float, default 0.0
        Power of `t` with which a step counts in the mean; from 0 to 10.
    weight_lr_power : float, default 0.0
        Power of what warm-up leaves of the rate, with which a step counts in the mean; from 0 to 10. Its authors have
        2, and Keras has 0.
    name : str, default "schedule_free_adamw"
        Name in the config.

    State
    -----
    v : ndarray, shape and dtype of the parameter
        Running mean of the squared gradient, from 0.
    ahead : ndarray, shape and dtype of the parameter
        :math:`z - y`: how far the steps alone are from the array, from 0.

    Raises
    ------
    TypeError, ValueError
        A hyperparameter is not a real number, or not within its range.

    Notes
    -----
    .. math::

        \\eta_t &= \\eta \\min(1, t / T), \\qquad \\omega_t = t^r \\min(1, t / T)^p, \\qquad
        c_t = \\omega_t / (\\omega_1 + \\dots + \\omega_t) \\\\
        v_t &= \\beta_2 v_{t-1} + (1 - \\beta_2) g_t^2, \\qquad
        z_t = z_{t-1} - \\eta_t \\left( g_t \\Big/ \\left( \\sqrt{\\frac{v_t}{1 - \\beta_2^t}} + \\epsilon \\right)
              + \\lambda y_{t-1} \\right) \\\\
        x_t &= (1 - c_t) x_{t-1} + c_t z_t, \\qquad y_t = (1 - \\beta_1) z_t + \\beta_1 x_t

    with :math:`y` the array, where :math:`g_t` is taken, :math:`\\eta` ``learning_rate``,
    :math:`\\beta_1, \\beta_2` ``beta_1, beta_2``, :math:`\\epsilon` ``epsilon``, :math:`\\lambda` ``weight_decay``,
    :math:`T` ``warmup_steps`` and :math:`p` ``weight_lr_power``. The weights follow from `t` alone.

    Keras has the same form without decay, and no way to the means: after its `fit` the weights are `y`. Its decay
    shrinks `y` before a step and leaves `z` as it is; here, as in the paper and its authors' code, it is a part of the
    step of `z`. In the authors' code :math:`\\omega_t` has the largest rate so far, which is the same unless
    ``learning_rate`` itself rises: warm up by ``warmup_steps``, not by a schedule. PyTorch does not have it.

    References
    ----------
    Defazio, Yang, Mehta, Mishchenko, Khaled, Cutkosky, "The Road Less Scheduled", NeurIPS 2024, arXiv:2405.15682,
    algorithm 1.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> w, opt = np.ones(5), gs.optimizers.ScheduleFreeAdamW(learning_rate=0.1)
    >>> for _ in range(500):
    ...     opt.step(w, 2 * w)
    >>> opt.eval()
    >>> bool(abs(w).max() < 0.02)
    True
    """

    beta_1 = Hyperparameter()
    beta_2 = Hyperparameter()
    epsilon = Hyperparameter()
    warmup_steps = Hyperparameter()
    weight_decay = Hyperparameter()
    r = Hyperparameter()
    weight_lr_power = Hyperparameter()
    mean_field = "beta_1"

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.0025,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        warmup_steps: float = 0,
        weight_decay: float | LearningRateSchedule = 0.0,
        *,
        r: float = 0.0,
        weight_lr_power: float = 0.0,
        name: str = "schedule_free_adamw",
        **options: Unpack[OptionsBesideDecay],
    ) -> None:
        super().__init__(**arguments("ScheduleFreeAdamW", locals()))
