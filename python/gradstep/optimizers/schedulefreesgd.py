"""ScheduleFreeSGD: gradient descent whose weights are averaged, in place of a rate that falls."""

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


class ScheduleFreeSGD(ScheduleFree, Optimizer):
    """Schedule-free SGD: a constant learning rate, with the average of the iterates as the result.

    While training an array holds the point whose gradient is wanted. `eval` puts the mean into it, `train` takes that
    back, `averages` gives copies, and `finalize_variable_values`, which `fit` calls, sets it for good.

    Parameters
    ----------
    learning_rate : float or LearningRateSchedule, default 1.0
        Step size; at least 0. Often ten to fifty times that of SGD with a schedule.
    momentum : float, default 0.9
        Part of the mean in the point whose gradient is wanted; above 0, at most 1.
    weight_decay : float or LearningRateSchedule, default 0.0
        Share of every weight that joins its gradient; at least 0.
    warmup_steps : float, default 0.0
        Steps over which the rate grows from 0; at least 0.
    r : float, default 0.0
        Power of `t` with which a step counts in the mean; from 0 to 10.
    weight_lr_power : float, default 2.0
        Power of what warm-up leaves of the rate, with which a step counts in the mean; from 0 to 10.
    name : str, default "schedule_free_sgd"
        Name in the config.

    State
    -----
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
        z_t &= z_{t-1} - \\eta_t (g_t + \\lambda y_{t-1}), \\qquad x_t = (1 - c_t) x_{t-1} + c_t z_t, \\qquad
        y_t = (1 - \\beta) z_t + \\beta x_t

    with :math:`y` the array, where :math:`g_t` is taken, :math:`\\eta` ``learning_rate``, :math:`\\beta` ``momentum``,
    :math:`\\lambda` ``weight_decay``, :math:`T` ``warmup_steps`` and :math:`p` ``weight_lr_power``. The weights follow
    from `t` alone. In the authors' code :math:`\\omega_t` has the largest rate so far, which is the same unless
    ``learning_rate`` itself rises: warm up by ``warmup_steps``, not by a schedule. Neither Keras nor PyTorch has it.

    References
    ----------
    Defazio, Yang, Mehta, Mishchenko, Khaled, Cutkosky, "The Road Less Scheduled", NeurIPS 2024, arXiv:2405.15682.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> w, opt = np.array([4.0]), gs.optimizers.ScheduleFreeSGD(learning_rate=0.5, momentum=0.5)
    >>> for _ in range(2):
    ...     opt.step(w, np.array([2.0]))  # z: 3, 2; their mean: 3, 2.5; w: half way between both
    >>> w
    array([2.25])
    >>> opt.eval(); w
    array([2.5])
    >>> opt.train(); w
    array([2.25])
    """

    momentum = Hyperparameter()
    weight_decay = Hyperparameter()
    warmup_steps = Hyperparameter()
    r = Hyperparameter()
    weight_lr_power = Hyperparameter()
    mean_field = "momentum"

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 1.0,
        momentum: float = 0.9,
        weight_decay: float | LearningRateSchedule = 0.0,
        warmup_steps: float = 0.0,
        r: float = 0.0,
        weight_lr_power: float = 2.0,
        *,
        name: str = "schedule_free_sgd",
        **options: Unpack[OptionsBesideDecay],
    ) -> None:
        super().__init__(**arguments("ScheduleFreeSGD", locals()))
