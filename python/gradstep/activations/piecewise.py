"""Activations of straight pieces, and one parabola; their values are C++ (csrc/activations/piecewise.hpp)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from .apply import SpecRequest, apply

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = [
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_tanh",
    "leaky_relu",
    "linear",
    "relu",
    "relu6",
    "soft_shrink",
    "sparse_plus",
    "sparse_sigmoid",
    "threshold",
]


def linear(x: ArrayLike | SpecRequest) -> np.ndarray:
    """Identity: x in a new array.

    .. math:: y = x

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.activations.linear(np.array([0.5, -2.0]))
    array([ 0.5, -2. ])
    """
    return apply("linear", x)


def relu(
    x: ArrayLike | SpecRequest, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0
) -> np.ndarray:
    r"""Rectified linear unit: max(x, 0); optionally with a slope, a maximum and a threshold.

    .. math:: y = \max(x, 0)

    or, with a slope a, a largest value M and a threshold t,

    .. math:: y = \min(x, M) \text{ where } x > t, \quad a\,(x - t) \text{ elsewhere}

    Parameters
    ----------
    x : array_like
    negative_slope : float, default 0.0
        Slope below the threshold; at least 0.
    max_value : float, optional
        Largest value; at least 0.
    threshold : float, default 0.0
        Where x begins to pass; at least 0.

    Raises
    ------
    TypeError, ValueError
        A setting is not a number of its range.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.activations.relu(np.array([-1.0, 0.0, 2.0]))
    array([0., 0., 2.])
    >>> gs.activations.relu(np.array([-1.0, 1.0, 9.0]), negative_slope=0.5, max_value=6.0)
    array([-0.5,  1. ,  6. ])
    """
    if max_value is None and all(isinstance(one, (int, float)) and one == 0 for one in (negative_slope, threshold)):
        return apply("relu", x)
    top = math.inf if max_value is None else max_value
    return apply("rectifier", x, negative_slope=negative_slope, max_value=top, threshold=threshold)


def relu6(x: ArrayLike | SpecRequest) -> np.ndarray:
    r"""ReLU6: x clipped to [0, 6].

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
    return apply("relu6", x)


def leaky_relu(x: ArrayLike | SpecRequest, negative_slope: float = 0.2) -> np.ndarray:
    r"""Leaky ReLU: x above 0, a small multiple of x below. PyTorch's slope is 0.01, that of Keras's layer 0.3.

    .. math:: y = x \text{ where } x > 0, \quad a\,x \text{ elsewhere}

    Parameters
    ----------
    x : array_like
    negative_slope : float, default 0.2
        Slope a below 0; at least 0.

    Raises
    ------
    TypeError, ValueError
        A setting is not a number of its range.

    References
    ----------
    Maas, Hannun, Ng, "Rectifier nonlinearities improve neural network acoustic models", ICML 2013.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.activations.leaky_relu(np.array([-1.0, 2.0]))
    array([-0.2,  2. ])
    """
    return apply("leaky_relu", x, negative_slope=negative_slope)


def hard_sigmoid(x: ArrayLike | SpecRequest) -> np.ndarray:
    r"""Piecewise linear approximation of `sigmoid`.

    .. math:: y = \min(\max(x / 6 + 1/2, 0), 1)

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.activations.hard_sigmoid(np.array([-3.0, 0.0, 3.0]))
    array([0. , 0.5, 1. ])
    """
    return apply("hard_sigmoid", x)


def hard_silu(x: ArrayLike | SpecRequest) -> np.ndarray:
    r"""Hard SiLU (hard swish): x times its `hard_sigmoid`.

    .. math:: y = x \min(\max(x / 6 + 1/2, 0), 1)

    References
    ----------
    Howard et al., "Searching for MobileNetV3", ICCV 2019, arXiv:1905.02244.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.activations.hard_silu(np.array([-3.0, 0.0, 3.0]))
    array([0., 0., 3.])
    """
    return apply("hard_silu", x)


def hard_tanh(x: ArrayLike | SpecRequest) -> np.ndarray:
    r"""Hard tanh: x clipped to [-1, 1].

    .. math:: y = \min(\max(x, -1), 1)

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.activations.hard_tanh(np.array([-3.0, 0.5, 3.0]))
    array([-1. ,  0.5,  1. ])
    """
    return apply("hard_tanh", x)


def hard_shrink(x: ArrayLike | SpecRequest, threshold: float = 0.5) -> np.ndarray:
    r"""Hard shrinkage: x, but 0 near 0.

    .. math:: y = x \text{ where } |x| > t, \quad 0 \text{ elsewhere}

    Parameters
    ----------
    x : array_like
    threshold : float, default 0.5
        t; at least 0.

    Raises
    ------
    TypeError, ValueError
        A setting is not a number of its range.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.activations.hard_shrink(np.array([-1.0, 0.5, 2.0]))
    array([-1.,  0.,  2.])
    """
    return apply("hard_shrink", x, threshold=threshold)


def soft_shrink(x: ArrayLike | SpecRequest, threshold: float = 0.5) -> np.ndarray:
    r"""Soft shrinkage: x moved towards 0 by a constant, and 0 near 0.

    .. math:: y = \operatorname{sign}(x) \max(|x| - t, 0)

    Parameters
    ----------
    x : array_like
    threshold : float, default 0.5
        t; at least 0.

    Raises
    ------
    TypeError, ValueError
        A setting is not a number of its range.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.activations.soft_shrink(np.array([-1.0, 0.5, 2.0]))
    array([-0.5,  0. ,  1.5])
    """
    return apply("soft_shrink", x, threshold=threshold)


def threshold(x: ArrayLike | SpecRequest, threshold: float, default_value: float) -> np.ndarray:
    r"""x above a threshold, a constant below.

    .. math:: y = x \text{ where } x > t, \quad c \text{ elsewhere}

    Parameters
    ----------
    x : array_like
    threshold : float
        t.
    default_value : float
        c.

    Raises
    ------
    TypeError, ValueError
        A setting is not a number of its range.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.activations.threshold(np.array([-1.0, 2.0]), 0.5, 0.0)
    array([0., 2.])
    """
    return apply("threshold", x, threshold=threshold, default_value=default_value)


def sparse_plus(x: ArrayLike | SpecRequest) -> np.ndarray:
    r"""`softplus` in three pieces: the integral of `sparse_sigmoid`.

    .. math:: y = 0 \text{ where } x \le -1, \quad (x + 1)^2 / 4 \text{ where } -1 < x < 1, \quad x \text{ elsewhere}

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.activations.sparse_plus(np.array([-1.0, 0.0, 2.0]))
    array([0.  , 0.25, 2.  ])
    """
    return apply("sparse_plus", x)


def sparse_sigmoid(x: ArrayLike | SpecRequest) -> np.ndarray:
    r"""`sigmoid` in three straight pieces, between -1 and 1.

    .. math:: y = \min(\max((x + 1) / 2, 0), 1)

    References
    ----------
    Martins, Astudillo, "From softmax to sparsemax", ICML 2016, arXiv:1602.02068: of two classes.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.activations.sparse_sigmoid(np.array([-1.0, 0.0, 1.0]))
    array([0. , 0.5, 1. ])
    """
    return apply("sparse_sigmoid", x)
