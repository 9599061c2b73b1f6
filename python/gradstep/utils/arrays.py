"""Arrays before training: one-hot targets, rows of length 1, and the division into training and test."""

from __future__ import annotations

from collections.abc import Sequence as SequenceOf
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import seeds
from ..checks import brief, check_int, class_numbers, numeric
from ..config import floatx

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["normalize", "split", "to_categorical"]


def normalize(x: ArrayLike, axis: int = -1, order: int = 2) -> np.ndarray:
    """Divide vectors along an axis by their norms; zero vectors stay as they are.

    Parameters
    ----------
    x : array_like
    axis : int, default -1
    order : int, default 2
        Of the norm; at least 1.

    Returns
    -------
    ndarray
        Of the float dtype of `x`, float64 for other numbers.

    Raises
    ------
    TypeError, ValueError
        `x` does not hold numbers, or has no such axis; `order` is no int or below 1.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.utils.normalize([[3.0, 4.0], [0.0, 0.0]])
    array([[0.6, 0.8],
           [0. , 0. ]])
    """
    array = numeric(x, "x")
    if not -array.ndim <= check_int("axis", axis, -max(array.ndim, 1)) < array.ndim:
        raise ValueError(f"axis must be in [{-array.ndim}, {array.ndim}); got {axis}.")
    norms = np.linalg.norm(array, check_int("order", order, 1), axis, keepdims=True)
    normalized: np.ndarray = array / np.where(norms == 0, 1, norms)
    return normalized


def to_categorical(x: ArrayLike, num_classes: int | None = None) -> np.ndarray:
    """Convert class numbers to one-hot rows.

    Parameters
    ----------
    x : array_like of int, shape (...) or (..., 1)
        Class numbers from 0.
    num_classes : int, optional
        How many classes there are; by default the largest number in `x`, plus 1.

    Returns
    -------
    ndarray, shape (..., num_classes), dtype `config.floatx()`

    Raises
    ------
    TypeError
        `x` does not hold numbers.
    ValueError
        A number is not whole, is negative, or is not less than `num_classes`.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.utils.to_categorical([0, 2])
    array([[1., 0., 0.],
           [0., 0., 1.]], dtype=float32)
    """
    labels = class_numbers(x, "x")
    if labels.ndim > 1 and labels.shape[-1] == 1:
        labels = labels[..., 0]
    top = int(labels.max(initial=-1))
    classes = top + 1 if num_classes is None else check_int("num_classes", num_classes, 1)
    if labels.size and (labels.min() < 0 or top >= classes):
        wrong = int(labels.min()) if labels.min() < 0 else top
        raise ValueError(f"x must hold class numbers from 0 to {classes - 1}; it holds {wrong}.")
    return np.asarray(labels[..., None] == np.arange(classes), dtype=floatx())


def split(
    x: ArrayLike,
    y: ArrayLike,
    shares: SequenceOf[float] = (0.7, 0.15, 0.15),
    stratify: ArrayLike | None = None,
    seed: int | None = None,
) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """Split the rows of data at random, for training, validation and test.

    Parameters
    ----------
    x, y : array_like, shape (rows, ...)
        Data and targets.
    shares : sequence of float, default (0.7, 0.15, 0.15)
        What part of the rows goes where; each > 0, of sum 1.
    stratify : array_like, shape (rows,), optional
        A class for each row, usually `y`: every part then has each class in its share of it, to within a row.
    seed : int, optional
        For the same division each time; 0 to 2**32 - 1.

    Returns
    -------
    tuple of (x, y) pairs
        One a share; every row is in exactly one of them.

    Raises
    ------
    TypeError, ValueError
        `x`, `y` and `stratify` differ in length, `shares` do not sum to 1, or a part would be empty.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> x, y = np.arange(20.0).reshape(10, 2), np.repeat([0, 1], 5)
    >>> (x_train, y_train), (x_test, y_test) = gs.utils.split(x, y, (0.8, 0.2), stratify=y, seed=0)
    >>> x_train.shape, sorted(y_test.tolist())
    ((8, 2), [0, 1])
    """
    arrays = [np.asarray(x), np.asarray(y)]
    rows = arrays[0].shape[0] if arrays[0].ndim else 0
    for name, array in (("y", arrays[1]), ("stratify", None if stratify is None else np.asarray(stratify))):
        if array is not None and array.shape[:1] != (rows,):
            raise ValueError(
                f"x and {name} must have the same number of rows; x has {rows}, {name} has shape {array.shape}."
            )
    borders = _borders(rows, shares)
    key = seeds.key_of(seed)
    draw = seeds.generator(seeds.fresh_key() if key is None else key)
    order = draw.permutation(rows)
    if stratify is not None:
        order = _interleave(order, np.asarray(stratify))
    parts = np.split(order, borders)
    return tuple((arrays[0][part], arrays[1][part]) for part in parts)


def _borders(rows: int, shares: Any) -> np.ndarray:
    """Where each part but the last ends."""
    values = numeric(shares, "shares").astype(float)
    if values.ndim != 1 or not (values > 0).all() or not abs(values.sum() - 1) < 1e-6:
        raise ValueError(f"shares must be numbers above 0 of sum 1; got {brief(shares)}.")
    ends = np.rint(np.cumsum(values) * rows).astype(int)
    ends[-1] = rows
    if np.diff(ends, prepend=0).min() < 1:
        raise ValueError(f"every share must get a row; shares {shares!r} of {rows} rows leave one without.")
    inner: np.ndarray = ends[:-1]
    return inner


def _interleave(order: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Rows ordered so that every stretch has the classes in proportion: i of n stands at (i + 1/2) / n."""
    _, number, count = np.unique(classes[order], return_inverse=True, return_counts=True)
    by_class = np.argsort(number, kind="stable")
    rank = np.empty(len(order))
    rank[by_class] = np.arange(len(order)) - np.repeat(np.cumsum(count) - count, count)
    shuffled: np.ndarray = order[np.argsort((rank + 0.5) / count[number], kind="stable")]
    return shuffled
