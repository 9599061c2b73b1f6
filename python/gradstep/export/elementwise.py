"""Dense layers, activations, normalizations and merges in a program."""

from __future__ import annotations

from functools import reduce

import numpy as np

from .activations import activate
from .call import Call, along
from .program import Value
from .scalar import maximum, minimum, not_equal, sqrt, where

__all__ = ["batch_normalization", "dense", "dot", "fill_masked", "masked_mean", "merge", "normalization"]
__all__ += ["activation", "normalize_parts", "not_equal_to", "passed", "prelu", "rescaling", "softmax"]


def passed(call: Call) -> Value:
    """What does something in training alone."""
    return call.x


def dense(call: Call) -> Value:
    """activation(x w + b)."""
    bias = call.weight(1, "bias") if call.spec["use_bias"] else None
    made = call.program.matmul(call.x, call.weight(0, "kernel"), bias)
    return activate(call.program, made, call.spec["activation"])


def activation(call: Call) -> Value:
    """activation(x)."""
    return activate(call.program, call.x, call.spec["activation"])


def softmax(call: Call) -> Value:
    """Softmax along some axes: those are brought to the end, as one."""
    axes, rank = list(call.spec["axes"]), len(call.x.shape)
    order = [axis for axis in range(rank) if axis not in axes] + axes
    turned = call.program.transpose(call.x, order)
    flat = call.program.reshape(
        turned, (*turned.shape[: rank - len(axes)], int(np.prod(turned.shape[rank - len(axes) :])))
    )
    made = call.program.reshape(call.program.softmax(flat, -1), turned.shape)
    return call.program.transpose(made, [order.index(axis) for axis in range(rank)])


def rescaling(call: Call) -> Value:
    """scale x + offset."""
    scale, offset = float(call.spec["scale"]), float(call.spec["offset"])
    return call.program.map(lambda x: x * scale + offset if offset else x * scale, call.x)


def prelu(call: Call) -> Value:
    """x where it is positive, else a weight times x."""
    alpha = call.weight(0, "alpha")
    return call.program.map(lambda x, alpha: where(x > 0, x, alpha * x), call.x, alpha, native=("PRelu", {}))


def _affine(call: Call, factor: np.ndarray, shift: np.ndarray, axes: list[int]) -> Value:
    rank = len(call.x.shape)
    by, to = (call.program.constant(along(a, axes, rank), name) for a, name in ((factor, "scale"), (shift, "offset")))
    return call.program.map(lambda x, by, to: x * by + to, call.x, by, to)


def batch_normalization(call: Call) -> Value:
    """A scale and an offset of each channel, from gamma, beta and the moving statistics."""
    scale, center = call.spec["scale"], call.spec["center"]
    known = [weight.astype(np.float64) for weight in call.weights]
    mean, variance = known[scale + center], known[scale + center + 1]
    factor = (known[0] if scale else 1.0) / np.sqrt(variance + call.spec["epsilon"])
    return _affine(call, factor, (known[scale] if center else 0.0) - mean * factor, call.spec["axes"])


def normalization(call: Call) -> Value:
    """(x - mean) / deviation of each place along some axes; or x from that."""
    axes, shape = list(call.spec["axes"]), call.x.shape
    given = [call.spec["mean"], call.spec["variance"]] if "mean" in call.spec else call.weights
    mean, variance = (np.asarray(a, np.float64).reshape([shape[axis] for axis in axes]) for a in given)
    deviation = np.maximum(np.sqrt(variance), 1e-7)
    if call.spec["invert"]:
        return _affine(call, deviation, mean, axes)
    return _affine(call, 1 / deviation, -mean / deviation, axes)


def normalize_parts(call: Call) -> Value:
    """Parts of a row, each by its mean and scale: layer, group, RMS and unit normalization."""
    program, spec, shape = call.program, call.spec, call.x.shape
    axes, groups = list(spec["axes"]), spec["groups"]
    if groups > 1:
        axis = axes[0]
        x = program.reshape(call.x, (*shape[:axis], groups, shape[axis] // groups, *shape[axis + 1 :]))
        over = [k for k in range(len(x.shape)) if k != axis] if spec["along_others"] else [axis + 1]
    else:
        x, over = call.x, list(range(len(shape))) if spec["along_others"] else axes
    epsilon = float(spec["epsilon"])
    if spec["centered"] and not spec["by_length"]:
        x = program.map(lambda x, mean: x - mean, x, program.reduce(x, over, "mean"))
    squares = program.reduce(program.map(lambda x: x * x, x), over, "sum" if spec["by_length"] else "mean")
    if spec["by_length"]:
        made = program.map(lambda x, s: x / sqrt(maximum(s, epsilon)), x, squares)
    else:
        made = program.map(lambda x, s: x / sqrt(s + epsilon), x, squares)
    made = program.reshape(made, shape)
    weights = iter(range(len(call.weights)))
    if spec["scale"]:
        gamma = along(call.weights[next(weights)], axes, len(shape))
        made = program.map(lambda x, gamma: x * gamma, made, program.constant(gamma, "gamma"))
    if spec["center"]:
        beta = along(call.weights[next(weights)], axes, len(shape))
        made = program.map(lambda x, beta: x + beta, made, program.constant(beta, "beta"))
    return made


RULES = {
    "add": lambda a, b: a + b,
    "average": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "maximum": maximum,
    "minimum": minimum,
}


def merge(call: Call) -> Value:
    """f(f(a, b), c) of inputs that are stretched to each other's shapes."""
    kind, count = call.spec["kind"], len(call.inputs)

    def folded(*values):  # type: ignore[no-untyped-def]
        made = reduce(RULES[kind], values)
        return made / count if kind == "average" else made

    return call.program.map(folded, *call.inputs)


def dot(call: Call) -> Value:
    """All vectors of one input, along an axis, times all of another."""
    program, factors = call.program, list[Value]()
    for value, name in zip(call.inputs, ("first_axis", "second_axis"), strict=True):
        axis, rank = call.spec[name] - 1, len(value.shape)
        turned = program.transpose(value, [k for k in range(rank) if k != axis] + [axis])
        x = program.reshape(turned, (value.size // value.shape[axis], value.shape[axis]))
        if call.spec["normalize"]:
            squares = program.reduce(program.map(lambda x: x * x, x), [-1], "sum")
            x = program.map(lambda x, s: x / sqrt(maximum(s, 1e-14)), x, squares)
        factors.append(x)
    return program.reshape(program.matmul(factors[0], factors[1], transposed=True), call.row)


def not_equal_to(call: Call) -> Value:
    """1 where x, or any number of it along the last axis, is not a value."""
    program, value = call.program, float(call.spec["value"])
    if call.spec["everywhere"]:
        made = program.map(lambda x: where(not_equal(x, x), 1, 1), call.x)
    else:
        made = program.map(lambda x: where(not_equal(x, value), 1, 0), call.x)
    if call.spec["along_last"]:
        made = program.reduce(made, [-1], "max")
    return program.reshape(made, call.row)


def fill_masked(call: Call) -> Value:
    """x where a mask is not 0, else a value."""
    fill = float(call.spec["value"])
    return call.program.map(lambda x, mask: where(not_equal(mask, 0), x, fill), *call.inputs)


def masked_mean(call: Call) -> Value:
    """The mean over the steps that count."""
    program, (x, mask) = call.program, call.inputs
    steps = 1 if call.spec["channels_first"] else 0
    mask = program.reshape(mask, [mask.size if axis == steps else 1 for axis in range(2)])
    known = program.map(lambda x, mask: where(not_equal(mask, 0), x, 0), x, mask)
    counts = program.map(lambda mask: where(not_equal(mask, 0), 1, 0), mask)
    total, count = program.reduce(known, [steps], "sum"), program.reduce(counts, [steps], "sum")
    return program.reshape(program.map(lambda total, count: total / count, total, count), call.row)
