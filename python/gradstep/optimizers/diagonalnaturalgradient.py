"""Natural gradient descent with the diagonal of the Fisher information, for the Dense layers of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .base.arguments import arguments
from .base.curvature import CurvatureOptimizer
from .base.hyperparameters import Hyperparameter
from .base.optimizer import Optimizer
from .schedules.base import LearningRateSchedule

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .base.options import Options


class DiagonalNaturalGradient(CurvatureOptimizer, Optimizer):
    """Natural gradient descent with the diagonal of the Fisher information, for the Dense layers of a model.

    For `compile`: ``model.compile("natural", loss="categorical_crossentropy")``. Weights of `Dense` layers are stepped
    along their gradient over the mean of their squared gradients of single samples: not, as in Adam, over the root of
    the square of the batch's mean. `Adam` updates every other array, and arrays that are given to `step` outside of a
    model.

    Parameters
    ----------
    learning_rate : float or LearningRateSchedule, default 0.01
        Step size; at least 0.
    momentum : float, default 0.9
        Share of the velocity kept from step to step; from 0 to 1.
    damping : float or LearningRateSchedule, default 0.01
        Added to the diagonal; above 0. The larger, the nearer steps are to plain gradient descent with rate
        ``learning_rate / damping``.
    kl_clip : float, default 0.001
        Largest size of a step before momentum, squared, in the norm of the Fisher information: twice the
        Kullback-Leibler divergence that it causes, nearly. Longer steps are scaled down. Infinite: no bound; above 0.
    fisher_decay : float, default 0.95
        Share of the diagonal kept when a batch is added; at least 0, below 1. The k-th batch keeps no more than
        ``1 - 1 / k``.
    fisher_period : int, default 1
        Steps from one batch in the diagonal to the next; at least 1. Of a fraction the whole part counts.
    adam_lr_ratio : float, default 0.1
        The rate of Adam over `learning_rate`; at least 0.
    adam_beta_1 : float, default 0.9
        Share of `m` kept from step to step, in Adam; at least 0, below 1.
    adam_beta_2 : float, default 0.999
        Share of `v` kept from step to step, in Adam; at least 0, below 1.
    epsilon : float, default 1e-7
        Added to the root of `v`, in Adam; at least 0.
    fisher : {"true", "empirical"}, default "true"
        What the diagonal is made of: gradients at targets that are drawn from the model's own distribution, which takes
        a second backward pass in the steps that add to it; or the gradients of the data.
    name : str, default "diagonalnaturalgradient"
        Name in the config.

    State
    -----
    m : ndarray, shape and dtype of the parameter
        Velocity, from 0; in Adam the running mean of the gradient.
    v : ndarray, shape and dtype of the parameter
        Diagonal of the Fisher information, from 0; in Adam the running mean of the squared gradient.

    Raises
    ------
    TypeError, ValueError
        A hyperparameter is not a real number, or not within its range; `state_dtype` is given, which it does not
        have. By `compile` and `fit`: a Dense layer is called several times in the model, or has a
        regularizer; gradients are to be accumulated; with ``fisher="true"``, the loss is not cross-entropy
        (categorical, sparse or binary) or the mean squared error, or a layer is written in NumPy.

    Notes
    -----
    With :math:`g_i` the gradient of the loss of sample :math:`i`, of :math:`n` in the batch, and :math:`g` that of the
    batch:

    .. math::

        F &\\leftarrow \\rho F + (1 - \\rho) \\frac1n \\sum_i g_i^2, \\quad
        \\rho = \\min(1 - 1/k, \\text{fisher\\_decay}) \\\\
        \\Delta &= g / (F + \\lambda), \\qquad
        \\nu = \\min\\left(1, \\sqrt{\\frac{\\kappa}{\\eta^2 \\sum g \\Delta}}\\right), \\qquad
        m_t = \\mu m_{t-1} - \\eta \\nu \\Delta, \\qquad w_t = w_{t-1} + m_t

    with :math:`\\eta` ``learning_rate``, :math:`\\mu` ``momentum``, :math:`\\lambda` ``damping``, :math:`\\kappa`
    ``kl_clip``, and the sum over all weights. For a layer with inputs :math:`x` and gradients :math:`\\delta` by its
    sums the sum of squares is :math:`(x^2)^\\top \\delta^2`, one product of matrices; a layer that is called along more
    axes counts positions as if they were samples. `clipnorm` and its like, and `weight_decay`, which is decoupled, are
    of the direction :math:`\\nu \\Delta`, not of the gradient.

    Neither Keras nor PyTorch has it. `KFAC` sees how the weights of a layer work together, and gets further in a step.

    References
    ----------
    Amari, "Natural Gradient Works Efficiently in Learning", Neural Computation 10, 1998,
    doi:10.1162/089976698300017746.

    Martens, "New Insights and Perspectives on the Natural Gradient Method", JMLR 21, 2020: the diagonal, and why the
    targets are drawn.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> _ = gs.utils.set_random_seed(0)
    >>> x = np.random.default_rng(0).uniform(-1, 1, (256, 2))
    >>> y = np.sin(3 * x[:, :1]) * x[:, 1:]
    >>> model = gs.Sequential([gs.layers.Dense(16, "tanh"), gs.layers.Dense(16, "tanh"), gs.layers.Dense(1)])
    >>> model.compile(gs.optimizers.DiagonalNaturalGradient(), loss="mse")
    >>> history = model.fit(x, y, batch_size=64, epochs=50, verbose=0)
    >>> history.history["loss"][-1] < 0.05
    True
    """

    momentum = Hyperparameter()
    damping = Hyperparameter()
    kl_clip = Hyperparameter()
    fisher_decay = Hyperparameter()
    fisher_period = Hyperparameter()
    adam_lr_ratio = Hyperparameter()
    adam_beta_1 = Hyperparameter()
    adam_beta_2 = Hyperparameter()
    epsilon = Hyperparameter()

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.01,
        momentum: float = 0.9,
        damping: float | LearningRateSchedule = 0.01,
        kl_clip: float = 0.001,
        fisher_decay: float = 0.95,
        fisher_period: float = 1,
        adam_lr_ratio: float = 0.1,
        adam_beta_1: float = 0.9,
        adam_beta_2: float = 0.999,
        epsilon: float = 1e-7,
        fisher: str = "true",
        *,
        name: str = "diagonalnaturalgradient",
        **options: Unpack[Options],
    ) -> None:
        super().__init__(**arguments(self._rule("DiagonalNaturalGradient", fisher), locals()))
