"""Adafactor: a second moment of a matrix in the room of its rows and columns."""

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


class Adafactor(DialectOptions, Optimizer):
    """Adafactor: a second moment factored into row and column means, for little memory.

    State is a row and a column for a matrix, so it takes next to no memory. Steps are in units of the weights.

    Parameters
    ----------
    learning_rate : float or LearningRateSchedule, default 0.001 (torch: 0.01)
        Step size as a share of the root mean square of the array; at least 0.
    beta_2_decay : float, default -0.8
        The squares of step t have the share :math:`t^{\\text{beta\\_2\\_decay}}` in the means; at most 0.
    epsilon_1 : float, default 1e-30 (torch: the precision of the type)
        Added to the squares; at least 0. In PyTorch's form a bound that keeps divisors from 0; infinite, its
        default, it is the precision of the type: 2.2e-16 for float64, 1.2e-7 for others.
    epsilon_2 : float, default 0.001
        What the root mean square of an array counts as if it is smaller; at least 0.
    clip_threshold : float, default 1.0
        Largest root mean square of a direction; above 0. Larger ones are scaled down to it.
    relative_step : bool, default True
        Whether the rate is at most :math:`1 / \\sqrt t`.
    dialect : {"keras", "torch"}, default "keras"
        Whose form and defaults count.
    name : str, default "adafactor"
        Name in the config.

    State
    -----
    row : ndarray, shape of the parameter without its last axis
        Running means of the squared gradient over each row, from 0.
    column : ndarray, shape of the parameter without its last but one axis
        Running means over each column, from 0. Of a parameter with one axis or none, the squared gradient itself.

    Raises
    ------
    TypeError, ValueError
        A hyperparameter is not a real number, or not within its range; `relative_step` is not a bool; `dialect` is
        none; `state_dtype` is given, for there is nothing to save.

    Notes
    -----
    With :math:`\\eta` ``learning_rate``, :math:`\\epsilon_1, \\epsilon_2` ``epsilon_1, epsilon_2``, :math:`d`
    ``clip_threshold``, and RMS the root of the mean of squares over all of an array,

    .. math::

        \\beta_t &= 1 - t^{\\text{beta\\_2\\_decay}} \\\\
        r_t &= \\beta_t r_{t-1} + (1 - \\beta_t) \\operatorname{mean}_{\\text{columns}}(g_t^2 + \\epsilon_1), \\qquad
        c_t = \\beta_t c_{t-1} + (1 - \\beta_t) \\operatorname{mean}_{\\text{rows}}(g_t^2 + \\epsilon_1) \\\\
        u_t &= g_t \\Big/ \\sqrt{\\frac{r_t}{\\operatorname{mean}(r_t)} \\, c_t} \\\\
        w_t &= w_{t-1} - \\min(\\eta, 1 / \\sqrt t) \\, \\max(\\epsilon_2, \\operatorname{RMS}(w_{t-1}))
               \\frac{u_t}{\\max(1, \\operatorname{RMS}(u_t) / d)}

    with :math:`r` ``row`` and :math:`c` ``column``. Of more than two axes the last two make the matrices, as in Keras
    and PyTorch; with fewer, :math:`v_t = \\beta_t v_{t-1} + (1 - \\beta_t)(g_t^2 + \\epsilon_1)` stands under the root.
    The gradient is read three times in a step, the array twice. Keras has a moment of full size beside, which nothing
    reads.

    Keras bounds the rate by :math:`1 / \\sqrt t` whatever ``relative_step`` says; here False does what its
    documentation says. Both agree while the rate is below :math:`1 / \\sqrt t`.

    PyTorch's form adds no epsilon to the squares; it keeps the mean of `r` at :math:`\\epsilon_1` or more, and what is
    under the root at :math:`\\epsilon_1^2`. It takes RMS(w) before the weight decay, Keras after.

    References
    ----------
    Shazeer, Stern, "Adafactor: Adaptive Learning Rates with Sublinear Memory Cost", ICML 2018, arXiv:1804.04235,
    algorithms 4 and 5.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> w = np.ones((100, 50))
    >>> opt = gs.optimizers.Adafactor(learning_rate=0.1)
    >>> for _ in range(200):
    ...     opt.step(w, 2 * w)
    >>> bool(abs(w).max() < 0.01)
    True
    >>> {name: array.shape for name, array in opt.state_dict().items() if name.startswith("0.")}
    {'0.row': (100,), '0.column': (50,)}
    """

    beta_2_decay = Hyperparameter()
    epsilon_1 = Hyperparameter()
    epsilon_2 = Hyperparameter()
    clip_threshold = Hyperparameter()

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = default(0.001),
        beta_2_decay: float = -0.8,
        epsilon_1: float = default(1e-30),
        epsilon_2: float = 1e-3,
        clip_threshold: float = 1.0,
        relative_step: bool = True,
        *,
        dialect: str = "keras",
        name: str = "adafactor",
        **options: Unpack[Options],
    ) -> None:
        rule = rule_name("Adafactor", dialect)
        if not check_bool("relative_step", relative_step):
            if dialect != "keras":
                raise ValueError(f"relative_step must be True with dialect={dialect!r}.")
            rule = "AdafactorFreeRate"
        super().__init__(**arguments(rule, locals()))

    @property
    def relative_step(self) -> bool:
        """Whether the step size is at most one over the square root of the step number."""
        return self._core.rule != "AdafactorFreeRate"

    def _engine_options(self, rule: str) -> dict[str, Any]:
        return {**super()._engine_options(rule), "coupled_decay": False}  # in both libraries

    def _arguments(self) -> dict[str, Any]:
        return {**super()._arguments(), "relative_step": self.relative_step}
