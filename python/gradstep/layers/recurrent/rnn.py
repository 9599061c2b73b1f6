"""The layer that runs a cell over sequences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from ...checks import check_bool, check_config
from ..base.custom_layer import revived_arguments
from ..base.given import parameters_of
from ..base.layer import Layer, Shape
from ..base.symbolic import Node, SymbolicTensor
from ..base.tracing import current, flat, like
from ..core.of_layers import OfLayers
from ..core.own_weights import value_of
from .cells import Cell, GRUCell, LSTMCell, SimpleRNNCell
from .recurrent import Recurrent
from .stacked_cells import StackedRNNCells, check_cell, first_states

if TYPE_CHECKING:
    from typing_extensions import Self

    from ..base.call_graph import CallGraph, Value

__all__ = ["RNN"]

FLAGS = ("return_sequences", "return_state", "go_backwards", "stateful", "unroll", "zero_output_for_mask")


class RNN(OfLayers, Layer):
    r"""Recurrent layer that runs a cell over sequences.

    Parameters
    ----------
    cell : cell, or list of cells
        `LSTMCell`, `GRUCell`, `SimpleRNNCell`; a list of cells, as of `StackedRNNCells`; or a custom cell, see Notes.
    return_sequences : bool, default False
        Whether the output has that of each step, shape (rows, steps, ...), instead of the last one's.
    return_state : bool, default False
        Whether a call gives a list: the output, then the last states; of stacked cells a list of states for each.
    go_backwards : bool, default False
        Whether the last step of a sequence comes first; with `return_sequences` the output stays in that order.
    stateful : bool, default False
        As in `LSTM`; of custom cells it must be False.
    unroll : bool, default False
        Makes no difference to what is computed: it is there for Keras's configs.
    zero_output_for_mask : bool, default False
        Whether steps that a mask leaves out give 0, instead of what the step before gave.
    dtype : {"float32", "float64"}, default that of the cell
    input_shape, name, trainable
        As in `Layer`.

    Attributes
    ----------
    cell : Layer

    State
    -----
    The weights of the cell.

    Raises
    ------
    TypeError, ValueError
        `cell` is none, or belongs to another `RNN`; when called, a custom cell and sequences of any length.

    Notes
    -----
    One of this package's cells makes the layer what `LSTM`, `GRU` or `SimpleRNN` is, with the same numbers; several are
    such layers in a row.

    A custom cell is a subclass of `Layer` with an attribute `state_size`, an int or a list of them, and a method
    ``call(self, inputs, states)``, or with ``training=None``, that gives the output and a list of the new states. As
    of every layer made of layers, `call` runs on symbolic tensors; once for each step, so that sequences must have a
    known number of steps::

        class Decay(gs.layers.Layer):
            state_size = 1

            def call(self, inputs, states):
                h = 0.5 * states[0] + inputs
                return h, [h]

    It may have ``get_initial_state(self, batch_size)``, whose states are the same for all rows.

    A call takes ``initial_state=``, a list of the states to begin with.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.RNN(gs.layers.GRUCell(4), return_sequences=True)(np.zeros((2, 10, 3))).shape
    (2, 10, 4)
    >>> gs.layers.RNN([gs.layers.LSTMCell(4), gs.layers.LSTMCell(2)])(np.zeros((2, 10, 3))).shape
    (2, 2)
    """

    return_sequences: bool
    return_state: bool
    go_backwards: bool
    stateful: bool
    zero_output_for_mask: bool

    def __init__(
        self,
        cell: Any,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        zero_output_for_mask: bool = False,
        *,
        input_shape: Sequence[int] | int | None = None,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        given = locals()
        if isinstance(cell, (list, tuple)):
            cell = StackedRNNCells(cell, dtype=dtype)
        check_cell("cell", cell)
        dtype = cell.dtype if dtype is None else dtype
        super().__init__(input_shape=input_shape, dtype=dtype, name=name, trainable=trainable)
        for flag in FLAGS:
            setattr(self, flag, check_bool(flag, given[flag]))
        self.cell = cell
        cells = cell.cells if isinstance(cell, StackedRNNCells) else [cell]
        for i, one in enumerate(cells):
            check_cell(f"cell.cells[{i}]", one)
            if one.dtype != self.dtype:
                raise ValueError(f"cell must have the dtype of layer {self.name!r}, {self.dtype}; it has {one.dtype}.")
        if self.stateful and not self._row:
            raise ValueError(
                f"stateful of layer {self.name!r} must be False for a cell that is no LSTMCell or its like."
            )
        self._hand_over(cells)
        if not trainable:
            self.trainable = False

    def _hand_over(self, cells: Sequence[Any]) -> None:
        """Let the cells' layers run over sequences, as this one is to."""
        for cell in cells:
            if isinstance(cell, Cell):
                cell._runs = self.name
        last = self._row[-1:]
        for layer in self._row:
            layer.return_state, layer.stateful = self.return_state, self.stateful
            layer.return_sequences = self.return_sequences or layer not in last
            layer.zero_output_for_mask = self.zero_output_for_mask and layer in last
        if len(self._row) == 1:
            last[0].go_backwards = self.go_backwards

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Create a layer from its config, of this package or Keras. Raises as the class itself."""
        return cls(**revived_arguments(check_config(config)))

    def _as_layer(self) -> Recurrent:
        """The LSTM, GRU or SimpleRNN that it is.

        Raises
        ------
        ValueError
            It has several cells, or a custom one.
        """
        if len(self._row) != 1:
            raise ValueError(
                f"layer {self.name!r} must have one cell, an LSTMCell, GRUCell or SimpleRNNCell, to run in both "
                "directions; of others make two layers, one with go_backwards=True, and Concatenate."
            )
        return self._row[0]

    # -- states --------------------------------------------------------------------------------------------------------

    @property
    def states(self) -> list[np.ndarray]:
        """The states that a stateful layer begins its next batch with."""
        return [state for layer in self._row for state in layer.states]

    def reset_states(self) -> None:
        """Reset the states to zeros.

        Raises
        ------
        ValueError
            The layer is not stateful.
        """
        if not self.stateful:
            raise ValueError(f"layer {self.name!r} must be stateful to have states; make it with stateful=True.")
        for layer in self._row:
            layer.reset_states()

    reset_state = reset_states

    def get_initial_state(self, batch_size: int) -> list[Any]:
        """List of the states to begin with: by default arrays of zeros."""
        return first_states(self.cell, batch_size)

    # -- what it computes ----------------------------------------------------------------------------------------------

    @property
    def _row(self) -> list[Recurrent]:
        """The layers that cells of this package are, one after another; with another cell none."""
        cells = self.cell.cells if isinstance(self.cell, StackedRNNCells) else [self.cell]
        return [one._runner for one in cells] if all(type(one) in CELLS for one in cells) else []

    @property
    def _asks_training(self) -> bool:
        return not self._row and "training" in parameters_of(self.cell)

    def call(self, sequences: Any, initial_state: Any = None, training: bool | None = None) -> Any:
        """The output for sequences, and with `return_state` the last states."""
        if len(sequences.shape) < 3:
            raise ValueError(
                f"layer {self.name!r} must get inputs of shape (rows, steps, ...); got {tuple(sequences.shape)}."
            )
        states = None if initial_state is None else self._checked_states(initial_state)
        if len(self._row) != 1 and self.go_backwards:
            sequences = connect(Backwards(self, sequences.shape), sequences)
        y, new = self._through_row(sequences, states) if self._row else self._step_by_step(sequences, states, training)
        return [y, *new] if self.return_state else y

    def _checked_states(self, given: Any) -> list[Any]:
        """The initial states, one for each of the cell's."""
        states = list(given) if isinstance(given, (list, tuple)) else [given]
        wanted = first_states(self.cell, 1)
        shapes = [array.shape[1:] for array in flat(wanted)]
        if [tuple(one.shape[1:]) for one in flat(states)] != shapes:
            raise ValueError(
                f"initial_state of layer {self.name!r} must be states with rows of shapes {shapes}; got "
                f"{[tuple(one.shape[1:]) for one in flat(states)]}."
            )
        return cast("list[Any]", like(wanted, iter(flat(states))))

    def _through_row(self, x: Any, states: list[Any] | None) -> tuple[Any, list[Any]]:
        """Through the layers that the cells are."""
        new: list[Any] = []
        for i, layer in enumerate(self._row):
            first = states if states is None or len(self._row) == 1 else states[i]
            made = layer(x, initial_state=first)
            x, last = (made[0], made[1:]) if self.return_state else (made, [])
            new += [last] if len(self._row) > 1 else last
        return x, new

    def _step_by_step(self, x: Any, states: list[Any] | None, training: bool | None) -> tuple[Any, list[Any]]:
        """Through a cell of another kind, one step after another."""
        steps, run = x.shape[1], current()
        if steps is None:
            raise ValueError(
                f"layer {self.name!r} must get sequences of a known number of steps for a custom cell: give the model "
                "an Input((steps, ...)), and pad sequences with utils.pad_sequences."
            )
        assert run is not None
        if states is None:
            wanted = first_states(self.cell, 1)
            states = cast("list[Any]", like(wanted, (value_of(run, x, np.asarray(one)[0]) for one in flat(wanted))))
        told = {"training": training} if self._asks_training else {}
        outputs: list[Any] = []
        for number in range(steps):
            one = connect(OneStep(self, (None, *x.shape[2:]), number), x)
            output, new = self.cell(one, states, **told)
            new = list(new) if isinstance(new, (list, tuple)) else [new]
            if len(flat(new)) != len(flat(states)):
                raise ValueError(f"cell {self.cell.name!r} must give {len(flat(states))} states; got {len(flat(new))}.")
            before = [] if self.zero_output_for_mask else outputs[-1:]
            outputs.append(connect(WhereMasked(self, output.shape, number), x, output, *before))
            kept = zip(flat(new), flat(states), strict=True)
            each = [connect(WhereMasked(self, one.shape, number), x, one, old) for one, old in kept]
            states = like(states, iter(each))
        if not self.return_sequences:
            return outputs[-1], states
        shape = (None, steps, *outputs[0].shape[1:])
        return connect(AllSteps(self, shape), x, *outputs), states


CELLS = (LSTMCell, GRUCell, SimpleRNNCell)


def connect(layer: Unlisted, *tensors: SymbolicTensor) -> SymbolicTensor:
    """What a layer that stands in no model's list of layers gives."""
    layer.build(tensors[0].shape)
    return Node(layer, tensors, len(tensors) > 1, [layer.gives], layer.dtype).outputs[0]


class Unlisted(Layer):
    """Base of what `RNN` has between the calls of a cell. gives: the shape of the output; number: of a step."""

    _weightless = True

    def __init__(self, of: Layer, gives: Sequence[int | None], number: int = 0) -> None:
        super().__init__(dtype=of.dtype, name=f"{of.name}_step")
        self.gives, self.number = (None, *gives[1:]), number

    def get_config(self) -> dict[str, Any]:
        """What tells it from another one."""
        return {"gives": self.gives, "number": self.number}

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Shape:
        """That which was given."""
        return self.gives


class OneStep(Unlisted):
    """One step of its input, without a mask."""

    def _add_to(
        self, graph: CallGraph, inputs: Sequence[Value], masks: Sequence[Value | None]
    ) -> tuple[Value, Value | None]:
        return graph.step(inputs[0], self.number), None


class WhereMasked(Unlisted):
    """Its second input where the mask of the first has a step, and elsewhere its third, or 0 if it has none."""

    def _add_to(
        self, graph: CallGraph, inputs: Sequence[Value], masks: Sequence[Value | None]
    ) -> tuple[Value, Value | None]:
        if masks[0] is None:
            return inputs[1], None
        mask = graph.step(masks[0], self.number)
        made = graph.fill(inputs[1], mask, 0.0)
        if len(inputs) > 2:
            other = graph.fill(inputs[2], graph.not_equal(mask, 1.0, along_last=False), 0.0)
            made = graph.add({"kind": "add"}, [made, other], made.row)
        return made, None


class AllSteps(Unlisted):
    """Steps, all inputs but the first, as one sequence with the mask of the first."""

    def _add_to(
        self, graph: CallGraph, inputs: Sequence[Value], masks: Sequence[Value | None]
    ) -> tuple[Value, Value | None]:
        return graph.stack(inputs[1:]), masks[0]


class Backwards(Unlisted):
    """Its input with the steps in the other order, and so the mask."""

    def _add_to(
        self, graph: CallGraph, inputs: Sequence[Value], masks: Sequence[Value | None]
    ) -> tuple[Value, Value | None]:
        return _turned(graph, inputs[0]), None if masks[0] is None else _turned(graph, masks[0])


def _turned(graph: CallGraph, value: Value) -> Value:
    """A value with its steps in the other order."""
    steps, size = value.row[0], int(np.prod(value.row[1:]))
    spec = {
        "kind": "rearrange",
        "shape": [steps, size],
        "sizes": [steps, size],
        "source_strides": [-size, 1],
        "target_strides": [size, 1],
        "source_offset": (steps - 1) * size,
        "target_offset": 0,
    }
    return graph.view(graph.add(spec, [value], (steps, size)), value.row)
