"""Layers whose inputs have sizes that are not known when a model is described, such as the steps of sequences.

A layer is built once, for a shape with None in place of those sizes. What follows from sizes is asked for at two of
them: what is the same at both does not depend on them. While a network is made for the sizes of a batch, within
`at_sizes`, its layers have the shapes that they have there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, overload

from ... import _core
from ...checks import describe

if TYPE_CHECKING:
    from .layer import Layer

__all__ = [
    "PROBES",
    "OfAnySize",
    "Resized",
    "at_sizes",
    "check_is_shape",
    "common",
    "filled",
    "fits",
    "for_weights",
    "is_open",
    "is_resizing",
    "merged",
    "open_up",
    "probed",
]

T = TypeVar("T")

# Sizes in place of those that are not known, two at a time: the first pair that a layer can take. They have many
# divisors, for reshapes and strides.
PROBES = ((60, 240), (840, 3360), (27720, 110880))
# Attributes of layers, by identity and name, in the network that is being made.
_resized: ContextVar[dict[tuple[int, str], Any] | None] = ContextVar("_resized", default=None)


@contextmanager
def at_sizes() -> Iterator[None]:
    """Let layers take the shapes that they are built for within a ``with`` statement, in this thread alone."""
    before = _resized.set({})
    try:
        yield
    finally:
        _resized.reset(before)


def is_resizing() -> bool:
    """Whether this is within `at_sizes`."""
    return _resized.get() is not None


class Resized:
    """Attribute of a layer that has another value within `at_sizes`, once it is set there."""

    def __init__(self, default: Any = None) -> None:
        self._default = default

    def __set_name__(self, owner: type, name: str) -> None:
        self._name, self._kept = name, f"_built{name}"

    @overload
    def __get__(self, layer: None, owner: type) -> Resized: ...
    @overload
    def __get__(self, layer: object, owner: type) -> Any: ...
    def __get__(self, layer: object | None, owner: type) -> Any:
        if layer is None:
            return self
        resized, kept = _resized.get(), vars(layer).get(self._kept, self._default)
        return kept if resized is None else resized.get((id(layer), self._name), kept)

    def __set__(self, layer: object, value: Any) -> None:
        resized = _resized.get()
        if resized is None:
            vars(layer)[self._kept] = value
        else:
            resized[id(layer), self._name] = value


def is_open(shape: Any) -> bool:
    """Whether sizes of a shape, or of a list of shapes, are not known, beside the rows."""
    if isinstance(shape, Mapping):
        return any(map(is_open, shape.values()))
    if not isinstance(shape, (list, tuple)) or not shape:
        return False
    return any(map(is_open, shape)) if isinstance(shape[0], (list, tuple, Mapping)) else None in shape[1:]


def fits(known: Sequence[int | None], shape: Sequence[int | None]) -> bool:
    """Whether a row of a shape is one of those that `known` stands for, in which None is any size."""
    return len(known) == len(shape) and all(
        wanted is None or wanted == size for wanted, size in zip(known, shape, strict=True)
    )


def filled(shape: Any, size: int) -> Any:
    """A shape, or a list of shapes, with a size in place of those that are not known; the rows stay None."""
    if shape and isinstance(shape[0], (list, tuple)):
        return [filled(one, size) for one in shape]
    return (*shape[:1], *(size if one is None else one for one in shape[1:]))


def probed(ask: Callable[[Any], T], shape: Any, pairs: Sequence[tuple[int, int]] = PROBES) -> tuple[T, T]:
    """What a function says of a shape, or of a list of shapes, with two sizes in place of those that are not known.

    Raises
    ------
    ValueError
        As the function does, at all sizes.
    """
    first: ValueError | None = None
    for small, large in pairs:
        try:
            return ask(filled(shape, small)), ask(filled(shape, large))
        except ValueError as error:
            first = first or ValueError(f"{error} ({small} stands for sizes that are None.)")
    assert first is not None
    raise first


def common(one: Any, other: Any) -> Any:
    """What two shapes, or lists of shapes, have in common; None elsewhere."""
    if isinstance(one, (list, tuple)):
        return type(one)(common(a, b) for a, b in zip(one, other, strict=True))
    return one if one == other else None


def for_weights(layer: Layer, row: tuple[int | None, ...]) -> tuple[int, ...]:
    """A row of known sizes, for which weights are drawn.

    Raises
    ------
    ValueError
        Shapes of weights follow from sizes that are not known.
    """
    if None not in row:
        return row  # type: ignore[return-value]
    if layer._weightless or type(layer).draw_weights.__qualname__ == "Layer.draw_weights":
        return filled((None, *row), PROBES[0][0])[1:]  # type: ignore[no-any-return]

    def shapes_at(shape: Any) -> tuple[Any, Any]:
        with at_sizes():
            layer._input_shape = shape
            spec = layer.specification()
            return shape, [] if spec is None else _core.weight_shapes([shape[1:]], spec)

    (small, one), (_, other) = probed(shapes_at, (None, *row))
    if one != other:
        raise ValueError(
            f"layer {layer.name!r} must know the size of each axis that its weights depend on; it gets inputs of shape "
            f"{(None, *row)}. Give that size to Input, or pool or reshape so that it is known."
        )
    return tuple(small[1:])


def merged(known: Sequence[int | None], shape: Sequence[int | None]) -> tuple[int | None, ...]:
    """What a row stands for that takes both: None where they differ."""
    return tuple(one if one == size else None for one, size in zip(known, shape, strict=True))


def open_up(layer: Layer, row: tuple[int | None, ...]) -> None:
    """Let a layer that is built for known sizes take those of another call too, if no weight depends on them.

    Raises
    ------
    ValueError
        A model asks for any size where a weight depends on it. Of other known sizes the layer is left as it is.
    """
    kept = vars(layer).get("_built_input_shape")
    if kept is None or len(kept) != len(row) + 1 or fits(kept[1:], row):
        return
    opened = merged(kept[1:], row)
    try:
        for_weights(layer, opened)
    except ValueError:
        if None in row:
            raise
        return
    vars(layer)["_built_input_shape"] = (None, *opened)
    layer._shared = True  # weights stay where they are
    for stage in layer._stages:
        vars(stage)["_built_input_shape"] = (None, *layer._output_row)


def check_is_shape(input_shape: Any) -> None:
    """Raise unless it may be a shape, or the shapes of several inputs."""
    wanted = "input_shape must be a tuple or list of sizes, with the rows in front, as (None, 64)"
    if not isinstance(input_shape, (tuple, list, Mapping)):
        raise TypeError(f"{wanted}; got {describe(input_shape)}.")
    if not input_shape:
        raise ValueError(f"{wanted}; it is empty.")


class OfAnySize:
    """Mixin of `Layer` for inputs of sizes that are not known: `compute_output_shape` and `specification` of a subclass
    are asked for shapes of known sizes alone."""

    _input_shape = Resized()  # with None for the rows, and for sizes that are not known

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name, around in (("compute_output_shape", _shapes_of), ("specification", _specification_of)):
            method = getattr(cls, name)
            if not hasattr(method, "_takes_open") and method.__qualname__ != f"Layer.{name}":
                wrapped = around(method)
                wrapped._takes_open = True  # type: ignore[attr-defined]
                setattr(cls, name, wrapped)

    @property
    def _is_open(self) -> bool:
        """Whether the layer is built for sizes that are not known."""
        return is_open(self._input_shape)

    def _stand_for(self, shape: Any) -> None:
        """Take inputs of a shape, within `at_sizes`."""
        self._input_shape = shape


def _shapes_of(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def compute_output_shape(self: Layer, input_shape: Any) -> Any:
        check_is_shape(input_shape)
        if not is_open(input_shape):
            return method(self, input_shape)
        # A custom layer in NumPy may try it with so many numbers.
        pairs = PROBES[:1] if self._in_numpy else PROBES
        return common(*probed(lambda shape: method(self, shape), input_shape, pairs))

    return compute_output_shape


def _specification_of(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def specification(self: Layer) -> Any:
        if not self._is_open:
            return method(self)

        def at(shape: Any) -> Any:
            with at_sizes():
                self._stand_for(shape)
                return method(self)

        return probed(at, self.input_shape)[0]

    return specification
