"""RAdam: Adam with a rectified rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .base.arguments import arguments
from .base.dialects import PerArraySteps
from .base.hyperparameters import Hyperparameter
from .base.optimizer import Optimizer

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .base.options import Options


class RAdam(PerArraySteps, Optimizer):
    """RAdam: Adam with rectified variance; plain momentum until there are enough gradients.

    Parameters
    ----------
    learning_rate : float, default 0.001
        Step size; at least 0.
    beta_1 : float, default 0.9
        Share of `m` kept from step to step; at least 0, below 1.
    beta_2 : float, default 0.999
        Share of `v` kept from step to step; at least 0, below 1.
    epsilon : float, default 1e-8
        Added to the root of `v`, in units of the gradient; at least 0.
    name : str, default "radam"
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
        \\rho_t &= \\rho_\\infty - \\frac{2 t \\beta_2^t}{1 - \\beta_2^t}, \\qquad
        \\rho_\\infty = \\frac{2}{1 - \\beta_2} - 1 \\\\
        r_t &= \\sqrt{\\frac{(\\rho_t - 4)(\\rho_t - 2)}{(\\rho_\\infty - 4)(\\rho_\\infty - 2)}
                    \\frac{\\rho_\\infty}{\\rho_t}} \\\\
        w_t &= w_{t-1} - \\frac{\\eta}{1 - \\beta_1^t} \\, m_t \\cdot
            \\begin{cases}
                r_t \\sqrt{1 - \\beta_2^t} / (\\sqrt{v_t} + \\epsilon) & \\rho_t > 5 \\\\
                1 & \\text{otherwise}
            \\end{cases}

    with :math:`\\eta` ``learning_rate``, :math:`\\beta_1, \\beta_2` ``beta_1, beta_2`` and :math:`\\epsilon`
    ``epsilon``. With ``beta_2`` of 0.999 the first 5 steps are not rectified. This is PyTorch's form; the paper's bound
    is 4, and it has no epsilon. Keras has no RAdam.

    References
    ----------
    Liu, Jiang, He, Chen, Liu, Gao, Han, "On the Variance of the Adaptive Learning Rate and Beyond", ICLR 2020,
    arXiv:1908.03265, algorithm 2.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> w = np.array([1.0, -2.0])
    >>> gs.optimizers.RAdam(learning_rate=0.5).step(w, 2 * w)  # the first step is plain descent
    >>> w
    array([0., 0.])
    """

    beta_1 = Hyperparameter()
    beta_2 = Hyperparameter()
    epsilon = Hyperparameter()

    def __init__(
        self,
        learning_rate: float = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        *,
        name: str = "radam",
        **options: Unpack[Options],
    ) -> None:
        super().__init__(**arguments("RAdam", locals()))
