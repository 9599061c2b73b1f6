"""Layers that are made of layers: a method `call` whose run on symbolic tensors gives the graph that the engine runs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ...checks import describe, is_array, numeric
from ...described import MODELS
from .holding import check_names, held_layers, shapes_in
from .symbolic import Node, SymbolicTensor, works_as_in_inference
from .tracing import Inside, current, discard, flat, like, paused, traced
from .weights import leaves_of, placed

if TYPE_CHECKING:
    from ... import _core
    from .variable import Variable

__all__ = ["Composite"]

# Methods of a layer that computes in NumPy.
IN_NUMPY = ("forward", "backward", "jvp", "compute_mask")


class Given:
    """The arguments of a call of a layer.

    Attributes
    ----------
    args, options : tuple, dict
        Without `training` and a mask that is no argument of `call`.
    tensors : list
        The symbolic tensors or arrays among them, in order.
    """

    def __init__(self, layer: Composite, args: Sequence[Any], options: Mapping[str, Any]) -> None:
        known, rest = _parameters(type(layer)), dict(options)
        self.mask = None if "mask" in known else rest.pop("mask", None)
        own = {} if "training" in known else {"training": rest.pop("training", None)}
        try:
            bound = inspect.signature(layer.call).bind(*args, **rest)
        except TypeError as error:
            raise TypeError(f"call() of {layer!r}: {error}") from None
        if "training" in known:
            own["training"] = bound.arguments.pop("training", None)
        if "mask" in bound.arguments and bound.arguments["mask"] is None:
            del bound.arguments["mask"]
        self.training: bool | None = own["training"]
        first = next(iter(bound.arguments), None)
        members = flat([bound.args, bound.kwargs])
        if not any(map(_is_tensor, members)):
            if first is None:
                raise TypeError(f"layer {layer.name!r} must be called with a tensor or an array.")
            bound.arguments[first] = numeric(bound.arguments[first], "x")
        self.args, self.options = bound.args, bound.kwargs
        found = [one for one in flat([self.args, self.options]) if _is_tensor(one)]
        self.is_symbolic = any(isinstance(one, SymbolicTensor) for one in found)
        if self.is_symbolic and not all(isinstance(one, SymbolicTensor) for one in found):
            wrong = next(one for one in found if not isinstance(one, SymbolicTensor))
            raise TypeError(f"layer {layer.name!r} must get symbolic tensors alone, or arrays; got {describe(wrong)} too.")
        self.tensors = found if self.is_symbolic else [numeric(one, f"x[{i}]") for i, one in enumerate(found)]

    def with_tensors(self, tensors: Sequence[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments with others in the place of the tensors."""
        args, options = like([self.args, self.options], iter(tensors), _is_tensor)
        return args, options

    @property
    def shapes(self) -> list[tuple[Any, ...]]:
        """Shapes of the tensors, with None for the rows."""
        return [(None, *one.shape[1:]) for one in self.tensors]


def _is_tensor(value: Any) -> bool:
    return isinstance(value, SymbolicTensor) or is_array(value)


@cache
def _parameters(cls: type[Composite]) -> frozenset[str]:
    """Names of the arguments of `call`."""
    return frozenset(inspect.signature(cls.call).parameters)


class Composite:
    """Mixin of `Layer` for subclasses with a method `call` and none of `IN_NUMPY`.

    One that holds layers is made of them. One that holds none is so too if its `call` can be traced, for weights of its
    own in arithmetic; otherwise it computes in NumPy, without a way back.
    """

    _is_part: ClassVar[bool] = True  # of what has it as an attribute
    _is_of_holder: ClassVar[bool] = False  # whether its weights are those of another layer
    _only_in_training = False  # whether it gives its input in inference
    _may_trace: ClassVar[bool] = False

    name: str
    dtype: str
    built: bool
    _nodes: list[Node]
    _guard: _core.Guard
    _trainable: bool
    _shared: bool
    _input_shape: Any
    _tried_outputs: dict[Any, Any]
    call: Callable[..., Any]

    if TYPE_CHECKING:
        _plain_call: Callable[..., Any]

        @property
        def _weights(self) -> list[Variable]: ...
        def build(self, input_shape: Any) -> None: ...

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = [base for base in cls.__mro__ if not base.__module__.startswith("gradstep.layers.base") and base is not object]
        theirs = any(base.__module__.startswith("gradstep.") for base in own)  # of a layer that computes already
        numpy = any(name in vars(base) for base in own for name in IN_NUMPY)
        cls._may_trace = callable(getattr(cls, "call", None)) and not theirs and not numpy
        if cls._may_trace and "__call__" not in vars(cls):
            if not hasattr(cls, "_plain_call"):
                cls._plain_call = cls.__call__  # type: ignore[operator]
            cls.__call__ = Composite._called  # type: ignore[operator]

    def __new__(cls, *args: Any, **options: Any) -> Any:
        made = super().__new__(cls)
        if cls._may_trace:
            vars(made)["_given"] = (args, options)
        return made

    # -- what it holds -------------------------------------------------------------------------------------------------

    @property
    def _parts(self) -> list[Any]:
        """The layers and models in it, in Keras's order."""
        return held_layers(self) if self._may_trace else []

    @property
    def _is_made_by_call(self) -> bool:
        """Whether it is made of layers, as far as that is known."""
        return self._may_trace and (bool(vars(self).get("_made_of_layers")) or bool(held_layers(self)))

    @property
    def _holds_model(self) -> bool:
        """Whether it has the layers of a model in it, in whose place they stand in a network."""
        known: bool | None = vars(self).get("_holds_model")
        return self._is_made_by_call if known is None else known

    @_holds_model.setter
    def _holds_model(self, holds: bool) -> None:
        vars(self)["_holds_model"] = holds

    @property
    def _leaves(self) -> dict[str, Any]:
        """Every layer in it once, by its path; its own weights in front."""
        parts = self._parts
        if not parts:
            return {"": self}
        own: dict[str, Any] = {"": self._own} if self._weights else {}
        return own | leaves_of(parts)

    @property
    def _own(self) -> Any:
        """What models list for the weights that it added itself."""
        from ..core.own_weights import OwnWeights

        if "_own_leaf" not in vars(self):
            vars(self)["_own_leaf"] = OwnWeights(self)  # type: ignore[arg-type]
        return vars(self)["_own_leaf"]

    def _cloned(self, copied: Callable[[Any], Any]) -> Any:
        """An equal layer, of new layers."""
        return type(self).from_config(self.get_config())  # type: ignore[attr-defined]

    def _rekey(self, keys: Sequence[int | None]) -> None:
        """Tell the models in it that their layers draw from other keys."""
        for part in self._parts:
            if part._holds_model:
                part._rekey([leaf._key for leaf in part._leaves.values()])

    # -- calls ---------------------------------------------------------------------------------------------------------

    def _called(self, *args: Any, **options: Any) -> Any:
        """What `call` makes of symbolic tensors, for symbolic tensors; its numbers at once, for arrays."""
        if not self._may_trace:  # a subclass that computes in NumPy
            return self._plain_call(*args, **options)
        given = Given(self, args, options)
        if not self._holds(given):
            return self._plain_call(*args, **options)
        return self._connected_with(given) if given.is_symbolic else self._computed(given)

    def _connect(self, x: Any) -> Any:
        """Be part of a model in which layers lie in a row."""
        if self._may_trace and self._holds(given := Given(self, (x,), {})):
            return self._connected_with(given)
        return super()._connect(x)  # type: ignore[misc]

    def _holds(self, given: Given) -> bool:
        """Whether it is made of layers; its own `build` runs first."""
        known: bool | None = vars(self).get("_made_of_layers")
        if known is None:
            self._run_build(given)
            known = bool(self._parts)
            if not known:
                try:
                    discard(self._traced(given).calls)
                    known = True
                except Exception as error:  # whatever NumPy's code does with what has no numbers
                    vars(self)["_why_numpy"] = str(error)
            vars(self)["_made_of_layers"] = known
        return known

    def _run_build(self, given: Given) -> None:
        """The subclass's `build`, once."""
        method = getattr(type(self).build, "__wrapped__", None)
        if method is None or vars(self).get("_has_built"):
            return
        names = list(inspect.signature(method).parameters)[1:]
        known = vars(self)
        inside = known.get("_in_build")
        before = list(self._weights), known.get("_weight_names", ()), known.get("_trained"), list(known["_added_rules"])
        known["_in_build"] = True
        try:
            with paused():
                method(self, *self._shapes_for(given, names))
        except BaseException:
            self._weights, known["_weight_names"], _, known["_added_rules"] = before  # type: ignore[misc]
            raise
        finally:
            if not inside:
                known.pop("_in_build", None)
        known["_has_built"] = True
        known["built"] = False  # its layers are not

    @staticmethod
    def _shapes_for(given: Given, names: Sequence[str]) -> list[Any]:
        """What `build` gets: the shape of the first argument, or those of arguments by ``NAME_shape``."""
        args, _ = given.with_tensors([_Shape(shape) for shape in given.shapes])
        first = args[0] if args else _Shape((None,))

        def plain(one: Any) -> Any:
            if isinstance(one, _Shape):
                return one.shape
            if isinstance(one, Mapping):
                return {key: plain(value) for key, value in one.items()}
            return [plain(value) for value in one] if isinstance(one, (list, tuple)) else None

        return [plain(first)] if len(names) < 2 else [plain(one) for one in args[: len(names)]]

    def _traced(self, given: Given, modes: Sequence[bool | None] | None = None) -> Inside:
        """The graph of a call; its nodes stay with their layers."""
        from ..core.input import InputLayer

        types = [one.dtype if given.is_symbolic else self.dtype for one in given.tensors]
        each = zip(given.shapes, types, strict=True)
        inputs = [InputLayer(shape[1:], dtype=kind, name=f"{self.name}_input").output for shape, kind in each]
        args, options = given.with_tensors(inputs)
        asks = "training" in _parameters(type(self))
        if modes is None:
            modes = (True, False) if asks else (None,)
        made = traced(
            self, lambda mode: self.call(*args, **options, **({"training": mode} if asks else {})), inputs, modes
        )
        self._note_built(given, made)
        return made

    def _modes(self, in_inference: bool) -> Sequence[bool | None]:
        """How often `call` is to run: what it does for training and inference is compared in the outermost run."""
        outer = current()
        if "training" not in _parameters(type(self)):
            return (None,)
        if in_inference:
            return (False,)
        return (True, False) if outer is None or outer.training is None else (outer.training,)

    def _note_built(self, given: Given, made: Inside) -> None:
        shapes = self._shapes_for(given, [])[0]
        self._tried_outputs[repr(shapes)] = like(made.made, (tensor.shape for tensor in made.outputs))
        if not self.built:
            self._input_shape, self.built = shapes, True
        self._shared = True
        check_names(self._parts)
        for leaf in self._leaves.values():
            leaf._shared = True
            self._guard.join(leaf._guard)

    def _connected_with(self, given: Given) -> Any:
        in_inference = works_as_in_inference(given.training)
        made = self._traced(given, self._modes(in_inference))
        first = given.args[0] if given.args else None
        rows = [tensor.shape for tensor in made.outputs]
        node = Node(self, given.tensors, isinstance(first, (list, tuple)), rows, self.dtype)
        node.inside, node.arguments, node.in_inference = made, (given.args, given.options), in_inference
        if given.mask is not None:
            try:
                node.take_masks([given.mask] + [None] * (len(given.tensors) - 1))
            except BaseException:
                discard([node])
                raise
        return like(made.made, iter(node.outputs))

    def _computed(self, given: Given) -> Any:
        """The outputs for arrays: of a model of this layer alone."""
        from ..core.input import InputLayer

        flags = [leaf.trainable for leaf in self._leaves.values()]
        args, options = given.with_tensors([_Shape(shape) for shape in given.shapes])
        key = repr((args, options, flags))
        known: tuple[Any, ...] = vars(self).get("_alone") or (None, None, None)
        if known[0] != key:
            inputs = [InputLayer(shape[1:], dtype=self.dtype).output for shape in given.shapes]
            args, options = given.with_tensors(inputs)
            made = self._called(*args, **options)
            node, outputs = self._nodes[-1], flat(made)
            discard([node])
            model = MODELS["Functional"](inputs, outputs if len(outputs) > 1 else outputs[0], name=f"{self.name}_alone")
            known = vars(self)["_alone"] = key, model, like(made, iter(range(len(outputs))))
        model, structure = known[1:]
        mask = None if given.mask is None else [given.mask] + [None] * (len(given.tensors) - 1)
        one = len(given.tensors) == 1
        values = model(given.tensors[0] if one else given.tensors, training=given.training, mask=mask[0] if mask and one else mask)
        return like(structure, iter(values if isinstance(values, list) else [values]))

    def _backward_of_parts(self, dy: Any) -> Any:
        """As `Layer.backward`, for its last call on arrays."""
        known = vars(self).get("_alone")
        if known is None:
            raise RuntimeError(
                f"layer {self.name!r} must be called with training=True before each backward(), which "
                "differentiates that call."
            )
        given = flat(dy) if isinstance(dy, (list, tuple, dict)) and not isinstance(known[2], int) else dy
        return known[1].backward(given)

    # -- shapes --------------------------------------------------------------------------------------------------------

    def _given_shapes(self, input_shape: Any) -> Given:
        """A call on tensors of these shapes."""
        from ..core.input import InputLayer

        tensors = iter([InputLayer(shape[1:], dtype=self.dtype).output for shape in shapes_in(input_shape)])

        def placed_in(one: Any) -> Any:
            if isinstance(one, Mapping):
                return {key: placed_in(value) for key, value in one.items()}
            nested = one and isinstance(one[0], (list, tuple, Mapping))
            return [placed_in(value) for value in one] if nested else next(tensors)

        return Given(self, (placed_in(input_shape),), {})

    def _shape_of_parts(self, input_shape: Any) -> Any:
        """Shape of the output, or a list or dict of them; None if it is not made of layers."""
        known = self._tried_outputs.get(repr(input_shape))
        if known is None:
            given = self._given_shapes(input_shape)
            if not self._holds(given):
                return None
            discard(self._traced(given).calls)
            known = self._tried_outputs[repr(self._shapes_for(given, [])[0])]
        return known

    def _inside_for(self, input_shape: Any) -> Inside:
        """The graph for one input of this shape, for a layer that calls it at each step."""
        known: dict[str, Inside] = vars(self).setdefault("_insides", {})
        key = repr(tuple(input_shape))
        if key not in known:
            known[key] = self._traced(self._given_shapes(input_shape))
        return known[key]

    def _model_of(self, layer: Any, row: tuple[int, ...]) -> Any:
        """A model of a layer that holds this one."""
        from ..core.input import InputLayer

        x = InputLayer(row, dtype=self.dtype).output
        return MODELS["Functional"](x, layer(x))

    # -- copies --------------------------------------------------------------------------------------------------------

    def _own_state(self, state: dict[str, Any]) -> dict[str, Any]:
        """What a copy has of these attributes."""
        if not self._may_trace:
            return state
        gone = ("_alone", "_insides", "_operands", "_own_leaf")
        kept = {name: value for name, value in state.items() if name not in gone}
        return {name: value for name, value in kept.items() if not any(isinstance(one, SymbolicTensor) for one in flat(value))}

    def _aligned(self, weights: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        """Weights where the engine can read them and leave them."""
        return [placed(weight, self.dtype) for weight in weights] if self._may_trace else weights


class _Shape:
    """The shape of a tensor, in its place."""

    def __init__(self, shape: tuple[Any, ...]) -> None:
        self.shape = shape

    def __repr__(self) -> str:
        return str(self.shape)
