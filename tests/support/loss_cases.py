"""Every loss with its defaults, of logits too, and with other settings; data that each can take."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from gradstep import _core
from gradstep.losses.base import Loss
from gradstep.losses.registry import table
from reference.losses import LOGITS, LOSSES

# Those whose predictions are any numbers; the others' lie between 0 and 1.
NUMBERS = ("mean_squared_e", "mean_absolute", "huber", "log_cosh", "quantile", "cosine", "hinge", "squared_h")
NUMBERS += ("categorical_hinge", "circle")


@dataclass
class Case:
    kind: str
    from_logits: bool = False
    settings: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        words = [self.kind, *(["logits"] if self.from_logits else []), *(f"{k}={v}" for k, v in self.settings.items())]
        return "-".join(words)

    def make(self, **options: Any) -> Loss:
        logits = {"from_logits": True} if self.from_logits else {}
        return table()[self.kind](**logits, **self.settings, **options)

    @property
    def labels(self) -> bool:
        return table()[self.kind].labels

    @property
    def whole(self) -> bool:
        """Whether a batch has one loss."""
        return self.kind in {"dice", "tversky"}

    def oracle(self, t: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The loss of each row, or of the batch if it is whole; and the slope of their sum. In float64."""
        settings = dict(self.settings)
        t, y = t if self.labels else t.astype(float), y.astype(float)
        s = settings.pop("label_smoothing", 0)
        t = t if not s else t * (1 - s) + s * (0.5 if self.kind.startswith("binary") else 1 / y.shape[-1])
        rule = (LOGITS if self.from_logits else LOSSES)[self.kind]
        if "ignore_class" in settings:
            counts = t != settings["ignore_class"]
            values, slopes = rule(np.where(counts, t, 0), y)
            return values * counts, slopes * counts[:, None]
        if not self.whole:
            return rule(t, y, **settings)
        value, slope = rule(t.reshape(-1), y.reshape(-1), **settings)
        return value, slope.reshape(y.shape)

    def counts(self, t: np.ndarray, values: np.ndarray) -> np.ndarray | None:
        """Which rows count, where the loss itself says so."""
        if self.kind == "circle":
            return values > 0
        return t != self.settings["ignore_class"] if "ignore_class" in self.settings else None

    def predictions(self, rows: int, n: int, random: np.random.Generator) -> np.ndarray:
        if self.kind == "circle":
            y = random.normal(size=(rows, n))
            # Not quite of length 1: there the distance of a row from itself has its kink.
            return 0.95 * y / np.linalg.norm(y, axis=-1, keepdims=True)
        if self.from_logits or self.kind.startswith(NUMBERS):
            return 2 * random.normal(size=(rows, n))
        return random.uniform(0.05, 0.95, (rows, n))

    def targets(self, rows: int, n: int, random: np.random.Generator) -> np.ndarray:
        if self.kind == "circle":
            return random.integers(0, rows // 2 + 1, rows)  # some without another of their class
        if self.labels:
            t = random.integers(0, n, rows)
            t[1::3] = self.settings.get("ignore_class", t[1::3])
            return t
        if self.kind in {"hinge", "squared_hinge"}:
            return random.choice([-1.0, 1.0], (rows, n))
        if self.kind == "categorical_hinge":
            return np.eye(n)[random.integers(0, n, rows)]
        if self.kind.startswith("categorical") or self.kind == "kl_divergence":
            return random.dirichlet(np.ones(n), rows)
        if self.kind == "poisson":
            return random.poisson(2.0, (rows, n)).astype(float)
        if self.kind.startswith("binary") or self.whole or self.kind == "mean_squared_logarithmic_error":
            return random.random((rows, n))
        return random.normal(size=(rows, n))


CASES = [Case(kind) for kind in LOSSES] + [Case(kind, True) for kind in LOGITS]
CASES += [
    Case("huber", settings={"delta": 0.4}),
    Case("quantile", settings={"q": 0.9}),
    Case("binary_crossentropy", settings={"label_smoothing": 0.2}),
    Case("binary_crossentropy", True, {"label_smoothing": 0.2}),
    Case("binary_focal_crossentropy", settings={"apply_class_balancing": True, "alpha": 0.7, "gamma": 1.5}),
    Case("binary_focal_crossentropy", True, {"label_smoothing": 0.1, "gamma": 0.0}),
    Case("categorical_crossentropy", settings={"label_smoothing": 0.3}),
    Case("categorical_crossentropy", True, {"label_smoothing": 0.3}),
    Case("categorical_focal_crossentropy", settings={"alpha": 0.6, "gamma": 1.2, "label_smoothing": 0.1}),
    Case("categorical_focal_crossentropy", True, {"alpha": 1.0, "gamma": 3.0}),
    Case("sparse_categorical_crossentropy", settings={"ignore_class": 0}),
    Case("sparse_categorical_crossentropy", True, {"ignore_class": -1}),
    Case("categorical_generalized_cross_entropy", settings={"q": 0.8}),
    Case("tversky", settings={"alpha": 0.3, "beta": 1.2}),
    Case("circle", settings={"gamma": 5.0, "margin": 0.2, "remove_diagonal": False}),
]
KINDS = [name for name in _core.losses() if not name.endswith("_of_rows")]
