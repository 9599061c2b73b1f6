"""Models of layers that are connected in any way that has no circle."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data.columns import Columns, input_columns
from ..data.names import by_name
from ..data.rows import as_it_is
from ..described import custom_object_scope, equal
from ..layers.base.holding import shapes_in
from ..layers.base.layer import Layer
from ..layers.base.sizes import fits
from ..layers.base.symbolic import Node, tensors_of
from ..layers.base.tracing import flat, like
from ..layers.core.activation import Activation
from ..layers.core.input import InputLayer
from ..naming import path_part
from ..saving.graphs import connected, described, described_graph, made_operation
from ..saving.layers import give_weights, take_keys
from ..saving.sharing import Reading, Writing
from ..trainers.sizes import rows_given
from .base import BaseModel
from .subclassed import Subclassed
from .topology import TensorSpec, Topology

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Functional", "Model"]


class Functional(Subclassed, BaseModel):
    """Model from input to output tensors: any graph of layers, with several inputs and outputs.

    Parameters
    ----------
    inputs : SymbolicTensor, or a list or dict of them
        Of `Input`. Data is then given in the same way: an array, a list, or a dict by name.
    outputs : SymbolicTensor, or a list or dict of them
        What layers gave that were called with the inputs, or with what others gave.
    name : str, optional
    seed : int, optional
        What shuffles follow from; by default `utils.set_random_seed`. The weights exist before the model: their
        initializers have seeds, and so have layers that draw.

    Raises
    ------
    TypeError
        Something else is among the inputs or outputs.
    ValueError
        An output depends on a tensor that is no input; layers share a name or differ in dtype; there is no layer.

    Notes
    -----
    ``gradstep.Model`` is this class, which Keras calls ``Functional``. Layers, and their weights, may belong to several
    models: training one of them trains all. A model may be called with symbolic tensors, and so is part of another. It
    has all that `Sequential` has, and where its layers lie in a row it is computed like one, without a return to
    Python.

    The gradients of a layer that is called more than once are added up.

    A subclass may leave `inputs` and `outputs` out, make its layers in the constructor, and combine them in a method
    ``call(self, inputs, training=None)``: it runs when the model is built, on symbolic tensors, and what it combined is
    the model. It is built by the first data, or by `build`.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> x = gs.Input((4,), name="x")
    >>> h = gs.layers.Dense(8, "tanh")(x)
    >>> price = gs.layers.Dense(1, name="price")(h)
    >>> kind = gs.layers.Dense(3, "softmax", name="kind")(gs.layers.Concatenate()([h, x]))
    >>> model = gs.Model(x, [price, kind])
    >>> model.compile("adam", loss=["mse", "sparse_categorical_crossentropy"], loss_weights={"kind": 0.5})
    >>> data = np.zeros((6, 4)), {"price": np.ones((6, 1)), "kind": np.zeros(6, int)}
    >>> list(model.fit(*data, verbose=0).history)
    ['loss', 'price_loss', 'kind_loss']
    >>> [outputs.shape for outputs in model.predict(data[0], verbose=0)]
    [(6, 1), (6, 3)]

    As a class:

    >>> class Network(gs.Model):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.hidden, self.out = gs.layers.Dense(8, "relu"), gs.layers.Dense(1)
    ...     def call(self, inputs):
    ...         return self.out(self.hidden(inputs))
    >>> Network().predict(np.zeros((6, 4)), verbose=0).shape
    (6, 1)
    """

    def __init__(
        self, inputs: Any = None, outputs: Any = None, name: str | None = None, seed: int | None = None
    ) -> None:
        if self._has_call:
            if inputs is not None or outputs is not None:
                raise TypeError("Model takes inputs and outputs, or is a subclass with a method call(); got both.")
            super().__init__()
            self._begin(name, seed)
            return
        if inputs is None or outputs is None:
            raise TypeError(
                "Model takes inputs and outputs: symbolic tensors, of Input() and of layers called with them. A "
                "subclass without them must have a method call(self, inputs, training=None)."
            )
        super().__init__()
        self._ins, self._outs = TensorSpec(inputs, "inputs"), TensorSpec(outputs, "outputs")
        self._take_seed(seed)
        topology = Topology(self._ins.tensors, self._outs.tensors)
        self.name = path_part(self, name)
        self._calls, self._layers = topology.nodes, topology.operations
        working = [layer for layer in self._leaves.values() if not isinstance(layer, InputLayer)]
        if not working:
            raise ValueError(f"model {self.name!r} must have a layer between its inputs and outputs.")
        self._dtype = working[0].dtype
        for layer in working:
            if layer.dtype != self._dtype:
                raise ValueError(
                    f"layers of a model must have one dtype; layer {layer.name!r} has {layer.dtype}, "
                    f"{working[0].name!r} has {self._dtype}."
                )
            layer._shared = True
            self._guard.join(layer._guard)
        self._connect_engine(self._ins.rows)

    # -- how it is connected -------------------------------------------------------------------------------------------

    @property
    def dtype(self) -> str:
        """Of weights, sums and outputs."""
        return self._dtype

    def _connect(self, x: Any) -> Any:
        if self._is_made_by_call:
            self._meet_shapes(like(x, (tensor.shape for tensor in flat(x))))
        if isinstance(x, Mapping):
            x = by_name(x, self._ins.names, f"the inputs of model {self.name!r}", "must have one for")
        tensors = tensors_of(x, f"the inputs of model {self.name!r}")
        if len(tensors) != len(self._ins):
            raise ValueError(f"model {self.name!r} must get {len(self._ins)} inputs; got {len(tensors)}.")
        for tensor, own in zip(tensors, self._ins.tensors, strict=True):
            if not fits(own.shape, tensor.shape):
                raise ValueError(
                    f"input {own.name!r} of model {self.name!r} has shape {own.shape}; got {tensor.shape}."
                )
        shapes = self._output_shapes([tensor.shape for tensor in tensors])
        node = Node(self, tensors, isinstance(x, (list, tuple)), shapes, self._dtype)
        return self._outs.structured(node.outputs)

    def _connections(self) -> dict[str, str] | None:
        if self._is_made_by_call:
            return None
        row = [self._ins.tensors[0].node, *self._calls]
        straight = all([tensor.node for tensor in node.inputs] == [before] for before, node in pairwise(row))
        if straight and len(self._ins) == 1 and len({id(node.operation) for node in row}) == len(row):
            return None
        sources: dict[str, list[str]] = {layer.name: [] for layer in self._layers}
        for node in self._calls:
            for tensor in node.inputs:
                call = tensor.node.operation._nodes.index(tensor.node)
                sources[node.operation.name].append(f"{tensor.name}[{call}][{tensor.index}]")
        return {name: ", ".join(known) or "-" for name, known in sources.items()}

    def _outputs_of_layer(self, number: int, x: Any) -> np.ndarray:
        outputs: np.ndarray = Functional(self.inputs, self._layers[number].output).predict(x, verbose=0)
        return outputs

    # -- inputs and outputs --------------------------------------------------------------------------------------------

    @property
    def _lists_outputs(self) -> bool:
        self._must_be_built()
        return not self._outs.is_one

    @property
    def _has_many(self) -> bool:
        return self.built and (len(self._ins) > 1 or self._lists_outputs)

    def _pack_outputs(self, values: Sequence[Any]) -> Any:
        return self._outs.packed(values)

    def _pack_inputs(self, values: Sequence[Any]) -> Any:
        return self._ins.packed(values)

    def _input_shapes(self, x: Any, rows: Any) -> list[tuple[int, ...]]:
        if not self._has_many:
            return super()._input_shapes(x, rows)
        return [(len(rows), *row) for row in rows_given(self._ins.rows, rows)]

    def _ready(self, x: Any, name: str) -> Any:
        self._meet(x)
        if not self._has_many and (ready := as_it_is(x, self._ins.rows[0])) is not None:
            return ready
        columns = input_columns(x, name, self._ins.names, self._ins.rows, self.dtype)
        return Columns(columns) if self._has_many else columns[0]

    def _columns(self, x: Any, name: str) -> Columns:
        self._meet(x)
        network, ins = self._executor.network, self._ins
        takes = [False] * len(ins) if network is None else network.takes_sparse
        return Columns(input_columns(x, name, ins.names, ins.rows, self.dtype, takes))

    def _rows_shape(self) -> tuple[int | None, ...] | None:
        if not self.built:
            return None
        if self._has_many:
            raise ValueError(
                "only models with one input and one output (not in a list or dict) can be added to a Sequential; "
                f"{self.name!r} has {len(self._ins)} inputs and {len(self._outs)} outputs."
            )
        return self._ins.rows[0]

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Any:
        """Shape of the output for a shape of the input, both with None for the rows."""
        self.build(input_shape)
        return self._outs.packed(self._output_shapes(shapes_in(input_shape)))

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Make the weights of a subclass with `call`; of others, which have them, check the shape of the input.

        Parameters
        ----------
        input_shape : sequence, or a list or dict of them
            Shape of the input with the rows in front: ``(None, 64)``.

        Raises
        ------
        TypeError, ValueError
            `call` cannot be run on symbolic tensors of this shape; or the model has another.
        """
        if self.built:
            self._check_shape(input_shape)
        else:
            self._build_by_call(input_shape)

    @property
    def inputs(self) -> Any:
        """List of the input tensors."""
        self._must_be_built()
        return list(self._ins.tensors)

    @property
    def outputs(self) -> Any:
        """List of the output tensors."""
        self._must_be_built()
        return list(self._outs.tensors)

    @property
    def input(self) -> Any:
        """Input tensors, in the structure that was given."""
        self._must_be_built()
        return self._ins.given_as()

    @property
    def output(self) -> Any:
        """Output tensors, in the structure that was given."""
        self._must_be_built()
        return self._outs.given_as()

    @property
    def input_names(self) -> list[str]:
        """Names of the inputs: of their `Input`, or the keys of the dict that was given."""
        self._must_be_built()
        return list(self._ins.names)

    @property
    def output_names(self) -> list[str]:
        """Names of the outputs: of their layers, or the keys of the dict that was given."""
        self._must_be_built()
        return list(self._outs.names)

    @property
    def input_shape(self) -> Any:
        """Shapes of the inputs, with None for the rows, in the structure that was given."""
        self._must_be_built()
        return self._ins.packed([tensor.shape for tensor in self._ins.tensors])

    @property
    def output_shape(self) -> Any:
        """Shapes of the outputs, with None for the rows, in the structure that was given."""
        self._must_be_built()
        return self._outs.packed([tensor.shape for tensor in self._outs.tensors])

    # -- configs and files ---------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """Config of the model: name, layers and connections. `from_config` creates an equal model with new weights.

        Raises
        ------
        TypeError
            A layer has a setting that cannot be written, such as a lambda.
        """
        return self._own_config() if self._is_made_by_call else super().get_config()

    def _config(self, writing: Writing) -> dict[str, Any]:
        if self._is_made_by_call:
            return self.get_config()
        return {"name": self.name, **self._described(lambda operation: described(operation, writing))}

    def _described(self, serialize: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        return described_graph(self._layers, self._calls, self._ins.given_as(), self._outs.given_as(), serialize)

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Functional:
        """Create a model from its config, of this package or Keras.

        Parameters
        ----------
        config : dict
            With the keys ``"name"``, ``"layers"``, ``"input_layers"`` and ``"output_layers"``.
        custom_objects : dict of str to class or function, optional
            Your own that are in it, by name.

        Raises
        ------
        TypeError, ValueError
            A layer or a setting is not known; connections go in a circle, or to a layer that is not there.
        """
        with custom_object_scope(custom_objects):
            return cls._of_own_config(config) if cls._has_call else cls._made(config, Reading())

    @classmethod
    def _made(cls, config: Mapping[str, Any], reading: Reading, keys: Sequence[int | None] | None = None) -> Self:
        def build(layer: Layer, shapes: Any) -> None:
            give_weights(layer, shapes, reading)

        given = connected(config, partial(made_operation, reading=reading), build if reading.source else None)
        model = cls(*given, config.get("name"))
        if keys is not None:
            model._rekey(keys)
        return model

    @classmethod
    def _smallest(cls) -> Functional:
        x = InputLayer((1,), name="x").output
        return Functional(x, Activation("relu", name="y")(x), "smallest")

    def _cloned(self, copied: Callable[[Any], Any]) -> Functional:
        if self._is_made_by_call:
            made: Functional = equal(self)
            made._built_as(self._build_config())
            return made
        layers = {layer.name: layer for layer in self._layers}
        config = self._described(lambda _: {})
        return type(self)(*connected(config, lambda entry: copied(layers[entry["name"]])), self.name)

    def _rekey(self, keys: Sequence[int | None]) -> None:
        take_keys(self._layers, keys)
        self._executor.reconnect()
        self._connect_engine(self._ins.rows)


Model = Functional
