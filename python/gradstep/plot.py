"""Figures (extra `plot`): matplotlib is imported by the functions only."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .optimizers.arguments import whole
from .optimizers.arrays import describe
from .optimizers.schedules.base import LearningRateSchedule, values_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["learning_rate", "plot_history"]

# What an axis measures, where the name of the metric alone does not say it.
UNITS = {
    "accuracy": "accuracy (share of rows)",
    "acc": "accuracy (share of rows)",
    "binary_accuracy": "accuracy (share of outputs)",
    "categorical_accuracy": "accuracy (share of rows)",
    "sparse_categorical_accuracy": "accuracy (share of rows)",
    "loss": "loss (mean over rows)",
}


def plot_history(
    history: Mapping[str, Sequence[float]], epochs: Sequence[int], path: str | os.PathLike[Any] | None = None
) -> Figure:
    """Curves of loss and metrics over the epochs, a panel each; `History.plot` calls it.

    Parameters
    ----------
    history : dict of str to sequence of float
        Values by name; a name with ``val_`` in front is drawn in the panel of the name, dashed.
    epochs : sequence of int
        The epochs' numbers, from 0; the axis counts from 1.
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
        There is no epoch.
    """
    _need_matplotlib()
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    if not epochs:
        raise ValueError("history must hold at least one epoch; it is empty.")
    names = [name for name in history if not name.startswith("val_")]
    figure = Figure(figsize=(5.2 * len(names), 3.8), layout="constrained")
    panels = figure.subplots(1, len(names), squeeze=False)[0]
    for panel, name in zip(panels, names, strict=True):
        _draw(panel, name, history, [epoch + 1 for epoch in epochs])
        panel.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    if path is not None:
        figure.savefig(path, dpi=150)
    return figure


def learning_rate(
    schedule: LearningRateSchedule, steps: int, path: str | os.PathLike[Any] | None = None, label: str = "learning rate"
) -> Figure:
    """The curve of a schedule over its first steps.

    Parameters
    ----------
    schedule : LearningRateSchedule
    steps : int
        How many, from step 0 on; at least 1.
    path : str or path, optional
        Where to save the figure.
    label : str, default "learning rate"
        What the schedule gives, for the axis.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ImportError
        matplotlib is not installed.
    TypeError, ValueError
        Not a schedule, or not a number of steps.
    """
    _need_matplotlib()
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    if not isinstance(schedule, LearningRateSchedule):
        raise TypeError(f"schedule must be a LearningRateSchedule; got {describe(schedule)}.")
    numbers = np.arange(whole("steps", steps, 1))
    figure = Figure(figsize=(5.2, 3.8), layout="constrained")
    panel = figure.subplots()
    # One value a step: it holds until the next.
    panel.step(numbers, values_of(schedule, numbers), where="post", color="#1f4e8c", marker="o" if steps == 1 else None)
    panel.set_title(type(schedule).__name__)
    panel.set_xlabel("step")
    panel.set_ylabel(label)
    panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    panel.grid(alpha=0.3)
    if path is not None:
        figure.savefig(path, dpi=150)
    return figure


def _need_matplotlib() -> None:
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError:
        raise ImportError("plots need matplotlib: pip install 'gradstep[plot]'") from None


def _draw(panel: Axes, name: str, history: Mapping[str, Sequence[float]], epochs: Sequence[int]) -> None:
    # Line styles and darkness differ, not only colours: readable in grey.
    marker = "o" if len(epochs) == 1 else None  # a line of one point would be invisible
    panel.plot(epochs, history[name], color="#1f4e8c", linestyle="-", marker=marker, label="training")
    if f"val_{name}" in history:
        values = history[f"val_{name}"]
        panel.plot(epochs, values, color="#e07b00", linestyle="--", marker=marker, label="validation")
    panel.set_xlabel("epoch")
    panel.set_ylabel(UNITS.get(name, f"{name} (mean over rows)"))
    panel.grid(alpha=0.3)
    panel.legend()
