"""Layers in NumPy as users write them."""

from __future__ import annotations

import gradstep as gs
import numpy as np


class NumpyDense(gs.layers.Layer):
    """What `gs.layers.Dense` computes, without an activation."""

    def __init__(self, units, kernel_regularizer=None, kernel_constraint=None, **options):
        super().__init__(**options)
        self.units = units
        self.kernel_regularizer, self.kernel_constraint = kernel_regularizer, kernel_constraint

    def build(self, input_shape):
        self.kernel = self.add_weight(
            shape=(input_shape[-1], self.units),
            initializer="glorot_uniform",
            name="kernel",
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.bias = self.add_weight(shape=(self.units,), initializer="zeros", name="bias")

    def forward(self, x, training=False):
        self.x = x
        return x @ self.kernel + self.bias

    def backward(self, dy):
        return dy @ self.kernel.T, [self.x.T @ dy, dy.sum(axis=0)]


class Double(gs.layers.Layer):
    """Without weights, or any argument; another shape than it gets; Keras's name for `forward`."""

    def call(self, inputs):
        return np.concatenate([inputs, 2 * inputs], axis=-1)

    def backward(self, dy):
        n = dy.shape[-1] // 2
        return dy[:, :n] + 2 * dy[:, n:]


class Counting(gs.layers.Layer):
    """A weight that it changes itself in training, and a mean of what it saw."""

    def build(self, input_shape):
        self.seen = self.add_weight((), "zeros", trainable=False, name="seen")

    def forward(self, x, training=False):
        if training:
            self.seen += len(x)
        return np.tanh(x)

    def backward(self, dy):
        raise AssertionError("nothing before it is trained")


class Seen(Counting):
    """The same, where its gradient is asked for."""

    def backward(self, dy):
        return dy


class Times(gs.layers.Layer):
    """Two inputs, multiplied."""

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def forward(self, xs, training=False):
        self.a, self.b = xs
        return self.a * self.b

    def backward(self, dy):
        return [dy * self.b, dy * self.a]
