"""Lars: momentum with steps as long as a share of the weights they move."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .base.arguments import arguments
from .base.hyperparameters import Hyperparameter
from .base.optimizer import Optimizer
from .schedules.base import LearningRateSchedule

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .base.options import OptionsBesideDecay


class Lars(Optimizer):
    """LARS: momentum with layer-wise rates from the norms of weights and gradients, for large batches.

    Parameters
    ----------
    learning_rate : float or LearningRateSchedule, default 1.0
        Step size, on top of each array's own; at least 0.
    momentum : float, default 0.9
        Share of the velocity kept from step to step; from 0 to 1.
    weight_decay : float, default 0.0005
        Share of each weight that joins its gradient; at least 0.
    trust_coefficient : float, default 0.001
        Length of what a step adds to the velocity, as a share of the norm of the array; at least 0.
    name : str, default "lars"
        Name in the config.

    State
    -----
    velocity : ndarray, shape and dtype of the parameter
        What the last step took off the array, from 0.

    Raises
    ------
    TypeError, ValueError
        A hyperparameter is not a real number, or not within its range.

    Notes
    -----
    .. math::

        \\lambda_t &= \\rho \\frac{\\lVert w_{t-1} \\rVert}{\\lVert g_t \\rVert + \\beta \\lVert w_{t-1} \\rVert} \\\\
        u_t &= \\mu u_{t-1} + \\eta \\lambda_t (g_t + \\beta w_{t-1}), \\qquad w_t = w_{t-1} - u_t

    with :math:`\\eta` ``learning_rate``, :math:`\\mu` ``momentum``, :math:`\\beta` ``weight_decay``, :math:`\\rho`
    ``trust_coefficient`` and :math:`u` ``velocity``. Norms are of one array at a time; where one of the two is 0 or
    not a number, :math:`\\lambda_t` is 1: an array that starts at 0 takes its first step at the full
    ``learning_rate``. The paper sets ``learning_rate`` for each experiment, so the default is the neutral 1. Its decay
    is part of the gradient, and so it is here. Neither Keras nor PyTorch has Lars. A step reads each array twice.

    References
    ----------
    You, Gitman, Ginsburg, "Large Batch Training of Convolutional Networks", 2017, arXiv:1708.03888, algorithm 1.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> w = np.array([3.0, -4.0])
    >>> opt = gs.optimizers.Lars(learning_rate=2.0, trust_coefficient=0.25, weight_decay=0.0)
    >>> opt.step(w, np.array([100.0, 0.0]))  # by half the norm of 5
    >>> w
    array([ 0.5, -4. ])
    """

    momentum = Hyperparameter()
    weight_decay = Hyperparameter()
    trust_coefficient = Hyperparameter()

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 1.0,
        momentum: float = 0.9,
        weight_decay: float = 0.0005,
        trust_coefficient: float = 0.001,
        *,
        name: str = "lars",
        **options: Unpack[OptionsBesideDecay],
    ) -> None:
        super().__init__(**arguments("Lars", locals()))
