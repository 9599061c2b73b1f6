"""RMSprop: the gradient over its running root mean square."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..checks import check_bool, check_float
from .base.arguments import arguments
from .base.defaults import default
from .base.dialects import DialectOptions, rule_name
from .base.hyperparameters import Hyperparameter
from .base.optimizer import Optimizer
from .schedules.base import LearningRateSchedule

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .base.options import Options


class RMSprop(DialectOptions, Optimizer):
    """RMSprop: gradients divided by the root of a running mean of their squares.

    Parameters
    ----------
    learning_rate : float or LearningRateSchedule, default 0.001 (torch: 0.01)
        Step size; at least 0. Roughly the change of each weight in one step.
    rho : float, default 0.9 (torch: 0.99)
        Share of the running mean kept from step to step; at least 0, below 1.
    momentum : float, default 0.0
        Share of the velocity kept from step to step; from 0 to 1. At 0 there is no velocity.
    epsilon : float, default 1e-7 (torch: 1e-8)
        Added inside the root, in units of the gradient squared, or to the root; at least 0.
    centered : bool, default False
        Whether to divide by the root of the variance of the gradient, in place of that of its mean square.
    dialect : {"keras", "torch"}, default "keras"
        Whose form and defaults count. PyTorch's `weight_decay` joins the gradient, times the weight.
    name : str, default "rmsprop"
        Name in the config.

    State
    -----
    v : ndarray, shape and dtype of the parameter
        Running mean of the squared gradient, from 0.
    m : ndarray, shape and dtype of the parameter
        Running mean of the gradient, from 0; only if `centered`.
    velocity : ndarray, shape and dtype of the parameter
        Running sum of the steps, from 0; only with `momentum`.

    Raises
    ------
    TypeError, ValueError
        A hyperparameter is not a real number, or not within its range; `centered` is not a bool.

    Notes
    -----
    .. math::

        v_t &= \\rho v_{t-1} + (1 - \\rho) g_t^2, \\qquad m_t = \\rho m_{t-1} + (1 - \\rho) g_t \\\\
        d_t &= \\eta \\frac{g_t}{\\sqrt{v_t + \\epsilon}}, \\quad \\text{or} \\quad
               d_t = \\eta \\frac{g_t}{\\sqrt{v_t - m_t^2 + \\epsilon}} \\quad \\text{if centered} \\\\
        w_t &= w_{t-1} - d_t, \\quad \\text{or} \\quad
               u_t = \\mu u_{t-1} + d_t, \\; w_t = w_{t-1} - u_t \\quad \\text{with momentum}

    with :math:`\\eta` ``learning_rate``, :math:`\\rho` ``rho``, :math:`\\epsilon` ``epsilon``,
    :math:`\\mu` ``momentum``
    and :math:`u` ``velocity``. This is Keras's form; a variance that rounding makes negative counts as 0 here.
    PyTorch's, where ``rho`` is called alpha, adds epsilon outside the root, and multiplies by the rate after the
    velocity:

    .. math::

        d_t = \\frac{g_t}{\\sqrt{v_t} + \\epsilon}, \\qquad u_t = \\mu u_{t-1} + d_t, \\qquad
        w_t = w_{t-1} - \\eta u_t \\qquad \\text{torch}

    References
    ----------
    Tieleman, Hinton, "Lecture 6.5 - rmsprop", COURSERA: Neural Networks for Machine Learning, 2012.

    Graves, "Generating Sequences With Recurrent Neural Networks", 2013, arXiv:1308.0850, section 4.2.

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
    momentum = Hyperparameter(absent=0.0)
    epsilon = Hyperparameter()

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = default(0.001),
        rho: float = default(0.9),
        momentum: float | LearningRateSchedule = 0.0,
        epsilon: float = default(1e-7),
        centered: bool = False,
        *,
        dialect: str = "keras",
        name: str = "rmsprop",
        **options: Unpack[Options],
    ) -> None:
        if not isinstance(momentum, LearningRateSchedule):
            momentum = check_float("momentum", momentum)
        # Flags that change the state are other rules.
        rule = "RMSprop" + "Centered" * check_bool("centered", centered) + "Momentum" * (momentum != 0)
        super().__init__(**arguments(rule_name(rule, dialect), locals()))

    @property
    def centered(self) -> bool:
        """Whether gradients are divided by their standard deviation in place of their root mean square."""
        return "Centered" in self._core.rule

    def _arguments(self) -> dict[str, Any]:
        own = super()._arguments()
        return {**own, "momentum": own.get("momentum", 0.0), "centered": self.centered}
