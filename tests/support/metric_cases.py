"""Every metric with some settings, data that it takes, and its oracle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from reference import metrics as oracle


class Case(NamedTuple):
    """A class by name, arguments of its constructor, what data it takes, and its oracle."""

    cls: str
    arguments: dict[str, Any]
    data: str
    oracle: Callable[..., Any]

    def expected(self, t: np.ndarray, y: np.ndarray, w: np.ndarray | None = None) -> Any:
        weights = np.ones(len(t)) if w is None else w
        return self.oracle(t, y, weights)


def data(kind: str, rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Targets and predictions; no prediction lies on a threshold."""
    random = np.random.default_rng(seed)
    columns = {"yes": (rows,), "classes": (rows,)}.get(kind, (rows, 6))
    if kind in ("yes", "columns", "logits"):
        t = (random.random(columns) < 0.4).astype(float)
        y = np.clip(0.35 * t + random.random(columns) * 0.75 - 0.05, 1e-3, 0.999)
        return t, (np.log(y / (1 - y)) if kind == "logits" else y)
    if kind == "numbers":
        t = random.normal(size=columns)
        return t, t + 0.5 * random.normal(size=columns)
    labels = random.integers(0, 6, rows)
    if kind == "classes":
        return labels, np.where(random.random(rows) < 0.5, labels, random.integers(0, 6, rows))
    if kind == "ids":
        return labels, random.permuted(np.tile(np.arange(6), (rows, 1)), axis=1)
    y = random.dirichlet(np.ones(6), rows) + 0.1 * np.eye(6)[labels]
    return (labels if kind == "labels" else np.eye(6)[labels]), y


def _mean(of: Callable[..., Any], **arguments: Any) -> Callable[..., Any]:
    metric = oracle.mean(of)
    return lambda t, y, w: metric(t, y, w, **arguments)


def _case(cls: str, kind: str, metric: Callable[..., Any], **arguments: Any) -> Case:
    return Case(cls, arguments, kind, lambda t, y, w: metric(t, y, w, **arguments))


def _best(cls: str, constraint: str, constrained: Any, wanted: Any, least: float, **arguments: Any) -> Case:
    metric = oracle.best(constrained, wanted)
    kind = "columns" if "class_id" in arguments else "yes"
    return Case(cls, {constraint: least} | arguments, kind, lambda t, y, w: metric(t, y, w, least, **arguments))


def _iou(cls: str, kind: str, classes: Any, **arguments: Any) -> Case:
    def metric(t: np.ndarray, y: np.ndarray, w: np.ndarray) -> Any:
        t, y = (a.argmax(-1) if a.ndim == 2 else a for a in (t, y))
        return oracle.iou(t, y, w, classes, arguments.get("ignore_class"))

    return Case(cls, arguments, kind, metric)


COUNTS = {
    "TruePositives": lambda tp, fp, tn, fn: tp,
    "FalsePositives": lambda tp, fp, tn, fn: fp,
    "TrueNegatives": lambda tp, fp, tn, fn: tn,
    "FalseNegatives": lambda tp, fp, tn, fn: fn,
    "Precision": oracle.precision,
    "Recall": oracle.recall,
}
BESTS = [
    ("SensitivityAtSpecificity", "specificity", oracle.specificity, oracle.recall),
    ("SpecificityAtSensitivity", "sensitivity", oracle.recall, oracle.specificity),
    ("PrecisionAtRecall", "recall", oracle.recall, oracle.precision),
    ("RecallAtPrecision", "precision", oracle.precision, oracle.recall),
]
EVEN = [0.0, 0.25, 0.5, 0.75, 1.0]
AUCS: list[dict[str, Any]] = [
    *(
        {"curve": c, "summation_method": s}
        for c in ("ROC", "PR", "PRGAIN")
        for s in ("interpolation", "majoring", "minoring")
    ),
    {"num_thresholds": 2},
    {"num_thresholds": 7, "curve": "PR"},
    {"thresholds": [0.7, 0.1, 0.42]},
    {"thresholds": EVEN[1:-1]},
    {"from_logits": True},
]
LABELLED: list[dict[str, Any]] = [
    {"multi_label": True},
    {"multi_label": True, "curve": "PR", "label_weights": [1.0, 2.0, 0.0, 1.0, 3.0, 0.5]},
    {"label_weights": [1.0, 2.0, 0.0, 1.0, 3.0, 0.5]},
    {"multi_label": True, "thresholds": [0.3, 0.6]},
]

CASES: list[Case] = [
    Case("Accuracy", {}, "classes", _mean(lambda t, y: t == y)),
    Case("BinaryAccuracy", {}, "yes", _mean(lambda t, y: t == (y > 0.5))),
    Case("BinaryAccuracy", {"threshold": 0.3}, "columns", _mean(lambda t, y: t == (y > 0.3))),
    Case("CategoricalAccuracy", {}, "one_hot", _mean(lambda t, y: t.argmax() == y.argmax())),
    Case("SparseCategoricalAccuracy", {}, "labels", _mean(lambda t, y: t == y.argmax())),
    Case("TopKCategoricalAccuracy", {"k": 2}, "one_hot", _mean(lambda t, y: oracle.in_top(t.argmax(), y, 2))),
    Case("TopKCategoricalAccuracy", {}, "one_hot", _mean(lambda t, y: oracle.in_top(t.argmax(), y))),
    Case("SparseTopKCategoricalAccuracy", {"k": 3}, "labels", _mean(oracle.among, k=3)),
    Case(
        "SparseTopKCategoricalAccuracy",
        {"k": 2, "from_sorted_ids": True},
        "ids",
        _mean(oracle.among, k=2, from_sorted_ids=True),
    ),
    Case("MeanSquaredError", {}, "numbers", _mean(lambda t, y: (t - y) ** 2)),
    Case("MeanAbsoluteError", {}, "numbers", _mean(lambda t, y: np.abs(t - y))),
    Case("BinaryCrossentropy", {}, "columns", _mean(oracle.binary_crossentropy)),
    Case("BinaryCrossentropy", {"from_logits": True}, "logits", _mean(oracle.binary_crossentropy, from_logits=True)),
    Case("CategoricalCrossentropy", {}, "one_hot", _mean(oracle.crossentropy)),
    Case("CategoricalCrossentropy", {"from_logits": True}, "one_hot", _mean(oracle.crossentropy, from_logits=True)),
    Case("SparseCategoricalCrossentropy", {}, "labels", _mean(lambda t, y: oracle.crossentropy(np.eye(6)[t], y))),
    Case(
        "BinaryCrossentropy",
        {"label_smoothing": 0.2},
        "columns",
        _mean(lambda t, y: oracle.binary_crossentropy(0.8 * t + 0.1, y)),
    ),
    Case(
        "CategoricalCrossentropy",
        {"label_smoothing": 0.3},
        "one_hot",
        _mean(lambda t, y: oracle.crossentropy(0.7 * t + 0.05, y)),
    ),
    Case("MeanAbsolutePercentageError", {}, "numbers", _mean(lambda t, y: 100 * np.abs((t - y) / t))),
    Case(
        "MeanSquaredLogarithmicError",
        {},
        "one_hot",
        _mean(lambda t, y: (np.log1p(y) - np.log1p(np.maximum(t, 1e-7))) ** 2),
    ),
    Case("LogCoshError", {}, "numbers", _mean(lambda t, y: np.log(np.cosh(y - t)))),
    Case("Poisson", {}, "columns", _mean(lambda t, y: y - t * np.log(y + 1e-7))),
    Case("KLDivergence", {}, "one_hot", _mean(oracle.divergence)),
    Case("Hinge", {}, "columns", _mean(lambda t, y: np.maximum(1 - (2 * t - 1) * y, 0))),
    Case("SquaredHinge", {}, "columns", _mean(lambda t, y: np.maximum(1 - (2 * t - 1) * y, 0) ** 2)),
    Case("CategoricalHinge", {}, "one_hot", _mean(lambda t, y: max(((1 - t) * y).max() - (t * y).sum() + 1, 0))),
    Case("CosineSimilarity", {}, "numbers", _mean(lambda t, y: t @ y / np.linalg.norm(t) / np.linalg.norm(y))),
    Case("RootMeanSquaredError", {}, "numbers", oracle.root),
    Case("PearsonCorrelation", {}, "numbers", _mean(oracle.pearson)),
    Case("ConcordanceCorrelation", {}, "numbers", _mean(oracle.concordance)),
    *(_case(cls, kind, oracle.counted(of)) for cls, of in COUNTS.items() for kind in ("yes", "columns")),
    *(_case(cls, "yes", oracle.counted(of), thresholds=[0.8, 0.2, 0.6]) for cls, of in COUNTS.items()),
    *(_case(cls, "columns", oracle.counted(of), thresholds=EVEN) for cls, of in COUNTS.items()),
    *(
        _case(cls, "one_hot", oracle.counted(of), **arguments)
        for cls, of in COUNTS.items()
        if cls in ("Precision", "Recall")
        for arguments in ({"top_k": 2}, {"class_id": 1}, {"top_k": 3, "class_id": 2}, {"top_k": 2, "thresholds": 0.3})
    ),
    *(
        _best(*best, least, **arguments)
        for best in BESTS
        for least, arguments in (
            (0.503, {}),
            (0.71, {"num_thresholds": 9, "class_id": 1}),
            (0.2, {"num_thresholds": 1}),
        )
    ),
    *(_case("AUC", "logits" if "from_logits" in a else "yes", oracle.auc, **a) for a in AUCS),
    *(_case("AUC", "columns", oracle.auc, **a) for a in LABELLED),
    *(_case("F1Score", "one_hot", oracle.fbeta, average=average) for average in (None, "micro", "macro", "weighted")),
    _case("F1Score", "columns", oracle.fbeta, threshold=0.4),
    *(_case("FBetaScore", "columns", oracle.fbeta, beta=2.0, threshold=0.5, average=a) for a in ("macro", "weighted")),
    *(
        _case("R2Score", "numbers", oracle.r2, class_aggregation=a)
        for a in ("uniform_average", "variance_weighted_average", None)
    ),
    _iou("IoU", "classes", [0, 3], num_classes=6, target_class_ids=[0, 3]),
    _iou("IoU", "classes", range(6), num_classes=6, target_class_ids=[0, 1, 2, 3, 4, 5], ignore_class=2),
    _iou("MeanIoU", "classes", range(6), num_classes=6),
    _iou("MeanIoU", "labels", range(6), num_classes=6, sparse_y_pred=False),
    _iou("OneHotIoU", "one_hot", [1, 2], num_classes=6, target_class_ids=[1, 2]),
    _iou("OneHotMeanIoU", "one_hot", range(6), num_classes=6),
    Case("BinaryIoU", {"threshold": 0.3}, "yes", lambda t, y, w: oracle.iou(t, y >= 0.3, w, (0, 1))),
]
IDS = [f"{case.cls}({','.join(f'{k}={v}' for k, v in case.arguments.items())})-{case.data}" for case in CASES]
