"""Estimators with scikit-learn's parameters, defaults and numbers, and gradstep's loops underneath.

They go where scikit-learn's go: `clone`, `Pipeline`, `GridSearchCV`, pickles. With the same `random_state` the linear
ones that descend row by row find scikit-learn's coefficients.

Examples
--------
>>> import numpy as np
>>> from gradstep.sklearn import SGDClassifier
>>> X = np.array([[-2.0, -1.0], [-1.0, -1.0], [1.0, 1.0], [2.0, 1.0]])
>>> SGDClassifier(random_state=0).fit(X, [0, 0, 1, 1]).predict([[-0.8, -1.0]])
array([0])
"""

from __future__ import annotations

try:
    import sklearn as _sklearn  # noqa: F401  (the real one: imports are absolute)
except ModuleNotFoundError as error:
    if error.name != "sklearn":
        raise
    raise ImportError("gradstep.sklearn needs scikit-learn: pip install 'gradstep[sklearn]'.") from error

from .one_class import SGDOneClassSVM
from .passive_aggressive import PassiveAggressiveClassifier, PassiveAggressiveRegressor
from .perceptron import Perceptron
from .sgd import SGDClassifier, SGDRegressor

__all__ = [
    "PassiveAggressiveClassifier",
    "PassiveAggressiveRegressor",
    "Perceptron",
    "SGDClassifier",
    "SGDOneClassSVM",
    "SGDRegressor",
]
