"""The curves of models that were trained together."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from .figures import COLOURS, PANEL, new_figure, saved

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["plot_many"]


def plot_many(result: Any, path: str | os.PathLike[Any] | None = None) -> Figure:
    """Plot the loss of many models over the epochs, and over their learning rates; `FitManyResult.plot` calls it.

    Parameters
    ----------
    result : FitManyResult
        Of `gradstep.fit_many`.
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
        No member has a finite score.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> model = gs.Sequential([gs.Input((2,)), gs.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> x = np.random.default_rng(0).normal(size=(64, 2))
    >>> found = gs.fit_many(model, 3, x, x[:, :1], learning_rate=[0.01, 0.03, 0.1], epochs=2)
    >>> figure = gs.plot.plot_many(found)  # or found.plot()
    >>> len(figure.axes)
    2
    """
    best, scores = result.best, result.scores
    name = "val_loss" if "val_loss" in result.history else "loss"
    rates = result.learning_rates
    is_number = rates is not None and all(isinstance(rate, float) for rate in rates) and len(set(rates)) > 1
    figure = new_figure(PANEL[0] * (1 + is_number), PANEL[1])
    panels = figure.subplots(1, 1 + is_number, squeeze=False)[0]
    curves = result.history[name]
    at = np.arange(1, len(curves) + 1)
    shown = np.where(np.isfinite(curves), curves, np.nan)
    panels[0].plot(at, shown, color="0.7", linewidth=0.8)
    panels[0].plot(at, np.nanmedian(shown, axis=1), color=COLOURS[0], linestyle="--", label="median")
    panels[0].plot(at, shown[:, best], color=COLOURS[1], label=f"best, member {best}")
    panels[0].set_xlabel("epoch")
    panels[0].legend()
    if is_number:
        places = np.array(rates)
        if places.min() > 0 and places.max() > 30 * places.min():
            panels[1].set_xscale("log")
        panels[1].plot(places, scores, "o", color=COLOURS[0], markersize=4)
        panels[1].plot(
            places[best], scores[best], "D", color=COLOURS[1], markersize=7, label=f"best, {places[best]:.3g}"
        )
        panels[1].set_xlabel("learning rate")
        panels[1].legend()
    # Those that diverge hide all differences between others.
    first, middle, third = np.percentile(scores[np.isfinite(scores)], [0, 50, 75])
    begin = np.nanmax(np.append(shown[0][np.isfinite(scores)], middle))
    highest = max(third + 1.5 * (third - first), middle, min(begin, 10 * middle if middle > 0 else begin))
    margin = 0.08 * (highest - first) or 0.05 * abs(first) or 1.0
    for panel in panels:
        panel.set_ylabel(name)
        panel.grid(alpha=0.3)
        panel.set_ylim(first - margin, highest + margin)
    beyond = int((~np.isfinite(scores) | (scores > highest)).sum())
    if beyond:
        figure.suptitle(f"{beyond} of {len(scores)} members are worse than the range shown", fontsize="medium")
    return saved(figure, path)
