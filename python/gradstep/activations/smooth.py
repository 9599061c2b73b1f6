"""Activations of exponentials and their like; their values are C++ (csrc/activations/smooth.hpp)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..checks import check_bool
from .apply import SpecRequest, apply

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = [
    "celu",
    "elu",
    "exponential",
    "gelu",
    "log_sigmoid",
    "mish",
    "selu",
    "sigmoid",
    "silu",
    "softplus",
    "softsign",
    "squareplus",
    "tanh",
    "tanh_shrink",
]


def elu(x: ArrayLike | SpecRequest, alpha: float = 1.0) -> np.ndarray:
    r"""Exponential linear unit: x above 0, alpha (exp(x) - 1) below.

    .. math:: y = x \text{ where } x > 0, \quad \alpha (e^x - 1) \text{ elsewhere}

    Parameters
    ----------
    x : array_like
    alpha : float, default 1.0
        Minus the value far left; at least 0.

    Raises
    ------
    TypeError, ValueError
        A setting is not a number of its range.

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
    return apply("elu", x, alpha=alpha)


def celu(x: ArrayLike | SpecRequest, alpha: float = 1.0) -> np.ndarray:
    r"""Continuously differentiable `elu`, for any alpha.

    .. math:: y = x \text{ where } x > 0, \quad \alpha (e^{x / \alpha} - 1) \text{ elsewhere}

    Parameters
    ----------
    x : array_like
    alpha : float, default 1.0
        Minus the value far left; above 0.

    Raises
    ------
    TypeError, ValueError
        A setting is not a number of its range.

    References
    ----------
    Barron, "Continuously differentiable exponential linear units", 2017, arXiv:1704.07483.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.activations.celu(np.array([0.0, 2.0]))
    array([0., 2.])
    """
    return apply("celu", x, alpha=alpha)


def selu(x: ArrayLike | SpecRequest) -> np.ndarray:
    r"""Scaled exponential linear unit, which keeps mean 0 and variance 1 from layer to layer.

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
    return apply("selu", x)


def sigmoid(x: ArrayLike | SpecRequest) -> np.ndarray:
    """Logistic sigmoid.

    .. math:: y = 1 / (1 + e^{-x})

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.activations.sigmoid(np.array([0.0]))
    array([0.5])
    """
    return apply("sigmoid", x)


def log_sigmoid(x: ArrayLike | SpecRequest) -> np.ndarray:
    r"""Logarithm of `sigmoid`, without overflow.

    .. math:: y = -\log(1 + e^{-x})

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.activations.log_sigmoid(np.array([-1000.0]))
    array([-1000.])
    """
    return apply("log_sigmoid", x)


def tanh(x: ArrayLike | SpecRequest) -> np.ndarray:
    r"""The hyperbolic tangent, from -1 to 1.

    .. math:: y = \tanh x

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.activations.tanh(np.array([0.0]))
    array([0.])
    """
    return apply("tanh", x)


def tanh_shrink(x: ArrayLike | SpecRequest) -> np.ndarray:
    r"""Tanh shrinkage: x - tanh(x).

    .. math:: y = x - \tanh x

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.activations.tanh_shrink(np.array([0.0]))
    array([0.])
    """
    return apply("tanh_shrink", x)


def exponential(x: ArrayLike | SpecRequest) -> np.ndarray:
    """The exponential function.

    .. math:: y = e^x

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.activations.exponential(np.array([0.0]))
    array([1.])
    """
    return apply("exponential", x)


def softplus(x: ArrayLike | SpecRequest) -> np.ndarray:
    r"""Softplus: log(1 + exp(x)), a smooth `relu`.

    .. math:: y = \log(1 + e^x)

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.activations.softplus([0.0, 2.0]).round(4)
    array([0.6931, 2.1269], dtype=float32)
    """
    return apply("softplus", x)


def squareplus(x: ArrayLike | SpecRequest, b: float = 4) -> np.ndarray:
    r"""Squareplus: a smooth `relu` without an exponential.

    .. math:: y = \left(x + \sqrt{x^2 + b}\right) / 2

    Parameters
    ----------
    x : array_like
    b : float, default 4
        How round the corner is; above 0.

    Raises
    ------
    TypeError, ValueError
        A setting is not a number of its range.

    References
    ----------
    Barron, "Squareplus", 2021, arXiv:2112.11687.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.activations.squareplus(np.array([0.0]))
    array([1.])
    """
    return apply("squareplus", x, b=b)


def softsign(x: ArrayLike | SpecRequest) -> np.ndarray:
    """Softsign: x / (1 + abs(x)).

    .. math:: y = x / (1 + |x|)

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.activations.softsign(np.array([-1.0, 3.0]))
    array([-0.5 ,  0.75])
    """
    return apply("softsign", x)


def gelu(x: ArrayLike | SpecRequest, approximate: bool = False) -> np.ndarray:
    r"""Gaussian error linear unit: x times the normal distribution function at x.

    .. math:: y = \tfrac{x}{2} \left(1 + \operatorname{erf}(x / \sqrt 2)\right)

    or, with `approximate`, without the error function:

    .. math:: y = \tfrac{x}{2} \left(1 + \tanh\left(\sqrt{2 / \pi}\,(x + 0.044715\,x^3)\right)\right)

    Parameters
    ----------
    x : array_like
    approximate : bool, default False

    Raises
    ------
    TypeError
        `approximate` is no bool.

    References
    ----------
    Hendrycks, Gimpel, "Gaussian error linear units", 2016, arXiv:1606.08415.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.activations.gelu(np.array([0.0]))
    array([0.])
    """
    return apply("gelu_tanh" if check_bool("approximate", approximate) else "gelu", x)


def silu(x: ArrayLike | SpecRequest) -> np.ndarray:
    """SiLU (swish): x times its `sigmoid`.

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
    return apply("silu", x)


def mish(x: ArrayLike | SpecRequest) -> np.ndarray:
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
    return apply("mish", x)
