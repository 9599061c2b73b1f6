"""Stochastic gradient descent, with momentum."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..checks import check_bool, check_float
from .base.arguments import arguments
from .base.defaults import default
from .base.dialects import DialectOptions, must_stay, rule_name
from .base.hyperparameters import Hyperparameter
from .base.optimizer import Optimizer
from .schedules.base import LearningRateSchedule

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .base.options import Options


class SGD(DialectOptions, Optimizer):
    """Stochastic gradient descent, optionally with momentum or Nesterov momentum.

    Parameters
    ----------
    learning_rate : float or LearningRateSchedule, default 0.01 (torch: 0.001)
        Step size; at least 0.
    momentum : float or LearningRateSchedule, default 0.0
        Share of the velocity kept from step to step; from 0 to 1. At 0 there is no velocity, and no state.
    nesterov : bool, default False
        Whether Nesterov momentum is used. Without effect at momentum 0, where PyTorch's form refuses it.
    dampening : float, default 0.0
        Share of each gradient after the first that the velocity does not take up; from 0 to 1. Only in PyTorch's form,
        with momentum that is not Nesterov's.
    dialect : {"keras", "torch"}, default "keras"
        Whose form and defaults count. PyTorch's `weight_decay` joins the gradient, times the weight.
    name : str, default "SGD"
        Name in the config.

    State
    -----
    velocity : ndarray, shape and dtype of the parameter
        Running sum of the steps, from 0; only with momentum.

    Raises
    ------
    TypeError
        `learning_rate` or `momentum` is not a real number, or `nesterov` not a bool.
    ValueError
        One of them is outside its range, NaN or infinite.

    Notes
    -----
    .. math::

        w_t &= w_{t-1} - \\eta g_t && \\text{without momentum} \\\\
        u_t &= \\mu u_{t-1} - \\eta g_t, \\quad w_t = w_{t-1} + u_t && \\text{with momentum} \\\\
        u_t &= \\mu u_{t-1} - \\eta g_t, \\quad w_t = w_{t-1} + \\mu u_t - \\eta g_t && \\text{with nesterov}

    with :math:`\\eta` ``learning_rate``, :math:`\\mu` ``momentum`` and :math:`u` ``velocity``.
    This is Keras's form: the rate is inside the velocity, so that a changed rate acts on later gradients only.
    PyTorch's multiplies by it after, and may dampen the gradients:

    .. math::

        u_t &= \\mu u_{t-1} + (1 - d) g_t, \\quad u_1 = g_1, \\quad w_t = w_{t-1} - \\eta u_t
               && \\text{torch, with momentum} \\\\
        u_t &= \\mu u_{t-1} + g_t, \\quad w_t = w_{t-1} - \\eta (g_t + \\mu u_t) && \\text{torch, with nesterov}

    with :math:`d` ``dampening``. Without it, and at a constant rate, both take the same path. In PyTorch the first
    gradient is the first one of an array, and here that of the first step.

    References
    ----------
    Robbins, Monro, "A Stochastic Approximation Method", Ann. Math. Statist. 22 (1951), doi:10.1214/aoms/1177729586.

    Polyak, "Some methods of speeding up the convergence of iteration methods", 1964, doi:10.1016/0041-5553(64)90137-5.

    Sutskever, Martens, Dahl, Hinton, "On the importance of initialization and momentum in deep learning", ICML 2013.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> w = np.array([1.0, -2.0])
    >>> opt = gs.optimizers.SGD(learning_rate=0.125, momentum=0.5)
    >>> for _ in range(2):
    ...     opt.step(w, 2 * w)
    >>> w
    array([ 0.4375, -0.875 ])
    """

    momentum = Hyperparameter(absent=0.0)
    dampening = Hyperparameter(absent=0.0)

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = default(0.01),
        momentum: float | LearningRateSchedule = 0.0,
        nesterov: bool = False,
        *,
        dampening: float | LearningRateSchedule = 0.0,
        dialect: str = "keras",
        name: str = "SGD",
        **options: Unpack[Options],
    ) -> None:
        if not isinstance(momentum, LearningRateSchedule):
            momentum = check_float("momentum", momentum)
        self._nesterov = check_bool("nesterov", nesterov)
        # A flag that changes the state is another rule.
        rule = rule_name("SGD" if momentum == 0 else "Nesterov" if nesterov else "Momentum", dialect)
        if rule == "TorchSGD" and nesterov:
            raise ValueError("nesterov needs momentum above 0 with dialect='torch'; got 0.")
        if rule != "TorchMomentum":
            where = "dialect='keras'" if dialect == "keras" else "nesterov" if nesterov else "momentum 0"
            must_stay("dampening", dampening, 0.0, f"with {where}")
        super().__init__(**arguments(rule, locals()))

    @property
    def nesterov(self) -> bool:
        """Whether Nesterov momentum is used."""
        return self._nesterov

    def _arguments(self) -> dict[str, Any]:
        own = super()._arguments()
        return {**own, "momentum": own.get("momentum", 0.0), "nesterov": self.nesterov}
