"""A layer at each step of sequences."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...checks import check_bool, describe, numeric
from ...described import MODELS, revive
from ..base.layer import Layer, Shape
from ..base.sizes import is_resizing
from ..base.symbolic import is_symbolic
from ..base.weights import leaves_of
from .activation import stages_of
from .steps import StackSteps, TakeStep

if TYPE_CHECKING:
    from typing_extensions import Self

    from ...constraints import Constraint
    from ...regularizers import Regularizer
    from ..base.call_graph import CallGraph, Value

__all__ = ["TimeDistributed", "does_steps_at_once"]

# Kinds of layers, in the engine's words, that do the same to all steps at once as to each by itself.
AT_ONCE = ("activation", "dense", "dropout", "embedding", "noise", "rescaling")


def does_steps_at_once(layer: Layer) -> bool:
    """Whether a built layer does the same to all steps at once as to each by itself, with the axis of the steps."""
    spec = None if layer._in_numpy or layer._stages else layer.specification()
    return spec is not None and spec["kind"] in AT_ONCE


class TimeDistributed(Layer):
    """Applies a layer to each step of sequences by itself, with the same weights.

    Parameters
    ----------
    layer : Layer or model
        Any layer, `Sequential` or `Model` of one input and one output.
    input_shape, name, trainable
        As in `Layer`.

    Attributes
    ----------
    layer : Layer

    Raises
    ------
    TypeError
        `layer` is neither.
    ValueError
        `layer` has several inputs or outputs. When called: inputs have less than two axes beside that of the rows.

    Notes
    -----
    Inputs have shape (rows, steps, ...); the layer sees (rows, ...) of each step, and what it gives is put side by side
    again. `BatchNormalization` takes the mean of each step, and moves its averages step by step; layers that draw draw
    for each step anew. A mask goes on; a layer whose numbers depend on masks gets that of the step. As in Keras, the
    penalty of an `activity_regularizer` is left out; but not those of the layers in a model. `trainable` of a model's
    is that of the model.

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
        layer: Any,
        *,
        input_shape: Sequence[int] | int | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        is_model = not isinstance(layer, Layer) and hasattr(layer, "_leaves")
        if not isinstance(layer, Layer) and not is_model:
            raise TypeError(f"layer must be a Layer or a model; got {describe(layer)}.")
        if is_model and not layer.layers:
            raise ValueError(f"model {layer.name!r} must have a layer, each step of which could be computed.")
        if (is_model and layer._has_many) or getattr(layer, "_several", False):
            raise ValueError(f"layer must have one input and one output; {layer.name!r} has several.")
        super().__init__(input_shape=input_shape, dtype=layer.dtype, name=name, trainable=trainable)
        self.layer: Layer = layer  # or a model
        self._is_of_model = is_model
        self._guard.join(layer._guard)
        self._alone: Any = None  # of what holds a model: a model of it alone, which calls on arrays run
        self._taking: list[TakeStep] = []
        self._stacking: StackSteps | None = None
        if is_model or layer._holds_model or layer._may_trace:
            if not trainable:
                layer.trainable = False
            return
        activation = getattr(layer, "activation", None)
        self._stages = stages_of(activation, None, self) if layer._stages and activation is not None else []

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Create a layer from its config, of this package or Keras. Raises as the class itself."""
        given = {key: value for key, value in config.items() if key != "dtype"}
        if isinstance(given.get("layer"), Mapping):
            from ... import layers  # here: they have this one

            given["layer"] = revive(given["layer"], {**vars(layers), **MODELS}, "layer")
        return super().from_config(given)

    @property
    def _holds_model(self) -> bool:
        return vars(self).get("_is_of_model", False) or ("layer" in vars(self) and self.layer._holds_model)

    # -- the layer's ---------------------------------------------------------------------------------------------------

    @property
    def _weights(self) -> list[Any]:
        if self._holds_model:
            return [weight for leaf in self._leaves.values() for weight in leaf._weights]
        return self.layer._weights if "layer" in vars(self) else []

    @_weights.setter
    def _weights(self, arrays: Sequence[np.ndarray]) -> None:
        if "layer" in vars(self) and not self._holds_model:
            self.layer._weights = list(arrays)

    @property
    def _weight_names(self) -> Sequence[str]:  # type: ignore[override]
        return self.layer.weight_names

    @property
    def weight_names(self) -> Sequence[str]:  # type: ignore[override]
        """Names of the weights, in the order of `weights`."""
        return self.layer.weight_names

    @property
    def weights(self) -> list[np.ndarray]:
        """List of the layer's weights, in Keras's order. Writing to one changes the layer."""
        return self.layer.weights if self._holds_model else super().weights

    @property
    def trainable_weights(self) -> list[np.ndarray]:
        """List of the weights that training updates by their gradients."""
        return self.layer.trainable_weights if self._holds_model else super().trainable_weights

    @property
    def non_trainable_weights(self) -> list[np.ndarray]:
        """List of the weights that are not updated by gradients."""
        return self.layer.non_trainable_weights if self._holds_model else super().non_trainable_weights

    @property
    def losses(self) -> list[float]:
        """Penalties of the trained weights, one for each regularizer."""
        return self.layer.losses if self._holds_model else super().losses

    @property
    def trainable(self) -> bool:
        """Whether training changes the weights. A model takes a change at its next `compile`."""
        return self.layer.trainable if self._holds_model else self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = check_bool("trainable", value)
        if self._holds_model:
            self.layer.trainable = value

    @property
    def _trained(self) -> Sequence[bool]:  # type: ignore[override]
        trained: Sequence[bool] = [flag and self.layer.trainable for flag in self.layer._trained]
        return trained

    @property
    def _computes_itself(self) -> bool:
        return self.layer._computes if self._holds_model else self.layer._computes_itself

    @property
    def _differs_in_training(self) -> bool:
        return self.layer._differs_in_training

    @property
    def _computing(self) -> Layer:
        computing: Layer = self if self._holds_model else self.layer._computing
        return computing

    def _takes_mask(self) -> bool:
        return not self._holds_model and self.layer._takes_mask() and not self.layer._in_numpy

    def _takes_mask_argument(self) -> bool:
        return True  # it goes on

    def _weight_rules(self) -> list[tuple[Regularizer | None, Constraint | None]]:
        return self.layer._weight_rules()

    def _draw_key(self) -> None:
        self.layer._draw_key()
        self._key = None if self._holds_model else self.layer._key

    def __getstate__(self) -> dict[str, Any]:
        """As of any layer; the weights are the layer's."""
        return super().__getstate__() | {
            "_variables": [] if self._holds_model else self.layer._variables,
            "_alone": None,
        }

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
        if not self.built or is_resizing():
            self.layer.build((None, *row[1:]))
            self._input_shape = (None, *row)
            self.built = True

    def _check_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        row = super()._check_shape(input_shape)
        self.layer._check_shape((None, *row[1:]))
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
        x, mask = inputs[0], masks[0]
        if not self._computes_itself:
            return graph.view(x, self._output_row), mask
        return self._over_steps(graph, self, x, mask), mask

    def _over_steps(self, graph: CallGraph, outer: TimeDistributed, x: Value, mask: Value | None) -> Value:
        """What the innermost layer gives for each step; the graph knows it as the outermost one around it."""
        row, innermost = self._output_row, self.layer
        while isinstance(innermost, TimeDistributed):
            innermost = innermost.layer
        spec = None if innermost._in_numpy else innermost.specification()
        if spec is not None and spec["kind"] in (*AT_ONCE, "shared_dropout"):
            return graph.call(outer, [x], row=row)
        made = []
        for step in range(x.row[0]):
            of_step, of_mask = graph.step(x, step), None
            if isinstance(self.layer, TimeDistributed):
                if mask is not None and len(mask.row) > 1:
                    of_mask = graph.step(mask, step)
                made.append(self.layer._over_steps(graph, outer, of_step, of_mask))
                continue
            if self._takes_mask():
                of_mask = graph.mask_for(self.layer, of_step, None) if mask is None else graph.step(mask, step)
            made.append(graph.call(outer, [of_step], of_mask, row[1:]))
        return graph.stack(made)

    # -- of a model ----------------------------------------------------------------------------------------------------

    @property
    def _leaves(self) -> dict[str, Any]:
        """Every layer once, by its path: those of the model that it holds, or itself."""
        return leaves_of([self.layer]) if self._holds_model else {"": self}

    def _cloned(self, copied: Callable[[Any], Any]) -> TimeDistributed:
        """The same of a copied model."""
        return type(self).from_config({**self.get_config(), "layer": copied(self.layer)})

    def _rekey(self, keys: Sequence[int | None]) -> None:
        """Tell the model in it that its layers draw from other keys."""
        model: Any = self.layer
        model._rekey(keys)

    def _around_steps(self, steps: int) -> tuple[list[TakeStep], StackSteps]:
        """What takes sequences of so many steps apart, and what puts them together again."""
        options: Any = {"dtype": self.dtype, "name": f"{self.name}_step"}
        while len(self._taking) < steps:
            self._taking.append(TakeStep(**options))
            self._taking[-1].number = len(self._taking) - 1
        self._stacking = self._stacking or StackSteps(**options)
        return self._taking[:steps], self._stacking

    def _model_of(self, layer: Layer, row: tuple[int | None, ...]) -> Any:
        """A model of a layer that holds this one."""
        inner: Any = self.layer
        return inner._model_of(layer, row)

    def __call__(self, x: Any, training: bool | None = None, mask: Any = None) -> Any:
        """The output for an array of sequences, at once, or a symbolic tensor. Raises as any layer does."""
        if is_symbolic(x):
            return super().__call__(x, training, mask)
        row = numeric(x, "x").shape[1:]
        self._check_shape((None, *row))
        if not self._holds_model:
            return super().__call__(x, training, mask)
        if self._alone is None:
            self._alone = self._model_of(self, (self._rows_shape() or row) if self.built else row)
        return self._alone(x, training, mask)

    def backward(self, dy: Any) -> tuple[np.ndarray, list[np.ndarray]]:
        """Gradients of the last call with ``training=True``: by its input and by the weights, as of any layer."""
        if not self._holds_model or self._alone is None:
            return super().backward(dy)
        dx, dws = self._alone.backward(dy)
        return dx, dws
