"""Checks of single arguments, in the words of their errors."""

from __future__ import annotations

from numbers import Real
from operator import index
from typing import Any

import numpy as np

from ..hints import closest
from .arrays import describe

__all__ = ["Default", "closest", "default", "flag", "real", "whole"]


class Default(float):
    """A number that a signature shows and that was not given: the rule's own counts, which another dialect changes."""

    __slots__ = ()


def default(value: float) -> float:
    """Keras's number, as the default of an argument that has another one in another dialect."""
    return Default(value)


def real(name: str, value: Any) -> float:
    """A number as a float; its bounds are checked elsewhere. An array, tensor or variable of shape () is one."""
    if not isinstance(value, (Real, str)) and tuple(getattr(value, "shape", (1,))) == () and is_number(value):
        value = float(value.detach() if hasattr(value, "detach") else value)
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a real number; got {value!r}, {describe(value)}.")
    try:
        return float(value)
    except OverflowError:
        raise ValueError(f"{name} must fit in a float64; got {describe(value)}.") from None


def is_number(value: Any) -> bool:
    """Whether something of shape () is a real number: NumPy's, JAX's, PyTorch's and Keras's say of what type it is."""
    kind = str(getattr(value, "dtype", ""))
    return hasattr(value, "__float__") and not any(word in kind for word in ("bool", "complex", "object", "str", "<U"))


# The largest int that the engine takes, and arrays have as sizes.
LARGEST = 2**63 - 1


def whole(name: str, value: Any, low: int, high: int = LARGEST) -> int:
    """An integer argument from `low` to `high`; a bool or a float is not one, even 32.0."""
    try:
        if isinstance(value, (bool, np.bool_)):
            raise TypeError
        number = index(value)
    except TypeError:
        raise TypeError(f"{name} must be a whole number (int); got {value!r}, {describe(value)}.") from None
    if number < low:
        raise ValueError(f"{name} must be at least {low}; got {number}.")
    if number > high:
        raise ValueError(
            f"{name} must be at most {high}; got {describe(value) if number.bit_length() > 99 else number}."
        )
    return number


def flag(name: str, value: Any) -> bool:
    """A bool argument; 0 and 1 are not bools."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be True or False; got {value!r}.")
    return bool(value)
