"""Update rules with norms or other sums over a whole parameter, as those of `reference.optimizers`.

What a rule keeps as one number is in the state by its name.
"""

import numpy as np


def norm(x):
    return np.sqrt(np.sum(x**2))


def lamb(w, gradients, learning_rate, beta_1, beta_2, epsilon):
    m, v = np.zeros_like(w), np.zeros_like(w)
    for t, g in enumerate(gradients, 1):
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        direction = m / (1 - beta_1**t) / (np.sqrt(v / (1 - beta_2**t)) + epsilon)
        ratio = norm(w) / norm(direction) if norm(w) > 0 and norm(direction) > 0 else 1
        w = w - learning_rate * ratio * direction
    return w, {"m": m, "v": v}


def lars(w, gradients, learning_rate, momentum, weight_decay, trust_coefficient):
    velocity = np.zeros_like(w)
    for g in gradients:
        local = trust_coefficient * norm(w) / (norm(g) + weight_decay * norm(w)) if norm(w) > 0 and norm(g) > 0 else 1
        velocity = momentum * velocity + learning_rate * local * (g + weight_decay * w)
        w = w - velocity
    return w, {"velocity": velocity}


def novograd(w, gradients, learning_rate, beta_1, beta_2, epsilon, weight_decay):
    m, v = np.zeros_like(w), 0.0
    for g in gradients:
        v = norm(g) ** 2 if v == 0 else beta_2 * v + (1 - beta_2) * norm(g) ** 2
        m = beta_1 * m + (g / (np.sqrt(v) + epsilon) + weight_decay * w)
        w = w - learning_rate * m
    return w, {"m": m, "v": v}


def prodigy(w, gradients, learning_rate, beta_1, beta_2, epsilon, weight_decay, d0, d_coef, growth_rate):
    m, v, s, offset = np.zeros_like(w), np.zeros_like(w), np.zeros_like(w), np.zeros_like(w)
    d, d_max, numerator, share = d0, d0, 0.0, np.sqrt(beta_2)
    for g in gradients:
        weight, rate = learning_rate * d**2 / d0, learning_rate * d
        m = beta_1 * m + (1 - beta_1) * d * g
        v = beta_2 * v + (1 - beta_2) * (d * g) ** 2
        s = share * s + weight * g
        if np.sum(np.abs(s)) != 0:
            numerator = share * numerator + weight * np.sum(g * offset)
            estimate = d_coef * numerator / np.sum(np.abs(s))
            d_max = max(d_max, estimate)
            d = min(d_max, max(d, estimate) * growth_rate if d == d0 else d * growth_rate)
        step = rate * weight_decay * w + rate * m / (np.sqrt(v) + d * epsilon)
        w, offset = w - step, offset + step  # the start minus w would lose what is small beside w
    return w, {"m": m, "v": v, "s": s, "offset": offset, "d": d, "d_max": d_max, "numerator": numerator}
