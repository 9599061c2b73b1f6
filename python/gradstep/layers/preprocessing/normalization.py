"""Normalization by numbers that were measured before (csrc/layers/normalization.hpp)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ... import _core
from ...checks import check_bool, numeric
from ...preprocessing.moments import RunningMoments
from ..base.layer import Layer, Shape
from ..base.sizes import check_is_shape
from ..normalization.axes import sample_axes, some_axes

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["Normalization"]


class Normalization(Layer):
    r"""Normalizes features to mean 0 and variance 1, by the statistics of the data given to `adapt`.

    Parameters
    ----------
    axis : int, sequence of int, or None, default -1
        There are a mean and a variance for each place along these axes, counted with that of the rows, 0; None, or an
        empty sequence: one for all.
    mean, variance : float or array_like, optional
        What they are, of the sizes of `axis` or stretched to them; then there is nothing to adapt. Both or none;
        variances at least 0.
    invert : bool, default False
        The other way round: from normalized numbers to the data's.
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    State
    -----
    mean, variance : ndarray
        Weights that are not trained, of the sizes of `axis`; without `adapt` they are no weights. The properties of
        these names have 1 along the other axes.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong type; one of mean and variance without the other, or of another shape.
    ValueError
        At the build: inputs have no such axes, or `mean` is of other sizes.

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

    supports_masking = True
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
        if isinstance(axis, (tuple, list)) and len(axis) < 2:  # as Keras's configs have it
            axis = axis[0] if axis else None
        self.axis = None if axis is None else some_axes("axis", axis)
        self.invert = check_bool("invert", invert)
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
        """The means, with 1 along all axes but `axis`, of a layer that is built; before, what was given."""
        return self._moment(0)

    @property
    def variance(self) -> np.ndarray | None:
        """The variances, with 1 along all axes but `axis`, of a layer that is built; before, what was given."""
        return self._moment(1)

    def _moment(self, index: int) -> np.ndarray | None:
        if not self.built:
            return None if self._given is None else self._given[index]
        row, axes = self.input_shape[1:], self._kept_axes(self.input_shape)
        found = self._weights[index] if self._given is None else self._broadcast(self._given[index], self.input_shape)
        return found.astype(self.dtype, copy=False).reshape(
            1, *((size or 1) if axis in axes else 1 for axis, size in enumerate(row))
        )

    def _kept_axes(self, input_shape: Sequence[int | None]) -> list[int]:
        """The axes of a row with separate means; with axis=None the last one, along which the mean is broadcast."""
        if self.axis is None:
            return [len(input_shape) - 2]
        return sample_axes("axis", self.axis, input_shape)

    def _sizes(self, input_shape: Sequence[int | None]) -> tuple[int, ...]:
        return tuple(input_shape[axis + 1] or 1 for axis in self._kept_axes(input_shape))

    def _broadcast(self, given: np.ndarray, input_shape: Sequence[int | None]) -> np.ndarray:
        """Means or variances that were given, of the sizes of `axis`."""
        axes, sizes = self._kept_axes(input_shape), self._sizes(input_shape)
        ones = tuple((size or 1) if axis in axes else 1 for axis, size in enumerate(input_shape[1:]))
        try:
            return given.reshape(sizes) if given.shape in (ones, (1, *ones)) else np.broadcast_to(given, sizes)
        except ValueError:
            raise ValueError(
                f"layer {self.name!r} has a mean of shape {given.shape}; the axes have the sizes {sizes}."
            ) from None

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal object, as of every layer."""
        moments = dict(zip(("mean", "variance"), self._given or (None, None), strict=True))
        return super().get_config() | {name: each if each is None else each.tolist() for name, each in moments.items()}

    def adapt(self, data: ArrayLike | Iterable[ArrayLike]) -> None:
        """Compute the mean and the variance of data; earlier ones are replaced.

        Parameters
        ----------
        data : array_like, shape (rows, ...), or an iterable of such batches
            Of shape (rows,) it is rows of one number.

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
        moments, shape = RunningMoments(), None
        batches: Any = [data] if whole else data
        for batch in batches:
            array = numeric(batch, "data").astype(np.float64)
            array = array[:, None] if array.ndim == 1 else array
            self._check_shape(array.shape or (None,))
            if not len(array):
                continue
            own = [] if self.axis is None else [axis + 1 for axis in self._kept_axes(array.shape)]
            moments.add(array, tuple(axis for axis in range(array.ndim) if axis not in own))
            shape = array.shape
        if shape is None:
            raise ValueError("data must have at least one row.")
        self.build((None, *shape[1:]))
        self._weights[0][...], self._weights[1][...] = moments.mean, moments.variance

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Make the weights; raises as `Layer.build`."""
        check_is_shape(input_shape)
        super().build((input_shape[0], 1) if len(input_shape) == 1 and input_shape[0] is not None else input_shape)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Shape:
        """The shape of the input."""
        self._kept_axes(input_shape)
        if self._given is not None:
            self._broadcast(self._given[0], input_shape)
        return tuple(input_shape)

    def specification(self) -> dict[str, Any]:
        """Kind and settings of the layer, for the compiled core."""
        spec: dict[str, Any] = {"kind": "normalization", "invert": self.invert}
        shape = self._input_shape
        if shape is None:
            return spec
        spec["axes"] = self._kept_axes(shape)
        if self._given is None:
            return spec
        wide = [self._broadcast(each, shape).ravel().tolist() for each in self._given]
        return spec | {"mean": wide[0], "variance": wide[1]}

    def draw_weights(self, input_shape: tuple[int, ...]) -> list[np.ndarray]:
        """Means of 0 and variances of 1, if they are to be measured."""
        if self._given is not None:
            return []
        weights = [_core.aligned_zeros(self._sizes((None, *input_shape)), self.dtype) for _ in range(2)]
        weights[1][...] = 1
        return weights


def _moments(name: str, value: Any) -> np.ndarray:
    array = numeric(value, name).astype(np.float64)
    array = array[0] if array.ndim == 2 and array.shape[0] == 1 else array
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite numbers; got {value!r}.")
    return array
