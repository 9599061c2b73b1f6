"""A model as a table of its layers."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from .. import console
from ..checks import brief, check_bool, check_int, describe
from ..layers.base.sizes import is_open
from ..notebook import table

if TYPE_CHECKING:
    import numpy as np

    from ..layers.base.layer import Layer
    from ..optimizers import Optimizer

__all__ = ["Summarized"]

# How the columns are aligned; where they end, as parts of a line of so many characters at most.
COLUMNS = {"Layer (type)": "<", "Output Shape": "<", "Param #": ">"}
IN_A_ROW = ((0.45, 0.80, 1.0), 88)
CONNECTED = ((0.3, 0.56, 0.74, 1.0), 108)
TRAINABLE = 12  # more characters for whether layers are trained
GAP = 2  # blanks between columns


class Summarized:
    """Mixin of models for `summary`."""

    name: str
    optimizer: Optimizer | None

    @property
    def layers(self) -> list[Layer]:
        """List of the layers."""
        raise NotImplementedError

    @property
    def trainable_weights(self) -> list[np.ndarray]:
        """List of the weights that training updates by their gradients."""
        raise NotImplementedError

    @property
    def non_trainable_weights(self) -> list[np.ndarray]:
        """List of the weights that are not updated by gradients."""
        raise NotImplementedError

    @property
    def built(self) -> bool:
        """Whether the weights exist."""
        raise NotImplementedError

    def __repr__(self) -> str:
        count = len(self.layers)
        numbers = sum(weight.size for weight in [*self.trainable_weights, *self.non_trainable_weights])
        params = f"{numbers:,} params" if self.built else "not built"
        return f"<{type(self).__name__} {self.name} of {count} layer{'s' if count != 1 else ''}, {params}>"

    def _repr_html_(self) -> str:
        """The table of `summary`, as notebooks show it."""
        sources = self._connections()
        headings = [*COLUMNS, *(["Connected to"] if sources else [])]
        rows = [row for layer in self.layers for row in _rows(layer, sources, False, False, _shapes_here(self))]
        return table(f'{type(self).__name__} "{self.name}"', headings, rows, [line.strip() for line in self._sums()])

    def _connections(self) -> dict[str, str] | None:
        """Names of each layer's inputs; None for a linear stack."""
        return None

    def summary(
        self,
        line_length: int | None = None,
        positions: Sequence[float] | None = None,
        print_fn: Callable[[str], Any] | None = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: Sequence[str] | None = None,
    ) -> None:
        """Print a table of the layers: output shapes, numbers of parameters, and totals.

        Parameters
        ----------
        line_length : int, optional
            Characters of a line; by default 88, or 108 where layers are not in a row, or what the terminal has.
        positions : sequence of float, optional
            Where each column ends, as a part of the line; rising, the last 1.
        print_fn : function of str, default print
            Called with each line.
        expand_nested : bool, default False
            Whether the layers of models that are used as layers follow these, indented.
        show_trainable : bool, default False
            Whether a column says which layers are trained: Y, N, or - without weights.
        layer_range : (str, str), optional
            Names of the first and the last layer of the table, or regular expressions for them. The sums are those of
            the whole model.

        Raises
        ------
        TypeError, ValueError
            An argument that cannot be; nothing is printed then.

        Notes
        -----
        Where layers are not in a row, a column says what each is called with: ``a[0][1]`` is the second output of the
        first call of ``a``. A layer without weights yet has the output shape ``?``. Names that are too long go on in
        the next line; nothing is cut off. The optimizer's numbers count from the first training on, those that it has
        for each weight: Keras counts its learning rate and its steps too, 2 more.

        Examples
        --------
        >>> import gradstep as gs
        >>> layers = [gs.Input((64,)), gs.layers.Dense(128, name="hidden"), gs.layers.Dense(10, name="out")]
        >>> gs.Sequential(layers, name="digits").summary(line_length=56)
        Model: "digits"
        ========================================================
        Layer (type)             Output Shape            Param #
        ========================================================
        hidden (Dense)           (None, 128)               8,320
        out (Dense)              (None, 10)                1,290
        ========================================================
         Total params: 9,610 (37.54 KB)
         Trainable params: 9,610 (37.54 KB)
         Non-trainable params: 0 (0.00 B)
        """
        trained, nested = check_bool("show_trainable", show_trainable), check_bool("expand_nested", expand_nested)
        if print_fn is not None and not callable(print_fn):
            raise TypeError(f"print_fn must be a function of a line; got {describe(print_fn)}.")
        sources = self._connections()
        headings = COLUMNS | ({"Connected to": "<"} if sources else {}) | ({"Trainable": "^"} if trained else {})
        widths = _widths(line_length, positions, CONNECTED if sources else IN_A_ROW, trained)
        layers = self.layers
        chosen = layers[_bounds(layers, layer_range)]
        show = console.show if print_fn is None else print_fn
        rule = "=" * sum(widths)
        show(f'Model: "{self.name}"')
        show(rule)
        for line in _lines(headings, widths, headings.values()):
            show(line)
        show(rule)
        for layer in chosen:
            for row in _rows(layer, sources, trained, nested, _shapes_here(self)):
                for line in _lines(row, widths, headings.values()):
                    show(line)
        show(rule)
        for line in self._sums():
            show(line)

    def _sums(self) -> Iterator[str]:
        trained, others = self.trainable_weights, self.non_trainable_weights
        state = [] if self.optimizer is None else [a for a in self.optimizer._state().values() if a.ndim]
        yield f" Total params: {_amount([*trained, *others, *state])}"
        yield f" Trainable params: {_amount(trained)}"
        yield f" Non-trainable params: {_amount(others)}"
        if state:
            yield f" Optimizer params: {_amount(state)}"


def _widths(line_length: Any, positions: Any, usual: tuple[tuple[float, ...], int], trained: bool) -> list[int]:
    """Characters of each column, with the gap behind it."""
    count, widest = len(usual[0]), usual[1]
    try:
        ends = [float(end) for end in (usual[0] if positions is None else positions)]
    except (TypeError, ValueError):
        raise TypeError(f"positions must be {count} numbers; got {brief(positions)}.") from None
    if len(ends) != count or ends != sorted(set(ends)) or ends[0] <= 0 or ends[-1] != 1:
        raise ValueError(f"positions must be {count} numbers above 0 that rise to 1; got {brief(positions)}.")
    if line_length is None:
        import shutil  # here: not for every import of the package

        terminal = shutil.get_terminal_size().columns - 4
        length = max(min(widest, terminal - TRAINABLE * trained), _least(ends)) + TRAINABLE * trained
    else:
        length = check_int("line_length", line_length, 1)
    table = length - TRAINABLE * trained
    borders = [0, *(int(end * table) for end in ends)] + [length] * trained
    widths = [end - begin for begin, end in pairwise(borders)]
    if min(widths) < 4 + GAP:
        raise ValueError(f"line_length must leave {4 + GAP} characters to each column; {length} leaves {widths}.")
    return widths


def _least(ends: Sequence[float]) -> int:
    """The shortest table whose every column has room for some characters."""
    share = min(end - begin for begin, end in pairwise([0.0, *ends]))
    return math.ceil((5 + GAP) / share)


def _bounds(layers: Sequence[Layer], layer_range: Any) -> slice:
    if layer_range is None:
        return slice(None)
    if not isinstance(layer_range, (tuple, list)) or [type(name) for name in layer_range] != [str, str]:
        raise ValueError(f"layer_range must be two names of layers, the first and the last; got {brief(layer_range)}.")
    found = [[i for i, layer in enumerate(layers) if re.match(name, layer.name)] for name in layer_range]
    if not all(found):
        known = ", ".join(layer.name for layer in layers)
        raise ValueError(f"layer_range must name layers of the model, {known}; got {tuple(layer_range)!r}.")
    first, last = found
    return slice(min(first), max(last) + 1) if min(first) <= max(last) else slice(min(last), max(first) + 1)


def _shapes_here(model: Any) -> dict[int, Any]:
    """What layers give in a model, by identity, that are also called on inputs of other sizes."""
    calls = reversed(getattr(model, "_calls", ()))
    return {id(node.operation): node.outputs[0].shape for node in calls if len(node.outputs) == 1}


def _rows(
    layer: Any,
    sources: dict[str, str] | None,
    trained: bool,
    nested: bool,
    known: Mapping[int, Any] | None = None,
    indent: str = "",
) -> Iterator[list[str]]:
    """The cells of a layer, and below them those of the layers in it; known: shapes of outputs."""
    count = f"{layer.count_params():,}" if layer.built else "0 (unbuilt)"
    output = layer.output_shape if layer.built else "?"
    if isinstance(output, tuple) and is_open(output):
        output = (known or {}).get(id(layer), output)
    shape = str(output)
    row = [f"{indent}{layer.name} ({type(layer).__name__})", shape, count]
    if sources:
        row.append("-" if indent else sources[layer.name])
    if trained:
        row.append("-" if not layer.weights else "Y" if layer.trainable else "N")
    yield row
    if nested:
        for inner in layer.layers if isinstance(layer, Summarized) else layer._parts:
            shapes = _shapes_here(layer) if isinstance(layer, Summarized) else None
            yield from _rows(inner, sources, trained, nested, shapes, indent + "   ")


def _lines(cells: Any, widths: Sequence[int], aligned: Any) -> Iterator[str]:
    """A row of the table: as many lines as its longest cell needs."""
    from textwrap import wrap

    room = [width - GAP for width in widths[:-1]] + [widths[-1]]
    parts = [wrap(cell, width) for cell, width in zip(cells, room, strict=True)]
    for i in range(max(map(len, parts))):
        texts = [part[i] if i < len(part) else "" for part in parts]
        row = [f"{text:{way}{width}}" for text, way, width in zip(texts, aligned, room, strict=True)]
        yield (" " * GAP).join(row).rstrip()


def _amount(arrays: Sequence[np.ndarray]) -> str:
    size: float = sum(array.nbytes for array in arrays)
    units = ["B", "KB", "MB", "GB", "TB"]
    while size >= 1024 and len(units) > 1:
        size /= 1024
        del units[0]
    return f"{sum(array.size for array in arrays):,} ({size:.2f} {units[0]})"
