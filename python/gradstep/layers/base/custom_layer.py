"""Custom layers in NumPy: what `Layer` does for them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np

from ... import _core, constraints, initializers, regularizers
from ...checks import check_bool, check_config, shape_of, shown
from ...described import MODELS, arguments_of, revive, serialize
from ...references import is_ours
from . import custom_layer_calls
from .holding import given_arguments
from .sizes import PROBES, check_is_shape, common, for_weights, is_open, is_resizing, probed
from .tracing import current
from .variable import Variable

if TYPE_CHECKING:
    from .eager import EagerExecutor
    from .layer import Layer, Shape

__all__ = ["CustomLayer", "revived_arguments"]

Self = TypeVar("Self", bound="CustomLayer")

# Arguments of every layer, which the constructor of a subclass need not take.
COMMON = ("name", "trainable", "dtype")
# Shapes of outputs that were tried and are kept.
MOST_TRIED = 64


class CustomLayer:
    """Mixin of `Layer` for custom layers: subclasses with a method `forward`, or Keras's `call`, in NumPy."""

    _in_numpy: ClassVar[bool] = False

    name: str
    dtype: str
    built: bool
    _weight_names: Sequence[str]
    _trained: Sequence[bool]
    _passing: tuple[str, ...]
    _input_shape: Any
    _eager: EagerExecutor

    if TYPE_CHECKING:
        _stages: Sequence[Layer]

        @property
        def _output_row(self) -> tuple[int, ...]: ...
        def draw_weights(self, input_shape: tuple[int, ...]) -> list[np.ndarray]: ...
        def _check_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]: ...
        def _check_rules(self) -> None: ...
        def _shape_of_parts(self, input_shape: Any) -> Any: ...

        _may_trace: ClassVar[bool]
        _is_made_by_call: bool

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._in_numpy = any(callable(getattr(cls, name, None)) for name in ("forward", "call"))
        if not cls._in_numpy:
            return
        cls._apart = COMMON
        for name, around in (("build", cls._build_around), ("backward", cls._backward_around)):
            if name in vars(cls):
                setattr(cls, name, _guarded_method(name, vars(cls)[name], around))

    # Arguments that `from_config` takes, though the constructor of a subclass need not.
    _apart: ClassVar[tuple[str, ...]] = ()

    def __init__(self) -> None:
        self._added_rules: list[tuple[regularizers.Regularizer | None, constraints.Constraint | None]] = []
        self._tried_outputs: dict[tuple[int, ...], Shape] = {}  # shapes of them, by that of a row, as they were tried

    @property
    def _weights(self) -> list[Variable]:
        return self._variables

    @_weights.setter
    def _weights(self, arrays: Sequence[np.ndarray]) -> None:
        self._variables = [array if isinstance(array, Variable) else array.view(Variable) for array in arrays]

    def _draw(self, input_shape: Any) -> None:
        row = for_weights(self, tuple(input_shape)[1:])  # type: ignore[arg-type]
        self._weights = [*self.draw_weights(row), *self._weights]

    def _build_around(self, build: Callable[..., Any], input_shape: Sequence[int | None]) -> None:
        check_is_shape(input_shape)
        if self._is_made_by_call:
            self._shape_of_parts(input_shape)
            return
        shape = self._check_shape(input_shape)
        if self.built:
            if is_resizing():
                self._input_shape = (None, *shape)
            return
        if self._shape_of_parts(input_shape) is not None:
            return
        before = self._weights, self._weight_names, self._trained, list(self._added_rules)
        try:
            if not vars(self).get("_has_built"):
                build(self, (None, *shape))
            self._check_rules()
            _check_parts(self)
        except BaseException:
            self._weights, self._weight_names, self._trained, self._added_rules = before
            self.built = False
            raise
        self._input_shape = (None, *shape)
        self.built = True
        if None in shape and not is_resizing():
            for stage in self._stages:
                stage.build((None, *self._output_row))

    def _output_by_trial(self, row: tuple[int | None, ...]) -> Shape:
        """Shape of the output of a custom layer, for rows of a shape: what rows of zeros give."""

        def tried(shape: Any) -> Shape:
            row, known = tuple(shape[1:]), self._tried_outputs
            if row not in known:
                if len(known) >= MOST_TRIED:
                    known.clear()
                known[row] = custom_layer_calls.output_by_trial(self, row)  # type: ignore[arg-type]
            return (None, *known[row])

        shape = (None, *row)
        if not is_open(shape):
            return tried(shape)
        made: Shape = common(*probed(tried, shape, PROBES[:1]))
        return made

    def _backward_around(self, backward: Callable[..., Any], dy: Any) -> Any:
        return self._eager.backward(dy)

    def add_weight(
        self,
        shape: Sequence[int] | int = (),
        initializer: str | initializers.Initializer | Callable[..., Any] | None = None,
        trainable: bool = True,
        name: str | None = None,
        *,
        regularizer: str | regularizers.Regularizer | None = None,
        constraint: str | constraints.Constraint | None = None,
    ) -> np.ndarray:
        """Add a weight to a custom layer, in its `build` or constructor.

        Parameters
        ----------
        shape : tuple of int, default ()
        initializer : str, Initializer or function, default "glorot_uniform"
            What it is at the start.
        trainable : bool, default True
            Whether `backward` gives a gradient for it. The others the layer may change itself, in place.
        name : str, default "weight"
            In files; with a number if it is taken.
        regularizer : str or Regularizer, optional
        constraint : str or Constraint, optional
            Of vectors and matrices.

        Returns
        -------
        ndarray of the layer's dtype
            The weight itself: training changes it in place. To keep it under a name, ``self.w = self.add_weight(...)``.

        Raises
        ------
        TypeError, ValueError
            An argument that cannot be; the layer computes in the engine, or is built.

        Notes
        -----
        Keras's `dtype`, `autocast` and `aggregation` are not there: a layer has one dtype.
        """
        if not self._in_numpy:
            raise TypeError(f"layer {self.name!r} must define forward() to add weights.")
        if self.built:
            raise ValueError(f"layer {self.name!r} is built: weights are added in build(), or in the constructor.")
        run = current()
        if run is not None and run.holder is self:
            raise ValueError(f"layer {self.name!r} must add weights in build(), or in the constructor; not in call().")
        sizes = () if isinstance(shape, (tuple, list)) and not shape else shape_of("shape", shape)
        trained = check_bool("trainable", trainable)
        rules = regularizers.get(regularizer), constraints.get(constraint)
        if rules[0] is not None:
            rules[0].check(sizes)
        if rules[1] is not None:
            rules[1].rule(len(sizes))
        draw = initializers.get("glorot_uniform" if initializer is None else initializer)
        values = np.asarray(draw(sizes, dtype=self.dtype))
        if values.shape != sizes:
            raise ValueError(f"initializer must give an array of shape {sizes}; it gave {values.shape}.")
        weight = _core.aligned_zeros(sizes, self.dtype).view(Variable)
        weight[...] = values
        count = len(self._weights)
        taken = self._weight_names[:count]
        self._weight_names = (*taken, _free("weight" if name is None else name, taken))
        self._trained = (*self._trained[:count], trained)
        self._weights = [*self._weights, weight]
        self._added_rules.append(rules)
        return weight

    def get_config(self) -> dict[str, Any]:
        """Config of the object: the arguments of its constructor as numbers, strings, lists and dicts.

        Raises
        ------
        TypeError
            An argument cannot be written, such as a lambda; or is no attribute of its name, in a custom layer that
            has no `get_config`.
        """
        if not self._in_numpy:
            common = {} if is_ours(type(self)) else {name: getattr(self, name) for name in COMMON}
            return arguments_of(self, self._passing) | common
        config: dict[str, Any] = {name: getattr(self, name) for name in COMMON}
        given = given_arguments(self) if self._may_trace else {}
        for name, parameter in inspect.signature(type(self)).parameters.items():
            if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL) or name in (*self._passing, *COMMON):
                continue
            if name in given:
                config[name] = serialize(given[name], f"{name} of {self!r}")
            elif hasattr(self, name):
                config[name] = serialize(getattr(self, name), f"{name} of {self!r}")
            elif type(self).get_config is CustomLayer.get_config:
                raise TypeError(
                    f"layer {self.name!r} must have an attribute {name!r}, as its constructor's argument, or "
                    "get_config(), to be written."
                )
        return config

    @classmethod
    def from_config(cls: type[Self], config: Mapping[str, Any]) -> Self:
        """Create an object from its config.

        Raises
        ------
        TypeError, ValueError
            As the class itself does for these arguments.
        """
        check_config(config)
        if is_ours(cls):
            return cls(**config)
        parameters = inspect.signature(cls).parameters
        open_ended = cls._in_numpy and any(one.kind is one.VAR_KEYWORD for one in parameters.values())
        spare = () if open_ended else [name for name in COMMON if name not in parameters]
        later = {name: config[name] for name in spare if name in config}
        arguments = {name: value for name, value in config.items() if name not in later}
        if cls._may_trace:
            arguments = revived_arguments(arguments)
        made = cls(**arguments)
        for name, value in later.items():
            if getattr(made, name) != value:
                setattr(made, name, value)
        return made


def _guarded_method(name: str, method: Callable[..., Any], around: Callable[..., Any]) -> Callable[..., Any]:
    """The method with something around it; but itself, where it is called from within, as by ``super()``."""
    key = f"_in_{name}"

    @wraps(method)
    def wrapped(self: CustomLayer, *args: Any, **kwargs: Any) -> Any:
        if vars(self).get(key):
            return method(self, *args, **kwargs)
        vars(self)[key] = True
        try:
            return around(self, method, *args, **kwargs)
        finally:
            vars(self).pop(key, None)

    return wrapped


def revived_arguments(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of a constructor, of a config: layers and models in the place of what it has for them."""
    return {name: _revived(name, value) for name, value in arguments.items()}


def _revived(name: str, value: Any) -> Any:
    if isinstance(value, Mapping) and {"class_name", "config"} <= set(value):
        from ... import layers  # here: they have this one

        return revive(value, {**vars(layers), **MODELS}, name)
    return [_revived(name, one) for one in value] if isinstance(value, list) else value


def _check_parts(layer: CustomLayer) -> None:
    """Refuse layers within a layer in NumPy: their weights would neither be trained nor saved."""
    for name, value in vars(layer).items():
        parts = value if isinstance(value, (list, tuple)) else value.values() if isinstance(value, dict) else [value]
        if layer._in_numpy and any(isinstance(part, CustomLayer) for part in parts):
            raise TypeError(
                f"layer {layer.name!r} must not hold other layers, whose weights it would not train; its attribute "
                f"{name!r} does. Put them beside it into the model; or give it a method call that combines them, "
                "without forward, backward, jvp and compute_mask."
            )


def _free(name: Any, taken: Sequence[str]) -> str:
    if not isinstance(name, str) or not name or "/" in name:
        raise TypeError(f"name must be a str of at least one letter, without a slash; got {shown(name)}.")
    number, free = 0, name
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free
