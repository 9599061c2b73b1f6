"""Folds: which rows train and which test."""

from __future__ import annotations

from typing import Any

import gradstep as gs
import numpy as np
import pytest
from gradstep import tune
from gradstep.tune.folds import folds_of

Y = np.array([0] * 31 + [1] * 17 + [2] * 9)


@pytest.mark.parametrize("splits", [2, 3, 5, 9])
@pytest.mark.parametrize("kind", [tune.KFold, tune.StratifiedKFold])
@pytest.mark.parametrize("shuffle", [True, False])
def test_each_row_is_tested_once(kind: Any, splits: int, shuffle: bool) -> None:
    folds = list(kind(splits, shuffle, seed=1).split(Y, Y))
    assert len(folds) == splits == kind(splits).get_n_splits()
    assert sorted(np.concatenate([test for _, test in folds])) == list(range(len(Y)))
    for train, test in folds:
        assert sorted(np.concatenate([train, test])) == list(range(len(Y)))
        assert len(Y) // splits <= len(test) <= -(-len(Y) // splits)
        if kind is tune.StratifiedKFold:
            for label, count in zip(*np.unique(Y, return_counts=True), strict=True):
                assert count // splits <= (Y[test] == label).sum() <= -(-count // splits)


def test_seeds() -> None:
    def tests(seed: int | None) -> list[list[int]]:
        return [test.tolist() for _, test in tune.KFold(4, seed=seed).split(Y)]

    assert tests(1) == tests(1) != tests(2)
    gs.utils.set_random_seed(5)
    first = tests(None)
    assert tests(None) != first
    gs.utils.set_random_seed(5)
    assert tests(None) == first


def test_what_cv_may_be() -> None:
    plain, stratified = folds_of(4, Y, Y, False, None), folds_of(4, Y, Y, True, None)
    assert [len(test) for _, test in plain] == [15, 14, 14, 14]
    assert all((Y[test] == 2).sum() in (2, 3) for _, test in stratified)
    one_hot = folds_of(4, Y, np.eye(3)[Y], True, None)
    assert all((Y[test] == 2).sum() in (2, 3) for _, test in one_hot)
    ((train, test),) = folds_of(0.2, Y, Y, True, None)
    assert [int((Y[test] == label).sum()) for label in range(3)] == [6, 3, 2]
    assert len(np.union1d(train, test)) == len(Y)
    pairs = [([0, 1, 2], [3, 4]), (np.arange(5, 9), np.arange(57) < 3)]
    assert folds_of(pairs, Y, Y, False, None)[1][1].tolist() == [0, 1, 2]
    splitters = pytest.importorskip("sklearn.model_selection")
    theirs = folds_of(splitters.GroupKFold(3), Y, Y, False, np.arange(len(Y)) % 6)
    assert all(len(np.unique(test % 6)) == 2 for _, test in theirs)
    assert len(folds_of(splitters.StratifiedShuffleSplit(7, random_state=0), Y, Y, False, None)) == 7


@pytest.mark.parametrize(
    ("cv", "stratify", "error", "words"),
    [
        (1, False, ValueError, "cv must be at least 2"),
        (58, False, ValueError, "n_splits must be at most the number of rows, 57; got 58"),
        (10, True, ValueError, "every class must have at least n_splits = 10 rows; one has 9"),
        (1.5, False, ValueError, "a share of the rows between 0 and 1; got 1.5"),
        (3, Y[:5], ValueError, "one entry for each of 57 rows"),
        ([], False, ValueError, "cv must give at least one fold"),
        ([(1, 2, 3)], False, TypeError, "fold 0 must be a pair"),
        ([([0], [])], False, ValueError, "fold 0: test must be row numbers, one or more"),
        ([([0], [57])], False, ValueError, "fold 0: test must be row numbers from 0 to 56"),
        ("5", False, TypeError, "cv must be a whole number"),
    ],
)
def test_errors(cv: Any, stratify: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        folds_of(cv, Y, Y, stratify, None)
