"""An epoch of stochastic gradient descent of a linear classifier: dense and sparse rows, shuffled."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import streams

NAME = "sgd"
TITLE = "an epoch of a linear classifier by stochastic gradient descent, float64"
ROWS_FORM, BATCH_FORM = "row by row", "batches of 1024"
RIVALS = (("gradstep", ROWS_FORM), ("gradstep", BATCH_FORM), ("sklearn", ROWS_FORM))
ONE_THREAD = (("gradstep", ROWS_FORM), ("gradstep", BATCH_FORM))
ROWS, BATCH, CHECKED = 100_000, 1024, 3000
EPOCHS = 5  # of a run beyond those of a run of one, so that what a fit costs once drops out
ALPHA, ETA = 1e-4, 1e-2
# Loss, penalty, average, columns, numbers of a row that are not 0 (all: None); what issue 15 asks over scikit-learn.
KINDS: dict[str, tuple[str, str, bool, int, int | None, float | None]] = {
    "log loss": ("log_loss", "l2", False, 100, None, 7.5),
    "hinge": ("hinge", "l2", False, 100, None, 9.0),
    "log loss, l1": ("log_loss", "l1", False, 100, None, 8.0),
    "log loss, average": ("log_loss", "l2", True, 100, None, None),
    "log loss, CSR": ("log_loss", "l2", False, 10_000, 50, 3.0),
    "log loss, l1, CSR": ("log_loss", "l1", False, 10_000, 50, 3.0),
}


def problems(sizes: list[int] | None = None, quick: bool = False) -> list[dict[str, Any]]:
    """Each kind, of so many rows."""
    return [
        {"name": f"{kind}, {rows:,} x {KINDS[kind][3]:,}", "kind": kind, "rows": rows}
        for rows in sizes or [CHECKED if quick else ROWS]
        for kind in KINDS
    ]


def data(problem: dict[str, Any]) -> tuple[Any, np.ndarray]:
    """X (rows, columns), or data, indices, indptr and shape of a CSR matrix; y (rows,) of 0 and 1."""
    _, _, _, columns, stored, _ = KINDS[problem["kind"]]
    rows, rng = problem["rows"], np.random.default_rng(15)
    w = rng.standard_normal(columns)
    noise = rng.standard_normal(rows)
    if stored is None:
        X = rng.standard_normal((rows, columns))
        return X, (X @ w / np.sqrt(columns) + 0.3 * noise > 0).astype(int)
    # One of each so many columns: in order, and none twice.
    step = columns // stored
    indices = rng.integers(0, step, (rows, stored)) + step * np.arange(stored)
    values = rng.standard_normal((rows, stored))
    y = ((values * w[indices]).sum(axis=1) / np.sqrt(stored) + 0.3 * noise > 0).astype(int)
    starts = np.arange(0, rows * stored + 1, stored, dtype=np.int32)
    return (values.ravel(), indices.astype(np.int32).ravel(), starts, (rows, columns)), y


def settings(problem: dict[str, Any]) -> dict[str, Any]:
    """What both libraries are told."""
    loss, penalty, average, *_ = KINDS[problem["kind"]]
    return {"loss": loss, "penalty": penalty, "average": average, "alpha": ALPHA, "learning_rate": "constant",
            "eta0": ETA, "tol": None, "random_state": 0}  # fmt: skip


def first_rows(X: Any, count: int) -> np.ndarray:
    """The first rows of what `data` gave, dense."""
    if isinstance(X, np.ndarray):
        return X[:count]
    values, indices, starts, (_, columns) = X
    dense = np.zeros((count, columns))
    for i in range(count):
        dense[i, indices[starts[i] : starts[i + 1]]] = values[starts[i] : starts[i + 1]]
    return dense


def oracle(problem: dict[str, Any]) -> dict[str, np.ndarray]:
    """Coefficients after one epoch over the first rows in order, by plain steps: a row each, or a batch."""
    X, y = data(problem)
    count = min(CHECKED, problem["rows"])
    x, signs = first_rows(X, count), np.where(y[:count] == 1, 1.0, -1.0)
    is_sparse = not isinstance(X, np.ndarray)
    return {ROWS_FORM: steps(problem, x, signs, 1, is_sparse), BATCH_FORM: steps(problem, x, signs, BATCH, False)}


def steps(problem: dict[str, Any], x: np.ndarray, y: np.ndarray, batch: int, is_sparse: bool) -> np.ndarray:
    """An epoch; is_sparse: the intercept takes a hundredth, and l1 only comes to the columns of a row."""
    loss, penalty, average, *_ = KINDS[problem["kind"]]
    w, b, mean = np.zeros(x.shape[1]), 0.0, np.zeros(x.shape[1])
    could, received = 0.0, np.zeros(x.shape[1])
    for t, first in enumerate(range(0, len(x), batch), 1):
        rows, signs = x[first : first + batch], y[first : first + batch]
        z = signs * (rows @ w + b)
        slopes = -signs / (1 + np.exp(z)) if loss == "log_loss" else np.where(z <= 1, -signs, 0.0)
        if penalty == "l2":
            w *= 1 - ETA * ALPHA
        w -= ETA * (slopes @ rows) / len(rows)
        b -= ETA * slopes.mean() * (0.01 if is_sparse else 1)
        if penalty == "l1":
            could += ETA * ALPHA
            at = np.flatnonzero(rows[0]) if is_sparse else slice(None)
            before = w[at].copy()
            low, high = np.maximum(0, before - could - received[at]), np.minimum(0, before + could - received[at])
            w[at] = np.where(before > 0, low, np.where(before < 0, high, 0.0))
            received[at] += w[at] - before
        mean += (w - mean) / t
    return mean if average else w


def check(result: np.ndarray, expected: np.ndarray) -> None:
    """Raise unless the coefficients are the oracle's but for rounding: sums in another order, of 3,000 steps."""
    error = float(np.max(np.abs(result - expected))) / float(np.max(np.abs(expected)))
    if not error <= 1e-9:
        raise ArithmeticError(f"coefficients differ from the oracle's by {error:.1e}; at most 1e-9 is rounding.")


def limits(problem: dict[str, Any], threads: int) -> dict[str, list[Any]]:
    """Reading the rows once, in order."""
    _, _, _, columns, stored, _ = KINDS[problem["kind"]]
    size = problem["rows"] * (8 * columns if stored is None else 12 * stored)
    return streams.sweep(1, 0, size // 4, threads, "reading the rows")


def columns(problem: dict[str, Any], seconds: float, ours: float | None, measured: dict[str, float]) -> dict[str, str]:
    """A row of the report."""
    row = {"ms/epoch": f"{seconds * 1e3:,.2f}", "ns/row": f"{seconds * 1e9 / problem['rows']:,.0f}"}
    if ours:
        row["x gradstep"] = f"{seconds / ours:.2f}"
    return row


def limit_columns(problem: dict[str, Any], ours: float | None, measured: dict[str, float]) -> dict[str, dict[str, str]]:
    """Reading alone."""
    return {
        f"limit: {name}": columns(problem, seconds, ours, measured)
        for name, seconds in measured.items()
        if not name.endswith(streams.ONE_THREAD)
    }


def summary(results: list[dict[str, Any]]) -> dict[str, dict[str, str]]:
    """A row a kind: scikit-learn over ours, row by row, and batches on all threads over batches on one."""
    rows = {}
    for result in results:
        seconds, kind = result["seconds"], result["problem"]["kind"]
        row = {}
        ours, theirs = (seconds.get(f"{library}: {ROWS_FORM}") for library in ("gradstep", "sklearn"))
        if ours:
            row["ms/epoch"] = f"{ours * 1e3:,.2f}"
        if ours and theirs:
            least = KINDS[kind][5] if result["problem"]["rows"] >= ROWS else None
            row["scikit-learn / gradstep"] = streams.judged(theirs / ours, least)
        both, alone = (seconds.get(f"gradstep: {BATCH_FORM}{end}") for end in ("", streams.ONE_THREAD))
        if both:
            row["batches, ms/epoch"] = f"{both * 1e3:,.2f}"
        if both and alone:
            least = 1.7 if result["problem"]["rows"] >= ROWS and KINDS[kind][4] is None else None
            row["batches, one thread / all"] = streams.judged(alone / both, least)
        rows[result["problem"]["name"]] = row
    return rows
