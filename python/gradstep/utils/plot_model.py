"""The picture of a model."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ..checks import check_bool, check_choice, check_int, describe
from ..saving.savable import Savable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["plot_model"]


def plot_model(
    model: Any,
    to_file: str | os.PathLike[Any] | None = "model.png",
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = False,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 200,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
) -> Figure:
    """Draw the layers of a model and how they are connected (extra ``plot``).

    Parameters
    ----------
    model : Sequential or Model
        Built.
    to_file : str or path, optional
        Where to save the picture, whose format is that of the ending; None for nowhere.
    show_shapes, show_dtype, show_layer_names, show_layer_activations, show_trainable : bool, default False
        What is written below the class of a layer: shapes of its inputs and output; its dtype, name and activation;
        and whether training changes it.
    rankdir : {"TB", "LR"}, default "TB"
        Whether layers follow one another from top to bottom, or from left to right.
    expand_nested : bool, default False
        Whether models in the model are taken apart.
    dpi : int, default 200
        Dots per inch of the file.

    Returns
    -------
    matplotlib.figure.Figure
        A notebook shows it where it is the last value of a cell.

    Raises
    ------
    ImportError
        matplotlib is not installed: ``pip install "gradstep[plot]"``.
    TypeError, ValueError
        `model` is no model or is not built; another argument is of a wrong type.

    Notes
    -----
    Keras draws with Graphviz, which is a program of its own; this needs matplotlib alone. A layer that is called twice
    stands there twice.

    Examples
    --------
    >>> import gradstep as gs
    >>> model = gs.Sequential([gs.Input((64,)), gs.layers.Dense(10, "softmax")])
    >>> gs.utils.plot_model(model, "model.png", show_shapes=True)  # doctest: +SKIP
    """
    from ..plot.boxes import draw_boxes

    if not isinstance(model, Savable):
        raise TypeError(f"model must be a Sequential or a Model; got {describe(model)}.")
    model._must_be_built()
    wanted = {
        "shapes": check_bool("show_shapes", show_shapes),
        "dtype": check_bool("show_dtype", show_dtype),
        "names": check_bool("show_layer_names", show_layer_names),
        "activations": check_bool("show_layer_activations", show_layer_activations),
        "trainable": check_bool("show_trainable", show_trainable),
    }
    across = check_choice("rankdir", rankdir, {"TB": "TB", "LR": "LR"}) == "LR"
    texts: list[list[str]] = []
    arrows: list[tuple[int, int]] = []
    tensors: Any = model.inputs  # type: ignore[attr-defined]
    made = {}
    for tensor in tensors:
        made[id(tensor)] = len(texts)
        texts.append(_lines(tensor.node.operation, [], [tensor], wanted))
    _add_calls(model, made, texts, arrows, wanted, check_bool("expand_nested", expand_nested))
    return draw_boxes(texts, arrows, to_file, across, check_int("dpi", dpi, 1))


def _add_calls(
    model: Any,
    made: dict[int, int],
    texts: list[list[str]],
    arrows: list[tuple[int, int]],
    wanted: dict[str, bool],
    expands: bool,
) -> None:
    """Add a box for each call; made: which box gives each tensor."""
    for node in model._calls:
        sources = [made[id(tensor)] for tensor in node.given]
        if expands and isinstance(node.operation, Savable):
            inner: Any = node.operation
            made.update({id(tensor): source for tensor, source in zip(inner.inputs, sources, strict=True)})
            _add_calls(inner, made, texts, arrows, wanted, expands)
            given = [made[id(tensor)] for tensor in inner.outputs]
        else:
            arrows += [(source, len(texts)) for source in dict.fromkeys(sources)]
            given = [len(texts)] * len(node.outputs)
            texts.append(_lines(node.operation, node.given, node.outputs, wanted))
        made.update({id(tensor): box for tensor, box in zip(node.outputs, given, strict=True)})


def _lines(operation: Any, inputs: list[Any], outputs: list[Any], wanted: dict[str, bool]) -> list[str]:
    """What is written into the box of a call."""
    kind = type(operation).__name__
    lines = [kind]
    if wanted["names"]:
        lines.append(operation.name)
    activation = getattr(operation, "activation", None)
    if wanted["activations"] and activation is not None:
        lines.append(f"activation: {getattr(activation, '__name__', activation)}")
    if wanted["shapes"]:
        shapes = [", ".join(str(tuple(tensor.shape)) for tensor in tensors) for tensors in (inputs, outputs)]
        lines.append(" → ".join(shape for shape in shapes if shape))
    if wanted["dtype"]:
        lines.append(outputs[0].dtype)
    if wanted["trainable"] and getattr(operation, "weights", None):
        lines.append("trainable" if operation.trainable else "not trainable")
    return lines
