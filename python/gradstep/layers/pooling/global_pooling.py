"""Pooling over whole samples (csrc/layers/pool.hpp)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ...checks import check_bool
from ..base.layer import Layer, Shape
from ..reshaping.rearranged import spatial_axes, standardize_data_format

if TYPE_CHECKING:
    from ..base.call_graph import CallGraph, Value

__all__ = [
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalAveragePooling3D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "GlobalMaxPooling3D",
]


class GlobalPooling(Layer):
    """Base of the layers that pool over all spatial axes."""

    _weightless = True
    _n = 1  # spatial axes
    _mean = False

    def __init__(
        self,
        data_format: str | None = None,
        keepdims: bool = False,
        *,
        input_shape: Sequence[int] | int | None = None,
        input_dim: int | None = None,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        self.data_format = standardize_data_format(data_format)
        self.keepdims = check_bool("keepdims", keepdims)
        super().__init__(input_shape=input_shape, input_dim=input_dim, dtype=dtype, name=name, trainable=trainable)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Shape:
        """A number for each channel."""
        axes = spatial_axes(self, input_shape, self._n, self.data_format)
        if self.keepdims:
            return tuple(1 if axis in axes else size for axis, size in enumerate(input_shape))
        return tuple(size for axis, size in enumerate(input_shape) if axis not in axes)

    def specification(self) -> dict[str, Any]:
        """Kind and settings of the layer, for the compiled core; before it is built, for the smallest input."""
        axes = range(self._n)
        if self._input_shape is not None:
            axes = spatial_axes(self, self._input_shape, self._n, self.data_format)
        size = [(self._input_shape[axis] if self._input_shape is not None else None) or 1 for axis in axes]
        return {
            "kind": "pool",
            "size": size,
            "stride": size,
            "same": False,
            "mean": self._mean,
            "channels_first": self.data_format == "channels_first",
            "flat": not self.keepdims,
        }


class GlobalMaxPooling1D(GlobalPooling):
    """Global max pooling of sequences: the largest number of each channel.

    Parameters
    ----------
    data_format : {"channels_last", "channels_first"}, optional
        Inputs of shape (rows, steps, channels), the default, or
        (rows, channels, steps), which is copied to the other order.
    keepdims : bool, default False
        Whether the axes that are pooled stay, with size 1.
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong type; at the build, the input has another number of axes.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.GlobalMaxPooling1D()(np.zeros((5, 4, 3))).shape
    (5, 3)
    """

    _n = 1


class GlobalMaxPooling2D(GlobalPooling):
    """Global max pooling of images: the largest number of each channel.

    Parameters
    ----------
    data_format : {"channels_last", "channels_first"}, optional
        Inputs of shape (rows, height, width, channels), the default, or
        (rows, channels, height, width), which is copied to the other order.
    keepdims : bool, default False
        Whether the axes that are pooled stay, with size 1.
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong type; at the build, the input has another number of axes.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.GlobalMaxPooling2D()(np.zeros((5, 4, 4, 3))).shape
    (5, 3)
    """

    _n = 2


class GlobalMaxPooling3D(GlobalPooling):
    """Global max pooling of volumes: the largest number of each channel.

    Parameters
    ----------
    data_format : {"channels_last", "channels_first"}, optional
        Inputs of shape (rows, depth, height, width, channels), the default, or
        (rows, channels, depth, height, width), which is copied to the other order.
    keepdims : bool, default False
        Whether the axes that are pooled stay, with size 1.
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong type; at the build, the input has another number of axes.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.GlobalMaxPooling3D()(np.zeros((5, 4, 4, 4, 3))).shape
    (5, 3)
    """

    _n = 3


class GlobalAveragePooling1D(GlobalPooling):
    """Global average pooling of sequences: the mean of each channel, over the steps that a mask counts.

    Parameters
    ----------
    data_format : {"channels_last", "channels_first"}, optional
        Inputs of shape (rows, steps, channels), the default, or
        (rows, channels, steps), which is copied to the other order.
    keepdims : bool, default False
        Whether the axes that are pooled stay, with size 1.
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong type; at the build, the input has another number of axes.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.GlobalAveragePooling1D()(np.zeros((5, 4, 3))).shape
    (5, 3)
    """

    _n = 1
    _mean = True
    supports_masking = True
    _reads_mask = True

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> None:
        """None: the output has no steps."""
        return

    def _masked_specification(self) -> dict[str, Any]:
        return self.specification() | {"kind": "masked_mean"}

    def _mask_row(self, row: tuple[int, ...]) -> tuple[int, ...]:
        return row[1:] if self.data_format == "channels_first" else row[:1]

    def _output_mask(
        self, graph: CallGraph, inputs: Sequence[Value], masks: Sequence[Value | None], output: Value
    ) -> Value | None:
        return None


class GlobalAveragePooling2D(GlobalPooling):
    """Global average pooling of images: the mean of each channel.

    Parameters
    ----------
    data_format : {"channels_last", "channels_first"}, optional
        Inputs of shape (rows, height, width, channels), the default, or
        (rows, channels, height, width), which is copied to the other order.
    keepdims : bool, default False
        Whether the axes that are pooled stay, with size 1.
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong type; at the build, the input has another number of axes.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.GlobalAveragePooling2D()(np.zeros((5, 4, 4, 3))).shape
    (5, 3)
    """

    _n = 2
    _mean = True


class GlobalAveragePooling3D(GlobalPooling):
    """Global average pooling of volumes: the mean of each channel.

    Parameters
    ----------
    data_format : {"channels_last", "channels_first"}, optional
        Inputs of shape (rows, depth, height, width, channels), the default, or
        (rows, channels, depth, height, width), which is copied to the other order.
    keepdims : bool, default False
        Whether the axes that are pooled stay, with size 1.
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong type; at the build, the input has another number of axes.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.GlobalAveragePooling3D()(np.zeros((5, 4, 4, 4, 3))).shape
    (5, 3)
    """

    _n = 3
    _mean = True
