"""A layer, a loss and a metric in NumPy that add, multiply and divide only, each in an order that NumPy keeps."""

from __future__ import annotations

import gradstep as gs
import numpy as np

__all__ = ["CountOfLarge", "Scale", "Swap", "half_square"]


def sum_of_rows(x):
    total = np.zeros_like(x[0])
    for each in x:
        total += each
    return total


class Scale(gs.layers.Layer):
    """Each number times a weight."""

    def __init__(self, kernel_regularizer=None, **options):
        super().__init__(**options)
        self.kernel_regularizer = kernel_regularizer

    def build(self, input_shape):
        n = (input_shape[-1],)
        self.kernel = self.add_weight(n, "ones", name="kernel", regularizer=self.kernel_regularizer)

    def forward(self, x, training=False):
        self.x = x
        return x * self.kernel

    def backward(self, dy):
        return dy * self.kernel, [sum_of_rows(dy * self.x)]


class Swap(gs.layers.Layer):
    """Rows backwards; no weights."""

    def forward(self, x, training=False):
        return np.ascontiguousarray(x[:, ::-1])

    def backward(self, dy):
        return np.ascontiguousarray(dy[:, ::-1])


def half_square(y_true, y_pred):
    apart = y_pred - y_true
    return 0.5 * sum_of_rows((apart * apart).T), apart


class CountOfLarge(gs.metrics.Metric):
    """How many predictions are further from their target than 1."""

    def __init__(self, name="large", dtype=None):
        super().__init__(dtype, name)

    def reset_state(self):
        self.count = 0

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.count = self.count + int((np.abs(y_pred - y_true) > 1).sum())

    def result(self):
        return float(self.count)
