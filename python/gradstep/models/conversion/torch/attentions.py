"""What layers of attention are as modules of PyTorch, called on a query, a value and perhaps a key."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ....layers.attention.attending import MASKS
from .modules_of_layer import Modules

__all__ = ["ATTENTIONS"]


def _check(w: Modules, layer: Any) -> None:
    w.refuse(any(name in MASKS for name in layer._arguments) or any(layer._masked), "be called without masks")
    w.refuse(layer._scored, "give its output alone")


def _multi_head_attention(w: Modules, layer: Any) -> None:
    _check(w, layer)
    w.refuse(layer.attention_axes is not None, "attend along all axes of steps")
    known = w.weights()
    heads, last = layer.num_heads, tuple(known["attention_output_kernel"].shape[2:])
    sizes = [known[f"{part}_kernel"].shape[0] for part in ("query", "key", "value")]
    module = w.own.MultiHeadAttention(
        sizes, heads, layer.key_dim, layer.value_dim, last, layer.dropout, layer.use_bias, layer._causal
    )
    w.add(module)
    for part, name in (("query", "query"), ("key", "key"), ("value", "value"), ("attention_output", "output")):
        kernel = known[f"{part}_kernel"]
        inputs = math.prod(kernel.shape[:2]) if name == "output" else kernel.shape[0]
        arrays = [("weight", kernel.reshape(inputs, -1).T)]
        arrays += [("bias", known[f"{part}_bias"].ravel())] if layer.use_bias else []
        w.copy(getattr(module, name), *arrays)


def _attention(w: Modules, layer: Any) -> None:
    _check(w, layer)
    known = {name: w.torch.from_numpy(array.copy()) for name, array in w.weights().items()}
    scale, weight = known.get("scale"), known.get("concat_score_weight")
    sums = type(layer).__name__ == "AdditiveAttention" or layer.score_mode == "concat"
    w.add(w.own.Attention(scale, weight, sums, layer.dropout, layer._causal))


ATTENTIONS: dict[str, Callable[[Modules, Any], None]] = {
    "AdditiveAttention": _attention,
    "Attention": _attention,
    "MultiHeadAttention": _multi_head_attention,
}
