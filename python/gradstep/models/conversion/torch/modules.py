"""What each layer is as modules of PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .... import activations
from ....layers.normalization.row_normalizations import SMALLEST
from .attentions import ATTENTIONS
from .modules_of_layer import Modules

__all__ = ["MODULES"]


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


def _padded(w: Modules, edges: Sequence[tuple[int, int]], value: float) -> None:
    if any(sum(pair) for pair in edges):
        flat = [n for pair in reversed(edges) for n in pair]
        w.add(getattr(w.nn, f"ConstantPad{len(edges)}d")(tuple(flat), value))


def _dense(w: Modules, layer: Any) -> None:
    kernel, *bias = layer.weights
    module = w.nn.Linear(*kernel.shape, bias=layer.use_bias)
    w.add(module, ("weight", kernel.T), *(("bias", b) for b in bias))
    w.activate(layer.activation)


def _conv(w: Modules, layer: Any) -> None:
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


def _conv_transpose(w: Modules, layer: Any) -> None:
    kernel, *bias = layer.weights
    n, first = len(layer.kernel_size), _is_first(layer)
    shapes = [shape[2:] if first else shape[1:-1] for shape in (layer.input_shape, layer.output_shape)]
    before, keys, more, cut = layer.specification()["before"], [], [], False
    for axis, (size, wanted) in enumerate(zip(*shapes, strict=True)):
        reach = (layer.kernel_size[axis] - 1) * layer.dilation_rate[axis] + 1
        whole = (size - 1) * layer.strides[axis] + reach
        more.append(max(before[axis] + wanted - whole, 0))
        keys.append(slice(before[axis], before[axis] + wanted))
        cut |= keys[-1] != slice(0, whole + more[-1])

    def work() -> None:
        module = getattr(w.nn, f"ConvTranspose{n}d")(
            kernel.shape[-1],
            layer.filters,
            layer.kernel_size,
            layer.strides,
            output_padding=more,
            bias=layer.use_bias,
            dilation=layer.dilation_rate,
        )
        w.add(module, ("weight", kernel.transpose(n + 1, n, *range(n))), *(("bias", b) for b in bias))
        if cut:
            w.add(w.own.Part(slice(None), slice(None), *keys))
        w.activate(layer.activation, True)

    w.moved(work, n + 2, first)


def _separable(w: Modules, layer: Any) -> None:
    depth, point, *bias = layer.weights
    n, first = len(layer.kernel_size), _is_first(layer)
    channels = depth.shape[n]
    depth = depth.reshape(*layer.kernel_size, 1, -1)
    order = (n + 1, n, *range(n))

    def work() -> None:
        _padded(w, _edges(layer, layer.kernel_size, layer.dilation_rate), 0.0)
        cls, sizes = getattr(w.nn, f"Conv{n}d"), (channels, depth.shape[-1], layer.kernel_size, layer.strides)
        module = cls(*sizes, dilation=layer.dilation_rate, groups=channels, bias=False)
        w.add(module, ("weight", depth.transpose(order)))
        module = cls(depth.shape[-1], point.shape[-1], 1, bias=layer.use_bias)
        w.add(module, ("weight", point.transpose(order)), *(("bias", b) for b in bias))
        w.activate(layer.activation, True)

    w.moved(work, n + 2, first)


def _group_normalization(w: Modules, layer: Any) -> None:
    rank, known = len(layer.input_shape), w.weights()
    axis = layer.axis % rank
    w.refuse(axis not in (1, rank - 1), "be along the first or the last axis")
    channels = layer.input_shape[axis]
    groups = channels if layer.groups == -1 else layer.groups
    module = w.nn.GroupNorm(groups, channels, eps=layer.epsilon)
    weights = [("weight" if name == "gamma" else "bias", array) for name, array in known.items()]
    w.moved(lambda: w.add(module, *weights), rank, axis == 1)


def _rearranged(w: Modules, layer: Any) -> None:
    """Numbers at other places: which, a layer says by its views."""
    x = np.arange(int(np.prod(layer.input_shape[1:]))).reshape(layer.input_shape[1:])
    y = np.full(layer.output_shape[1:], -1)
    source, target = layer._views(x, y)
    target[...] = source
    w.add(w.own.Places(y))


def _up_sampling(w: Modules, layer: Any) -> None:
    if getattr(layer, "interpolation", "nearest") == "nearest":
        _rearranged(w, layer)
        return
    factors = tuple(map(float, layer.size))
    module = w.nn.Upsample(scale_factor=factors, mode="bilinear", align_corners=False)
    w.moved(lambda: w.add(module), 4, _is_first(layer))


def _resizing(w: Modules, layer: Any) -> None:
    others = layer.crop_to_aspect_ratio or layer.pad_to_aspect_ratio or layer.antialias
    w.refuse(
        others or layer.interpolation not in ("bilinear", "nearest"), "be bilinear or nearest and change all sides"
    )
    options = {"mode": "nearest-exact"} if layer.interpolation == "nearest" else {"mode": "bilinear"}
    w.moved(lambda: w.add(w.nn.Upsample((layer.height, layer.width), **options)), 4, _is_first(layer))


def _dropout(w: Modules, layer: Any) -> None:
    shared = [axis for axis, size in enumerate(layer.noise_shape or ()) if size == 1]
    if not shared:
        w.add(w.nn.Dropout(layer.rate))
        return
    rank = len(layer.input_shape)
    orders = {True: list(range(2, rank)), False: list(range(1, rank - 1))}
    w.refuse(shared not in orders.values() or rank > 5, "draw for each number, or for each channel")
    w.moved(lambda: w.add(getattr(w.nn, f"Dropout{rank - 2}d")(layer.rate)), rank, shared == orders[True])


def _alpha_dropout(w: Modules, layer: Any) -> None:
    w.refuse(1 in (layer.noise_shape or ()), "draw for each number")
    w.add(w.nn.AlphaDropout(layer.rate))


def _time_distributed(w: Modules, layer: Any) -> None:
    inner = layer.layer
    if layer._holds_model:
        w.add(w.own.EachStep(w.module_of(inner)))
        return
    known = Modules(w.torch, inner, w.module_of)
    known.refuse(type(inner).__name__ not in MODULES, "have a counterpart")
    MODULES[type(inner).__name__](known, inner)
    w.add(w.own.EachStep(known.made[0] if len(known.made) == 1 else w.nn.Sequential(*known.made)))


def _spatial_dropout(w: Modules, layer: Any) -> None:
    rank = len(layer.input_shape)
    first = getattr(layer, "data_format", None) == "channels_first"
    w.moved(lambda: w.add(getattr(w.nn, f"Dropout{rank - 2}d")(layer.rate)), rank, first)


def _pooling(w: Modules, layer: Any) -> None:
    n, first = len(layer.pool_size), _is_first(layer)
    edges = _edges(layer, layer.pool_size, [1] * n)
    is_mean = type(layer).__name__.startswith("Average")
    w.refuse(is_mean and any(sum(pair) for pair in edges), "have windows within its input")

    def work() -> None:
        _padded(w, edges, -float("inf"))
        w.add(getattr(w.nn, f"{'Avg' if is_mean else 'Max'}Pool{n}d")(layer.pool_size, layer.strides))

    w.moved(work, n + 2, first)


def _global_pooling(w: Modules, layer: Any) -> None:
    name, first = type(layer).__name__, _is_first(layer)
    n = int(name[-2])
    if not first:
        w.add(w.own.Permute(0, n + 1, *range(1, n + 1)))
    w.add(getattr(w.nn, f"Adaptive{'Avg' if 'Average' in name else 'Max'}Pool{n}d")(1))
    if not layer.keepdims:
        w.add(w.nn.Flatten())
    elif not first:
        w.add(w.own.Permute(0, *range(2, n + 2), 1))


def _batch_normalization(w: Modules, layer: Any) -> None:
    rank, known = len(layer.input_shape), w.weights()
    axis = layer.axis % rank
    w.refuse(axis not in (1, rank - 1) or rank > 5, "be along the first or the last axis")
    n = known["moving_mean"].shape[0]
    module = getattr(w.nn, f"BatchNorm{max(rank - 2, 1)}d")(n, eps=layer.epsilon, momentum=1 - layer.momentum)
    names = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}
    weights = [(names[name], array) for name, array in known.items()]
    w.moved(lambda: w.add(module, *weights), rank, axis == 1)


def _layer_normalization(w: Modules, layer: Any) -> None:
    rank, known = len(layer.input_shape), w.weights()
    axes = sorted(axis % rank for axis in (layer.axis if isinstance(layer.axis, (list, tuple)) else [layer.axis]))
    w.refuse(axes != list(range(axes[0], rank)), "be along the last axes")
    module = w.nn.LayerNorm(layer.input_shape[axes[0] :], eps=layer.epsilon)
    w.add(module, *((("weight" if name == "gamma" else "bias"), array) for name, array in known.items()))


def _rms_normalization(w: Modules, layer: Any) -> None:
    rank = len(layer.input_shape)
    axes = sorted(axis % rank for axis in (layer.axis if isinstance(layer.axis, (list, tuple)) else [layer.axis]))
    w.refuse(axes != list(range(axes[0], rank)), "be along the last axes")
    w.add(w.nn.RMSNorm(layer.input_shape[axes[0] :], eps=layer.epsilon), ("weight", layer.weights[0]))


def _unit_normalization(w: Modules, layer: Any) -> None:
    axes = layer.axis if isinstance(layer.axis, (list, tuple)) else [layer.axis]
    w.add(w.own.UnitLength(tuple(axes), SMALLEST))


def _normalization(w: Modules, layer: Any) -> None:
    mean, deviation = (np.asarray(a, np.float64) for a in (layer.mean, np.sqrt(layer.variance)))
    deviation = np.maximum(deviation, 1e-7)
    factor, offset = (deviation, mean) if layer.invert else (1 / deviation, -mean / deviation)
    w.add(w.own.Affine(*(w.torch.from_numpy(a.astype(layer.dtype)) for a in (factor, offset))))


def _embedding(w: Modules, layer: Any) -> None:
    w.refuse(layer.mask_zero, "have mask_zero=False")
    w.add(w.nn.Embedding(*layer.weights[0].shape), ("weight", layer.weights[0]))


def _reshape(w: Modules, layer: Any) -> None:
    w.add(w.nn.Flatten())
    w.add(w.nn.Unflatten(1, tuple(layer.output_shape[1:])))


def _padding(w: Modules, layer: Any) -> None:
    edges = layer._ends
    w.moved(lambda: _padded(w, edges, 0.0), len(edges) + 2, _is_first(layer))


def _prelu(w: Modules, layer: Any) -> None:
    alpha, rank = layer.weights[0], len(layer.input_shape)
    w.refuse(alpha.size not in (1, alpha.shape[0], alpha.shape[-1]), "have a slope for each channel or one for all")
    first = alpha.size in (1, alpha.shape[0])
    w.moved(lambda: w.add(w.nn.PReLU(alpha.size), ("weight", alpha.ravel())), rank, first)


def _recurrent(w: Modules, layer: Any) -> None:
    _of_directions(w, layer, [layer], layer.weights)


def _bidirectional(w: Modules, layer: Any) -> None:
    w.refuse(layer.merge_mode is None, "have a merge_mode")
    one, other = layer._directions
    w.refuse(type(one) is not type(other) or one.units != other.units, "have equal layers in both directions")
    _of_directions(w, layer, [one, other], layer.weights)


def _of_directions(w: Modules, layer: Any, each: Sequence[Any], weights: Sequence[np.ndarray]) -> None:
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
    w.made[-1] = module_of(w.made[-1], getattr(layer, "merge_mode", "concat"))


def _softmax(w: Modules, layer: Any) -> None:
    w.refuse(not isinstance(layer.axis, int), "be along one axis")
    w.add(w.nn.Softmax(layer.axis))


MODULES: dict[str, Callable[[Modules, Any], None]] = {
    "ActivityRegularization": lambda w, layer: None,
    "Activation": lambda w, layer: w.activate(layer.activation),
    "AlphaDropout": _alpha_dropout,
    "BatchNormalization": _batch_normalization,
    "Bidirectional": _bidirectional,
    "Dense": _dense,
    "Dropout": _dropout,
    "ELU": lambda w, layer: w.add(w.nn.ELU(layer.alpha)),
    "Embedding": _embedding,
    "Flatten": lambda w, layer: w.add(w.nn.Flatten()),
    "GRU": _recurrent,
    "GaussianDropout": lambda w, layer: w.add(w.own.GaussianDropout(layer.rate)),
    "GaussianNoise": lambda w, layer: w.add(w.own.GaussianNoise(layer.stddev)),
    "GetItem": _rearranged,
    "GroupNormalization": _group_normalization,
    "Identity": lambda w, layer: None,
    "LSTM": _recurrent,
    "LayerNormalization": _layer_normalization,
    "LeakyReLU": lambda w, layer: w.add(w.nn.LeakyReLU(layer.negative_slope)),
    "Normalization": _normalization,
    "PReLU": _prelu,
    "Permute": lambda w, layer: w.add(w.own.Permute(0, *layer.dims)),
    "RepeatVector": _rearranged,
    "RMSNormalization": _rms_normalization,
    "ReLU": lambda w, layer: w.activate(layer.specification()["activation"]),
    "Rescaling": lambda w, layer: w.add(w.own.Scale(layer.scale, layer.offset)),
    "Reshape": _reshape,
    "Resizing": _resizing,
    "SimpleRNN": _recurrent,
    "Softmax": _softmax,
    "TimeDistributed": _time_distributed,
    "UnitNormalization": _unit_normalization,
    **ATTENTIONS,
    **{f"AveragePooling{n}D": _pooling for n in (1, 2, 3)},
    **{f"Conv{n}D": _conv for n in (1, 2, 3)},
    **{f"Conv{n}DTranspose": _conv_transpose for n in (1, 2, 3)},
    **{f"Cropping{n}D": _rearranged for n in (1, 2, 3)},
    **{f"DepthwiseConv{n}D": _conv for n in (1, 2)},
    **{f"GlobalAveragePooling{n}D": _global_pooling for n in (1, 2, 3)},
    **{f"GlobalMaxPooling{n}D": _global_pooling for n in (1, 2, 3)},
    **{f"MaxPooling{n}D": _pooling for n in (1, 2, 3)},
    **{f"SeparableConv{n}D": _separable for n in (1, 2)},
    **{f"SpatialDropout{n}D": _spatial_dropout for n in (1, 2, 3)},
    **{f"UpSampling{n}D": _up_sampling for n in (1, 2, 3)},
    **{f"ZeroPadding{n}D": _padding for n in (1, 2, 3)},
}
