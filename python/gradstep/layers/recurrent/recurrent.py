"""Base of the recurrent layers (csrc/layers/recurrent.hpp)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ... import _core, activations, regularizers, seeds
from ...activations.registry import is_custom
from ...checks import brief, check_bool, check_float, check_int
from ..base.arguments import options_of, take_rules
from ..base.layer import Layer, Shape
from ..core.activation import stages_of
from .with_states import WithStates

__all__ = ["Recurrent", "RecurrentMixin"]

FLAGS = (
    *("use_bias", "return_sequences", "return_state", "go_backwards", "stateful", "unroll"),
    "zero_output_for_mask",
)


class Recurrent(WithStates, Layer):
    """Base of the recurrent layers: all but their signatures."""

    _gates: ClassVar[int] = 1  # columns of the kernels, over units
    _states: ClassVar[int] = 1  # what a step takes from the step before: h, and c of an LSTM
    _reads_mask = True
    supports_masking = True

    recurrent_activation: Any = None
    unit_forget_bias = False
    use_bias: bool
    return_sequences: bool
    return_state: bool
    go_backwards: bool
    stateful: bool
    unroll: bool
    zero_output_for_mask: bool
    activity_regularizer: regularizers.Regularizer | None

    def _take(self, given: dict[str, Any]) -> None:
        """Check and keep what all of them have; given: a constructor's ``locals()``."""
        self.units = check_int("units", given["units"], 1)
        self.activation = self._function("activation", given["activation"])
        take_rules(self, given)
        for name in FLAGS:
            setattr(self, name, check_bool(name, given[name]))
        self.dropout = _rate("dropout", given["dropout"])
        self.recurrent_dropout = _rate("recurrent_dropout", given["recurrent_dropout"])
        self.seed = given["seed"]
        seeds.key_of(self.seed)  # raises unless it is a seed
        if self.dropout or self.recurrent_dropout:
            self._draw_key()
        names = ("kernel", "recurrent_kernel", "bias") if self.use_bias else ("kernel", "recurrent_kernel")
        self._weight_names = names
        self._trained = (True,) * len(names) + (False,) * (self._states if self.stateful else 0)
        super().__init__(**options_of(given))
        self._stages = stages_of(self.activation, self.activity_regularizer, self)

    def _function(self, name: str, value: Any) -> Any:
        """An activation that the engine knows."""
        function = activations.get(value)
        if is_custom(function):
            raise ValueError(
                f"{name} of a recurrent layer must be one of gradstep.activations, which the engine computes; "
                f"got {brief(value)}."
            )
        activations.specify(function)
        return function

    def _draw_key(self) -> None:
        if self.dropout or self.recurrent_dropout:
            self._key = seeds.word_of(self.seed)

    @property
    def kernel(self) -> np.ndarray:
        """Weights of the inputs, shape (inputs, gates * units)."""
        return self._weight(0)

    @property
    def recurrent_kernel(self) -> np.ndarray:
        """Weights of the states, shape (units, gates * units)."""
        return self._weight(1)

    @property
    def bias(self) -> np.ndarray | None:
        """Bias; None without `use_bias`."""
        return self._weight(2) if self.use_bias else None

    def _state_rows(self, shape: Sequence[Any]) -> list[tuple[int, ...]]:
        return [(self.units,)] * self._states

    def _main_rows(self, shape: Sequence[Any]) -> list[tuple[int, ...]]:
        state = self._state_rows(shape)[0]
        return [(shape[1], *state) if self.return_sequences else state]

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """The mask of the output: that of the input with `return_sequences`, else None; and None for each state."""
        mask = previous_mask[0] if isinstance(previous_mask, list) else previous_mask
        mask = mask if self.return_sequences else None
        return [mask] + [None] * self._states if self.return_state else mask

    def specification(self) -> dict[str, Any]:
        """Kind and settings of the layer, for the compiled core."""
        key = self._key or 0
        return {
            "kind": "recurrent",
            "cell": self._cell(),
            "units": self.units,
            "use_bias": self.use_bias,
            "activation": activations.specify(self.activation),
            "recurrent_activation": activations.specify(self.recurrent_activation),
            "return_sequences": self.return_sequences,
            "return_state": self.return_state,
            "go_backwards": self.go_backwards,
            "zero_output_for_mask": self.zero_output_for_mask,
            "dropout": self.dropout,
            "recurrent_dropout": self.recurrent_dropout,
            "key": key,
            "recurrent_key": key ^ 0x9E3779B97F4A7C15,  # other numbers than for the inputs
            "masked": False,
            "initial_state": self._starts,
            "stateful": self.stateful,
            "batch": self._batch or 1,
        }

    # -- states that stay ----------------------------------------------------------------------------------------------

    def _new_states(self, input_row: tuple[int, ...]) -> list[np.ndarray]:
        """Zeros where a stateful layer keeps its states, behind its weights; for rows of this shape."""
        if not self.stateful:
            return []
        if self._batch is None:
            raise ValueError(
                f"layer {self.name!r} is stateful: the model must begin with an Input of a fixed number of rows, "
                "Input(shape, batch_size=32), or be built for one, build((32, ...))."
            )
        return [_core.aligned_zeros((self._batch, *row), self.dtype) for row in self._kept_rows((None, *input_row))]

    def _kept_rows(self, shape: Sequence[Any]) -> list[tuple[int, ...]]:
        """Shapes of a row of each state, as the compiled core keeps it."""
        return self._state_rows(shape)

    def _build_for(self, shapes: list[Shape]) -> None:
        if self.stateful and not self.built:
            self._batch = shapes[0][0]
        super()._build_for(shapes)
        if self.stateful and shapes[0][0] not in (None, self._batch):
            raise ValueError(
                f"x must have {self._batch} rows, for which layer {self.name!r} was built; got {shapes[0][0]}."
            )

    @property
    def weights(self) -> list[np.ndarray]:
        """The weights themselves, in Keras's order: writing to one changes the layer. Without states."""
        count = len(self._weight_names)
        for weight, name in zip(self._weights, self._weight_names, strict=False):
            weight.name, weight.path = name, f"{self.name}/{name}"
        return list(self._weights[:count])

    @property
    def states(self) -> list[np.ndarray]:
        """The states that a stateful layer begins its next batch with, shape (rows, units): h, and c of an LSTM."""
        return list(self._weights[len(self._weight_names) :])

    def reset_states(self) -> None:
        """Reset the states to zeros.

        Raises
        ------
        ValueError
            The layer is not stateful.
        """
        if not self.stateful:
            raise ValueError(f"layer {self.name!r} must be stateful to have states; make it with stateful=True.")
        with self._guard:
            for state in self.states:
                state[...] = 0

    reset_state = reset_states

    def _cell(self) -> str:
        """Name of the cell in the compiled core."""
        raise NotImplementedError(f"{type(self).__name__} must define _cell().")

    def draw_weights(self, input_shape: tuple[int, ...]) -> list[np.ndarray]:
        """The kernels and a bias."""
        names = ("kernel_initializer", "recurrent_initializer")
        weights = [self._drawn(name, shape) for name, shape in zip(names, self._kernels(input_shape), strict=True)]
        if self.use_bias:
            weights.append(self._drawn_bias())
        return [*weights, *self._new_states(input_shape)]

    def _kernels(self, input_shape: tuple[int, ...]) -> list[tuple[int, ...]]:
        """Shapes of the kernels."""
        wide = self._gates * self.units
        return [(input_shape[-1], wide), (self.units, wide)]

    def _drawn_bias(self) -> np.ndarray:
        bias = self._drawn("bias_initializer", (self._gates * self.units,))
        if self.unit_forget_bias:
            bias[self.units : 2 * self.units] = 1
        return bias


def _rate(name: str, value: float) -> float:
    rate = check_float(name, value)
    if not 0 <= rate < 1:
        raise ValueError(f"{name} must be in [0, 1); got {brief(value)}.")
    return rate


if TYPE_CHECKING:
    RecurrentMixin = Recurrent
else:
    RecurrentMixin = object  # as `LayerMixin`: stands before `Recurrent` among the bases
