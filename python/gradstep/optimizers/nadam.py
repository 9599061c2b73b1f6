"""Nadam: Adam with Nesterov's momentum."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .base.arguments import arguments
from .base.defaults import default
from .base.dialects import DialectOptions, must_stay, rule_name
from .base.hyperparameters import Hyperparameter
from .base.optimizer import Optimizer

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .base.options import Options


class Nadam(DialectOptions, Optimizer):
    """Nadam: Adam with Nesterov momentum, which grows over the first steps.

    Parameters
    ----------
    learning_rate : float, default 0.001 (torch: 0.002)
        Step size; at least 0. Roughly the largest change of one weight in one step.
    beta_1 : float, default 0.9
        Share of `m` kept from step to step, and the momentum in the long run; at least 0, below 1.
    beta_2 : float, default 0.999
        Share of `v` kept from step to step; at least 0, below 1.
    epsilon : float, default 1e-7 (torch: 1e-8)
        Added to the corrected root of `v`, in units of the gradient; at least 0.
    momentum_decay : float, default 1.0 (torch: 0.004)
        How fast momentum grows; at least 0. To be chosen with PyTorch's form only.
    dialect : {"keras", "torch"}, default "keras"
        Whose form and defaults count. PyTorch's `weight_decay` joins the gradient, times the weight.
    name : str, default "nadam"
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

        \\mu_t &= \\beta_1 (1 - \\tfrac{1}{2} 0.96^{\\psi t}), \\qquad P_t = \\mu_1 \\mu_2 \\cdots \\mu_t \\\\
        m_t &= \\beta_1 m_{t-1} + (1 - \\beta_1) g_t, \\qquad v_t = \\beta_2 v_{t-1} + (1 - \\beta_2) g_t^2 \\\\
        w_t &= w_{t-1} - \\eta \\left( \\frac{\\mu_{t+1} m_t}{1 - P_{t+1}} + \\frac{(1 - \\mu_t) g_t}{1 - P_t} \\right)
               \\Big/ \\left( \\sqrt{\\frac{v_t}{1 - \\beta_2^t}} + \\epsilon \\right)

    with :math:`\\eta` ``learning_rate``, :math:`\\beta_1, \\beta_2` ``beta_1, beta_2``, :math:`\\epsilon`
    ``epsilon`` and :math:`\\psi` ``momentum_decay``. Keras has :math:`\\psi = 1`, and a momentum that grows 250 times
    faster than PyTorch's. The product follows from `t` and the present ``beta_1``, where both keep it as state.

    References
    ----------
    Dozat, "Incorporating Nesterov Momentum into Adam", ICLR 2016 workshop track.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> w = np.ones(5)
    >>> opt = gs.optimizers.Nadam(learning_rate=0.1)
    >>> for _ in range(500):
    ...     opt.step(w, 2 * w)
    >>> bool(abs(w).max() < 1e-6)
    True
    """

    beta_1 = Hyperparameter()
    beta_2 = Hyperparameter()
    epsilon = Hyperparameter()
    momentum_decay = Hyperparameter(absent=1.0)

    def __init__(
        self,
        learning_rate: float = default(0.001),
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = default(1e-7),
        *,
        momentum_decay: float = default(1.0),
        dialect: str = "keras",
        name: str = "nadam",
        **options: Unpack[Options],
    ) -> None:
        rule = rule_name("Nadam", dialect)
        if dialect == "keras":
            must_stay("momentum_decay", momentum_decay, 1.0, "with dialect='keras'")
        super().__init__(**arguments(rule, locals()))
