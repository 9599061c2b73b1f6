"""Optimizers around others in plain float64 NumPy, from their papers, around gradient descent with momentum."""

import numpy as np


def lookahead(w, gradients, learning_rate, momentum, sync_period, slow_step_size):
    slow, velocity = w, np.zeros_like(w)
    for t, g in enumerate(gradients, 1):
        velocity = momentum * velocity - learning_rate * g
        w = w + velocity
        if t % sync_period == 0:
            w = slow = slow + slow_step_size * (w - slow)
    return w, {"slow": slow, "velocity": velocity}


def sam(w, gradient, steps, learning_rate, momentum, rho, adaptive):
    """Over a list of arrays; gradient(w) gives theirs."""
    velocity = [np.zeros_like(x) for x in w]
    for _ in range(steps):
        g = gradient(w)
        stretch = [np.abs(x) if adaptive else np.ones_like(x) for x in w]
        norm = np.sqrt(sum(((s * y) ** 2).sum() for s, y in zip(stretch, g, strict=True)))
        near = [x + rho * s**2 * y / norm for x, s, y in zip(w, stretch, g, strict=True)]
        velocity = [momentum * v - learning_rate * y for v, y in zip(velocity, gradient(near), strict=True)]
        w = [x + v for x, v in zip(w, velocity, strict=True)]
    return w
