"""A layer at each step of sequences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...checks import describe, shape_of
from ...described import revive
from ..base.layer import Layer, Shape
from .activation import stages_of

if TYPE_CHECKING:
    from typing_extensions import Self

    from ...constraints import Constraint
    from ...regularizers import Regularizer
    from ..base.call_graph import CallGraph, Value

__all__ = ["TimeDistributed"]

# Kinds of layers, in the engine's words, that do the same to all steps at once as to each by itself.
AT_ONCE = ("activation", "dense", "dropout", "embedding", "noise", "rescaling")


class TimeDistributed(Layer):
    """Applies a layer to each step of sequences by itself, with the same weights.

    Parameters
    ----------
    layer : Layer
        Any layer of one input and one output.
    input_shape, name, trainable
        As in `Layer`.

    Attributes
    ----------
    layer : Layer

    Raises
    ------
    TypeError
        `layer` is no layer, or a model.
    ValueError
        When called: inputs have less than two axes beside that of the rows.

    Notes
    -----
    Inputs have shape (rows, steps, ...); the layer sees (rows, ...) of each step, and what it gives is put side by side
    again. `BatchNormalization` takes the mean of each step, and moves its averages step by step; layers that draw draw
    for each step anew. A mask goes on; a layer whose numbers depend on masks gets that of the step. As in Keras, the
    penalty of an `activity_regularizer` is left out.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> layer = gs.layers.TimeDistributed(gs.layers.Flatten())
    >>> layer(np.zeros((4, 5, 2, 3))).shape
    (4, 5, 6)
    """

    supports_masking = True
    _weightless = True  # its weights are the layer's, which makes them

    def __init__(
        self,
        layer: Layer,
        *,
        input_shape: Sequence[int] | int | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        if not isinstance(layer, Layer):
            raise TypeError(f"layer must be a Layer; got {describe(layer)}.")
        super().__init__(input_shape=input_shape, dtype=layer.dtype, name=name, trainable=trainable)
        self.layer = layer
        self._guard.join(layer._guard)
        activation = getattr(layer, "activation", None)
        self._stages = stages_of(activation, None, self) if layer._stages and activation is not None else []

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Create a layer from its config, of this package or Keras. Raises as the class itself."""
        given = {key: value for key, value in config.items() if key != "dtype"}
        if isinstance(given.get("layer"), Mapping):
            from ... import layers  # here: they have this one

            given["layer"] = revive(given["layer"], vars(layers), "layer")
        return super().from_config(given)

    # -- the layer's ---------------------------------------------------------------------------------------------------

    @property
    def _weights(self) -> list[Any]:
        return self.layer._weights if "layer" in vars(self) else []

    @_weights.setter
    def _weights(self, arrays: Sequence[np.ndarray]) -> None:
        if "layer" in vars(self):
            self.layer._weights = list(arrays)

    @property
    def _weight_names(self) -> Sequence[str]:  # type: ignore[override]
        return self.layer.weight_names

    @property
    def weight_names(self) -> Sequence[str]:  # type: ignore[override]
        """Names of the weights, in the order of `weights`."""
        return self.layer.weight_names

    @property
    def _trained(self) -> Sequence[bool]:  # type: ignore[override]
        trained: Sequence[bool] = [flag and self.layer.trainable for flag in self.layer._trained]
        return trained

    @property
    def _computes_itself(self) -> bool:
        return self.layer._computes_itself

    @property
    def _computing(self) -> Layer:
        return self.layer

    def _takes_mask(self) -> bool:
        return self.layer._takes_mask() and not self.layer._in_numpy

    def _takes_mask_argument(self) -> bool:
        return True  # it goes on

    def _weight_rules(self) -> list[tuple[Regularizer | None, Constraint | None]]:
        return self.layer._weight_rules()

    def _draw_key(self) -> None:
        self.layer._draw_key()
        self._key = self.layer._key

    def __getstate__(self) -> dict[str, Any]:
        """As of any layer; the weights are the layer's."""
        return super().__getstate__() | {"_variables": self.layer._variables}

    # -- shapes --------------------------------------------------------------------------------------------------------

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Shape:
        """Shape of the output: the steps, then the shape of the inner layer's output."""
        if len(input_shape) < 3:
            raise ValueError(
                f"layer {self.name!r} must get inputs of shape (rows, steps, ...); got {tuple(input_shape)}."
            )
        return (None, input_shape[1], *self.layer.compute_output_shape((None, *input_shape[2:]))[1:])

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Build the layer for one step. Raises ValueError as the layer's own does."""
        row = self._check_shape(input_shape)
        if not self.built:
            self.layer.build((None, *row[1:]))
            self._input_shape = (None, *row)
            self.built = True

    def _check_shape(self, input_shape: Sequence[int | None]) -> tuple[int, ...]:
        row = super()._check_shape(input_shape)
        self.layer._check_shape((None, *shape_of("input_shape", row)[1:]))
        return row

    # -- in the engine -------------------------------------------------------------------------------------------------

    def _full_specification(self, masked: bool = False) -> dict[str, Any] | None:
        if "_key" in vars(self) and self._key is not None:  # of a file
            vars(self.layer)["_key"] = self._key
        spec = self.layer._full_specification(masked)
        return None if spec is None else spec | {"weights": self._settings()} | self._drawn_apart(spec)

    @staticmethod
    def _drawn_apart(spec: Mapping[str, Any]) -> dict[str, Any]:
        """What else to say of a layer that draws for several numbers at once: steps do not share it."""
        return {"shares": [False, *spec["shares"]]} if spec["kind"] == "shared_dropout" else {}

    def _add_to(
        self, graph: CallGraph, inputs: Sequence[Value], masks: Sequence[Value | None]
    ) -> tuple[Value, Value | None]:
        x, mask, row = inputs[0], masks[0], self._output_row
        spec = None if self.layer._in_numpy else self.layer.specification()
        if not self._computes_itself:
            return graph.view(x, row), mask
        if spec is not None and spec["kind"] in (*AT_ONCE, "shared_dropout"):
            return graph.call(self, [x]), mask
        steps = []
        for step in range(x.row[0]):
            of_step = graph.step(mask, step) if mask is not None and self._takes_mask() else None
            if of_step is None and self._takes_mask():
                of_step = graph.mask_for(self.layer, graph.step(x, step), None)
            made = graph.call(self, [graph.step(x, step)], of_step, row[1:])
            steps.append(graph.view(made, (1, *row[1:])))
        return graph.add({"kind": "concatenate", "axis": 1}, steps, row), mask
