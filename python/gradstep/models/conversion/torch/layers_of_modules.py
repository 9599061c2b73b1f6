"""What each module of PyTorch is as layers here, and the arrays that its weights become."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from .... import activations, layers
from .converted import Converted, Shape, numbers_of, refuse, weights_of
from .sequences_of_modules import recurrent
from .windows_of_modules import adaptive, conv, conv_transpose, pad, pooling, shuffle, unshuffle, upsample

__all__ = ["LAYERS"]


def _linear(module: Any, shape: Shape) -> Converted:
    layer = layers.Dense(module.out_features, use_bias=module.bias is not None)
    kernel, *bias = weights_of(module, "weight", "bias")
    return [(layer, [kernel.T, *bias])]


def _batch_norm(module: Any, shape: Shape) -> Converted:
    refuse(module, module.running_mean is None, "have running statistics")
    refuse(module, module.momentum is None, "have a momentum")
    layer = layers.BatchNormalization(
        axis=1, momentum=1 - module.momentum, epsilon=module.eps, center=module.affine, scale=module.affine
    )
    return [(layer, weights_of(module, "weight", "bias", "running_mean", "running_var"))]


def _layer_norm(module: Any, shape: Shape) -> Converted:
    bias = getattr(module, "bias", None)
    axes = [-k for k in range(len(module.normalized_shape), 0, -1)]
    layer = layers.LayerNormalization(
        axis=axes, epsilon=module.eps, center=bias is not None, scale=module.weight is not None
    )
    return [(layer, weights_of(module, "weight", "bias"))]


def _group_norm(module: Any, shape: Shape) -> Converted:
    layer = layers.GroupNormalization(
        module.num_groups, axis=1, epsilon=module.eps, center=module.affine, scale=module.affine
    )
    return [(layer, weights_of(module, "weight", "bias"))]


def _embedding(module: Any, shape: Shape) -> Converted:
    refuse(module, module.max_norm is not None, "have max_norm=None")
    return [(layers.Embedding(module.num_embeddings, module.embedding_dim), weights_of(module, "weight"))]


def _rms_norm(module: Any, shape: Shape) -> Converted:
    axes = [-k for k in range(len(module.normalized_shape), 0, -1)]
    epsilon = module.eps
    if epsilon is None:
        weight = module.weight
        epsilon = np.finfo(np.float64 if weight is not None and weight.element_size() == 8 else np.float32).eps
    layer = layers.RMSNormalization(axis=axes, epsilon=float(epsilon), trainable=module.weight is not None)
    return [(layer, weights_of(module, "weight") or [np.ones(module.normalized_shape)])]


def _instance_norm(module: Any, shape: Shape) -> Converted:
    refuse(module, module.track_running_stats, "have track_running_stats=False")
    layer = layers.GroupNormalization(-1, axis=1, epsilon=module.eps, center=module.affine, scale=module.affine)
    return [(layer, weights_of(module, "weight", "bias"))]


def _flatten(module: Any, shape: Shape) -> Converted:
    begin, end = (axis % len(shape) for axis in (module.start_dim, module.end_dim))
    refuse(module, begin == 0, "keep the axis of the rows")
    row = [size or 0 for size in shape]
    joined = (*row[1:begin], math.prod(row[begin : end + 1]), *row[end + 1 :])
    return [(layers.Flatten() if len(joined) == 1 else layers.Reshape(joined), [])]


def _unflatten(module: Any, shape: Shape) -> Converted:
    axis, row = module.dim % len(shape), [size or 0 for size in shape]
    refuse(module, axis == 0, "keep the axis of the rows")
    return [(layers.Reshape((*row[1:axis], *module.unflattened_size, *row[axis + 1 :])), [])]


def _prelu(module: Any, shape: Shape) -> Converted:
    rank = len(shape)
    shared = list(range(2, rank)) if module.num_parameters > 1 or rank == 2 else list(range(1, rank))
    alpha = numbers_of(module.weight)
    if module.num_parameters == 1 and rank == 2:
        shared = [1]
    return [(layers.PReLU(shared_axes=shared or None), [alpha.reshape(-1, *[1] * (rank - 2))])]


def _softplus(module: Any, shape: Shape) -> Converted:
    made: Converted = [(layers.Activation("softplus"), [])]
    by = module.beta
    return made if by == 1 else [(layers.Rescaling(by), []), *made, (layers.Rescaling(1 / by), [])]


def _hardtanh(module: Any, shape: Shape) -> Converted:
    refuse(module, (module.min_val, module.max_val) != (-1.0, 1.0), "be between -1 and 1")
    return [(layers.Activation("hard_tanh"), [])]


def _log_softmax(module: Any, shape: Shape) -> Converted:
    refuse(module, module.dim not in (-1, len(shape) - 1), "be along the last axis")
    return [(layers.Activation("log_softmax"), [])]


def _softmax(module: Any, shape: Shape) -> Converted:
    refuse(module, module.dim is None, "have a dim")
    return [(layers.Softmax(axis=module.dim), [])]


def _gelu(module: Any, shape: Shape) -> Converted:
    exact = module.approximate == "none"
    return [(layers.Activation("gelu" if exact else partial(activations.gelu, approximate=True)), [])]


def _spatial_dropout(module: Any, shape: Shape) -> Converted:
    n = len(shape) - 2
    return [(layers.Dropout(module.p, noise_shape=(None, None, *[1] * n)), [])]


def _activation(name: str) -> Callable[[Any, Shape], Converted]:
    return lambda module, shape: [(layers.Activation(name), [])]


def _set(name: str, **settings: Any) -> Any:
    """An activation with settings."""
    return layers.Activation(partial(getattr(activations, name), **settings))


# By the name of the class; each takes the module and the shape of its input.
LAYERS: dict[str, Callable[[Any, Shape], Converted]] = {
    "AlphaDropout": lambda module, shape: [(layers.AlphaDropout(module.p), [])],
    "CELU": lambda module, shape: [(_set("celu", alpha=module.alpha), [])],
    "Dropout": lambda module, shape: [(layers.Dropout(module.p), [])],
    "ELU": lambda module, shape: [(layers.ELU(module.alpha), [])],
    "Embedding": _embedding,
    "Flatten": _flatten,
    "GELU": _gelu,
    "GRU": recurrent,
    "GroupNorm": _group_norm,
    "Hardshrink": lambda module, shape: [(_set("hard_shrink", threshold=module.lambd), [])],
    "Hardtanh": _hardtanh,
    "Identity": lambda module, shape: [],
    "LSTM": recurrent,
    "LayerNorm": _layer_norm,
    "LeakyReLU": lambda module, shape: [(layers.LeakyReLU(module.negative_slope), [])],
    "Linear": _linear,
    "LogSoftmax": _log_softmax,
    "PReLU": _prelu,
    "PixelShuffle": shuffle,
    "PixelUnshuffle": unshuffle,
    "RMSNorm": _rms_norm,
    "RNN": recurrent,
    "Softmax": _softmax,
    "Softmax2d": lambda module, shape: [(layers.Softmax(axis=1), [])],
    "Softmin": lambda module, shape: [(layers.Rescaling(-1.0), []), *_softmax(module, shape)],
    "Softplus": _softplus,
    "Softshrink": lambda module, shape: [(_set("soft_shrink", threshold=module.lambd), [])],
    "Threshold": lambda module, shape: [
        (_set("threshold", threshold=module.threshold, default_value=module.value), [])
    ],
    "Unflatten": _unflatten,
    "Upsample": upsample,
    "UpsamplingNearest2d": upsample,
    **{f"AdaptiveAvgPool{n}d": adaptive for n in (1, 2, 3)},
    **{f"AdaptiveMaxPool{n}d": adaptive for n in (1, 2, 3)},
    **{f"AvgPool{n}d": pooling for n in (1, 2, 3)},
    **{f"BatchNorm{n}d": _batch_norm for n in (1, 2, 3)},
    **{f"Conv{n}d": conv for n in (1, 2, 3)},
    **{f"ConvTranspose{n}d": conv_transpose for n in (1, 2, 3)},
    **{f"ConstantPad{n}d": pad for n in (1, 2, 3)},
    **{f"Dropout{n}d": _spatial_dropout for n in (1, 2, 3)},
    **{f"InstanceNorm{n}d": _instance_norm for n in (1, 2, 3)},
    **{f"MaxPool{n}d": pooling for n in (1, 2, 3)},
    **{f"ZeroPad{n}d": pad for n in (1, 2, 3)},
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
