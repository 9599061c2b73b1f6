"""Ftrl: follow the regularized leader."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..checks import check_float
from .base.arguments import arguments
from .base.hyperparameters import Hyperparameter
from .base.optimizer import Optimizer

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .base.options import Options


class Ftrl(Optimizer):
    """FTRL-Proximal: a learning rate for each weight, and L1 regularization that gives exact zeros.

    Parameters
    ----------
    learning_rate : float, default 0.001
        Step size; above 0.
    learning_rate_power : float, default -0.5
        Minus the power of the accumulator in the rate of a weight; at most 0. 0 is a constant rate.
    initial_accumulator_value : float, default 0.1
        What the accumulator is before the first step; at least 0.
    l1_regularization_strength : float, default 0.0
        Weights are 0 where `linear` is within this of 0; at least 0.
    l2_regularization_strength : float, default 0.0
        Pulls weights to 0 without a part in the gradient; at least 0.
    l2_shrinkage_regularization_strength : float, default 0.0
        Twice this times the weight is added to the gradient; at least 0.
    beta : float, default 0.0
        Added to the power of the accumulator; at least 0. The paper takes 1.
    name : str, default "ftrl"
        Name in the config.

    State
    -----
    accumulator : ndarray, shape and dtype of the parameter
        Sum of the squared gradients, from `initial_accumulator_value`.
    linear : ndarray, shape and dtype of the parameter
        The linear term of the problem that the next weight solves, from 0.

    Raises
    ------
    TypeError, ValueError
        A hyperparameter is not a real number, or not within its range.

    Notes
    -----
    .. math::

        n_t &= n_{t-1} + g_t^2, \\qquad \\sigma_t = (n_t^{-p} - n_{t-1}^{-p}) / \\eta \\\\
        z_t &= z_{t-1} + g_t + 2 \\lambda_s w_{t-1} - \\sigma_t w_{t-1} \\\\
        w_t &= \\frac{\\min(\\max(z_t, -\\lambda_1), \\lambda_1) - z_t}{(n_t^{-p} + \\beta) / \\eta + 2 \\lambda_2}

    with :math:`n, z` ``accumulator, linear``, :math:`\\eta` ``learning_rate``, :math:`p` ``learning_rate_power``,
    :math:`\\beta` ``beta``, and :math:`\\lambda_1, \\lambda_2, \\lambda_s` ``l1_regularization_strength,
    l2_regularization_strength, l2_shrinkage_regularization_strength``.

    This is Keras's form; the paper's :math:`\\lambda_2` is twice ``l2_regularization_strength``. Two things follow from
    it. A start other than 0 is no part of `linear`: the first step shrinks it. And a changed ``learning_rate`` rescales
    the weights, which are its multiple: keep it. A weight that had no gradient other than 0 is 0, as in the paper, also
    from an accumulator of 0, where Keras's is NaN. The power -0.5 is a root; another one is several times the work, and
    is chosen at construction. PyTorch has no Ftrl.

    References
    ----------
    McMahan et al., "Ad Click Prediction: a View from the Trenches", KDD 2013, doi:10.1145/2487575.2488200, algorithm 1.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> w = np.zeros(3)
    >>> opt = gs.optimizers.Ftrl(1.0, initial_accumulator_value=0.0, l1_regularization_strength=0.5)
    >>> opt.step(w, np.array([1.0, -2.0, 0.25]))  # the third gradient is within the band of L1
    >>> w
    array([-0.5 ,  0.75,  0.  ])
    """

    learning_rate_power = Hyperparameter(absent=-0.5)
    initial_accumulator_value = Hyperparameter()
    l1_regularization_strength = Hyperparameter()
    l2_regularization_strength = Hyperparameter()
    l2_shrinkage_regularization_strength = Hyperparameter()
    beta = Hyperparameter()

    def __init__(
        self,
        learning_rate: float = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
        *,
        name: str = "ftrl",
        **options: Unpack[Options],
    ) -> None:
        # The root is a separate rule: faster, and more accurate than any power.
        is_root = check_float("learning_rate_power", learning_rate_power) == -0.5
        super().__init__(**arguments("Ftrl" if is_root else "FtrlPower", locals()))

    def _arguments(self) -> dict[str, Any]:
        own = super()._arguments()
        return {**own, "learning_rate_power": own.get("learning_rate_power", self.learning_rate_power)}
