"""Settings of a layer that are assigned after its constructor: ``layer.rate = 0.2``."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, cast
from weakref import WeakKeyDictionary, WeakSet

import numpy as np

from ... import seeds
from ...checks import describe
from ...hints import no_attribute

if TYPE_CHECKING:
    from .layer import Layer

__all__ = ["Settable", "computed_by", "settings_of"]

# Arguments of every constructor that are no settings of what a layer computes.
APART = {"input_shape", "name", "trainable"}
# The models that compute layers, each of which takes new settings of them.
_models: WeakKeyDictionary[Any, WeakSet[Any]] = WeakKeyDictionary()


def computed_by(model: Any, layers: Iterator[Any]) -> None:
    """Let a model know when settings of these layers, or of layers in them, change."""
    for layer in layers:
        _models.setdefault(layer, WeakSet()).add(model)
        computed_by(model, _held(layer))


def _held(layer: Any) -> Iterator[Any]:
    """The layers in a layer: those of a `Bidirectional`, or the one of a `TimeDistributed`."""
    for name, value in list(vars(layer).items()):
        if name == "_holder":  # it is in that, not the other way round
            continue
        for one in value if isinstance(value, (list, tuple)) else [value]:
            if isinstance(one, Settable):
                yield one


@lru_cache(256)
def _settings_of(cls: Any) -> frozenset[str]:
    parameters = inspect.signature(cls).parameters.values()
    named = {one.name for one in parameters if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)}
    of_shape = {one.name for one in parameters if one.name == "input_dim" and one.kind is one.KEYWORD_ONLY}
    return frozenset(named - APART - of_shape)


def settings_of(layer: Settable) -> dict[str, Any]:
    """The settings of a layer, by the names of the constructor's arguments."""
    cls: Any = type(layer)
    return {name: getattr(layer, layer._kept_as.get(name, name)) for name in _settings_of(cls)}


class Settable:
    """Mixin of `Layer`: what an assignment to an attribute means.

    An argument of the constructor is checked as there, and holds from the next call on, in models too: the rate of a
    `Dropout`, an activation, a momentum. Once the layer is built, one that the shapes of weights or outputs follow from
    cannot change any more.
    """

    # Arguments of which the attribute of their name is something else, and what keeps them.
    _kept_as: ClassVar[Mapping[str, str]] = {}

    if TYPE_CHECKING:
        name: str
        built: bool
        _in_numpy: bool

    else:  # for a type checker every name would be one

        def __getattr__(self, name):
            if not name.startswith("__") and "_eager" not in vars(self):
                raise AttributeError(f"{type(self).__name__} must call super().__init__() first in its constructor.")
            raise no_attribute(self, name, {})

    def __setattr__(self, name: str, value: Any) -> None:
        if not self._in_numpy:
            known, cls = vars(self), cast("Any", type(self))
            # A constructor sets each setting once; what is there already is assigned from outside.
            is_made = known.get("built") or ("_eager" in known and name in known)
            if is_made and name in _settings_of(cls):
                return _change(self, name, value)  # type: ignore[arg-type]
        try:
            super().__setattr__(name, value)
        except AttributeError:  # a property
            _refuse(self, name, value)
        return None


def _refuse(layer: Any, name: str, value: Any) -> None:
    """Refuse to replace a weight; ``layer.kernel *= 2`` gives back the weight that it changed."""
    present = getattr(layer, name)
    if value is present and isinstance(present, np.ndarray):
        return
    if isinstance(present, np.ndarray):
        raise AttributeError(
            f"{name} of layer {layer.name!r} is one of its weights, which stay where they are: write into it, "
            f"layer.{name}[...] = values or layer.{name}.assign(values)."
        ) from None
    raise AttributeError(f"{name} of layer {layer.name!r} follows from other attributes and cannot be set.") from None


def _change(layer: Layer, name: str, value: Any) -> None:
    """Set an argument of the constructor, if it can still change."""
    cls = type(layer)
    if (name == "dtype" and layer.built) or any(one not in layer._stages for one in _held(layer)):
        if value is getattr(layer, name) or (isinstance(value, str) and value == getattr(layer, name)):
            return
        raise AttributeError(f"{name} of layer {layer.name!r} holds for good, now that it is built: make a new one.")
    arguments = settings_of(layer) | {"name": layer.name}
    before, after = (_made(cls, arguments | more) for more in ({}, {name: value}))
    changed = {
        one: new
        for one, new in vars(after).items()
        if one not in _runtime() and not (one in vars(before) and _same(vars(before)[one], new))
    }
    if layer.built:
        _check_shapes(layer, after, name, value)
    if name != "seed" and changed.pop("_key", None) is not None and "_key" not in vars(layer):
        changed["_key"] = seeds.word_of(None)  # it draws from now on
    known = vars(layer).get("_assigned", frozenset())
    changed["_assigned"] = known | {name}  # for what is made anew by a constructor that does not know
    with layer._guard:
        old = {one: vars(layer)[one] for one in changed if one in vars(layer)}
        try:
            vars(layer).update(changed)
            for model in list(_models.get(layer, ())):
                model._take_settings()
        except BaseException:
            for one in changed:
                vars(layer).pop(one, None)
            vars(layer).update(old)
            for model in list(_models.get(layer, ())):
                model._take_settings()
            raise


def _made(cls: Any, arguments: dict[str, Any]) -> Any:
    with seeds.within(seeds.Sequence(0)):  # what it draws is no part of the program's random numbers
        return cls(**arguments)


@lru_cache(1)
def _runtime() -> frozenset[str]:
    """Attributes of every layer that are no settings, but what it is and has in a program."""
    from .layer import Layer

    return frozenset(vars(Layer(name="layer"))) - {"_stages"}


def _same(one: Any, other: Any) -> bool:
    if one is other:
        return True
    try:
        return type(one) is type(other) and bool(np.all(one == other))
    except ValueError:  # lists of arrays of several shapes
        return False


def _check_shapes(layer: Layer, after: Layer, name: str, value: Any) -> None:
    """Refuse a setting that would have other weights or outputs."""
    given = layer.input_shape
    several = bool(given) and isinstance(given[0], (list, tuple))
    with seeds.within(seeds.Sequence(0)):
        after._build_for(list(given) if several else [given])  # type: ignore[arg-type]
    shapes = [[weight.shape for weight in one.weights] for one in (layer, after)]
    if shapes[0] != shapes[1] or layer.output_shape != after.output_shape or layer._outputs or after._outputs:
        shown = repr(value) if isinstance(value, (int, float, str, tuple)) else describe(value)
        raise ValueError(
            f"{name} of layer {layer.name!r} holds for good, now that it is built: with {shown} its weights or "
            "outputs would be others. Make a new layer."
        )
