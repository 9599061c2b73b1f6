"""Normalizations of each row by itself (csrc/layers/normalizations.hpp)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import constraints, regularizers
from ..checks import whole
from .affine import Affine, InitializerLike
from .base import Shape

__all__ = ["GroupNormalization", "LayerNormalization"]


class LayerNormalization(Affine):
    r"""Brings each row to mean 0 and variance 1, then gives each column a factor and a summand.

    Parameters
    ----------
    axis : int, default -1
        -1 or 1: rows are of shape (n,).
    epsilon : float, default 0.001
        At least 0; PyTorch's is 1e-5.
    center, scale : bool, default True
        Whether there are a beta and a gamma.
    beta_initializer, gamma_initializer : str, Initializer or function, default "zeros" and "ones"
    beta_regularizer, gamma_regularizer : str or Regularizer, optional
    beta_constraint, gamma_constraint : str or Constraint, optional
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    State
    -----
    gamma, beta : ndarray, shape (n,)

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong type or out of its range.
    ValueError
        At the build: rows are not of shape (n,).

    Notes
    -----
    .. math:: y = \gamma \frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}} + \beta

    The variance is over n, not n - 1. Training and prediction are the same.

    References
    ----------
    Ba, Kiros, Hinton, "Layer normalization", 2016, arXiv:1607.06450.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.LayerNormalization(epsilon=0.0)(np.array([[1.0, 3.0]]))
    array([[-1.,  1.]], dtype=float32)
    """

    def __init__(
        self,
        axis: int = -1,
        epsilon: float = 0.001,
        center: bool = True,
        scale: bool = True,
        beta_initializer: InitializerLike = "zeros",
        gamma_initializer: InitializerLike = "ones",
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
        self._take(
            axis,
            epsilon,
            center,
            scale,
            (beta_initializer, gamma_initializer),
            (beta_regularizer, gamma_regularizer),
            (beta_constraint, gamma_constraint),
        )
        super().__init__(input_shape=input_shape, input_dim=input_dim, dtype=dtype, name=name, trainable=trainable)

    def specification(self) -> dict[str, Any]:
        """The layer in the engine's words."""
        return {
            "kind": "group_normalization",
            "groups": 1,
            "scale": self.scale,
            "center": self.center,
            "epsilon": self.epsilon,
        }


class GroupNormalization(Affine):
    r"""Brings each of some equal parts of every row to mean 0 and variance 1.

    Parameters
    ----------
    groups : int, default 32
        How many parts; must divide n. -1: as many as there are numbers.
    axis : int, default -1
        -1 or 1: rows are of shape (n,).
    epsilon : float, default 0.001
        At least 0; PyTorch's is 1e-5.
    center, scale : bool, default True
        Whether there are a beta and a gamma.
    beta_initializer, gamma_initializer : str, Initializer or function, default "zeros" and "ones"
    beta_regularizer, gamma_regularizer : str or Regularizer, optional
    beta_constraint, gamma_constraint : str or Constraint, optional
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    State
    -----
    gamma, beta : ndarray, shape (n,)

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong type or out of its range.
    ValueError
        At the build: rows are not of shape (n,), or `groups` does not divide n.

    Notes
    -----
    .. math:: y = \gamma \frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}} + \beta

    The variance is over n, not n - 1. Training and prediction are the same.

    References
    ----------
    Wu, He, "Group normalization", ECCV 2018, arXiv:1803.08494.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.GroupNormalization(2, epsilon=0.0)(np.array([[1.0, 3.0, 6.0, 2.0]]))
    array([[-1.,  1.,  1., -1.]], dtype=float32)
    """

    def __init__(
        self,
        groups: int = 32,
        axis: int = -1,
        epsilon: float = 0.001,
        center: bool = True,
        scale: bool = True,
        beta_initializer: InitializerLike = "zeros",
        gamma_initializer: InitializerLike = "ones",
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
        self._take(
            axis,
            epsilon,
            center,
            scale,
            (beta_initializer, gamma_initializer),
            (beta_regularizer, gamma_regularizer),
            (beta_constraint, gamma_constraint),
        )
        self.groups = -1 if groups == -1 else whole("groups", groups, 1)
        super().__init__(input_shape=input_shape, input_dim=input_dim, dtype=dtype, name=name, trainable=trainable)

    def specification(self) -> dict[str, Any]:
        """The layer in the engine's words."""
        return {
            "kind": "group_normalization",
            "groups": self.groups if self.groups > 0 else self._last or 1,
            "scale": self.scale,
            "center": self.center,
            "epsilon": self.epsilon,
        }

    @property
    def _last(self) -> int | None:
        return None if self._input_shape is None else self._input_shape[-1]

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Shape:
        """The shape of the input."""
        last = self._flat(input_shape)[-1]
        if last is not None and self.groups > 0 and last % self.groups:
            raise ValueError(f"groups must divide the {last} inputs of layer {self.name!r}; got {self.groups}.")
        return tuple(input_shape)
