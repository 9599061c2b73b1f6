"""The arguments of a call of a layer that is made of layers."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from ...checks import describe, is_array, numeric
from .symbolic import SymbolicTensor
from .tracing import flat, like

__all__ = ["Given", "Shaped", "parameters_of"]


class Shaped:
    """The shape of a tensor, in its place."""

    def __init__(self, shape: tuple[Any, ...]) -> None:
        self.shape = shape

    def __repr__(self) -> str:
        return str(self.shape)


class Given:
    """The arguments of a call of a layer.

    Attributes
    ----------
    args, options : tuple, dict
        Without `training` and a mask that is no argument of `call`.
    tensors : list
        The symbolic tensors or arrays among them, in order.
    """

    def __init__(self, layer: Any, args: Sequence[Any], options: Mapping[str, Any]) -> None:
        known, rest = parameters_of(layer), dict(options)
        self.mask = None if "mask" in known else rest.pop("mask", None)
        own = {} if "training" in known else {"training": rest.pop("training", None)}
        try:
            bound = inspect.signature(layer.call).bind(*args, **rest)
        except TypeError as error:
            raise TypeError(f"call() of {layer!r}: {error}") from None
        if "training" in known:
            own["training"] = bound.arguments.pop("training", None)
        if "mask" in bound.arguments and bound.arguments["mask"] is None:
            del bound.arguments["mask"]
        self.training: bool | None = own["training"]
        first = next(iter(bound.arguments), None)
        members = flat([bound.args, bound.kwargs])
        if not any(map(_is_tensor, members)):
            if first is None:
                raise TypeError(f"layer {layer.name!r} must be called with a tensor or an array.")
            bound.arguments[first] = numeric(bound.arguments[first], "x")
        self.args, self.options = bound.args, bound.kwargs
        found = [one for one in flat([self.args, self.options]) if _is_tensor(one)]
        self.is_symbolic = any(isinstance(one, SymbolicTensor) for one in found)
        if self.is_symbolic and not all(isinstance(one, SymbolicTensor) for one in found):
            wrong = next(one for one in found if not isinstance(one, SymbolicTensor))
            raise TypeError(
                f"layer {layer.name!r} must get symbolic tensors alone, or arrays alone; got {describe(wrong)} too."
            )
        self.tensors: list[Any] = (
            found if self.is_symbolic else [numeric(one, f"x[{i}]") for i, one in enumerate(found)]
        )

    def with_tensors(self, tensors: Sequence[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments with others in the place of the tensors."""
        args, options = like([self.args, self.options], iter(tensors), _is_tensor)
        return args, options

    @property
    def shapes(self) -> list[tuple[Any, ...]]:
        """Shapes of the tensors, with None for the rows."""
        return [(None, *one.shape[1:]) for one in self.tensors]

    def shapes_for(self, names: Sequence[str]) -> list[Any]:
        """What `build` gets: the shape of the first argument, or of each of the first ones; names: its arguments."""
        args, _ = self.with_tensors([Shaped(shape) for shape in self.shapes])
        first = args[0] if args else Shaped((None,))
        return [_plain(first)] if len(names) < 2 else [_plain(one) for one in args[: len(names)]]


def _plain(one: Any) -> Any:
    """Shapes as tuples, in lists and dicts."""
    if isinstance(one, Shaped):
        return one.shape
    if isinstance(one, Mapping):
        return {key: _plain(value) for key, value in one.items()}
    return [_plain(value) for value in one] if isinstance(one, (list, tuple)) else None


def _is_tensor(value: Any) -> bool:
    return isinstance(value, SymbolicTensor) or is_array(value)


def parameters_of(layer: Any) -> frozenset[str]:
    """Names of the arguments of a layer's `call`."""
    function: Any = type(layer).call
    return _parameters(function)


@cache
def _parameters(function: Any) -> frozenset[str]:
    return frozenset(inspect.signature(function).parameters)
