"""Losses of rows that are points: those of one class should be near each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .native import NativeLoss

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["Circle", "circle"]


class Circle(NativeLoss):
    r"""Circle loss: pulls embeddings of one class together and pushes others apart, over all pairs of a batch.

    Parameters
    ----------
    gamma : float, default 80.0
        Scale of the distances; at least 0.
    margin : float, default 0.4
        How far apart pairs should be.
    remove_diagonal : bool, default True
        Whether a row is no pair with itself.
    reduction, name, dtype
        As in `Loss`.

    Notes
    -----
    .. math:: \ell_i = \operatorname{softplus}\Bigl(\log \sum_{t_j = t_i} e^{-\gamma [m + d_{ij}]_+ (m - d_{ij})}
            + \log \sum_{t_j \ne t_i} e^{\gamma [1 + m - d_{ij}]_+ (1 - m - d_{ij})}\Bigr)

    with distances :math:`d_{ij} = \max(1 - y_i \cdot y_j, 0)` of predictions y, which should be of length 1,
    class numbers t, any integers, and margin m. Rows whose loss is 0, as those without another of their class, do not
    count in a mean, as in Keras. The gradient includes the weights in brackets, as in Keras. Labels and points to
    compare with are always those of the batch; Keras's function takes others too.

    References
    ----------
    Sun et al. (2020), Circle loss. arXiv:2002.10857.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> y = np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])
    >>> gs.losses.circle([0, 0, 1], y, gamma=1.0).round(4)
    array([0.6163, 0.9617, 0.    ])
    """

    labels = True

    def __init__(
        self,
        gamma: float = 80.0,
        margin: float = 0.4,
        remove_diagonal: bool = True,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "circle",
        dtype: str | None = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self._take(gamma=gamma, margin=margin, remove_diagonal=remove_diagonal)

    def _axes(self, ndim: int) -> tuple[int, ...]:
        if ndim != 2:
            raise ValueError(f"y_pred must have shape (rows, n) for {self.name!r}; it has {ndim} axes.")
        return (1,)


def circle(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    gamma: float = 80.0,
    margin: float = 0.4,
    remove_diagonal: bool = True,
) -> np.ndarray:
    """`Circle` of each row.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.losses.circle([0, 0, 1], [[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]]).shape
    (3,)
    """
    return Circle(gamma=gamma, margin=margin, remove_diagonal=remove_diagonal).call(y_true, y_pred)
