"""The curve of a schedule."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from ..checks import check_int, describe
from ..optimizers.schedules.base import LearningRateSchedule, values_of
from .figures import COLOURS, PANEL, new_figure, saved

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["learning_rate"]


def learning_rate(
    schedule: LearningRateSchedule, steps: int, path: str | os.PathLike[Any] | None = None, label: str = "learning rate"
) -> Figure:
    """Plot a learning rate schedule over its first steps.

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

    Examples
    --------
    >>> import gradstep as gs
    >>> figure = gs.plot.learning_rate(gs.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5), 50)
    >>> figure.axes[0].get_xlabel()
    'step'
    """
    if not isinstance(schedule, LearningRateSchedule):
        raise TypeError(f"schedule must be a LearningRateSchedule; got {describe(schedule)}.")
    numbers = np.arange(check_int("steps", steps, 1))
    figure = new_figure(*PANEL)
    from matplotlib.ticker import MaxNLocator

    panel = figure.subplots()
    # One value a step: it holds until the next.
    panel.step(
        numbers, values_of(schedule, numbers), where="post", color=COLOURS[0], marker="o" if steps == 1 else None
    )
    panel.set_title(type(schedule).__name__)
    panel.set_xlabel("step")
    panel.set_ylabel(label)
    panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    panel.grid(alpha=0.3)
    return saved(figure, path)
