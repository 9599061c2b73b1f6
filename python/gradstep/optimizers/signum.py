"""Signum: sign descent with momentum."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .base.arguments import arguments
from .base.hyperparameters import Hyperparameter
from .base.optimizer import Optimizer

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .base.options import Options


class Signum(Optimizer):
    """Signum: steps by the sign of the momentum.

    Parameters
    ----------
    learning_rate : float, default 0.0001
        Step size of every weight; at least 0. The paper takes a tenth of what suits Adam.
    momentum : float, default 0.9
        Share of `m` kept from step to step; at least 0, below 1. At 0 this is signSGD.
    name : str, default "signum"
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

        m_t = \\mu m_{t-1} + (1 - \\mu) g_t, \\qquad w_t = w_{t-1} - \\eta \\operatorname{sign}(m_t)

    with :math:`\\eta` ``learning_rate`` and :math:`\\mu` ``momentum``. Neither Keras nor PyTorch has it. `Lion` blends
    the new gradient in with another share than it keeps.

    References
    ----------
    Bernstein, Wang, Azizzadenesheli, Anandkumar, "signSGD: Compressed Optimisation for Non-Convex Problems", ICML 2018,
    arXiv:1802.04434, algorithm 2.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> w = np.array([1.0, -2.0, 3.0])
    >>> gs.optimizers.Signum(learning_rate=0.5).step(w, np.array([100.0, -0.01, 0.0]))
    >>> w
    array([ 0.5, -1.5,  3. ])
    """

    momentum = Hyperparameter()

    def __init__(
        self,
        learning_rate: float = 0.0001,
        momentum: float = 0.9,
        *,
        name: str = "signum",
        **options: Unpack[Options],
    ) -> None:
        super().__init__(**arguments("Signum", locals()))
