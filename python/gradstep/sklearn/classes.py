"""Labels of classes as targets of a network, and its outputs as labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels

__all__ = ["Classes", "class_weights", "classes_of_part", "softmaxed"]


class Classes:
    """The classes of a problem.

    Parameters
    ----------
    y : ndarray
        Labels (rows,), or an indicator (rows, labels) of 0 and 1 of several labels a row.
    known : array_like, optional
        All classes, if `y` need not have each.

    Attributes
    ----------
    labels : ndarray
    is_multilabel : bool
    """

    def __init__(self, y: np.ndarray, known: Any = None) -> None:
        check_classification_targets(y)
        kind = type_of_target(y)
        if kind == "multiclass-multioutput":
            raise ValueError("y must be labels, or an indicator of 0 and 1; several classes a row are not supported.")
        self.is_multilabel = kind.startswith("multilabel")
        if self.is_multilabel:
            self.labels = np.arange(y.shape[1])
        else:
            given = np.asarray(y if known is None else known)
            self.labels = unique_labels(given) if given.dtype == object else np.unique(given)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Classes)
            and self.is_multilabel == other.is_multilabel
            and (np.array_equal(self.labels, other.labels))
        )

    __hash__ = None  # type: ignore[assignment]

    @property
    def is_binary(self) -> bool:
        """Whether there are two classes, or one."""
        return not self.is_multilabel and len(self.labels) <= 2

    def outputs(self) -> int:
        """Outputs of a network whose last layer has one for each class, or one in all of two classes."""
        return 1 if self.is_binary else len(self.labels)

    def indices(self, y: np.ndarray) -> np.ndarray:
        """Numbers of the classes of labels."""
        wrong = np.setdiff1d(y, self.labels)
        if len(wrong):
            raise ValueError(
                f"`y` has classes not in `self.classes_`. `self.classes_` has {self.labels}. 'y' has {wrong}."
            )
        return np.searchsorted(self.labels, y)

    def targets(self, y: np.ndarray, outputs: int, is_sparse: bool, dtype: Any) -> np.ndarray:
        """Targets for so many outputs; is_sparse: whether the loss takes numbers of classes."""
        if self.is_multilabel:
            if y.shape[1] != len(self.labels):
                raise ValueError(f"y must have {len(self.labels)} labels; it has {y.shape[1]}.")
            dense = y.toarray() if hasattr(y, "toarray") else y
            return np.asarray(dense, dtype)
        numbers = self.indices(y)
        if is_sparse:
            return numbers
        if outputs == 1:
            return numbers.astype(dtype)[:, None]
        return np.eye(outputs, dtype=dtype)[numbers]

    def probabilities(self, made: np.ndarray) -> np.ndarray:
        """Probabilities of the classes, from outputs that are some."""
        if made.shape[1] == 1 and not self.is_multilabel:
            return (
                np.concatenate([1 - made, made], axis=1)[:, -len(self.labels) :]
                if len(self.labels) > 1
                else np.ones_like(made)
            )
        return made

    def predicted(self, probabilities: np.ndarray) -> np.ndarray:
        """The labels of probabilities."""
        if self.is_multilabel:
            return (probabilities > 0.5).astype(int)
        return np.asarray(self.labels[probabilities.argmax(axis=1)])


def classes_of_part(y: np.ndarray, given: Any, known: Classes | None) -> Classes:
    """The classes of `partial_fit`: those that its first call is given, and that later ones may repeat."""
    if known is None:
        if given is None:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        return Classes(y, np.asarray(given))
    if given is not None and not np.array_equal(np.unique(given), known.labels):
        raise ValueError(f"`classes={given!r}` is not the same as on last call to partial_fit, was: {known.labels!r}")
    return known


def class_weights(given: Any, classes: Classes, y: np.ndarray, counts: np.ndarray | None = None) -> np.ndarray | None:
    """What each row counts for by its class: of a dict of labels, or "balanced".

    counts: rows of each class so far, of data that come in parts; of these alone by default.
    """
    if given is None:
        return None
    if classes.is_multilabel:
        raise ValueError("class_weight must be None for several labels a row.")
    if isinstance(given, str) and given != "balanced":
        raise ValueError(f"class_weight must be 'balanced', a dict or None; got {given!r}.")
    if isinstance(given, str):
        numbers = classes.indices(y)
        seen = np.bincount(numbers, minlength=len(classes.labels)) if counts is None else counts
        each = seen.sum() / (np.count_nonzero(seen) * np.maximum(seen, 1))
        return np.asarray(each[numbers])
    if not isinstance(given, Mapping):
        raise ValueError(f"class_weight must be 'balanced', a dict or None; got {given!r}.")
    present = np.intersect1d(classes.labels, y)
    table = compute_class_weight({key: value for key, value in given.items() if key in present}, classes=present, y=y)
    return np.asarray(table[np.searchsorted(present, y)])


def softmaxed(made: np.ndarray) -> np.ndarray:
    """Probabilities of logits: of one column by the sigmoid."""
    if made.shape[1] == 1:
        return np.asarray(0.5 * (1 + np.tanh(made / 2)))
    raised = np.exp(made - made.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))
