"""Adam: running means of the gradient and of its square."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..checks import check_bool
from .base.arguments import arguments
from .base.defaults import default
from .base.dialects import DialectOptions, rule_name
from .base.hyperparameters import Hyperparameter
from .base.optimizer import Optimizer
from .schedules.base import LearningRateSchedule

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .base.options import Options


class Adam(DialectOptions, Optimizer):
    """Adam: running mean of the gradient, divided by the root of the running mean of its square.

    Parameters
    ----------
    learning_rate : float or LearningRateSchedule, default 0.001
        Step size; at least 0. Roughly the largest change of one weight in one step.
    beta_1 : float, default 0.9
        Share of `m` kept from step to step; at least 0, below 1.
    beta_2 : float, default 0.999
        Share of `v` kept from step to step; at least 0, below 1.
    epsilon : float, default 1e-7 (torch: 1e-8)
        Added to the root of `v`, in units of the gradient; at least 0.
    amsgrad : bool, default False
        Whether to divide by the root of the largest `v` so far, in place of that of `v`.
    dialect : {"keras", "torch"}, default "keras"
        Whose form and defaults count. PyTorch's `weight_decay` joins the gradient, times the weight.
    name : str, default "adam"
        Name in the config.

    State
    -----
    m, v : ndarray, shape and dtype of the parameter
        Running means of the gradient and of its square, from 0.
    v_hat : ndarray, shape and dtype of the parameter
        Largest `v` so far, from 0; only with `amsgrad`.

    Raises
    ------
    TypeError, ValueError
        A hyperparameter is not a real number, or not within its range; `amsgrad` is not a bool.

    Notes
    -----
    .. math::

        m_t &= \\beta_1 m_{t-1} + (1 - \\beta_1) g_t, \\qquad v_t = \\beta_2 v_{t-1} + (1 - \\beta_2) g_t^2 \\\\
        w_t &= w_{t-1} - \\eta \\frac{\\sqrt{1 - \\beta_2^t}}{1 - \\beta_1^t} \\frac{m_t}{\\sqrt{v_t} + \\epsilon}

    with :math:`\\eta` ``learning_rate``, :math:`\\beta_1, \\beta_2` ``beta_1, beta_2``, :math:`\\epsilon` ``epsilon``.
    This is Keras's form, the paper's "epsilon hat" (end of its section 2). PyTorch's, the paper's algorithm 1, corrects
    `v` before it adds epsilon, which so weighs less in the first steps:

    .. math::

        w_t = w_{t-1} - \\frac{\\eta}{1 - \\beta_1^t} \\, m_t \\Big/
              \\left( \\sqrt{\\frac{v_t}{1 - \\beta_2^t}} + \\epsilon \\right) \\qquad \\text{torch}

    With ``amsgrad`` the root is that of :math:`\\hat v_t = \\max(\\hat v_{t-1}, v_t)`, so that no step forgets a large
    gradient. As in Keras and PyTorch, the largest `v` is taken before the bias correction, and the paper has none.

    References
    ----------
    Kingma, Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, arXiv:1412.6980, section 2.

    Reddi, Kale, Kumar, "On the Convergence of Adam and Beyond", ICLR 2018, arXiv:1904.09237, algorithm 2.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> w = np.ones(5)
    >>> opt = gs.optimizers.Adam(learning_rate=0.1)
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
        learning_rate: float | LearningRateSchedule = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = default(1e-7),
        amsgrad: bool = False,
        *,
        dialect: str = "keras",
        name: str = "adam",
        **options: Unpack[Options],
    ) -> None:
        super().__init__(
            **arguments(rule_name("AMSGrad" if check_bool("amsgrad", amsgrad) else "Adam", dialect), locals())
        )

    @property
    def amsgrad(self) -> bool:
        """Whether AMSGrad is used: the largest `v` so far in place of `v`."""
        return self._core.rule.endswith("AMSGrad")

    def _arguments(self) -> dict[str, Any]:
        return {**super()._arguments(), "amsgrad": self.amsgrad}
