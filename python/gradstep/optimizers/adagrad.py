"""Adagrad: a rate per weight that shrinks with the gradients seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .base.arguments import arguments
from .base.defaults import default
from .base.dialects import DialectOptions, must_stay, rule_name
from .base.hyperparameters import Hyperparameter
from .base.optimizer import Optimizer
from .schedules.base import LearningRateSchedule

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .base.options import Options


class Adagrad(DialectOptions, Optimizer):
    """Adagrad: a learning rate for each weight, divided by the root of the sum of its squared gradients.

    Parameters
    ----------
    learning_rate : float or LearningRateSchedule, default 0.001 (torch: 0.01)
        Step size; at least 0. The first step is about this long; the paper's own value is nearer to 1.
    initial_accumulator_value : float, default 0.1 (torch: 0.0)
        Where the sum of squares starts, in units of the gradient squared; at least 0. Used when an array is first seen.
    epsilon : float, default 1e-7 (torch: 1e-10)
        Added inside the root, in units of the gradient squared, or to the root; at least 0.
    lr_decay : float, default 0.0
        How fast the rate falls; at least 0. PyTorch's alone.
    dialect : {"keras", "torch"}, default "keras"
        Whose form and defaults count. PyTorch's `weight_decay` joins the gradient, times the weight.
    name : str, default "adagrad"
        Name in the config.

    State
    -----
    accumulator : ndarray, shape and dtype of the parameter
        Sum of the squared gradients, from ``initial_accumulator_value``.

    Raises
    ------
    TypeError, ValueError
        A hyperparameter is not a real number, or not within its range.

    Notes
    -----
    .. math:: s_t = s_{t-1} + g_t^2, \\qquad w_t = w_{t-1} - \\eta \\frac{g_t}{\\sqrt{s_t + \\epsilon}}

    with :math:`\\eta` ``learning_rate``, :math:`\\epsilon` ``epsilon`` and :math:`s` ``accumulator``.
    This is Keras's form. PyTorch's starts from 0, adds epsilon outside the root, and has a rate that may fall:
    :math:`w_t = w_{t-1} - \\frac{\\eta}{1 + (t - 1) \\gamma} \\frac{g_t}{\\sqrt{s_t} + \\epsilon}`, with
    :math:`\\gamma` ``lr_decay``.

    References
    ----------
    Duchi, Hazan, Singer, "Adaptive Subgradient Methods for Online Learning and Stochastic Optimization",
    JMLR 12 (2011), 2121-2159.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> w = np.array([1.0, -2.0])
    >>> opt = gs.optimizers.Adagrad(learning_rate=0.5, initial_accumulator_value=0.0, epsilon=0.0)
    >>> opt.step(w, 2 * w)
    >>> w
    array([ 0.5, -1.5])
    """

    initial_accumulator_value = Hyperparameter()
    epsilon = Hyperparameter()
    lr_decay = Hyperparameter(absent=0.0)

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = default(0.001),
        initial_accumulator_value: float = default(0.1),
        epsilon: float = default(1e-7),
        *,
        lr_decay: float | LearningRateSchedule = 0.0,
        dialect: str = "keras",
        name: str = "adagrad",
        **options: Unpack[Options],
    ) -> None:
        rule = rule_name("Adagrad", dialect)
        if dialect == "keras":
            must_stay("lr_decay", lr_decay, 0.0, "with dialect='keras'")
        super().__init__(**arguments(rule, locals()))
