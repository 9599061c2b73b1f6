"""Outputs of a layer, projected to two dimensions."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from ..checks import check_choice, check_int, describe, numeric
from .classes import class_labels
from .figures import PANEL, new_figure, points, saved

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

__all__ = ["embedding"]

METHODS = {"tsne": "t-SNE", "pca": "PCA"}
MOST = 20  # classes; more different targets are a scale


def embedding(
    model: Any,
    X: ArrayLike,
    y: ArrayLike,
    layer: str | int | None = None,
    method: str = "tsne",
    seed: int = 0,
    path: str | os.PathLike[Any] | None = None,
) -> Figure:
    """Plot the outputs of a layer for data, projected to two dimensions.

    Parameters
    ----------
    model : Sequential or Model
        Of one input.
    X : array_like, shape (rows, ...)
        Data; at least 3 rows.
    y : array_like, shape (rows,), (rows, 1), or one-hot (rows, classes)
        The class of each row, or, with more than 20 different ones, its target.
    layer : str or int, optional
        Name or index of the layer; by default the last but one, or the only one.
    method : {"tsne", "pca"}, default "tsne"
        t-SNE keeps neighbours together, and takes about a second for each 500 rows; its axes mean nothing. PCA shows
        the two directions in which the outputs vary most.
    seed : int, default 0
        Of what t-SNE draws.
    path : str or path, optional
        Where to save the figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ImportError
        matplotlib or scikit-learn is not installed.
    TypeError, ValueError
        There is no such layer or method; `X` or `y` is no such data.

    References
    ----------
    L. van der Maaten, G. Hinton, "Visualizing Data using t-SNE", Journal of Machine Learning Research 9, 2008.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> model = gs.Sequential([gs.Input((2,)), gs.layers.Dense(8, "tanh"), gs.layers.Dense(1)])
    >>> x = np.random.default_rng(0).normal(size=(64, 2))
    >>> figure = gs.plot.embedding(model, x, x[:, 0] > 0, layer=0, method="pca")
    >>> len(figure.axes) >= 1
    True
    """
    name = check_choice("method", method, METHODS)
    draw = check_int("seed", seed, 0)
    number = _number(model, layer)
    rows = numeric(X, "X")
    if rows.ndim < 2 or len(rows) < 3:
        raise ValueError(f"X must have shape (rows, ...), with at least 3 rows; its shape is {rows.shape}.")
    labels = class_labels(y, len(rows))
    figure = new_figure(PANEL[0] + 1.2, PANEL[1] + 0.7)
    outputs = model._outputs_of_layer(number, rows).reshape(len(rows), -1)
    places, axes = _two_dimensions(outputs, method, draw)

    panel = figure.subplots()
    classes = np.unique(labels)
    if len(classes) <= MOST:
        points(panel, places, labels, classes.tolist())
        figure.legend(loc="outside right upper", markerscale=1.5)
    else:
        drawn = panel.scatter(places[:, 0], places[:, 1], s=12, c=labels, cmap="viridis")
        figure.colorbar(drawn, ax=panel, label="target")
    panel.set(xlabel=axes[0], ylabel=axes[1])
    chosen = model.layers[number]
    panel.set_title(f"{name} of the {outputs.shape[1]} outputs of layer {chosen.name!r}")
    return saved(figure, path)


def _number(model: Any, layer: Any) -> int:
    """Of the layer in the model."""
    layers = list(getattr(model, "layers", ()))
    if not layers or not hasattr(model, "_outputs_of_layer"):
        raise TypeError(f"model must be a model with layers; got {describe(model)}.")
    if layer is None:
        return max(len(layers) - 2, 0)
    if isinstance(layer, str):
        return check_choice("layer", layer, {each.name: i for i, each in enumerate(layers)})
    if isinstance(layer, bool) or not isinstance(layer, (int, np.integer)):
        raise TypeError(f"layer must be a name or an index; got {describe(layer)}.")
    if not -len(layers) <= layer < len(layers):
        raise ValueError(f"layer must be from {-len(layers)} to {len(layers) - 1}; got {layer}.")
    return int(layer) % len(layers)


def _two_dimensions(outputs: np.ndarray, method: str, seed: int) -> tuple[np.ndarray, tuple[str, str]]:
    """outputs (rows, n) -> (rows, 2), and names of the axes."""
    try:
        from sklearn.decomposition import PCA  # type: ignore[import-untyped,unused-ignore]
        from sklearn.manifold import TSNE  # type: ignore[import-untyped,unused-ignore]
    except ImportError:
        raise ImportError("embeddings need scikit-learn: pip install 'gradstep[sklearn]'") from None
    places: np.ndarray
    if outputs.shape[1] == 1:  # one number is a line already
        outputs = np.hstack([outputs, np.zeros_like(outputs)])
    if method == "pca":
        pca = PCA(2)
        places = pca.fit_transform(outputs)
        first, second = np.nan_to_num(pca.explained_variance_ratio_)
        return places, (f"component 1 ({first:.0%} of the variance)", f"component 2 ({second:.0%} of the variance)")
    tsne = TSNE(random_state=seed, perplexity=min(30.0, (len(outputs) - 1) / 3))
    places = tsne.fit_transform(outputs)
    return places, ("t-SNE 1 (no unit)", "t-SNE 2 (no unit)")
