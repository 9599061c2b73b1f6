"""Estimators with scikit-learn's parameters, defaults and numbers, and gradstep's loops underneath.

They go where scikit-learn's go: `clone`, `Pipeline`, `GridSearchCV`, pickles. With the same `random_state` the linear
ones that descend row by row find scikit-learn's coefficients. `MLPClassifier` and `MLPRegressor` take what scikit-learn
refuses too: any activation, loss and optimizer, dropout, normalization, class weights, callbacks, a validation curve,
and a warm start that keeps the optimizer's state. `ModelClassifier` and `ModelRegressor` are around models that a
function makes.

Examples
--------
>>> import numpy as np
>>> from gradstep.sklearn import MLPClassifier, SGDClassifier
>>> X = np.array([[-2.0, -1.0], [-1.0, -1.0], [1.0, 1.0], [2.0, 1.0]])
>>> SGDClassifier(random_state=0).fit(X, [0, 0, 1, 1]).predict([[-0.8, -1.0]])
array([0])
>>> network = MLPClassifier((8,), "leaky_relu", solver="lbfgs", class_weight="balanced", random_state=0)
>>> network.fit(X, [0, 0, 1, 1]).predict([[-0.8, -1.0]])
array([0])
"""

from __future__ import annotations

try:
    import sklearn as _sklearn  # noqa: F401  (the real one: imports are absolute)
except ModuleNotFoundError as error:
    if error.name != "sklearn":
        raise
    raise ImportError("gradstep.sklearn needs scikit-learn: pip install 'gradstep[sklearn]'.") from error

from typing import TYPE_CHECKING

from ..hints import missing
from .elastic_net import ElasticNet, Lasso
from .huber import HuberRegressor
from .linear_regression import LinearRegression
from .logistic import LogisticRegression
from .mlp_classifier import MLPClassifier
from .mlp_regressor import MLPRegressor
from .one_class import SGDOneClassSVM
from .passive_aggressive import PassiveAggressiveClassifier, PassiveAggressiveRegressor
from .perceptron import Perceptron
from .ridge import Ridge, RidgeClassifier
from .sgd import SGDClassifier, SGDRegressor
from .svm import LinearSVC, LinearSVR
from .wrapper import ModelClassifier, ModelRegressor

__all__ = [
    "ElasticNet",
    "HuberRegressor",
    "Lasso",
    "LinearRegression",
    "LinearSVC",
    "LinearSVR",
    "LogisticRegression",
    "MLPClassifier",
    "MLPRegressor",
    "ModelClassifier",
    "ModelRegressor",
    "PassiveAggressiveClassifier",
    "PassiveAggressiveRegressor",
    "Perceptron",
    "Ridge",
    "RidgeClassifier",
    "SGDClassifier",
    "SGDOneClassSVM",
    "SGDRegressor",
]


if not TYPE_CHECKING:  # which is to know what there is
    __getattr__ = missing(__name__, __all__, "estimator")
