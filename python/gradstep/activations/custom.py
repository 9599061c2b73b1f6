"""Custom functions as activations: values, and derivatives by dual numbers or from the function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .dual import Dual

__all__ = ["check", "value", "value_and_derivative"]

Function = Callable[[Any], Any]


def value(function: Function, x: np.ndarray, what: str = "activation") -> np.ndarray:
    """x -> f(x), of its shape and dtype. Raises as `value_and_derivative` does."""
    found = function(x)
    return _array(found[0] if isinstance(found, tuple) else found, x, what, function)


def value_and_derivative(function: Function, x: np.ndarray, what: str = "activation") -> tuple[np.ndarray, np.ndarray]:
    """x -> f(x) and f'(x), of its shape and dtype.

    Parameters
    ----------
    function : function of an array
        Elementwise, of operators and NumPy functions; or one that gives a pair: values and derivatives.

    Raises
    ------
    TypeError
        The derivative is not known.
    ValueError
        What it gives has another shape.
    """
    try:
        found = function(Dual(x, np.ones_like(x)))
    except (TypeError, AttributeError) as error:
        raise TypeError(
            f"{what} {_name(function)} must be elementwise, of operators and NumPy functions, or give a pair (values, "
            f"derivatives): {error}"
        ) from None
    if isinstance(found, tuple) and len(found) == 2:
        values, derivatives = (one.value if isinstance(one, Dual) else one for one in found)
    elif isinstance(found, Dual):
        values, derivatives = found.value, found.derivative
    else:
        raise TypeError(
            f"{what} {_name(function)} has no derivative: what it gives does not follow from x by operators and NumPy "
            "functions. It may give a pair (values, derivatives)."
        )
    return _array(values, x, what, function), _array(derivatives, x, what, function)


def check(function: Function, what: str = "activation") -> None:
    """Raise what `value_and_derivative` would, before anything is computed with it."""
    with np.errstate(all="ignore"):
        value_and_derivative(function, np.array([[-1.5, -0.25, 0.25, 1.5]]), what)


def _array(found: Any, x: np.ndarray, what: str, function: Function) -> np.ndarray:
    array = np.asarray(found)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{what} {_name(function)} must give numbers; it gave an array of dtype {array.dtype}.")
    if array.shape != x.shape:
        raise ValueError(f"{what} {_name(function)} must be elementwise; for x of {x.shape} it gave {array.shape}.")
    return np.ascontiguousarray(array, x.dtype)


def _name(function: Function) -> str:
    return getattr(function, "__name__", type(function).__name__)
