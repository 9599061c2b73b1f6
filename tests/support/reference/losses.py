"""Losses in plain float64 NumPy: t, y (rows, n) -> the loss of each row, and the slope of their sum with respect to y.

For sparse losses t (rows,) are class numbers. LOGITS has the losses of z, where y = sigmoid(z) or softmax(z). A loss of
the whole batch is the last axis's here: its class gives (rows, n) as one row.
"""

import numpy as np

EPSILON = 1e-7


def mean_squared_error(t, y):
    return ((y - t) ** 2).mean(-1), 2 * (y - t) / y.shape[-1]


def mean_absolute_error(t, y):
    return np.abs(y - t).mean(-1), np.sign(y - t) / y.shape[-1]


def mean_absolute_percentage_error(t, y):
    size = np.maximum(np.abs(t), EPSILON)
    return 100 * (np.abs(y - t) / size).mean(-1), 100 * np.sign(y - t) / size / y.shape[-1]


def mean_squared_logarithmic_error(t, y):
    far = np.log1p(np.maximum(y, EPSILON)) - np.log1p(np.maximum(t, EPSILON))
    return (far**2).mean(-1), np.where(y < EPSILON, 0, 2 * far / (y + 1)) / y.shape[-1]


def huber(t, y, delta=1.0):
    e = y - t
    value = np.where(np.abs(e) <= delta, e**2 / 2, delta * np.abs(e) - delta**2 / 2)
    return value.mean(-1), np.clip(e, -delta, delta) / y.shape[-1]


def log_cosh(t, y):
    return (np.logaddexp(y - t, t - y) - np.log(2)).mean(-1), np.tanh(y - t) / y.shape[-1]


def quantile(t, y, q=0.5):
    return np.maximum(q * (t - y), (q - 1) * (t - y)).mean(-1), ((y > t) - q * (y != t)) / y.shape[-1]


def poisson(t, y):
    return (y - t * np.log(y + EPSILON)).mean(-1), (1 - t / (y + EPSILON)) / y.shape[-1]


def kl_divergence(t, y):
    p, q = np.clip(t, EPSILON, 1), np.clip(y, EPSILON, 1)
    return (p * np.log(p / q)).sum(-1), np.where(q == y, -p / q, 0)


def cosine_similarity(t, y):
    a, b = (np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), EPSILON) for v in (t, y))
    cosine = (t / a * y / b).sum(-1, keepdims=True)
    return -cosine[..., 0], (cosine * y / b - t / a) / b


def of_signs(t):
    return 2 * t - 1 if np.isin(t, (0, 1)).all() else t


def hinge(t, y):
    s = of_signs(t)
    return np.maximum(1 - s * y, 0).mean(-1), np.where(s * y < 1, -s, 0) / y.shape[-1]


def squared_hinge(t, y):
    s = of_signs(t)
    lack = np.maximum(1 - s * y, 0)
    return (lack**2).mean(-1), -2 * s * lack / y.shape[-1]


def categorical_hinge(t, y):
    wrong = (1 - t) * y
    best = np.eye(y.shape[-1])[wrong.argmax(-1)]
    value = np.maximum(wrong.max(-1) - (t * y).sum(-1) + 1, 0)
    return value, (value > 0)[..., None] * (best * (1 - t) - t)


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


def binary_focal_crossentropy(t, y, apply_class_balancing=False, alpha=0.25, gamma=2.0):
    p = np.clip(y, EPSILON, 1 - EPSILON)
    entropy = -(t * np.log(p) + (1 - t) * np.log(1 - p))
    slope = np.where(p == y, (1 - t) / (1 - p) - t / p, 0)
    weight = t * alpha + (1 - t) * (1 - alpha) if apply_class_balancing else 1.0
    left = t * (1 - y) + (1 - t) * y
    total = weight * (gamma * left ** (gamma - 1) * (1 - 2 * t) * entropy + left**gamma * slope)
    return (weight * left**gamma * entropy).mean(-1), total / y.shape[-1]


def categorical_focal_crossentropy(t, y, alpha=0.25, gamma=2.0):
    whole = y.sum(-1, keepdims=True)
    q = y / whole
    p = np.clip(q, EPSILON, 1 - EPSILON)
    inside = gamma * (1 - p) ** (gamma - 1) * np.log(p) - (1 - p) ** gamma / p
    dq = alpha * t * np.where(p == q, inside, 0)
    return -(alpha * t * (1 - p) ** gamma * np.log(p)).sum(-1), (dq - (dq * q).sum(-1, keepdims=True)) / whole


def categorical_generalized_cross_entropy(t, y, q=0.5):
    one = np.eye(y.shape[-1])[t]
    p = (one * y).sum(-1)
    return (1 - p**q) / q, -one * p[..., None] ** (q - 1)


def tversky(t, y, alpha=0.5, beta=0.5):
    both, only_t, only_y = (t * y).sum(-1), (t * (1 - y)).sum(-1), ((1 - t) * y).sum(-1)
    whole = both + alpha * only_t + beta * only_y + EPSILON
    d_whole = t - alpha * t + beta * (1 - t)
    return 1 - both / whole, -t / whole[..., None] + (both / whole**2)[..., None] * d_whole


def dice(t, y):
    # Twice the common part over both: Tversky's index with halves, but for epsilon.
    both, whole = (t * y).sum(-1), t.sum(-1) + y.sum(-1) + EPSILON
    return 1 - 2 * both / whole, -2 * t / whole[..., None] + (2 * both / whole**2)[..., None]


def circle(t, y, gamma=80.0, margin=0.4, remove_diagonal=True):
    product = y @ y.T
    far = np.maximum(1 - product, 0)
    same = np.equal.outer(t, t)
    pairs = ~np.eye(len(t), dtype=bool) if remove_diagonal else np.ones((len(t), len(t)), bool)
    near_weight, far_weight = np.maximum(margin + far, 0), np.maximum(1 + margin - far, 0)
    logit = np.where(same, -gamma * near_weight * (margin - far), gamma * far_weight * (1 - margin - far))
    # d logit / d far, by the product rule; a weight at its bound has none.
    turn = np.where(
        same,
        -gamma * ((near_weight > 0) * (margin - far) - near_weight),
        -gamma * ((far_weight > 0) * (1 - margin - far) + far_weight),
    )
    sums = []
    for chosen in (same & pairs, ~same & pairs):
        top = np.where(chosen, logit, -np.inf)
        finite = np.where(np.isfinite(top.max(-1)), top.max(-1), 0)
        with np.errstate(divide="ignore"):
            sums.append(finite + np.log(np.exp(top - finite[:, None]).sum(-1)))
    value = np.logaddexp(0, sums[0] + sums[1])
    with np.errstate(over="ignore", invalid="ignore"):
        share = np.where(same, np.exp(logit - sums[0][:, None]), np.exp(logit - sums[1][:, None]))
    slope = (1 - np.exp(-value))[:, None] * np.where(pairs & (value > 0)[:, None], -share * turn, 0) * (product < 1)
    return value, (slope + slope.T) @ y


def binary_focal_of_logits(t, z, **settings):
    y = 1 / (1 + np.exp(-z))
    value, slope = binary_focal_crossentropy(t, y, **settings)
    return value, slope * y * (1 - y)


def categorical_focal_of_logits(t, z, **settings):
    y = np.exp(z - z.max(-1, keepdims=True))
    y /= y.sum(-1, keepdims=True)
    value, slope = categorical_focal_crossentropy(t, y, **settings)
    return value, y * (slope - (slope * y).sum(-1, keepdims=True))


LOSSES = {
    "mean_squared_error": mean_squared_error,
    "mean_absolute_error": mean_absolute_error,
    "mean_absolute_percentage_error": mean_absolute_percentage_error,
    "mean_squared_logarithmic_error": mean_squared_logarithmic_error,
    "huber": huber,
    "log_cosh": log_cosh,
    "quantile": quantile,
    "poisson": poisson,
    "kl_divergence": kl_divergence,
    "cosine_similarity": cosine_similarity,
    "hinge": hinge,
    "squared_hinge": squared_hinge,
    "categorical_hinge": categorical_hinge,
    "binary_crossentropy": binary_crossentropy,
    "binary_focal_crossentropy": binary_focal_crossentropy,
    "categorical_crossentropy": categorical_crossentropy,
    "categorical_focal_crossentropy": categorical_focal_crossentropy,
    "sparse_categorical_crossentropy": sparse_categorical_crossentropy,
    "categorical_generalized_cross_entropy": categorical_generalized_cross_entropy,
    "dice": dice,
    "tversky": tversky,
    "circle": circle,
}
LOGITS = {
    "binary_crossentropy": binary_of_logits,
    "binary_focal_crossentropy": binary_focal_of_logits,
    "categorical_crossentropy": categorical_of_logits,
    "categorical_focal_crossentropy": categorical_focal_of_logits,
    "sparse_categorical_crossentropy": sparse_of_logits,
}
