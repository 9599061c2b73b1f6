"""Folds of cross-validation: which rows train and which test, in turn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from .. import seeds
from ..checks import check_bool, check_float, check_int, describe, shown
from ..data.folds import Fold, check_fold

__all__ = ["KFold", "StratifiedKFold", "folds_of", "row_count"]


class KFold:
    """K-fold cross-validation: each row is in the test part of one fold, and in the training part of all others.

    Parameters
    ----------
    n_splits : int, default 5
        How many folds; at least 2.
    shuffle : bool, default True
        Whether rows are dealt at random; without, each fold is a stretch of rows as they lie.
    seed : int, optional
        For the same folds each time; 0 to 2**32 - 1.

    Notes
    -----
    The folds' sizes differ by at most a row. It is a splitter as those of scikit-learn, whose `KFold` does not shuffle
    by default, so that rows in the order of their classes give folds without some of them.

    Examples
    --------
    >>> import gradstep as gs
    >>> [test.tolist() for train, test in gs.tune.KFold(3, shuffle=False).split(range(7))]
    [[0, 1, 2], [3, 4], [5, 6]]
    """

    def __init__(self, n_splits: int = 5, shuffle: bool = True, seed: int | None = None) -> None:
        self.n_splits = check_int("n_splits", n_splits, 2)
        self.shuffle = check_bool("shuffle", shuffle)
        seeds.key_of(seed)
        self.seed = seed

    def __repr__(self) -> str:
        return f"{type(self).__name__}(n_splits={self.n_splits}, shuffle={self.shuffle}, seed={self.seed})"

    def get_n_splits(self, x: Any = None, y: Any = None, groups: Any = None) -> int:
        """Number of folds."""
        return self.n_splits

    def split(self, x: Any, y: Any = None, groups: Any = None) -> Iterator[Fold]:
        """The row numbers of the training part and of the test part of each fold, both rising.

        Parameters
        ----------
        x : array_like, shape (rows, ...), or a list or dict of such
            Of which only the number of rows matters.
        y : array_like, shape (rows,), optional
            Classes, for `StratifiedKFold`.
        groups : None
            For callers that pass it to every splitter.

        Raises
        ------
        ValueError
            There are fewer rows than folds.
        """
        rows = row_count(x)
        if rows < self.n_splits:
            raise ValueError(f"n_splits must be at most the number of rows, {rows}; got {self.n_splits}.")
        fold_of = self._deal(rows, y)
        for number in range(self.n_splits):
            yield np.flatnonzero(fold_of != number), np.flatnonzero(fold_of == number)

    def _order(self, rows: int) -> np.ndarray:
        if not self.shuffle:
            return np.arange(rows)
        key = seeds.key_of(self.seed)
        return seeds.generator(seeds.fresh_key() if key is None else key).permutation(rows)

    def _deal(self, rows: int, y: Any) -> np.ndarray:
        """The number of the fold that tests each row."""
        fold_of = np.empty(rows, int)
        for number, part in enumerate(np.array_split(self._order(rows), self.n_splits)):
            fold_of[part] = number
        return fold_of


class StratifiedKFold(KFold):
    """K-fold cross-validation in which each fold has the classes in the proportions of the whole data.

    Parameters
    ----------
    n_splits, shuffle, seed
        As in `KFold`.

    Notes
    -----
    Of each class, and of all rows, the folds have equal numbers to within one.

    Examples
    --------
    >>> import gradstep as gs
    >>> y = [0] * 6 + [1] * 3
    >>> folds = gs.tune.StratifiedKFold(3, seed=0).split(y, y)
    >>> [sorted(y[i] for i in test) for train, test in folds]
    [[0, 0, 1], [0, 0, 1], [0, 0, 1]]
    """

    def _deal(self, rows: int, y: Any) -> np.ndarray:
        classes = class_of_rows(y, rows)
        counts = np.bincount(classes)
        if counts.min() < self.n_splits:
            raise ValueError(
                f"every class must have at least n_splits = {self.n_splits} rows; one has {int(counts.min())}."
            )
        order = self._order(rows)
        order = order[np.argsort(classes[order], kind="stable")]
        fold_of = np.empty(rows, int)
        fold_of[order] = np.arange(rows) % self.n_splits
        return fold_of


def row_count(x: Any, name: str = "x") -> int:
    """Rows of data: of an array, a table, a sparse matrix, or of a list or dict of them."""
    if isinstance(x, dict):
        return row_count(next(iter(x.values()), None), name)
    if isinstance(x, (list, tuple)) and x and hasattr(x[0], "shape") and np.ndim(x[0]):
        return row_count(x[0], name)
    shape = getattr(x, "shape", None)
    if shape is None:
        if not hasattr(x, "__len__"):
            raise TypeError(f"{name} must be an array, a table or a list of rows; got {shown(x)}.")
        return len(x)
    if not shape:
        raise ValueError(f"{name} must have rows; it is a single number.")
    return int(shape[0])


def class_of_rows(y: Any, rows: int) -> np.ndarray:
    """The class of each row, numbered from 0; of rows of several numbers, as one-hot ones, each kind is a class."""
    if y is None or isinstance(y, dict):
        raise ValueError(f"stratified folds need the class of each row; got {describe(y)}: give stratify=labels.")
    labels = np.asarray(y)
    if labels.shape[:1] != (rows,):
        raise ValueError(f"the classes must have one entry for each of {rows} rows; their shape is {labels.shape}.")
    if labels.ndim == 1:
        return np.asarray(np.unique(labels, return_inverse=True)[1])
    return np.asarray(np.unique(labels.reshape(rows, -1), axis=0, return_inverse=True)[1]).reshape(rows)


def folds_of(cv: Any, x: Any, y: Any, stratify: Any, groups: Any) -> list[Fold]:
    """What `cv=` means for these rows."""
    rows = row_count(x)
    labels = None if stratify is False or stratify is None else y if stratify is True else stratify
    if isinstance(cv, float):
        found = [_held_out(rows, check_float("cv", cv), labels)]
    elif hasattr(cv, "split") and not isinstance(cv, str):
        target = np.asarray(y if labels is None else labels) if not isinstance(y, dict) else labels
        found = list(cv.split(np.empty((rows, 0)), target, groups))
    elif isinstance(cv, Iterable) and not isinstance(cv, str):
        found = list(cv)
    else:
        kind = KFold if labels is None else StratifiedKFold
        found = list(kind(check_int("cv", cv, 2), seed=0).split(x, labels))
    folds = [check_fold(fold, f"fold {number}", rows) for number, fold in enumerate(found)]
    if not folds:
        raise ValueError("cv must give at least one fold; it gives none.")
    return folds


def _held_out(rows: int, share: float, labels: Any) -> Fold:
    """A part of the rows, at random, to test on."""
    if not 0 < share < 1:
        raise ValueError(f"cv must be a number of folds, or a share of the rows between 0 and 1; got {share!r}.")
    order = seeds.generator((0, 0)).permutation(rows)
    tests = np.zeros(rows, bool)
    classes = np.zeros(rows, int) if labels is None else class_of_rows(labels, rows)
    for number in range(int(classes.max()) + 1):
        of_class = order[classes[order] == number]
        tests[of_class[: round(share * len(of_class))]] = True
    return np.flatnonzero(~tests), np.flatnonzero(tests)
