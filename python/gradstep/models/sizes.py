"""What computes a model, for inputs of sizes that are known or not."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from ..layers.base.call_graph import Value
from ..layers.base.sizes import PROBES, at_sizes, filled, is_open
from ..trainers.network import Step, network_of
from ..trainers.sizes import Row, Sized, SizeTable
from .flat_calls import flatten_calls

if TYPE_CHECKING:
    from ..layers.base.layer import Layer
    from ..trainers.executor import Executor

__all__ = ["OfSizes"]

# Sizes in place of those that are not known, of the network that stands for all: the first that the layers can take.
NOMINAL = (16, PROBES[0][0], PROBES[0][1], 1024, PROBES[1][1])


class OfSizes:
    """Mixin of `BaseModel`: makes its network; of inputs with None in their shape, one for the sizes of each batch."""

    if TYPE_CHECKING:
        name: str
        _executor: Executor
        _layers: list[Any]

        @property
        def inputs(self) -> list[Any]: ...
        @property
        def outputs(self) -> list[Any]: ...
        @property
        def _leaves(self) -> dict[str, Layer]: ...
        def _note_trainable(self) -> None: ...

    @property
    def _input_rows(self) -> list[Row]:
        """Shape of a row of each input; None is any size."""
        return [tensor.shape[1:] for tensor in self.inputs]

    @property
    def _is_open(self) -> bool:
        """Whether inputs have sizes that are not known."""
        return any(None in row for row in self._input_rows)

    def _connect_engine(self, rows: Sequence[Row]) -> None:
        """Make what computes the layers, for inputs of these shapes of a row, over the weights where they lie."""
        if any(None in row for row in rows):
            first = self._sized_at(self._nominal_rows(rows))
            for leaf in self._leaves.values():
                leaf._shared = True  # so that weights stay where they are
            self._executor.connect(first, SizeTable(rows, self._sized_at, first))
        else:
            self._executor.connect(self._sized_at(rows))  # type: ignore[arg-type]
        self._note_trainable()

    def _sized_at(self, rows: Sequence[tuple[int, ...]]) -> Sized:
        """The network for inputs of these shapes of a row."""
        with self._at_sizes():
            steps, outputs = self._steps_of(rows)
            network = network_of(rows, steps, [value.number for value in outputs])
        return Sized(network, steps, [value.row for value in outputs])

    def _at_sizes(self) -> Any:
        """Where layers have the shapes of one network, if they are built for sizes that are not known."""
        return at_sizes() if self._has_open else nullcontext()

    @property
    def _has_open(self) -> bool:
        """Whether inputs, or those of a layer, have sizes that are not known."""
        parts = (*self._layers, *self._leaves.values())
        return self._is_open or any(part._is_open for part in parts)

    def _nominal_rows(self, rows: Sequence[Row]) -> list[tuple[int, ...]]:
        """Rows of known sizes that the layers can take.

        Raises
        ------
        ValueError
            As layers do, of all sizes that were tried.
        """
        first: ValueError | None = None
        for size in NOMINAL:
            tried = [filled((None, *row), size)[1:] for row in rows]
            try:
                with at_sizes():
                    self._steps_of(tried)
            except ValueError as error:
                first = first or ValueError(f"{error} ({size} stands for sizes that are None.)")
            else:
                return tried
        assert first is not None
        raise first

    def _steps_of(self, rows: Sequence[tuple[int, ...]]) -> tuple[list[Step], list[Value]]:
        """The calls of layers for inputs of these shapes of a row, and which of their values are the outputs."""
        steps: list[Step] = []
        sources = [Value(i, tuple(row)) for i, row in enumerate(rows)]
        return steps, flatten_calls(self, sources, steps, len(rows))

    def _connected_steps(self) -> tuple[list[tuple[int, ...]], list[Step], list[int]]:
        """Shapes of a row of the inputs, the calls of layers, and which of their values are the outputs.

        Raises
        ------
        ValueError
            Inputs have sizes that are not known.
        """
        rows = self._input_rows
        if any(None in row for row in rows):
            raise ValueError(
                f"model {self.name!r} must have inputs of known sizes for this; its inputs have rows of shape "
                f"{', '.join(map(str, rows))}. Make it with an Input of the sizes that you need, and set_weights."
            )
        with self._at_sizes():
            steps, outputs = self._steps_of(rows)  # type: ignore[arg-type]
        return rows, steps, [value.number for value in outputs]  # type: ignore[return-value]

    def _some_steps(self) -> list[Step]:
        """The calls of layers, at any sizes."""
        rows = self._input_rows
        with self._at_sizes():
            return self._steps_of(self._nominal_rows(rows) if self._is_open else rows)[0]  # type: ignore[arg-type]

    def _output_shapes(self, shapes: Sequence[Any]) -> list[Any]:
        """Shapes of the outputs for shapes of the inputs, all with the rows in front; those that are known."""
        if is_open(list(shapes)) or not self._has_open:
            return [tensor.shape for tensor in self.outputs]
        with at_sizes():
            return [(None, *value.row) for value in self._steps_of([tuple(shape[1:]) for shape in shapes])[1]]
