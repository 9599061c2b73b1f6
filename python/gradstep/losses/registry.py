"""Losses by name."""

from __future__ import annotations

from typing import Any

from ..checks import choose, snake_case
from ..optimizers.arrays import describe
from . import classification, regression
from .base import Loss

__all__ = ["ALIASES", "get", "table"]

ALIASES = {
    "mse": "mean_squared_error",
    "MSE": "mean_squared_error",
    "mae": "mean_absolute_error",
    "MAE": "mean_absolute_error",
    "bce": "binary_crossentropy",
    "BCE": "binary_crossentropy",
}


def table() -> dict[str, type[Loss]]:
    """Every loss of this package by its names: the function's, short ones, and the class's."""
    classes: dict[str, type[Loss]] = {
        name: getattr(module, name)
        for module in (regression, classification)
        for name in module.__all__
        if name[0].isupper()
    }
    functions = {snake_case(name): cls for name, cls in classes.items()}
    return functions | {alias: functions[name] for alias, name in ALIASES.items()} | classes


def get(identifier: str | Loss) -> Loss:
    """A loss from its name ("mse", "mean_squared_error" or "MeanSquaredError"), its function, or itself.

    Raises
    ------
    TypeError
        Neither of these; a class where an object is meant.
    ValueError
        An unknown name.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.losses.get("mse")
    MeanSquaredError()
    """
    if isinstance(identifier, Loss):
        return identifier
    if isinstance(identifier, type):
        raise TypeError(f"loss must be an object; got the class {identifier.__name__}: call it.")
    if not isinstance(identifier, str) and not _is_function(identifier):
        raise TypeError(f"loss must be a name or a Loss of gradstep.losses; got {describe(identifier)}.")
    return choose("loss", identifier if isinstance(identifier, str) else identifier.__name__, table())()


def _is_function(identifier: Any) -> bool:
    functions = {**vars(regression), **vars(classification)}
    return any(identifier is functions[name] for name in functions if name in table())
