"""Arguments for several inputs or outputs: one value, a list in order, or a dict by names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..checks import describe
from ..hints import closest

__all__ = ["by_column", "by_name", "each_by_name", "only_by_name"]


def by_name(given: Mapping[Any, Any], names: Sequence[str], what: str, missing: str = "") -> list[Any]:
    """The values of a dict, in the order of the names; None where one is not in it.

    Parameters
    ----------
    given : dict
    names : sequence of str
    what : str
        The argument's name in an error.
    missing : str, optional
        What is wrong if a name is not in it; otherwise it need not be.

    Raises
    ------
    ValueError
        It has another name, or lacks one.
    """
    for key in given:
        if key not in names:
            hint = closest(key, names) if isinstance(key, str) else ""
            raise ValueError(f"{what} must be by the names {', '.join(names)}; got {key!r}.{hint}")
    if missing:
        for name in names:
            if name not in given:
                raise ValueError(f"{what} {missing} {name!r}; it has {', '.join(map(repr, given)) or 'nothing'}.")
    return [given.get(name) for name in names]


def only_by_name(given: Any, names: Sequence[str], what: str) -> Any:
    """The argument for a single input or output: itself, or in a dict by its name. Raises as `by_name`."""
    if not isinstance(given, Mapping):
        return given
    return by_name(given, names or list(given)[:1], what, "must have data for")[0]


def by_column(given: Any) -> Any:
    """A table of named columns as a dict of them; anything else as it is."""
    columns = getattr(given, "columns", None)
    return given if columns is None else {name: given[name] for name in columns}


def each_by_name(given: Any, names: Sequence[str], what: str, kind: str) -> list[Any]:
    """One of each kind for each name, from a list or dict.

    Raises
    ------
    TypeError
        It is neither.
    ValueError
        They are too many or too few, or of other names.
    """
    if isinstance(given, Mapping):
        return by_name(given, names, what, f"must have {kind} for")
    if not isinstance(given, (list, tuple)):
        raise TypeError(
            f"{what} must be a list or dict, with {kind} for each of {', '.join(names)}; got {describe(given)}."
        )
    if len(given) != len(names):
        raise ValueError(f"{what} must have {kind} for each of {', '.join(names)}; got {len(given)}.")
    return list(given)
