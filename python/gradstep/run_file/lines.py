"""The line of each key of a TOML text, which the parser of Python's library does not give."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Path", "lines_of"]

Path = tuple["str | int", ...]  # ("model", "layers", 1, "units")


def lines_of(text: str) -> dict[Path, int]:
    """Line numbers, from 1, of tables, keys and members of arrays of a valid TOML text.

    Examples
    --------
    >>> lines_of('[data]\\nfile = "x.csv"\\n[[layers]]\\nunits = 3')
    {('data',): 1, ('data', 'file'): 2, ('layers',): 3, ('layers', 0): 3, ('layers', 0, 'units'): 4}
    """
    return _Scanner(text).lines


class _Scanner:
    """Walks over a text that the parser has accepted, so that anything unusual is only stepped over."""

    def __init__(self, text: str) -> None:
        self._text, self._at = text.replace("\r\n", "\n"), 0
        self.lines: dict[Path, int] = {}
        self._counts: dict[Path, int] = {}  # members of arrays of tables so far
        table: Path = ()
        while self._skip(" \t\n"):
            if self._peek() == "[":
                table = self._header()
            else:
                self._pair(table)

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _line(self) -> int:
        return self._text.count("\n", 0, self._at) + 1

    def _skip(self, blanks: str) -> bool:
        """Step over blanks and comments; whether anything is left."""
        while self._at < len(self._text):
            if self._peek() == "#":
                self._until(lambda character: character == "\n")
            elif self._peek() not in blanks:
                return True
            else:
                self._at += 1
        return False

    def _until(self, ends: Callable[[str], bool]) -> str:
        begin = self._at
        while self._at < len(self._text) and not ends(self._peek()):
            self._at += 1
        return self._text[begin : self._at]

    def _string(self) -> str:
        """Step over a string; gives what is between the quotes."""
        quote = self._peek()
        long = self._text.startswith(3 * quote, self._at)
        end = 3 * quote if long else quote
        self._at += len(end)
        begin = self._at
        while self._at < len(self._text) and not self._text.startswith(end, self._at):
            self._at += 2 if quote == '"' and self._peek() == "\\" else 1
        found = self._text[begin : self._at]
        self._at += len(end)
        while long and self._peek() == quote:  # up to two quotes may stand before the last three
            self._at += 1
        return found

    def _key(self) -> Path:
        """A key, dotted or not."""
        parts: list[str] = []
        while self._skip(" \t"):
            parts.append(self._string() if self._peek() in "\"'" else self._until(lambda c: c in ".=] \t\n"))
            self._skip(" \t")
            if self._peek() != ".":
                break
            self._at += 1
        return tuple(parts)

    def _header(self) -> Path:
        """``[table]`` or ``[[array]]``: the path of the table that follows."""
        line, many = self._line(), self._text.startswith("[[", self._at)
        self._at += 2 if many else 1
        key = self._key()
        self._at += 2 if many else 1
        path: Path = ()
        for number, part in enumerate(key, 1):
            path = (*path, part)
            self.lines.setdefault(path, line)
            if many and number == len(key):
                self._counts[path] = self._counts.get(path, -1) + 1
            if path in self._counts:
                path = (*path, self._counts[path])
                self.lines.setdefault(path, line)
        return path

    def _pair(self, table: Path) -> None:
        """``key = value``."""
        line = self._line()
        path = table
        for part in self._key():
            path = (*path, part)
            self.lines.setdefault(path, line)
        self._until(lambda character: character in "=\n")
        self._at += 1
        if self._skip(" \t"):
            self._value(path)

    def _value(self, path: Path) -> None:
        """A value, and what stands in it."""
        character = self._peek()
        if character in ("'", '"'):
            self._string()
        elif character in ("[", "{"):
            self._members(path, "]" if character == "[" else "}")
        else:
            self._until(lambda each: each in ",]}\n#")

    def _members(self, path: Path, end: str) -> None:
        """Members of an array or an inline table."""
        self._at += 1
        number = 0
        while self._skip(" \t\n,") and self._peek() != end:
            if end == "]":
                member = (*path, number)
                self.lines[member] = self._line()
                self._value(member)
                number += 1
            else:
                self._pair(path)
        self._at += 1
