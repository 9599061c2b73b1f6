"""Activations and dense networks in plain float64 NumPy, from the papers: what the C++ ones must equal.

A network is a list of (kernel, bias, name of the activation).
"""

import math
from functools import partial

import numpy as np
from gradstep import activations
from reference.losses import LOSSES

erf = np.vectorize(math.erf, otypes=[np.float64])


def sigmoid(x):
    return np.where(x >= 0, 1 / (1 + np.exp(-np.abs(x))), np.exp(-np.abs(x)) / (1 + np.exp(-np.abs(x))))


def softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def log_softmax(x):
    shifted = x - x.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


def selu(x):
    scale, alpha = 1.05070098735548049342, 1.67326324235437728482
    return scale * np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def sparsemax(x):
    """Martins & Astudillo 2016, algorithm 1."""
    z = -np.sort(-x, axis=-1)
    cumulated, k = z.cumsum(-1), np.arange(1, x.shape[-1] + 1)
    count = (1 + k * z > cumulated).sum(-1, keepdims=True)
    tau = (np.take_along_axis(cumulated, count - 1, -1) - 1) / count
    return np.maximum(x - tau, 0)


def hard_sigmoid(x):
    return np.clip(x / 6 + 0.5, 0, 1)


def gelu_tanh(x):
    u = np.sqrt(2 / x.dtype.type(np.pi)) * (x + 0.044715 * x**3)
    return x * sigmoid(2 * u)  # (1 + tanh u) / 2, without its cancellation


def rectifier(x, slope, top, threshold):
    return np.where(x > threshold, np.minimum(x, top), slope * (x - threshold))


# The settings that those of the engine's names are tested with which are no names of functions, or have no defaults.
SETTINGS = {
    "rectifier": {"negative_slope": 0.1, "max_value": 2.0, "threshold": 0.5},
    "threshold": {"threshold": 0.25, "default_value": -1.5},
}
# The functions of those names.
FUNCTIONS = {
    "rectifier": partial(activations.relu, **SETTINGS["rectifier"]),
    "gelu_tanh": partial(activations.gelu, approximate=True),
    "threshold": partial(activations.threshold, **SETTINGS["threshold"]),
}
# Where slopes jump.
KINKS = (-3, -1, -0.5, 0, 0.25, 0.5, 1, 2, 3, 6)

ACTIVATIONS = {
    "linear": lambda x: x.copy(),
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.2 * x),
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "selu": selu,
    "sigmoid": sigmoid,
    "hard_sigmoid": hard_sigmoid,
    "rectifier": lambda x: rectifier(x, 0.1, 2.0, 0.5),
    "celu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "sparse_sigmoid": lambda x: np.clip((x + 1) / 2, 0, 1),
    "log_sigmoid": lambda x: -softplus(-x),
    "hard_tanh": lambda x: np.clip(x, -1, 1),
    "tanh_shrink": lambda x: x - np.tanh(x),
    "hard_shrink": lambda x: np.where(np.abs(x) > 0.5, x, 0),
    "soft_shrink": lambda x: np.sign(x) * np.maximum(np.abs(x) - 0.5, 0),
    "threshold": lambda x: np.where(x > 0.25, x, -1.5),
    "sparse_plus": lambda x: np.where(x <= -1, 0, np.where(x < 1, (x + 1) ** 2 / 4, x)),
    # Left of 0 the usual formula cancels.
    "squareplus": lambda x: np.where(x < 0, 2 / (np.sqrt(x**2 + 4) - x), (x + np.sqrt(x**2 + 4)) / 2),
    "gelu_tanh": gelu_tanh,
    "hard_silu": lambda x: x * hard_sigmoid(x),
    "sparsemax": sparsemax,
    "tanh": np.tanh,
    "exponential": np.exp,
    "softplus": softplus,
    "softsign": lambda x: x / (1 + np.abs(x)),
    "gelu": lambda x: x * 0.5 * (1 + erf(x / math.sqrt(2))),
    "silu": lambda x: x * sigmoid(x),
    "mish": lambda x: x * np.tanh(softplus(x)),
    "softmax": softmax,
    "log_softmax": log_softmax,
}

# dx of dy, for the activations that the training loop below is used with.
SLOPES = {
    "linear": lambda x, dy: dy,
    "relu": lambda x, dy: dy * (x > 0),
    "tanh": lambda x, dy: dy * (1 - np.tanh(x) ** 2),
    "sigmoid": lambda x, dy: dy * sigmoid(x) * (1 - sigmoid(x)),
    "softmax": lambda x, dy: softmax(x) * (dy - (dy * softmax(x)).sum(-1, keepdims=True)),
}


def forward(network, x):
    """Outputs, and what each layer got and had before its activation."""
    inputs, before = [], []
    for w, b, activation in network:
        inputs.append(x)
        before.append(x @ w + b)
        x = ACTIVATIONS[activation](before[-1])
    return x, inputs, before


def value_and_grad(network, loss, y, x):
    """Mean loss, and the gradients [dw, db, dw, db, ...]."""
    outputs, inputs, before = forward(network, x)
    values, slope = LOSSES[loss](y, outputs)
    dy = slope / len(x)
    gradients = []
    for (w, _, activation), a, z in reversed(list(zip(network, inputs, before, strict=True))):
        dz = SLOPES[activation](z, dy)
        gradients = [a.T @ dz, dz.sum(0), *gradients]
        dy = dz @ w.T
    return values.mean(), gradients
