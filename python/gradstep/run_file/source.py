"""Data files of a run: tables in CSV, arrays in npy and npz."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Table", "array", "table"]

EMPTY = frozenset(["", "na", "n/a", "nan", "null", "none", "?"])  # cells that count as missing, in small letters


@dataclass
class Table:
    """Cells of a CSV file as text.

    Attributes
    ----------
    file : str
    names : list of str
        Of the columns; "column 1" and so on where the file has no header.
    has_header : bool
    rows : list of list of str
    lines : list of int
        The line of each row in the file.
    """

    file: str
    names: list[str]
    has_header: bool
    rows: list[list[str]]
    lines: list[int]

    def index(self, column: str | int) -> int:
        """The place of a column, by its name or its number from 1; -1 is the last one. ValueError if there is none."""
        if isinstance(column, str):
            if column in self.names:
                return self.names.index(column)
            raise ValueError(f"there is no column {column!r} in {self.file}; it has {', '.join(self.names)}.")
        count = len(self.names)
        if 1 <= column <= count or -count <= column <= -1:
            return column - 1 if column > 0 else count + column
        raise ValueError(f"there is no column {column} in {self.file}; it has {count}, numbered from 1.")

    def cells(self, column: int) -> list[str]:
        """A column; missing cells are empty."""
        return ["" if row[column].lower() in EMPTY else row[column] for row in self.rows]

    def numbers(self, column: int) -> np.ndarray:
        """A column as numbers, float64; missing ones are nan. ValueError names the line of what is none."""
        found = np.empty(len(self.rows))
        for i, cell in enumerate(self.cells(column)):
            try:
                found[i] = float(cell) if cell else np.nan
            except ValueError:
                raise ValueError(
                    f"{self.file}:{self.lines[i]}: column {self.names[column]!r} must hold numbers; it has {cell!r}. "
                    "Columns of words are listed under categories, or under ignore."
                ) from None
        return found


def table(path: str, delimiter: str = ",", header: bool | None = None) -> Table:
    """A CSV file.

    Parameters
    ----------
    path : str
    delimiter : str, default ","
    header : bool, optional
        Whether the first line has names of columns; by default it has where none of its cells is a number.

    Raises
    ------
    OSError
        It cannot be read.
    ValueError
        It is empty, no text in UTF-8, or its rows differ in length.
    """
    name = os.path.basename(path)
    rows: list[list[str]] = []
    lines: list[int] = []
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=delimiter, skipinitialspace=True)
            for row in reader:
                if any(cell.strip() for cell in row):
                    rows.append([cell.strip() for cell in row])
                    lines.append(reader.line_num)
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{name} must be a CSV file in UTF-8: {error}.") from None
    if not rows:
        raise ValueError(f"{name} has no rows.")
    if header is None:
        header = not any(map(_is_number, rows[0]))
    names = rows[0] if header else [f"column {i + 1}" for i in range(len(rows[0]))]
    if len(set(names)) < len(names):
        twice = next(one for one in names if names.count(one) > 1)
        raise ValueError(f"{name}:{lines[0]}: the names of columns must differ; {twice!r} comes twice.")
    if header:
        rows, lines = rows[1:], lines[1:]
    if not rows:
        raise ValueError(f"{name} has a header and no rows.")
    for row, line in zip(rows, lines, strict=True):
        if len(row) != len(names):
            raise ValueError(
                f"{name}:{line}: a row must have {len(names)} cells, as the first line; it has {len(row)}."
            )
    return Table(name, names, header, rows, lines)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def array(path: str, keys: Sequence[str] = ()) -> dict[str, np.ndarray]:
    """Arrays of an npy file, under "x", or of an npz file, under its names. No pickled objects are read.

    Raises
    ------
    OSError
        It cannot be read.
    ValueError
        It is no such file, or one of `keys` is not in it.
    """
    name = os.path.basename(path)
    try:
        loaded = np.load(path)
        if isinstance(loaded, np.ndarray):
            return {"x": loaded}
        with loaded:
            found = {key: loaded[key] for key in loaded.files}
    except (ValueError, EOFError) as error:
        raise ValueError(f"{name} must be an npy or npz file of numbers: {error}") from None
    for key in keys:
        if key not in found:
            raise ValueError(f"{name} must have an array {key!r}; it has {', '.join(found) or 'none'}.")
    return found
