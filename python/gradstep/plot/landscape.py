"""A function of one or two variables, and the path of a minimization over it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..checks import check_int
from .figures import COLOURS, PANEL, new_figure, saved

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["landscape", "path"]

LEVELS = 24  # contours
SEEN = 300  # points of a path of which the value is asked


def path(
    fun: Callable[..., Any],
    result: Any,
    bounds: Sequence[tuple[float, float]] | None = None,
    args: tuple[Any, ...] = (),
    resolution: int = 150,
    path: str | os.PathLike[Any] | None = None,
) -> Figure:
    """Plot the path of a minimization over contours (two variables) or along the curve (one).

    Parameters
    ----------
    fun : callable
        What was minimized; where it gives a pair, its first part is the value.
    result : OptimizeResult or array_like, shape (steps, variables), or a sequence or dict of them
        Of `gradstep.minimize` with ``return_path=True``; or the points of a loop of your own. Several are drawn in one
        figure, by the names of a dict.
    bounds : sequence of (low, high), optional
        What part is shown; by default the path and some room around it, without where it went far up from its start.
    args : tuple
        Further arguments of `fun`.
    resolution : int
        Points along each axis at which `fun` is drawn.
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
        A result has no path, is no array of points, or there are more than two variables.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> bowl = lambda x: x[0]**2 + 3 * x[1]**2
    >>> res = gs.minimize(bowl, [2.0, 1.0], return_path=True)
    >>> figure = gs.plot.path(bowl, res)

    The points of your own loop:

    >>> points = {}
    >>> for name, optimizer in (("SGD", gs.optimizers.SGD(0.1)), ("Adam", gs.optimizers.Adam(0.1))):
    ...     x = np.array([2.0, 1.0])
    ...     points[name] = [x.copy()]
    ...     for _ in range(50):
    ...         optimizer.step(x, np.array([2 * x[0], 6 * x[1]]))
    ...         points[name].append(x.copy())
    >>> figure = gs.plot.path(bowl, points)
    """
    named = dict(result) if isinstance(result, Mapping) and "message" not in result else None
    several = {name: _points(one) for name, one in (named or _numbered(result)).items()}
    routes = {
        name: np.array([np.concatenate([np.ravel(part) for part in _parts(x)]) for x in one])
        for name, one in several.items()
    }
    sizes = {route.shape[1] for route in routes.values()}
    if len(sizes) != 1 or not sizes <= {1, 2}:
        raise ValueError(f"path is drawn for one or two variables; the results have {sorted(sizes)}.")
    value = _by_vector(fun, next(iter(several.values()))[0], args)
    shown = bounds if bounds is not None else _around(value, list(routes.values()))
    figure = new_figure(*PANEL)
    panel = figure.subplots()
    _draw(panel, value, shown, check_int("resolution", resolution, 2))
    limits = panel.get_xlim(), panel.get_ylim()
    for number, (name, route) in enumerate(routes.items()):
        values = _heights(value, route) if route.shape[1] == 1 else None
        across, up = route[:, 0], route[:, 1] if values is None else values
        # The curve of a function of one variable has the first colour.
        colour = COLOURS[(number + (values is not None)) % len(COLOURS)]
        few = len(route) < 60
        panel.plot(across, up, color=colour, linewidth=1.4, marker="." if few else None, markersize=4, label=name)
        panel.plot(across[0], up[0], marker="s", color=colour, markeredgecolor="black")
        panel.plot(across[-1], up[-1], marker="*", color=colour, markeredgecolor="black", markersize=11)
    panel.set(xlim=limits[0], ylim=limits[1])
    if named is not None or len(routes) > 1:
        panel.legend()
    return saved(figure, path)


def landscape(
    fun: Callable[..., Any],
    bounds: Sequence[tuple[float, float]],
    args: tuple[Any, ...] = (),
    resolution: int = 150,
    path: str | os.PathLike[Any] | None = None,
) -> Figure:
    """Plot a function of one variable as a curve, of two as contours.

    Parameters
    ----------
    fun : callable
        ``fun(x, *args)``, x of shape (1,) or (2,); where it gives a pair, its first part is the value.
    bounds : sequence of (low, high)
        What part is shown, a pair for each variable.
    args : tuple
        Further arguments of `fun`.
    resolution : int
        Points along each axis.
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
        There are not one or two pairs.

    Examples
    --------
    >>> import gradstep as gs
    >>> figure = gs.plot.landscape(lambda x: x[0]**2 - x[1]**2, [(-1, 1), (-1, 1)], resolution=20)
    """
    if len(bounds) not in (1, 2):
        raise ValueError(f"bounds must be one or two pairs; got {len(bounds)}.")
    figure = new_figure(*PANEL)
    example = np.zeros(len(bounds))
    _draw(figure.subplots(), _by_vector(fun, example, args), bounds, check_int("resolution", resolution, 2))
    return saved(figure, path)


def _numbered(result: Any) -> dict[str, Any]:
    """Results or paths by their numbers: a list is of several if it begins with a result or with points of its own."""
    if isinstance(result, Mapping) or not isinstance(result, (Sequence, np.ndarray)) or not len(result):
        return {"1": result}
    several = isinstance(result[0], Mapping) or np.ndim(result[0]) > 1
    return {str(i + 1): each for i, each in enumerate(result if several else [result])}


def _points(result: Any) -> Sequence[Any]:
    """The points of a result, or of an array of them."""
    if isinstance(result, Mapping):
        if "path" not in result:
            raise ValueError("result must have a path: minimize(..., return_path=True).")
        return list(result["path"])
    points = np.asarray(result, float)
    if points.ndim not in (1, 2) or not points.size:
        raise ValueError(f"a path must be points (steps, variables); got an array {points.shape}.")
    return list(points.reshape(len(points), -1))


def _parts(x: Any) -> list[Any]:
    if isinstance(x, dict):
        return [part for child in x.values() for part in _parts(child)]
    if isinstance(x, (list, tuple)):
        return [part for child in x for part in _parts(child)]
    return [x]


def _by_vector(fun: Callable[..., Any], example: Any, args: tuple[Any, ...]) -> Callable[[np.ndarray], float]:
    def value(x: np.ndarray) -> float:
        found = fun(_like(example, list(x)), *args)
        return float(np.ravel(found[0] if isinstance(found, tuple) else found)[0])

    return value


def _like(example: Any, numbers: list[float]) -> Any:
    """The structure of an x with these numbers, which are taken away."""
    if isinstance(example, dict):
        return {key: _like(child, numbers) for key, child in example.items()}
    if isinstance(example, (list, tuple)):
        return type(example)([_like(child, numbers) for child in example])
    size = np.size(example)
    taken, numbers[:] = numbers[:size], numbers[size:]
    array = np.array(taken, np.asarray(example).dtype).reshape(np.shape(example))
    return array if array.ndim else array[()]


def _heights(value: Callable[[np.ndarray], float], route: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        return np.array([value(x) for x in route])


def _around(value: Callable[[np.ndarray], float], routes: list[np.ndarray]) -> list[tuple[float, float]]:
    """Bounds of the points that are no higher over the highest start than the lowest point is below it."""
    some = [route[:: max(1, len(route) // SEEN)] for route in routes]
    heights = [_heights(value, route) for route in some]
    top = max(own[0] for own in heights)
    low = min([own[np.isfinite(own)].min() for own in heights if np.isfinite(own).any()], default=top)
    near = [route[own <= 2 * top - low] for route, own in zip(some, heights, strict=True)]
    if max(map(len, near)) <= 1:  # all went up at once
        near = [route[:4] for route in routes]
    points = np.concatenate([*near, *(route[:1] for route in routes)])
    points = points[np.isfinite(points).all(axis=1)]
    if not len(points):
        raise ValueError("a path must have a finite point.")
    least, most = points.min(axis=0), points.max(axis=0)
    room = 0.15 * (most - least) + np.where(most > least, 0.0, 1.0)
    return list(zip((least - room).tolist(), (most + room).tolist(), strict=True))


def _draw(panel: Axes, value: Callable[[np.ndarray], float], bounds: Any, resolution: int) -> None:
    axes = [np.linspace(low, high, resolution) for low, high in bounds]
    panel.set_xlabel("x" if len(axes) == 1 else "x[0]")
    with np.errstate(all="ignore"):
        if len(axes) == 1:
            panel.plot(axes[0], [value(np.array([x])) for x in axes[0]], color=COLOURS[0])
            panel.set_ylabel("value")
            return
        heights = np.array([[value(np.array([x, y])) for x in axes[0]] for y in axes[1]])
    finite = np.where(np.isfinite(heights), heights, np.nan)
    low, high = np.nanmin(finite), np.nanmax(finite)
    # Levels that crowd at the bottom, where the path ends.
    levels = low + (high - low) * np.linspace(0, 1, LEVELS) ** 3 if high > low else [low, low + 1]
    # Light greys, so that paths stand out: the lower, the lighter.
    greys = [str(grey) for grey in np.linspace(0.99, 0.6, len(levels) - 1)]
    filled = panel.contourf(*axes, finite, levels=levels, colors=greys)
    panel.contour(*axes, finite, levels=levels, colors="0.5", linewidths=0.4)
    panel.figure.colorbar(filled, ax=panel, label="value")
    panel.set_ylabel("x[1]")
