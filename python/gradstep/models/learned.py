"""Which weights gradients are for. A gradient belongs to an array, never to a place in a list: layers are listed by
their distance from the outputs, and what computes a model goes through their calls in another order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from .. import _core
from .graph import Graph
from .mixed import Mixed

__all__ = ["address", "arranged", "learned"]

T = TypeVar("T")


def address(weight: np.ndarray) -> int:
    """Where a weight lies in memory, by which all views of it are known as one."""
    place: int = weight.__array_interface__["data"][0]
    return place


def learned(network: _core.Network | Mixed | Graph) -> list[np.ndarray]:
    """The weights that a network trains, in the order in which it gives their gradients."""
    if isinstance(network, (Mixed, Graph)):
        return (network.graph if isinstance(network, Mixed) else network).weights
    return [
        view
        for views, flags in zip(network.parameters, network.trained, strict=True)
        for view, flag in zip(views, flags, strict=True)
        if flag
    ]


def arranged(network: _core.Network | Mixed | Graph, gradients: Sequence[T], weights: Sequence[np.ndarray]) -> list[T]:
    """What belongs to these weights, of what a network gives one by one for those that it trains.

    Raises
    ------
    RuntimeError
        The network does not train one of them.
    """
    found = {address(weight): each for weight, each in zip(learned(network), gradients, strict=True)}
    places = [address(weight) for weight in weights]
    if not set(places) <= set(found):
        raise RuntimeError(
            "every trainable weight must have a gradient: the model was compiled when some were not trainable; call "
            "compile() again."
        )
    return [found[place] for place in places]
