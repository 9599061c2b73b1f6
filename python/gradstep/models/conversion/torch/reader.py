"""Modules of PyTorch as models."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from .... import config, layers
from ....checks import describe, shape_of
from ....layers.base.symbolic import rescaling_by
from ..assembly import Assembly, Traced
from .converted import Converted, numbers_of
from .layers_of_modules import LAYERS
from .moves import MOVES, with_constant
from .sequences_of_modules import attention

__all__ = ["from_torch"]

ROWS = "rows"  # stands for the number of rows where code asks for it
STATES = "states"  # stands for what a recurrent module returns beside its sequences
# Functions and methods of tensors, by the module that does the same with the same arguments.
FUNCTIONS = {
    name.lower(): name
    for name in ("ELU", "GELU", "Hardsigmoid", "Hardswish", "Hardtanh", "Mish", "ReLU", "ReLU6", "SELU")
} | {
    name.lower(): name
    for name in ("SiLU", "Sigmoid", "Softmax", "Softplus", "Softsign", "Tanh", "Tanhshrink", "Dropout")
}
FUNCTIONS |= {"leaky_relu": "LeakyReLU", "log_softmax": "LogSoftmax", "logsigmoid": "LogSigmoid", "flatten": "Flatten"}
FUNCTIONS |= {name.lower(): name for name in ("CELU", "Hardshrink", "Softmin", "Softshrink", "Threshold", "Unflatten")}
FUNCTIONS |= {"interpolate": "Upsample", "pixel_shuffle": "PixelShuffle", "pixel_unshuffle": "PixelUnshuffle"}
FUNCTIONS |= {f"{way}_pool{n}d": f"{way.capitalize()}Pool{n}d" for way in ("max", "avg") for n in (1, 2, 3)}
FUNCTIONS |= {
    f"adaptive_{way}_pool{n}d": f"Adaptive{way.capitalize()}Pool{n}d" for way in ("max", "avg") for n in (1, 2, 3)
}
ENCODERS = ("TransformerEncoder", "TransformerEncoderLayer")
UNUSED = ("inplace", "training", "_stacklevel", "dtype", "return_indices")
OPERATORS = {"add": "Add", "sub": "Subtract", "mul": "Multiply", "iadd": "Add", "maximum": "Maximum"}
OPERATORS |= {"minimum": "Minimum"}
SIZES = ("add", "floordiv", "mod", "mul", "neg", "sub")
NUMBERS = {
    "add": "add",
    "iadd": "add",
    "sub": "subtract",
    "mul": "multiply",
    "truediv": "true_divide",
    "neg": "negative",
}


def from_torch(module: Any, input_shape: Sequence[Any] | None = None, name: str | None = None) -> Any:
    """Create a model from a module of PyTorch, with its weights (extra ``torch``).

    Parameters
    ----------
    module : torch.nn.Module
        A single module, `torch.nn.Sequential`, or one of your own whose ``forward`` calls modules and functions without
        conditions on numbers: it is traced by `torch.fx`.
    input_shape : tuple of int, or a list of them for several inputs
        Shape of a row, as PyTorch has it: ``(3, 32, 32)`` for images. It may be left out where the first module is a
        ``Linear``.
    name : str, optional
        Of the model.

    Returns
    -------
    Sequential or Model
        A `Sequential` where layers follow one another, else a `Model`; built, not compiled. It gives what the module
        gives in ``eval()``, but for rounding.

    Raises
    ------
    TypeError
        `module` is no module.
    ValueError
        A module, a setting or a function has no counterpart here; the message names it. `input_shape` is missing.
    ImportError
        PyTorch is not installed.

    Notes
    -----
    Data keeps PyTorch's order of axes: convolution and pooling become layers with ``data_format="channels_first"``, so
    that ``Flatten`` puts numbers in the order that the next ``Linear`` was trained with. Kernels are transposed to the
    order that layers have here. Recurrent modules, ``MultiheadAttention`` and ``TransformerEncoder``, with
    ``batch_first=True`` and without masks, give their outputs; of what they return beside them nothing may be used.
    Functions that move numbers (``view``, ``permute``, ``chunk``, ``pad``) become layers where they leave the rows
    alone; arithmetic with buffers becomes `Normalization`, which is not trained. Modules without counterpart may come
    through `from_onnx`.

    In training, a moving variance here is of all rows, in PyTorch of rows less 1.

    Examples
    --------
    >>> import torch, gradstep as gs  # doctest: +SKIP
    >>> module = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 1))  # doctest: +SKIP
    >>> gs.models.from_torch(module).summary()  # doctest: +SKIP
    """
    try:
        import torch
        import torch.fx
    except ImportError:
        raise ImportError("from_torch needs PyTorch: pip install 'gradstep[torch]'") from None
    if not isinstance(module, torch.nn.Module):
        raise TypeError(f"module must be a torch.nn.Module; got {describe(module)}.")
    is_single = type(module).__name__ in (*LAYERS, *ENCODERS) and type(module).__module__.startswith("torch.nn")
    whole = torch.nn.Sequential(module) if is_single else module
    try:
        traced = torch.fx.symbolic_trace(whole)
    except Exception as error:
        raise ValueError(f"forward() of {type(module).__name__} cannot be traced by torch.fx: {error}") from error
    doubles = any(tensor.dtype == torch.float64 for tensor in module.parameters())
    before = config.floatx()
    config.set_floatx("float64" if doubles else "float32")
    try:
        return _Reader(torch, traced, input_shape).model(name)
    finally:
        config.set_floatx(before)


def _attribute(module: Any, path: str) -> Any:
    """What a path of names leads to."""
    for name in path.split("."):
        module = getattr(module, name)
    return module


class _Reader:
    """Reads a traced module, node by node."""

    def __init__(self, torch: Any, traced: Any, input_shape: Any) -> None:
        self._torch, self._traced = torch, traced
        self._values: dict[Any, Any] = {}  # what nodes give
        self._assembly = Assembly()
        self._converted: dict[str, list[Any]] = {}
        self._shapes = self._given_shapes(input_shape)

    def _given_shapes(self, input_shape: Any) -> list[tuple[int, ...]]:
        nodes = list(self._traced.graph.nodes)
        count = sum(node.op == "placeholder" for node in nodes)
        if input_shape is None:
            first = next((node for node in nodes if node.op == "call_module"), None)
            module = None if first is None else self._traced.get_submodule(first.target)
            if count == 1 and type(module).__name__ == "Linear":
                return [(module.in_features,)]  # type: ignore[union-attr]
            raise ValueError("input_shape must be given, the shape of a row: (3, 32, 32) for images of 3 channels.")
        several = isinstance(input_shape, (list, tuple)) and any(isinstance(one, (list, tuple)) for one in input_shape)
        shapes = list(input_shape) if several else [input_shape]
        if len(shapes) != count:
            raise ValueError(f"input_shape must have a shape for each of {count} inputs; got {input_shape!r}.")
        return [shape_of("input_shape", shape) for shape in shapes]

    # -- the model -----------------------------------------------------------------------------------------------------

    def model(self, name: str | None) -> Any:
        """The model, with its weights."""
        result: Any = None
        for node in self._traced.graph.nodes:
            if node.op == "output":
                result = self._known(node.args[0])
            else:
                self._values[node] = self._read(node)
        if isinstance(result, tuple) and result[1:] == (STATES,):  # of a recurrent module, its sequences
            result = result[0]
        results = list(result) if isinstance(result, (list, tuple)) and not isinstance(result, Traced) else [result]
        if not all(isinstance(one, Traced) for one in results):
            raise ValueError("forward() must return tensors, one or a list of them.")
        return self._assembly.model(results, isinstance(result, Traced), name)

    def _add(self, layer: Any, sources: Sequence[Traced]) -> Traced:
        """Add a call of a layer."""
        return self._assembly.add(layer, *sources)

    # -- nodes ---------------------------------------------------------------------------------------------------------

    def _known(self, argument: Any) -> Any:
        """What an argument of a node stands for."""
        if isinstance(argument, self._torch.fx.Node):
            return self._values[argument]
        if isinstance(argument, (list, tuple)):
            return type(argument)(self._known(one) for one in argument)
        if isinstance(argument, slice):
            return slice(*(self._known(one) for one in (argument.start, argument.stop, argument.step)))
        return argument

    def _read(self, node: Any) -> Any:
        arguments = [self._known(argument) for argument in node.args]
        options = {key: self._known(value) for key, value in node.kwargs.items() if key not in UNUSED}
        if node.op == "placeholder":
            return self._assembly.input(self._shapes.pop(0))
        if node.op == "call_module":
            module = self._traced.get_submodule(node.target)
            if type(module).__name__ == "MultiheadAttention":
                return self._attended(node.target, module, arguments, options)
            if type(module).__name__ in ENCODERS:
                return self._encoded(node.target, module, arguments, options)
            return self._called(node.target, module, arguments)
        if node.op == "get_attr":
            tensor = _attribute(self._traced, node.target)
            if isinstance(tensor, self._torch.nn.Parameter):
                raise ValueError(f"forward() must use parameters in modules alone; it reads {node.target!r}.")
            return numbers_of(tensor)
        name = node.target if isinstance(node.target, str) else node.target.__name__
        return self._function(name, arguments, options)

    def _called(self, path: str, module: Any, arguments: Sequence[Any]) -> Any:
        """A call of a module."""
        kind = type(module).__name__
        if kind not in LAYERS:
            known = ", ".join([*LAYERS, "MultiheadAttention", *ENCODERS])
            raise ValueError(f"module {path!r}, a {kind}, has no layer here; there are those for {known}.")
        if len(arguments) != 1 or not isinstance(arguments[0], Traced):
            raise ValueError(f"module {path!r}, a {kind}, must be called on one tensor.")
        value = arguments[0]
        if path not in self._converted:
            self._convert(path, kind, LAYERS[kind](module, value.shape))
        for layer in self._converted[path]:
            value = self._add(layer, [value])
        return (value, STATES) if kind in ("GRU", "LSTM", "RNN") else value

    def _convert(self, path: str, kind: str, made: Converted) -> None:
        """Keep the layers that a module becomes, under its name."""
        stem = (f"{kind.lower()}_{path}" if path[:1].isdigit() else path).replace(".", "_")
        for number, (layer, arrays) in enumerate(one for one in made if one[1]):
            layer.name = f"{stem}_{number}" if number else stem
            self._assembly.give(layer, arrays)
        self._converted[path] = [layer for layer, _ in made]

    def _attended(self, path: str, module: Any, arguments: Sequence[Any], options: dict[str, Any]) -> Any:
        """A call of attention, which gives its scores beside the output."""
        given = [*arguments, *(options.pop(name) for name in ("query", "key", "value") if name in options)]
        masks = {
            name: value for name, value in options.items() if name != "need_weights" and value not in (None, False)
        }
        if len(given) != 3 or not all(isinstance(one, Traced) for one in given) or masks:
            raise ValueError(
                f"module {path!r}, a MultiheadAttention, must be called on query, key and value, without masks."
            )
        if path not in self._converted:
            self._convert(path, "attention", attention(module))
        query, key, value = given
        return self._add(self._converted[path][0], [query, value, key]), STATES

    def _encoded(self, path: str, module: Any, arguments: Sequence[Any], options: dict[str, Any]) -> Any:
        """A call of a transformer's encoder, or of one layer of it: without masks."""
        given = [*arguments, *(options.pop(name) for name in ("src",) if name in options)]
        if len(given) != 1 or any(value not in (None, False) for value in options.values()):
            raise ValueError(
                f"module {path!r}, a {type(module).__name__}, must be called on one tensor, without masks."
            )
        x = given[0]
        if type(module).__name__ == "TransformerEncoder":
            for number, one in enumerate(module.layers):
                x = self._encoded(f"{path}.layers.{number}", one, [x], {})
            return x if module.norm is None else self._called(f"{path}.norm", module.norm, [x])

        def parts(x: Any, *names: str) -> Any:
            for name in names:
                x = self._called(f"{path}.{name}", getattr(module, name), [x])
            return x

        def attended(x: Any) -> Any:
            return parts(self._attended(f"{path}.self_attn", module.self_attn, [x, x, x], {})[0], "dropout1")

        def widened(x: Any) -> Any:
            function = module.activation
            is_module = isinstance(function, self._torch.nn.Module)
            h = parts(x, "linear1")
            h = (
                self._called(f"{path}.activation", function, [h])
                if is_module
                else self._function(function.__name__, [h], {})
            )
            return parts(h, "dropout", "linear2", "dropout2")

        if module.norm_first:
            x = self._add(layers.Add(), [x, attended(parts(x, "norm1"))])
            return self._add(layers.Add(), [x, widened(parts(x, "norm2"))])
        x = parts(self._add(layers.Add(), [x, attended(x)]), "norm1")
        return parts(self._add(layers.Add(), [x, widened(x)]), "norm2")

    def _scaled_attention(self, options: dict[str, Any], query: Any, key: Any, value: Any, *more: Any) -> Any:
        """A call of `scaled_dot_product_attention`."""
        named = dict(zip(("attn_mask", "dropout_p", "is_causal", "scale", "enable_gqa"), more, strict=False)) | options
        if named.get("attn_mask") is not None or named.get("enable_gqa") or len(query.shape) < 3:
            raise ValueError("scaled_dot_product_attention() must be called without attn_mask and enable_gqa.")
        layer = layers.Attention(use_scale=True, dropout=float(named.get("dropout_p", 0.0)), trainable=False)
        scale = named.get("scale")
        self._assembly.give(layer, [np.array(query.shape[-1] ** -0.5 if scale is None else scale)])
        causal = {"use_causal_mask": True} if named.get("is_causal") else {}
        return self._assembly.add(layer, query, value, key, **causal)

    def _function(self, name: str, arguments: Sequence[Any], options: dict[str, Any]) -> Any:
        """A call of a function or method."""
        name = name.strip("_")
        x = arguments[0]
        if name == "getitem":
            return self._item(x, arguments[1])
        if name in ("size", "getattr"):
            shape = (ROWS, *x.shape[1:])
            return shape[arguments[1]] if name == "size" and len(arguments) > 1 else shape
        if name in ("contiguous", "float", "detach"):
            return x
        if name in ("view", "reshape"):
            return self._reshaped(x, arguments[1:])
        if name in ("cat", "concat"):
            axis = arguments[1] if len(arguments) > 1 else options.get("dim", 0)
            return self._add(layers.Concatenate(axis), list(x))
        if name == "mean":
            return self._mean(x, *arguments[1:], **options)
        if any(one is STATES for one in arguments):
            raise ValueError("of a recurrent module or attention the output alone may be used; forward() reads more.")
        if name == "scaled_dot_product_attention":
            return self._scaled_attention(options, *arguments)
        if name in MOVES:
            try:
                return MOVES[name](self._add, *arguments, **options)
            except TypeError as error:
                raise ValueError(f"{name}() must be called as {name}(x, ...): {error}") from None
        tensors = [one for one in arguments if isinstance(one, Traced)]
        if name in OPERATORS and len(tensors) == 2 and not options:
            return self._add(getattr(layers, OPERATORS[name])(), tensors)
        constants = [one for one in arguments if isinstance(one, np.ndarray)]
        if name in NUMBERS and len(tensors) == len(constants) == 1 and not options:
            return self._add(with_constant(NUMBERS[name], tensors[0], constants[0], isinstance(x, Traced)), tensors)
        if name in NUMBERS and len(tensors) == 1 and not options:
            number = next((float(one) for one in arguments if not isinstance(one, Traced)), -1.0)
            by = rescaling_by(NUMBERS[name], number, isinstance(x, Traced))
            if by is not None:
                return self._add(layers.Rescaling(*by), tensors)
        if name in SIZES and all(isinstance(one, (int, float)) for one in arguments):  # of shapes
            return getattr(operator, name)(*arguments)
        if name in FUNCTIONS and isinstance(x, Traced):
            if options.pop("antialias", False) or options.pop("recompute_scale_factor", False):
                raise ValueError(f"{name}() must have antialias=False and recompute_scale_factor=False.")
            try:
                module = getattr(self._torch.nn, FUNCTIONS[name])(*arguments[1:], **options)
            except TypeError as error:
                raise ValueError(f"{name}() must be called as its module is made: {error}") from None
            if name == "flatten" and len(arguments) == 1 and not options:
                module.start_dim = 0  # the function's default
            value = x
            for layer, _ in LAYERS[FUNCTIONS[name]](module, x.shape):
                value = self._add(layer, [value])
            return value
        raise ValueError(f"forward() calls {name}(), which has no layer here.")

    def _item(self, x: Any, key: Any) -> Any:
        if isinstance(x, Traced):
            return self._add(layers.GetItem(key if isinstance(key, tuple) else (key,)), [x])
        return x[key] if isinstance(x, (tuple, np.ndarray)) else STATES

    def _reshaped(self, x: Traced, sizes: Sequence[Any]) -> Traced:
        shape = tuple(sizes[0]) if len(sizes) == 1 and isinstance(sizes[0], (list, tuple)) else tuple(sizes)
        whole = int(np.prod(x.shape[1:]))  # type: ignore[arg-type]
        if len(shape) < 2 or ROWS in shape[1:] or (shape[0] != ROWS and (shape[0] != -1 or -1 in shape[1:])):
            raise ValueError(f"view() and reshape() must keep the rows as the first axis; got {shape}.")
        row = tuple(whole if size == -1 and len(shape) == 2 else size for size in shape[1:])
        return self._add(layers.Flatten() if row == (whole,) else layers.Reshape(row), [x])

    def _mean(self, x: Traced, dim: Any = None, keepdim: bool = False) -> Traced:
        rank = len(x.shape)
        axes = sorted(axis % rank for axis in (dim if isinstance(dim, (list, tuple)) else [dim]) if axis is not None)
        if rank < 3 or (axes != list(range(2, rank)) and axes != list(range(1, rank - 1))):
            raise ValueError(f"mean() must be over all axes of places; got dim={dim} of a tensor of {rank} axes.")
        layout = "channels_first" if axes[0] == 2 else "channels_last"
        pool = getattr(layers, f"GlobalAveragePooling{rank - 2}D")
        return self._add(pool(data_format=layout, keepdims=keepdim), [x])
