"""A model that is put together call by call from what another tool describes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ...layers.attention.multi_head_attention import MultiHeadAttention
from ...layers.core.identity import Identity
from ...layers.core.input import InputLayer
from ..functional import Functional, Model
from ..sequential import Sequential

__all__ = ["Assembly", "Traced"]


class Traced(NamedTuple):
    """A value of the model: its number, the inputs first, and its shape with None for the rows."""

    number: int
    shape: tuple[int | None, ...]


class Step(NamedTuple):
    """A call of a layer on values, by their numbers; options: what else it is called with."""

    layer: Any
    sources: tuple[int, ...]
    options: dict[str, Any]


class Assembly:
    """Layers, what they are called on, and the weights that they will have."""

    def __init__(self) -> None:
        self._inputs: list[InputLayer] = []
        self._steps: list[Step] = []
        self._weights: list[tuple[Any, Sequence[np.ndarray]]] = []

    def input(self, row: tuple[int, ...], dtype: str | None = None, name: str | None = None) -> Traced:
        """Add an input; before all calls."""
        self._inputs.append(InputLayer(row, dtype=dtype, name=name))
        return Traced(len(self._inputs) - 1, (None, *row))

    def add(self, layer: Any, *sources: Traced, **options: Any) -> Traced:
        """Add a call of a layer; options: of the call, beside the values."""
        shapes = [source.shape for source in sources]
        shape = layer.compute_output_shape(shapes if len(shapes) > 1 else shapes[0])
        self._steps.append(Step(layer, tuple(source.number for source in sources), options))
        return Traced(len(self._inputs) + len(self._steps) - 1, tuple(shape))

    def give(self, layer: Any, arrays: Sequence[np.ndarray]) -> None:
        """Let a layer have these weights once it is built."""
        self._weights.append((layer, arrays))

    def model(self, outputs: Sequence[Traced], single: bool, name: str | None) -> Any:
        """The model: a `Sequential` where each layer is called once, on what the one before it gave.

        single: whether the one output is given by itself, and not in a list.
        """
        if not self._steps:  # of which nothing is computed
            outputs = [self.add(Identity(), output) for output in outputs]
        chain = len(self._inputs) == 1 and single and outputs[0].number == len(self._steps)
        chain &= all(step.sources == (k,) for k, step in enumerate(self._steps))
        used = [step.layer for step in self._steps]
        made: Any
        if chain and len({id(layer) for layer in used}) == len(used):
            made = Sequential([*self._inputs, *used], name=name)
        else:
            values = [one.output for one in self._inputs]
            inputs = list(values)
            for layer, sources, options in self._steps:
                given = [values[source] for source in sources]
                apart = len(given) == 1 or isinstance(layer, MultiHeadAttention)
                values.append(layer(*given, **options) if apart else layer(given, **options))
            found = [values[output.number] for output in outputs]
            cls: type[Functional] = Model
            made = cls(inputs if len(inputs) > 1 else inputs[0], found[0] if single else found, name=name)
        for layer, arrays in self._weights:
            layer.set_weights(arrays)
        return made
