"""The curves of a training run."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .figures import COLOURS, PANEL, new_figure, saved

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["plot_history"]

COLUMNS = 3  # panels in a row
# What an axis measures, where the name of the metric alone does not say it; names end so, those of an output too.
UNITS = {
    "binary_accuracy": "share of outputs",
    "accuracy": "share of rows",
    "acc": "share of rows",
    "loss": "mean over rows",
}


def plot_history(
    history: Mapping[str, Sequence[float]],
    epochs: Sequence[int] | Mapping[str, Sequence[int]],
    path: str | os.PathLike[Any] | None = None,
) -> Figure:
    """Plot curves of loss and metrics over the epochs; `History.plot` calls it.

    Parameters
    ----------
    history : dict of str to sequence of float
        Values by name; a name with ``val_`` in front is drawn in the panel of the name, dashed.
    epochs : sequence of int, or dict of str to sequence of int
        The epochs' numbers, from 0; the axis counts from 1. By name where not every value came with every epoch.
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
        There is no epoch, or a curve has another number of values than of epochs.

    Examples
    --------
    >>> import gradstep as gs
    >>> figure = gs.plot.plot_history({"loss": [1.0, 0.5], "val_loss": [1.1, 0.7]}, epochs=[0, 1])
    >>> len(figure.axes)
    1
    """
    if not epochs or not history:
        raise ValueError("history must hold at least one epoch; it is empty.")
    at = epochs if isinstance(epochs, Mapping) else dict.fromkeys(history, epochs)
    for name, values in history.items():
        if len(values) != len(at[name]):
            raise ValueError(f"history[{name!r}] has {len(values)} values for {len(at[name])} epochs.")
    names = [name for name in history if name.removeprefix("val_") == name or name[4:] not in history]
    rows, columns = math.ceil(len(names) / COLUMNS), min(len(names), COLUMNS)
    figure = new_figure(PANEL[0] * columns, PANEL[1] * rows)
    from matplotlib.ticker import MaxNLocator

    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for panel in panels[len(names) :]:
        panel.remove()
    for panel, name in zip(panels, names, strict=False):
        _draw(panel, name, history, at)
        panel.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    return saved(figure, path)


def _draw(panel: Axes, name: str, history: Mapping[str, Sequence[float]], epochs: Mapping[str, Sequence[int]]) -> None:
    curves = {name: ("training", "-", "o")}
    if f"val_{name}" in history:
        curves[f"val_{name}"] = ("validation", "--", "s")
    longest = max(len(epochs[curve]) for curve in curves)
    for colour, (curve, (label, dashes, marker)) in zip(COLOURS, curves.items(), strict=False):
        # Without a mark a line of one value is invisible, and one of few says nothing about where they are.
        few = len(epochs[curve]) == 1 or len(epochs[curve]) < longest
        panel.plot(
            [epoch + 1 for epoch in epochs[curve]],
            history[curve],
            color=colour,
            linestyle=dashes,
            marker=marker if few else None,
            markersize=4,
            label=label,
        )
    panel.set_xlabel("epoch")
    panel.grid(alpha=0.3)
    if name == "learning_rate":  # is no mean, and nothing is validated by it
        panel.set_ylabel("learning rate")
        values = np.asarray(history[name], float)
        if values.min() > 0 and values.max() / values.min() > 30:
            panel.set_yscale("log")
        return
    unit = next((f" ({unit})" for ending, unit in UNITS.items() if name.endswith(ending)), "")
    # Long names, as sparse_top_k_categorical_accuracy, are longer than the axis with their unit.
    panel.set_ylabel(name + (unit if len(name + unit) < 32 else unit.replace(" (", "\n(")))
    panel.legend()
