"""scikit-learn: MLPClassifier, an epoch a `partial_fit`, which is its fastest form; and SGDClassifier."""

from __future__ import annotations

import os
import warnings
from typing import Any
from unittest.mock import patch

import numpy as np
import sklearn
from cases import many, mlp, sgd
from cases.adam import ADAM
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import GridSearchCV
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


class Grid:
    """As many fits as there are models: learning rates in four folds, one after another, as it does by itself."""

    epochs, folds, processes = 2, 4, 1

    def __init__(self, problem: dict[str, Any]) -> None:
        self.x, self.y = many.data(problem)
        rates = np.geomspace(1e-4, 1e-2, max(1, problem["models"] // self.folds)).tolist()
        rows = len(self.x) * (self.folds - 1) // self.folds
        self.steps_per_run = len(rates) * self.folds * self.epochs * -(-rows // many.BATCH)
        model = MLPClassifier(problem["layers"][1:-1], batch_size=many.BATCH, alpha=0.0, max_iter=self.epochs, tol=0.0)
        given = {"cv": self.folds, "refit": False, "n_jobs": self.processes}
        self.grid = GridSearchCV(model, {"learning_rate_init": rates}, **given)

    def checked(self) -> np.ndarray:
        self.run()
        return np.array([float(self.grid.best_score_ > 0.8)])

    def run(self) -> None:
        # Each fit warns that it has not converged, also in the processes that scikit-learn starts.
        with warnings.catch_warnings(), patch.dict(os.environ, {"PYTHONWARNINGS": "ignore"}):
            warnings.simplefilter("ignore")
            self.grid.fit(self.x, self.y)


class ParallelGrid(Grid):
    """The same in as many processes as there are processors for everybody."""

    processes = -1


class Rows(Epochs):
    estimator = SGDClassifier


CASES = {
    "mlp": {"partial_fit": PartialFit},
    "many": {"GridSearchCV": Grid, "GridSearchCV, n_jobs": ParallelGrid},
    "sgd": {sgd.ROWS_FORM: Rows},
}
