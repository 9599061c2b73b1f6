"""Activations along an axis; their values are C++ (csrc/activations/rows.hpp)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .apply import SpecRequest, along, apply, axis_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["glu", "log_softmax", "softmax", "sparsemax"]


def softmax(x: ArrayLike | SpecRequest, axis: int = -1) -> np.ndarray:
    r"""Softmax: exponentials divided by their sum along an axis.

    .. math:: y_k = e^{x_k} / \textstyle\sum_j e^{x_j}

    Parameters
    ----------
    x : array_like
    axis : int, default -1
        Along which it sums. In a layer -1 or 1.

    Raises
    ------
    TypeError, ValueError
        `axis` is no axis of x.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.activations.softmax(np.array([0.0, 0.0]))
    array([0.5, 0.5])
    """
    return along("softmax", x, axis)


def log_softmax(x: ArrayLike | SpecRequest, axis: int = -1) -> np.ndarray:
    r"""Logarithm of `softmax`, without overflow.

    .. math:: y_k = x_k - \log \textstyle\sum_j e^{x_j}

    Parameters
    ----------
    x : array_like
    axis : int, default -1
        Along which it sums. In a layer -1 or 1.

    Raises
    ------
    TypeError, ValueError
        `axis` is no axis of x.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.activations.log_softmax(np.array([0.0]))
    array([0.])
    """
    return along("log_softmax", x, axis)


def sparsemax(x: ArrayLike | SpecRequest, axis: int = -1) -> np.ndarray:
    r"""Sparsemax: projection onto the probability simplex along an axis; `softmax` with exact zeros.

    .. math:: y_k = \max(x_k - \tau, 0), \qquad \textstyle\sum_k y_k = 1

    Parameters
    ----------
    x : array_like
    axis : int, default -1
        Along which it sums. In a layer -1 or 1.

    Raises
    ------
    TypeError, ValueError
        `axis` is no axis of x.

    Notes
    -----
    By the paper. Keras 3.15 takes another :math:`\tau` where more than one number stays, with which they do not sum
    to 1.

    References
    ----------
    Martins, Astudillo, "From softmax to sparsemax", ICML 2016, arXiv:1602.02068.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.activations.sparsemax(np.array([2.0, 1.5, 0.0]))
    array([0.75, 0.25, 0.  ])
    """
    return along("sparsemax", x, axis)


def glu(x: ArrayLike | SpecRequest, axis: int = -1) -> np.ndarray:
    r"""Gated linear unit: the first half along an axis times the `sigmoid` of the second half.

    .. math:: y = a / (1 + e^{-b}), \qquad x = (a, b)

    Parameters
    ----------
    x : array_like
    axis : int, default -1
        Which axis is halved.

    Raises
    ------
    TypeError, ValueError
        `axis` is no axis of x, or x has an odd length along it.

    Notes
    -----
    For arrays only: the activation of a layer must keep the number of outputs.

    References
    ----------
    Dauphin, Fan, Auli, Grangier, "Language modeling with gated convolutional networks", ICML 2017, arXiv:1612.08083.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.activations.glu(np.array([1.0, 2.0, 0.0, 0.0]))
    array([0.5, 1. ])
    """
    if isinstance(x, SpecRequest):
        raise ValueError("glu halves its input, which the activation of a layer cannot; use it on arrays.")
    array = apply("linear", x)
    place = axis_of(axis, array.ndim)
    if array.shape[place] % 2:
        raise ValueError(f"x must have an even length along axis {axis}; its shape is {array.shape}.")
    a, b = np.split(array, 2, place)
    return np.asarray(a * apply("sigmoid", b))
