"""The curves of a training run."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..checks import describe
from .figures import COLOURS, MARKERS, PANEL, new_figure, saved

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["plot_history"]

Run = dict[str, tuple[list[int], list[float]]]  # epochs and values of each curve

COLUMNS = 3  # panels in a row
# What an axis measures, where the name of the metric alone does not say it; names end so, those of an output too.
UNITS = {
    "binary_accuracy": "share of outputs",
    "accuracy": "share of rows",
    "acc": "share of rows",
    "loss": "mean over rows",
}


def plot_history(
    history: Any,
    epochs: Sequence[int] | Mapping[str, Sequence[int]] | None = None,
    path: str | os.PathLike[Any] | None = None,
) -> Figure:
    """Plot curves of loss and metrics over the epochs, of one run or of several; `History.plot` calls it.

    Parameters
    ----------
    history : History, dict of str to sequence of float, or dict of str to either
        What `fit` returned, or values by name; a name with ``val_`` in front is drawn in the panel of the name, dashed.
        A dict of such, by the names of the runs, is drawn in the same panels, a colour for each run.
    epochs : sequence of int, or dict of str to sequence of int, optional
        For values by name, the epochs' numbers, from 0, as they are by default; the axis counts from 1. By name where
        not every value came with every epoch.
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
        There is no history or no epoch, or a curve has another number of values than of epochs.

    Examples
    --------
    >>> import gradstep as gs
    >>> figure = gs.plot.plot_history({"loss": [1.0, 0.5], "val_loss": [1.1, 0.7]})
    >>> len(figure.axes)
    1

    Runs beside each other:

    >>> figure = gs.plot.plot_history({"sgd": {"loss": [1.0, 0.8]}, "adam": {"loss": [1.0, 0.5]}})
    >>> [line.get_label() for line in figure.axes[0].lines]
    ['sgd', 'adam']
    """
    several = isinstance(history, Mapping) and any(map(_is_run, history.values()))
    if several and epochs is not None:
        raise ValueError("epochs must be None for several runs.")
    runs = {name: _curves(one, None) for name, one in history.items()} if several else {"": _curves(history, epochs)}
    every = list(dict.fromkeys(name for run in runs.values() for name in run))
    names = [name for name in every if name.removeprefix("val_") == name or name[4:] not in every]
    rows, columns = math.ceil(len(names) / COLUMNS), min(len(names), COLUMNS)
    figure = new_figure(PANEL[0] * columns, PANEL[1] * rows)
    from matplotlib.ticker import MaxNLocator

    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for panel in panels[len(names) :]:
        panel.remove()
    for panel, name in zip(panels, names, strict=False):
        if several:
            _draw_runs(panel, name, runs)
        else:
            _draw_run(panel, name, runs[""])
        _label(panel, name, [run[name][1] for run in runs.values() if name in run])
        panel.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    return saved(figure, path)


def _is_run(value: Any) -> bool:
    return isinstance(value, Mapping) or isinstance(getattr(value, "history", None), Mapping)


def _curves(history: Any, epochs: Any) -> Run:
    """Epochs and values by name."""
    if not _is_run(history):
        raise TypeError(f"history must be a History, or a dict of curves by name; got {describe(history)}.")
    curves = history if isinstance(history, Mapping) else history.history
    if not curves or (epochs is not None and not epochs):
        raise ValueError("history must hold at least one epoch; it is empty.")
    if epochs is None and curves is not history:
        epochs = {
            name: history._epochs_of(name) if hasattr(history, "_epochs_of") else history.epoch for name in curves
        }
    run = {}
    for name, values in curves.items():
        at = range(len(values)) if epochs is None else epochs[name] if isinstance(epochs, Mapping) else epochs
        if len(values) != len(at):
            raise ValueError(f"history[{name!r}] has {len(values)} values for {len(at)} epochs.")
        run[name] = list(at), list(values)
    return run


def _line(panel: Axes, at: list[int], values: list[float], longest: int, marker: str, **look: Any) -> None:
    # Without a mark a line of one value is invisible, and one of few says nothing about where they are.
    few = len(at) == 1 or len(at) < longest
    panel.plot([epoch + 1 for epoch in at], values, marker=marker if few else None, markersize=4, **look)


def _draw_run(panel: Axes, name: str, run: Run) -> None:
    curves = {name: ("training", "-", "o")}
    if f"val_{name}" in run:
        curves[f"val_{name}"] = ("validation", "--", "s")
    longest = max(len(run[curve][0]) for curve in curves)
    for colour, (curve, (label, dashes, marker)) in zip(COLOURS, curves.items(), strict=False):
        _line(panel, *run[curve], longest, marker, color=colour, linestyle=dashes, label=label)
    if name != "learning_rate":  # nothing is validated by it
        panel.legend()


def _draw_runs(panel: Axes, name: str, runs: Mapping[str, Run]) -> None:
    validated = False
    for number, (label, run) in enumerate(runs.items()):
        colour, marker = COLOURS[number % len(COLOURS)], MARKERS[number % len(MARKERS)]
        longest = max(len(values) for _, values in run.values())
        for curve, dashes in ((name, "-"), (f"val_{name}", "--")):
            if curve in run:
                own = label if dashes == "-" or name not in run else None
                _line(panel, *run[curve], longest, marker, color=colour, linestyle=dashes, label=own)
                validated |= dashes == "--"
    if validated:
        panel.plot([], [], color="grey", linestyle="--", label="validation")
    panel.legend()


def _label(panel: Axes, name: str, curves: list[list[float]]) -> None:
    panel.set_xlabel("epoch")
    panel.grid(alpha=0.3)
    if name == "learning_rate":  # is no mean
        panel.set_ylabel("learning rate")
        values = np.concatenate([np.asarray(curve, float) for curve in curves])
        if values.min() > 0 and values.max() / values.min() > 30:
            panel.set_yscale("log")
        return
    unit = next((f" ({unit})" for ending, unit in UNITS.items() if name.endswith(ending)), "")
    # Long names, as sparse_top_k_categorical_accuracy, are longer than the axis with their unit.
    panel.set_ylabel(name + (unit if len(name + unit) < 32 else unit.replace(" (", "\n(")))
