"""Batch normalization (csrc/layers/batch_normalization.hpp)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ... import constraints, regularizers
from ...checks import check_float
from .affine import Affine, InitializerLike
from .axes import one_axis, sample_axes

__all__ = ["BatchNormalization"]


class BatchNormalization(Affine):
    r"""Batch normalization: normalizes each channel to mean 0 and variance 1 over the batch.

    Parameters
    ----------
    axis : int, default -1
        That of the channels, counted with that of the rows, 0: mean and variance are over all other axes.
    momentum : float, default 0.99
        How much of the moving statistics a batch leaves; in [0, 1]. PyTorch's is 1 less this.
    epsilon : float, default 0.001
        At least 0; PyTorch's is 1e-5.
    center, scale : bool, default True
        Whether there are a beta and a gamma.
    beta_initializer, gamma_initializer : str, Initializer or function, default "zeros" and "ones"
    moving_mean_initializer, moving_variance_initializer : str, Initializer or function, default "zeros" and "ones"
    beta_regularizer, gamma_regularizer : str or Regularizer, optional
    beta_constraint, gamma_constraint : str or Constraint, optional
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    State
    -----
    gamma, beta : ndarray, shape (n,)
    moving_mean, moving_variance : ndarray, shape (n,)
        Not trained by gradients: training passes move them, those of `value_and_grad` too.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong type or out of its range.
    ValueError
        At the build: inputs have no such axis.

    Notes
    -----
    .. math:: y = \gamma \frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}} + \beta

    In training :math:`\mu` and :math:`\sigma^2` are the mean and the variance (over n, not n - 1) of the batch, and
    the moving ones become :math:`m \cdot \text{moving} + (1 - m) \cdot \text{batch}`; PyTorch moves its own by the
    variance over n - 1. ``evaluate``, ``predict`` and a call use the moving ones, and so does training where the
    layer is not `trainable`, as in Keras. Sums are taken row after row, whatever the number of threads. n is the
    size of the axis.

    References
    ----------
    Ioffe, Szegedy, "Batch normalization", ICML 2015, arXiv:1502.03167.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> layer = gs.layers.BatchNormalization(epsilon=0.0)
    >>> layer(np.array([[1.0, 2.0]]))
    array([[1., 2.]], dtype=float32)
    """

    _weight_names = ("moving_mean", "moving_variance")
    _reads_mask = True

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 0.001,
        center: bool = True,
        scale: bool = True,
        beta_initializer: InitializerLike = "zeros",
        gamma_initializer: InitializerLike = "ones",
        moving_mean_initializer: InitializerLike = "zeros",
        moving_variance_initializer: InitializerLike = "ones",
        beta_regularizer: str | regularizers.Regularizer | None = None,
        gamma_regularizer: str | regularizers.Regularizer | None = None,
        beta_constraint: str | constraints.Constraint | None = None,
        gamma_constraint: str | constraints.Constraint | None = None,
        *,
        input_shape: Sequence[int] | int | None = None,
        input_dim: int | None = None,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        self.axis = one_axis("axis", axis)
        self.momentum = check_float("momentum", momentum)
        if not 0 <= self.momentum <= 1:
            raise ValueError(f"momentum must be in [0, 1]; got {momentum!r}.")
        self._take(locals())
        self._trained = (True,) * (self.center + self.scale) + (False, False)

    @property
    def moving_mean(self) -> np.ndarray:
        """Moving mean, shape (n,), used in inference."""
        return self._weight(-2)

    @property
    def moving_variance(self) -> np.ndarray:
        """Moving variance, shape (n,), used in inference."""
        return self._weight(-1)

    def specification(self) -> dict[str, Any]:
        """Kind and settings of the layer, for the compiled core."""
        return {
            "kind": "batch_normalization",
            "axes": self._sample_axes(),
            "scale": self.scale,
            "center": self.center,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "masked": False,
        }

    def _mask_row(self, row: tuple[int, ...]) -> tuple[int, ...]:
        if sample_axes("axis", self.axis, (None, *row)) != [len(row) - 1]:
            raise ValueError(
                f"axis of layer {self.name!r} must be the last one of an input with a mask; it is {self.axis}, and "
                f"inputs have {len(row) + 1} axes."
            )
        return row[:-1] or (1,)

    def draw_weights(self, input_shape: tuple[int, ...]) -> list[np.ndarray]:
        """Gamma, beta and the moving statistics."""
        moving = ("moving_mean_initializer", "moving_variance_initializer")
        return super().draw_weights(input_shape) + [
            self._drawn(name, self._weight_shape(input_shape)) for name in moving
        ]
