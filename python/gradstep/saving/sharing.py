"""Layers and models that occur in several places of a config: written with one number, and made once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..layers.base.layer import Layer
    from .savable import Source

__all__ = ["Reading", "Writing"]

NUMBER = "shared_object_id"  # Keras's key


class Writing:
    """The layers and models that a config has so far."""

    def __init__(self) -> None:
        self._first: dict[int, tuple[Any, dict[str, Any]]] = {}  # by identity: the object and its first entry
        self._shared = 0

    def noted(self, operation: Any, entry: dict[str, Any]) -> dict[str, Any]:
        """The entry of a layer or model, with the number of its first one if the config has it already."""
        _, first = self._first.setdefault(id(operation), (operation, entry))
        if first is not entry:
            if NUMBER not in first:
                self._shared += 1
                first[NUMBER] = self._shared
            entry[NUMBER] = first[NUMBER]
        return entry


class Reading:
    """The layers and models that were made of a config so far, and where their weights come from.

    Parameters
    ----------
    source : function, optional
        Gives the weights of a layer from its number, path and their shapes; otherwise they are drawn.

    Attributes
    ----------
    count : int
        How many layers the config had so far, without those of inputs; one of several places counts in each.
    """

    def __init__(self, source: Source | None = None) -> None:
        self.source, self.count = source, 0
        self._shared: dict[Any, Any] = {}  # by number
        self._lone: dict[tuple[str, ...], list[tuple[Any, Any]]] = {}  # without a number: config and object
        self._places: dict[int, tuple[int, str]] = {}  # of layers, by identity: number and path
        self._outer: list[str] = []  # names of the models around

    def known(self, entry: Mapping[str, Any]) -> Any:
        """The object of this entry, if it has been made; else None.

        Raises
        ------
        ValueError
            The number is no int.
        """
        number = entry.get(NUMBER)
        if number is None:
            return None
        if not isinstance(number, int):
            raise ValueError(f"{NUMBER} must be an int; got {number!r}.")
        if number not in self._shared:
            # Keras copies the config of a model in a model before it numbers what else is in there: the first place of
            # an object may lack the number that the others have.
            lone = self._lone.get(_names_in(entry), [])
            if len(lone) == 1 and _plain(lone[0][0]) == _plain(entry.get("config")):
                self._shared[number] = lone[0][1]
        return self._shared.get(number)

    def keep(self, entry: Any, made: Any) -> None:
        """Remember what was made from an entry."""
        number = entry.get(NUMBER)
        if number is None:
            self._lone.setdefault(_names_in(entry), []).append((entry.get("config"), made))
        else:
            self._shared[number] = made

    def place(self, layer: Layer) -> None:
        """Take note of where a new layer stands."""
        self._places[id(layer)] = self.count, "/".join([*self._outer, layer.name])
        self.count += 1

    def taken(self, layer: Layer) -> tuple[int, str] | None:
        """Number and path of a layer's first place, once; None when asked again."""
        return self._places.pop(id(layer), None)

    @contextmanager
    def inside(self, name: str) -> Iterator[None]:
        """Within a ``with`` statement layers are those of a model of this name."""
        self._outer.append(name)
        try:
            yield
        finally:
            self._outer.pop()


def _plain(config: Any) -> Any:
    """A config without numbers of objects."""
    if isinstance(config, Mapping):
        return {key: _plain(value) for key, value in config.items() if key != NUMBER}
    return [_plain(value) for value in config] if isinstance(config, list) else config


def _names_in(entry: Mapping[str, Any]) -> tuple[str, ...]:
    """Class, registered name and name: of an object by reference, as pickles have it, the second alone says which."""
    config = entry.get("config")
    name = config.get("name") if isinstance(config, Mapping) else None
    return str(entry.get("class_name")), str(entry.get("registered_name")), str(name)
