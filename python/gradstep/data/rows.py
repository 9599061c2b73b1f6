"""Data as the engine takes it: rows of numbers in C order, and targets that fit the loss; or an error that says why."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..checks import batch_rows, check_float, check_int, class_numbers, describe, numeric, rows_of
from ..losses.native import NativeLoss

if TYPE_CHECKING:
    from ..losses.base import Loss

__all__ = [
    "NAMES",
    "Rows",
    "SparseRows",
    "alone",
    "as_it_is",
    "batch_rows",
    "class_weights",
    "equal_rows",
    "inputs",
    "limit_of",
    "no_batch_size",
    "row_weights",
    "targets",
    "verbosity",
    "wrong_shape",
]

NAMES = "x", "y", "sample_weight"
VERBOSITY: dict[bool | str, int] = {"auto": 1, True: 1, False: 0}
READABLE = frozenset(map(np.dtype, ("float32", "float64", "uint8", "int32", "int64")))


class Rows:
    """Data as the engine reads it: x (rows, inputs), targets, and float64 weights (rows,), or (rows, ...) of each place
    of a row's output, or None.

    `Columns` of them where there are several inputs or outputs.
    """

    __slots__ = ("weights", "x", "y")

    def __init__(self, x: Any, y: Any, weights: Any = None) -> None:
        self.x, self.y, self.weights = x, y, weights

    def __len__(self) -> int:
        return len(self.y)

    def of_classes(self, class_weight: Any) -> Rows:
        """The rows with class weights."""
        if class_weight is None:
            return self
        if self.weights is not None:
            raise ValueError("class_weight must be None where rows have sample weights: multiply them into those.")
        return type(self)(self.x, self.y, class_weights(class_weight, self.y))

    def split(self, share: float) -> tuple[Rows, Rows]:
        """The first rows, and the last: that share of them, as Keras rounds it."""
        border = math.floor(len(self) * (1 - share))
        if border in (0, len(self)):
            raise ValueError(
                f"validation_split must leave rows on both sides; {share} of {len(self)} rows gives {border} and "
                f"{len(self) - border}."
            )
        return self.part(slice(border)), self.part(slice(border, None))

    def part(self, rows: slice | np.ndarray) -> Rows:
        """Some of them."""
        return type(self)(self.x[rows], self.y[rows], None if self.weights is None else self.weights[rows])


class SparseRows(Rows):
    """Rows of which x is a SciPy CSR matrix, (rows, inputs): parts of them are made dense when their turn comes."""

    __slots__ = ()


def alone(data: Any, rows: int | None = None) -> Any:
    """Data that came as the only one of a list, as Keras takes the inputs and targets of a model; other data as it is.

    rows: how many there are, if that is known, which tells ``[targets]`` from a list of one row.
    """
    if not isinstance(data, (list, tuple)) or len(data) != 1 or not isinstance(data[0], np.ndarray):
        return data
    only: np.ndarray = data[0]
    lists = only.ndim > 1 if rows is None else only.shape[:1] == (rows,) != (1,)
    return only if lists else data


def as_it_is(x: Any, shape: tuple[int | None, ...] | None) -> np.ndarray | None:
    """An array (rows, *shape) as (rows, numbers a row), if the engine can read it where it lies; else None.

    What `inputs` gives, for most data in a third of the time.
    """
    if type(x) is not np.ndarray or x.shape[1:] != shape or x.dtype not in READABLE:
        return None
    flags = x.flags
    if not (flags.c_contiguous and flags.aligned):
        return None
    return x if x.ndim == 2 else x.reshape(len(x), math.prod(x.shape[1:]))


def inputs(x: np.ndarray, name: str, shape: tuple[int | None, ...], dtype: str) -> np.ndarray:
    """x (rows, *shape), or with a last axis of size 1 that one of the two lacks -> (rows, numbers a row).

    Where None is in `shape`, any size fits, and axes stay as they are: (rows, *shape of a row).

    As in Keras images (rows, 28, 28) fit an input (28, 28, 1), numbers (rows,) an input (1,), and the other way round.
    Not copied if it is float32, float64, uint8, int32 or int64 in C order: the engine reads such rows where they lie.
    """
    if x.ndim == len(shape) and shape[-1:] == (1,):
        x = x[..., None]
    elif x.ndim == len(shape) + 2 and x.shape[-1] == 1:
        x = x[..., 0]
    if None in shape:
        if len(shape) != x.ndim - 1 or any(n not in (None, size) for n, size in zip(shape, x.shape[1:], strict=True)):
            raise ValueError(wrong_shape(x, name, shape))
        if not all(x.shape[1:]):
            raise ValueError(f"{name} must have a number along each axis; its shape is {x.shape}.")
        return rows_of(x, x.dtype if x.dtype in READABLE else dtype)
    if x.ndim == 0 or x.shape[1:] != shape:
        raise ValueError(wrong_shape(x, name, shape))
    return rows_of(x, x.dtype if x.dtype in READABLE else dtype).reshape(len(x), math.prod(shape))  # type: ignore[arg-type]


def wrong_shape(x: Any, name: str, shape: tuple[int | None, ...]) -> str:
    """What is said of an input that has not the model's shape."""
    wanted = ", ".join(map(str, ("rows", *("any" if size is None else size for size in shape))))
    hint = " One row has an axis in front: x[None]." if x.shape == shape else ""
    return f"{name} has shape {x.shape}; the model takes ({wanted}).{hint}"


def targets(y: Any, name: str, loss: Loss, row: tuple[int, ...], dtype: str) -> np.ndarray:
    """y -> (rows, *row), or int64 class numbers (rows,) for a sparse loss; any rows for a loss of the user's."""
    if len(row) > 1:
        return _shaped(y, name, loss, row, dtype)
    (outputs,) = row
    if loss.labels:
        labels = class_numbers(y, name)
        if labels.ndim == 2 and labels.shape[1] == 1:
            labels = labels[:, 0]
        if labels.ndim != 1:
            raise ValueError(
                f"{name} has shape {labels.shape}; {loss.name} takes class numbers of shape (rows,). "
                "For one-hot rows use categorical_crossentropy."
            )
        return rows_of(labels, "int64")
    values = numeric(y, name)
    if values.ndim == 1 and outputs == 1:
        values = values[:, None]
    if not isinstance(loss, NativeLoss) and values.ndim and values.shape[1:] != (outputs,):
        return np.ascontiguousarray(values)
    if values.shape[1:] != (outputs,) or values.ndim == 0:
        assert isinstance(loss, NativeLoss)
        message = f"{name} has shape {values.shape}; the model's outputs have shape (rows, {outputs})."
        if loss.kind == "categorical_crossentropy" and values.shape[1:] in ((), (1,)):
            message += " For class numbers use sparse_categorical_crossentropy, or gradstep.utils.to_categorical(y)."
        raise ValueError(message)
    return rows_of(values, dtype)


def _shaped(y: Any, name: str, loss: Loss, row: tuple[int, ...], dtype: str) -> np.ndarray:
    """Targets of outputs of several dimensions: a loss is along the last one, so there are some a row."""
    values = class_numbers(y, name) if loss.labels else numeric(y, name)
    wanted = (row[:-1], (*row[:-1], 1)) if loss.labels else (row,)
    if isinstance(loss, NativeLoss) and values.shape[1:] not in wanted:
        text = ", ".join(map(str, ("rows", *wanted[0])))
        raise ValueError(f"{name} has shape {values.shape}; {loss.name} takes ({text}) for this model.")
    return rows_of(values, "int64" if loss.labels else dtype)


def row_weights(given: Any, name: str, rows: int, row: tuple[int, ...]) -> np.ndarray | None:
    """Sample weights: None, or (rows,) or (rows, 1) of finite numbers -> float64 (rows,).

    row: shape of a row of the output; weights of each of its vectors, (rows, *row[:-1]), stay so.
    """
    if given is None:
        return None
    weights = numeric(given, name)
    each = len(row) > 1 and weights.shape == (rows, *row[:-1])
    if weights.ndim == 2 and weights.shape[1] == 1 and not each:
        weights = weights[:, 0]
    if weights.shape != (rows,) and not each:
        or_each = f", or have shape {(rows, *row[:-1])}" if len(row) > 1 else ""
        raise ValueError(f"{name} must have a number for each of {rows} rows{or_each}; its shape is {weights.shape}.")
    if not np.isfinite(weights).all():
        at = np.unravel_index(int(np.argmin(np.isfinite(weights))), weights.shape)
        raise ValueError(f"{name} must be finite; {name}[{', '.join(map(str, at))}] is {weights[at]}.")
    return rows_of(weights, "float64")


def equal_rows(x: np.ndarray, y: np.ndarray, names: tuple[str, str]) -> None:
    """Refuse data and targets of different lengths, and none at all."""
    for array, name in zip((x, y), names, strict=True):
        if not array.ndim:
            raise ValueError(f"{name} must have rows; its shape is (). One row has an axis in front: x[None], y[None].")
    rows = [array.shape[0] for array in (x, y)]
    if rows[0] != rows[1]:
        raise ValueError(f"{names[0]} and {names[1]} must have the same number of rows; got {rows[0]} and {rows[1]}.")
    if rows[0] == 0:
        raise ValueError(f"{names[0]} must have at least one row; its shape is {x.shape}.")


def class_weights(given: Any, y: np.ndarray) -> np.ndarray | None:
    """class_weight and prepared targets -> float64 (rows,): what each row's class counts for, 1 if it is not named.

    The class is the number itself, rounded; of several numbers a row, where the largest is, as in Keras.
    """
    if given is None:
        return None
    if not isinstance(given, Mapping):
        hint = " Balanced ones are dict(enumerate(len(y) / (classes * numpy.bincount(y))))."
        hint = hint if isinstance(given, str) else " dict(enumerate(weights)) makes one of a list."
        raise TypeError(f"class_weight must be a dict of class number to weight; got {describe(given)}.{hint}")
    named = {_class_number(key): check_float(f"class_weight[{key!r}]", given[key]) for key in given}
    for key, weight in named.items():
        if not math.isfinite(weight):
            raise ValueError(f"class_weight[{key}] must be finite; got {weight}.")
    if y.ndim > 2:
        raise ValueError(f"class_weight takes targets of one class a row; y has shape {y.shape}.")
    flat = y if y.ndim == 1 else y[:, 0] if y.shape[1] == 1 else y.argmax(axis=1)
    classes, which = np.unique(np.rint(flat).astype(np.int64), return_inverse=True)
    return np.array([named.get(int(number), 1.0) for number in classes])[which]


def _class_number(key: Any) -> int:
    """A key of class_weight: an int, or what `np.unique` gives of float or bool labels."""
    plain = key.item() if isinstance(key, np.generic) else key
    if isinstance(plain, bool) or (isinstance(plain, float) and plain.is_integer()):
        plain = int(plain)
    return check_int("a class in class_weight", plain, -(2**63))


def no_batch_size(batch_size: Any, name: str) -> None:
    """Refuse a size of batches where they come as they are."""
    if batch_size is not None:
        raise ValueError(f"batch_size must be None where {name} gives batches; got {batch_size!r}.")


def limit_of(name: str, steps: Any) -> int | None:
    """How many batches to take at most."""
    return None if steps is None else check_int(name, steps, 1)


def verbosity(verbose: Any) -> int:
    """0 for silence, 1 for a bar, 2 for lines."""
    if type(verbose) is int and 0 <= verbose <= 2:
        return verbose
    named = isinstance(verbose, (bool, str))
    level = VERBOSITY.get(verbose, 3) if named else check_int("verbose", verbose, 0)
    if level > 2:
        raise ValueError(f"verbose must be 'auto', 0, 1 or 2; got {verbose!r}.")
    return level
