"""Rules that see an array as matrices, in plain float64 NumPy, from their papers and the libraries' documentation.

As in `reference.optimizers`: the start w, the gradients of the steps in order, hyperparameters by name -> end, state.
"""

import numpy as np


def rms(x):
    return np.sqrt(np.mean(x**2))


def adafactor(
    w, gradients, learning_rate, beta_2_decay, epsilon_1, epsilon_2, clip_threshold, form="keras", precision=2.0**-52
):
    few = w.ndim < 2
    row, column = np.zeros(w.shape[:-1]), np.zeros(w.shape[:-2] + w.shape[-1:])
    torch = form == "torch"
    least = (precision if np.isinf(epsilon_1) else epsilon_1) if torch else 0.0
    add = 0.0 if torch else epsilon_1
    if w.size == 0:
        return w, {"row": row, "column": column}
    for t, g in enumerate(gradients, 1):
        rate = learning_rate if form == "free" else min(learning_rate, t**-0.5)
        share = t**beta_2_decay
        squares = g**2 + add
        row = (1 - share) * row + share * (squares.mean(axis=-1) if squares.ndim else squares)
        column = (1 - share) * column + share * (squares if few else squares.mean(axis=-2))
        if few:
            v = column
        else:
            mean = np.maximum(row.mean(axis=-1, keepdims=True), least)
            v = (row / mean)[..., :, None] * column[..., None, :]
        u = g / np.sqrt(np.maximum(v, least**2))
        w = w - rate * np.maximum(epsilon_2, rms(w)) * u / np.maximum(1, rms(u) / clip_threshold)
    return w, {"row": row, "column": column}
