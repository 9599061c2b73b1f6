"""Metrics in plain float64 NumPy: t, y, and w, a weight for each row -> the result.

Each row at its turn, each threshold by a comparison of its own.
"""

import itertools

import numpy as np


def share(a, b):
    return a / b if b else 0.0


def mean(of):
    """The weighted mean of what `of` gives for one row: a number, or an array, of which the mean counts."""

    def metric(t, y, w, **arguments):
        rows = [np.mean(of(t[i], y[i], **arguments)) for i in range(len(t))]
        return share(sum(a * b for a, b in zip(w, rows, strict=True)), sum(w))

    return metric


def root(t, y, w):
    return np.sqrt(mean(lambda t, y: (t - y) ** 2)(t, y, w))


def in_top(label, y, k=5):
    return sum(other > y[label] for other in y) < k


def among(label, y, k=5, from_sorted_ids=False):
    return label in y[:k] if from_sorted_ids else in_top(label, y, k)


def pearson(t, y, axis=-1):
    return np.corrcoef(t, y)[0, 1]


def concordance(t, y, axis=-1):
    covariance = np.mean((t - t.mean()) * (y - y.mean()))
    return 2 * covariance / (t.var() + y.var() + (t.mean() - y.mean()) ** 2 + 1e-7)


def divergence(t, y):
    t, y = np.clip(t, 1e-7, 1), np.clip(y, 1e-7, 1)
    return (t * np.log(t / y)).sum()


def crossentropy(t, y, from_logits=False):
    p = np.exp(y) / np.exp(y).sum() if from_logits else y / y.sum()
    return -(t * np.log(p)).sum()


def binary_crossentropy(t, y, from_logits=False):
    p = 1 / (1 + np.exp(-y)) if from_logits else y
    return -(t * np.log(p) + (1 - t) * np.log(1 - p))


# -- yes or no ---------------------------------------------------------------------------------------------------------


def counts(t, y, w, threshold):
    w = np.broadcast_to(w.reshape(-1, *[1] * (y.ndim - 1)), y.shape)
    yes, said = t != 0, y > threshold
    return [float(w[a & b].sum()) for a, b in ((yes, said), (~yes, said), (~yes, ~said), (yes, ~said))]


def at_thresholds(of, t, y, w, thresholds=None, top_k=None, class_id=None):
    if top_k is not None:
        last = np.sort(y, -1)[:, -top_k]
        y = np.where(y >= last[:, None], y, -1e10)
    if class_id is not None:
        t, y = t[:, class_id], y[:, class_id]
    default = 0.5 if top_k is None else -1e10
    several = isinstance(thresholds, list)
    values = [
        of(*counts(t, y, w, c)) for c in (thresholds if several else [default if thresholds is None else thresholds])
    ]
    return np.array(values) if several else values[0]


def counted(of):
    return lambda t, y, w, **arguments: at_thresholds(of, t, y, w, **arguments)


def best(constrained, wanted):
    def metric(t, y, w, least, num_thresholds=200, class_id=None):
        if class_id is not None:
            t, y = t[:, class_id], y[:, class_id]
        grid = [0.5] if num_thresholds == 1 else np.linspace(0, 1, num_thresholds)
        rates = [counts(t, y, w, c) for c in grid]
        return max([wanted(*rate) for rate in rates if constrained(*rate) >= least], default=0.0)

    return metric


def recall(tp, fp, tn, fn):
    return share(tp, tp + fn)


def precision(tp, fp, tn, fn):
    return share(tp, tp + fp)


def specificity(tp, fp, tn, fn):
    return share(tn, tn + fp)


def auc(t, y, w, curve="ROC", summation_method="interpolation", num_thresholds=200, thresholds=None, **labels):
    if labels.pop("from_logits", False):
        y = 1 / (1 + np.exp(-y))
    weights = labels.pop("label_weights", None)
    again = {"curve": curve, "summation_method": summation_method, "num_thresholds": num_thresholds}
    if labels.pop("multi_label", False):
        areas = [auc(t[:, k], y[:, k], w, thresholds=thresholds, **again) for k in range(y.shape[1])]
        return np.average(areas, weights=weights)
    if weights is not None:
        w = np.outer(w, weights).ravel()
        t, y = t.ravel(), y.ravel()
    inner = np.linspace(0, 1, num_thresholds)[1:-1] if thresholds is None else thresholds
    points = [counts(t, y, w, c) for c in (-1e-7, *sorted(inner), 1 + 1e-7)]
    area = 0.0
    for low, high in itertools.pairwise(points):
        if curve == "PR" and summation_method == "interpolation":
            area += pr_interpolated(low, high)
            continue
        (x0, y0), (x1, y1) = (at_curve(curve, *point) for point in (low, high))
        height = {"interpolation": (y0 + y1) / 2, "majoring": max(y0, y1), "minoring": min(y0, y1)}
        area += (x0 - x1) * height[summation_method]
    return area


def at_curve(curve, tp, fp, tn, fn):
    if curve == "ROC":
        return share(fp, fp + tn), recall(tp, fp, tn, fn)
    if curve == "PR":
        return recall(tp, fp, tn, fn), precision(tp, fp, tn, fn)
    odds = share(tp + fn, tn + fp)
    return (max(1 - odds * fn / tp, 0.0), 1 - odds * fp / tp) if tp else (0.0, 1.0)


def pr_interpolated(low, high):
    (tp0, fp0, _, _), (tp1, fp1, _, fn1) = low, high
    p0, p1 = tp0 + fp0, tp1 + fp1
    slope = share(tp0 - tp1, p0 - p1)
    grown = np.log(p0 / p1) if p0 > 0 and p1 > 0 else 0.0
    return share(slope * (tp0 - tp1 + (tp1 - slope * p1) * grown), tp1 + fn1)


def fbeta(t, y, w, average=None, beta=1.0, threshold=None):
    said = y > threshold if threshold is not None else y == y.max(1, keepdims=True)
    tp, fp, fn = ((w[:, None] * a).sum(0) for a in (said * t, said * (1 - t), (1 - said) * t))
    if average == "micro":
        tp, fp, fn = tp.sum(), fp.sum(), fn.sum()
    scores = np.vectorize(share)((1 + beta**2) * tp, (1 + beta**2) * tp + beta**2 * fn + fp)
    if average == "weighted":
        return np.average(scores, weights=tp + fn)
    return scores if average is None else scores.mean()


# -- the rest ----------------------------------------------------------------------------------------------------------


def r2(t, y, w, class_aggregation="uniform_average", num_regressors=0):
    centre = np.average(t, axis=0, weights=w)
    total = (w[:, None] * (t - centre) ** 2).sum(0)
    scores = 1 - (w[:, None] * (t - y) ** 2).sum(0) / total
    if class_aggregation is not None:
        scores = np.average(scores, weights=None if class_aggregation == "uniform_average" else total)
    if num_regressors:
        scores = 1 - (1 - scores) * (t.size - 1) / (t.size - num_regressors - 1)
    return scores


def iou(t, y, w, classes, ignore_class=None):
    scores = []
    for c in classes:
        both, either = (t == c) & (y == c), (t == c) | (y == c)
        if ignore_class is not None:
            both, either = both & (t != ignore_class), either & (t != ignore_class)
        if w[either].sum() > 0:
            scores.append(w[both].sum() / w[either].sum())
    return np.mean(scores) if scores else 0.0
