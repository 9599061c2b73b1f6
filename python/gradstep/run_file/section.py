"""Tables of a run file, read key by key; an error names the file, the line and the key."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from ..hints import closest
from .lines import Path, lines_of

__all__ = ["RunFileError", "Section", "read"]

MISSING = object()


class RunFileError(ValueError):
    """Something in a run file is wrong; the message begins with the file and the line."""


class Section:
    """A table of a run file. Each method takes a key and gives its value, checked.

    Parameters
    ----------
    values : dict
        The table, as the parser gives it.
    path : tuple
        Where it is in the file.
    file : str
    lines : dict of path to int
    """

    def __init__(self, values: dict[str, Any], path: Path, file: str, lines: dict[Path, int]) -> None:
        self.values, self._path, self.file, self._lines = values, path, file, lines
        self._asked: list[str] = []

    @property
    def name(self) -> str:
        """As a message calls it: ``[data]``, ``[[model.layers]] 2``, or "the file"."""
        words = [str(part) for part in self._path if isinstance(part, str)]
        numbers = [part for part in self._path if isinstance(part, int)]
        if not words:
            return "the file"
        return f"[[{'.'.join(words)}]] {numbers[-1] + 1}" if numbers else f"[{'.'.join(words)}]"

    def error(self, key: str | None, message: str) -> NoReturn:
        """Raise RunFileError at a key, or at the table."""
        path = self._path if key is None else (*self._path, key)
        while path and path not in self._lines:
            path = path[:-1]
        place = f"{self.file}:{self._lines[path]}" if path else self.file
        what = self.name if key is None else f"{self.name} {key}" if self._path else key
        raise RunFileError(f"{place}: {what} {message}")

    def _value(self, key: str, kinds: tuple[type, ...], expected: str, default: Any) -> Any:
        self._asked.append(key)
        if key not in self.values:
            if default is MISSING:
                self.error(None, f"must have the key {key!r}: {expected}.")
            return default
        value = self.values[key]
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            self.error(key, f"must be {expected}; got {value!r}.")
        return value

    def has(self, key: str) -> bool:
        """Whether the key is there."""
        return key in self.values

    def text(self, key: str, expected: str, default: Any = MISSING) -> Any:
        """A string that is not empty."""
        value = self._value(key, (str,), expected, default)
        if value == "":
            self.error(key, f"must be {expected}; it is empty.")
        return value

    def flag(self, key: str, default: bool) -> bool:
        """true or false."""
        return bool(self._value(key, (bool,), "true or false", default))

    def choice(self, key: str, choices: Sequence[str], default: str) -> str:
        """One of some words."""
        listed = ", ".join(f'"{choice}"' for choice in choices)
        value = self._value(key, (str,), f"one of {listed}", default)
        if value not in choices:
            self.error(key, f"must be one of {listed}; got {value!r}.{closest(value, choices)}")
        return str(value)

    def integer(self, key: str, low: int, default: Any = MISSING) -> Any:
        """A whole number of at least `low`."""
        expected = f"a whole number of at least {low}"
        value = self._value(key, (int,), expected, default)
        if value is not None and value < low:
            self.error(key, f"must be {expected}; got {value!r}.")
        return value

    def share(self, key: str, default: float) -> float:
        """A number from 0 to below 1."""
        value = float(self._value(key, (int, float), "a share of the rows, from 0 to below 1", default))
        if not (math.isfinite(value) and 0 <= value < 1):
            self.error(key, f"must be a share of the rows, from 0 to below 1; got {value!r}.")
        return value

    def any(self, key: str, kinds: tuple[type, ...], expected: str, default: Any = MISSING) -> Any:
        """A value of some types."""
        return self._value(key, kinds, expected, default)

    def columns(self, key: str) -> list[str | int] | None:
        """A list of column names or numbers; None where the key is missing."""
        expected = "a list of column names, or of their numbers from 1"
        value: list[str | int] | None = self._value(key, (list,), expected, None)
        if value is not None and not all(isinstance(one, (str, int)) and not isinstance(one, bool) for one in value):
            self.error(key, f"must be {expected}; got {value!r}.")
        return value

    def table(self, key: str, required: bool = True) -> Section:
        """A table in this one; an empty one where it is missing and not required."""
        name = ".".join([*(str(part) for part in self._path), key])
        value = self._value(key, (dict,), f"a table, [{name}]", MISSING if required else {})
        return Section(value, (*self._path, key), self.file, self._lines)

    def tables(self, key: str, required: bool = True) -> list[Section]:
        """An array of tables in this one."""
        name = ".".join([*(str(part) for part in self._path), key])
        value = self._value(key, (list,), f"tables, [[{name}]] for each", MISSING if required else [])
        for number, one in enumerate(value):
            if not isinstance(one, dict):
                self.error(key, f"must be tables, [[{name}]] for each; number {number + 1} is {one!r}.")
        return [Section(one, (*self._path, key, i), self.file, self._lines) for i, one in enumerate(value)]

    def done(self) -> None:
        """Raise RunFileError if there is a key that nobody asked for."""
        for key in self.values:
            if key not in self._asked:
                there = f" There are {', '.join(self._asked)}." if self._asked else ""
                self.error(key, f"is not a key of a run file.{closest(key, self._asked) or there}")


def read(path: str) -> Section:
    """The whole of a run file.

    Raises
    ------
    OSError
        It cannot be read.
    RunFileError
        It is no TOML, or not in UTF-8.
    ImportError
        Python is 3.10, which has no parser of TOML, and tomli is not installed.
    """
    with open(path, "rb") as file:
        content = file.read()
    name = os.path.basename(path)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise RunFileError(f"{name}:{line}: the file must be text in UTF-8.") from None
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        try:
            import tomli as tomllib
        except ImportError:
            raise ImportError("run files on Python 3.10 need tomli: pip install 'gradstep[toml]'") from None
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RunFileError(f"{name}: not valid TOML: {error}") from None
    return Section(values, (), name, lines_of(text))
