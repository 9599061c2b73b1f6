"""Lion: the sign of a mean of gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .base.arguments import arguments
from .base.hyperparameters import Hyperparameter
from .base.optimizer import Optimizer
from .schedules.base import LearningRateSchedule

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .base.options import Options


class Lion(Optimizer):
    """Lion: steps by the sign of an interpolation of gradient and momentum.

    Parameters
    ----------
    learning_rate : float or LearningRateSchedule, default 0.001
        Step size, the change of each weight in one step; at least 0. The authors take a third to a tenth of Adam's.
    beta_1 : float, default 0.9
        Share of `m` in the mean whose sign is taken; above 0, at most 1, as in Keras.
    beta_2 : float, default 0.99
        Share of `m` kept from step to step; at least 0, below 1.
    name : str, default "lion"
        Name in the config.

    State
    -----
    m : ndarray, shape and dtype of the parameter
        Running mean of the gradient, from 0.

    Raises
    ------
    TypeError, ValueError
        A hyperparameter is not a real number, or not within its range.

    Notes
    -----
    .. math::

        w_t = w_{t-1} - \\eta \\, \\mathrm{sign}(\\beta_1 m_{t-1} + (1 - \\beta_1) g_t), \\qquad
        m_t = \\beta_2 m_{t-1} + (1 - \\beta_2) g_t

    with :math:`\\eta` ``learning_rate`` and :math:`\\beta_1, \\beta_2` ``beta_1, beta_2``. The sign of 0 is 0.
    Same as Keras's, without weight decay.

    References
    ----------
    Chen et al., "Symbolic Discovery of Optimization Algorithms", NeurIPS 2023, arXiv:2302.06675, algorithm 2.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> w = np.array([1.0, -2.0, 3.0])
    >>> gs.optimizers.Lion(learning_rate=0.5).step(w, np.array([0.1, -100.0, 0.0]))
    >>> w
    array([ 0.5, -1.5,  3. ])
    """

    beta_1 = Hyperparameter()
    beta_2 = Hyperparameter()

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        *,
        name: str = "lion",
        **options: Unpack[Options],
    ) -> None:
        super().__init__(**arguments("Lion", locals()))
