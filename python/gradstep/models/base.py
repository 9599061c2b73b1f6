"""Base class of `Model` and `Sequential`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..checks import brief, check_int, open_shape_of
from ..data.columns import Columns, arrays_of
from ..export.exports import Exports
from ..layers.base.layer import Layer
from ..layers.base.sizes import fits
from ..layers.base.symbolic import Node, SymbolicTensor, in_training, is_symbolic, works_as_in_inference
from ..layers.base.tracing import flat, like
from ..layers.base.variable import Variables
from ..layers.base.weights import assign, leaves_of
from ..layers.core.input import InputLayer
from ..saving.savable import Savable
from ..trainers.sizes import rows_given
from .changes import Changing
from .flat_calls import masks_given
from .lr_find import FindsRate
from .masked_calls import MaskedCalls, masks_of
from .on_batches import OnBatches
from .sizes import OfSizes
from .summary import Summarized

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["BaseModel"]


class Call(NamedTuple):
    """A call of a layer or model, and whether it gives an output of the model."""

    operation: Any
    given: list[np.ndarray]
    made: list[np.ndarray]
    is_last: bool


class BaseModel(Exports, FindsRate, OnBatches, Savable, Summarized, Variables, Changing, OfSizes):
    """Base class of models of layers. A subclass connects the layers in `_layers`."""

    _is_part = True  # of a layer or model that has it as an attribute
    _is_of_holder = False
    _holds_model = True

    @property
    def _is_made_by_call(self) -> bool:
        """Whether a method `call` connects the layers."""
        return False

    def __init__(self) -> None:
        super().__init__()
        self._layers: list[Any] = []  # layers, and models that are used as layers
        self._nodes: list[Node] = []  # calls with symbolic tensors
        self._calls: list[Node] = []  # of its layers, each after those it reads
        self._masked_calls = MaskedCalls(self)
        self._trains: list[bool] = []  # which of `_leaves` were trainable when the engine was told last

    def _adopt(self) -> None:
        super()._adopt()
        self._masked_calls = MaskedCalls(self)

    # -- layers ------------------------------------------------------------------------------------------------------

    @property
    def layers(self) -> list[Any]:
        """List of the layers, and of models used as layers."""
        return list(self._layers)

    def get_layer(self, name: str | None = None, index: int | None = None) -> Any:
        """Get a layer by name or by index.

        Raises
        ------
        TypeError, ValueError
            There is none; not one of both arguments was given.
        """
        if (name is None) == (index is None):
            raise ValueError(f"get_layer() takes a name or an index, one of them; got {name!r} and {index!r}.")
        if index is not None:
            if check_int("index", index, -len(self._layers)) >= len(self._layers):
                raise ValueError(f"index must be below {len(self._layers)}, the number of layers; got {index}.")
            return self._layers[index]
        for layer in self._layers:
            if isinstance(name, str) and layer.name == name:
                return layer
        raise ValueError(
            f"name must be that of a layer, {', '.join(layer.name for layer in self._layers)}; got {brief(name)}."
        )

    def _connect(self, x: Any) -> Any:
        """Be part of another model that is being described."""
        raise NotImplementedError(f"{type(self).__name__} must define _connect(x).")

    def __call__(self, x: Any, training: bool | None = None, mask: Any = None) -> Any:
        """The outputs for one batch of arrays, at once; or symbolic tensors for symbolic tensors.

        Parameters
        ----------
        x : array_like, shape (rows, ...), or SymbolicTensor
            Of a model of several inputs a list or dict of them.
        training : bool, optional
            Whether the layers work as in training, and the model keeps what `backward` needs: the last such call
            counts. Layers that draw, as `Dropout`, draw anew in each; normalization by batches moves its averages. Of
            symbolic tensors False: the layers work as in inference in `fit` too.
        mask : array_like of bool, shape (rows, steps), or SymbolicTensor; optional
            Which steps of x count, for the layers. Of a model of several inputs a list or dict of them, as x is; None
            for those without.

        Returns
        -------
        ndarray of the model's dtype, of the shape of the last layer's output, or SymbolicTensor
            Of a model of several outputs a list or dict of them.

        Raises
        ------
        TypeError, ValueError
            As `predict` does.
        """
        in_training(training, is_symbolic(x))
        if not is_symbolic(x):
            return self._called(x, training, mask)
        made = self._connect(x)
        if mask is not None:
            try:
                self._nodes[-1].take_masks(masks_of(mask, self.input_names, f"model {self.name!r}"))
            except BaseException:
                self._nodes.pop()
                raise
        self._nodes[-1].in_inference = works_as_in_inference(training)
        return made

    def _through(self, x: Any) -> tuple[list[Call], list[np.ndarray]]:
        """Every call of a layer, one by one, for rows as a run has them; and the outputs."""
        arrays = arrays_of(x)
        rows = rows_given(self._input_rows, x)
        values = {
            id(tensor): array.reshape(len(array), *row)
            for tensor, array, row in zip(self.inputs, arrays, rows, strict=True)
        }
        calls = []
        for node in self._calls:
            given = [values[id(tensor)] for tensor in node.given]
            masks = {mask: values[id(tensor)] for (mask, _), tensor in masks_given(node)}
            of_each = [masks.get(i) for i in range(len(given))]
            mask = {"mask": of_each if len(given) > 1 and isinstance(node.operation, BaseModel) else of_each[0]}
            if node.arguments is not None:
                args, options = like(list(node.arguments), iter(given), is_symbolic)
                found = flat(node.operation(*args, **options, **(mask if masks else {})))
            else:
                made = node.operation(given if node.listed else given[0], **(mask if masks else {}))
                found = list(made.values()) if isinstance(made, dict) else made if isinstance(made, list) else [made]
            values.update({id(tensor): value for tensor, value in zip(node.outputs, found, strict=True)})
            calls.append(Call(node.operation, given, found, node.outputs[0] in self.outputs))
        return calls, [values[id(tensor)] for tensor in self.outputs]

    @property
    def inputs(self) -> list[SymbolicTensor]:
        """List of the input tensors."""
        raise NotImplementedError

    @property
    def outputs(self) -> list[SymbolicTensor]:
        """List of the output tensors."""
        raise NotImplementedError

    @property
    def input(self) -> Any:
        """Input tensor of the model; of several inputs a list or dict, as it was given."""
        return self.inputs[0]

    @property
    def output(self) -> Any:
        """Output tensor of the model; of several outputs a list or dict, as it was given."""
        return self.outputs[0]

    # -- as a layer of another model ---------------------------------------------------------------------------------

    @property
    def _only_in_training(self) -> bool:
        """Whether it gives its input in inference."""
        return len(self.inputs) == len(self.outputs) == 1 and all(
            leaf._only_in_training for leaf in self._leaves.values() if not isinstance(leaf, InputLayer)
        )

    @property
    def _computes(self) -> bool:
        """Whether calls compute anything."""
        return any(layer._computes for layer in self._layers)

    def _draw_key(self) -> None:
        """Draw anew where what its layers draw begins, as far as they are not built, and it has no seed itself."""
        for leaf in self._leaves.values() if self.seed is None else ():
            if not leaf.built:
                leaf._draw_key()

    def _rows_shape(self) -> tuple[int | None, ...] | None:
        """Shape of a row of the input, if it is known."""
        raise NotImplementedError

    def _check_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """The shape of a row, if the model can take it."""
        shape, known = open_shape_of("input_shape", tuple(input_shape)[1:]), self._rows_shape()
        if known is not None and not fits(known, shape):
            raise ValueError(f"input_shape has rows of shape {shape}; model {self.name!r} takes {known}.")
        return shape

    @property
    def _leaves(self) -> dict[str, Layer]:
        """Every layer once, those of models in this one too, by its path."""
        return leaves_of(self._layers)

    # -- what computes it ----------------------------------------------------------------------------------------------

    def _renew(self) -> None:
        super()._renew()
        self._note_trainable()

    def _meet(self, x: Any) -> None:
        """Be told of data before anything else is asked of the model: one that is not built can follow from them."""

    def _check_loops(self) -> None:
        """Refuse methods of Keras's that `fit` would not call."""

    def _forget_network(self) -> None:
        """The layers changed."""
        self._last_call.forget()
        self._masked_calls.forget()
        self._executor.forget()

    # Of models of one input and one output; a model of several has others.

    @property
    def _lists_outputs(self) -> bool:
        return False

    @property
    def _has_many(self) -> bool:
        return False

    def _columns(self, x: Any, name: str) -> Columns:
        return Columns([self._ready(x, name)])

    def _pack_outputs(self, values: Sequence[Any]) -> Any:
        return values[0]

    def _pack_inputs(self, values: Sequence[Any]) -> Any:
        return values[0]

    def _input_shapes(self, x: Any, rows: Any) -> list[tuple[int, ...]]:
        """Shapes of what a user gave as inputs, whose gradients will have them."""
        return [np.shape(x)]

    def _model_of(self, layer: Layer, row: tuple[int | None, ...]) -> Any:
        """A model of a layer that holds this one, alone."""
        from .functional import Functional  # here: it is derived from this

        x = InputLayer(row, dtype=self.dtype).output
        made = Functional(x, layer(x))
        layer._nodes.pop()  # of no model of the user's
        return made

    # -- weights -----------------------------------------------------------------------------------------------------

    @property
    def weights(self) -> list[np.ndarray]:
        """List of the weights, layer by layer. Writing to one changes the model. Empty before the build."""
        return [weight for layer in self._leaves.values() for weight in layer.weights]

    @property
    def trainable_weights(self) -> list[np.ndarray]:
        """List of the weights that training updates by their gradients."""
        return [weight for layer in self._leaves.values() for weight in layer.trainable_weights]

    @property
    def non_trainable_weights(self) -> list[np.ndarray]:
        """List of the weights that are not updated by gradients."""
        return [weight for layer in self._leaves.values() for weight in layer.non_trainable_weights]

    @property
    def trainable(self) -> bool:
        """Whether any layer is trainable. Setting it sets every layer; `compile` takes the change."""
        return any(layer.trainable for layer in self._leaves.values())

    @trainable.setter
    def trainable(self, value: bool) -> None:
        for layer in self._leaves.values():
            layer.trainable = value

    def _note_trainable(self) -> None:
        """Remember what the engine was told, for files: `trainable` may be another until the next `compile`."""
        self._trains = [layer.trainable for layer in self._leaves.values()]

    @property
    def losses(self) -> list[float]:
        """Penalties of the weights, one for each regularizer."""
        return [penalty for layer in self._leaves.values() for penalty in layer.losses]

    @property
    def weight_names(self) -> list[str]:
        """Names of the weights, in the order of `weights`: ``dense/kernel``."""
        return [f"{path}/{name}" for path, layer in self._leaves.items() for name in layer.weight_names]

    def get_weights(self) -> list[np.ndarray]:
        """Copies of the weights, as a list of arrays."""
        with self._guard:
            return [np.array(weight) for weight in self.weights]

    def set_weights(self, weights: Sequence[ArrayLike]) -> None:
        """Set the values of all weights from a list of arrays, in place.

        Raises
        ------
        TypeError, ValueError
            The model is not built, or there are too many arrays, too few, or one of another shape or no numbers. Then
            none is changed.
        """
        self._must_be_built()
        with self._guard:
            assign(self.weights, weights)

    def _flow(self) -> tuple[list[str], list[tuple[str, Layer, list[int]]]]:
        """How values flow: names of the inputs; and each call of a layer, those in models in this one too.

        A call is the layer's path, the layer, and the numbers of the values that go in. Values are numbered: first the
        inputs, then what the calls give, in their order.
        """
        paths = {id(layer): path for path, layer in self._leaves.items()}
        for path, layer in self._leaves.items():
            paths.update((id(more), f"{path}/{more.name}") for more in (*layer._stages, *layer._outputs))
        steps = self._some_steps()
        names = [tensor.node.operation.name for tensor in self.inputs]
        return names, [(paths.get(id(step.layer), step.layer.name), step.layer, list(step.sources)) for step in steps]

    def count_params(self) -> int:
        """Total number of elements of the weights.

        Raises
        ------
        ValueError
            The model is not built.
        """
        self._must_be_built()
        return sum(layer.count_params() for layer in self._leaves.values())
