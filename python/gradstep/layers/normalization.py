"""Normalization by numbers that were measured before (csrc/layers/normalizations.hpp)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from ..checks import flag, numeric
from .base import Layer, Shape

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["Normalization"]


class Normalization(Layer):
    r"""Brings each column to mean 0 and variance 1, by the mean and the variance of data that it was adapted to.

    Parameters
    ----------
    axis : int, tuple of one int, or None, default -1
        -1 or 1: a mean and a variance for each column; None, or an empty tuple: one for all.
    mean, variance : float or array_like of shape (n,), optional
        What they are; then there is nothing to adapt. Both or none; variances at least 0.
    invert : bool, default False
        The other way round: from normalized numbers to the data's.
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    State
    -----
    mean, variance : ndarray, shape (1, n)
        Weights that are not trained; without `adapt` they are no weights.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong type; one of mean and variance without the other, or of another shape.
    ValueError
        At the build: rows are not of shape (n,).

    Notes
    -----
    .. math:: y = (x - \mu) / \max(\sigma, 10^{-7})

    Before `adapt` :math:`\mu` is 0 and :math:`\sigma` 1. Keras has a third weight, ``count``, which it does not use.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> layer = gs.layers.Normalization()
    >>> layer.adapt(np.array([[1.0, 10.0], [3.0, 30.0]]))
    >>> layer(np.array([[1.0, 20.0]]))
    array([[-1.,  0.]], dtype=float32)
    """

    _weight_names = ("mean", "variance")
    _trained = (False, False)

    def __init__(
        self,
        axis: int | Sequence[int] | None = -1,
        mean: ArrayLike | None = None,
        variance: ArrayLike | None = None,
        invert: bool = False,
        *,
        input_shape: Sequence[int] | int | None = None,
        input_dim: int | None = None,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        one = axis
        if isinstance(axis, (tuple, list)) and len(axis) < 2:  # as Keras's configs have it
            one = axis[0] if axis else None
        if one is not None and (isinstance(one, bool) or one not in (-1, 1)):
            raise ValueError(f"axis must be -1, 1 or None: rows have shape (n,); got {axis!r}.")
        self.axis, self.invert = one, flag("invert", invert)
        if (mean is None) != (variance is None):
            raise ValueError("mean and variance must be given both or not at all.")
        self._given = None
        if mean is not None and variance is not None:
            self._given = _moments("mean", mean), _moments("variance", variance)
            if self._given[0].shape != self._given[1].shape:
                shapes = " and ".join(str(each.shape) for each in self._given)
                raise ValueError(f"mean and variance must have the same shape; got {shapes}.")
            if not (self._given[1] >= 0).all():
                raise ValueError("variance must be at least 0 everywhere.")
            if axis is None and self._given[0].ndim:
                raise ValueError(f"mean must be one number with axis=None; its shape is {self._given[0].shape}.")
        super().__init__(input_shape=input_shape, input_dim=input_dim, dtype=dtype, name=name, trainable=trainable)

    @property
    def mean(self) -> np.ndarray | None:
        """The means, (1, n), of a layer that is built; before, what was given."""
        return self._moment(0)

    @property
    def variance(self) -> np.ndarray | None:
        """The variances, (1, n), of a layer that is built; before, what was given."""
        return self._moment(1)

    def _moment(self, index: int) -> np.ndarray | None:
        if not self.built:
            return None if self._given is None else self._given[index]
        width = self.input_shape[-1] or 1
        if self._given is None:
            return self._weights[index].reshape(1, width)
        return np.broadcast_to(self._given[index].astype(self.dtype), (1, width))

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal object, as of every layer."""
        moments = dict(zip(("mean", "variance"), self._given or (None, None), strict=True))
        return super().get_config() | {name: each if each is None else each.tolist() for name, each in moments.items()}

    def adapt(self, data: ArrayLike | Iterable[ArrayLike]) -> None:
        """Measure the mean and the variance of data; what was measured before is forgotten.

        Parameters
        ----------
        data : array_like, shape (rows, n) or (rows,), or an iterable of such batches

        Raises
        ------
        TypeError, ValueError
            `data` is no array of numbers, has no rows, or a shape that the layer cannot take; it was given its mean.

        Notes
        -----
        In float64, whatever the dtype of the data, and of batches one after another without keeping them.
        """
        if self._given is not None:
            raise ValueError(f"layer {self.name!r} was given its mean and variance; there is nothing to adapt.")
        whole = isinstance(data, (np.ndarray, list, tuple)) or hasattr(data, "__array__")
        rows, mean, squares = 0, np.zeros(()), np.zeros(())
        batches: Any = [data] if whole else data
        for batch in batches:
            array = numeric(batch, "data").astype(np.float64)
            array = array[:, None] if array.ndim == 1 else array
            self._check_shape(array.shape or (None,))
            if not len(array):
                continue
            axes = None if self.axis is None else 0
            count = len(array) * (array.shape[1] if axes is None else 1)
            ours, spread = array.mean(axis=axes), array.var(axis=axes) * count
            # Chan, Golub & LeVeque 1983: moments of two parts joined without large sums of squares.
            gap, total = ours - mean, rows + count
            squares = squares + spread + gap**2 * (rows * count / total)
            mean, rows, width = mean + gap * (count / total), total, array.shape[1]
        if not rows:
            raise ValueError("data must have at least one row.")
        self.build((None, width))
        self._weights[0][...], self._weights[1][...] = mean, squares / rows

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Make the weights; raises as `Layer.build`."""
        super().build((input_shape[0], 1) if len(input_shape) == 1 and input_shape[0] is not None else input_shape)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Shape:
        """The shape of the input."""
        shape = self._flat(input_shape)
        if self._given is not None and self._given[0].shape not in ((), (1,), shape[1:]):
            raise ValueError(f"layer {self.name!r} has a mean of shape {self._given[0].shape}; rows are {shape[1:]}.")
        return shape

    def specification(self) -> dict[str, Any]:
        """The layer in the engine's words."""
        spec: dict[str, Any] = {"kind": "normalization", "invert": self.invert}
        if self._given is None:
            return spec
        width = self._input_shape[-1] if self._input_shape else None
        wide = [np.broadcast_to(each, (width or each.size,)).tolist() for each in self._given]
        return spec | {"mean": wide[0], "variance": wide[1]}

    def draw_weights(self, input_shape: tuple[int, ...]) -> list[np.ndarray]:
        """Means of 0 and variances of 1, if they are to be measured."""
        if self._given is not None:
            return []
        weights = [_core.aligned_zeros(input_shape, self.dtype) for _ in range(2)]
        weights[1][...] = 1
        return weights


def _moments(name: str, value: Any) -> np.ndarray:
    array = numeric(value, name).astype(np.float64)
    array = array[0] if array.ndim == 2 and array.shape[0] == 1 else array
    if array.ndim > 1 or not all(map(math.isfinite, array.ravel())):
        raise ValueError(f"{name} must be a finite number, or one for each column; its shape is {array.shape}.")
    return array
