"""The activations as functions of arrays; their values are C++ (csrc/layers/activation.hpp)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .. import _core
from ..checks import numeric, rows_of
from ..config import floatx

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def _apply(name: str, x: ArrayLike) -> np.ndarray:
    """x (...), of any strides -> f(x), a new array of its shape; what is no float array is taken as floatx."""
    array = numeric(x, "x")
    kept = isinstance(x, np.ndarray) and array.dtype in (np.float32, np.float64)
    return _core.activation(name, rows_of(array, array.dtype.name if kept else floatx()))


def linear(x: ArrayLike) -> np.ndarray:
    """x itself, in a new array.

    .. math:: y = x

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.activations.linear(np.array([0.5, -2.0]))
    array([ 0.5, -2. ])
    """
    return _apply("linear", x)


def relu(x: ArrayLike) -> np.ndarray:
    r"""Positive values; 0 for the others.

    .. math:: y = \max(x, 0)

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.activations.relu(np.array([-1.0, 0.0, 2.0]))
    array([0., 0., 2.])
    """
    return _apply("relu", x)


def relu6(x: ArrayLike) -> np.ndarray:
    r"""Values cut to 0 and 6.

    .. math:: y = \min(\max(x, 0), 6)

    References
    ----------
    Howard et al., "MobileNets", 2017, arXiv:1704.04861.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.activations.relu6(np.array([-1.0, 3.0, 9.0]))
    array([0., 3., 6.])
    """
    return _apply("relu6", x)


def leaky_relu(x: ArrayLike) -> np.ndarray:
    r"""Positive values; 0.2 x for the others. PyTorch's slope is 0.01, that of Keras's layer 0.3.

    .. math:: y = x \text{ where } x > 0, \quad 0.2\,x \text{ elsewhere}

    References
    ----------
    Maas, Hannun, Ng, "Rectifier nonlinearities improve neural network acoustic models", ICML 2013.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.activations.leaky_relu(np.array([-1.0, 2.0]))
    array([-0.2,  2. ])
    """
    return _apply("leaky_relu", x)


def elu(x: ArrayLike) -> np.ndarray:
    r"""Positive values; an exponential that ends at -1 for the others.

    .. math:: y = x \text{ where } x > 0, \quad e^x - 1 \text{ elsewhere}

    References
    ----------
    Clevert, Unterthiner, Hochreiter, "Fast and accurate deep network learning by ELUs", ICLR 2016,
    arXiv:1511.07289.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.activations.elu(np.array([0.0, 2.0]))
    array([0., 2.])
    """
    return _apply("elu", x)


def selu(x: ArrayLike) -> np.ndarray:
    r"""`elu` scaled so that outputs keep mean 0 and variance 1 from layer to layer.

    .. math:: y = \lambda x \text{ where } x > 0, \quad \lambda \alpha (e^x - 1) \text{ elsewhere}, \qquad
        \lambda = 1.0507\ldots, \; \alpha = 1.6732\ldots

    References
    ----------
    Klambauer et al., "Self-normalizing neural networks", NeurIPS 2017, arXiv:1706.02515.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.activations.selu(np.array([0.0]))
    array([0.])
    """
    return _apply("selu", x)


def sigmoid(x: ArrayLike) -> np.ndarray:
    """The logistic function, from 0 to 1.

    .. math:: y = 1 / (1 + e^{-x})

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.activations.sigmoid(np.array([0.0]))
    array([0.5])
    """
    return _apply("sigmoid", x)


def hard_sigmoid(x: ArrayLike) -> np.ndarray:
    r"""`sigmoid` in three straight pieces.

    .. math:: y = \min(\max(x / 6 + 1/2, 0), 1)

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.activations.hard_sigmoid(np.array([-3.0, 0.0, 3.0]))
    array([0. , 0.5, 1. ])
    """
    return _apply("hard_sigmoid", x)


def tanh(x: ArrayLike) -> np.ndarray:
    r"""The hyperbolic tangent, from -1 to 1.

    .. math:: y = \tanh x

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.activations.tanh(np.array([0.0]))
    array([0.])
    """
    return _apply("tanh", x)


def exponential(x: ArrayLike) -> np.ndarray:
    """The exponential function.

    .. math:: y = e^x

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.activations.exponential(np.array([0.0]))
    array([1.])
    """
    return _apply("exponential", x)


def softplus(x: ArrayLike) -> np.ndarray:
    r"""A smooth `relu`.

    .. math:: y = \log(1 + e^x)
    """
    return _apply("softplus", x)


def softsign(x: ArrayLike) -> np.ndarray:
    """A slower `tanh`, from -1 to 1.

    .. math:: y = x / (1 + |x|)

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.activations.softsign(np.array([-1.0, 3.0]))
    array([-0.5 ,  0.75])
    """
    return _apply("softsign", x)


def gelu(x: ArrayLike) -> np.ndarray:
    r"""x times the share of a normal distribution below it; exact, by the error function.

    .. math:: y = \tfrac{x}{2} \left(1 + \operatorname{erf}(x / \sqrt 2)\right)

    References
    ----------
    Hendrycks, Gimpel, "Gaussian error linear units", 2016, arXiv:1606.08415.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.activations.gelu(np.array([0.0]))
    array([0.])
    """
    return _apply("gelu", x)


def silu(x: ArrayLike) -> np.ndarray:
    """x times its `sigmoid`; also called swish.

    .. math:: y = x / (1 + e^{-x})

    References
    ----------
    Elfwing, Uchibe, Doya, "Sigmoid-weighted linear units", Neural Networks 107, 2018, arXiv:1702.03118.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.activations.silu(np.array([0.0]))
    array([0.])
    """
    return _apply("silu", x)


def mish(x: ArrayLike) -> np.ndarray:
    r"""x times the `tanh` of its `softplus`.

    .. math:: y = x \tanh(\log(1 + e^x))

    References
    ----------
    Misra, "Mish: a self regularized non-monotonic activation function", BMVC 2020, arXiv:1908.08681.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.activations.mish(np.array([0.0]))
    array([0.])
    """
    return _apply("mish", x)


def softmax(x: ArrayLike) -> np.ndarray:
    r"""Exponentials over their sum along the last axis: the shares of a whole.

    .. math:: y_k = e^{x_k} / \textstyle\sum_j e^{x_j}

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.activations.softmax(np.array([0.0, 0.0]))
    array([0.5, 0.5])
    """
    return _apply("softmax", x)


def log_softmax(x: ArrayLike) -> np.ndarray:
    r"""The logarithm of `softmax`, without leaving the range of the dtype.

    .. math:: y_k = x_k - \log \textstyle\sum_j e^{x_j}

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.activations.log_softmax(np.array([0.0]))
    array([0.])
    """
    return _apply("log_softmax", x)
