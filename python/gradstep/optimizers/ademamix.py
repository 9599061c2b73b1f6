"""AdEMAMix: Adam with a second, slower mean of the gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .base.arguments import arguments
from .base.hyperparameters import Hyperparameter
from .base.optimizer import Optimizer

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .base.options import Options


class AdEMAMix(Optimizer):
    """AdEMAMix: Adam with a second, slow running mean of the gradient, over about ten thousand steps.

    Parameters
    ----------
    learning_rate : float, default 0.001
        Step size; at least 0.
    beta_1 : float, default 0.9
        Share of `m` kept from step to step; at least 0, below 1.
    beta_2 : float, default 0.999
        Share of `v` kept from step to step; at least 0, below 1.
    beta_3 : float, default 0.9999
        Share of `m_slow` kept from step to step; at least 0, below 1.
    alpha : float, default 2.0
        Weight of `m_slow` beside `m`; at least 0. The paper takes 4 to 10, with a warm-up.
    alpha_warmup : float, default 0.0
        Number of steps over which `alpha` grows from 0; at least 0.
    beta_3_warmup : float, default 0.0
        Number of steps over which `beta_3` grows from `beta_1`; at least 0.
    epsilon : float, default 1e-8
        Added to the corrected root of `v`, in units of the gradient; at least 0.
    name : str, default "ademamix"
        Name in the config.

    State
    -----
    m, v, m_slow : ndarray, shape and dtype of the parameter
        Running means of the gradient, of its square, and of the gradient by `beta_3`, from 0.

    Raises
    ------
    TypeError, ValueError
        A hyperparameter is not a real number, or not within its range.

    Notes
    -----
    .. math::

        m_t &= \\beta_1 m_{t-1} + (1 - \\beta_1) g_t, \\qquad v_t = \\beta_2 v_{t-1} + (1 - \\beta_2) g_t^2, \\qquad
        s_t = \\beta_{3,t} s_{t-1} + (1 - \\beta_{3,t}) g_t \\\\
        w_t &= w_{t-1} - \\eta \\left( \\frac{m_t}{1 - \\beta_1^t} + \\alpha_t s_t \\right)
               \\Big/ \\left( \\sqrt{\\frac{v_t}{1 - \\beta_2^t}} + \\epsilon \\right)

    with :math:`\\eta` ``learning_rate``, :math:`\\beta_1, \\beta_2` ``beta_1, beta_2``, :math:`s` ``m_slow`` and
    :math:`\\epsilon` ``epsilon``. During a warm-up of :math:`T` steps

    .. math::

        \\alpha_t = \\frac{t}{T} \\alpha, \\qquad
        \\frac{1}{\\ln \\beta_{3,t}} = \\Big(1 - \\frac{t}{T}\\Big) \\frac{1}{\\ln \\beta_1}
                                    + \\frac{t}{T} \\frac{1}{\\ln \\beta_3}

    so that the half-life of `m_slow` grows evenly; after it they are ``alpha`` and ``beta_3``. Names and defaults are
    those of the authors' code; the paper's weight decay is left out. Neither Keras nor PyTorch has it.

    References
    ----------
    Pagliardini, Ablin, Grangier, "The AdEMAMix Optimizer: Better, Faster, Older", 2024, arXiv:2409.03137, algorithm 1.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> w = np.array([1.0, -2.0])
    >>> opt = gs.optimizers.AdEMAMix(learning_rate=0.25, beta_3=0.0, alpha=1.0, epsilon=0.0)
    >>> opt.step(w, np.array([3.0, -4.0]))  # both means are the gradient: twice the step of Adam
    >>> w
    array([ 0.5, -1.5])
    """

    beta_1 = Hyperparameter()
    beta_2 = Hyperparameter()
    beta_3 = Hyperparameter()
    alpha = Hyperparameter()
    alpha_warmup = Hyperparameter()
    beta_3_warmup = Hyperparameter()
    epsilon = Hyperparameter()

    def __init__(
        self,
        learning_rate: float = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        beta_3: float = 0.9999,
        alpha: float = 2.0,
        alpha_warmup: float = 0.0,
        beta_3_warmup: float = 0.0,
        epsilon: float = 1e-8,
        *,
        name: str = "ademamix",
        **options: Unpack[Options],
    ) -> None:
        super().__init__(**arguments("AdEMAMix", locals()))
