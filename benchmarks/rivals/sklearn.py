"""scikit-learn: MLPClassifier, an epoch a `partial_fit`, which is its fastest form; and SGDClassifier."""

from __future__ import annotations

from typing import Any

import numpy as np
import sklearn
from cases import mlp, sgd
from cases.adam import ADAM
from sklearn.linear_model import SGDClassifier
from sklearn.neural_network import MLPClassifier

from .linear_descent import Epochs


def versions() -> dict[str, str]:
    return {"scikit-learn": sklearn.__version__, "numpy": np.__version__}


class PartialFit:
    def __init__(self, problem: dict[str, Any]) -> None:
        self.problem, self.batch = problem, problem["batch"]
        self.x, self.y = mlp.data(problem)
        self.steps_per_run = len(self.x) // self.batch
        rate, b1, b2, epsilon = ADAM.values()
        self.model = MLPClassifier(
            mlp.SIZES[1:-1], batch_size=self.batch, alpha=0.0, shuffle=False,
            learning_rate_init=rate, beta_1=b1, beta_2=b2, epsilon=epsilon,
        )  # fmt: skip
        # The first call makes the weights; ours go in their place, and a fresh optimizer.
        self.model.partial_fit(self.x[: self.batch], self.y[: self.batch], classes=np.arange(mlp.SIZES[-1]))
        for i, (kernel, bias) in enumerate(mlp.weights()):
            self.model.coefs_[i][...] = kernel
            self.model.intercepts_[i][...] = bias
        del self.model._optimizer

    def checked(self) -> np.ndarray:
        for rows in mlp.checked_rows(self.problem, len(self.x)):
            self.model.partial_fit(self.x[rows], self.y[rows])
        self.model.shuffle = True
        p = self.model.predict_proba(self.x)[np.arange(len(self.y)), self.y]
        return np.array(-np.log(p.astype(np.float64)).mean())

    def run(self) -> None:
        self.model.partial_fit(self.x, self.y)


class Rows(Epochs):
    estimator = SGDClassifier


CASES = {"mlp": {"partial_fit": PartialFit}, "sgd": {sgd.ROWS_FORM: Rows}}
