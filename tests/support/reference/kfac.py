"""K-FAC on a row of dense layers, in plain float64 NumPy: Martens & Grosse 2015 with the bound of Ba et al. 2017."""

import numpy as np
from reference.random import philox

DERIVATIVES = {"tanh": lambda y: 1 - y**2, "sigmoid": lambda y: y * (1 - y), "linear": np.ones_like}


def forward(layers, x):
    """layers: (kernel, bias or None, activation's name) -> inputs of each and the outputs; the last is left linear."""
    inputs = []
    for i, (w, b, activation) in enumerate(layers):
        inputs.append(x if b is None else np.c_[x, np.ones(len(x))])
        x = x @ w + (0 if b is None else b)
        if i + 1 < len(layers):
            x = {"tanh": np.tanh, "sigmoid": lambda z: 1 / (1 + np.exp(-z)), "linear": lambda z: z}[activation](x)
    return inputs, x


def backward(layers, inputs, dz):
    """The gradients by the sums of each layer, from those by the last one's."""
    found = [dz]
    for i in range(len(layers) - 1, 0, -1):
        y = inputs[i][:, : len(layers[i][0])]
        found.append(found[-1] @ layers[i][0].T * DERIVATIVES[layers[i - 1][2]](y))
    return found[::-1]


def draws(rows, n, seed, step, output=0):
    """Words (rows, n) of a step, as the engine draws them."""
    row, quarter = np.meshgrid(np.arange(rows), np.arange((n + 3) // 4), indexing="ij")
    words = philox([row, 0 * row + (output << 16), 0 * row + step, quarter], (seed & 0xFFFFFFFF, seed >> 32))
    return np.stack(words, axis=2).reshape(rows, -1)[:, :n].astype("f8")


def sampled(loss, z, seed, step):
    """Gradients by z at targets that are drawn, each of the loss of its row."""
    rows, n = z.shape
    if loss == "mse":
        from statistics import NormalDist

        normal = np.vectorize(NormalDist().inv_cdf)((draws(rows, n, seed, step) + 0.5) / 2**32)
        return -2 / n * np.sqrt(n / 2) * normal
    u = (draws(rows, n, seed, step) + 0.5) / 2**32
    if loss == "binary_crossentropy":
        p = 1 / (1 + np.exp(-z))
        return (p - (u < p)) / n * np.sqrt(n)
    p = np.exp(z - z.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    label = (np.cumsum(p, axis=1) <= u[:, :1]).sum(1)
    return p - np.eye(n)[label]


def gradient(loss, z, y):
    """By z, of the loss of each row."""
    n = z.shape[1]
    if loss == "mse":
        return 2 / n * (z - y)
    if loss == "binary_crossentropy":
        return (1 / (1 + np.exp(-z)) - y) / n
    p = np.exp(z - z.max(1, keepdims=True))
    return p / p.sum(1, keepdims=True) - y


class KFAC:
    """Steps `layers` in place; `factors` and `inverses` are pairs (a, g) of each."""

    def __init__(self, layers, loss, seed, **settings):
        self.layers, self.loss, self.seed, self.t = layers, loss, seed, 0
        self.settings = settings
        self.factors = [None] * len(layers)
        self.inverses = [None] * len(layers)
        self.velocity = [0.0] * len(layers)

    def step(self, x, y, weights=None):
        s, rows = self.settings, len(x)
        each = (np.ones(rows) if weights is None else weights)[:, None] / rows
        inputs, z = forward(self.layers, x)
        dzs = backward(self.layers, inputs, each * gradient(self.loss, z, y))
        if self.t % s["factor_period"] == 0:
            if s["fisher"] == "true":
                curved = backward(self.layers, inputs, np.sqrt(each) * sampled(self.loss, z, self.seed, self.t))
            else:
                curved = [np.sqrt(rows) * dz for dz in dzs]
            taken = self.t // s["factor_period"]
            keep = min(taken / (taken + 1), s["factor_decay"])
            for i, (a, dz) in enumerate(zip(inputs, curved, strict=True)):
                fresh = a.T @ a / rows, dz.T @ dz
                old = self.factors[i] or (0.0, 0.0)
                self.factors[i] = tuple(keep * o + (1 - keep) * f for o, f in zip(old, fresh, strict=True))
        if self.t % s["inverse_period"] == 0:
            root = np.sqrt(s["damping"])
            for i, (a, g) in enumerate(self.factors):
                pi = np.sqrt(np.trace(a) / len(a) / (np.trace(g) / len(g)))
                inverse = np.linalg.inv
                self.inverses[i] = inverse(a + pi * root * np.eye(len(a))), inverse(g + root / pi * np.eye(len(g)))
        gradients = [a.T @ dz for a, dz in zip(inputs, dzs, strict=True)]
        directions = [a @ d @ g for d, (a, g) in zip(gradients, self.inverses, strict=True)]
        size = s["learning_rate"] ** 2 * sum((d * g).sum() for d, g in zip(directions, gradients, strict=True))
        shrunk = min(1.0, np.sqrt(s["kl_clip"] / size))
        for i, (w, b, _) in enumerate(self.layers):
            self.velocity[i] = s["momentum"] * self.velocity[i] - s["learning_rate"] * shrunk * directions[i]
            w += self.velocity[i][: len(w)]
            if b is not None:
                b += self.velocity[i][-1]
        self.t += 1
