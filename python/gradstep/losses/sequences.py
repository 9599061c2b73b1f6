"""Losses of sequences."""

from __future__ import annotations

from typing import Any

import numpy as np

from .base import Loss, predictions

__all__ = ["CTC", "ctc"]

BLANK = 0


class CTC(Loss):
    r"""Connectionist temporal classification loss: of labels whose places in the sequence are not known.

    Parameters
    ----------
    reduction, name, dtype
        As in `Loss`.

    Raises
    ------
    ValueError
        When called: targets are not of shape (rows, length), whole numbers from 0 to the number of classes - 1, with
        zeros at the end alone; predictions are not of shape (rows, steps, classes), or have too few steps for a row.

    Notes
    -----
    Targets are class numbers, (rows, length); 0 is the blank, and fills up rows with fewer labels. Predictions are
    logits, (rows, steps, classes). The loss of a row is

    .. math:: -\log \sum_\pi \prod_t \mathrm{softmax}(y_t)_{\pi_t}

    over all paths :math:`\pi` of steps that give the labels when repeated ones are joined and blanks then left out. It
    is computed in NumPy and float64, all rows at once, a step after another, forward and backward. Keras gives infinity
    for a row with too few steps.

    References
    ----------
    Graves, Fernández, Gomez, Schmidhuber, "Connectionist temporal classification", ICML 2006.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> round(gs.losses.CTC()([[1, 2]], np.zeros((1, 2, 3))), 4)  # one path of nine
    2.1972
    """

    kind = "ctc"

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str | None = "ctc", dtype: str | None = None
    ) -> None:
        super().__init__(name, reduction, dtype)

    def call(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        """The loss of each row."""
        return _values(y_true, y_pred, False)[0]

    def gradient(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        """Gradient of the sum of the losses."""
        found = _values(y_true, y_pred, True)[1]
        assert found is not None
        return found

    def _rows(self, targets: np.ndarray, predicted: np.ndarray, grad: bool) -> tuple[np.ndarray, np.ndarray | None]:
        return _values(targets, predicted, grad)


def ctc(y_true: Any, y_pred: Any) -> np.ndarray:
    """Connectionist temporal classification loss of each row: see `CTC`.

    Parameters
    ----------
    y_true : array_like of int, shape (rows, length)
        Labels; 0 is the blank, at the end of shorter rows.
    y_pred : array_like, shape (rows, steps, classes)
        Logits.

    Returns
    -------
    ndarray, shape (rows,)

    Raises
    ------
    ValueError
        As `CTC` does.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.losses.ctc([[1, 2], [1, 0]], np.zeros((2, 2, 3))).round(4)
    array([2.1972, 1.0986])
    """
    predicted = predictions(y_pred, None)
    return _values(np.asarray(y_true), predicted, False)[0].astype(predicted.dtype)


def _labels(y_true: np.ndarray, y_pred: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The labels with blanks between and around them, (rows, 2 * length + 1), and how many labels a row has."""
    if y_pred.ndim != 3 or y_true.ndim != 2 or len(y_true) != len(y_pred):
        raise ValueError(
            "ctc takes y_true of shape (rows, length) and y_pred of shape (rows, steps, classes); got shapes "
            f"{y_true.shape} and {y_pred.shape}."
        )
    labels = y_true.astype(np.int64)
    if y_true.size and (not np.array_equal(labels, y_true) or labels.min() < 0 or labels.max() >= y_pred.shape[2]):
        wrong = y_true[(labels != y_true) | (labels < 0) | (labels >= y_pred.shape[2])].flat[0]
        raise ValueError(f"y_true must be whole numbers from 0 to {y_pred.shape[2] - 1}; got {wrong}.")
    lengths = (labels != BLANK).sum(axis=1)
    if (labels[:, 1:] != BLANK)[labels[:, :-1] == BLANK].any():
        raise ValueError("y_true must have 0, the blank, behind the labels of a row alone; got one between them.")
    repeated = ((labels[:, 1:] == labels[:, :-1]) & (labels[:, 1:] != BLANK)).sum(axis=1)
    short = np.flatnonzero(lengths + repeated > y_pred.shape[1])
    if short.size:
        row = short[0]
        raise ValueError(
            f"y_pred must have a step for each label and one between equal ones: row {row} needs "
            f"{lengths[row] + repeated[row]}; got {y_pred.shape[1]} steps."
        )
    spaced = np.full((len(labels), 2 * labels.shape[1] + 1), BLANK)
    spaced[:, 1::2] = labels
    return spaced, lengths


def _values(y_true: np.ndarray, y_pred: np.ndarray, grad: bool) -> tuple[np.ndarray, np.ndarray | None]:
    """The loss of each row, and the gradient of their sum."""
    labels, lengths = _labels(y_true, y_pred)
    rows, steps, width = len(labels), y_pred.shape[1], labels.shape[1]
    log_p = y_pred.astype(np.float64)
    log_p = log_p - log_p.max(axis=2, keepdims=True)
    log_p = log_p - np.log(np.exp(log_p).sum(axis=2, keepdims=True))
    emitted = np.take_along_axis(log_p, np.broadcast_to(labels[:, None], (rows, steps, width)), axis=2)
    places = np.arange(width)
    # Where a path may come from two places before: over the blank between labels that differ.
    jumps = np.zeros(labels.shape, bool)
    jumps[:, 2:] = (labels[:, 2:] != BLANK) & (labels[:, 2:] != labels[:, :-2])
    ends = (places == 2 * lengths[:, None]) | (places == 2 * lengths[:, None] - 1)

    def stepped(paths: np.ndarray, jump: np.ndarray) -> np.ndarray:
        """The paths that come to each place from it, from the one before and from two before."""
        before = np.full((3, *paths.shape), -np.inf)
        before[0], before[1, :, 1:] = paths, paths[:, :-1]
        before[2, :, 2:] = np.where(jump[:, 2:], paths[:, :-2], -np.inf)
        found: np.ndarray = np.logaddexp.reduce(before)
        return found

    forward = np.full((steps, rows, width), -np.inf)
    forward[0] = np.where(places < 2, emitted[:, 0], -np.inf)
    for step in range(1, steps):
        forward[step] = stepped(forward[step - 1], jumps) + emitted[:, step]
    total = np.logaddexp.reduce(np.where(ends, forward[-1], -np.inf), axis=1)
    if not grad:
        return -total, None
    # The same from the end, with the places in the other order.
    back = np.zeros(labels.shape, bool)
    back[:, 2:] = jumps[:, ::-1][:, :-2]
    paths, backward = np.where(ends, 0.0, -np.inf)[:, ::-1], np.empty(forward.shape)
    backward[-1] = paths[:, ::-1]
    for step in range(steps - 2, -1, -1):
        paths = stepped(paths + emitted[:, step + 1, ::-1], back)
        backward[step] = paths[:, ::-1]
    shares = np.exp(forward + backward - total[:, None])
    gradient = np.exp(log_p)
    row = np.repeat(np.arange(rows), width)
    for step in range(steps):
        np.subtract.at(gradient[:, step], (row, labels.ravel()), shares[step].ravel())
    return -total, gradient
