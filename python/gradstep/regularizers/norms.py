"""Penalties of size: L1, L2 and both."""

from __future__ import annotations

from typing import Any

from ..checks import check_bool
from .base import Regularizer, factor

__all__ = ["L1", "L1L2", "L2"]


class L1(Regularizer):
    r"""L1 penalty: ``l1 * sum(abs(w))``.

    Parameters
    ----------
    l1 : float, default 0.01
        At least 0.
    proximal : bool, default False
        Not by the gradient but after each step: every number comes nearer to 0 by ``learning_rate * l1``, and is 0 if
        it was that near. So many weights are exactly 0 in the end, which a gradient never brings about.

    Raises
    ------
    TypeError, ValueError
        `l1` is not a finite number of at least 0; `proximal` is no bool.

    Notes
    -----
    .. math:: \lambda \textstyle\sum_i |w_i|

    Its gradient at 0 is 0. With `proximal`, after the step :math:`w_i` becomes
    :math:`\operatorname{sign}(w_i) \max(|w_i| - \eta \lambda, 0)`; :math:`\eta` is the learning rate of the step,
    whatever the optimizer makes of it. The loss is the same; gradients that are given out are then without it. Keras
    has no such form.

    References
    ----------
    Tibshirani, "Regression shrinkage and selection via the lasso", JRSS B 58, 1996. Daubechies, Defrise, De Mol,
    "An iterative thresholding algorithm", CPAM 57, 2004, arXiv:math/0307152.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.regularizers.L1(0.5)([1.0, -2.0])
    1.5
    """

    def __init__(self, l1: float = 0.01, proximal: bool = False) -> None:
        self.l1, self.proximal = factor("l1", l1), check_bool("proximal", proximal)

    def penalty(self) -> dict[str, Any]:
        """Kind and settings of the penalty, for the compiled core."""
        return {"proximal" if self.proximal else "l1": self.l1}


class L2(Regularizer):
    r"""L2 penalty: ``l2 * sum(w ** 2)``.

    Parameters
    ----------
    l2 : float, default 0.01
        At least 0.

    Raises
    ------
    TypeError, ValueError
        `l2` is not a finite number of at least 0.

    Notes
    -----
    .. math:: \lambda \textstyle\sum_i w_i^2

    As in Keras, without a factor of 1/2. Its gradient goes through the optimizer, and with Adam is divided by the size
    of gradients; for a decay that is not, use an optimizer's `weight_decay`.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.regularizers.L2(0.5)([1.0, -2.0])
    2.5
    """

    def __init__(self, l2: float = 0.01) -> None:
        self.l2 = factor("l2", l2)

    def penalty(self) -> dict[str, Any]:
        """Kind and settings of the penalty, for the compiled core."""
        return {"l2": self.l2}


class L1L2(Regularizer):
    r"""Sum of an L1 and an L2 penalty.

    Parameters
    ----------
    l1, l2 : float, default 0.0
        At least 0.

    Raises
    ------
    TypeError, ValueError
        One of them is not a finite number of at least 0.

    Notes
    -----
    .. math:: \lambda_1 \textstyle\sum_i |w_i| + \lambda_2 \sum_i w_i^2

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.regularizers.L1L2(l1=0.5, l2=1.0)([1.0, -2.0])
    6.5
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        self.l1, self.l2 = factor("l1", l1), factor("l2", l2)

    def penalty(self) -> dict[str, Any]:
        """Kind and settings of the penalty, for the compiled core."""
        return {"l1": self.l1, "l2": self.l2}
