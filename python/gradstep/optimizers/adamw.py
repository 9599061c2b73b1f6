"""AdamW: Adam with decoupled weight decay."""

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

    from .base.options import OptionsBesideDecay


class AdamW(DialectOptions, Optimizer):
    """Adam with decoupled weight decay.

    Parameters
    ----------
    learning_rate : float or LearningRateSchedule, default 0.001
        Step size; at least 0. Roughly the largest change of one weight in one step.
    weight_decay : float, default 0.004
        Share of each weight removed in one step, times `learning_rate`; at least 0; 0.01 in PyTorch's dialect.
    beta_1 : float, default 0.9
        Share of `m` kept from step to step; at least 0, below 1.
    beta_2 : float, default 0.999
        Share of `v` kept from step to step; at least 0, below 1.
    epsilon : float, default 1e-7
        Added to the root of `v`, in units of the gradient; at least 0; 1e-8 in PyTorch's dialect.
    amsgrad : bool, default False
        Whether to divide by the root of the largest `v` so far, in place of that of `v`.
    dialect : {"keras", "torch"}, default "keras"
        Whose form of the rule, and whose defaults.
    name : str, default "adamw"
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
        w_t &= (1 - \\eta \\lambda) w_{t-1}
               - \\eta \\frac{\\sqrt{1 - \\beta_2^t}}{1 - \\beta_1^t} \\frac{m_t}{\\sqrt{v_t} + \\epsilon}

    with :math:`\\eta` ``learning_rate``, :math:`\\lambda` ``weight_decay``, :math:`\\beta_1, \\beta_2`
    ``beta_1, beta_2`` and :math:`\\epsilon` ``epsilon``. This is Keras's form. PyTorch's, ``dialect="torch"``, decays
    in the same way, by 0.01 unless told otherwise, and adds epsilon as it does in `Adam`. The paper has the decay times
    a schedule instead of the rate. ``amsgrad`` is as in `Adam`.

    References
    ----------
    Loshchilov, Hutter, "Decoupled Weight Decay Regularization", ICLR 2019, arXiv:1711.05101, algorithm 2.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> w = np.array([1.0, -2.0])
    >>> gs.optimizers.AdamW(learning_rate=0.5, weight_decay=0.5).step(w, np.zeros(2))
    >>> w
    array([ 0.75, -1.5 ])
    """

    weight_decay = Hyperparameter()
    beta_1 = Hyperparameter()
    beta_2 = Hyperparameter()
    epsilon = Hyperparameter()

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.001,
        weight_decay: float = default(0.004),
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = default(1e-7),
        amsgrad: bool = False,
        *,
        dialect: str = "keras",
        name: str = "adamw",
        **options: Unpack[OptionsBesideDecay],
    ) -> None:
        super().__init__(
            **arguments(rule_name("AMSGradW" if check_bool("amsgrad", amsgrad) else "AdamW", dialect), locals())
        )

    @property
    def amsgrad(self) -> bool:
        """Whether AMSGrad is used: the largest `v` so far in place of `v`."""
        return self._core.rule.endswith("AMSGradW")

    def _engine_options(self, rule: str) -> dict[str, Any]:
        # The decay stays apart from the gradient in PyTorch's form too: that is what the class is for.
        return {**super()._engine_options(rule), "coupled_decay": False}

    def _arguments(self) -> dict[str, Any]:
        return {**super()._arguments(), "amsgrad": self.amsgrad}
