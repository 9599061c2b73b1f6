"""Models of several inputs or outputs: their data, and the passes over it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .columns import Columns, ManyRows, input_columns, target_columns, weight_columns
from .data import NAMES, Rows
from .layered import Layered
from .named import by_name, each_by_name
from .objectives import Objectives
from .wiring import Bundle

__all__ = ["Many"]


class Many(Layered):
    """A model of any number of inputs and outputs. A subclass connects its layers.

    One that has one of each takes data as `Sequential` does; what stands here is for the others.

    Parameters
    ----------
    inputs, outputs : Bundle
    """

    def __init__(self, inputs: Bundle, outputs: Bundle) -> None:
        super().__init__()
        self._ins, self._outs = inputs, outputs

    @property
    def _many(self) -> bool:
        """Whether there are several inputs or outputs, or the one output is given as a list or dict."""
        return len(self._ins) > 1 or self._outs.kind != "one"

    def _rows_shape(self) -> tuple[int, ...] | None:
        if self._many:
            raise ValueError(
                "only models with one input and one output (not in a list or dict) can be added to a Sequential; "
                f"{self.name!r} has {len(self._ins)} inputs and {len(self._outs)} outputs."
            )
        return self._ins.rows[0]

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Any:
        """Shape of the output for an input shape; both with the rows, None, in front."""
        self._check_shape(input_shape)
        return self.output_shape

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Nothing is left to make; raises ValueError for another shape than the model's."""
        self._check_shape(input_shape)

    def _output_rows(self) -> list[tuple[int, ...]]:
        return list(self._outs.rows)

    @property
    def inputs(self) -> Any:
        """The symbolic tensors of the inputs, as a list."""
        return list(self._ins.tensors)

    @property
    def outputs(self) -> Any:
        """The symbolic tensors of the outputs, as a list."""
        return list(self._outs.tensors)

    @property
    def input(self) -> Any:
        """The symbolic tensors of the inputs, as they were given."""
        return self._ins.given_as()

    @property
    def output(self) -> Any:
        """The symbolic tensors of the outputs, as they were given."""
        return self._outs.given_as()

    @property
    def input_names(self) -> list[str]:
        """What the inputs are called: after their `Input`, or as in the dict that they were given in."""
        return list(self._ins.names)

    @property
    def output_names(self) -> list[str]:
        """What the outputs are called: after the layers that give them, or as in the dict that they were given in."""
        return list(self._outs.names)

    @property
    def input_shape(self) -> Any:
        """Shapes of the inputs, with None for the rows, as they were given."""
        return self._ins.packed([tensor.shape for tensor in self._ins.tensors])

    @property
    def output_shape(self) -> Any:
        """Shapes of the outputs, with None for the rows, as they were given."""
        return self._outs.packed([tensor.shape for tensor in self._outs.tensors])

    # -- what it is trained by -----------------------------------------------------------------------------------------

    def _objectives_of(self, loss: Any, loss_weights: Any, metrics: Any, weighted: Any) -> Objectives:
        make = Objectives.of_all if self._many else Objectives.of_one
        return make(self._outs.names, loss, loss_weights, metrics, weighted)

    # -- data ----------------------------------------------------------------------------------------------------------

    def _ready(self, x: Any, name: str) -> Any:
        columns = input_columns(x, name, self._ins.names, self._ins.rows, self._dtype)
        return Columns(columns) if self._many else columns[0]

    def _rows(self, x: Any, y: Any, sample_weight: Any = None, names: tuple[str, str, str] = NAMES) -> Rows:
        if not self._many:
            return super()._rows(x, y, sample_weight, names)
        self._needed_loss()
        if y is None:
            raise ValueError(f"{names[1]} must be targets; got None.")
        columns, outputs, objectives = self._ready(x, names[0]), self._outs.names, self._objectives
        rows = len(columns)
        if rows == 0:
            raise ValueError(f"{names[0]} must have at least one row.")
        known = target_columns(y, names[1], outputs, objectives.judges, self._outs.rows, rows, self._dtype)
        return ManyRows(columns, known, weight_columns(sample_weight, names[2], outputs, rows))

    # -- as they were given to the constructor -------------------------------------------------------------------------

    def _packed(self, values: Sequence[Any]) -> Any:
        return self._outs.packed(values)

    def _packed_inputs(self, values: Sequence[Any]) -> Any:
        return self._ins.packed(values)

    def _input_shapes(self, x: Any, rows: Any) -> list[tuple[int, ...]]:
        if not self._many:
            return super()._input_shapes(x, rows)
        return [(len(rows), *row) for row in self._ins.rows]

    def _slopes(self, dy: Any) -> list[Any]:
        if not self._many:
            return super()._slopes(dy)
        names = self._outs.names
        if isinstance(dy, Mapping):
            return by_name(dy, names, "dy")
        return [dy] if self._outs.kind == "one" else each_by_name(dy, names, "dy", "a gradient")
