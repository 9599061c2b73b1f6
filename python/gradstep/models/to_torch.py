"""Models as modules of PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import activations
from ..layers.core.input import InputLayer
from .base import BaseModel

__all__ = ["to_torch"]

# Activations, by the module of the same formula with its defaults, or with these arguments.
ACTIVATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "celu": ("CELU", {"alpha": "alpha"}),
    "elu": ("ELU", {"alpha": "alpha"}),
    "gelu": ("GELU", {}),
    "gelu_tanh": ("GELU", {}),
    "hard_sigmoid": ("Hardsigmoid", {}),
    "hard_silu": ("Hardswish", {}),
    "hard_tanh": ("Hardtanh", {}),
    "leaky_relu": ("LeakyReLU", {"negative_slope": "negative_slope"}),
    "log_sigmoid": ("LogSigmoid", {}),
    "log_softmax": ("LogSoftmax", {}),
    "mish": ("Mish", {}),
    "relu": ("ReLU", {}),
    "relu6": ("ReLU6", {}),
    "selu": ("SELU", {}),
    "sigmoid": ("Sigmoid", {}),
    "silu": ("SiLU", {}),
    "softmax": ("Softmax", {}),
    "softplus": ("Softplus", {}),
    "softsign": ("Softsign", {}),
    "tanh": ("Tanh", {}),
    "tanh_shrink": ("Tanhshrink", {}),
}
MORE: dict[str, dict[str, Any]] = {
    "log_softmax": {"dim": -1},
    "softmax": {"dim": -1},
    "gelu_tanh": {"approximate": "tanh"},
}


class _Writer:
    """Makes modules of layers, in a row."""

    def __init__(self, torch: Any) -> None:
        from ..torch import modules

        self.torch, self.nn, self.own = torch, torch.nn, modules
        self.made: list[Any] = []
        self.layer: Any = None

    def refuse(self, condition: bool, what: str) -> None:
        if condition:
            kind = type(self.layer).__name__
            raise ValueError(f"layer {self.layer.name!r}, a {kind}, must {what} to become a module of PyTorch.")

    def add(self, module: Any, *weights: tuple[str, np.ndarray]) -> None:
        """Add a module, and copy its weights."""
        for name, array in weights:
            tensor = getattr(module, name)
            with self.torch.no_grad():
                tensor.copy_(self.torch.from_numpy(np.array(array)))
        if self._turns_back(module):
            self.made.pop()
        else:
            self.made.append(module)

    def _turns_back(self, module: Any) -> bool:
        """Whether a module undoes the one before it."""
        both = [*self.made[-1:], module]
        if len(both) < 2 or not all(isinstance(one, self.own.Permute) for one in both):
            return False
        return [both[0].order[axis] for axis in module.order] == sorted(module.order)

    def activate(self, activation: Any, first: bool = False) -> None:
        """Add an activation; first: whether channels are the first axis."""
        spec = activations.registry.specify(activation)
        kind = spec["kind"]
        if kind == "linear" and not activations.registry.is_custom(activations.registry.get(activation)):
            return
        self.refuse(kind not in ACTIVATIONS, f"have an activation that PyTorch has, not {kind!r},")
        name, settings = ACTIVATIONS[kind]
        arguments = {theirs: spec[ours] for theirs, ours in settings.items()} | MORE.get(kind, {})
        if first and "dim" in arguments:
            arguments["dim"] = 1
        self.add(getattr(self.nn, name)(**arguments))

    def moved(self, work: Callable[[], None], rank: int, first: bool) -> None:
        """Do something to values whose channels are their first axis."""
        if not first:
            self.add(self.own.Permute(0, rank - 1, *range(1, rank - 1)))
        work()
        if not first:
            self.add(self.own.Permute(0, *range(2, rank), 1))

    def weights(self) -> dict[str, np.ndarray]:
        return dict(zip(self.layer.weight_names, self.layer.weights, strict=True))


def to_torch(model: Any) -> Any:
    """Create a module of PyTorch from a model of layers in a row, with its weights (extra ``torch``).

    Parameters
    ----------
    model : Sequential or Model
        Built. Models in it are taken apart.

    Returns
    -------
    torch.nn.Sequential
        In ``eval()`` it gives what `predict` gives, but for rounding. It takes data in the model's order of axes: where
        that is "channels_last", convolution and pooling stand between modules that turn the axes.

    Raises
    ------
    TypeError
        `model` is no model.
    ValueError
        It is not built; its layers do not follow one another; or one has no counterpart, which the message names:
        `export_onnx` writes them all.
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
    except ImportError:
        raise ImportError("to_torch needs PyTorch: pip install 'gradstep[torch]'") from None
    if not isinstance(model, BaseModel):
        raise TypeError(f"model must be a Sequential or a Model; got {type(model).__name__}.")
    model._must_be_built()
    writer = _Writer(torch)
    for layer in _row(model):
        writer.layer = layer
        kind = type(layer).__name__
        writer.refuse(kind not in MODULES, "have a counterpart")
        MODULES[kind](writer, layer)
    made = torch.nn.Sequential(*writer.made)
    return made.double().eval() if model.dtype == "float64" else made.eval()


def _row(model: Any) -> list[Any]:
    """The layers of a model one after another."""
    values, found = [id(tensor) for tensor in model.inputs], []
    for node in model._calls:
        if len(node.inputs) != 1 or len(node.outputs) != 1 or len(values) != 1 or id(node.inputs[0]) != values[0]:
            raise ValueError(f"layers of model {model.name!r} must follow one another to become modules of PyTorch.")
        values = [id(node.outputs[0])]
        inner = isinstance(node.operation, BaseModel)
        found += _row(node.operation) if inner else [node.operation]
    return [layer for layer in found if not isinstance(layer, InputLayer)]


def _is_first(layer: Any) -> bool:
    return bool(layer.data_format == "channels_first")


def _edges(layer: Any, sizes: Sequence[int], dilations: Sequence[int]) -> list[tuple[int, int]]:
    """How many places lie before and behind the input along each axis."""
    spatial = layer.input_shape[2:] if _is_first(layer) else layer.input_shape[1:-1]
    found = []
    for n, size, stride, dilation in zip(spatial, sizes, layer.strides, dilations, strict=True):
        reach = (size - 1) * dilation + 1
        total = max((-(-n // stride) - 1) * stride + reach - n, 0) if layer.padding == "same" else 0
        found.append((reach - 1, 0) if layer.padding == "causal" else (total // 2, total - total // 2))
    return found


def _padded(w: _Writer, edges: Sequence[tuple[int, int]], value: float) -> None:
    if any(sum(pair) for pair in edges):
        flat = [n for pair in reversed(edges) for n in pair]
        w.add(getattr(w.nn, f"ConstantPad{len(edges)}d")(tuple(flat), value))


def _dense(w: _Writer, layer: Any) -> None:
    kernel, *bias = layer.weights
    module = w.nn.Linear(*kernel.shape, bias=layer.use_bias)
    w.add(module, ("weight", kernel.T), *(("bias", b) for b in bias))
    w.activate(layer.activation)


def _conv(w: _Writer, layer: Any) -> None:
    kernel, *bias = layer.weights
    n, first = len(layer.kernel_size), _is_first(layer)
    channels = layer.input_shape[1 if first else -1]
    groups = channels if type(layer).__name__.startswith("Depthwise") else layer.groups
    kernel = kernel.reshape(*layer.kernel_size, channels // groups, -1)

    def work() -> None:
        _padded(w, _edges(layer, layer.kernel_size, layer.dilation_rate), 0.0)
        module = getattr(w.nn, f"Conv{n}d")(
            channels,
            kernel.shape[-1],
            layer.kernel_size,
            layer.strides,
            dilation=layer.dilation_rate,
            groups=groups,
            bias=layer.use_bias,
        )
        w.add(module, ("weight", kernel.transpose(n + 1, n, *range(n))), *(("bias", b) for b in bias))
        w.activate(layer.activation, True)

    w.moved(work, n + 2, first)


def _pooling(w: _Writer, layer: Any) -> None:
    n, first = len(layer.pool_size), _is_first(layer)
    edges = _edges(layer, layer.pool_size, [1] * n)
    is_mean = type(layer).__name__.startswith("Average")
    w.refuse(is_mean and any(sum(pair) for pair in edges), "have windows within its input")

    def work() -> None:
        _padded(w, edges, -float("inf"))
        w.add(getattr(w.nn, f"{'Avg' if is_mean else 'Max'}Pool{n}d")(layer.pool_size, layer.strides))

    w.moved(work, n + 2, first)


def _global_pooling(w: _Writer, layer: Any) -> None:
    name, first = type(layer).__name__, _is_first(layer)
    n = int(name[-2])
    if not first:
        w.add(w.own.Permute(0, n + 1, *range(1, n + 1)))
    w.add(getattr(w.nn, f"Adaptive{'Avg' if 'Average' in name else 'Max'}Pool{n}d")(1))
    if not layer.keepdims:
        w.add(w.nn.Flatten())
    elif not first:
        w.add(w.own.Permute(0, *range(2, n + 2), 1))


def _batch_normalization(w: _Writer, layer: Any) -> None:
    rank, known = len(layer.input_shape), w.weights()
    axis = layer.axis % rank
    w.refuse(axis not in (1, rank - 1) or rank > 5, "be along the first or the last axis")
    n = known["moving_mean"].shape[0]
    module = getattr(w.nn, f"BatchNorm{max(rank - 2, 1)}d")(n, eps=layer.epsilon, momentum=1 - layer.momentum)
    names = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}
    weights = [(names[name], array) for name, array in known.items()]
    w.moved(lambda: w.add(module, *weights), rank, axis == 1)


def _layer_normalization(w: _Writer, layer: Any) -> None:
    rank, known = len(layer.input_shape), w.weights()
    axes = sorted(axis % rank for axis in (layer.axis if isinstance(layer.axis, (list, tuple)) else [layer.axis]))
    w.refuse(axes != list(range(axes[0], rank)), "be along the last axes")
    module = w.nn.LayerNorm(layer.input_shape[axes[0] :], eps=layer.epsilon)
    w.add(module, *((("weight" if name == "gamma" else "bias"), array) for name, array in known.items()))


def _embedding(w: _Writer, layer: Any) -> None:
    w.refuse(layer.mask_zero, "have mask_zero=False")
    w.add(w.nn.Embedding(*layer.weights[0].shape), ("weight", layer.weights[0]))


def _reshape(w: _Writer, layer: Any) -> None:
    w.add(w.nn.Flatten())
    w.add(w.nn.Unflatten(1, tuple(layer.output_shape[1:])))


def _padding(w: _Writer, layer: Any) -> None:
    edges = layer._ends
    w.moved(lambda: _padded(w, edges, 0.0), len(edges) + 2, _is_first(layer))


def _prelu(w: _Writer, layer: Any) -> None:
    alpha, rank = layer.weights[0], len(layer.input_shape)
    w.refuse(alpha.size not in (1, alpha.shape[0], alpha.shape[-1]), "have a slope for each channel or one for all")
    first = alpha.size in (1, alpha.shape[0])
    w.moved(lambda: w.add(w.nn.PReLU(alpha.size), ("weight", alpha.ravel())), rank, first)


def _recurrent(w: _Writer, layer: Any) -> None:
    _of_directions(w, layer, [layer], layer.weights)


def _bidirectional(w: _Writer, layer: Any) -> None:
    w.refuse(layer.merge_mode != "concat", "have merge_mode='concat'")
    one, other = layer._directions
    w.refuse(type(one) is not type(other) or one.units != other.units, "have equal layers in both directions")
    _of_directions(w, layer, [one, other], layer.weights)


def _of_directions(w: _Writer, layer: Any, each: Sequence[Any], weights: Sequence[np.ndarray]) -> None:
    one, kind = each[0], type(each[0]).__name__
    known = [activations.registry.specify(f)["kind"] for f in (one.activation, one.recurrent_activation)]
    plain = known == ["tanh", "sigmoid"] or (kind == "SimpleRNN" and known[0] in ("tanh", "relu"))
    w.refuse(not plain, "have the default activations")
    w.refuse(one.go_backwards or one.return_state or one.stateful, "go forward and return no states")
    w.refuse(kind == "GRU" and not one.reset_after, "have reset_after=True")
    options = {"nonlinearity": known[0]} if kind == "SimpleRNN" else {}
    cls = getattr(w.nn, "RNN" if kind == "SimpleRNN" else kind)
    inputs = weights[0].shape[0]
    module = cls(inputs, one.units, bias=one.use_bias, batch_first=True, bidirectional=len(each) > 1, **options)
    count, found = len(weights) // len(each), []
    for number, way in enumerate(("", "_reverse")[: len(each)]):
        kernel, recurrent, *bias = weights[number * count : (number + 1) * count]
        order = np.arange(kernel.shape[1]).reshape(-1, one.units)[[1, 0, 2] if kind == "GRU" else slice(None)].ravel()
        found += [(f"weight_ih_l0{way}", kernel.T[order]), (f"weight_hh_l0{way}", recurrent.T[order])]
        if bias:
            both = bias[0] if kind == "GRU" else np.stack([bias[0], np.zeros_like(bias[0])])
            found += [(f"bias_ih_l0{way}", both[0][order]), (f"bias_hh_l0{way}", both[1][order])]
    module_of = w.own.Sequences if one.return_sequences else w.own.LastStep
    w.add(module, *found)
    w.made[-1] = module_of(w.made[-1])


def _softmax(w: _Writer, layer: Any) -> None:
    w.refuse(not isinstance(layer.axis, int), "be along one axis")
    w.add(w.nn.Softmax(layer.axis))


MODULES: dict[str, Callable[[_Writer, Any], None]] = {
    "Activation": lambda w, layer: w.activate(layer.activation),
    "BatchNormalization": _batch_normalization,
    "Bidirectional": _bidirectional,
    "Dense": _dense,
    "Dropout": lambda w, layer: w.add(w.nn.Dropout(layer.rate)),
    "ELU": lambda w, layer: w.add(w.nn.ELU(layer.alpha)),
    "Embedding": _embedding,
    "Flatten": lambda w, layer: w.add(w.nn.Flatten()),
    "GRU": _recurrent,
    "Identity": lambda w, layer: None,
    "LSTM": _recurrent,
    "LayerNormalization": _layer_normalization,
    "LeakyReLU": lambda w, layer: w.add(w.nn.LeakyReLU(layer.negative_slope)),
    "PReLU": _prelu,
    "Permute": lambda w, layer: w.add(w.own.Permute(0, *layer.dims)),
    "ReLU": lambda w, layer: w.activate(layer.specification()["activation"]),
    "Rescaling": lambda w, layer: w.add(w.own.Scale(layer.scale, layer.offset)),
    "Reshape": _reshape,
    "SimpleRNN": _recurrent,
    "Softmax": _softmax,
    **{f"AveragePooling{n}D": _pooling for n in (1, 2, 3)},
    **{f"Conv{n}D": _conv for n in (1, 2, 3)},
    **{f"DepthwiseConv{n}D": _conv for n in (1, 2)},
    **{f"GlobalAveragePooling{n}D": _global_pooling for n in (1, 2, 3)},
    **{f"GlobalMaxPooling{n}D": _global_pooling for n in (1, 2, 3)},
    **{f"MaxPooling{n}D": _pooling for n in (1, 2, 3)},
    **{f"ZeroPadding{n}D": _padding for n in (1, 2, 3)},
}
