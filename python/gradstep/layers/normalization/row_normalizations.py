"""Normalizations of parts of each row by themselves (csrc/layers/normalize_parts.hpp)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ... import _core, constraints, regularizers
from ...checks import check_int
from ..base.layer import Layer, Shape
from .affine import Affine, InitializerLike, positive
from .axes import one_axis, sample_axes, some_axes

__all__ = ["GroupNormalization", "LayerNormalization", "RMSNormalization", "UnitNormalization"]

SMALLEST = 1e-12  # square of a length, as in Keras


def parts(axes: list[int], epsilon: float, *, scale: bool, center: bool) -> dict[str, Any]:
    """A layer that normalizes what lies along some axes, in the engine's spec."""
    return {
        "kind": "normalize_parts",
        "axes": axes,
        "groups": 1,
        "along_others": False,
        "centered": True,
        "by_length": False,
        "epsilon": epsilon,
        "scale": scale,
        "center": center,
    }


class LayerNormalization(Affine):
    r"""Layer normalization: normalizes each row along an axis to mean 0 and variance 1, with scale and offset.

    Parameters
    ----------
    axis : int or sequence of int, default -1
        Which axes mean and variance are over, counted with that of the rows, 0.
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
    gamma, beta : ndarray, of the sizes of `axis`

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong type or out of its range.
    ValueError
        At the build: inputs have no such axis.

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
        axis: int | Sequence[int] = -1,
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
        self.axis = some_axes("axis", axis)
        self._take(locals())

    def specification(self) -> dict[str, Any]:
        """Kind and settings of the layer, for the compiled core."""
        return parts(self._sample_axes(), self.epsilon, scale=self.scale, center=self.center)


class GroupNormalization(Affine):
    r"""Group normalization: normalizes each group of channels of a row to mean 0 and variance 1.

    Parameters
    ----------
    groups : int, default 32
        How many; must divide the channels. -1: as many as there are channels.
    axis : int, default -1
        That of the channels, counted with that of the rows, 0. A group has all numbers along the other axes.
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
        At the build: inputs have no such axis, or `groups` does not divide its size.

    Notes
    -----
    .. math:: y = \gamma \frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}} + \beta

    The variance is over n, not n - 1. Training and prediction are the same. gamma and beta are of the size of the axis.

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
        self.axis = one_axis("axis", axis)
        self.groups = -1 if isinstance(groups, int) and groups == -1 else check_int("groups", groups, 1)
        self._take(locals())

    def specification(self) -> dict[str, Any]:
        """Kind and settings of the layer, for the compiled core."""
        axes = self._sample_axes()
        groups = self.groups if self.groups > 0 else self.input_shape[axes[0] + 1] if axes else 1
        spec = parts(axes, self.epsilon, scale=self.scale, center=self.center)
        return spec | {"groups": groups, "along_others": True}

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Shape:
        """The shape of the input."""
        size = input_shape[sample_axes("axis", self.axis, input_shape)[0] + 1]
        if size is not None and self.groups > 0 and size % self.groups:
            raise ValueError(f"groups must divide the {size} channels of layer {self.name!r}; got {self.groups}.")
        return tuple(input_shape)


class RMSNormalization(Layer):
    r"""RMS normalization: divides each row along an axis by its root mean square, with a scale.

    Parameters
    ----------
    axis : int or sequence of int, default -1
        Which axes the mean is over, counted with that of the rows, 0.
    epsilon : float, default 1e-6
        At least 0.
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    State
    -----
    scale : ndarray, of the sizes of `axis`

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong type or out of its range.
    ValueError
        At the build: inputs have no such axis.

    Notes
    -----
    .. math:: y = \gamma \frac{x}{\sqrt{\frac1n \sum x^2 + \varepsilon}}

    Training and prediction are the same.

    References
    ----------
    Zhang, Sennrich, "Root mean square layer normalization", NeurIPS 2019, arXiv:1910.07467.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.RMSNormalization(epsilon=0.0)(np.array([[1.0, 7.0]]))
    array([[0.2, 1.4]], dtype=float32)
    """

    _weight_names = ("scale",)
    _trained = (True,)

    def __init__(
        self,
        axis: int | Sequence[int] = -1,
        epsilon: float = 1e-6,
        *,
        input_shape: Sequence[int] | int | None = None,
        input_dim: int | None = None,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        self.axis, self.epsilon = some_axes("axis", axis), positive("epsilon", epsilon)
        super().__init__(input_shape=input_shape, input_dim=input_dim, dtype=dtype, name=name, trainable=trainable)

    @property
    def scale(self) -> np.ndarray:
        """Factors, of the sizes of `axis`."""
        return self._weight(0)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Shape:
        """The shape of the input."""
        sample_axes("axis", self.axis, input_shape)
        return tuple(input_shape)

    def draw_weights(self, input_shape: tuple[int, ...]) -> list[np.ndarray]:
        """A scale of ones."""
        shape = tuple(input_shape[axis] for axis in sample_axes("axis", self.axis, (None, *input_shape)))
        weight = _core.aligned_zeros(shape, self.dtype)
        weight[...] = 1
        return [weight]

    def specification(self) -> dict[str, Any]:
        """Kind and settings of the layer, for the compiled core."""
        axes = [] if self._input_shape is None else sample_axes("axis", self.axis, self._input_shape)
        return parts(axes, self.epsilon, scale=True, center=False) | {"centered": False}


class UnitNormalization(Layer):
    r"""Unit normalization: divides each row along an axis by its L2 norm.

    Parameters
    ----------
    axis : int or sequence of int, default -1
        Which axes the length is taken along, counted with that of the rows, 0.
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    Raises
    ------
    TypeError, ValueError
        `axis` is no axis or list of them; or, at the build, inputs have no such axis.

    Notes
    -----
    .. math:: y = x / \sqrt{\max(\textstyle\sum x^2, 10^{-12})}

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.UnitNormalization()(np.array([[3.0, 4.0]]))
    array([[0.6, 0.8]], dtype=float32)
    """

    supports_masking = True

    def __init__(
        self,
        axis: int | Sequence[int] = -1,
        *,
        input_shape: Sequence[int] | int | None = None,
        input_dim: int | None = None,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        self.axis = some_axes("axis", axis)
        super().__init__(input_shape=input_shape, input_dim=input_dim, dtype=dtype, name=name, trainable=trainable)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Shape:
        """The shape of the input."""
        sample_axes("axis", self.axis, input_shape)
        return tuple(input_shape)

    def specification(self) -> dict[str, Any]:
        """Kind and settings of the layer, for the compiled core."""
        axes = [] if self._input_shape is None else sample_axes("axis", self.axis, self._input_shape)
        return parts(axes, SMALLEST, scale=False, center=False) | {"centered": False, "by_length": True}
