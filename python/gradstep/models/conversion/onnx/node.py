"""A node of an ONNX graph, as the functions that make layers of it read it."""

from __future__ import annotations

from typing import Any, NamedTuple, NoReturn

import numpy as np

from ..assembly import Assembly, Traced

__all__ = ["Moved", "Node"]


class Moved(NamedTuple):
    """A value of the model with its axes in another order, in which the rows are not first.

    Attributes
    ----------
    value : Traced
    order : tuple of int or None
        Axes of `value`; None stands for one of one place that it does not have.
    """

    value: Traced
    order: tuple[int | None, ...]

    @property
    def shape(self) -> tuple[int | None, ...]:
        """Sizes, with None for the rows."""
        return tuple(1 if axis is None else self.value.shape[axis] for axis in self.order)


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
    read : tuple of bool
        Whether something reads each of its outputs.
    """

    assembly: Assembly
    kind: str
    inputs: list[Any]
    attributes: dict[str, Any]
    read: tuple[bool, ...] = (True,)

    def reads(self, place: int) -> bool:
        """Whether something reads an output."""
        return place < len(self.read) and self.read[place]

    @property
    def x(self) -> Traced:
        """The first input, a value of the model."""
        return self.traced(0)

    def traced(self, place: int) -> Traced:
        """An input that must be a value of the model."""
        value = self.inputs[place]
        if isinstance(value, Moved):
            self.refuse("have the rows as the first axis of what it reads")
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
        if isinstance(value, (Traced, Moved)):
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
