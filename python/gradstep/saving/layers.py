"""Layers of a model's config."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from .. import _core, layers
from ..checks import check_int, describe
from ..described import MODELS, revive
from ..layers.base.layer import Layer, Shape
from ..layers.base.sizes import for_weights
from ..layers.base.weights import assign, leaves_of
from ..layers.core.input import InputLayer
from ..layers.recurrent.recurrent import Recurrent
from ..layers.recurrent.with_states import tell_rows

if TYPE_CHECKING:
    from .sharing import Reading

__all__ = ["described_input", "give_weights", "held_model", "made_layer", "take_keys", "take_weights"]


def described_input(shape: Sequence[int | None], row: Sequence[Layer]) -> dict[str, Any]:
    """The entry of a model's input in a config."""
    dtype = row[0].dtype if row else "float32"
    return {
        "module": "keras.layers",
        "class_name": "InputLayer",
        "config": {"batch_shape": [None, *shape], "dtype": dtype, "name": "input_layer"},
        "registered_name": None,
    }


def held_model(entry: Any) -> Any:
    """The entry of the model in that of a `TimeDistributed`, or of what stands between them; None of another layer."""
    config = (
        entry.get("config") if isinstance(entry, Mapping) and entry.get("class_name") == "TimeDistributed" else None
    )
    inner = config.get("layer") if isinstance(config, Mapping) else None
    if not isinstance(inner, Mapping):
        return None
    return inner if inner.get("class_name") in MODELS or held_model(inner) is not None else None


@cache
def _table() -> dict[str, Any]:
    return {name: getattr(layers, name) for name in layers.__all__ if isinstance(getattr(layers, name), type)}


def made_layer(entry: Any, what: str) -> Layer:
    """The layer of an entry of a config; what: its name in errors."""
    if isinstance(entry, Mapping) and entry.get("class_name") == "InputLayer":
        return InputLayer.from_config(entry.get("config") or {})
    layer = revive(entry, _table(), what)
    if not isinstance(layer, Layer):
        raise TypeError(f"{what} must be a layer; got {describe(layer)}.")
    return layer


def take_key(layer: Layer, key: Any) -> None:
    """Let a layer draw from a key; None if it does not draw."""
    if (key is None) != (layer._key is None):
        raise ValueError(f"layer {layer.name!r} must have a key if it draws, and none otherwise.")
    if key is not None:
        vars(layer)["_key"] = check_int("a layer's key", key, 0, 2**64 - 1)


def take_keys(layers: Sequence[Any], keys: Sequence[int | None]) -> None:
    """Let layers, and those of models among them, draw from these keys; None for those that do not draw."""
    leaves = list(leaves_of(layers).values())
    if len(keys) != len(leaves):
        raise ValueError(f"a model of {len(leaves)} layers must have one key for each layer; got {len(keys)}.")
    for leaf, key in zip(leaves, keys, strict=True):
        take_key(leaf, key)
    for layer in layers:
        if not isinstance(layer, Layer) or layer._holds_model:
            layer._rekey([leaf._key for leaf in layer._leaves.values()])


def take_weights(given: Sequence[Any], reading: Reading) -> None:
    """Build layers for the shape that the `Input` in front says, with weights that are given.

    The engine says what shapes they must have; only then are they asked for, and nothing is allocated before, but for
    custom layers, which create theirs first.
    """
    row = [layer for layer in given if not isinstance(layer, InputLayer)]
    if len(row) == len(given):
        return  # of unknown shape: there are no weights yet
    tell_rows(row, given[0].batch_size)
    entrance = given[0]._rows_shape() or ()
    current: Shape = (None, *entrance)
    entering = []
    for layer in row:
        entering.append(layer._check_shape(current))
        current = layer.compute_output_shape(current)
    for layer, shape in zip(row, entering, strict=True):
        if isinstance(layer, Layer):  # a model has its weights already
            give_weights(layer, (None, *shape), reading)


def give_weights(layer: Layer, input_shape: Any, reading: Reading) -> None:
    """Build a layer with weights that are given; of what shapes they must be is known before any is allocated.

    A layer in NumPy makes its own first, if it has any. One that has got its weights in another place keeps them.
    """
    source, place = reading.source, reading.taken(layer)
    assert source is not None
    if place is None:
        return
    number, path = place
    if layer._in_numpy or layer._weightless:
        layer.build(input_shape)
        if layer.weights:
            assign(layer.weights, source(number, path, [weight.shape for weight in layer.weights]))
        return
    shape = layer._check_shape(input_shape)
    layer._input_shape, row = (None, *shape), for_weights(layer, shape)
    spec = layer.specification()
    shapes = [] if spec is None else _core.weight_shapes([row], spec)
    states = layer._new_states(row) if isinstance(layer, Recurrent) else []
    shapes = shapes[: len(shapes) - len(states)]
    layer._weights = [*source(number, path, [tuple(sizes) for sizes in shapes]), *states] if shapes else []
    layer.built = True
