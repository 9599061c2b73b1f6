"""Two recurrent layers over the same sequences, in both directions (csrc/layers/bidirectional.hpp)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ... import seeds
from ...checks import check_choice, describe, shown
from ...described import equal, revive
from ..base.layer import Layer
from ..base.weights import assign
from .conv_lstm import ConvLSTM, ConvLSTM1D, ConvLSTM2D, ConvLSTM3D
from .gru import GRU
from .lstm import LSTM
from .recurrent import Recurrent
from .rnn import RNN
from .simple_rnn import SimpleRNN
from .with_states import WithStates

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ...constraints import Constraint
    from ...regularizers import Regularizer

__all__ = ["Bidirectional"]

MODES = {name: name for name in ("concat", "sum", "ave", "mul")}
# Settings that both directions must have in common.
SHARED = ("use_bias", "return_sequences", "return_state", "data_format")
KINDS: dict[str, type] = {
    kind.__name__: kind for kind in (ConvLSTM1D, ConvLSTM2D, ConvLSTM3D, GRU, LSTM, RNN, SimpleRNN)
}
# What makes keys of the two layers, for inputs and states each, of one.
KEYS = (0, 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)


class Bidirectional(WithStates, Layer):
    """Runs a recurrent layer over sequences in both directions.

    Parameters
    ----------
    layer : LSTM, GRU, SimpleRNN, ConvLSTM1D, ConvLSTM2D or ConvLSTM3D
        What runs forward; a copy of it, whose weights are drawn anew, runs backward. An `RNN` of an `LSTMCell`,
        `GRUCell` or `SimpleRNNCell` is taken as the layer that it is.
    merge_mode : {"concat", "sum", "ave", "mul", None}, default "concat"
        What becomes of the outputs of both: they are put side by side along the last axis, added, averaged, multiplied,
        or with None left as two outputs.
    weights : list of array_like, optional
        What the weights are at the start: those of the forward layer, then those of the backward layer.
    backward_layer : recurrent layer, optional
        What runs backward, instead of the copy. It must have another `go_backwards` than `layer`, and the
        same `use_bias`, `return_sequences` and `return_state`. To a layer that convolves belongs one of the same
        number of axes and `data_format`.
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    State
    -----
    The weights of `forward_layer`, then those of `backward_layer`.

    Raises
    ------
    TypeError, ValueError
        `layer` is none of these, or is built; the layers do not fit each other.

    Notes
    -----
    With `return_sequences` the outputs of the backward layer are turned round, so that those of the same step are
    merged. States that are returned are those of the forward layer, then those of the backward layer; so are the states
    of `initial_state`. As in Keras, the output of steps that a mask leaves out is 0 with `return_sequences`, whatever
    `zero_output_for_mask` says. Both directions run at the same time, on different threads if there are some.

    References
    ----------
    Schuster, Paliwal, "Bidirectional recurrent neural networks", IEEE Transactions on Signal Processing 45 (1997).

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> layer = gs.layers.Bidirectional(gs.layers.LSTM(4, return_sequences=True))
    >>> layer(np.zeros((2, 10, 3))).shape
    (2, 10, 8)
    >>> len(layer.weights), layer.backward_layer.kernel.shape
    (6, (3, 16))
    """

    _reads_mask = True
    supports_masking = True
    _passing = ("input_shape", "input_dim", "weights")

    def __init__(
        self,
        layer: Recurrent | Mapping[str, Any],
        merge_mode: str | None = "concat",
        weights: Sequence[ArrayLike] | None = None,
        backward_layer: Recurrent | Mapping[str, Any] | None = None,
        *,
        input_shape: Sequence[int] | int | None = None,
        input_dim: int | None = None,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        self._directions = [_recurrent("layer", layer)]
        self._directions.append(
            self._copied() if backward_layer is None else _recurrent("backward_layer", backward_layer)
        )
        self.merge_mode = None if merge_mode is None else check_choice("merge_mode", merge_mode, MODES)
        self._check_pair()
        if weights is not None and not isinstance(weights, (list, tuple)):
            raise TypeError(f"weights must be a list of arrays; got {shown(weights)}.")
        self._initial = None if weights is None else [np.array(weight) for weight in weights]
        first = self._directions[0]
        self.return_sequences, self.return_state = first.return_sequences, first.return_state
        self._weight_names = [f"{way}_{kind}" for way in ("forward", "backward") for kind in first._weight_names]
        self._trained = (True,) * len(self._weight_names)
        if any(direction._key is not None for direction in self._directions):
            self._draw_key()
        dtype = first.dtype if dtype is None else dtype
        super().__init__(input_shape=input_shape, input_dim=input_dim, dtype=dtype, name=name, trainable=trainable)
        if any(direction.dtype != self.dtype for direction in self._directions):
            raise ValueError(f"layer and backward_layer must have the dtype of layer {self.name!r}, {self.dtype}.")

    def _copied(self) -> Recurrent:
        """Copy of the forward layer that runs backward."""
        layer = self._directions[0]
        made: Recurrent = equal(layer, go_backwards=not layer.go_backwards, name=f"backward_{layer.name}")
        return made

    def _check_pair(self) -> None:
        first, second = self._directions
        if getattr(first, "_n", None) != getattr(second, "_n", None):
            raise ValueError(
                "layer and backward_layer must both convolve along the same number of axes, or neither; "
                f"got {type(first).__name__} and {type(second).__name__}."
            )
        if first.go_backwards == second.go_backwards:
            raise ValueError(
                f"layer and backward_layer must not have the same go_backwards; it is {first.go_backwards} in both."
            )
        for key in SHARED:
            values = [getattr(direction, key, None) for direction in self._directions]
            if values[0] != values[1]:
                raise ValueError(f"layer and backward_layer must have the same {key}; got {values[0]} and {values[1]}.")
        if first.units != second.units and self.merge_mode not in ("concat", None):
            raise ValueError(
                f"layers that are merged by {self.merge_mode!r} must have the same units; got {first.units} and "
                f"{second.units}."
            )
        for direction in self._directions:
            if direction.activity_regularizer is not None or direction.stateful or not direction.trainable:
                raise ValueError(
                    "the layers of a Bidirectional must be trainable, not stateful, and without activity_regularizer."
                )
            direction.zero_output_for_mask = direction.return_sequences

    # -- the two layers ----------------------------------------------------------------------------------------------

    def _direction(self, number: int) -> Recurrent:
        """One of the layers, with its weights."""
        one = self._directions[number]
        if self.built:
            half = len(self._weights) // 2
            one._weights = self._weights[number * half : (number + 1) * half]
            one._input_shape, one.built = self._input_shape, True
        return one

    @property
    def forward_layer(self) -> Recurrent:
        """The layer that runs forward; its weights are those of this layer."""
        return self._direction(0)

    layer = forward_layer

    @property
    def backward_layer(self) -> Recurrent:
        """The layer that runs backward; its weights are those of this layer."""
        return self._direction(1)

    # -- what it computes ----------------------------------------------------------------------------------------------

    def _draw_key(self) -> None:
        if any(direction._key is not None for direction in self._directions):
            self._key = seeds.word_of(self._directions[0].seed)

    def _state_rows(self, shape: Sequence[Any]) -> list[tuple[int, ...]]:
        return [row for direction in self._directions for row in direction._state_rows(shape)]

    @property
    def _parted(self) -> bool:
        return self.merge_mode is None

    def _check_rank(self, shape: Sequence[Any]) -> None:
        first = self._directions[0]
        if isinstance(first, ConvLSTM):
            first._check_rank(shape)
        else:
            super()._check_rank(shape)

    def _main_rows(self, shape: Sequence[Any]) -> list[tuple[int, ...]]:
        each = [direction._main_rows(shape)[0] for direction in self._directions]
        if self.merge_mode is None:
            return each
        common = None if self.merge_mode != "concat" else -1
        if each[0][:common] != each[1][:common]:
            but = " but for the last axis" if common else ""
            raise ValueError(
                f"outputs that layer {self.name!r} merges by {self.merge_mode!r} must have the same shape{but}; got "
                f"rows of shape {each[0]} and {each[1]}."
            )
        wide = sum(row[-1] for row in each) if self.merge_mode == "concat" else each[0][-1]
        return [(*each[0][:-1], wide)]

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """The mask of each output: that of the input with `return_sequences`; None for states."""
        mask = previous_mask[0] if isinstance(previous_mask, list) else previous_mask
        mask = mask if self.return_sequences else None
        if not self._several:
            return mask
        states = sum(direction._states for direction in self._directions) if self.return_state else 0
        return [mask] * (1 + self._parted) + [None] * states

    def specification(self) -> dict[str, Any]:
        """Kind and settings of the layer, for the compiled core."""
        kind = "conv_bidirectional" if isinstance(self._directions[0], ConvLSTM) else "bidirectional"
        spec: dict[str, Any] = {"kind": kind, "merge_mode": self.merge_mode or "none", "masked": False}
        for number, (way, direction) in enumerate(zip(("forward", "backward"), self._directions, strict=True)):
            drawn = {f"{kind}key": (self._key or 0) ^ KEYS[2 * number + i] for i, kind in enumerate(("", "recurrent_"))}
            spec[way] = direction.specification() | drawn | {"initial_state": self._starts}
        return spec

    def _masked_specification(self) -> dict[str, Any]:
        spec = self.specification()
        masked = {way: spec[way] | {"masked": True} for way in ("forward", "backward")}
        return spec | masked | {"masked": True}

    def rules(self) -> list[tuple[Regularizer | None, Constraint | None]]:
        """Regularizer and constraint of the kernels and biases of both layers."""
        names = [name.removesuffix("_kernel") for name in self._directions[0]._weight_names]
        return [rule for direction in self._directions for rule in direction._rules_of(names)]

    def draw_weights(self, input_shape: tuple[int, ...]) -> list[np.ndarray]:
        """The weights of both layers."""
        drawn = [weight for direction in self._directions for weight in direction.draw_weights(input_shape)]
        if self._initial is not None:
            assign(drawn, self._initial)
        return drawn


def _recurrent(name: str, given: Any) -> Recurrent:
    """A recurrent layer that was given, or described."""
    if isinstance(given, Mapping):
        given = revive(given, KINDS, name)
    if isinstance(given, RNN):
        given = given._as_layer()
    if not (isinstance(given, Recurrent) and isinstance(given, tuple(KINDS.values()))):
        raise TypeError(f"{name} must be an LSTM, a GRU, a SimpleRNN or a ConvLSTM; got {describe(given)}.")
    if given.built:
        raise ValueError(f"{name} must not be built: its weights become those of the Bidirectional.")
    return given
