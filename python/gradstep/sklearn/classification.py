"""Linear classifiers trained by stochastic gradient descent: their training, a model a class."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from sklearn.metrics import accuracy_score
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.multiclass import unique_labels
from sklearn.utils.parallel import Parallel, delayed

from .descent import Descent, Epochs, HeldOut, descend
from .linear import LinearClassifier, class_weights_of, labels_in
from .reading import validate_data
from .regression import REGRESSION_LOSSES
from .sample_weights import check_sample_weight
from .sgd_base import LARGEST_SEED, READ, StochasticDescent, second_draw, second_draw_of

__all__ = ["CLASSIFICATION_LOSSES", "DescentClassifier"]

CLASSIFICATION_LOSSES: dict[str, tuple[str, float | None]] = {
    "hinge": ("hinge", 1.0),
    "squared_hinge": ("squared_hinge", 1.0),
    "perceptron": ("hinge", 0.0),
    "log_loss": ("log_loss", 0.0),
    "modified_huber": ("modified_huber", 0.0),
    **REGRESSION_LOSSES,
}


class DescentClassifier(LinearClassifier, StochasticDescent):
    """Base of linear classifiers trained by stochastic descent: one model for two classes, otherwise one a class."""

    loss_functions = CLASSIFICATION_LOSSES
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **StochasticDescent._parameter_constraints,
        **StochasticDescent._stopping_constraints,
        "n_jobs": [Integral, None],
        "class_weight": [StrOptions({"balanced"}), dict, None],
    }
    n_jobs: int | None = None

    def fit(self, X: Any, y: Any, coef_init: Any = None, intercept_init: Any = None, sample_weight: Any = None) -> Any:
        """Fit the model.

        Parameters
        ----------
        X : array or SciPy sparse matrix, (rows, features)
        y : array, (rows,)
            Classes, numbers or strings.
        coef_init : array, (classes, features), optional
            Coefficients to begin with.
        intercept_init : array, (classes,), optional
        sample_weight : array, (rows,), optional
            What each row counts for, times its class's weight.

        Returns
        -------
        self
        """
        models, finish = self._prepare_fit(X, y, coef_init, intercept_init, sample_weight)
        self._descend(models)
        finish()
        self._warn()
        return self

    def _prepare_fit(
        self, X: Any, y: Any, coef_init: Any = None, intercept_init: Any = None, sample_weight: Any = None
    ) -> tuple[list[Epochs], Callable[[], None]]:
        """What `fit` trains, and what it does then: a search trains models of several estimators side by side."""
        self._check()
        X, y = validate_data(self, X, y, **READ)
        classes = labels_in(y)
        weights = self._weights_in_fit(sample_weight, X)
        of_classes = class_weights_of(self.class_weight, classes, y)
        descents = self._start(self._shape(classes, X), X.dtype, coef_init, intercept_init)
        models = self._models(descents, classes, X, y, weights, of_classes, 1.0, self.max_iter)

        def finish() -> None:
            self._become_classes(classes, models, 1.0)
            self._seen: dict[Any, int] | None = None

        return models, finish

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Any:
        """Go on with one epoch over some rows.

        Parameters
        ----------
        X, y, sample_weight
            As `fit` takes them.
        classes : array, (classes,)
            All that will come, sorted or not: needed in the first call, and the same later.

        Returns
        -------
        self

        Notes
        -----
        `class_weight="balanced"` weighs classes by the rows seen so far; scikit-learn refuses it here. Where no row
        counts (their weights are all 0) nothing moves.
        """
        self._check(once=True)
        first = not hasattr(self, "classes_")
        X, y = validate_data(self, X, y, reset=first, **READ)
        labels_in(y)
        if first and classes is None:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        known = unique_labels(classes) if first else self.classes_
        if not first and classes is not None and not np.array_equal(known, unique_labels(classes)):
            raise ValueError(
                f"`classes={classes!r}` is not the same as on last call to partial_fit, was: {self.classes_!r}"
            )
        weights = check_sample_weight(sample_weight, X, allow_all_zero=True)
        seen = getattr(self, "_seen", None)
        seen = dict.fromkeys(known.tolist(), 0) if seen is None else dict(seen)
        for label, count in zip(*(part.tolist() for part in np.unique(y, return_counts=True)), strict=True):
            if label not in seen:
                raise ValueError(f"y holds {label!r}, which is none of the classes {known.tolist()}.")
            seen[label] += count
        descents = self._going_on(self._shape(known, X), X.dtype)
        of_classes = self._weights_of_classes(known, seen)
        t = getattr(self, "t_", 1.0)
        models = self._models(descents, known, X, y, weights, of_classes, t, 1)
        self._descend(models)
        self._become_classes(known, models, t)
        self._seen = seen
        return self

    def _weights_of_classes(self, classes: np.ndarray, seen: dict[Any, int]) -> np.ndarray:
        if self.class_weight != "balanced":
            return class_weights_of(self.class_weight, classes, classes)
        total, here = sum(seen.values()), [label for label in classes.tolist() if seen[label]]
        return np.array([total / (len(here) * seen[label]) if seen[label] else 1.0 for label in classes.tolist()])

    @staticmethod
    def _shape(classes: np.ndarray, X: Any) -> tuple[int, int]:
        """Models and features."""
        if len(classes) < 2:
            raise ValueError(
                f"The number of classes has to be greater than one; got {len(classes)} class"
                + ("" if len(classes) == 1 else "es")
            )
        return 1 if len(classes) == 2 else len(classes), X.shape[1]

    def _models(
        self,
        descents: list[Descent],
        classes: np.ndarray,
        X: Any,
        y: np.ndarray,
        sample_weight: np.ndarray,
        class_weight: np.ndarray,
        t: float,
        max_iter: int,
    ) -> list[Epochs]:
        """What is to be trained: of two classes the model of the second."""
        given, count = self.random_state, len(descents)
        is_number = isinstance(given, Integral)
        draws = None if is_number and count == 1 else check_random_state(given)
        of_classes = [] if count == 1 or draws is None else draws.randint(LARGEST_SEED, size=count).tolist()
        held_out = self._held_out(X, y, sample_weight)
        if count > 1:
            seeds = [second_draw(seed) for seed in of_classes]
        else:
            seeds = [second_draw(int(given)) if draws is None else second_draw_of(draws)]

        def model(k: int, seed: int) -> Epochs:
            label = 1 if len(classes) == 2 else k

            def targets() -> tuple[np.ndarray, HeldOut | None]:
                signs = np.where(y == classes[label], 1, -1).astype(X.dtype)
                return signs, None if held_out is None else held_out(signs)

            return self._epochs(
                descents[k],
                X,
                targets,
                sample_weight,
                t,
                seed,
                max_iter,
                positive_weight=float(class_weight[label]),
                negative_weight=float(class_weight[0]) if len(classes) == 2 else 1.0,
            )

        return [model(k, seed) for k, seed in enumerate(seeds)]

    def _descend(self, models: list[Epochs]) -> None:
        """Train on as many threads as `n_jobs` says."""
        threads = Parallel(n_jobs=self.n_jobs, require="sharedmem")
        if len(models) == 1 or threads.n_jobs == 1:
            descend(models)
        else:
            threads(delayed(descend)([one]) for one in models)

    def _become_classes(self, classes: np.ndarray, models: list[Epochs], t: float) -> None:
        self._become(models, t)
        self.classes_ = classes

    @staticmethod
    def _score_of_sums(y: np.ndarray, sums: np.ndarray, sample_weight: np.ndarray) -> float:
        return float(accuracy_score(y, np.where(sums > 0, 1, -1), sample_weight=sample_weight))

    def _publish(self) -> None:
        coefs, intercepts = zip(*map(self._found, self._descents), strict=True)
        self.coef_ = np.array(coefs)
        self.intercept_ = np.array(intercepts, self.coef_.dtype)
