"""Where Keras's files have the weights of layers: the groups of HDF5."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..layers.base.holding import INTERNAL
from ..layers.core.time_distributed import TimeDistributed
from .operations import without_masks

__all__ = ["described_places", "places"]

# Where in a layer's group Keras keeps the weights, of layers that have them in layers inside: as many in each.
INSIDE: dict[str, tuple[str, ...]] = dict.fromkeys(
    ("GRU", "LSTM", "SimpleRNN", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"), ("/cell",)
)
INSIDE |= {
    "Bidirectional": ("/forward_layer/cell", "/backward_layer/cell"),
    "MultiHeadAttention": ("/query_dense", "/key_dense", "/value_dense", "/output_dense"),
}


def _stem(name: str) -> str:
    """A class's name in snake case, as Keras writes it."""
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)).lower()


def _groups(chains: Sequence[Sequence[str]]) -> Iterator[list[str]]:
    """Keras's names of the groups of each layer: its class in snake case, numbered within the model.

    chains: the class of each, and of those that it holds one in another, as a `TimeDistributed` does.
    """
    count: dict[str, int] = {}
    for name, *held in chains:
        stem = _stem(name)
        count[stem] = count.get(stem, -1) + 1
        number = f"_{count[stem]}" if count[stem] else ""
        parts = INSIDE.get([name, *held][-1], ("",))
        yield [f"layers/{stem}{number}{'/layer' * len(held)}{part}" for part in parts]


def _chain(layer: Any) -> list[Any]:
    """A layer or model, behind those that hold it."""
    chain = [layer]
    while isinstance(chain[-1], TimeDistributed):
        chain.append(chain[-1].layer)
    return chain


def places(model: Any, outer: str = "") -> dict[int, tuple[list[str], Any]]:
    """The groups of every layer of a model, those of models and layers in it too; each layer once, by its identity."""
    found: dict[int, tuple[list[str], Any]] = {}
    if model._is_made_by_call:
        _places_in(model, outer.rstrip("/"), found)
        return found
    chains = [_chain(layer) for layer in model.layers]
    for groups, chain in zip(_groups([[type(one).__name__ for one in chain] for chain in chains]), chains, strict=True):
        _place(chain, [outer + group for group in groups], found)
    return found


def _place(chain: Sequence[Any], at: list[str], found: dict[int, tuple[list[str], Any]]) -> None:
    """Add the places of a layer or model, or of the innermost one in layers that hold one."""
    inner: dict[int, tuple[list[str], Any]]
    if hasattr(chain[-1], "layers"):
        inner = places(chain[-1], f"{at[0]}/")
    elif chain[-1]._is_made_by_call:
        inner = {}
        _places_in(chain[-1], at[0], inner)
    else:
        inner = {id(chain[0]): (at, chain[0])}
    for key, place in inner.items():
        found.setdefault(key, place)


def _places_in(holder: Any, at: str, found: dict[int, tuple[list[str], Any]]) -> None:
    """Add the places of the layers that are attributes of a layer or model, in the order in which Keras visits them."""
    own = holder._leaves.get("")
    if own is not None:
        found.setdefault(id(own), ([at], own))
    named = {name: value for name, value in vars(holder).items() if name not in INTERNAL}
    if hasattr(holder, "layers"):
        named["layers"] = holder.layers
    for name in sorted(named, key=lambda name: f"~{name}" if name.startswith("_") else name):
        _place_value(named[name], f"{at}/{name}".lstrip("/"), found)


def _place_value(value: Any, at: str, found: dict[int, tuple[list[str], Any]]) -> None:
    if getattr(type(value), "_is_part", False):
        chain = _chain(value)
        last = INSIDE.get(type(chain[-1]).__name__, ("",))
        _place(chain, [f"{at}{'/layer' * (len(chain) - 1)}{part}" for part in last], found)
    elif isinstance(value, (list, tuple, Mapping)):
        used: dict[str, int] = {}
        for one in value.values() if isinstance(value, Mapping) else value:
            is_part = getattr(type(one), "_is_part", False)
            if is_part or isinstance(one, (list, tuple, Mapping)):
                stem = _stem(type(one).__name__) if is_part else "container"
                used[stem] = used.get(stem, -1) + 1
                _place_value(one, f"{at}/{stem}{f'_{used[stem]}' if used[stem] else ''}", found)


def _described_chain(entry: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The entry of a layer or model in a config, behind those that hold it."""
    chain = [entry]
    while chain[-1].get("class_name") == "TimeDistributed":
        config = chain[-1].get("config")
        inner = config.get("layer") if isinstance(config, Mapping) else None
        if not isinstance(inner, Mapping):
            break
        chain.append(inner)
    return chain


def described_places(config: Any, outer: str = "") -> list[list[str]]:
    """Keras's names of the groups of the layers in a model's config, in order, without inputs."""
    layers = config.get("layers") if isinstance(config, Mapping) else None
    if isinstance(config, Mapping) and "output_layers" in config:
        layers = without_masks(layers, config["output_layers"])
    known = [one for one in layers if isinstance(one, Mapping)] if isinstance(layers, list) else []
    chains = [_described_chain(one) for one in known if one.get("class_name") != "InputLayer"]
    classes = [[str(one.get("class_name")) for one in chain] for chain in chains]
    found = []
    for groups, chain in zip(_groups(classes), chains, strict=True):
        at, own = [outer + group for group in groups], chain[-1].get("config")
        inner = isinstance(own, Mapping) and isinstance(own.get("layers"), list)
        found += described_places(own, f"{at[0]}/") if inner else [at]
    return found
