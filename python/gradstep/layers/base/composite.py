"""Layers that are made of layers: a run of their method `call` on symbolic tensors gives what the engine runs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ...described import MODELS, equal
from ...references import with_options
from .given import Given, Shaped, parameters_of
from .holding import check_names, held_layers, shapes_in
from .sizes import OfAnySize, is_open
from .symbolic import Node, is_symbolic, rows_before, works_as_in_inference
from .tracing import Inside, current, discard, flat, like, paused, traced
from .weights import leaves_of, placed

if TYPE_CHECKING:
    from ... import _core
    from .variable import Variable

__all__ = ["Composite"]

# Methods of a layer that computes in NumPy.
IN_NUMPY = ("forward", "backward", "jvp", "compute_mask")


class Composite:
    """Mixin of `Layer` for subclasses with a method `call` and none of `IN_NUMPY`.

    One that holds layers is made of them. One that holds none is so too if its `call` can be traced, for weights of its
    own in arithmetic; otherwise it computes in NumPy, without a way back.
    """

    _is_part: ClassVar[bool] = True  # of what has it as an attribute
    _is_of_holder: ClassVar[bool] = False  # whether its weights are those of another layer
    _only_in_training = False  # whether it gives its input in inference
    _may_trace: ClassVar[bool] = False
    _combines_layers: ClassVar[bool] = False  # whether a class of this package is made of layers

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
        base = __name__.rpartition(".")[0]
        own = [one for one in cls.__mro__ if not one.__module__.startswith(base) and one is not object]
        theirs = any(one.__module__.startswith("gradstep.") for one in own)  # of a layer that computes already
        numpy = any(name in vars(one) for one in own for name in IN_NUMPY)
        mine = cls._combines_layers or not theirs
        cls._may_trace = callable(getattr(cls, "call", None)) and mine and not numpy
        if cls._may_trace and "__call__" not in vars(cls):
            if not hasattr(cls, "_plain_call"):
                cls._plain_call = cls.__call__
            cls.__call__ = Composite._called  # type: ignore[method-assign]

    def __new__(cls, *args: Any, **options: Any) -> Any:
        made = with_options(super().__new__(cls), options)
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
        return self._is_made_by_call

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
        return equal(self)

    def _rekey(self, keys: Sequence[int | None]) -> None:
        """Tell the models in it that their layers draw from other keys."""
        for part in self._parts:
            if part._holds_model:
                part._rekey([leaf._key for leaf in part._leaves.values()])

    @property
    def _is_open(self) -> bool:
        """Whether it is built for sizes that are not known, or multiplies inputs of several sizes with its weights."""
        used = vars(self).get("_operands", {}).values()
        return is_open(self._input_shape) or any(one._is_open for one in used if isinstance(one, OfAnySize))

    # -- calls ---------------------------------------------------------------------------------------------------------

    def _called(self, *args: Any, **options: Any) -> Any:
        """What `call` makes of symbolic tensors, for symbolic tensors; its numbers at once, for arrays."""
        if not self._may_trace:  # a subclass that computes in NumPy
            return self._plain_call(*args, **options)
        given = Given(self, args, options)
        if not self._holds(given):
            return self._plain_call(*args, **options)
        return self._connected_with(given) if given.is_symbolic else self._run_on_arrays(given)

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
                except NotImplementedError:
                    raise
                except Exception as error:  # whatever NumPy's code does with what has no numbers
                    if self._combines_layers:
                        raise
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
                method(self, *given.shapes_for(names))
        except BaseException:
            self._weights, known["_weight_names"], _, known["_added_rules"] = before  # type: ignore[misc]
            raise
        finally:
            if not inside:
                known.pop("_in_build", None)
        known["_has_built"] = True
        known["built"] = False  # its layers are not

    def _traced(self, given: Given, modes: Sequence[bool | None] | None = None) -> Inside:
        """The graph of a call; its nodes stay with their layers."""
        from ..core.input import InputLayer

        types: list[Any] = [one.dtype if given.is_symbolic else self.dtype for one in given.tensors]
        rows = [rows_before(one) if given.is_symbolic and self._keeps_rows else None for one in given.tensors]
        each = zip(given.shapes, rows, types, strict=True)
        inputs = [InputLayer(shape[1:], n, dtype=kind, name=f"{self.name}_input").output for shape, n, kind in each]
        args, options = given.with_tensors(inputs)
        asks = self._asks_training
        if modes is None:
            modes = (True, False) if asks else (None,)
        made = traced(
            self, lambda mode: self.call(*args, **options, **({"training": mode} if asks else {})), inputs, modes
        )
        self._note_built(given, made)
        return made

    @property
    def _keeps_rows(self) -> bool:
        """Whether there are states for each row of a batch in it."""
        return any(vars(leaf).get("stateful") for leaf in self._leaves.values())

    @property
    def _asks_training(self) -> bool:
        """Whether `call` may differ between training and inference."""
        return "training" in parameters_of(self)

    def _modes(self, in_inference: bool) -> Sequence[bool | None]:
        """How often `call` is to run: what it does for training and inference is compared in the outermost run."""
        outer = current()
        if not self._asks_training:
            return (None,)
        if in_inference:
            return (False,)
        return (True, False) if outer is None or outer.training is None else (outer.training,)

    def _note_built(self, given: Given, made: Inside) -> None:
        shapes = given.shapes_for([])[0]
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

    def _run_on_arrays(self, given: Given) -> Any:
        """The outputs for arrays: of a model of this layer alone."""
        from ..core.input import InputLayer

        flags = [leaf.trainable for leaf in self._leaves.values()]
        args, options = given.with_tensors([Shaped(shape) for shape in given.shapes])
        rows = len(given.tensors[0]) if self._keeps_rows else None
        key = repr((args, options, flags, rows))
        known: tuple[Any, ...] = vars(self).get("_alone") or (None, None, None)
        if known[0] != key:
            inputs = [InputLayer(shape[1:], rows, dtype=self.dtype).output for shape in given.shapes]
            args, options = given.with_tensors(inputs)
            made = self._called(*args, **options)
            node, outputs = self._nodes[-1], flat(made)
            discard([node])
            ends = outputs if len(outputs) > 1 else outputs[0]
            model = MODELS["Functional"](inputs, ends, name=f"{self.name}_alone")
            known = vars(self)["_alone"] = key, model, like(made, iter(range(len(outputs))))
        model, structure = known[1:]
        x: Any = given.tensors
        mask = None if given.mask is None else [given.mask] + [None] * (len(x) - 1)
        if len(x) == 1:
            x, mask = x[0], given.mask
        values = model(x, training=given.training, mask=mask)
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
        if not self._may_trace:
            return None
        known = self._tried_outputs.get(repr(input_shape))
        if known is None:
            given = self._given_shapes(input_shape)
            if not self._holds(given):
                return None
            discard(self._traced(given).calls)
            known = self._tried_outputs[repr(given.shapes_for([])[0])]
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
        return {name: value for name, value in kept.items() if not is_symbolic(value)}

    def _aligned(self, weights: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        """Weights where the engine can read them and leave them."""
        return [placed(weight, self.dtype) for weight in weights] if self._may_trace else weights
