"""Adadelta: the gradient in units of the steps it led to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .base.arguments import arguments
from .base.defaults import default
from .base.dialects import DialectOptions, rule_name
from .base.hyperparameters import Hyperparameter
from .base.optimizer import Optimizer

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .base.options import Options


class Adadelta(DialectOptions, Optimizer):
    """Adadelta: step sizes from the ratio of the RMS of past updates to the RMS of past gradients.

    Parameters
    ----------
    learning_rate : float, default 0.001 (torch: 1.0)
        Factor of a step; at least 0. The paper has none, which is 1.0.
    rho : float, default 0.95 (torch: 0.9)
        Share of both running means kept from step to step; at least 0, below 1.
    epsilon : float, default 1e-7 (torch: 1e-6)
        Added inside both roots; at least 0. It sets the size of the first steps.
    dialect : {"keras", "torch"}, default "keras"
        Whose form and defaults count. PyTorch's `weight_decay` joins the gradient, times the weight.
    name : str, default "adadelta"
        Name in the config.

    State
    -----
    v, u : ndarray, shape and dtype of the parameter
        Running means of the squared gradient and of the squared step before the rate, from 0.

    Raises
    ------
    TypeError, ValueError
        A hyperparameter is not a real number, or not within its range.

    Notes
    -----
    .. math::

        v_t &= \\rho v_{t-1} + (1 - \\rho) g_t^2, \\qquad
        \\Delta_t = \\sqrt{\\frac{u_{t-1} + \\epsilon}{v_t + \\epsilon}} \\; g_t \\\\
        u_t &= \\rho u_{t-1} + (1 - \\rho) \\Delta_t^2, \\qquad w_t = w_{t-1} - \\eta \\Delta_t

    with :math:`\\eta` ``learning_rate``, :math:`\\rho` ``rho`` and :math:`\\epsilon` ``epsilon``. Keras and PyTorch
    have the same form: their dialects differ in the defaults, and in weight decay.

    References
    ----------
    Zeiler, "ADADELTA: An Adaptive Learning Rate Method", 2012, arXiv:1212.5701, algorithm 1.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> w = np.array([1.0, -2.0])
    >>> opt = gs.optimizers.Adadelta(learning_rate=1.0, rho=0.0, epsilon=0.0)
    >>> opt.step(w, 2 * w)  # steps are in units of the steps before them: without epsilon none is ever taken
    >>> w
    array([ 1., -2.])
    >>> opt.epsilon = 3.0
    >>> opt.step(w, np.array([1.0, 1.0]))
    >>> w.round(3)
    array([ 0.134, -2.866])
    """

    rho = Hyperparameter()
    epsilon = Hyperparameter()

    def __init__(
        self,
        learning_rate: float = default(0.001),
        rho: float = default(0.95),
        epsilon: float = default(1e-7),
        *,
        dialect: str = "keras",
        name: str = "adadelta",
        **options: Unpack[Options],
    ) -> None:
        super().__init__(**arguments(rule_name("Adadelta", dialect), locals()))
