"""Checks of arguments that every part of the package makes, in the words of its errors."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Mapping
from math import prod
from typing import Any, TypeVar

import numpy as np

from .optimizers.arguments import closest, flag, whole
from .optimizers.arrays import describe

__all__ = [
    "check_folder",
    "choose",
    "class_numbers",
    "closest",
    "flag",
    "numeric",
    "rows_of",
    "shape_of",
    "snake_case",
    "whole",
]

Found = TypeVar("Found")


def shape_of(name: str, value: Any) -> tuple[int, ...]:
    """A shape without its rows: a sequence of positive integers; an integer n stands for (n,)."""
    if not isinstance(value, (tuple, list)):
        value = (value,)
    if not value:
        raise ValueError(f"{name} must have at least one dimension beside the rows; got ().")
    sizes = tuple(whole(f"{name}[{i}]", size, 1) for i, size in enumerate(value))
    whole(f"the product of {name}", prod(sizes), 1)
    return sizes


def choose(name: str, value: Any, table: Mapping[str, Found]) -> Found:
    """What a name stands for; an unknown one is a ValueError that lists those that are known."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a name; got {describe(value)}.")
    if value not in table:
        raise ValueError(f"{name} must be one of {', '.join(table)}; got {value!r}.{closest(value, table)}")
    return table[value]


def check_folder(folder: str) -> None:
    """Refuse a folder that is not there and cannot be made, or in which nothing can be written; nothing is made.

    Raises
    ------
    NotADirectoryError, PermissionError
        With the place that is in the way.
    """
    place = os.path.abspath(folder)
    while not os.path.lexists(place):
        place = os.path.dirname(place)
    if not os.path.isdir(place):
        raise NotADirectoryError(errno.ENOTDIR, "files are to be written in this folder, and it is none", place)
    if not os.access(place, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids):
        raise PermissionError(errno.EACCES, "files are to be written in this folder, and it is read-only", place)


def snake_case(name: str) -> str:
    """Keras's name of an object of a class: "HeNormal" is "he_normal", "AUC" is "auc", "MeanIoU" is "mean_io_u"."""
    return re.sub(r"(?<=.)(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])", "_", name).lower()


def numeric(value: Any, name: str) -> np.ndarray:
    """Data as an array of bools, integers or floats, not copied if it is one already."""
    if type(value) is np.ndarray and value.dtype.kind in "biuf":
        return value
    # NumPy imports numpy.ma at its first use: ask only for subclasses.
    if isinstance(value, np.ndarray) and type(value) is not np.ndarray and np.ma.isMaskedArray(value):
        raise TypeError(f"{name} must be an array without a mask; got a MaskedArray: fill it, or drop its rows.")
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name} must be an array of numbers: {error}") from None
    if array.dtype.kind == "O" and hasattr(value, "to_numpy"):
        array = _of_table(value, name)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} must be an array of real numbers; got {describe(value)} of dtype {array.dtype}.")
    return array


def _of_table(table: Any, name: str) -> np.ndarray:
    """A pandas table or column of numbers that are not all of one type; missing ones are NaN."""
    types: Any = getattr(table, "dtypes", None)
    for column, kind in types.items() if hasattr(types, "items") else [(getattr(table, "name", None), types)]:
        if getattr(kind, "kind", "O") not in "biuf":
            raise TypeError(f"{name} must be a table of real numbers; column {column!r} is of type {kind}.")
    found: np.ndarray = table.to_numpy(dtype=np.float64, na_value=np.nan)
    return found


def class_numbers(value: Any, name: str) -> np.ndarray:
    """Data as int64 class numbers; floats are taken if they are whole."""
    array = numeric(value, name)
    if array.dtype.kind == "f":
        wrong = np.argwhere(~(np.isfinite(array) & (array == np.floor(array))))
        if len(wrong):
            at = ", ".join(map(str, wrong[0]))
            raise ValueError(f"{name} must hold whole class numbers; {name}[{at}] is {array[tuple(wrong[0])]}.")
    return array.astype(np.int64, copy=False)


def rows_of(array: np.ndarray, dtype: np.typing.DTypeLike) -> np.ndarray:
    """An array as the engine reads it: of this dtype, aligned, in C order; copied only if it is not so already."""
    flags = array.flags
    if array.dtype == dtype and flags.c_contiguous and flags.aligned:
        return array
    return np.require(array, dtype, ["C_CONTIGUOUS", "ALIGNED"])
