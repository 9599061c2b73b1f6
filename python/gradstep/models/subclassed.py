"""Subclasses of `Model` with a method `call`, whose run on symbolic tensors connects the layers."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ..checks import check_bool, is_array, numeric
from ..config import floatx
from ..described import serialize
from ..layers.base.custom_layer import revived_arguments
from ..layers.base.holding import check_names, given_arguments, held_layers, parts_in, shapes_in
from ..layers.base.layer import Layer
from ..layers.base.sizes import fits
from ..layers.base.tracing import Inside, discard, flat, paused, traced
from ..layers.core.input import InputLayer
from ..naming import path_part
from ..trainers.losses_and_metrics import LossesAndMetrics
from .topology import TensorSpec

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..trainers.executor import Executor
    from ..trainers.sizes import Row

__all__ = ["Subclassed"]

# Methods of Keras's models that its loops call, and what is in their place.
LOOPS = ("train_step", "test_step", "predict_step", "compute_loss")


class Subclassed:
    """Mixin of `Functional` for subclasses with a method `call`."""

    _has_call: ClassVar[bool] = False

    name: str
    call: Callable[..., Any]
    _ins: TensorSpec
    _outs: TensorSpec
    _dtype: str
    _calls: list[Any]
    _compiled: dict[str, Any]
    _listed: list[Any]

    if TYPE_CHECKING:
        _executor: Executor

        @property
        def _leaves(self) -> dict[str, Any]: ...
        @property
        def _guard(self) -> Any: ...
        def build(self, input_shape: Any) -> None: ...
        def _renew(self) -> None: ...
        def _take_seed(self, seed: Any) -> None: ...
        def _connect_engine(self, rows: Sequence[Row]) -> None: ...

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._has_call = callable(getattr(cls, "call", None))

    def __new__(cls, *args: Any, **options: Any) -> Any:
        made = super().__new__(cls)
        if cls._has_call:
            vars(made)["_given"] = (args, options)
        return made

    def __setattr__(self, name: str, value: Any) -> None:
        if self._is_made_by_call and self.built and (_has_parts(value) or _has_parts(vars(self).get(name))):
            raise AttributeError(
                f"{name} of model {self.name!r} holds for good, now that it is built: what call() made of its layers "
                "is what runs. Make a new model, which may have the same layers."
            )
        super().__setattr__(name, value)

    @property
    def _is_made_by_call(self) -> bool:
        """Whether the layers are connected by `call`."""
        return self._has_call

    @property
    def built(self) -> bool:
        """Whether the weights exist: always, but of a subclass with `call` from the first data or `build` on."""
        return vars(self).get("_ins") is not None

    @built.setter
    def built(self, value: bool) -> None:
        """For `build` of a subclass, as Keras has it: that its layers are made. The model is built when `call` ran."""
        if not self._is_made_by_call:
            raise AttributeError(f"built of model {self.name!r} follows from its layers and cannot be set.")
        check_bool("built", value)

    def _must_be_built(self) -> None:
        if not self.built:
            raise ValueError(f"model {self.name!r} is not built: give it data, or call build(input_shape).")

    def _begin(self, name: str | None, seed: int | None) -> None:
        """What a model has before it is built."""
        self._take_seed(seed)
        self.name = path_part(self, name)
        self._dtype = floatx()

    def _begin_anew(self, name: str, attributes: Mapping[str, Any]) -> None:
        """Be a model that is not built, with these attributes, where the constructor did not run."""
        super().__init__()
        self._begin(name, None)
        vars(self).update(attributes)

    @property
    def _layers(self) -> list[Any]:
        """The layers, and models used as layers."""
        return self._listed if self.built or not self._is_made_by_call else held_layers(self)

    @_layers.setter
    def _layers(self, layers: list[Any]) -> None:
        self._listed = layers

    # -- building ------------------------------------------------------------------------------------------------------

    def _meet(self, x: Any) -> None:
        """Build the model for data like these, if it is not built; or for those of other sizes than the first."""
        if not self.built or vars(self).get("_infers"):
            self._meet_shapes(_shapes_of(x))

    def _meet_shapes(self, shapes: Any) -> None:
        if self.built:
            if vars(self).get("_infers"):
                self._meet_sizes(shapes)
            return
        vars(self)["_infers"] = True
        self.build(shapes)
        if not self.built:  # a `build` of the subclass made its layers alone
            Subclassed._build_by_call(self, shapes)

    def _build_by_call(self, input_shape: Any) -> None:
        """Connect the layers by a run of `call` on symbolic tensors of this shape, or of a list or dict of shapes."""
        with self._guard, paused():
            if self.built:
                return
            self._trace(self._tensors_for(input_shape))

    def _tensors_for(self, input_shape: Any) -> Any:
        """Symbolic tensors of new inputs of these shapes."""
        rows = [shape[1:] for shape in shapes_in(input_shape)]
        names = list(input_shape) if isinstance(input_shape, Mapping) else [None] * len(rows)
        each = zip(rows, names, strict=True)
        tensors = iter([InputLayer(row, dtype=self._dtype, name=name).output for row, name in each])
        return _placed_in(input_shape, tensors)

    def _meet_sizes(self, shapes: Any) -> None:
        """Let a model that was built for the first data take data of other sizes too, if no weight depends on them.

        Otherwise it stays as it is, and who gave the data is told which shape there is.
        """
        known, given = self._ins.rows, [shape[1:] for shape in shapes_in(shapes)]
        same_axes = len(known) == len(given) and all(len(a) == len(b) for a, b in zip(known, given, strict=True))
        if not same_axes or all(fits(a, b) for a, b in zip(known, given, strict=True)):
            return
        opened = [
            (None, *(one if one == size else None for one, size in zip(row, other, strict=True)))
            for row, other in zip(known, given, strict=True)
        ]
        with self._guard, paused():
            inputs = self._tensors_for(self._ins.structured(opened))
            try:
                made = self._run_of_call(inputs)
            except ValueError:
                return
            before = dict(vars(self))
            try:
                ins, outs = TensorSpec(inputs, "inputs"), TensorSpec(made.made, "outputs")
                vars(self).update(_ins=ins, _outs=outs, _calls=made.calls)
                self._connect_engine(ins.rows)
            except ValueError:
                vars(self).clear()
                vars(self).update(before)
                discard(made.calls)
                return
            discard(before["_calls"])

    def _run_of_call(self, given: Any) -> Inside:
        """The graph that `call` makes of symbolic tensors."""
        known = inspect.signature(self.call).parameters
        asks = "training" in known
        needed = [
            name
            for name, one in list(known.items())[1:]
            if one.default is one.empty
            and one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)
            and name not in ("training", "mask")
        ]
        if needed:
            raise TypeError(
                f"call() of model {self.name!r} must take its tensors in one argument, a list or dict of several; it "
                f"needs {needed[0]!r} too. A layer, over layers.Layer, may take more."
            )
        needs_mask = "mask" in known and known["mask"].default is inspect.Parameter.empty
        more: dict[str, Any] = {"mask": None} if needs_mask else {}

        def call(mode: bool | None) -> Any:
            return self.call(given, **more, **({"training": mode} if asks else {}))

        return traced(self, call, flat(given), (True, False) if asks else (None,))

    def _trace(self, given: Any) -> None:
        ins, made = TensorSpec(given, "inputs"), self._run_of_call(given)
        outs = TensorSpec(made.made, "outputs")
        if not made.calls:
            raise ValueError(
                f"call() of model {self.name!r} must have a layer or operation between inputs and outputs."
            )
        layers = held_layers(self)
        check_names(layers)
        leaves = list(self._leaves.values())
        for leaf in leaves:
            if leaf.dtype != leaves[0].dtype:
                raise ValueError(
                    f"layers of a model must have one dtype; layer {leaf.name!r} has {leaf.dtype}, "
                    f"{leaves[0].name!r} has {leaves[0].dtype}."
                )
        for operation in [*leaves, *(node.operation for node in made.calls)]:
            self._guard.join(operation._guard)
            if isinstance(operation, Layer):
                operation._shared = True
        before = dict(vars(self))
        try:
            vars(self).update(_ins=ins, _outs=outs, _calls=made.calls, _listed=layers)
            self._dtype = leaves[0].dtype if leaves else self._dtype
            self._connect_engine(ins.rows)
            self._resolve_losses()
        except BaseException:
            self._executor.network = None
            vars(self).clear()
            vars(self).update(before)
            raise

    def _resolve_losses(self) -> None:
        """What `compile` was told, for the outputs that are known now."""
        if not self._compiled:
            return
        names = "loss", "loss_weights", "metrics", "weighted_metrics"
        known = self._losses_and_metrics(*(self._compiled[name] for name in names))
        self._renew()
        self._executor.losses_and_metrics = known
        self._executor.changed()

    def _losses_and_metrics(self, loss: Any, loss_weights: Any, metrics: Any, weighted: Any) -> LossesAndMetrics:
        if not self.built:  # of which outputs follows from `call`
            plain = [one for one in flat([loss, metrics or [], weighted or []]) if isinstance(one, str)]
            if not isinstance(loss, (list, tuple, Mapping)) and not isinstance(metrics, Mapping):
                return LossesAndMetrics.of_one(["output"], loss, None, plain[isinstance(loss, str) :], None)
            return LossesAndMetrics.of_one([], None, None, None, None)
        made: LossesAndMetrics = super()._losses_and_metrics(loss, loss_weights, metrics, weighted)  # type: ignore[misc]
        return made

    def _check_loops(self) -> None:
        """Refuse methods of Keras's that nothing would call."""
        cls = type(self)
        for name in LOOPS if self._is_made_by_call else ():
            if hasattr(cls, name):
                raise NotImplementedError(
                    f"fit does not call {name}() of {cls.__name__}: write the loop yourself, with value_and_grad() or "
                    "a call with training=True, backward() and optimizer.step(); see the page on own loops."
                )

    # -- configs -------------------------------------------------------------------------------------------------------

    def _own_config(self) -> dict[str, Any]:
        """The name, and the arguments of the constructor."""
        given = given_arguments(self)
        return {"name": self.name} | {
            name: serialize(value, f"{name} of {self!r}") for name, value in given.items() if name != "name"
        }

    @classmethod
    def _of_own_config(cls, config: Mapping[str, Any]) -> Any:
        parameters = inspect.signature(cls).parameters
        open_ended = any(one.kind is one.VAR_KEYWORD for one in parameters.values())
        takes_name = open_ended or "name" in parameters
        arguments = {name: value for name, value in config.items() if takes_name or name != "name"}
        made = cls(**revived_arguments(arguments))
        if "name" not in arguments and isinstance(config.get("name"), str):
            made.name = config["name"]
        return made

    def _build_config(self) -> dict[str, Any] | None:
        """What `call` was run for, as Keras writes it."""
        if not self.built:
            return None
        return {"input_shape": self._ins.structured([list(tensor.shape) for tensor in self._ins.tensors])}

    def _built_as(self, config: Any) -> None:
        """Build as `_build_config` says."""
        shape = config.get("input_shape") if isinstance(config, Mapping) else None
        if shape is not None and not self.built:
            Subclassed._build_by_call(self, shape)


def _has_parts(value: Any) -> bool:
    return next(parts_in(value), None) is not None


def _placed_in(shapes: Any, tensors: Iterator[Any]) -> Any:
    """Tensors in the place of shapes."""
    if isinstance(shapes, Mapping):
        return {name: _placed_in(one, tensors) for name, one in shapes.items()}
    nested = bool(shapes) and isinstance(shapes[0], (list, tuple, Mapping))
    return [_placed_in(one, tensors) for one in shapes] if nested else next(tensors)


def _shapes_of(x: Any) -> Any:
    """The shape of data with the rows in front, or a list or dict of the shapes of several inputs."""
    if isinstance(x, Mapping):
        return {name: _shape_of(one) for name, one in x.items()}
    if isinstance(x, (list, tuple)) and x and all(is_array(one) or hasattr(one, "shape") for one in x):
        return [_shape_of(one) for one in x] if np.ndim(x[0]) else _shape_of(x)
    return _shape_of(x)


def _shape_of(x: Any) -> tuple[Any, ...]:
    shape = x.shape if hasattr(x, "shape") else numeric(x, "x").shape
    return (None, *(int(size) for size in shape[1:])) if len(shape) > 1 else (None, 1)
