"""Activations and dense networks in plain float64 NumPy, from the papers: what the C++ ones must equal.

A network is a list of (kernel, bias, name of the activation).
"""

import math

import numpy as np
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


ACTIVATIONS = {
    "linear": lambda x: x.copy(),
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.2 * x),
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "selu": selu,
    "sigmoid": sigmoid,
    "hard_sigmoid": lambda x: np.clip(x / 6 + 0.5, 0, 1),
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
