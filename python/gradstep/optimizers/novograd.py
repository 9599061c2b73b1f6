"""NovoGrad: momentum over gradients that are normalised array by array."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .base.arguments import arguments
from .base.hyperparameters import Hyperparameter
from .base.optimizer import Optimizer
from .schedules.base import LearningRateSchedule

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .base.options import OptionsBesideDecay


class NovoGrad(Optimizer):
    """NovoGrad: Adam with one second moment per array, of the norm of its gradients.

    Parameters
    ----------
    learning_rate : float or LearningRateSchedule, default 0.01
        Step size; at least 0. Roughly the norm of what one gradient moves in one step.
    beta_1 : float, default 0.95
        Share of `m` kept from step to step; at least 0, below 1.
    beta_2 : float, default 0.98
        Share of `v` kept from step to step; at least 0, below 1.
    epsilon : float, default 1e-8
        Added to the root of `v`, in units of the gradient's norm; at least 0.
    weight_decay : float, default 0.0
        Share of each weight that joins the normalised gradient; at least 0.
    name : str, default "novograd"
        Name in the config.

    State
    -----
    m : ndarray, shape and dtype of the parameter
        Sum of normalised gradients, of which `beta_1` is kept, from 0.
    v : ndarray of float64, shape ()
        Running mean of the squared norm of the gradient; 0 until a gradient is not.

    Raises
    ------
    TypeError, ValueError
        A hyperparameter is not a real number, or not within its range.

    Notes
    -----
    .. math::

        v_t &= \\beta_2 v_{t-1} + (1 - \\beta_2) \\lVert g_t \\rVert^2, \\qquad v_1 = \\lVert g_1 \\rVert^2 \\\\
        m_t &= \\beta_1 m_{t-1} + \\left( \\frac{g_t}{\\sqrt{v_t} + \\epsilon} + \\lambda w_{t-1} \\right), \\qquad
        w_t = w_{t-1} - \\eta m_t

    with :math:`\\eta` ``learning_rate``, :math:`\\lambda` ``weight_decay``, :math:`\\beta_1, \\beta_2`
    ``beta_1, beta_2`` and :math:`\\epsilon` ``epsilon``. Norms are of one array at a time. `m` is a sum, not a mean: a
    steady gradient moves by :math:`\\eta / (1 - \\beta_1)`. The paper's decay joins `m`, and so it does here. Neither
    Keras nor PyTorch has NovoGrad. A step reads each gradient twice.

    References
    ----------
    Ginsburg, Castonguay, Hrinchuk, Kuchaiev, Lavrukhin, Leary, Li, Nguyen, Zhang, Cohen, "Stochastic Gradient Methods
    with Layer-wise Adaptive Moments for Training of Deep Networks", 2019, arXiv:1905.11286, algorithm 1.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> w, opt = np.array([1.0, -2.0]), gs.optimizers.NovoGrad(learning_rate=0.5, epsilon=0.0)
    >>> opt.step(w, np.array([30.0, -40.0]))
    >>> w, opt.state_dict()["0.v"]
    (array([ 0.7, -1.6]), array(2500.))
    """

    beta_1 = Hyperparameter()
    beta_2 = Hyperparameter()
    epsilon = Hyperparameter()
    weight_decay = Hyperparameter()

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.01,
        beta_1: float = 0.95,
        beta_2: float = 0.98,
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
        *,
        name: str = "novograd",
        **options: Unpack[OptionsBesideDecay],
    ) -> None:
        super().__init__(**arguments("NovoGrad", locals()))
