"""Arguments that the constructors of many layers have; `given` is a constructor's ``locals()``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ... import constraints, initializers, regularizers

__all__ = ["options_of", "take_rules"]

OPTIONS = ("input_shape", "input_dim", "dtype", "name", "trainable")  # of every layer
# What the names of such arguments end in: kernel_initializer.
KINDS = {"initializer": initializers.get, "regularizer": regularizers.get, "constraint": constraints.get}


def options_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments for the constructor of `Layer`."""
    return {name: given[name] for name in OPTIONS if name in given}


def take_rules(layer: Any, given: Mapping[str, Any]) -> None:
    """Keep initializers, regularizers and constraints, each as an attribute of its name."""
    for name, rule in given.items():
        get = KINDS.get(name.rpartition("_")[2])
        if get is not None:
            setattr(layer, name, get(rule))
