"""ASGD: gradient descent with averaged weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .base.arguments import arguments
from .base.dialects import PerArraySteps
from .base.hyperparameters import Hyperparameter
from .base.optimizer import Optimizer

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .base.options import Options


class ASGD(PerArraySteps, Optimizer):
    """Averaged SGD: gradient descent with a decaying rate, and the running average of the weights as the result.

    Parameters
    ----------
    learning_rate : float, default 0.01
        Step size at first; at least 0.
    lambd : float, default 1e-4
        Share of each weight removed in one step, times the rate; at least 0. The rate falls with it too.
    alpha : float, default 0.75
        Power with which the rate falls; at least 0.
    t0 : float, default 1e6
        Step after which weights are averaged; at least 0. Before, the mean is the last weight.
    name : str, default "asgd"
        Name in the config.

    State
    -----
    ax : ndarray, shape and dtype of the parameter
        Mean of the weights, which `state_dict` gives as ``"0.ax"`` and so on.

    Raises
    ------
    TypeError, ValueError
        A hyperparameter is not a real number, or not within its range.

    Notes
    -----
    .. math::

        \\eta_t &= \\frac{\\eta}{(1 + \\lambda \\eta (t - 1))^\\alpha}, \\qquad
        \\mu_t = \\frac{1}{\\max(1, t - 1 - t_0)} \\\\
        w_t &= (1 - \\lambda \\eta_t) w_{t-1} - \\eta_t g_t, \\qquad \\bar w_t = (1 - \\mu_t) \\bar w_{t-1} + \\mu_t w_t

    with :math:`\\eta` ``learning_rate``, :math:`\\lambda` ``lambd``, :math:`\\alpha` ``alpha``, :math:`t_0` ``t0`` and
    :math:`\\bar w` ``ax``. This is PyTorch's form, also in that the weights move by the last iterate; a changed
    ``learning_rate`` holds from the next step here, and from the one after it in PyTorch. Keras has no ASGD; its
    ``use_ema`` is a running mean.

    References
    ----------
    Polyak, Juditsky, "Acceleration of Stochastic Approximation by Averaging", SIAM J. Control Optim. 30 (1992),
    doi:10.1137/0330046.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> w = np.array([1.0])
    >>> opt = gs.optimizers.ASGD(learning_rate=1.0, lambd=0.0, t0=0.0)
    >>> for g in [1.0, 1.0, -2.0]:
    ...     opt.step(w, np.array([g]))  # to 0, -1 and 1
    >>> w, opt.state_dict()["0.ax"]  # the mean starts at the second
    (array([1.]), array([0.]))
    """

    lambd = Hyperparameter()
    alpha = Hyperparameter()
    t0 = Hyperparameter()

    def __init__(
        self,
        learning_rate: float = 0.01,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        *,
        name: str = "asgd",
        **options: Unpack[Options],
    ) -> None:
        super().__init__(**arguments("ASGD", locals()))
