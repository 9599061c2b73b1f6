"""Activations by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

import numpy as np

from ..checks import check_choice, describe
from ..described import known_objects
from . import custom, piecewise, rows, smooth
from .apply import Spec, SpecRequest

__all__ = ["get", "is_custom", "specify"]

Activation = Callable[..., np.ndarray]


@cache
def _table() -> dict[str, Activation]:
    modules = (piecewise, smooth, rows)
    table: dict[str, Activation] = {name: getattr(module, name) for module in modules for name in module.__all__}
    return table | {"swish": smooth.silu, "hard_swish": piecewise.hard_silu}


def get(identifier: Any) -> Activation:
    """Get an activation by name; functions are returned as they are, None is `linear`.

    Parameters
    ----------
    identifier : str, function or None
        A name, a function of this package, such a function with settings
        (``functools.partial(gs.activations.elu, alpha=0.5)``), what configs have for one, an activation layer
        (``gs.layers.ELU(0.5)``); or a custom function, elementwise, of operators and NumPy functions, or that
        gives a pair: values and derivatives. One of ``custom_objects`` has a name too.

    Raises
    ------
    TypeError
        None of these, or a function of which the derivative is not known.
    ValueError
        An unknown name.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.activations.get("swish") is gs.activations.silu
    True
    """
    if identifier is None:
        return piecewise.linear
    if isinstance(identifier, str):
        named: Activation = check_choice("activation", identifier, _table() | known_objects())
        return named
    if isinstance(identifier, Mapping):
        return _with_settings(identifier)
    layer = getattr(identifier, "activation", None)
    found: Activation = identifier if layer is None else layer
    if is_custom(found):
        if not callable(found) or isinstance(found, type):
            raise TypeError(f"activation must be a name or a function; got {describe(identifier)}.")
        custom.check(found)
    return found


def is_custom(activation: Activation) -> bool:
    """Whether an activation is a custom function, computed in NumPy."""
    plain = activation.func if isinstance(activation, partial) and not activation.args else activation
    return id(plain) not in _known()


@cache
def _known() -> frozenset[int]:
    return frozenset(id(known) for known in _table().values())


def _with_settings(config: Mapping[str, Any]) -> Activation:
    """Config of a function with settings."""
    settings = config.get("config")
    if config.get("class_name") != "partial" or not isinstance(settings, Mapping) or "function" not in settings:
        raise ValueError(f"activation must be a name or a function with settings; got {dict(config)!r}.")
    rest = {name: value for name, value in settings.items() if name != "function"}
    return partial(check_choice("activation", settings["function"], _table()), **rest)


def specify(identifier: Any) -> Spec:
    """Specification of whatever `get` takes, ``{"kind": name}`` and settings; "linear" for a custom function.

    Raises
    ------
    TypeError, ValueError
        As `get`; or a setting that a layer cannot have, or one that is missing.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.activations.specify("relu")
    {'kind': 'relu'}
    """
    activation = get(identifier)
    if is_custom(activation):
        activation = piecewise.linear
    return _requested(activation) if isinstance(activation, partial) else dict(_without_settings(activation))


@cache
def _without_settings(activation: Activation) -> Spec:
    """Of one of this package's functions, which are few."""
    return _requested(activation)


def _requested(activation: Activation) -> Spec:
    request = SpecRequest()
    try:
        activation(request)
    except TypeError as error:
        raise TypeError(f"activation: {error}. Give settings with functools.partial.") from None
    return request.spec
