"""K-FAC: natural gradient descent with Kronecker-factored curvature, for Dense layers and convolutions."""

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


class KFAC(CurvatureOptimizer, Optimizer):
    """K-FAC: natural gradient descent with Kronecker-factored curvature, for Dense layers and convolutions.

    For `compile`: ``model.compile("kfac", loss="categorical_crossentropy")``. Kernels and biases of `Dense` layers
    and of `Conv1D`, `Conv2D` and `Conv3D` without groups are stepped together, along the inverse of the layer's
    curvature times its gradient. `Adam` updates every other array: kernels of recurrent layers and of other
    convolutions, embeddings, weights of normalization, and arrays that are given to `step` outside of a model.

    Parameters
    ----------
    learning_rate : float or LearningRateSchedule, default 0.1
        Step size; at least 0.
    momentum : float, default 0.9
        Share of the velocity kept from step to step; from 0 to 1.
    damping : float or LearningRateSchedule, default 0.01
        Tikhonov damping :math:`\\lambda` of the curvature; above 0. The larger, the nearer steps are to plain
        gradient descent with rate ``learning_rate / damping``. A schedule counts when inverses are made.
    kl_clip : float, default 0.001
        Largest size :math:`\\kappa` of a step before momentum, squared, in the norm of the curvature: twice the
        Kullback-Leibler divergence that it causes, nearly. Longer steps are scaled down. Infinite: no bound; above 0.
    factor_decay : float, default 0.95
        Share of the factors kept when a batch is added; at least 0, below 1. The k-th batch keeps no more than
        ``1 - 1 / k``.
    factor_period : int, default 10
        Steps from one batch in the factors to the next; at least 1. Of a fraction the whole part counts. The
        paper takes an eighth of each batch.
    inverse_period : int, default 20
        Steps from one inverse of the factors to the next; at least 1. Of a fraction the whole part counts.
    adam_lr_ratio : float, default 0.01
        The rate of Adam over `learning_rate`; at least 0.
    adam_beta_1 : float, default 0.9
        Share of `m` kept from step to step, in Adam; at least 0, below 1.
    adam_beta_2 : float, default 0.999
        Share of `v` kept from step to step, in Adam; at least 0, below 1.
    epsilon : float, default 1e-7
        Added to the root of `v`, in Adam; at least 0.
    fisher : {"true", "empirical"}, default "true"
        What the factor of the outputs is made of: gradients at targets that are drawn from the model's own
        distribution, which makes it the Fisher information and takes a second backward pass in the steps that add to
        the factors; or the gradients of the data.
    name : str, default "kfac"
        Name in the config.

    State
    -----
    m : ndarray, shape and dtype of the parameter
        Velocity, from 0; in Adam the running mean of the gradient.
    v : ndarray, shape and dtype of the parameter
        Running mean of the squared gradient, from 0, in Adam; without elements for weights of layers that are
        stepped by their curvature.
    a : ndarray, shape (inputs, inputs)
        Of the kernel of a layer, as those below: running mean of :math:`x x^\\top`, where the inputs :math:`x` end
        with 1 if the layer has a bias; those of a convolution are the numbers under its window, at each of its places.
        Without elements for other arrays.
    g : ndarray, shape (outputs, outputs)
        Running mean of :math:`\\delta \\delta^\\top`, of the gradients :math:`\\delta` by the layer's sums.
    a_inverse : ndarray, shape (inputs, inputs)
        Inverse of the damped `a`.
    g_inverse : ndarray, shape (outputs, outputs)
        Inverse of the damped `g`.

    Raises
    ------
    TypeError, ValueError
        A hyperparameter is not a real number, or not within its range; `state_dtype` is given, which it does not
        have. By `compile` and `fit`: such a layer is called several times in the model, or has a
        regularizer; gradients are to be accumulated; with ``fisher="true"``, the loss is not cross-entropy
        (categorical, sparse or binary) or the mean squared error, or a layer is written in NumPy.

    Notes
    -----
    With the gradient :math:`\\nabla W` of a layer's kernel and, as the last row, bias:

    .. math::

        A &\\leftarrow \\rho A + (1 - \\rho) \\, \\overline{x x^\\top}, \\qquad
        G \\leftarrow \\rho G + (1 - \\rho) \\, \\overline{\\delta \\delta^\\top}, \\qquad
        \\rho = \\min(1 - 1/k, \\text{factor\\_decay}) \\\\
        \\pi &= \\sqrt{\\frac{\\operatorname{tr} A / \\dim A}{\\operatorname{tr} G / \\dim G}}, \\qquad
        \\Delta = (A + \\pi \\sqrt\\lambda I)^{-1} \\, \\nabla W \\, (G + \\tfrac{\\sqrt\\lambda}{\\pi} I)^{-1} \\\\
        \\nu &= \\min\\left(1, \\sqrt{\\frac{\\kappa}{\\eta^2 \\sum \\langle \\nabla W, \\Delta \\rangle}}\\right) \\\\
        m_t &= \\mu m_{t-1} - \\eta \\nu \\Delta, \\qquad w_t = w_{t-1} + m_t

    with :math:`\\eta` ``learning_rate``, :math:`\\mu` ``momentum``, :math:`\\lambda` ``damping``, :math:`\\kappa`
    ``kl_clip``, and the sum over all layers. A step that makes inverses makes them of factors that hold its own
    batch, if ``inverse_period`` is a multiple of ``factor_period``. Gradients :math:`\\delta` are of the loss of
    one row, times the root of its sample weight, so that :math:`A \\otimes G` stands for the Gauss-Newton matrix of
    the batch's loss; a layer that is called along more axes counts positions as if they were independent, and a
    convolution its places (Grosse & Martens 2016). The bound :math:`\\nu` takes the place of the paper's rescaling
    by the exact Fisher matrix; damping is constant, or follows a schedule. `clipnorm` and its like, and
    `weight_decay`, which is decoupled, are of the direction :math:`\\nu \\Delta`, not of the gradient. Where
    rounding leaves a damped factor without an inverse, its damping is raised tenfold until it has one.

    Neither Keras nor PyTorch has K-FAC. Directions are found without :math:`\\nabla W` where the batch has few
    rows: :math:`\\Delta = (x A^{-1})^\\top (\\delta G^{-1})`. Factors and inverses of a layer take
    ``2 * (inputs**2 + outputs**2)`` numbers; a step of 784-256-128-64-10 at batches of 128 takes three times that of
    Adam, and with ``factor_period=1`` four. Inverses are by the package's own Cholesky factorization. Draws depend
    on `seed` and the step alone: results have the same bits at any number of threads.

    References
    ----------
    Martens & Grosse, "Optimizing Neural Networks with Kronecker-factored Approximate Curvature", ICML 2015,
    arXiv:1503.05671.

    Grosse & Martens, "A Kronecker-factored Approximate Fisher Matrix for Convolution Layers", ICML 2016,
    arXiv:1602.01407.

    Ba, Grosse & Martens, "Distributed Second-Order Optimization using Kronecker-Factored Approximations", ICLR 2017:
    the bound of a step.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> _ = gs.utils.set_random_seed(0)
    >>> x = np.random.default_rng(0).uniform(-1, 1, (256, 2))
    >>> y = np.sin(3 * x[:, :1]) * x[:, 1:]
    >>> model = gs.Sequential([gs.layers.Dense(16, "tanh"), gs.layers.Dense(16, "tanh"), gs.layers.Dense(1)])
    >>> model.compile(gs.optimizers.KFAC(learning_rate=0.3), loss="mse")
    >>> history = model.fit(x, y, batch_size=64, epochs=50, verbose=0)
    >>> history.history["loss"][-1] < 0.005
    True
    """

    _takes_convolutions = True

    damping = Hyperparameter()
    kl_clip = Hyperparameter()
    factor_decay = Hyperparameter()
    factor_period = Hyperparameter()
    inverse_period = Hyperparameter()
    adam_lr_ratio = Hyperparameter()
    adam_beta_1 = Hyperparameter()
    adam_beta_2 = Hyperparameter()
    epsilon = Hyperparameter()
    momentum = Hyperparameter()

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.1,
        momentum: float = 0.9,
        damping: float | LearningRateSchedule = 0.01,
        kl_clip: float = 0.001,
        factor_decay: float = 0.95,
        factor_period: float = 10,
        inverse_period: float = 20,
        adam_lr_ratio: float = 0.01,
        adam_beta_1: float = 0.9,
        adam_beta_2: float = 0.999,
        epsilon: float = 1e-7,
        fisher: str = "true",
        *,
        name: str = "kfac",
        **options: Unpack[Options],
    ) -> None:
        super().__init__(**arguments(self._rule("KFAC", fisher), locals()))
