"""Checks of arguments, with the error messages of the whole package."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator, Mapping, ValuesView
from math import prod
from numbers import Real
from operator import index
from typing import Any, TypeVar

import numpy as np

from .hints import closest

__all__ = [
    "batch_rows",
    "brief",
    "check_bool",
    "check_choice",
    "check_config",
    "check_float",
    "check_folder",
    "check_int",
    "check_unmasked",
    "class_numbers",
    "describe",
    "is_array",
    "is_sequence",
    "numeric",
    "open_shape_of",
    "rows_of",
    "shape_of",
    "shown",
    "snake_case",
]

Found = TypeVar("Found")
# The largest int that the engine takes, and arrays have as sizes.
LARGEST = 2**63 - 1


def describe(value: Any) -> str:
    """A value as error messages show it."""
    if value is None:
        return "None"
    if is_array(value):
        return "one array"
    if isinstance(value, Mapping):
        return f"a dict of {len(value)}"
    if is_sequence(value):
        return f"a {type(value).__name__} of {len(value)}" if hasattr(value, "__len__") else "a sequence"
    if isinstance(value, type):
        return f"the class {value.__name__}"
    kind = type(value).__name__
    return f"an {kind}" if kind[0].lower() in "aeiou" else f"a {kind}"


def shown(value: Any) -> str:
    """A value that is no number, and its kind."""
    if value is None or is_array(value) or is_sequence(value) or isinstance(value, (Mapping, type)):
        return describe(value)
    return f"{value!r}, {describe(value)}"


def brief(value: Any) -> str:
    """A value as Python writes it where that is short, else what kind of value it is."""
    text = repr(value)
    return text if len(text) <= 80 and "\n" not in text else describe(value)


def is_array(value: Any) -> bool:
    """Whether a value can lend its memory: an ndarray, or one of the protocols for that."""
    if isinstance(value, np.ndarray):
        return True
    if isinstance(value, (list, tuple, dict)):
        return False
    protocols = ("__array_interface__", "__dlpack__", "__cuda_array_interface__")
    return any(hasattr(value, protocol) for protocol in protocols) or _has_buffer(value)


def is_sequence(value: Any) -> bool:
    """Whether a value holds others in an order: a generator such as torch's ``model.parameters()`` does."""
    return isinstance(value, (list, tuple, Iterator, ValuesView))


def _has_buffer(value: Any) -> bool:
    try:
        memoryview(value).release()
    except (TypeError, BufferError):
        return False
    return True


def check_int(name: str, value: Any, low: int, high: int = LARGEST) -> int:
    """An integer argument from `low` to `high`; a bool or a float is not one, even 32.0."""
    try:
        if isinstance(value, (bool, np.bool_)):
            raise TypeError
        number = index(value)
    except TypeError:
        raise TypeError(f"{name} must be a whole number (int); got {shown(value)}.") from None
    if number < low:
        raise ValueError(f"{name} must be at least {low}; got {number}.")
    if number > high:
        raise ValueError(
            f"{name} must be at most {high}; got {describe(value) if number.bit_length() > 99 else number}."
        )
    return number


def check_float(name: str, value: Any) -> float:
    """A number as a float; its bounds are checked elsewhere. An array, tensor or variable of shape () is one."""
    if not isinstance(value, (Real, str)) and tuple(getattr(value, "shape", (1,))) == () and is_number(value):
        value = float(value.detach() if hasattr(value, "detach") else value)
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a real number; got {shown(value)}.")
    try:
        return float(value)
    except OverflowError:
        raise ValueError(f"{name} must fit in a float64; got {describe(value)}.") from None


def is_number(value: Any) -> bool:
    """Whether something of shape () is a real number: NumPy's, JAX's, PyTorch's and Keras's say of what type it is."""
    kind = str(getattr(value, "dtype", ""))
    return hasattr(value, "__float__") and not any(word in kind for word in ("bool", "complex", "object", "str", "<U"))


def check_bool(name: str, value: Any) -> bool:
    """A bool argument; 0 and 1 are not bools."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be True or False; got {shown(value)}.")
    return bool(value)


def shape_of(name: str, value: Any) -> tuple[int, ...]:
    """A shape without its rows: a sequence of positive integers; an integer n stands for (n,)."""
    if isinstance(value, (tuple, list)) and any(size is None for size in value):
        raise ValueError(f"{name} must have the size of every axis; got {tuple(value)}.")
    return open_shape_of(name, value)  # type: ignore[return-value]


def open_shape_of(name: str, value: Any) -> tuple[int | None, ...]:
    """The same of a shape in which None stands for any size."""
    if not isinstance(value, (tuple, list)):
        value = (value,)
    if not value:
        raise ValueError(f"{name} must have at least one dimension beside the rows; got ().")
    sizes = tuple(None if size is None else check_int(f"{name}[{i}]", size, 1) for i, size in enumerate(value))
    check_int(f"the product of {name}", prod(size for size in sizes if size is not None), 1)
    return sizes


def check_choice(name: str, value: Any, table: Mapping[str, Found]) -> Found:
    """The value of a name in a table. ValueError for an unknown name lists the known ones."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a name; got {describe(value)}.")
    if value not in table:
        # A class beside its name in small letters is the same once more.
        known = [one for one in table if one.isupper() or snake_case(one) == one or snake_case(one) not in table]
        raise ValueError(f"{name} must be one of {', '.join(known)}; got {value!r}.{closest(value, table)}")
    return table[value]


def check_config(config: Any, what: str = "config") -> Mapping[str, Any]:
    """The argument of a `from_config`: a dict."""
    if not isinstance(config, Mapping):
        raise TypeError(f"{what} must be a dict, as get_config() gives; got {describe(config)}.")
    return config


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


def check_unmasked(name: str, value: Any) -> None:
    """Refuse an array with a mask, which NumPy's functions would leave out."""
    # NumPy imports numpy.ma at its first use: ask only for subclasses.
    if isinstance(value, np.ndarray) and type(value) is not np.ndarray and np.ma.isMaskedArray(value):
        raise TypeError(f"{name} must be an array without a mask; got a MaskedArray: fill it, or drop its rows.")


def numeric(value: Any, name: str) -> np.ndarray:
    """Data as an array of bools, integers or floats, not copied if it is one already."""
    if type(value) is np.ndarray and value.dtype.kind in "biuf":
        return value
    check_unmasked(name, value)
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name} must be an array of numbers: {_why_uneven(value) or error}") from None
    if array.dtype.kind == "O" and hasattr(value, "to_numpy"):
        array = _of_table(value, name)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} must be an array of real numbers; got {_wrong(value, array)}.")
    return array


def _wrong(value: Any, array: np.ndarray) -> str:
    """Data that are no numbers, and what is mostly meant."""
    if value is None:
        return "None"
    if array.dtype.kind == "O" and not array.ndim:
        return describe(value) + (": call it" if callable(value) else "")
    is_text = array.dtype.kind in "US" or (array.size and isinstance(array.flat[0], str))
    hint = ". Names of classes become numbers by numpy.unique(names, return_inverse=True)[1]" if is_text else ""
    return f"{describe(value)} of dtype {array.dtype}{hint}"


def _why_uneven(value: Any) -> str:
    """What a sequence of arrays of several shapes is, mostly; empty if it is none."""
    if not isinstance(value, (list, tuple)) or not value:
        return ""
    if len(value) < 4 and all(isinstance(one, np.ndarray) for one in value):
        shapes = ", ".join(str(one.shape) for one in value)
        return f"got {describe(value)}, arrays of shapes {shapes}. Data and targets are two arguments: fit(x, y)."
    if all(isinstance(one, tuple) and len(one) == 2 for one in value):
        return f"got {describe(value)} pairs. x, y = map(numpy.array, zip(*pairs)) makes two arrays of them."
    sizes = sorted({len(one) for one in value if hasattr(one, "__len__")})
    if len(sizes) > 1:
        return (
            f"got {describe(value)} of lengths from {sizes[0]} to {sizes[-1]}. gradstep.utils.pad_sequences makes an "
            "array of sequences of several lengths."
        )
    return ""


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


def batch_rows(batch_size: Any, rows: int, name: str = "batch_size", limit: int | None = None) -> int:
    """Rows of a batch; "full" is all of them. If only `limit` is given, that many batches have all rows."""
    if isinstance(batch_size, str):
        if batch_size != "full":
            raise ValueError(f'{name} must be a whole number or "full"; got {batch_size!r}.')
        return max(rows, 1)
    if batch_size is None:
        return 32 if limit is None else max(-(-rows // limit), 1)
    return check_int(name, batch_size, 1)
