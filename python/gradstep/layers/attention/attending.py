"""What layers of attention have in common (csrc/layers/attention.hpp)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ... import seeds
from ...checks import check_bool, check_float, numeric
from ..base.layer import Shape
from ..base.output import Output
from ..base.sizes import Resized, check_is_shape, fits, is_resizing, merged
from ..base.symbolic import Node, is_symbolic, tensors_of, works_as_in_inference

if TYPE_CHECKING:
    from ..base.call_graph import CallGraph, Value
    from ..merging.merging import Merge as Base
else:
    Base = object  # it stands before `Merge` among the bases of a class

__all__ = ["ARGUMENTS", "MASKS", "Attending"]

MASKS = ("query_mask", "value_mask", "key_mask", "attention_mask")
ARGUMENTS = ("query", "value", "key", *MASKS)


class Attending(Base):
    """Mixin of the layers of attention: called on a query, a value and perhaps a key, each of steps; and masks."""

    _weightless = True  # their shapes follow from several inputs: they are made before they are read from files
    _zeroes = False  # whether a query that sees no key gives zeros
    # Of the last call: which arguments there were, in order, and whether each query sees keys up to its own step alone.
    _arguments: tuple[str, ...] = ("query", "value")
    _causal = False
    _masked = (False, False, False)  # and which masks: of queries, of keys, of both
    _known_outputs = Resized((None, []))  # and for which inputs they were made
    _scored = False  # whether calls with symbolic tensors give the weights of the means, too

    dropout: float
    seed: int | None

    def _take_dropout(self, dropout: float, seed: int | None) -> None:
        self.dropout = check_float("dropout", dropout)
        if not 0 <= self.dropout <= 1:
            raise ValueError(f"dropout must be in [0, 1]; got {dropout!r}.")
        self.seed = seed
        self._draw_key()

    def _draw_key(self) -> None:
        if self.dropout:
            self._key = seeds.word_of(self.seed)

    # -- shapes ------------------------------------------------------------------------------------------------------

    def _check_rows(self, rows: Sequence[tuple[int, ...]]) -> None:
        """Refuse shapes of a query, a value and a key that do not fit each other."""
        query, value, key = rows
        if any(len(shape) < 2 for shape in rows) or value[:-1] != key[:-1]:
            raise ValueError(
                f"layer {self.name!r} must get a query (rows, steps, n), a value and a key with as many steps as each "
                f"other; their rows have {query}, {value} and {key}."
            )

    def _groups(self) -> int:
        """How many groups of steps a row has that see nothing of one another."""
        return 1

    def _rows_of(self, shapes: Any) -> list[Any]:
        """Shapes of a row of query, value and key."""
        rows = super()._rows_of(shapes)
        named = dict(zip(self._arguments, rows, strict=False))
        three = [named["query"], named["value"], named.get("key", named["value"])]
        self._check_rows(three)
        return three

    def build(self, input_shape: Sequence[Any]) -> None:
        """Make the weights for the shapes of query and value, or of query, value and key.

        Raises
        ------
        ValueError
            They do not fit each other, or the layer was built for others.
        """
        check_is_shape(input_shape)
        if len(input_shape) == 3 and self._arguments == ("query", "value"):
            self._arguments = ("query", "value", "key")
        rows = self._rows_of(input_shape)
        if self.built:
            known = [tuple(shape[1:]) for shape in vars(self)["_built_shapes"]]
            takes = len(known) == len(rows) and all(map(fits, known, rows))
            # Weights follow from the last axes alone: the others may be of any size.
            opens = len(known) == len(rows) and all(
                len(one) == len(row) and one[-1] == row[-1] for one, row in zip(known, rows, strict=True)
            )
            if not takes and not opens:
                raise ValueError(f"layer {self.name!r} was built for rows of {known}; got {rows}.")
            if not takes:
                vars(self)["_built_shapes"] = [(None, *merged(*both)) for both in zip(known, rows, strict=True)]
                self._shared = True  # weights stay where they are
            if is_resizing():
                self._shapes = [(None, *row) for row in rows]
            return
        self.compute_output_shape(input_shape)
        if any(row[-1] is None for row in rows):
            raise ValueError(f"layer {self.name!r} must know the size of the last axis of each input; got {rows}.")
        self._weights = self._drawn_for(rows)
        self._check_rules()
        self._shapes = [(None, *row) for row in rows]
        self.built = True

    def _drawn_for(self, rows: Sequence[tuple[int, ...]]) -> list[np.ndarray]:
        """New weights for rows of query, value and key."""
        return []

    def compute_output_shape(self, input_shape: Sequence[Any]) -> Shape:
        """Shape of the output for the shapes of query, value and optional key, all with None for the rows."""
        return (None, *self._output_shape(self._rows_of(input_shape)))

    # -- calls -------------------------------------------------------------------------------------------------------

    def _called_with(self, given: dict[str, Any], causal: Any, scored: bool = False) -> list[Any]:
        """Take note of the arguments of a call, scored if it is symbolic; those that are not None."""
        named = {name: value for name, value in given.items() if value is not None}
        if "query" not in named or "value" not in named:
            raise TypeError(f"layer {self.name!r} must be called on a query and a value.")
        arguments, causal = tuple(named), check_bool("use_causal_mask", causal)
        symbolic = any(map(is_symbolic, named.values()))
        if self._nodes and symbolic and (arguments, causal, scored) != (self._arguments, self._causal, self._scored):
            raise ValueError(f"layer {self.name!r} must be called in the same way in all of a model's calls.")
        self._arguments, self._causal = arguments, causal
        if symbolic:
            self._scored = scored
        return list(named.values())

    def _computed(self, values: Sequence[Any], training: bool) -> Any:
        """The output for arrays, without the weights of the means."""
        scored, self._scored = self._scored, False
        try:
            return self._eager.forward(values, training)
        finally:
            self._scored = scored

    def _connected_for(self, values: list[Any], training: Any) -> Any:
        """What it gives for symbolic tensors; training: None, or False."""
        made = self._connect(values)
        self._nodes[-1].in_inference = works_as_in_inference(training)
        return made

    def _connect(self, x: Any) -> Any:
        tensors = tensors_of(x, f"the inputs of layer {self.name!r}")
        shapes = [tensor.shape for tensor in tensors]
        named = dict(zip(self._arguments, shapes, strict=True))
        for name in named.keys() & {"query_mask", "value_mask", "key_mask"}:
            wanted = named.get(name.removesuffix("_mask"), named["value"])[:-1]
            if named[name] != wanted:
                raise ValueError(f"{name} of layer {self.name!r} must have shape {wanted}; its shape is {named[name]}.")
        self.build(shapes)
        given = [self.compute_output_shape(shapes)]
        if self._scored:
            given.append((None, *self._scores_row()))
        outputs = Node(self, tensors, True, given, self.dtype).outputs
        return tuple(outputs) if self._scored else outputs[0]

    # -- weights of the means as a second output ---------------------------------------------------------------------

    def _scores_row(self) -> tuple[int, ...]:
        """Shape of a row of the weights of the means."""
        raise NotImplementedError(f"{type(self).__name__} must define _scores_row().")

    @property
    def _several(self) -> bool:
        """Whether a call in a model gives several outputs."""
        return self._scored

    @property
    def _output_row(self) -> tuple[int, ...]:
        row = super()._output_row
        if self._scored and self._is_open:
            return (None,)  # type: ignore[return-value]
        return (math.prod(row) + math.prod(self._scores_row()),) if self._scored else row

    @property
    def _outputs(self) -> list[Output]:
        """Layers that extract the output and the weights from both of them joined; the same in every call."""
        if not self._scored:
            return []
        made_for, known = self._known_outputs
        if made_for != self._shapes:
            row = super()._output_row
            parts = [(0, row, True), (math.prod(row), self._scores_row(), False)]
            known = []
            for i, part in enumerate(parts):
                known.append(Output(*part, dtype=self.dtype, name=f"{self.name}_output_{i}"))
                known[-1].build((None, *self._output_row))
            self._known_outputs = self._shapes, known
        return known  # type: ignore[no-any-return]

    def _checked_inputs(self, x: Any) -> list[np.ndarray]:
        arrays = [numeric(one, name) for name, one in zip(self._arguments, x, strict=True)]
        rows = self._rows_of([array.shape or (None,) for array in arrays])
        count = len(arrays[0])
        wanted = {
            "query_mask": (count, *rows[0][:-1]),
            "value_mask": (count, *rows[1][:-1]),
            "key_mask": (count, *rows[1][:-1]),
        }
        for i, (name, array) in enumerate(zip(self._arguments, arrays, strict=True)):
            if name == "attention_mask":
                arrays[i] = self._mask_of_both(array, count, rows)
            elif name in MASKS:
                arrays[i] = self._mask_as(name, array, wanted[name])
            elif len(array) != count:
                raise ValueError(f"{name} must have a row for each of the query; got {len(array)} and {count}.")
        return arrays

    def _mask_as(self, name: str, array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        try:
            return np.array(np.broadcast_to(array != 0, shape))
        except ValueError:
            raise ValueError(
                f"{name} of layer {self.name!r} must have shape {shape}; its shape is {array.shape}."
            ) from None

    def _mask_of_both(self, array: np.ndarray, count: int, rows: Sequence[tuple[int, ...]]) -> np.ndarray:
        """A mask (rows, ..., queries, keys) for rows of query, value and key."""
        return self._mask_as("attention_mask", array, (count, *rows[0][:-1], *rows[1][:-1]))

    def _packed(self, gradients: list[np.ndarray]) -> Any:
        return [one for name, one in zip(self._arguments, gradients, strict=True) if name not in MASKS]

    def _call_entry(self, tensors: Sequence[Any]) -> tuple[list[Any], dict[str, Any]]:
        """Arguments and options of a call in Keras's format, for its tensors."""
        options: dict[str, Any] = {"use_causal_mask": True} if self._causal else {}
        if self._scored:
            options["return_attention_scores"] = True
        named = dict(zip(self._arguments, tensors, strict=True))
        inputs = [tensor for name, tensor in named.items() if name not in MASKS]
        masks = {name: tensor for name, tensor in named.items() if name in MASKS}
        if self._takes_list and masks:
            options["mask"] = [masks.get("query_mask"), masks.get("value_mask")]
        return ([inputs] if self._takes_list else inputs), options | ({} if self._takes_list else masks)

    _takes_list = False  # whether it is called with a list of the inputs

    # -- in the engine -----------------------------------------------------------------------------------------------

    def specification(self) -> dict[str, Any]:
        """The layer for the compiled core, with the masks of its last call."""
        query_masked, key_masked, masked = self._masked
        return {
            "query_masked": query_masked,
            "key_masked": key_masked,
            "masked": masked,
            "causal": self._causal,
            "scored": self._scored,
            "groups": self._groups(),
            "zeroes": self._zeroes,
            "rate": self.dropout,
            "key": self._key or 0,
        }

    def _add_to(
        self, graph: CallGraph, inputs: Sequence[Value], masks: Sequence[Value | None]
    ) -> tuple[Value, Value | None]:
        named = {
            name: graph.not_equal(value, 0.0, along_last=False) if name in MASKS else value
            for name, value in zip(self._arguments, inputs, strict=True)
        }
        known = dict(zip(self._arguments, masks, strict=True))
        query_mask = named.get("query_mask", known["query"])
        sides = [named.get("value_mask", known["value"]), named.get("key_mask", known.get("key"))]
        counted = [mask for mask in sides if mask is not None]
        of_keys = graph.all_of(counted) if counted else None
        read = [self._query_mask_read(query_mask), of_keys, named.get("attention_mask")]
        self._masked = (read[0] is not None, read[1] is not None, read[2] is not None)
        values = [named["query"], named["value"], named.get("key", named["value"])]
        values = [self._by_groups(graph, value, len(value.row) - 1) for value in values]
        for i, mask in enumerate(read[:2]):
            read[i] = None if mask is None else self._by_groups(graph, mask, len(mask.row))
        seen = [mask for mask in read if mask is not None]
        by_groups, fills = self._row_by_groups(), query_mask is not None and self._zero_queries
        output = graph.call(self, [*values, *seen], row=None if self._scored else by_groups)
        if by_groups is None and not fills:
            return output, query_mask
        row, n = super()._output_row if by_groups is None else by_groups, math.prod(output.row)
        parts = [output]
        if self._scored:
            parts = [graph.part(output, 0, row), graph.part(output, math.prod(row), (n - math.prod(row),))]
        parts[0] = self._by_steps(graph, parts[0])
        if query_mask is not None and fills:
            parts[0] = graph.fill(parts[0], query_mask, 0.0)
        return graph.joined(parts) if self._scored else parts[0], query_mask

    # Steps of one group must lie side by side: a layer whose groups are along other axes turns values so, and back.
    def _by_groups(self, graph: CallGraph, value: Value, axes: int) -> Value:
        """A value whose first axes are those of steps, group by group."""
        return value

    def _row_by_groups(self) -> tuple[int, ...] | None:
        """The shape of a row of the output group by group; None: as it is given."""
        return None

    def _by_steps(self, graph: CallGraph, output: Value) -> Value:
        """The output as it is given."""
        return output

    _zero_queries = False  # whether the output is 0 where the query's mask is

    def _query_mask_read(self, mask: Value | None) -> Value | None:
        """The mask of queries, if scores depend on it."""
        return mask
