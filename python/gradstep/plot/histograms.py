"""How the weights of each layer are spread, and their gradients."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from ..checks import describe
from .figures import COLOURS, new_figure, saved

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

__all__ = ["histograms"]

BINS = 50
HEIGHT = 1.15  # inches of a layer
SHADE = 0.35  # of what is filled
DARK = (0, 7, 9, 3, 6)  # colours that are seen on it, in grey too
DASHES = ("-", "--", ":", "-.")


def histograms(
    model: Any, x: ArrayLike | None = None, y: ArrayLike | None = None, path: str | os.PathLike[Any] | None = None
) -> Figure:
    """Plot histograms of the weights of each layer, and of their gradients if data are given.

    Parameters
    ----------
    model : Model
        Built; compiled with a loss if there are data.
    x, y : array_like, optional
        A batch, for `Model.value_and_grad`. Give both or neither.
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
        `model` has no weights, one of `x` and `y` is missing, or `value_and_grad` refuses them.

    Notes
    -----
    Counts have a logarithmic axis, as have the gradients' absolute values, which in a healthy network are within a few
    powers of ten from the first layer to the last. How many gradients are 0 or not finite is said beside them. Layers
    that are not trained have none. Those of models in the model are called by both names.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> model = gs.Sequential([gs.Input((2,)), gs.layers.Dense(8, "tanh"), gs.layers.Dense(1)])
    >>> model.compile("adam", "mse")
    >>> x = np.random.default_rng(0).normal(size=(64, 2))
    >>> figure = gs.plot.histograms(model, x, x[:, 0])
    >>> len(figure.axes) >= 2
    True
    """
    layers = {path: layer for path, layer in getattr(model, "_leaves", {}).items() if layer.weights}
    if not layers:
        raise ValueError(f"model must be built and have layers with weights; got {describe(model)}.")
    if (x is None) != (y is None):
        raise ValueError("x and y must come together: gradients are of a loss.")
    columns = 1 if x is None else 2
    figure = new_figure(5.2 * columns, HEIGHT * len(layers) + 1.3)
    gradients = {} if x is None else _gradients(model, x, y)

    panels = figure.subplots(len(layers), columns, sharex="col", squeeze=False)
    styles: dict[str, int] = {}
    for (path_in_model, layer), row in zip(layers.items(), panels, strict=True):
        named = dict(zip(layer.weight_names, layer.weights, strict=True))
        for name in named:
            styles.setdefault(name, len(styles))
        _draw_values(row[0], named, styles)
        row[0].set_title(path_in_model, loc="left", fontsize="medium")
        if columns == 2:
            _draw_sizes(row[1], {name: gradients.get(f"{path_in_model}/{name}") for name in named}, styles)
    panels[-1, 0].set_xlabel("weight")
    if columns == 2:
        panels[-1, 1].set_xlabel("|gradient| of the loss")
        panels[0, 1].set_title("gradients", loc="left", fontsize="medium")
    figure.supylabel("how many a bin", fontsize="medium")
    figure.legend(handles=[_handle(name, style) for name, style in styles.items()], loc="outside upper center", ncols=4)
    return saved(figure, path)


def _gradients(model: Any, x: Any, y: Any) -> dict[str, np.ndarray]:
    _, gradients = model.value_and_grad(x, y)
    return dict(zip(model._executor.trained_weights(), gradients, strict=True))


def _look(style: int) -> dict[str, Any]:
    return {"color": COLOURS[DARK[style % len(DARK)]], "linestyle": DASHES[style % len(DASHES)]}


def _handle(name: str, style: int) -> Any:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    look = _look(style)
    return Patch(label=name, alpha=SHADE, **look) if style == 0 else Line2D([], [], label=name, **look)


def _draw_values(panel: Axes, weights: dict[str, np.ndarray], styles: dict[str, int]) -> None:
    values = {name: weight[np.isfinite(weight)] for name, weight in weights.items()}
    _steps(panel, values, styles)
    lost = sum(weight.size for weight in weights.values()) - sum(value.size for value in values.values())
    _say(panel, [f"{lost} not finite"] * (lost > 0))


def _draw_sizes(panel: Axes, gradients: dict[str, np.ndarray | None], styles: dict[str, int]) -> None:
    panel.set_xscale("log")
    known = {name: np.abs(g) for name, g in gradients.items() if g is not None}
    _steps(panel, {name: size[np.isfinite(size) & (size > 0)] for name, size in known.items()}, styles)
    if not known:
        _say(panel, ["not trained"])
        return
    total = sum(size.size for size in known.values())
    zeros = sum(int((size == 0).sum()) for size in known.values())
    lost = sum(int((~np.isfinite(size)).sum()) for size in known.values())
    _say(panel, [f"{zeros / total:.0%} are 0"] * (zeros > 0) + [f"{lost} not finite"] * (lost > 0))


def _steps(panel: Axes, values: dict[str, np.ndarray], styles: dict[str, int]) -> None:
    """Histograms over common bins: the first filled, the others as lines."""
    from matplotlib.ticker import LogLocator, NullFormatter

    panel.set_yscale("log")
    panel.grid(alpha=0.3)
    some = {name: value.astype(float) for name, value in values.items() if value.size}
    highest = 1
    edges = _edges(list(some.values()), panel.get_xscale() == "log") if some else np.zeros(0)
    for name, value in some.items():
        counts, _ = np.histogram(value, edges)
        highest = max(highest, int(counts.max()))
        filled = styles[name] == 0
        panel.stairs(counts, edges, fill=filled, alpha=SHADE if filled else 1.0, **_look(styles[name]))
    panel.set_ylim(0.6, max(12.0, 1.6 * highest))  # so that 1 is seen, and there are two ticks
    panel.yaxis.set_major_locator(LogLocator(10, numticks=4))
    panel.yaxis.set_minor_formatter(NullFormatter())


def _edges(values: list[np.ndarray], log: bool) -> np.ndarray:
    low, high = min(float(value.min()) for value in values), max(float(value.max()) for value in values)
    if log:
        return np.geomspace(low * 0.99, high * 1.01, BINS + 1)
    room = 0.01 * (high - low) or 0.01 * abs(high) or 0.01
    return np.linspace(low - room, high + room, BINS + 1)


def _say(panel: Axes, words: list[str]) -> None:
    panel.set_title(", ".join(words), loc="right", fontsize="small")
