"""Recurrent modules of PyTorch and attention as layers here."""

from __future__ import annotations

from typing import Any

import numpy as np

from .... import layers
from .converted import Converted, Shape, numbers_of, refuse, weights_of

__all__ = ["attention", "recurrent"]


def recurrent(module: Any, shape: Shape) -> Converted:
    """A recurrent module: a layer for each of its layers, with dropout between them."""
    refuse(module, not module.batch_first, "have batch_first=True")
    refuse(module, bool(getattr(module, "proj_size", 0)), "have proj_size=0")
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
    refuse(module, not module.batch_first, "have batch_first=True")
    refuse(module, module.bias_k is not None or module.add_zero_attn, "have add_bias_kv=False and add_zero_attn=False")
    size, heads = module.embed_dim, module.num_heads
    layer = layers.MultiHeadAttention(
        heads, size // heads, dropout=module.dropout, use_bias=module.in_proj_bias is not None
    )
    if module.in_proj_weight is not None:
        kernels = np.split(numbers_of(module.in_proj_weight), 3)
    else:
        kernels = weights_of(module, "q_proj_weight", "k_proj_weight", "v_proj_weight")
    arrays = [kernel.T.reshape(-1, heads, size // heads) for kernel in kernels]
    out = numbers_of(module.out_proj.weight).T.reshape(heads, size // heads, size)
    if module.in_proj_bias is None:
        return [(layer, [*arrays, out])]
    biases = [bias.reshape(heads, -1) for bias in np.split(numbers_of(module.in_proj_bias), 3)]
    each = [array for pair in zip(arrays, biases, strict=True) for array in pair]
    return [(layer, [*each, out, numbers_of(module.out_proj.bias)])]
