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


def curvature(w, gradients, learning_rate, adam_lr_ratio, adam_beta_1, adam_beta_2, epsilon, factors=(), **of_layers):
    """Outside of a model: Adam."""
    m, v = np.zeros_like(w), np.zeros_like(w)
    for t, g in enumerate(gradients, 1):
        m = adam_beta_1 * m + (1 - adam_beta_1) * g
        v = adam_beta_2 * v + (1 - adam_beta_2) * g**2
        rate = learning_rate * adam_lr_ratio * np.sqrt(1 - adam_beta_2**t) / (1 - adam_beta_1**t)
        w = w - rate * m / (np.sqrt(v) + epsilon)
    return w, {"m": m, "v": v, **{name: np.zeros((0, 0)) for name in factors}}


def orthogonalized(x, a, b, c, times):
    """All singular values of x through the polynomial, by an SVD and not by products."""
    left, values, right = np.linalg.svd(x, full_matrices=False)
    for _ in range(int(times)):
        values = a * values + b * values**3 + c * values**5
    return (left * values) @ right


def muon(
    w,
    gradients,
    learning_rate,
    adam_beta_1,
    adam_beta_2,
    adam_weight_decay,
    epsilon,
    weight_decay,
    muon_a,
    muon_b,
    muon_c,
    adam_lr_ratio,
    momentum,
    ns_steps,
    rms_rate,
    nesterov=True,
    torch=False,
):
    m, v = np.zeros_like(w), np.zeros_like(w)
    if w.ndim != 2:
        for t, g in enumerate(gradients, 1):
            m = adam_beta_1 * m + (1 - adam_beta_1) * g
            v = adam_beta_2 * v + (1 - adam_beta_2) * g**2
            rate = learning_rate * adam_lr_ratio * np.sqrt(1 - adam_beta_2**t) / (1 - adam_beta_1**t)
            w = (1 - learning_rate * adam_weight_decay) * w - rate * m / (np.sqrt(v) + epsilon)
        return w, {"m": m, "v": v}
    if w.size == 0:
        return w, {"m": m, "v": np.zeros(0)}
    rows, columns = w.shape
    if np.isfinite(rms_rate):
        scale = rms_rate * max(rows, columns) ** 0.5
    else:
        scale = max(1, rows / columns) ** 0.5 if torch else 1
    take = 1 - momentum if torch else 1
    for g in gradients:
        m = momentum * m + take * g
        x = take * g + momentum * m if nesterov else m
        norm = np.sqrt((x**2).sum())
        x = x / (max(norm, epsilon) if torch else norm + 1e-7)
        w = w * (1 - learning_rate * weight_decay)
        w = w - learning_rate * scale * orthogonalized(x, muon_a, muon_b, muon_c, ns_steps)
    return w, {"m": m, "v": np.zeros(0)}
