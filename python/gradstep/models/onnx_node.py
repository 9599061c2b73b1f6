"""A node of an ONNX graph, as the functions that make layers of it read it."""

from __future__ import annotations

from typing import Any, NamedTuple, NoReturn

import numpy as np

from .assembly import Assembly, Traced

__all__ = ["Node"]


class Node(NamedTuple):
    """A node of a graph.

    Attributes
    ----------
    assembly : Assembly
        The model that it becomes a part of.
    kind : str
        The operator.
    inputs : list
        Values of the model, arrays, or None.
    attributes : dict
    """

    assembly: Assembly
    kind: str
    inputs: list[Any]
    attributes: dict[str, Any]

    @property
    def x(self) -> Traced:
        """The first input, a value of the model."""
        return self.traced(0)

    def traced(self, place: int) -> Traced:
        """An input that must be a value of the model."""
        value = self.inputs[place]
        if not isinstance(value, Traced):
            self.refuse(f"have a value of the model as input {place}")
        return value

    def array(self, place: int) -> np.ndarray:
        """An input that must be known."""
        value = self.optional(place)
        if value is None:
            self.refuse(f"have a constant as input {place}")
        return value

    def optional(self, place: int) -> np.ndarray | None:
        """An input that is known, or not there."""
        value = self.inputs[place] if place < len(self.inputs) else None
        if isinstance(value, Traced):
            self.refuse(f"have a constant as input {place}")
        return None if value is None else np.asarray(value)

    def refuse(self, what: str) -> NoReturn:
        """Raise the error of a node that has no counterpart."""
        raise ValueError(f"operator {self.kind} must {what} to become a layer here.")

    def need(self, condition: bool, what: str) -> None:
        """Refuse the node unless a condition holds."""
        if not condition:
            self.refuse(what)

    def get(self, name: str, usual: Any) -> Any:
        """An attribute."""
        return self.attributes.get(name, usual)

    def add(self, layer: Any, *weights: np.ndarray, on: Traced | None = None) -> Traced:
        """Add a call of a layer on the first input, or another value."""
        if weights:
            self.assembly.give(layer, weights)
        return self.assembly.add(layer, self.x if on is None else on)
