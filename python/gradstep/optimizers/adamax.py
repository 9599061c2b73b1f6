"""Adamax: Adam by the largest gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .base.arguments import arguments
from .base.defaults import default
from .base.dialects import DialectOptions, rule_name
from .base.hyperparameters import Hyperparameter
from .base.optimizer import Optimizer

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .base.options import Options


class Adamax(DialectOptions, Optimizer):
    """Adamax: Adam with the infinity norm of past gradients in place of the second moment.

    Parameters
    ----------
    learning_rate : float, default 0.001 (torch: 0.002)
        Step size; at least 0. Roughly the largest change of one weight in one step.
    beta_1 : float, default 0.9
        Share of `m` kept from step to step; at least 0, below 1.
    beta_2 : float, default 0.999
        Share of `u` kept from step to step; at least 0, below 1.
    epsilon : float, default 1e-7 (torch: 1e-8)
        Added to `u`, or inside it, in units of the gradient; at least 0.
    dialect : {"keras", "torch"}, default "keras"
        Whose form and defaults count. PyTorch's `weight_decay` joins the gradient, times the weight.
    name : str, default "adamax"
        Name in the config.

    State
    -----
    m, u : ndarray, shape and dtype of the parameter
        Running mean of the gradient, and its largest size with forgetting, from 0.

    Raises
    ------
    TypeError, ValueError
        A hyperparameter is not a real number, or not within its range.

    Notes
    -----
    .. math::

        m_t &= \\beta_1 m_{t-1} + (1 - \\beta_1) g_t, \\qquad u_t = \\max(\\beta_2 u_{t-1}, |g_t|) \\\\
        w_t &= w_{t-1} - \\frac{\\eta}{1 - \\beta_1^t} \\frac{m_t}{u_t + \\epsilon}

    with :math:`\\eta` ``learning_rate``, :math:`\\beta_1, \\beta_2` ``beta_1, beta_2`` and :math:`\\epsilon`
    ``epsilon``. This is Keras's form. PyTorch's has epsilon beside the gradient, inside the maximum:
    :math:`u_t = \\max(\\beta_2 u_{t-1}, |g_t| + \\epsilon)`, and nothing beside `u` where it divides.

    References
    ----------
    Kingma, Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, arXiv:1412.6980, section 7.1.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> w = np.array([1.0, -2.0])
    >>> gs.optimizers.Adamax(learning_rate=0.5, beta_1=0.0, epsilon=0.0).step(w, np.array([3.0, -4.0]))
    >>> w
    array([ 0.5, -1.5])
    """

    beta_1 = Hyperparameter()
    beta_2 = Hyperparameter()
    epsilon = Hyperparameter()

    def __init__(
        self,
        learning_rate: float = default(0.001),
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = default(1e-7),
        *,
        dialect: str = "keras",
        name: str = "adamax",
        **options: Unpack[Options],
    ) -> None:
        super().__init__(**arguments(rule_name("Adamax", dialect), locals()))
