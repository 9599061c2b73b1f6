"""Layers of a model's config."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .. import _core, layers
from ..checks import whole
from ..described import revive
from ..layers.base import Layer, Shape
from ..layers.input import Input, InputLayer
from ..layers.weights import assign
from ..optimizers.arrays import describe

if TYPE_CHECKING:
    from .savable import Source

__all__ = ["described_input", "made_layers", "take_weights"]


def described_input(shape: Sequence[int], row: Sequence[Layer]) -> dict[str, Any]:
    """A model's input in the words of a config."""
    dtype = row[0].dtype if row else "float32"
    return {
        "module": "keras.layers",
        "class_name": "InputLayer",
        "config": {"batch_shape": [None, *shape], "dtype": dtype, "name": "input_layer"},
        "registered_name": None,
    }


def made_layers(config: Any) -> list[Layer]:
    """The layers of a model's config, with an `Input` in front if it has one.

    Raises
    ------
    TypeError, ValueError
        It is no config of a model in a row, or a layer or setting is not known.
    """
    if not isinstance(config, Mapping) or not isinstance(config.get("layers"), list):
        raise TypeError(f"config must be a dict with a list of layers; got {describe(config)}.")
    table = {name: getattr(layers, name) for name in layers.__all__ if isinstance(getattr(layers, name), type)}
    return [_made(words, table, f"layer {number}") for number, words in enumerate(config["layers"])]


def _made(words: Any, table: Mapping[str, Any], what: str) -> Layer:
    if isinstance(words, Mapping) and words.get("class_name") == "InputLayer":
        return _input(words.get("config"))
    layer = revive(words, table, what)
    if not isinstance(layer, Layer):
        raise TypeError(f"{what} must be a layer; got {describe(layer)}.")
    return layer


def _input(config: Any) -> Layer:
    shape = config.get("batch_shape") if isinstance(config, Mapping) else None
    if not isinstance(shape, list) or len(shape) < 2 or shape[0] is not None:
        raise ValueError(f"an InputLayer must have a batch_shape [null, ...]; got {shape!r}.")
    return Input(tuple(shape[1:]))


def take_weights(given: Sequence[Layer], keys: Sequence[int | None] | None, weights: Source) -> None:
    """Build layers for the shape that the `Input` in front says, with weights that are given.

    The engine says what shapes they must have; only then are they asked for, and nothing is allocated before, but for
    layers of the user's own, which make theirs first.
    """
    row = [layer for layer in given if not isinstance(layer, InputLayer)]
    if keys is not None:
        if len(keys) != len(row):
            raise ValueError(f"a model of {len(row)} layers must have as many keys; got {len(keys)}.")
        for layer, key in zip(row, keys, strict=True):
            if (key is None) != (getattr(layer, "_key", None) is None):
                raise ValueError(f"layer {layer.name!r} must have a key if it draws, and none otherwise.")
            if key is not None:
                if whole("a layer's key", key, 0) >= 2**64:
                    raise ValueError(f"a layer's key must be below 2^64; got {key}.")
                vars(layer)["_key"] = key
    if len(row) == len(given):
        return  # of unknown shape: there are no weights yet
    entrance = given[0]._rows_shape() or ()
    current: Shape = (None, *entrance)
    entering = []
    for layer in row:
        entering.append(layer._check_shape(current))
        current = layer.compute_output_shape(current)
    for number, (layer, shape) in enumerate(zip(row, entering, strict=True)):
        if layer._in_numpy:
            layer.build((None, *shape))
            if layer.weights:
                assign(layer.weights, weights(number, layer.name, [weight.shape for weight in layer.weights]))
            continue
        spec = layer.specification()
        shapes = [] if spec is None else _core.weight_shapes(math.prod(shape), [spec])[0]
        layer._weights = weights(number, layer.name, [tuple(sizes) for sizes in shapes]) if shapes else []
        layer._input_shape, layer.built = (None, *shape), True
