"""The scores of a search over its settings."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .figures import COLOURS, PANEL, new_figure, saved

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["plot_search"]

COLUMNS = 3  # panels in a row


def plot_search(result: Any, path: str | os.PathLike[Any] | None = None) -> Figure:
    """Plot the scores of a search; `SearchResult.plot` calls it.

    A panel for each setting that was varied, in which a point is a mean with its deviation, and the line joins the best
    of each value; of halving, a panel with the mean scores over the epochs; of a cross-validation the scores
    of its folds.

    Parameters
    ----------
    result : SearchResult
        Of `gradstep.tune`.
    path : str or path, optional
        Where to save the figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ImportError
        matplotlib is not installed.
    ValueError
        No run has a score.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> def build(units):
    ...     model = gs.Sequential([gs.Input((2,)), gs.layers.Dense(units, "tanh"), gs.layers.Dense(1)])
    ...     model.compile("adam", "mse")
    ...     return model
    >>> x = np.random.default_rng(0).normal(size=(64, 2))
    >>> table = gs.tune.grid(build, {"units": [1, 2]}, x, x[:, :1], cv=2, epochs=1)
    >>> figure = gs.plot.plot_search(table)  # or table.plot()
    >>> len(figure.axes)
    1
    """
    scored = [trial for trial in result.trials if trial.n]
    if not scored:
        raise ValueError("result must hold at least one score; every run failed.")
    names = list(dict.fromkeys(name for trial in scored for name in trial.settings))
    varied = [name for name in names if len({str(trial.settings.get(name)) for trial in scored}) > 1]
    count = max(1, len(varied)) + bool(result.rungs)
    rows, columns = math.ceil(count / COLUMNS), min(count, COLUMNS)
    figure = new_figure(PANEL[0] * columns, PANEL[1] * rows)
    panels = list(figure.subplots(rows, columns, squeeze=False).ravel())
    for panel in panels[count:]:
        panel.remove()
    if result.rungs:
        _rungs(panels.pop(0), result)
    if not varied:
        _folds(panels[0], scored[0])
    for panel, name in zip(panels, varied, strict=False):
        _setting(panel, name, scored, result)
    low, high, beyond = _range(scored, result.larger_is_better)
    for panel in figure.axes:
        panel.set_ylabel(result.metric)
        panel.grid(alpha=0.3)
        if varied:
            panel.set_ylim(low, high)
    if beyond:
        figure.suptitle(f"{beyond} of {len(scored)} settings are worse than the range shown", fontsize="medium")
    return saved(figure, path)


def _range(scored: Sequence[Any], larger_is_better: bool) -> tuple[float, float, int]:
    """The scores to show, and how many settings are worse: those far off hide all differences between others."""
    means = np.array([trial.mean for trial in scored])
    losses = -means if larger_is_better else means
    first, middle, third = np.percentile(losses, [0, 50, 75])
    worst = min(losses.max(), max(third + 1.5 * (third - first), middle))
    margin = 0.08 * (worst - first) or 0.05 * abs(first) or 1.0
    ends = first - margin, worst + margin
    low, high = sorted(-end if larger_is_better else end for end in ends)
    return low, high, int((losses > worst).sum())


def _setting(panel: Axes, name: str, scored: Sequence[Any], result: Any) -> None:
    """Scores over the values of one setting."""
    values = [trial.settings.get(name) for trial in scored]
    is_number = all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)
    if is_number:
        places = np.array(values, float)
        if places.min() > 0 and places.max() > 30 * places.min():
            panel.set_xscale("log")
    else:
        kinds = list(dict.fromkeys(map(str, values)))
        places = np.array([kinds.index(str(value)) for value in values], float)
        panel.set_xticks(range(len(kinds)), kinds)
    means = np.array([trial.mean for trial in scored])
    spread = np.nan_to_num([trial.deviation for trial in scored])
    panel.errorbar(
        places, means, spread, fmt="o", color=COLOURS[0], alpha=0.6, markersize=4, capsize=2, label="setting"
    )
    best = max if result.larger_is_better else min
    at = np.unique(places)
    panel.plot(
        at, [best(means[places == place]) for place in at], color=COLOURS[1], linestyle="--", label="best of each"
    )
    winner = min(range(len(scored)), key=lambda i: result.ranking.index(scored[i]))
    panel.plot(places[winner], means[winner], "D", color=COLOURS[1], markersize=8, label="best of all")
    panel.set_xlabel(name)
    panel.legend()


def _rungs(panel: Axes, result: Any) -> None:
    """Mean scores of the settings over the epochs of the rungs."""
    winner = result.ranking[0].index
    for index in result.rungs[0]:
        curve = [
            (epochs, rung[index])
            for epochs, rung in zip(result.rung_epochs, result.rungs, strict=False)
            if index in rung
        ]
        is_best = index == winner
        panel.plot(
            *zip(*curve, strict=True),
            color=COLOURS[1] if is_best else "0.6",
            marker="D" if is_best else "o",
            markersize=6 if is_best else 3,
            zorder=3 if is_best else 2,
            label="best of all" if is_best else None,
        )
    panel.set_xscale("log")
    panel.set_xticks(result.rung_epochs, [str(epochs) for epochs in result.rung_epochs])
    panel.minorticks_off()
    panel.set_xlabel("epoch")
    panel.legend()


def _folds(panel: Axes, trial: Any) -> None:
    """Scores of the folds, with mean and deviation."""
    runs = [run for run in trial.runs if not run.reason]
    panel.plot([run.fold + 1 for run in runs], [run.score for run in runs], "o", color=COLOURS[0], label="score")
    panel.axhline(trial.mean, color=COLOURS[1], linestyle="--", label=f"mean {trial.mean:.4g}")
    if math.isfinite(trial.deviation):
        low, high = trial.mean - trial.deviation, trial.mean + trial.deviation
        panel.axhspan(low, high, color=COLOURS[1], alpha=0.15, label=f"deviation {trial.deviation:.2g}")
    panel.set_xticks(sorted({run.fold + 1 for run in runs}))
    panel.set_xlabel("fold")
    panel.legend()
