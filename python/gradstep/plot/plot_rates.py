"""The curve of a sweep over learning rates."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from .figures import COLOURS, PANEL, new_figure, saved

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["plot_rates"]


def plot_rates(result: Any, path: str | os.PathLike[Any] | None = None) -> Figure:
    """Plot the loss over the learning rate; `LRFindResult.plot` calls it.

    Parameters
    ----------
    result : LRFindResult
        Of `Model.lr_find`.
    path : str or path, optional
        Where to save the figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ImportError
        matplotlib is not installed.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.utils.set_random_seed(0)
    >>> model = gs.Sequential([gs.Input((2,)), gs.layers.Dense(8, "tanh"), gs.layers.Dense(1)])
    >>> model.compile("adam", "mse")
    >>> x = np.random.default_rng(0).normal(size=(64, 2))
    >>> found = model.lr_find(x, x[:, :1])
    >>> figure = gs.plot.plot_rates(found)  # or found.plot()
    >>> figure.axes[0].get_xlabel()
    'learning rate'
    """
    rates, losses = result.rates, result.losses
    figure = new_figure(1.25 * PANEL[0], PANEL[1])
    panel = figure.subplots()
    shown = np.isfinite(losses)
    panel.plot(rates[shown], losses[shown], ".", color="0.55", markersize=4, label="loss of a batch")
    panel.plot(rates, result.smoothed, color=COLOURS[0], label="smoothed")
    marks = [
        ("suggestion", result.suggestion, COLOURS[1], "-", "D"),
        ("steepest", result.steep, COLOURS[2], ":", "^"),
        ("valley", result.valley, COLOURS[3], "--", "s"),
        ("lowest", result.minimum, COLOURS[6], "-.", "v"),
    ]
    for name, rate, colour, dashes, marker in marks:
        if rate is not None:
            height = float(np.interp(rate, rates[shown], result.smoothed[shown]))
            panel.axvline(rate, color=colour, linestyle=dashes, linewidth=1)
            label = f"{name}: {rate:.2g}"
            panel.plot([rate], [height], marker, color=colour, markersize=7, linestyle=dashes, label=label)
    if shown.any():
        # A loss that diverged is far above all others: they are what is to be seen.
        first = float(np.median(losses[shown][: max(3, len(losses) // 10)]))
        low = float(losses[shown].min())
        span = max(first - low, 1e-12 + 0.05 * abs(first))
        high = min(float(losses[shown].max()), first + span)
        panel.set_ylim(low - 0.05 * span, high + 0.05 * span)
    panel.set_xscale("log")
    panel.set_xlabel("learning rate")
    panel.set_ylabel("loss")
    panel.set_title("no suggestion" if result.suggestion is None else f"suggestion: {result.suggestion:.2g}")
    panel.grid(alpha=0.3)
    panel.legend()
    return saved(figure, path)
