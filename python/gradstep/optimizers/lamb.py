"""Lamb: Adam with steps as long as a share of the weights they move."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .base.arguments import arguments
from .base.hyperparameters import Hyperparameter
from .base.optimizer import Optimizer
from .schedules.base import LearningRateSchedule

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .base.options import Options


class Lamb(Optimizer):
    """LAMB: Adam with layer-wise step sizes relative to the norms of the weights, for large batches.

    Parameters
    ----------
    learning_rate : float or LearningRateSchedule, default 0.001
        Length of a step, as a share of the norm of the array that it moves; at least 0.
    beta_1 : float, default 0.9
        Share of `m` kept from step to step; at least 0, below 1.
    beta_2 : float, default 0.999
        Share of `v` kept from step to step; at least 0, below 1.
    epsilon : float, default 1e-7
        Added to the corrected root of `v`, in units of the gradient; at least 0.
    name : str, default "lamb"
        Name in the config.

    State
    -----
    m, v : ndarray, shape and dtype of the parameter
        Running means of the gradient and of its square, from 0.

    Raises
    ------
    TypeError, ValueError
        A hyperparameter is not a real number, or not within its range.

    Notes
    -----
    .. math::

        m_t &= \\beta_1 m_{t-1} + (1 - \\beta_1) g_t, \\qquad v_t = \\beta_2 v_{t-1} + (1 - \\beta_2) g_t^2 \\\\
        r_t &= \\frac{m_t}{1 - \\beta_1^t} \\Big/ \\left( \\sqrt{\\frac{v_t}{1 - \\beta_2^t}} + \\epsilon \\right),
        \\qquad w_t = w_{t-1} - \\eta \\frac{\\lVert w_{t-1} \\rVert}{\\lVert r_t \\rVert} r_t

    with :math:`\\eta` ``learning_rate``, :math:`\\beta_1, \\beta_2` ``beta_1, beta_2`` and :math:`\\epsilon`
    ``epsilon``. Norms are of one array at a time; where one of the two is 0 or not a number, their ratio counts as 1.
    This is Keras's form, also in that ``weight_decay`` is apart, before the step, and the norm is of the decayed
    array. The paper has the decay in :math:`r_t`, and bounds for the norm of the weights. PyTorch has no Lamb. A step
    reads each array twice.

    References
    ----------
    You, Li, Reddi, Hseu, Kumar, Bhojanapalli, Song, Demmel, Keutzer, Hsieh, "Large Batch Optimization for Deep
    Learning: Training BERT in 76 minutes", ICLR 2020, arXiv:1904.00962, algorithm 2.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> w = np.array([3.0, -4.0])
    >>> opt = gs.optimizers.Lamb(learning_rate=0.5, beta_1=0.0, beta_2=0.0, epsilon=0.0)
    >>> opt.step(w, np.array([7.0, 0.1]))  # in the direction of (1, 1), by half the norm of 5
    >>> w.round(3)
    array([ 1.232, -5.768])
    """

    beta_1 = Hyperparameter()
    beta_2 = Hyperparameter()
    epsilon = Hyperparameter()

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        *,
        name: str = "lamb",
        **options: Unpack[Options],
    ) -> None:
        super().__init__(**arguments("Lamb", locals()))
