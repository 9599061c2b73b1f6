"""Models of layers that are connected in any way that has no circle."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import losses
from ..callbacks.callback_list import CallbackList
from ..callbacks.progress import Bar
from ..described import custom_object_scope
from ..layers.base import Layer
from ..layers.input import InputLayer
from ..layers.symbolic import Node, tensors_of
from ..naming import name_for
from ..saving.graphs import connected, described, described_graph, made_operation
from ..saving.layers import take_key
from ..saving.savable import Source
from .columns import Columns, ManyRows, input_columns, target_columns, weight_columns
from .data import NAMES, Rows
from .graph import Graph
from .graph import Node as Step
from .layered import Layered
from .measured import Measures, Share
from .mixed import Mixed, network_of, renew
from .named import by_name
from .objectives import Objectives
from .steps import AnyRun, Stepped
from .weighed import GraphRun
from .wiring import Bundle, Wiring

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["Functional", "Model"]


class Functional(Layered):
    """Layers between symbolic tensors: of several inputs and outputs, shared, merged.

    Parameters
    ----------
    inputs : SymbolicTensor, or a list or dict of them
        Of `Input`. Data is then given in the same way: an array, a list, or a dict by name.
    outputs : SymbolicTensor, or a list or dict of them
        What layers gave that were called with the inputs, or with what others gave.
    name : str, optional

    Raises
    ------
    TypeError
        Something else is among the inputs or outputs.
    ValueError
        An output depends on what is no input; layers have the same name, or different dtypes; nothing computes.

    Notes
    -----
    ``gradstep.Model`` is this class, which Keras calls ``Functional``. Layers, and their weights, may belong to several
    models: training one of them trains all. A model may be called with symbolic tensors, and so is part of another. It
    has all that `Sequential` has, and where its layers lie in a row it is computed like one, without a return to
    Python.

    The gradients of a layer that is called more than once are added up.

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
    """

    def __init__(self, inputs: Any = None, outputs: Any = None, name: str | None = None) -> None:
        super().__init__()
        if inputs is None or outputs is None:
            raise TypeError(
                "Model takes inputs and outputs, symbolic tensors of Input() and of layers called with them; a class of "
                "your own with a method call() is none."
            )
        self._ins, self._outs = Bundle(inputs, "inputs"), Bundle(outputs, "outputs")
        wiring = Wiring(self._ins.tensors, self._outs.tensors)
        self.name = name_for(self, name)
        self._calls = wiring.nodes
        self._layers = wiring.operations
        self._steps: list[Step] = []
        self._exits = _spread(self, list(range(len(self._ins))), self._steps, len(self._ins))
        working = [step.layer for step in self._steps if not isinstance(step.layer, InputLayer)]
        if not any(layer._works for layer in working):
            raise ValueError(f"model {self.name!r} must have a layer that computes.")
        self._dtype_name = working[0].dtype
        for layer in working:
            if layer.dtype != self._dtype_name:
                raise ValueError(
                    f"layers of a model must have one dtype; layer {layer.name!r} has {layer.dtype}, "
                    f"{working[0].name!r} has {self._dtype_name}."
                )
            layer._shared = True
        self._connect_engine()

    def __repr__(self) -> str:
        return f"<Functional {self.name} of {len(self._layers)} layers>"

    # -- how it is connected -------------------------------------------------------------------------------------------

    @property
    def inputs(self) -> Any:
        """The symbolic tensors of the inputs, as a list."""
        return list(self._ins.tensors)

    @property
    def outputs(self) -> Any:
        """The symbolic tensors of the outputs, as a list."""
        return list(self._outs.tensors)

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

    @property
    def built(self) -> bool:
        """Whether the weights exist: always."""
        return True

    def _must_be_built(self) -> None:
        """It always is."""

    @property
    def _dtype(self) -> str:
        return self._dtype_name

    def _connect(self, x: Any) -> Any:
        if isinstance(x, Mapping):
            x = by_name(x, self._ins.names, f"the inputs of model {self.name!r}", "must have one for")
        tensors = tensors_of(x, f"the inputs of model {self.name!r}")
        if len(tensors) != len(self._ins):
            raise ValueError(f"model {self.name!r} must get {len(self._ins)} inputs; got {len(tensors)}.")
        for tensor, own in zip(tensors, self._ins.tensors, strict=True):
            if tensor.shape != own.shape:
                raise ValueError(f"input {own.name!r} of model {self.name!r} has shape {own.shape}; got {tensor.shape}.")
        shapes = [tensor.shape for tensor in self._outs.tensors]
        node = Node(self, tensors, isinstance(x, (list, tuple)), shapes, self._dtype)
        return self._outs.packed(node.outputs)

    @property
    def _many(self) -> bool:
        """Whether there are several inputs or outputs, or the one output is given as a list or dict."""
        return len(self._ins) > 1 or self._outs.kind != "one"

    def _connect_engine(self) -> None:
        """Make what computes, over the weights where they lie."""
        layers = [step.layer for step in self._steps]
        straight = self._exits == [len(layers)] and all(list(s.sources) == [i] for i, s in enumerate(self._steps))
        plain = not any(layer._in_numpy for layer in layers) and len({id(layer) for layer in layers}) == len(layers)
        if straight and plain and not self._many:
            self._network = network_of(self._ins.rows[0], layers)
            return
        graph = Graph(self._ins.rows, self._steps, self._exits)
        self._network = graph if self._many else Mixed(graph)

    @property
    def _graph(self) -> Graph:
        assert isinstance(self._network, Graph)
        return self._network

    def _renew(self) -> None:
        self._tape = self._back = None
        if isinstance(self._network, Graph):
            self._network.renew()
        elif self._network is not None:
            renew(self._network, [step.layer for step in self._steps])

    # -- what it is trained by -----------------------------------------------------------------------------------------

    def _judges(
        self, loss: Any, loss_weights: Any, metrics: Any, weighted: Any
    ) -> tuple[losses.Loss | None, Measures | Objectives]:
        if not self._many:
            return super()._judges(loss, loss_weights, metrics, weighted)
        objectives = Objectives(self._outs.names, loss, loss_weights, metrics, weighted)
        return next((one for one in objectives.losses if one is not None), None), objectives

    @property
    def _objectives(self) -> Objectives:
        assert isinstance(self._measures, Objectives)
        return self._measures

    @property
    def _widths(self) -> list[int]:
        """Numbers in a row of each output."""
        return [math.prod(shape) for shape in self._outs.rows]

    # -- data ----------------------------------------------------------------------------------------------------------

    def _ready(self, x: Any, name: str) -> Any:
        columns = input_columns(x, name, self._ins.names, self._ins.rows, self._dtype)
        return Columns(columns) if self._many else columns[0]

    def _rows(self, x: Any, y: Any, sample_weight: Any = None, names: tuple[str, str, str] = NAMES) -> Rows:
        if not self._many:
            given = [
                by_name(one, of, what, "must have data for")[0] if isinstance(one, Mapping) else one
                for one, of, what in zip(
                    (x, y, sample_weight), (self._ins.names, self._outs.names, self._outs.names), names, strict=True
                )
            ]
            return super()._rows(given[0], given[1], given[2], names)
        self._needed_loss()
        if y is None:
            raise ValueError(f"{names[1]} must be targets; got None.")
        columns, outputs, objectives = self._ready(x, names[0]), self._outs.names, self._objectives
        rows = len(columns)
        if rows == 0:
            raise ValueError(f"{names[0]} must have at least one row.")
        known = target_columns(y, names[1], outputs, objectives.judges, self._widths, rows, self._dtype)
        return ManyRows(columns, known, weight_columns(sample_weight, names[2], outputs, rows))

    def _shares(self, rows: Rows) -> list[Share]:
        if not self._many:
            return super()._shares(rows)
        objectives = self._objectives
        fed = objectives.metrics_for(rows.y.arrays, self._widths, self._dtype)
        return [Share("loss", None, False)] * (len(objectives.counted) if objectives.split else 0) + [
            Share("", metric, weighted) for _, metric, weighted in fed
        ]

    # -- passes --------------------------------------------------------------------------------------------------------

    def _trained(self) -> dict[str, np.ndarray]:
        if not self._many:
            return super()._trained()
        known = {id(weight) for weight in self._graph.weights}
        return {n: w for n, w in zip(self._weight_names, self.weights, strict=True) if id(w) in known}

    def _run(self, rows: Rows, batch: int, train: bool, fresh: bool = True) -> AnyRun:
        if not self._many:
            return super()._run(rows, batch, train, fresh)
        run = self._graph_run(rows, batch, train, fresh)
        if not train:
            return run
        if self.optimizer is None:
            raise ValueError("the model has no optimizer: call compile(optimizer=..., loss=...) first.")
        trained = self._trained()
        if self._bound is None:
            self._bound = self.optimizer.bind(trained)
            self._indices = []
        return Stepped(run, self._bound, list(trained), self._graph)

    def _graph_run(self, rows: Rows, batch: int, train: bool, fresh: bool) -> GraphRun:
        metrics = self._objectives.metrics_for(rows.y.arrays, self._widths, self._dtype)
        return GraphRun(self._graph, self._objectives, metrics, rows, batch, train, self._arranged, fresh)

    def _arranged(self, gradients: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Gradients in the order of the model's weights, from that of the graph's."""
        found = {id(weight): gradient for weight, gradient in zip(self._graph.weights, gradients, strict=True)}
        return [found[id(weight)] for weight in self._trained().values()]

    def _predict(self, parts: Iterable[tuple[Any, int]], hooks: CallbackList, bar: Bar | None) -> Any:
        if not self._many:
            return super()._predict(parts, hooks, bar)
        each, self.stop_predicting = hooks.wants_batches("predict"), False
        hooks.on_predict_begin()
        found: list[list[np.ndarray]] = []
        index = 0
        for columns, batch in parts:
            for begin in range(0, max(len(columns), 1), batch):
                if each:
                    hooks.on_predict_batch_begin(index)
                found.append(self._outputs_of(columns[begin : begin + batch]))
                if each:
                    hooks.on_predict_batch_end(index, {"outputs": self._outs.packed(found[-1])})
                index += 1
                if bar is not None:
                    bar.update(index)
                if self.stop_predicting:
                    break
            if self.stop_predicting:
                break
        hooks.on_predict_end()
        if not found:
            raise ValueError("x must give at least one batch; it gives none.")
        return self._outs.packed([one[0] if len(one) == 1 else np.concatenate(one) for one in zip(*found, strict=True)])

    def _outputs_of(self, columns: Columns) -> list[np.ndarray]:
        """The outputs of a batch, (rows, numbers a row)."""
        rows = len(columns)
        if not rows:
            return [np.empty((0, width), self._dtype) for width in self._widths]
        shaped = self._graph.forward([array for array in columns.arrays if array is not None])
        return [np.array(output.reshape(rows, -1)) for output in shaped]

    def value_and_grad(
        self, x: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> tuple[float, list[np.ndarray]]:
        """As `Sequential.value_and_grad`; data as in `fit`."""
        if not self._many:
            return super().value_and_grad(x, y, sample_weight)
        rows = self._rows(x, y, sample_weight)
        run = self._graph_run(rows, len(rows), True, True)
        run.start(None, self._lone_pass())
        run.advance(0.0)
        return run.progress[2], [np.array(gradient) for gradient in run.gradients]

    # -- configs and files ---------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """Name, layers and how they are connected, with which `from_config` makes an equal model of new weights.

        Raises
        ------
        TypeError
            A layer has a setting that cannot be written, such as a lambda.
        """
        return {"name": self.name, "trainable": self.trainable, **self._described(described)}

    def _described(self, words: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        return described_graph(self._layers, self._calls, self._ins.given_as(), self._outs.given_as(), words)

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Functional:
        """A model from the dict that `get_config` gives, here or in Keras.

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
            return cls(*connected(config, made_operation), config.get("name"))

    @classmethod
    def _from_file(cls, config: Mapping[str, Any], keys: Sequence[int | None] | None, weights: Source) -> Functional:
        model = cls(*connected(config, made_operation, weights), config.get("name"))
        if keys is not None:
            model._rekey(keys)
        return model

    def _cloned(self, copied: Callable[[Layer], Layer]) -> Functional:
        layers = {layer.name: layer for layer in self._layers}

        def made(words: Any, *_: Any) -> Any:
            layer = layers[words["name"]]
            return InputLayer.from_config(layer.get_config()) if isinstance(layer, InputLayer) else copied(layer)

        return type(self)(*connected(self._described(lambda _: {}), made), self.name)

    def _rekey(self, keys: Sequence[int | None]) -> None:
        leaves = list(self._leaves.values())
        if len(keys) != len(leaves):
            raise ValueError(f"a model of {len(leaves)} layers must have as many keys; got {len(keys)}.")
        for layer, key in zip(leaves, keys, strict=True):
            take_key(layer, key)
        self._indices = self._bound = None
        self._connect_engine()


Model = Functional


def _spread(model: Any, sources: Sequence[int], steps: list[Step], first: int) -> list[int]:
    """Add the calls of a model's layers, those of models in it too, to steps; gives which values come out.

    sources: the values that go in; first: the number of the first step's value.
    """
    values = {id(tensor): source for tensor, source in zip(model.inputs, sources, strict=True)}
    for node in model._calls:
        given = [values[id(tensor)] for tensor in node.inputs]
        if isinstance(node.operation, Layered):
            made = _spread(node.operation, given, steps, first)
        else:
            steps.append(Step(node.operation, tuple(given)))
            made = [first + len(steps) - 1]
        values.update({id(tensor): value for tensor, value in zip(node.outputs, made, strict=True)})
    return [values[id(tensor)] for tensor in model.outputs]


def _name_in(config: Mapping[str, Any]) -> Any:
    return config.get("name")
