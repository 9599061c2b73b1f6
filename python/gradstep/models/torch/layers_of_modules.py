"""What each module of PyTorch is as layers here, and the arrays that its weights become."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ... import layers

__all__ = ["LAYERS", "Converted", "attention", "numbers_of"]

# Layers in a row, and for each the arrays of its weights.
Converted = list[tuple[Any, list[np.ndarray]]]


def numbers_of(tensor: Any) -> np.ndarray:
    """A copy of a tensor's numbers."""
    plain = tensor.detach().cpu()
    array: np.ndarray = (plain if plain.element_size() == 8 else plain.float()).numpy()
    return np.array(array)


def _refuse(module: Any, condition: bool, what: str) -> None:
    if condition:
        raise ValueError(f"{type(module).__name__} must {what} to become a layer here; got {module}.")


def _pairs(value: Any, n: int) -> tuple[int, ...]:
    return (value,) * n if isinstance(value, int) else tuple(value)


def _weights(module: Any, *names: str) -> list[np.ndarray]:
    found = (getattr(module, name, None) for name in names)
    return [numbers_of(tensor) for tensor in found if tensor is not None]


def _linear(module: Any, rank: int) -> Converted:
    layer = layers.Dense(module.out_features, use_bias=module.bias is not None)
    kernel, *bias = _weights(module, "weight", "bias")
    return [(layer, [kernel.T, *bias])]


def _conv(module: Any, rank: int) -> Converted:
    n = len(module.kernel_size)
    _refuse(module, module.padding_mode != "zeros", "have padding_mode='zeros'")
    padding, before = "valid", [0] * n
    if module.padding == "same":
        _refuse(
            module,
            any((k - 1) * d % 2 for k, d in zip(module.kernel_size, module.dilation, strict=True)),
            "have a kernel of odd size for padding='same'",
        )
        padding = "same"
    elif module.padding != "valid":
        before = list(_pairs(module.padding, n))
        reach = [(k - 1) * d for k, d in zip(module.kernel_size, module.dilation, strict=True)]
        if any(before) and set(module.stride) == {1} and [2 * p for p in before] == reach:
            padding, before = "same", [0] * n
    layer = getattr(layers, f"Conv{n}D")(
        module.out_channels,
        module.kernel_size,
        strides=module.stride,
        padding=padding,
        dilation_rate=module.dilation,
        groups=module.groups,
        use_bias=module.bias is not None,
        data_format="channels_first",
    )
    kernel, *bias = _weights(module, "weight", "bias")
    return [*_zeros(before, n), (layer, [kernel.transpose(*range(2, n + 2), 1, 0), *bias])]


def _zeros(before: Sequence[int], n: int) -> Converted:
    if not any(before):
        return []
    padding = tuple((p, p) for p in before)
    layer = getattr(layers, f"ZeroPadding{n}D")(padding[0] if n == 1 else padding, data_format="channels_first")
    return [(layer, [])]


def _conv_transpose(module: Any, rank: int) -> Converted:
    n = len(module.kernel_size)
    _refuse(module, module.groups != 1, "have groups=1")
    layer = getattr(layers, f"Conv{n}DTranspose")(
        module.out_channels,
        module.kernel_size,
        strides=module.stride,
        dilation_rate=module.dilation,
        output_padding=module.output_padding,
        use_bias=module.bias is not None,
        data_format="channels_first",
    )
    kernel, *bias = _weights(module, "weight", "bias")
    made: Converted = [(layer, [kernel.transpose(*range(2, n + 2), 1, 0), *bias])]
    if any(module.padding):  # what lies over the edges is cut off
        cuts = tuple(slice(p, -p if p else None) for p in _pairs(module.padding, n))
        made.append((layers.GetItem((slice(None), slice(None), *cuts)), []))
    return made


def _batch_norm(module: Any, rank: int) -> Converted:
    _refuse(module, module.running_mean is None, "have running statistics")
    _refuse(module, module.momentum is None, "have a momentum")
    layer = layers.BatchNormalization(
        axis=1, momentum=1 - module.momentum, epsilon=module.eps, center=module.affine, scale=module.affine
    )
    return [(layer, _weights(module, "weight", "bias", "running_mean", "running_var"))]


def _layer_norm(module: Any, rank: int) -> Converted:
    bias = getattr(module, "bias", None)
    axes = [-k for k in range(len(module.normalized_shape), 0, -1)]
    layer = layers.LayerNormalization(
        axis=axes, epsilon=module.eps, center=bias is not None, scale=module.weight is not None
    )
    return [(layer, _weights(module, "weight", "bias"))]


def _group_norm(module: Any, rank: int) -> Converted:
    layer = layers.GroupNormalization(
        module.num_groups, axis=1, epsilon=module.eps, center=module.affine, scale=module.affine
    )
    return [(layer, _weights(module, "weight", "bias"))]


def _embedding(module: Any, rank: int) -> Converted:
    _refuse(module, module.max_norm is not None, "have max_norm=None")
    return [(layers.Embedding(module.num_embeddings, module.embedding_dim), _weights(module, "weight"))]


def _flatten(module: Any, rank: int) -> Converted:
    _refuse(module, module.start_dim != 1 or module.end_dim not in (-1, rank - 1), "flatten all axes but the first")
    return [(layers.Flatten(), [])]


def _pooling(module: Any, rank: int) -> Converted:
    kind = type(module).__name__
    n = int(kind[-2])
    size, stride, padding = (_pairs(value, n) for value in (module.kernel_size, module.stride, module.padding))
    is_mean = kind.startswith("Avg")
    _refuse(module, module.ceil_mode, "have ceil_mode=False")
    _refuse(module, not is_mean and set(_pairs(module.dilation, n)) != {1}, "have dilation=1")
    _refuse(module, any(padding) and not (is_mean and module.count_include_pad), "have padding=0")
    _refuse(module, getattr(module, "divisor_override", None) is not None, "have divisor_override=None")
    layer = getattr(layers, f"{'Average' if is_mean else 'Max'}Pooling{n}D")
    return [*_zeros(padding, n), (layer(size, strides=stride, data_format="channels_first"), [])]


def _adaptive(module: Any, rank: int) -> Converted:
    kind = type(module).__name__
    n = int(kind[-2])
    _refuse(module, set(_pairs(module.output_size, n)) != {1}, "have output_size=1")
    layer = getattr(layers, f"Global{'Average' if 'Avg' in kind else 'Max'}Pooling{n}D")
    return [(layer(data_format="channels_first", keepdims=True), [])]


def _prelu(module: Any, rank: int) -> Converted:
    shared = list(range(2, rank)) if module.num_parameters > 1 or rank == 2 else list(range(1, rank))
    alpha = numbers_of(module.weight)
    if module.num_parameters == 1 and rank == 2:
        shared = [1]
    return [(layers.PReLU(shared_axes=shared or None), [alpha.reshape(-1, *[1] * (rank - 2))])]


def _softplus(module: Any, rank: int) -> Converted:
    _refuse(module, module.beta != 1, "have beta=1")
    return [(layers.Activation("softplus"), [])]


def _hardtanh(module: Any, rank: int) -> Converted:
    _refuse(module, (module.min_val, module.max_val) != (-1.0, 1.0), "be between -1 and 1")
    return [(layers.Activation("hard_tanh"), [])]


def _log_softmax(module: Any, rank: int) -> Converted:
    _refuse(module, module.dim not in (-1, rank - 1), "be along the last axis")
    return [(layers.Activation("log_softmax"), [])]


def _softmax(module: Any, rank: int) -> Converted:
    _refuse(module, module.dim is None, "have a dim")
    return [(layers.Softmax(axis=module.dim), [])]


def _gelu(module: Any, rank: int) -> Converted:
    from functools import partial

    from ... import activations

    exact = module.approximate == "none"
    return [(layers.Activation("gelu" if exact else partial(activations.gelu, approximate=True)), [])]


def _spatial_dropout(module: Any, rank: int) -> Converted:
    n = rank - 2
    return [(layers.Dropout(module.p, noise_shape=(None, None, *[1] * n)), [])]


def _recurrent(module: Any, rank: int) -> Converted:
    _refuse(module, not module.batch_first, "have batch_first=True")
    _refuse(module, bool(getattr(module, "proj_size", 0)), "have proj_size=0")
    made: Converted = []
    for number in range(module.num_layers):
        each = [_direction(module, f"l{number}{way}") for way in (["", "_reverse"] if module.bidirectional else [""])]
        layer = each[0][0]
        if module.bidirectional:
            layer = layers.Bidirectional(each[0][0], backward_layer=each[1][0])
        made.append((layer, [array for _, arrays in each for array in arrays]))
        if module.dropout and number + 1 < module.num_layers:
            made.append((layers.Dropout(module.dropout), []))
    return made


def _direction(module: Any, place: str) -> tuple[Any, list[np.ndarray]]:
    """One layer of one direction."""
    kind, units = type(module).__name__, module.hidden_size
    kernel, recurrent = (numbers_of(getattr(module, f"weight_{name}_{place}")) for name in ("ih", "hh"))
    biases = [numbers_of(getattr(module, f"bias_{name}_{place}")) for name in ("ih", "hh")] if module.bias else []
    # PyTorch has the gates of a GRU as reset, update, candidate.
    order = np.arange(len(kernel)).reshape(-1, units)[[1, 0, 2] if kind == "GRU" else slice(None)].ravel()
    kernel, recurrent, biases = kernel[order].T, recurrent[order].T, [bias[order] for bias in biases]
    options = {"return_sequences": True, "use_bias": module.bias, "go_backwards": place.endswith("_reverse")}
    if kind == "GRU":
        return layers.GRU(units, **options), [kernel, recurrent, *([np.stack(biases)] if biases else [])]
    arrays = [kernel, recurrent, *([biases[0] + biases[1]] if biases else [])]
    if kind == "LSTM":
        return layers.LSTM(units, **options), arrays
    return layers.SimpleRNN(units, activation=module.nonlinearity, **options), arrays


def attention(module: Any) -> Converted:
    """The layer of a `MultiheadAttention`."""
    _refuse(module, not module.batch_first, "have batch_first=True")
    _refuse(module, module.bias_k is not None or module.add_zero_attn, "have add_bias_kv=False and add_zero_attn=False")
    size, heads = module.embed_dim, module.num_heads
    layer = layers.MultiHeadAttention(
        heads, size // heads, dropout=module.dropout, use_bias=module.in_proj_bias is not None
    )
    if module.in_proj_weight is not None:
        kernels = np.split(numbers_of(module.in_proj_weight), 3)
    else:
        kernels = _weights(module, "q_proj_weight", "k_proj_weight", "v_proj_weight")
    arrays = [kernel.T.reshape(-1, heads, size // heads) for kernel in kernels]
    out = numbers_of(module.out_proj.weight).T.reshape(heads, size // heads, size)
    if module.in_proj_bias is None:
        return [(layer, [*arrays, out])]
    biases = [bias.reshape(heads, -1) for bias in np.split(numbers_of(module.in_proj_bias), 3)]
    each = [array for pair in zip(arrays, biases, strict=True) for array in pair]
    return [(layer, [*each, out, numbers_of(module.out_proj.bias)])]


def _activation(name: str) -> Callable[[Any, int], Converted]:
    return lambda module, rank: [(layers.Activation(name), [])]


# By the name of the class; each takes the module and the number of axes of its input.
LAYERS: dict[str, Callable[[Any, int], Converted]] = {
    "AlphaDropout": lambda module, rank: [(layers.AlphaDropout(module.p), [])],
    "Dropout": lambda module, rank: [(layers.Dropout(module.p), [])],
    "ELU": lambda module, rank: [(layers.ELU(module.alpha), [])],
    "Embedding": _embedding,
    "Flatten": _flatten,
    "GELU": _gelu,
    "GRU": _recurrent,
    "GroupNorm": _group_norm,
    "Hardtanh": _hardtanh,
    "Identity": lambda module, rank: [],
    "LSTM": _recurrent,
    "LayerNorm": _layer_norm,
    "LeakyReLU": lambda module, rank: [(layers.LeakyReLU(module.negative_slope), [])],
    "Linear": _linear,
    "LogSoftmax": _log_softmax,
    "PReLU": _prelu,
    "RNN": _recurrent,
    "Softmax": _softmax,
    "Softplus": _softplus,
    **{f"AdaptiveAvgPool{n}d": _adaptive for n in (1, 2, 3)},
    **{f"AdaptiveMaxPool{n}d": _adaptive for n in (1, 2, 3)},
    **{f"AvgPool{n}d": _pooling for n in (1, 2, 3)},
    **{f"BatchNorm{n}d": _batch_norm for n in (1, 2, 3)},
    **{f"Conv{n}d": _conv for n in (1, 2, 3)},
    **{f"ConvTranspose{n}d": _conv_transpose for n in (1, 2, 3)},
    **{f"Dropout{n}d": _spatial_dropout for n in (1, 2, 3)},
    **{f"MaxPool{n}d": _pooling for n in (1, 2, 3)},
    "Hardsigmoid": _activation("hard_sigmoid"),
    "Hardswish": _activation("hard_silu"),
    "LogSigmoid": _activation("log_sigmoid"),
    "Mish": _activation("mish"),
    "ReLU": _activation("relu"),
    "ReLU6": _activation("relu6"),
    "SELU": _activation("selu"),
    "SiLU": _activation("silu"),
    "Sigmoid": _activation("sigmoid"),
    "Softsign": _activation("softsign"),
    "Tanh": _activation("tanh"),
    "Tanhshrink": _activation("tanh_shrink"),
}
