"""Base class of `Model` and `Sequential`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..checks import check_int, shape_of
from ..data.columns import Columns, arrays_of
from ..export.exports import Exports
from ..layers.base.layer import Layer
from ..layers.base.symbolic import Node, SymbolicTensor, in_training, is_symbolic
from ..layers.base.variable import Variables
from ..layers.base.weights import assign, leaves_of
from ..layers.core.input import InputLayer
from ..layers.core.time_distributed import TimeDistributed, does_steps_at_once
from ..saving.savable import Savable
from ..trainers.network import DIRECT, Step, Way, network_of
from .changes import Changing
from .lr_find import FindsRate
from .masked_calls import MaskedCalls, masks_of
from .on_batches import OnBatches
from .summary import Summarized

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["BaseModel", "flatten_calls"]


class Call(NamedTuple):
    """A call of a layer or model, and whether it gives an output of the model."""

    operation: Any
    given: list[np.ndarray]
    made: list[np.ndarray]
    is_last: bool


class BaseModel(Exports, FindsRate, OnBatches, Savable, Summarized, Variables, Changing):
    """Base class of models of layers. A subclass connects the layers in `_layers`."""

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
            if layer.name == name:
                return layer
        raise ValueError(
            f"name must be that of a layer, {', '.join(layer.name for layer in self._layers)}; got {name!r}."
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
        masks = None if mask is None else masks_of(mask, self.input_names, f"model {self.name!r}")
        made = self._connect(x)
        if masks is not None:
            try:
                self._nodes[-1].take_masks(masks)
            except BaseException:
                self._nodes.pop()
                raise
        self._nodes[-1].in_inference = training is not None
        return made

    def _through(self, x: Any) -> tuple[list[Call], list[np.ndarray]]:
        """Every call of a layer, one by one, for rows as a run has them; and the outputs."""
        arrays = arrays_of(x)
        values = {
            id(tensor): array.reshape(len(array), *(n for n in tensor.shape if n is not None))
            for tensor, array in zip(self.inputs, arrays, strict=True)
        }
        calls = []
        for node in self._calls:
            given = [values[id(tensor)] for tensor in node.given]
            masks = {mask: values[id(tensor)] for (mask, _), tensor in _masks_of(node)}
            of_each = [masks.get(i) for i in range(len(given))]
            mask = {"mask": of_each if len(given) > 1 and isinstance(node.operation, BaseModel) else of_each[0]}
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
    def _computes(self) -> bool:
        """Whether calls compute anything."""
        return any(layer._computes for layer in self._layers)

    def _draw_key(self) -> None:
        """Draw anew where what its layers draw begins, as far as they are not built, and it has no seed itself."""
        for leaf in self._leaves.values() if self.seed is None else ():
            if not leaf.built:
                leaf._draw_key()

    def _rows_shape(self) -> tuple[int, ...] | None:
        """Shape of a row of the input, if it is known."""
        raise NotImplementedError

    def _check_shape(self, input_shape: Sequence[int | None]) -> tuple[int, ...]:
        """The shape of a row, if the model can take it."""
        shape, known = shape_of("input_shape", tuple(input_shape)[1:]), self._rows_shape()
        if known is not None and known != shape:
            raise ValueError(f"input_shape has rows of shape {shape}; model {self.name!r} takes {known}.")
        return shape

    @property
    def _leaves(self) -> dict[str, Layer]:
        """Every layer once, those of models in this one too, by its path."""
        return leaves_of(self._layers)

    # -- what computes it ----------------------------------------------------------------------------------------------

    def _connect_engine(self, rows: Sequence[tuple[int, ...]]) -> None:
        """Make what computes the layers, for inputs of these shapes of a row, over the weights where they lie."""
        steps, outputs = self._steps_of(rows)
        self._executor.connect(network_of(rows, steps, outputs), steps)
        self._note_trainable()

    def _steps_of(self, rows: Sequence[tuple[int, ...]]) -> tuple[list[Step], list[int]]:
        """The calls of layers for inputs of these shapes of a row, and which of their values are the outputs."""
        steps: list[Step] = []
        return steps, flatten_calls(self, range(len(rows)), steps, len(rows))

    def _connected_steps(self) -> tuple[list[tuple[int, ...]], list[Step], list[int]]:
        """Shapes of a row of the inputs, the calls of layers, and which of their values are the outputs."""
        rows = [tuple(n for n in tensor.shape if n is not None) for tensor in self.inputs]
        return rows, *self._steps_of(rows)

    def _renew(self) -> None:
        super()._renew()
        self._note_trainable()

    def _forget_network(self) -> None:
        """The layers changed."""
        self._last_call.forget()
        self._masked_calls.forget()
        self._executor.forget()

    def _output_rows(self) -> list[tuple[int, ...]]:
        return [tuple(n for n in tensor.shape if n is not None) for tensor in self.outputs]

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

    def _model_of(self, layer: Layer, row: tuple[int, ...]) -> Any:
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
        inputs: list[Any] = self.inputs
        steps: list[Step] = []
        flatten_calls(self, range(len(inputs)), steps, len(inputs))
        names = [tensor.node.operation.name for tensor in inputs]
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


def _masks_of(node: Node) -> Iterator[tuple[tuple[int, Layer], SymbolicTensor]]:
    """The masks that a call was given: of which input, what gives it to that, and the tensor."""
    return zip(node.masked, node.inputs[len(node.given) :], strict=True)


def _each_step(holder: TimeDistributed, source: int, steps: list[Step], first: int, way: Way) -> int:
    """Add the calls of the layers of a model at each step of a value; gives the value of all steps."""
    inner, count = holder.layer, holder.input_shape[1]
    assert count is not None
    leaves = [leaf for leaf in holder._leaves.values() if not isinstance(leaf, InputLayer)]
    if way.at_once or all(map(does_steps_at_once, leaves)):
        return _through_inner(inner, source, steps, first, way._replace(at_once=(*way.at_once, count)))
    taking, stacking = holder._around_steps(count)
    made = []
    for taken in taking:
        steps.append(Step(taken, (source,)))
        made.append(_through_inner(inner, first + len(steps) - 1, steps, first, way))
    steps.append(Step(stacking, (source, *made)))
    return first + len(steps) - 1


def _through_inner(inner: Any, source: int, steps: list[Step], first: int, way: Way) -> int:
    """Add what a `TimeDistributed` does to one step: a model, or another `TimeDistributed` with one."""
    if isinstance(inner, TimeDistributed):
        return _each_step(inner, source, steps, first, way)
    return flatten_calls(inner, [source], steps, first, way)[0]


def flatten_calls(model: Any, sources: Sequence[int], steps: list[Step], first: int, outer: Way = DIRECT) -> list[int]:
    """Add the calls of a model's layers, those of models in it too, to steps; gives which values come out.

    sources: the values that go in; first: the number of the first step's value; outer: how the model is called.
    """
    values = {id(tensor): source for tensor, source in zip(model.inputs, sources, strict=True)}
    for node in model._calls:
        way = outer._replace(in_inference=outer.in_inference or node.in_inference)
        given = [values[id(tensor)] for tensor in node.given]
        for (place, setting), tensor in _masks_of(node):
            steps.append(Step(setting, (given[place], values[id(tensor)])))
            given[place] = first + len(steps) - 1
        if isinstance(node.operation, BaseModel):
            made = flatten_calls(node.operation, given, steps, first, way)
        elif isinstance(node.operation, TimeDistributed) and node.operation._holds_model:
            made = [_each_step(node.operation, given[0], steps, first, way)]
        else:
            for stage in node.operation._stages:
                stage.build((None, *node.operation._output_row))
            for layer in (node.operation, *node.operation._stages):
                steps.append(Step(layer, tuple(given), *way))
                given = [first + len(steps) - 1]
            made = given
            if node.operation._outputs:
                steps += [Step(output, tuple(given)) for output in node.operation._outputs]
                made = [given[0] + 1 + i for i in range(len(node.operation._outputs))]
        values.update({id(tensor): value for tensor, value in zip(node.outputs, made, strict=True)})
    return [values[id(tensor)] for tensor in model.outputs]
