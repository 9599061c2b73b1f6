"""Activation layers (csrc/layers/activate.hpp)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ... import activations, regularizers
from ...activations.registry import is_custom
from ...checks import numeric
from ...hints import warn
from ..base.arguments import options_of
from ..base.layer import Layer, Shape
from ..normalization.axes import sample_axes, some_axes
from ..regularization.activity_regularization import OutputPenalty
from .lambda_layer import Lambda

if TYPE_CHECKING:
    from ..base.call_graph import CallGraph, Value

__all__ = ["ELU", "Activation", "LeakyReLU", "ReLU", "Softmax"]


def warn_of_one(layer: Any, width: int) -> None:
    """Warn of an activation that shares out a whole among the numbers of a row, for rows of one number."""
    kind = activations.specify(layer.activation)["kind"]
    if width == 1 and kind in ("softmax", "log_softmax", "sparsemax"):
        warn(
            f"{kind} of one number does not depend on it: layer {layer.name!r} always gives "
            f"{0 if kind == 'log_softmax' else 1}. For two classes and one output use 'sigmoid'.",
        )


def stages_of(activation: Any, penalty: regularizers.Regularizer | None, layer: Layer) -> list[Layer]:
    """Layers in NumPy that follow a layer: a custom activation, a penalty of its output."""
    stages: list[Layer] = []
    if is_custom(activation):
        stages.append(Lambda(activation, dtype=layer.dtype, name=f"{layer.name}_activation"))
    if penalty is not None:
        stages.append(OutputPenalty(penalty, dtype=layer.dtype, name=f"{layer.name}_penalty"))
    for stage in stages:
        stage.supports_masking = True  # that of the layer goes on
    return stages


class Activation(Layer):
    """Applies an activation function to the input.

    Parameters
    ----------
    activation : str or function
        A name of `gradstep.activations`, a function of it, or one with settings: ``functools.partial(elu, alpha=0.5)``.
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    Raises
    ------
    TypeError, ValueError
        An unknown activation.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.Activation("relu")(np.array([[-1.0, 2.0]]))
    array([[0., 2.]], dtype=float32)
    """

    supports_masking = True

    def __init__(
        self,
        activation: str | Callable[..., np.ndarray],
        *,
        input_shape: Sequence[int] | int | None = None,
        input_dim: int | None = None,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        self.activation = activations.get(activation)
        activations.specify(self.activation)
        super().__init__(input_shape=input_shape, input_dim=input_dim, dtype=dtype, name=name, trainable=trainable)
        self._stages = stages_of(self.activation, None, self)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Shape:
        """The shape of the input."""
        return tuple(input_shape)

    def draw_weights(self, input_shape: tuple[int, ...]) -> list[np.ndarray]:
        """None; but this is where the shape is known."""
        warn_of_one(self, input_shape[-1])
        return []

    def specification(self) -> dict[str, Any]:
        """Kind and settings of the layer, for the compiled core."""
        return {"kind": "activation", "activation": activations.specify(self.activation)}


class ReLU(Activation):
    """Rectified linear unit layer: `activations.relu`.

    Parameters
    ----------
    max_value : float, optional
        Largest output; at least 0.
    negative_slope : float, default 0.0
        Slope below the threshold; at least 0.
    threshold : float, default 0.0
        Where the input begins to pass; at least 0.
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    Raises
    ------
    TypeError, ValueError
        A setting is not a number of its range.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.ReLU(max_value=6.0)(np.array([[-1.0, 2.0, 9.0]]))
    array([[0., 2., 6.]], dtype=float32)
    """

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        *,
        input_shape: Sequence[int] | int | None = None,
        input_dim: int | None = None,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        function = partial(activations.relu, negative_slope=negative_slope, max_value=max_value, threshold=threshold)
        super().__init__(function, **options_of(locals()))
        self.max_value, self.negative_slope, self.threshold = max_value, negative_slope, threshold


class LeakyReLU(Activation):
    """Leaky ReLU layer: `activations.leaky_relu` with a default of 0.3.

    Parameters
    ----------
    negative_slope : float, default 0.3
        Slope below 0; at least 0.
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    Raises
    ------
    TypeError, ValueError
        A setting is not a number of its range.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.LeakyReLU(0.5)(np.array([[-1.0, 2.0]]))
    array([[-0.5,  2. ]], dtype=float32)
    """

    def __init__(
        self,
        negative_slope: float = 0.3,
        *,
        input_shape: Sequence[int] | int | None = None,
        input_dim: int | None = None,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        super().__init__(partial(activations.leaky_relu, negative_slope=negative_slope), **options_of(locals()))
        self.negative_slope = negative_slope


class ELU(Activation):
    """Exponential linear unit layer: `activations.elu`.

    Parameters
    ----------
    alpha : float, default 1.0
        Minus the output far left; at least 0.
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    Raises
    ------
    TypeError, ValueError
        A setting is not a number of its range.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.ELU(0.5)(np.array([[0.0, 2.0]]))
    array([[0., 2.]], dtype=float32)
    """

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        input_shape: Sequence[int] | int | None = None,
        input_dim: int | None = None,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        super().__init__(partial(activations.elu, alpha=alpha), **options_of(locals()))
        self.alpha = alpha


class Softmax(Activation):
    """Softmax layer, over one axis or several: `activations.softmax`.

    Parameters
    ----------
    axis : int or sequence of int, default -1
        Which axes the sum is along, counted with that of the rows, 0.
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    Raises
    ------
    TypeError, ValueError
        `axis` is no axis or list of them; or, at the build, inputs have no such axis.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.Softmax()(np.array([[0.0, 0.0]]))
    array([[0.5, 0.5]], dtype=float32)
    """

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
        super().__init__(activations.softmax, **options_of(locals()))

    _reads_mask = True

    def _mask_row(self, row: tuple[int, ...]) -> tuple[int, ...]:
        return row

    def _mask_array(self, mask: Any, row: tuple[int, ...], rows: int) -> np.ndarray:
        try:
            return np.broadcast_to(numeric(mask, "mask") > 0.5, (rows, *row))
        except ValueError:
            raise ValueError(
                f"mask must have the shape of x, {(rows, *row)}, or 1 in an axis; its shape is {np.shape(mask)}."
            ) from None

    def _add_to(
        self, graph: CallGraph, inputs: Sequence[Value], masks: Sequence[Value | None]
    ) -> tuple[Value, Value | None]:
        mask = masks[0]
        if mask is None:
            return super()._add_to(graph, inputs, masks)
        if mask.row != inputs[0].row:
            raise ValueError(
                f"the mask of what goes into layer {self.name!r} must have its shape, with rows of {inputs[0].row}; it "
                f"has {mask.row}."
            )
        filled = graph.fill(inputs[0], mask, -1e9)
        return graph.fill(graph.call(self, [filled]), mask, 0.0), mask

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Shape:
        """The shape of the input."""
        sample_axes("axis", self.axis, input_shape)
        return tuple(input_shape)

    def draw_weights(self, input_shape: tuple[int, ...]) -> list[np.ndarray]:
        """None; but this is where the shape is known."""
        axes = sample_axes("axis", self.axis, (None, *input_shape))
        warn_of_one(self, math.prod(input_shape[axis] for axis in axes))
        return []

    def specification(self) -> dict[str, Any]:
        """Kind and settings of the layer, for the compiled core."""
        if self._input_shape is not None:
            axes = sample_axes("axis", self.axis, self._input_shape)
            if axes != [len(self._input_shape) - 2]:
                return {"kind": "softmax", "axes": axes}
        return super().specification()
