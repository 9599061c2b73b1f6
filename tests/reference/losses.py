"""Losses in plain float64 NumPy: t, y (rows, n) -> the loss of each row, and its slope with respect to y.

For the sparse loss t (rows,) are class numbers. LOGITS has the losses of z, where y = sigmoid(z) or softmax(z).
"""

import numpy as np

EPSILON = 1e-7


def mean_squared_error(t, y):
    return ((y - t) ** 2).mean(-1), 2 * (y - t) / y.shape[-1]


def mean_absolute_error(t, y):
    return np.abs(y - t).mean(-1), np.sign(y - t) / y.shape[-1]


def binary_crossentropy(t, y):
    p = np.clip(y, EPSILON, 1 - EPSILON)
    slope = np.where(p == y, (1 - t) / (1 - p) - t / p, 0)
    return -(t * np.log(p) + (1 - t) * np.log(1 - p)).mean(-1), slope / y.shape[-1]


def categorical_crossentropy(t, y):
    whole = y.sum(-1, keepdims=True)
    q = y / whole
    p = np.clip(q, EPSILON, 1 - EPSILON)
    dq = np.where(p == q, -t / p, 0)
    return -(t * np.log(p)).sum(-1), (dq - (dq * q).sum(-1, keepdims=True)) / whole


def sparse_categorical_crossentropy(t, y):
    return categorical_crossentropy(np.eye(y.shape[-1])[t], y)


def binary_of_logits(t, z):
    return (np.logaddexp(0, z) - t * z).mean(-1), (1 / (1 + np.exp(-z)) - t) / z.shape[-1]


def categorical_of_logits(t, z):
    logarithms = z - z.max(-1, keepdims=True)
    logarithms = logarithms - np.log(np.exp(logarithms).sum(-1, keepdims=True))
    return -(t * logarithms).sum(-1), t.sum(-1, keepdims=True) * np.exp(logarithms) - t


def sparse_of_logits(t, z):
    return categorical_of_logits(np.eye(z.shape[-1])[t], z)


LOSSES = {
    "mean_squared_error": mean_squared_error,
    "mean_absolute_error": mean_absolute_error,
    "binary_crossentropy": binary_crossentropy,
    "categorical_crossentropy": categorical_crossentropy,
    "sparse_categorical_crossentropy": sparse_categorical_crossentropy,
}
LOGITS = {
    "binary_crossentropy": binary_of_logits,
    "categorical_crossentropy": categorical_of_logits,
    "sparse_categorical_crossentropy": sparse_of_logits,
}
