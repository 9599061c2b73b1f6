"""Yogi: Adam with a second moment that moves slowly."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .base.arguments import arguments
from .base.hyperparameters import Hyperparameter
from .base.optimizer import Optimizer

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .base.options import Options


class Yogi(Optimizer):
    """Yogi: Adam with an additive update of the second moment, which grows slowly.

    Parameters
    ----------
    learning_rate : float, default 0.01
        Step size; at least 0. Roughly the largest change of one weight in one step.
    beta_1 : float, default 0.9
        Share of `m` kept from step to step; at least 0, below 1.
    beta_2 : float, default 0.999
        1 less the share of the squared gradient by which `v` moves; at least 0, below 1.
    epsilon : float, default 1e-3
        Added to the root of `v`, in units of the gradient; at least 0.
    initial_accumulator_value : float, default 1e-6
        What `v` is before the first step; at least 0.
    name : str, default "yogi"
        Name in the config.

    State
    -----
    m : ndarray, shape and dtype of the parameter
        Running mean of the gradient, from 0.
    v : ndarray, shape and dtype of the parameter
        Estimate of the squared gradient, from `initial_accumulator_value`.

    Raises
    ------
    TypeError, ValueError
        A hyperparameter is not a real number, or not within its range.

    Notes
    -----
    .. math::

        m_t &= \\beta_1 m_{t-1} + (1 - \\beta_1) g_t, \\qquad
        v_t = v_{t-1} - (1 - \\beta_2) \\operatorname{sign}(v_{t-1} - g_t^2) g_t^2 \\\\
        w_t &= w_{t-1} - \\eta \\frac{\\sqrt{1 - \\beta_2^t}}{1 - \\beta_1^t} \\frac{m_t}{\\sqrt{v_t} + \\epsilon}

    with :math:`\\eta` ``learning_rate``, :math:`\\beta_1, \\beta_2` ``beta_1, beta_2`` and :math:`\\epsilon`
    ``epsilon``. The paper's algorithm has no bias correction and leaves the start of `v` open; here both are as usual,
    the former as in `Adam`. Neither Keras nor PyTorch has it.

    References
    ----------
    Zaheer, Reddi, Sachan, Kale, Kumar, "Adaptive Methods for Nonconvex Optimization", NeurIPS 2018, algorithm 2.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> w = np.ones(5)
    >>> opt = gs.optimizers.Yogi(learning_rate=0.1)
    >>> for _ in range(500):
    ...     opt.step(w, 2 * w)
    >>> bool(abs(w).max() < 1e-6)
    True
    """

    beta_1 = Hyperparameter()
    beta_2 = Hyperparameter()
    epsilon = Hyperparameter()
    initial_accumulator_value = Hyperparameter()

    def __init__(
        self,
        learning_rate: float = 0.01,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-3,
        initial_accumulator_value: float = 1e-6,
        *,
        name: str = "yogi",
        **options: Unpack[Options],
    ) -> None:
        super().__init__(**arguments("Yogi", locals()))
