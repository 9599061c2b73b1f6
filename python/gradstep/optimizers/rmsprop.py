"""RMSprop: the gradient over its running root mean square."""

from __future__ import annotations

from .base import Hyperparameter, Optimizer
from .schedules.base import LearningRateSchedule


class RMSprop(Optimizer):
    """Gradient descent with each gradient divided by the root of the running mean of its square.

    Parameters
    ----------
    learning_rate : float or LearningRateSchedule, default 0.001
        Step size; at least 0. Roughly the change of each weight in one step.
    rho : float, default 0.9
        Share of the running mean kept from step to step; at least 0, below 1.
    epsilon : float, default 1e-7
        Added inside the root, in units of the gradient squared; at least 0.
    name : str, default "rmsprop"
        Name in the config.

    State
    -----
    v : ndarray, shape and dtype of the parameter
        Running mean of the squared gradient, from 0.

    Raises
    ------
    TypeError, ValueError
        A hyperparameter is not a real number, or not within its range.

    Notes
    -----
    .. math::

        v_t = \\rho v_{t-1} + (1 - \\rho) g_t^2, \\qquad w_t = w_{t-1} - \\eta \\frac{g_t}{\\sqrt{v_t + \\epsilon}}

    with :math:`\\eta` ``learning_rate``, :math:`\\rho` ``rho`` and :math:`\\epsilon` ``epsilon``.
    This is Keras's form, without its momentum and centering. PyTorch calls ``rho`` alpha, 0.99 by default, and adds
    1e-8 outside the root.

    References
    ----------
    Tieleman, Hinton, "Lecture 6.5 - rmsprop", COURSERA: Neural Networks for Machine Learning, 2012.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> w = np.array([1.0, -2.0])
    >>> opt = gs.optimizers.RMSprop(learning_rate=0.5, rho=0.0, epsilon=0.0)
    >>> opt.step(w, 2 * w)
    >>> w
    array([ 0.5, -1.5])
    """

    rho = Hyperparameter()
    epsilon = Hyperparameter()

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.001,
        rho: float = 0.9,
        *,
        epsilon: float = 1e-7,
        name: str = "rmsprop",
    ) -> None:
        super().__init__("RMSprop", name, learning_rate=learning_rate, rho=rho, epsilon=epsilon)
