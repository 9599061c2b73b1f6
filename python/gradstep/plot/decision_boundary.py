"""Which class a model gives to each place of a plane."""

from __future__ import annotations

import inspect
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from ..checks import check_int, describe, numeric
from .classes import class_labels, table
from .figures import PANEL, new_figure, points, saved, tint

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

__all__ = ["decision_boundary"]

MARGIN = 0.08  # of the plane, beyond the outermost points
SURE = 0.9  # where dashed lines run


class Answer(NamedTuple):
    """Predictions for rows: scores (rows,) or (rows, classes), or class numbers in `classes`."""

    scores: np.ndarray
    classes: list[Any]
    kind: str  # "probability", "output", or "class" for the numbers
    threshold: float  # of one score


def decision_boundary(
    model: Any,
    X: ArrayLike,
    y: ArrayLike,
    features: Sequence[int] | None = None,
    held: ArrayLike | None = None,
    threshold: float | None = None,
    names: Sequence[str] | None = None,
    resolution: int = 200,
    path: str | os.PathLike[Any] | None = None,
) -> Figure:
    """Plot the decision regions of a classifier of two features, with the data.

    Parameters
    ----------
    model : Model or any object with ``predict``
        It gives probabilities or other scores, one a row or one for each class, or class labels. Of a classifier with
        ``predict_proba``, as scikit-learn's, that is asked.
    X : array_like, shape (rows, features)
        Data.
    y : array_like, shape (rows,), (rows, 1), or one-hot (rows, classes)
        The class of each row.
    features : (int, int), optional
        Which two columns of `X` span the plane; needed if it has more than two.
    held : array_like, shape (features,), optional
        Where the other features are held; by default at their means.
    threshold : float, optional
        From which score on one output means the second class. By default 0 for a model whose loss takes logits, else
        the middle of the two classes: 0.5 for 0 and 1, 0 for -1 and 1.
    names : (str, str), optional
        Names of the two features, with their units, for the axes; by default those of the columns of a data frame.
    resolution : int, default 200
        Places in each direction; at least 2.
    path : str or path, optional
        Where to save the figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ImportError
        matplotlib is not installed.
    TypeError, ValueError
        `model` cannot predict, or gives something else than scores or labels; `X` or `y` is no such data; there are
        more than two features and none are chosen.

    Notes
    -----
    Solid lines are the borders between classes; on dashed ones the model gives the likelier class 0.9 of probability.
    Logits are shown as probabilities.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> x = np.random.default_rng(0).normal(size=(200, 2))
    >>> y = (x[:, 0] > x[:, 1] ** 2).astype(int)
    >>> model = gs.Sequential([gs.layers.Dense(16, "tanh"), gs.layers.Dense(1, "sigmoid")])
    >>> model.compile("adam", "binary_crossentropy")
    >>> _ = model.fit(x, y, verbose=0)
    >>> figure = gs.plot.decision_boundary(model, x, y, names=("height (m)", "width (m)"))  # doctest: +SKIP
    """
    if not callable(getattr(model, "predict", None)):
        raise TypeError(f"model must have a method predict; got {describe(model)}.")
    rows = table(X)
    labels = class_labels(y, len(rows))
    pair = _pair(features, rows.shape[1])
    fixed = _held(held, rows)
    count = check_int("resolution", resolution, 2)
    titles = _names(names, X, pair)
    figure = new_figure(PANEL[0] + 1, PANEL[1] + 1)

    low, high = rows[:, pair].min(0).astype(float), rows[:, pair].max(0).astype(float)
    room = np.where(high > low, MARGIN * (high - low), 1.0)
    lines = np.linspace(low - room, high + room, count)  # (count, 2)
    plane = np.empty((count * count, rows.shape[1]), np.result_type(rows.dtype, np.float32))
    plane[:] = fixed
    plane[:, pair[0]], plane[:, pair[1]] = (grid.ravel() for grid in np.meshgrid(*lines.T))
    answer = _ask(model, plane, labels, threshold)
    unknown = sorted(set(labels.tolist()) - set(answer.classes))
    if unknown:
        raise ValueError(f"y must hold classes that the model knows, {answer.classes}; it holds {unknown[0]!r}.")

    panel = figure.subplots()
    scores = answer.scores.reshape(count, count, *answer.scores.shape[1:])
    draw = _draw_one if scores.ndim == 2 and answer.kind != "class" else _draw_many
    lengths = draw(panel, lines, scores, answer)
    points(panel, rows[:, pair], labels, answer.classes)
    panel.set(xlabel=titles[0], ylabel=titles[1], xlim=lines[[0, -1], 0], ylim=lines[[0, -1], 1])
    where = "their means" if held is None else "fixed values"
    others = "" if len(fixed) == 2 else f"; {len(fixed) - 2} other features held at {where}"
    panel.set_title(f"regions of {len(answer.classes)} classes{others}")
    handles = [*panel.get_legend_handles_labels()[0], *lengths]
    figure.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), 4), markerscale=1.5)
    return saved(figure, path)


def _pair(features: Any, columns: int) -> list[int]:
    if features is None:
        if columns != 2:
            raise ValueError(f"features must name two columns of X, as (0, 1): X has {columns}.")
        return [0, 1]
    chosen = [check_int(f"features[{i}]", number, 0) for i, number in enumerate(features)]
    if len(chosen) != 2 or chosen[0] == chosen[1] or max(chosen) >= columns:
        raise ValueError(f"features must be two different columns of X, from 0 to {columns - 1}; got {features!r}.")
    return chosen


def _held(held: Any, rows: np.ndarray) -> np.ndarray:
    if held is None:
        means: np.ndarray = rows.mean(0)
        return means
    values = numeric(held, "held")
    if values.shape != rows.shape[1:]:
        raise ValueError(f"held must have a number for each of {rows.shape[1]} features; its shape is {values.shape}.")
    return values


def _names(names: Any, X: Any, pair: Sequence[int]) -> list[str]:
    if names is None:
        columns = getattr(X, "columns", None)
        return [f"feature {i}" if columns is None else str(columns[i]) for i in pair]
    if isinstance(names, str) or len(names) != 2:
        raise ValueError(f"names must be two, of the axes; got {names!r}.")
    return [str(name) for name in names]


# -- what the model says -----------------------------------------------------------------------------------------------


def _ask(model: Any, plane: np.ndarray, labels: np.ndarray, threshold: float | None) -> Answer:
    classes = np.unique(labels).tolist()
    ask = model.predict_proba if hasattr(model, "predict_proba") else model.predict
    given = np.asarray(ask(plane, **_quiet(ask)))
    given = given[:, 0] if given.shape == (len(plane), 1) else given
    if given.shape[:1] != (len(plane),) or given.ndim > 2:
        raise ValueError(f"model must give scores or a label for each row; for {len(plane)} it gave {given.shape}.")
    known = getattr(model, "classes_", None)
    if given.ndim == 1 and set(np.unique(given).tolist()) <= {*classes, *(() if known is None else known)}:
        both = sorted({*classes, *np.unique(given).tolist()})
        return Answer(np.searchsorted(both, given), both, "class", 0.0)
    given = numeric(given, "what the model gives")
    logits = bool(getattr(getattr(model, "loss", None), "from_logits", False))
    if given.ndim == 1:
        return _one_score(given, classes, threshold, logits)
    if logits:
        given = np.exp(given - given.max(1, keepdims=True))
        given = given / given.sum(1, keepdims=True)
    shares = given.min() >= 0 and np.allclose(given.sum(1), 1, atol=1e-3)
    named = list(range(given.shape[1])) if known is None else np.asarray(known).tolist()
    if given.shape[1] == 2 and shares:
        return Answer(given[:, 1], named, "probability", 0.5 if threshold is None else threshold)
    return Answer(given, named, "probability" if shares else "output", 0.0)


def _quiet(ask: Any) -> dict[str, int]:
    """The argument for no progress bar, of what takes one."""
    try:
        return {"verbose": 0} if "verbose" in inspect.signature(ask).parameters else {}
    except (TypeError, ValueError):  # a function in C may not tell
        return {}


def _one_score(scores: np.ndarray, classes: list[Any], threshold: float | None, logits: bool) -> Answer:
    if len(classes) > 2:
        raise ValueError(f"a model of one output must tell two classes apart; y has {len(classes)}.")
    numbers = all(isinstance(label, (int, float)) for label in classes)
    if len(classes) < 2:
        classes = sorted({*classes, *((0, 1) if classes in ([0], [1]) else (-1, 1) if classes == [-1] else ())})
    if logits:  # 1 / (1 + exp(-z)), without an overflow
        border = 0.0 if threshold is None else threshold
        return Answer(0.5 * (1 + np.tanh(0.5 * (scores - border))), classes, "probability", 0.5)
    middle = sum(classes) / 2 if numbers and len(classes) == 2 else 0.5
    kind = "probability" if scores.min() >= 0 and scores.max() <= 1 else "output"
    return Answer(scores, classes, kind, middle if threshold is None else threshold)


# -- drawing -----------------------------------------------------------------------------------------------------------


def _line(dashes: Literal["-", "--"], label: str) -> Any:
    from matplotlib.lines import Line2D

    return Line2D([], [], color="black", linestyle=dashes, linewidth=1.6 if dashes == "-" else 1.0, label=label)


def _draw_one(panel: Axes, lines: np.ndarray, scores: np.ndarray, answer: Answer) -> list[Any]:
    """Shades of one score, in the colours of the two classes; the handles for the legend."""
    from matplotlib.colors import LinearSegmentedColormap, TwoSlopeNorm
    from matplotlib.ticker import MaxNLocator

    shades = LinearSegmentedColormap.from_list("classes", [tint(0, 0.82), tint(0, 0.98), tint(1, 0.68)])
    certain = answer.kind == "probability"
    levels = np.linspace(0, 1, 11) if certain else MaxNLocator(10).tick_values(scores.min(), scores.max())
    middle = min(max(answer.threshold, levels[0] + 1e-9), levels[-1] - 1e-9)
    norm = TwoSlopeNorm(middle, levels[0], levels[-1])
    filled = panel.contourf(*lines.T, scores, levels=levels, cmap=shades, norm=norm)
    handles = []
    if scores.min() < answer.threshold < scores.max():
        panel.contour(*lines.T, scores, levels=[answer.threshold], colors="black", linewidths=1.6)
        handles.append(_line("-", f"border, at {answer.threshold:g}"))
    sure = [level for level in (1 - SURE, SURE) if certain and scores.min() < level < scores.max()]
    if sure:
        panel.contour(*lines.T, scores, levels=sure, colors="black", linewidths=1.0, linestyles="--")
        handles.append(_line("--", f"{' and '.join(f'{level:.1f}' for level in sure)}"))
    figure = panel.figure
    assert figure is not None
    name = f"probability of class {answer.classes[-1]}" if certain else "output of the model"
    figure.colorbar(filled, ax=panel, label=name)
    return handles


def _draw_many(panel: Axes, lines: np.ndarray, scores: np.ndarray, answer: Answer) -> list[Any]:
    """A region for each class; the handles for the legend."""
    count = len(answer.classes)
    winner = scores if answer.kind == "class" else scores.argmax(2)
    light = np.linspace(0.94, 0.76, count)
    panel.imshow(
        np.stack([tint(number, light[number]) for number in range(count)])[winner],
        extent=(*lines[[0, -1], 0], *lines[[0, -1], 1]),
        origin="lower",
        aspect="auto",
        interpolation="nearest",
    )
    for number in np.unique(winner):
        if answer.kind == "class":
            lead = np.where(winner == number, 1.0, -1.0)
        else:
            lead = scores[..., number] - np.delete(scores, number, axis=2).max(2)
        if lead.min() < 0 < lead.max():
            panel.contour(*lines.T, lead, levels=[0.0], colors="black", linewidths=1.6)
    handles = [_line("-", "border")] if winner.min() < winner.max() else []
    if answer.kind == "probability":
        best = scores.max(2)
        if best.min() < SURE < best.max():
            panel.contour(*lines.T, best, levels=[SURE], colors="black", linewidths=1.0, linestyles="--")
            handles.append(_line("--", f"probability {SURE:g}"))
    return handles
