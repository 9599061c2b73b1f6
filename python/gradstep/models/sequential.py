"""Layers in a row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import seeds
from ..checks import describe, numeric, open_shape_of
from ..data.names import only_by_name
from ..data.rows import as_it_is, inputs
from ..described import custom_object_scope
from ..layers.base.layer import Layer, Shape
from ..layers.base.sizes import fits
from ..layers.base.symbolic import Node, SymbolicTensor, tensors_of
from ..layers.base.tracing import paused
from ..layers.core.input import InputLayer
from ..naming import path_part
from ..saving.graphs import described, made_row
from ..saving.layers import described_input, take_keys, take_weights
from ..saving.sharing import Reading, Writing
from .base import BaseModel
from .inferred import build_for, check_row, entrance_for, meet_call, open_sizes

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Sequential"]


class Sequential(BaseModel):
    """Linear stack of layers.

    Parameters
    ----------
    layers : sequence of Layer, optional
        Layers in order, and models with one input and one output. Give the input shape with `Input` or
        ``input_shape=``; otherwise it is inferred from the first data.
    name : str, optional
    seed : int, optional
        What initial weights, layers that draw, and shuffles follow from, where they have no seed themselves; by default
        `utils.set_random_seed`. Layers that are built already keep what they have.

    Raises
    ------
    TypeError
        Something is not a layer, or `seed` is no int.
    ValueError
        Layers do not fit each other, or have different dtypes or the same name.

    Notes
    -----
    All weights lie in one block of memory, of which ``layer.kernel`` and the others are views. `add` and `pop` make a
    new block: views that were kept from before no longer belong to the model. Layers of another model are shared with
    it, weights and all, which then stay where they are: ``for layer in old.layers[:-1]: new.add(layer)``.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.utils.set_random_seed(1)
    >>> model = gs.Sequential([gs.Input((2,)), gs.layers.Dense(16, activation="tanh"), gs.layers.Dense(1)])
    >>> model.compile(optimizer=gs.optimizers.Adam(0.02), loss="mse")
    >>> x = np.linspace(-1, 1, 100).reshape(50, 2)
    >>> history = model.fit(x, x[:, 0] * x[:, 1], epochs=100, verbose=0)
    >>> history.history["loss"][-1] < 0.01
    True
    >>> model.predict(x, verbose=0).shape
    (50, 1)
    """

    def __init__(
        self,
        layers: Sequence[Layer | BaseModel | SymbolicTensor] | None = None,
        name: str | None = None,
        seed: int | None = None,
    ) -> None:
        super().__init__()
        self._take_seed(seed)
        self._draws: dict[str, seeds.Sequence] = {}  # with a seed: where the keys of layers come from, by their names
        self.name = path_part(self, name)
        self._entrance: InputLayer | None = None
        self._infers = False  # whether the shape is that of the first data, or of the first call
        self._shape: tuple[int | None, ...] | None = None  # of one row of input; None in it is any size
        self._ends: list[Shape] = []  # shapes of what the first layers give, as far as they were asked
        given = [] if layers is None else layers
        if not isinstance(given, (list, tuple)):
            raise TypeError(f"layers must be a list of layers; got {describe(given)}.")
        names: set[str] = set()
        for layer in given:
            self._append(layer, names)
        self._build_if_known()

    # -- layers ------------------------------------------------------------------------------------------------------

    @property
    def built(self) -> bool:
        """Whether the weights exist."""
        return self._executor.network is not None

    def add(self, layer: Layer | BaseModel | SymbolicTensor) -> None:
        """Append a layer. The model must be compiled again.

        Raises as the constructor does, and RuntimeError while the model is being trained; it is then as it was.
        """
        self._trainer.check_no_fit("add()")
        self._append(layer, {other.name for other in self._layers})
        self._build_if_known()

    def pop(self) -> Any:
        """Remove the last layer, which keeps its weights. The model must be compiled again.

        Raises
        ------
        ValueError, RuntimeError
            There is none; the model is being trained.
        """
        self._trainer.check_no_fit("pop()")
        if not self._layers:
            raise ValueError(f"model {self.name!r} has no layer to pop.")
        layer = self._layers.pop()
        del self._ends[len(self._layers) :]
        self._forget_network()
        self._build_if_known()
        return layer

    def _append(self, layer: Any, names: set[str]) -> None:
        """Append a layer whose name is none of `names`, those of the layers, and add it to them."""
        if isinstance(layer, SymbolicTensor) and isinstance(layer.node.operation, InputLayer):
            layer = layer.node.operation
        inner = isinstance(layer, BaseModel)
        if not inner and not isinstance(layer, Layer):
            hint = " It maps strings before a model: fit(layer(texts), y)." if hasattr(layer, "get_vocabulary") else ""
            hint = f" Call it: {layer.__name__}(...)." if isinstance(layer, type) else hint
            raise TypeError(f"layer {len(self._layers)} must be a Layer; got {describe(layer)}.{hint}")
        if inner and not layer.layers:
            raise ValueError(f"model {layer.name!r} cannot be added as a layer: it has no layers.")
        if not inner and "_eager" not in vars(layer):
            raise TypeError(
                f"layer {len(self._layers)} must call super().__init__() in its constructor; a {type(layer).__name__} "
                "does not."
            )
        if not inner and getattr(layer, "_several", False):
            raise ValueError(f"layer {layer.name!r} must have one output to be in a Sequential: it returns states.")
        if isinstance(layer, InputLayer):
            if self._layers or self._shape is not None:
                raise ValueError("Input must come before all layers, once.")
            self._entrance, self._shape = layer, layer._declared
            return
        if layer.name in names:
            raise ValueError(f"layers must have different names; two are called {layer.name!r}.")
        if self._layers and layer.dtype != self._layers[0].dtype:
            raise ValueError(
                f"layers of a model must have one dtype; layer {layer.name!r} has {layer.dtype}, "
                f"{self._layers[0].name!r} has {self._layers[0].dtype}."
            )
        shape = self._shape
        if not self._layers and shape is None:
            shape = (None if inner else layer._declared) or layer._rows_shape()
        if shape is not None:
            layer._check_shape(self._end(shape))
        self._shape = shape
        for leaf in layer._leaves.values() if inner or layer._holds_model else ():
            leaf._shared = True
        if not inner:
            layer._shared = layer._shared or layer._owned  # of another model, whose weights stay where they are
            layer._owned = True
        self._guard.join(layer._guard)
        if not layer.built and self.seed is not None:
            self._draws[layer.name] = self._sequence_of(self.seed, len(self._layers))
            with seeds.within(self._draws[layer.name]):
                layer._draw_key()
        self._layers.append(layer)
        names.add(layer.name)
        self._forget_network()

    @staticmethod
    def _sequence_of(seed: int, number: int) -> seeds.Sequence:
        """Where the keys of a layer come from: of each alone, so that it draws the same whenever it is added."""
        return seeds.Sequence(seed, first=(number + 1) << 32)

    def _end(self, shape: tuple[int | None, ...]) -> Shape:
        """Shape of what the last layer gives; each layer is asked once."""
        for layer in self._layers[len(self._ends) :]:
            self._ends.append(layer.compute_output_shape(self._ends[-1] if self._ends else (None, *shape)))
        return self._ends[-1] if self._ends else (None, *shape)

    # -- building ----------------------------------------------------------------------------------------------------

    def build(self, input_shape: Sequence[int | None] | None = None) -> None:
        """Make the weights.

        Parameters
        ----------
        input_shape : sequence, optional
            Shape of the input with the rows in front: ``(None, 64)``. Not needed where the layers say it. Stateful
            layers need the number of rows: ``(32, 10, 1)``.

        Raises
        ------
        ValueError
            The shape is not known, is another than the model has, or does not fit the layers.
        """
        if input_shape is not None:
            shape = open_shape_of("input_shape", tuple(input_shape)[1:])
            if self._shape is not None and not fits(self._shape, shape):
                raise ValueError(f"input_shape has rows of shape {shape}; model {self.name!r} has {self._shape}.")
        elif self._shape is None:
            raise ValueError(f"model {self.name!r} does not know its input: give build() an input_shape.")
        shape = shape if self._shape is None else self._shape
        if not self._layers:
            raise ValueError(f"model {self.name!r} must have a layer; it has none.")
        with self._guard, paused():  # two threads may ask a new model for its first outputs
            if self.built:
                return
            self._entrance = entrance_for(self._layers, self._entrance, input_shape)
            check_row(self._layers, shape)
            current: Shape = (None, *shape)
            for layer in self._layers:
                with seeds.within(self._draws.get(layer.name)):
                    layer.build(current)
                current = layer.compute_output_shape(current)
            self._shape = shape
            self._describe()
            self._connect_engine([shape])

    def _describe(self) -> None:
        """Connect the layers with symbolic tensors, so that other models can begin and end at any of them."""
        self._entrance = self._entrance or InputLayer(self._shape or ())
        tensor = self._entrance.output
        for layer in self._layers:
            tensor = layer._connect(tensor)
            self._calls.append(tensor.node)

    def _forget_network(self) -> None:
        super()._forget_network()
        self._forget_calls()

    def _forget_calls(self) -> None:
        for node in self._calls:
            node.operation._nodes.remove(node)
        self._calls = []

    def _build_if_known(self) -> None:
        if self._shape is not None and self._layers:
            self.build()

    def _ready(self, x: Any, name: str) -> np.ndarray:
        if self._executor.network is not None and (ready := as_it_is(x, self._shape)) is not None:
            return ready
        array = numeric(only_by_name(x, self.input_names, name), name)
        if not self.built:
            build_for(self, array, name)
        elif self._infers and array.shape[1:] != self._shape:
            open_sizes(self, array.shape[1:])
        return inputs(array, name, self._shape, self.dtype)  # type: ignore[arg-type]

    @property
    def dtype(self) -> str:
        """Of weights, sums and outputs."""
        dtype: str = self._layers[0].dtype
        return dtype

    @property
    def input_names(self) -> list[str]:
        """The name of the `Input`, in a list; empty without one."""
        return [self._entrance.name] if self._entrance is not None else []

    @property
    def output_names(self) -> list[str]:
        """The name of the last layer, in a list."""
        return [self._layers[-1].name] if self._layers else []

    def _rows_shape(self) -> tuple[int | None, ...] | None:
        return self._shape

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Shape:
        """Shape of the output for a shape of the input, both with None for the rows."""
        self._check_shape(input_shape)
        current = tuple(input_shape)
        for layer in self._layers:
            current = layer.compute_output_shape(current)
        return current

    @property
    def inputs(self) -> list[SymbolicTensor]:
        """List of the input tensor."""
        if not self._calls:
            self._must_be_built()
        assert self._entrance is not None
        return [self._entrance.output]

    @property
    def outputs(self) -> list[SymbolicTensor]:
        """List of the output tensor."""
        if not self._calls:
            self._must_be_built()
        return [self._calls[-1].outputs[0]]

    def _connect(self, x: Any) -> SymbolicTensor:
        tensors = tensors_of(x, f"the input of model {self.name!r}")
        if len(tensors) != 1:
            raise ValueError(f"model {self.name!r} must get one input; got a list of {len(tensors)}.")
        meet_call(self, tensors[0].shape[1:])
        self.build(tensors[0].shape)
        return Node(self, tensors, False, [self.compute_output_shape(tensors[0].shape)], self.dtype).outputs[0]

    @property
    def input_shape(self) -> Shape:
        """Shape of the input, with None for the rows."""
        self._must_be_built()
        return (None, *(self._shape or ()))

    @property
    def output_shape(self) -> Shape:
        """Shape of the output, with None for the rows."""
        self._must_be_built()
        shape: Shape = self.outputs[0].shape
        return shape

    def _outputs_of_layer(self, number: int, x: Any) -> np.ndarray:
        """Output of layer `number` for data, in inference mode."""
        self._ready(x, "X")
        outputs = numeric(x, "X")
        for layer in self._layers[: number + 1]:
            outputs = layer(outputs)
        return outputs

    def _must_be_built(self) -> None:
        if not self.built:
            raise ValueError(f"model {self.name!r} is not built: begin it with Input(shape), or give it data.")

    # -- configs -----------------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """Config of the model: name and layers. `from_config` creates an equal model with new weights.

        Raises
        ------
        TypeError
            A layer has a setting that cannot be written, such as a lambda.
        """
        return super().get_config()

    def _config(self, writing: Writing) -> dict[str, Any]:
        first = [] if self._shape is None else [described_input(self._shape, self._layers)]
        if self._entrance is not None:
            first = [described(self._entrance, writing)]
        return {"name": self.name, "layers": [*first, *[described(layer, writing) for layer in self._layers]]}

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Sequential:
        """Create a model from its config, of this package or Keras.

        Parameters
        ----------
        config : dict
            With the keys ``"name"`` and ``"layers"``.
        custom_objects : dict of str to class or function, optional
            Your own that are in it, by name.

        Raises
        ------
        TypeError, ValueError
            A layer or a setting is not known.
        """
        with custom_object_scope(custom_objects):
            return cls._made(config, Reading())

    @classmethod
    def _made(cls, config: Mapping[str, Any], reading: Reading, keys: Sequence[int | None] | None = None) -> Self:
        layers = made_row(config, reading)
        if keys is not None:
            take_keys([layer for layer in layers if not isinstance(layer, InputLayer)], keys)
        if reading.source is not None:
            take_weights(layers, reading)
        return cls(layers, config.get("name"))

    @classmethod
    def _smallest(cls) -> Sequential:
        return Sequential([], name="smallest")

    def _cloned(self, copied: Callable[[Any], Any]) -> Sequential:
        first = [] if self._shape is None else [InputLayer(self._shape)]
        if self._entrance is not None:
            first = [copied(self._entrance)]
        return type(self)([*first, *map(copied, self._layers)], self.name, self.seed)

    def _rekey(self, keys: Sequence[int | None]) -> None:
        take_keys(self._layers, keys)
        self._forget_calls()
        self._last_call.forget()
        self._executor.network = None
        self._executor.reconnect()
        self.build()
