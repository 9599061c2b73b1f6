"""Models as modules of PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from ....layers.core.input import InputLayer
from ...base import BaseModel
from .attentions import ATTENTIONS
from .merges import MERGES
from .modules import MODULES
from .modules_of_layer import Modules

__all__ = ["to_torch"]


def to_torch(model: Any) -> Any:
    """Create a module of PyTorch from a model, with its weights (extra ``torch``).

    Parameters
    ----------
    model : Sequential or Model
        Built. Models in it are taken apart.

    Returns
    -------
    torch.nn.Sequential or torch.fx.GraphModule
        A `Sequential` where layers follow one another, else a module whose ``forward`` (its ``code``) calls modules and
        functions as the model calls its layers, on its inputs in their order; several outputs are a tuple. In
        ``eval()`` it gives what `predict` gives, but for rounding. It takes data in the model's order of axes: where
        that is "channels_last", convolution and pooling stand between modules that turn the axes.

    Raises
    ------
    TypeError
        `model` is no model.
    ValueError
        It is not built; or a layer has no counterpart or gets a mask. The message names it; `export_onnx` writes it.
    ImportError
        PyTorch is not installed.

    Examples
    --------
    >>> import gradstep as gs
    >>> model = gs.Sequential([gs.Input((4,)), gs.layers.Dense(3)])
    >>> module = gs.models.to_torch(model)  # doctest: +SKIP
    """
    try:
        import torch
        import torch.fx
    except ImportError:
        raise ImportError("to_torch needs PyTorch: pip install 'gradstep[torch]'") from None
    if not isinstance(model, BaseModel):
        raise TypeError(f"model must be a Sequential or a Model; got {type(model).__name__}.")
    model._must_be_built()
    made = _module_of(torch, model)
    return made.double().eval() if model.dtype == "float64" else made.eval()


def _module_of(torch: Any, model: Any) -> Any:
    """The module of a model."""
    row = _row(model)
    return _Graph(torch).module(model) if row is None else torch.nn.Sequential(*_in_a_row(torch, row))


def _writer(torch: Any, layer: Any) -> Modules:
    return Modules(torch, layer, partial(_module_of, torch))


def _row(model: Any) -> list[Any] | None:
    """The layers of a model one after another; None if they do not follow one another."""
    values, found = [id(tensor) for tensor in model.inputs], list[Any]()
    for node in model._calls:
        if isinstance(node.operation, InputLayer):
            continue
        if len(node.inputs) != 1 or len(node.outputs) != 1 or len(values) != 1 or id(node.inputs[0]) != values[0]:
            return None
        values = [id(node.outputs[0])]
        inner = _row(node.operation) if isinstance(node.operation, BaseModel) else [node.operation]
        if inner is None:
            return None
        found += inner
    layers = [layer for layer in found if not isinstance(layer, InputLayer)]
    alone = values == [id(tensor) for tensor in model.outputs] and len({id(layer) for layer in layers}) == len(layers)
    return layers if alone else None


def _modules(torch: Any, layer: Any) -> list[Any]:
    """The modules of a layer."""
    writer, kind = _writer(torch, layer), type(layer).__name__
    writer.refuse(kind not in MODULES, "have a counterpart")
    MODULES[kind](writer, layer)
    return writer.made


def _in_a_row(torch: Any, row: Sequence[Any]) -> list[Any]:
    """The modules of layers in a row, without those that turn axes and back."""
    from ....torch.modules import Permute

    made: list[Any] = []
    for layer in row:
        for module in _modules(torch, layer):
            last = made[-1] if made else None
            if isinstance(last, Permute) and isinstance(module, Permute) and _undoes(module, last):
                made.pop()
            else:
                made.append(module)
    return made


def _undoes(module: Any, last: Any) -> bool:
    """Whether a module puts axes back in the order that they had before the last one."""
    return [last.order[axis] for axis in module.order] == sorted(module.order)


class _Graph:
    """Writes the calls of a model's layers into a graph of `torch.fx`."""

    def __init__(self, torch: Any) -> None:
        self._torch, self._graph, self._root = torch, torch.fx.Graph(), torch.nn.Module()
        self._names: dict[int, list[str]] = {}  # of the modules of each layer

    def module(self, model: Any) -> Any:
        """The module of a model."""
        inputs = [self._graph.placeholder(_identifier(name)) for name in model.input_names]
        outputs = self._called(model, inputs)
        self._graph.output(tuple(outputs) if len(outputs) > 1 else outputs[0])
        return self._torch.fx.GraphModule(self._root, self._graph)

    def _called(self, model: Any, inputs: Sequence[Any]) -> list[Any]:
        values = {id(tensor): value for tensor, value in zip(model.inputs, inputs, strict=True)}
        for node in model._calls:
            if isinstance(node.operation, InputLayer):
                continue
            given = [values[id(tensor)] for tensor in node.inputs]
            inner = isinstance(node.operation, BaseModel)
            made = self._called(node.operation, given) if inner else [self._layer(node, given)]
            if len(made) != len(node.outputs):
                _writer(self._torch, node.operation).refuse(True, "give one output")
            values.update((id(tensor), value) for tensor, value in zip(node.outputs, made, strict=True))
        return [values[id(tensor)] for tensor in model.outputs]

    def _layer(self, node: Any, given: Sequence[Any]) -> Any:
        layer = node.operation
        kind = type(layer).__name__
        if kind in MERGES:
            return MERGES[kind](_writer(self._torch, layer), self._graph, [one.shape for one in node.inputs], given)
        if len(given) != 1 and kind not in ATTENTIONS:
            _writer(self._torch, layer).refuse(True, "have a counterpart that takes several values")
        if id(layer) not in self._names:
            self._names[id(layer)] = []
            stem = _identifier(layer.name)
            for number, module in enumerate(_modules(self._torch, layer)):
                name = f"{stem}_{number}" if number else stem
                while hasattr(self._root, name):
                    name += "_"
                self._root.add_module(name, module)
                self._names[id(layer)].append(name)
        values = tuple(given)
        for name in self._names[id(layer)]:
            values = (self._graph.call_module(name, values),)
        return values[0]


def _identifier(name: str) -> str:
    """A name that an attribute can have."""
    plain = "".join(c if c.isalnum() else "_" for c in name)
    return plain if plain.isidentifier() else f"layer_{plain}"
