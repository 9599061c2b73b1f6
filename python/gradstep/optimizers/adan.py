"""Adan: Adam with Nesterov's momentum from differences of gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .base.arguments import arguments
from .base.hyperparameters import Hyperparameter
from .base.optimizer import Optimizer

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .base.options import Options


class Adan(Optimizer):
    """Adan: adaptive Nesterov momentum, with running means of the gradient and of its differences.

    Parameters
    ----------
    learning_rate : float, default 0.001
        Step size; at least 0. Roughly the largest change of one weight in one step.
    beta_1 : float, default 0.98
        Share of `m` kept from step to step; at least 0, below 1.
    beta_2 : float, default 0.92
        Share of `v` kept from step to step; at least 0, below 1.
    beta_3 : float, default 0.99
        Share of `n` kept from step to step; at least 0, below 1.
    epsilon : float, default 1e-8
        Added to the corrected root of `n`, in units of the gradient; at least 0.
    name : str, default "adan"
        Name in the config.

    State
    -----
    m, v, n : ndarray, shape and dtype of the parameter
        Running means of the gradient, of its change, and of the square of the gradient one step ahead, from 0.
    previous : ndarray, shape and dtype of the parameter
        The gradient of the last step, from 0.

    Raises
    ------
    TypeError, ValueError
        A hyperparameter is not a real number, or not within its range.

    Notes
    -----
    .. math::

        d_t &= g_t - g_{t-1}, \\qquad d_1 = 0 \\\\
        m_t &= \\beta_1 m_{t-1} + (1 - \\beta_1) g_t, \\qquad v_t = \\beta_2 v_{t-1} + (1 - \\beta_2) d_t, \\qquad
        n_t = \\beta_3 n_{t-1} + (1 - \\beta_3) (g_t + \\beta_2 d_t)^2 \\\\
        w_t &= w_{t-1} - \\eta \\left( \\frac{m_t}{1 - \\beta_1^t} + \\beta_2 \\frac{v_t}{1 - \\beta_2^t} \\right)
               \\Big/ \\left( \\sqrt{\\frac{n_t}{1 - \\beta_3^t}} + \\epsilon \\right)

    with :math:`\\eta` ``learning_rate``, :math:`\\beta_1, \\beta_2, \\beta_3` ``beta_1, beta_2, beta_3`` and
    :math:`\\epsilon` ``epsilon``. This is the form of the authors' code: shares kept, where the paper has shares taken,
    and bias corrections. There is no restart. An array that joins after the first step starts with a last gradient of
    0. Neither Keras nor PyTorch has it.

    References
    ----------
    Xie, Zhou, Li, Lin, Yan, "Adan: Adaptive Nesterov Momentum Algorithm for Faster Optimizing Deep Models", 2022,
    arXiv:2208.06677, algorithm 1.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> w = np.array([1.0, -2.0])
    >>> opt = gs.optimizers.Adan(learning_rate=0.5, beta_1=0.0, beta_2=0.0, beta_3=0.0, epsilon=0.0)
    >>> opt.step(w, np.array([3.0, -4.0]))
    >>> w
    array([ 0.5, -1.5])
    """

    beta_1 = Hyperparameter()
    beta_2 = Hyperparameter()
    beta_3 = Hyperparameter()
    epsilon = Hyperparameter()

    def __init__(
        self,
        learning_rate: float = 0.001,
        beta_1: float = 0.98,
        beta_2: float = 0.92,
        beta_3: float = 0.99,
        epsilon: float = 1e-8,
        *,
        name: str = "adan",
        **options: Unpack[Options],
    ) -> None:
        super().__init__(**arguments("Adan", locals()))
