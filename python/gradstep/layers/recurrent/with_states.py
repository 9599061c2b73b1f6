"""Layers that may begin with states they are given, and may return the last ones: several inputs and outputs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...checks import numeric
from ..base.mixin import LayerMixin
from ..base.output import Output
from ..base.sizes import Resized
from ..base.symbolic import Node, rows_before, tensors_of
from ..base.weights import leaves_of

if TYPE_CHECKING:
    from ..base.call_graph import CallGraph, Value

__all__ = ["WithStates", "tell_rows"]


class WithStates(LayerMixin):
    """Mixin, before `Layer` among the bases, of recurrent layers: initial and last states as inputs and outputs."""

    return_sequences: bool
    return_state: bool
    _batch: int | None = None  # rows of a batch, of a stateful layer
    _known_outputs = Resized((None, []))  # and for which inputs they were made
    _starts = False  # whether the call that is being added to a graph has states to begin with

    # -- what a subclass says ----------------------------------------------------------------------------------------

    def _state_rows(self, shape: Sequence[Any]) -> list[tuple[int, ...]]:
        """Shapes of a row of each state, for sequences of this shape."""
        raise NotImplementedError(f"{type(self).__name__} must define _state_rows(shape).")

    def _main_rows(self, shape: Sequence[Any]) -> list[tuple[int, ...]]:
        """Shapes of a row of the outputs before the states, for sequences of this shape."""
        raise NotImplementedError(f"{type(self).__name__} must define _main_rows(shape).")

    def _check_rank(self, shape: Sequence[Any]) -> None:
        """Refuse sequences of a wrong number of axes."""
        if len(shape) != 3:
            raise ValueError(f"layer {self.name!r} must get inputs of shape (rows, steps, inputs); got {tuple(shape)}.")

    @property
    def _parted(self) -> bool:
        """Whether there are several outputs before the states."""
        return False

    # -- shapes ------------------------------------------------------------------------------------------------------

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Shape of the output, or a list of those of several; of an input, or of a list that begins with it."""
        shape = _first(input_shape)
        self._check_rank(shape)
        rows = self._rows_of_outputs(shape)
        made = [(shape[0], *row) for row in rows]
        return made if len(made) > 1 else made[0]

    def _check_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return super()._check_shape(_first(input_shape))

    def _rows_of_outputs(self, shape: Sequence[Any]) -> list[tuple[int, ...]]:
        return [*self._main_rows(shape), *(self._state_rows(shape) if self.return_state else [])]

    @property
    def _several(self) -> bool:
        """Whether a call gives several outputs."""
        return self.return_state or self._parted

    @property
    def _output_row(self) -> tuple[int, ...]:
        if self._is_open:  # of several, joined
            return (None,) if self._several else super()._output_row  # type: ignore[return-value]
        rows = self._rows_of_outputs(self.input_shape)
        return rows[0] if len(rows) == 1 else (sum(int(np.prod(row)) for row in rows),)

    @property
    def _outputs(self) -> list[Output]:
        """Layers that extract each of several outputs from the joined output; the same in every call."""
        if not self._several:
            return []
        made_for, known = self._known_outputs
        if made_for != self.input_shape:
            known, begin = [], 0
            rows, mains = self._rows_of_outputs(self.input_shape), len(self._main_rows(self.input_shape))
            for k, row in enumerate(rows):
                masked = self.return_sequences and k < mains
                output = Output(begin, row, masked, dtype=self.dtype, name=f"{self.name}_output_{k}")
                output.build((None, *self._output_row))
                known.append(output)
                begin += int(np.prod(row))
            self._known_outputs = self.input_shape, known
        return known  # type: ignore[no-any-return]

    # -- calls -------------------------------------------------------------------------------------------------------

    def _with_initial(self, x: Any, initial_state: Any) -> Any:
        if initial_state is None:
            return x
        states = list(initial_state) if isinstance(initial_state, (list, tuple)) else [initial_state]
        return [x, *states]

    def __call__(self, x: Any, training: bool | None = None, mask: Any = None, initial_state: Any = None) -> Any:
        """The output for an array of sequences, at once; or for a symbolic tensor. Builds the layer if it is not.

        Parameters
        ----------
        x : array_like, shape (rows, steps, inputs), or SymbolicTensor
            Or a list of it and of the states to begin with.
        training : bool, optional
            Whether the layer works as in training, and keeps what `backward` needs: the last such call counts.
        mask : array_like of bool, shape (rows, steps), or SymbolicTensor; optional
            Which steps count. Between layers of a model masks travel by themselves: this is another one.
        initial_state : array_like or SymbolicTensor, or a list of them, optional
            The states to begin with, shape (rows, units) each; zeros by default.

        Returns
        -------
        ndarray of the layer's dtype, or SymbolicTensor; with `return_state` a list: the output, then the last states

        Raises
        ------
        TypeError, ValueError
            `x` or a state is no array of numbers, or has a shape that the layer cannot take; `mask` does not fit.
        """
        return super().__call__(self._with_initial(x, initial_state), training, mask)

    def _check_states(self, sequences: Sequence[Any], shapes: Sequence[Any]) -> None:
        self._check_rank(sequences)
        rows = self._state_rows(sequences)
        if len(shapes) != len(rows):
            raise ValueError(
                f"layer {self.name!r} must get {len(rows)} states to begin with, or none; got {len(shapes)}."
            )
        for i, (shape, row) in enumerate(zip(shapes, rows, strict=True)):
            if tuple(shape[1:]) != row:
                wanted = ", ".join(["rows", *map(str, row)])
                raise ValueError(f"initial_state[{i}] must have shape ({wanted}); its shape is {tuple(shape)}.")

    def _connect(self, x: Any) -> Any:
        tensors = tensors_of(x, f"the inputs of layer {self.name!r}")
        if len(tensors) > 1:
            self._check_states(tensors[0].shape, [tensor.shape for tensor in tensors[1:]])
        if not self.built:
            self._batch = rows_before(tensors[0]) or self._batch
        self.build(tensors[0].shape)
        shapes = self.compute_output_shape(tensors[0].shape)
        outputs = Node(self, tensors, len(tensors) > 1, shapes if self._several else [shapes], self.dtype).outputs
        return list(outputs) if self._several else outputs[0]

    def _checked_inputs(self, x: Any) -> list[np.ndarray]:
        if not (isinstance(x, (list, tuple)) and x and all(hasattr(one, "shape") for one in x)):
            return [numeric(x, "x")]
        arrays = [numeric(one, "x" if i == 0 else f"initial_state[{i - 1}]") for i, one in enumerate(x)]
        if len(arrays) > 1:
            self._check_states(arrays[0].shape, [array.shape for array in arrays[1:]])
        if len({len(array) for array in arrays if array.ndim}) > 1:
            raise ValueError(f"x and the states of layer {self.name!r} must have the same number of rows.")
        return arrays

    def _add_to(
        self, graph: CallGraph, inputs: Sequence[Value], masks: Sequence[Value | None]
    ) -> tuple[Value, Value | None]:
        self._starts = len(inputs) > 1
        return super()._add_to(graph, inputs, masks)

    def _output_mask(
        self, graph: CallGraph, inputs: Sequence[Value], masks: Sequence[Value | None], output: Value
    ) -> Value | None:
        return masks[0] if self.return_sequences else None

    # -- arrays ------------------------------------------------------------------------------------------------------

    def _unpacked(self, y: np.ndarray) -> Any:
        return [np.ascontiguousarray(output.cut(y)) for output in self._outputs] if self._several else y

    def _packed_outputs(self, dy: Any) -> Any:
        if not self._several:
            return dy
        if not isinstance(dy, (list, tuple)) or len(dy) != len(self._outputs):
            raise ValueError(f"dy must be a list of {len(self._outputs)} arrays, one for each output.")
        arrays = [numeric(one, f"dy[{i}]") for i, one in enumerate(dy)]
        for i, (array, output) in enumerate(zip(arrays, self._outputs, strict=True)):
            if array.shape[1:] != output._row:
                raise ValueError(f"dy[{i}] has rows of shape {array.shape[1:]}; the output's have {output._row}.")
        return np.concatenate([array.reshape(len(array), -1) for array in arrays], axis=1)

    def _packed(self, gradients: list[np.ndarray]) -> Any:
        return gradients if len(gradients) > 1 else gradients[0]


def tell_rows(layers: Iterable[Any], rows: int | None) -> None:
    """Let layers that are not built, and those in them, know how many rows a batch has."""
    for leaf in leaves_of(layers).values():
        if isinstance(leaf, WithStates) and not leaf.built:
            leaf._batch = rows


def _first(input_shape: Any) -> Any:
    """The shape of the sequences, of that or of a list that begins with it."""
    return input_shape[0] if input_shape and isinstance(input_shape[0], (list, tuple)) else input_shape
