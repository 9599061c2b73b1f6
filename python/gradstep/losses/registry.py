"""Losses by name: the classes of this package, and no others, so that no name in a file can run foreign code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..checks import check_choice, describe
from ..described import custom_object_scope, revive, serialize_object
from . import classification, focal, margin, overlap, probabilistic, regression, sequences, similarity
from .base import Loss
from .custom import LossFunctionWrapper
from .native import NativeLoss

__all__ = ["ALIASES", "deserialize", "get", "serialize", "table"]

MODULES = (regression, probabilistic, classification, focal, margin, overlap, similarity)

ALIASES = {
    "mse": "mean_squared_error",
    "MSE": "mean_squared_error",
    "mae": "mean_absolute_error",
    "MAE": "mean_absolute_error",
    "mape": "mean_absolute_percentage_error",
    "MAPE": "mean_absolute_percentage_error",
    "msle": "mean_squared_logarithmic_error",
    "MSLE": "mean_squared_logarithmic_error",
    "bce": "binary_crossentropy",
    "BCE": "binary_crossentropy",
    "kld": "kl_divergence",
    "KLD": "kl_divergence",
    "pinball": "quantile",
}


def table() -> dict[str, type[NativeLoss]]:
    """Every loss of this package by its names: the function's, short ones, and the class's."""
    classes: dict[str, type[NativeLoss]] = {
        name: getattr(module, name) for module in MODULES for name in module.__all__ if name[0].isupper()
    }
    functions = {cls.kind: cls for cls in classes.values()}
    return functions | {alias: functions[name] for alias, name in ALIASES.items()} | classes


def _names() -> dict[str, type[Loss]]:
    """Those of `table`, and of losses that are computed in NumPy."""
    return {**table(), "ctc": sequences.CTC, "CTC": sequences.CTC}


def get(identifier: str | Mapping[str, Any] | Loss | Callable[..., Any]) -> Loss:
    """Create a loss from a name, a dict, a function or a loss (returned as it is).

    Parameters
    ----------
    identifier : str, dict, function or Loss
        A name ("mse", "mean_squared_error" or "MeanSquaredError") or a function of this package, for the loss with its
        defaults; what `serialize` gives; a custom function, for `LossFunctionWrapper`; or a loss.

    Raises
    ------
    TypeError
        Neither of these; a class where an object is meant.
    ValueError
        An unknown name.

    Notes
    -----
    Keras gives a function for a function's name. This gives a `Loss`, which can all that a function can.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.losses.get("mse")
    MeanSquaredError()
    """
    if isinstance(identifier, Loss):
        if "reduction" not in vars(identifier):
            raise TypeError(f"loss {type(identifier).__name__} must call super().__init__() in its constructor.")
        return identifier
    if isinstance(identifier, type):
        raise TypeError(f"loss must be an object; got the class {identifier.__name__}: call it.")
    if isinstance(identifier, Mapping):
        return deserialize(identifier)
    if isinstance(identifier, str):
        return _made(check_choice("loss", identifier, _names()))
    if not callable(identifier):
        raise TypeError(f"loss must be a name, a dict, a function or a Loss; got {describe(identifier)}.")
    return _made(_names()[identifier.__name__]) if is_own(identifier) else LossFunctionWrapper(identifier)


def is_own(function: Any) -> bool:
    """Whether this is one of the loss functions of this package."""
    name = getattr(function, "__name__", "")  # which not all that can be called have
    return any(vars(module).get(name) is function for module in (*MODULES, sequences))


def serialize(loss: Loss) -> dict[str, Any]:
    """A dict with ``"class_name"`` and ``"config"``, which `deserialize` turns back into an equal loss.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.losses.serialize(gs.losses.Huber(delta=2.0))["config"]
    {'name': 'huber_loss', 'reduction': 'sum_over_batch_size', 'delta': 2.0}
    """
    if not isinstance(loss, Loss):
        raise TypeError(f"loss must be a Loss; got {describe(loss)}.")
    return serialize_object(loss)


def deserialize(config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Loss:
    """Create a loss from the dict that `serialize` returns.

    Parameters
    ----------
    config : dict
        With the keys ``"class_name"`` and ``"config"``.
    custom_objects : dict of str to class or function, optional
        Custom losses, by the name of their class or function.

    Raises
    ------
    TypeError
        Not a dict, or an argument of the wrong type or name.
    ValueError
        No class of that name, or an argument out of bounds.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.losses.deserialize(gs.losses.serialize(gs.losses.Huber(delta=2.0))).delta
    2.0
    """
    with custom_object_scope(custom_objects):
        return get(revive(config, _names() | {"LossFunctionWrapper": LossFunctionWrapper}, "loss"))


def _made(cls: Callable[..., Loss]) -> Loss:
    return cls()
