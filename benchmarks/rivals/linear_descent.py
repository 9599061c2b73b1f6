"""The case `sgd` for whoever has an SGDClassifier of scikit-learn's names."""

from __future__ import annotations

import gc
import time
import warnings
from typing import Any

import numpy as np
import scipy.sparse
from cases import sgd


class Epochs:
    """Epochs of a longer fit beyond those of a fit of one."""

    steps_per_run = 1
    estimator: Any
    options: dict[str, Any] = {}  # noqa: RUF012

    def __init__(self, problem: dict[str, Any]) -> None:
        X, self.y = sgd.data(problem)
        self.X = X if isinstance(X, np.ndarray) else scipy.sparse.csr_matrix(X[:3], shape=X[3])
        self.settings = {**sgd.settings(problem), **self.options}

    def fitted(self, count: int | None, epochs: int, shuffle: bool) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # few epochs
            model = self.estimator(max_iter=epochs, shuffle=shuffle, **self.settings)
            return model.fit(self.X[:count], self.y[:count])

    def checked(self) -> np.ndarray:
        return self.fitted(sgd.CHECKED, 1, False).coef_.ravel()

    def timed(self, epochs: int) -> float:
        begin = time.perf_counter()
        self.fitted(None, epochs, True)
        return time.perf_counter() - begin

    def measure(self, seconds: float, repeats: int) -> list[float]:
        """Samples, each of an epoch."""
        samples, end = [], time.perf_counter() + seconds
        gc.collect()
        while not samples or time.perf_counter() < end:
            samples.append((self.timed(1 + sgd.EPOCHS) - self.timed(1)) / sgd.EPOCHS)
        return samples
