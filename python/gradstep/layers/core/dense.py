"""The dense layer (csrc/layers/dense.hpp)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ... import activations, constraints, initializers, regularizers
from ...checks import check_bool, check_int
from ..base.arguments import options_of, take_rules
from ..base.layer import Layer, Shape
from .activation import stages_of, warn_of_one

__all__ = ["Dense"]


class Dense(Layer):
    """Densely connected layer: ``activation(x @ kernel + bias)``.

    Parameters
    ----------
    units : int
        How many outputs; at least 1.
    activation : str or function, optional
        A name of `gradstep.activations`, a function of it, one with settings (``functools.partial(elu, alpha=0.5)``),
        an activation layer, or a custom NumPy function, as `activations.get` takes it; none by default.
    use_bias : bool, default True
    kernel_initializer : str, Initializer or function, default "glorot_uniform"
        What the kernel is at the start.
    bias_initializer : str, Initializer or function, default "zeros"
    kernel_regularizer, bias_regularizer : str or Regularizer, optional
        What they add to the loss: of `gradstep.regularizers`.
    activity_regularizer : str or Regularizer, optional
        What the output adds to the loss, over the number of rows.
    kernel_constraint, bias_constraint : str or Constraint, optional
        What they must be after each step: of `gradstep.constraints`.
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    State
    -----
    kernel : ndarray, shape (inputs, units)
    bias : ndarray, shape (units,)
        None without `use_bias`. Both are the weights themselves: writing to them changes the layer.

    Raises
    ------
    TypeError, ValueError
        `units` is no int or less than 1; an unknown activation, initializer, regularizer or
        constraint.

    Notes
    -----
    .. math:: y = f(x W + b)

    along the last axis, as in Keras: inputs are (rows, ..., inputs), outputs (rows, ..., units). A model in which rows
    have more than one axis there trains with a return to Python in each batch.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> layer = gs.layers.Dense(2, kernel_initializer="ones")
    >>> layer(np.array([[1.0, 2.0, 3.0]]))
    array([[6., 6.]], dtype=float32)
    >>> layer.kernel.shape, layer.bias.shape
    ((3, 2), (2,))
    """

    supports_masking = True
    _weight_names = ("kernel", "bias")
    activity_regularizer: regularizers.Regularizer | None

    def __init__(
        self,
        units: int,
        activation: str | Callable[..., np.ndarray] | None = None,
        use_bias: bool = True,
        kernel_initializer: str | initializers.Initializer | Callable[..., Any] = "glorot_uniform",
        bias_initializer: str | initializers.Initializer | Callable[..., Any] = "zeros",
        kernel_regularizer: str | regularizers.Regularizer | None = None,
        bias_regularizer: str | regularizers.Regularizer | None = None,
        activity_regularizer: str | regularizers.Regularizer | None = None,
        *,
        kernel_constraint: str | constraints.Constraint | None = None,
        bias_constraint: str | constraints.Constraint | None = None,
        input_shape: Sequence[int] | int | None = None,
        input_dim: int | None = None,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        self.units = check_int("units", units, 1)
        self.activation = activations.get(activation)
        activations.specify(self.activation)
        self.use_bias = check_bool("use_bias", use_bias)
        take_rules(self, locals())
        super().__init__(**options_of(locals()))
        self._stages = stages_of(self.activation, self.activity_regularizer, self)

    @property
    def kernel(self) -> np.ndarray:
        """Weight matrix, shape (inputs, units)."""
        return self._weight(0)

    @property
    def bias(self) -> np.ndarray | None:
        """Bias, shape (units,); None without `use_bias`."""
        return self._weight(1) if self.use_bias else None

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Shape:
        """(rows, ..., units) for (rows, ..., inputs)."""
        if len(input_shape) < 2:
            raise ValueError(f"layer {self.name!r} must get inputs of shape (rows, ..., n); got {tuple(input_shape)}.")
        return (*input_shape[:-1], self.units)

    def specification(self) -> dict[str, Any]:
        """Kind and settings of the layer, for the compiled core."""
        return {
            "kind": "dense",
            "units": self.units,
            "use_bias": self.use_bias,
            "activation": activations.specify(self.activation),
        }

    def draw_weights(self, input_shape: tuple[int, ...]) -> list[np.ndarray]:
        """A kernel and a bias."""
        warn_of_one(self, self.units)
        weights = [self._drawn("kernel_initializer", (input_shape[-1], self.units))]
        if self.use_bias:
            weights.append(self._drawn("bias_initializer", (self.units,)))
        return weights
