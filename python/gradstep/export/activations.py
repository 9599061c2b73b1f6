"""Activations as formulas, by the names of the compiled core (csrc/activations)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from .program import Program, Value
from .scalar import Formula, absolute, erf, exp, expm1, log, log1p, maximum, minimum, sqrt, tanh, where

__all__ = ["activate"]

SELU = (1.0507009873554805, 1.6732632423543772)


def _sigmoid(x: Formula) -> Formula:
    return 1 / (1 + exp(-x))


def _softplus(x: Formula) -> Formula:
    return maximum(x, 0) + log1p(exp(-absolute(x)))


def _clip(x: Formula, low: float, high: float) -> Formula:
    return minimum(maximum(x, low), high)


def _rectifier(x: Formula, negative_slope: float, max_value: float, threshold: float) -> Formula:
    above = x if max_value == math.inf else minimum(x, max_value)
    return where(x <= threshold, negative_slope * (x - threshold) if negative_slope else 0.0, above)


def _squareplus(x: Formula, b: float) -> Formula:
    root = sqrt(x * x + b)
    return where(x < 0, b / 2 / (root - x), x / 2 + root / 2)


def _gelu_tanh(x: Formula) -> Formula:
    return x * _sigmoid(1.5957691216057308 * (x + 0.044715 * x * x * x))


# Formula of x and the settings.
FORMULAS: dict[str, Callable[..., Formula]] = {
    "relu": lambda x: maximum(x, 0),
    "rectifier": _rectifier,
    "relu6": lambda x: _clip(x, 0, 6),
    "leaky_relu": lambda x, negative_slope: where(x > 0, x, negative_slope * x),
    "elu": lambda x, alpha: where(x > 0, x, alpha * expm1(minimum(x, 0))),
    "celu": lambda x, alpha: where(x > 0, x, alpha * expm1(minimum(x, 0) / alpha)),
    "selu": lambda x: SELU[0] * where(x > 0, x, SELU[1] * expm1(minimum(x, 0))),
    "sigmoid": _sigmoid,
    "hard_sigmoid": lambda x: _clip(x / 6 + 0.5, 0, 1),
    "sparse_sigmoid": lambda x: _clip((x + 1) * 0.5, 0, 1),
    "log_sigmoid": lambda x: -_softplus(-x),
    "tanh": tanh,
    "hard_tanh": lambda x: _clip(x, -1, 1),
    "tanh_shrink": lambda x: x - tanh(x),
    "hard_shrink": lambda x, threshold: where(absolute(x) <= threshold, 0, x),
    "soft_shrink": lambda x, threshold: x - _clip(x, -threshold, threshold),
    "threshold": lambda x, threshold, default_value: where(x <= threshold, default_value, x),
    "exponential": exp,
    "softplus": _softplus,
    "sparse_plus": lambda x: where(x <= -1, 0, where(x < 1, (x + 1) * (x + 1) * 0.25, x)),
    "squareplus": _squareplus,
    "softsign": lambda x: x / (1 + absolute(x)),
    "gelu": lambda x: x * (0.5 + 0.5 * erf(x * math.sqrt(0.5))),
    "gelu_tanh": _gelu_tanh,
    "silu": lambda x: x * _sigmoid(x),
    "hard_silu": lambda x: x * _clip(x / 6 + 0.5, 0, 1),
    "mish": lambda x: x * tanh(_softplus(x)),
}
# Operators of ONNX that give the same numbers, and their attributes.
NATIVE: dict[str, tuple[str, tuple[tuple[str, str], ...]]] = {
    "relu": ("Relu", ()),
    "sigmoid": ("Sigmoid", ()),
    "tanh": ("Tanh", ()),
    "exponential": ("Exp", ()),
    "softsign": ("Softsign", ()),
    "leaky_relu": ("LeakyRelu", (("alpha", "negative_slope"),)),
    "elu": ("Elu", (("alpha", "alpha"),)),
}


def activate(program: Program, x: Value, spec: Mapping[str, Any], axis: int = -1) -> Value:
    """The activation of a layer; axis: along which those lie that are of whole rows.

    Parameters
    ----------
    spec : dict
        As the compiled core takes it: ``{"kind": name}`` and settings.
    """
    settings = {name: float(value) for name, value in spec.items() if name != "kind"}
    kind = spec["kind"]
    if kind == "linear":
        return x
    if kind == "softmax":
        return program.softmax(x, axis)
    if kind == "log_softmax":
        shifted = program.map(lambda x, top: x - top, x, program.reduce(x, [axis], "max"))
        total = program.reduce(program.map(exp, shifted), [axis], "sum")
        return program.map(lambda x, sum: x - log(sum), shifted, total)
    if kind == "sparsemax":
        return _sparsemax(program, x, axis)
    native = NATIVE.get(kind)
    operator = native and (native[0], {name: settings[setting] for name, setting in native[1]})
    return program.map(lambda x: FORMULAS[kind](x, **settings), x, native=operator)


def _sparsemax(program: Program, x: Value, axis: int) -> Value:
    """max(x - tau, 0), where tau is the largest of (sum of those at least x_i, less 1) over how many they are."""
    last = len(x.shape) - 1
    order = [i for i in range(last + 1) if i != axis % (last + 1)] + [axis % (last + 1)]
    z = program.transpose(x, order)
    z = program.map(lambda x, top: x - top, z, program.reduce(z, [-1], "max"))
    one, other = program.reshape(z, (*z.shape, 1)), program.reshape(z, (*z.shape[:-1], 1, z.shape[-1]))
    count = program.reduce(program.map(lambda a, b: where(a <= b, 1, 0), one, other), [-1], "sum")
    total = program.reduce(program.map(lambda a, b: where(a <= b, b, 0), one, other), [-1], "sum")
    tau = program.reduce(program.map(lambda total, count: (total - 1) / count, total, count), [-2], "max")
    made = program.map(lambda x, tau: maximum(x - tau, 0), z, program.reshape(tau, (*z.shape[:-1], 1)))
    return program.transpose(made, [order.index(i) for i in range(last + 1)])
