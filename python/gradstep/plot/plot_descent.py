"""The curves of a minimization."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .figures import COLOURS, PANEL, new_figure, saved

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["plot_descent"]

PANELS = {"fun": "value", "gnorm": "largest gradient component", "step": "length of the step"}


def plot_descent(result: Mapping[str, Any], path: str | os.PathLike[Any] | None = None) -> Figure:
    """Plot value, gradient and step over the iterations of a minimization; `OptimizeResult.plot` calls it.

    Parameters
    ----------
    result : OptimizeResult
        Of `gradstep.minimize`. What a method does not have, as a gradient, has no panel.
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
        The result has no iteration.

    Examples
    --------
    >>> import gradstep as gs
    >>> p = gs.problems.rosenbrock
    >>> res = gs.minimize(p.value, p.start, jac=p.gradient)
    >>> figure = gs.plot.plot_descent(res)  # or res.plot()
    >>> len(figure.axes)
    3
    """
    history = {name: np.asarray(result["history"][name], np.float64) for name in PANELS}
    if not len(history["fun"]):
        raise ValueError("result must hold at least one iteration; it has none.")
    names = [name for name, values in history.items() if np.isfinite(values).any()]
    figure = new_figure(PANEL[0] * len(names), PANEL[1])
    panels = figure.subplots(1, len(names), squeeze=False)[0]
    for panel, name, colour in zip(panels, names, COLOURS, strict=False):
        values = history[name]
        label = PANELS[name]
        if name == "fun" and values.min() <= 0:
            # On a scale of powers: how far above the lowest value.
            values, label = values - values.min(), f"value above {values.min():.6g}"
        at = np.arange(len(values))
        shown = np.isfinite(values) & (values > 0)
        panel.plot(at[shown], values[shown], color=colour, marker="o" if shown.sum() < 30 else None, markersize=3)
        if shown.any() and values[shown].max() > 30 * values[shown].min():
            panel.set_yscale("log")
        panel.set_xlabel("iteration")
        panel.set_ylabel(label)
        panel.grid(alpha=0.3)
    figure.suptitle(str(result["message"]).split(": ")[0], fontsize="medium")
    return saved(figure, path)
