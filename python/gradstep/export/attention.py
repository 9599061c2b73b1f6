"""Attention in a program."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .call import Call
from .program import Value
from .scalar import not_equal, tanh, where

__all__ = ["attention", "multi_head_attention"]

LEAST = -3e38  # below all scores


def _steps(call: Call) -> tuple[int, int, int]:
    """How many groups of steps there are, and queries and keys in each."""
    groups = call.spec["groups"]
    rows = [value.size // value.shape[-1] // groups for value in call.inputs[:2]]
    return groups, rows[0], rows[1]


def _weighted(call: Call, scores: Value, values: Value) -> tuple[Value, Value]:
    """Softmax of scores (groups, heads, queries, keys) over the keys that are seen; times values of the same groups."""
    program, spec = call.program, call.spec
    groups, queries, keys = _steps(call)
    masks: list[Value] = []
    if spec["causal"]:
        masks.append(program.constant(np.tri(queries, keys).reshape(1, 1, queries, keys), "causal_mask"))
    rest = iter(call.inputs[3:])
    if spec["query_masked"]:
        masks.append(program.reshape(next(rest), (groups, 1, queries, 1)))
    if spec["key_masked"]:
        masks.append(program.reshape(next(rest), (groups, 1, 1, keys)))
    if spec["masked"]:
        mask = next(rest)
        of_all = 1 if mask.size == queries * keys else groups
        masks.append(program.reshape(mask, (of_all, 1, queries, keys)))
    if not masks:
        shares = program.softmax(scores, -1)
        return shares, program.matmul(shares, values)

    def both(*each: Any) -> Any:
        made = where(not_equal(each[0], 0), 1, 0)
        for one in each[1:]:
            made = where(not_equal(one, 0), made, 0)
        return made

    seen = program.map(both, *masks)
    hidden = program.map(lambda score, seen: where(not_equal(seen, 0), score, LEAST), scores, seen)
    shares = program.softmax(hidden, -1)
    if len(masks) > spec["causal"]:  # else each query sees a key
        nothing = 0.0 if spec["zeroes"] else 1 / keys
        any_seen = program.reduce(seen, [-1], "max")
        shares = program.map(lambda p, some: where(not_equal(some, 0), p, nothing), shares, any_seen)
    return shares, program.matmul(shares, values)


def _given(call: Call, output: Value, shares: Value) -> Value:
    """The output, and behind it the weights of the means if the layer gives them."""
    if not call.spec["scored"]:
        return call.program.reshape(output, call.row)
    flat = [call.program.reshape(value, (value.size,)) for value in (output, shares)]
    return call.program.reshape(call.program.concatenate(flat, 0), call.row)


def multi_head_attention(call: Call) -> Value:
    """Attention of several heads, with products before and after it."""
    program, spec, bias = call.program, call.spec, call.spec["use_bias"]
    groups, queries, keys = _steps(call)
    heads, size, value_size = spec["heads"], spec["key_dim"], spec["value_dim"]
    step = 2 if bias else 1

    def projected(which: int, name: str, value: Value, count: int, n: int) -> Value:
        x = program.reshape(value, (groups * count, value.shape[-1]))
        kernel = call.weight(which * step, f"{name}_kernel", (value.shape[-1], heads * n))
        made = program.matmul(x, kernel, call.weight(which * step + 1, f"{name}_bias", (heads * n,)) if bias else None)
        return program.transpose(program.reshape(made, (groups, count, heads, n)), [0, 2, 1, 3])

    q = projected(0, "query", call.inputs[0], queries, size)
    k = projected(1, "key", call.inputs[2], keys, size)
    v = projected(2, "value", call.inputs[1], keys, value_size)
    factor = 1 / math.sqrt(size)
    scores = program.map(lambda x: x * factor, program.matmul(q, k, transposed=True))
    shares, o = _weighted(call, scores, v)
    o = program.reshape(program.transpose(o, [0, 2, 1, 3]), (groups * queries, heads * value_size))
    out = math.prod(spec["output"])
    kernel = call.weight(3 * step, "output_kernel", (heads * value_size, out))
    made = program.matmul(o, kernel, call.weight(7, "output_bias", (out,)) if bias else None)
    return _given(call, made, shares)


def attention(call: Call) -> Value:
    """Attention of the inputs as they are, by their products or by sums of tanh."""
    program, spec = call.program, call.spec
    groups, queries, keys = _steps(call)
    counts: Sequence[int] = (queries, keys, keys)
    each = zip(call.inputs[:3], counts, strict=True)
    q, v, k = (program.reshape(value, (groups, 1, count, value.shape[-1])) for value, count in each)
    scale = call.weights[0] if spec["use_scale"] else None
    if not spec["of_tanhs"]:
        scores = program.matmul(q, k, transposed=True)
        if scale is not None:
            by = float(scale)
            scores = program.map(lambda x: x * by, scores)
        shares, made = _weighted(call, scores, v)
        return _given(call, made, shares)
    factor = float(scale) if scale is not None and not spec["of_vector"] else 1.0
    one = program.reshape(q, (groups, queries, 1, q.shape[-1]))
    other = program.reshape(k, (groups, 1, keys, k.shape[-1]))
    if scale is not None and spec["of_vector"]:
        vector = program.constant(scale, "scale")
        found = program.map(lambda q, k, by: by * tanh(q + k), one, other, vector)
    else:
        found = program.map(lambda q, k: tanh((q + k) * factor), one, other)
    scores = program.reshape(program.reduce(found, [-1], "sum"), (groups, 1, queries, keys))
    if spec["of_sum"]:
        weight = float(call.weights[int(spec["use_scale"])])
        scores = program.map(lambda x: x * weight, scores)
    shares, made = _weighted(call, scores, v)
    return _given(call, made, shares)
