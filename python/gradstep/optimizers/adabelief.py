"""AdaBelief: Adam by the surprise of a gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .base.arguments import arguments
from .base.hyperparameters import Hyperparameter
from .base.optimizer import Optimizer

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .base.options import Options


class AdaBelief(Optimizer):
    """AdaBelief: Adam with the variance of the gradient around its running mean as second moment.

    Parameters
    ----------
    learning_rate : float, default 0.001
        Step size; at least 0. Roughly the largest change of one weight in one step. More where gradients are steady.
    beta_1 : float, default 0.9
        Share of `m` kept from step to step; at least 0, below 1.
    beta_2 : float, default 0.999
        Share of `s` kept from step to step; at least 0, below 1.
    epsilon : float, default 1e-16
        Added to `s` in each step, and to its corrected root; at least 0.
    name : str, default "adabelief"
        Name in the config.

    State
    -----
    m, s : ndarray, shape and dtype of the parameter
        Running means of the gradient, and of the square of its distance from `m`, from 0.

    Raises
    ------
    TypeError, ValueError
        A hyperparameter is not a real number, or not within its range.

    Notes
    -----
    .. math::

        m_t &= \\beta_1 m_{t-1} + (1 - \\beta_1) g_t, \\qquad
        s_t = \\beta_2 s_{t-1} + (1 - \\beta_2) (g_t - m_t)^2 + \\epsilon \\\\
        w_t &= w_{t-1} - \\eta \\frac{m_t}{1 - \\beta_1^t}
               \\Big/ \\left( \\sqrt{\\frac{s_t}{1 - \\beta_2^t}} + \\epsilon \\right)

    with :math:`\\eta` ``learning_rate``, :math:`\\beta_1, \\beta_2` ``beta_1, beta_2`` and :math:`\\epsilon`
    ``epsilon``. This is the paper's form, with the epsilon of its authors' code but without that code's rectification.
    Neither Keras nor PyTorch has it.

    References
    ----------
    Zhuang, Tang, Ding, Tatikonda, Dvornek, Papademetris, Duncan, "AdaBelief Optimizer: Adapting Stepsizes by the Belief
    in Observed Gradients", NeurIPS 2020, arXiv:2010.07468, algorithm 2.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> w = np.ones(5)
    >>> opt = gs.optimizers.AdaBelief(learning_rate=0.1)
    >>> for _ in range(500):
    ...     opt.step(w, 2 * w)
    >>> bool(abs(w).max() < 1e-6)
    True
    """

    beta_1 = Hyperparameter()
    beta_2 = Hyperparameter()
    epsilon = Hyperparameter()

    def __init__(
        self,
        learning_rate: float = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-16,
        *,
        name: str = "adabelief",
        **options: Unpack[Options],
    ) -> None:
        super().__init__(**arguments("AdaBelief", locals()))
