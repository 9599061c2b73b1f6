"""SGDOneClassSVM."""

from __future__ import annotations

from numbers import Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import OutlierMixin
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions

from .descent import Descent, descend
from .linear import LinearModel
from .reading import validate_data
from .sample_weights import check_sample_weight
from .sgd_base import LARGEST_SEED, READ, StochasticDescent

__all__ = ["SGDOneClassSVM"]


class SGDOneClassSVM(LinearModel, OutlierMixin, StochasticDescent):
    """Linear one-class SVM trained by stochastic gradient descent: which rows are unlike the others.

    scikit-learn's `SGDOneClassSVM`: its parameters, its steps, and with the same `random_state` its coefficients.

    Parameters
    ----------
    nu : float, default 0.5
        Bound on the share of rows that are outliers, in (0, 1].
    fit_intercept, max_iter, tol, shuffle, verbose, random_state
        As those of `SGDClassifier`.
    learning_rate : {"constant", "optimal", "invscaling", "adaptive"}, default "optimal"
    eta0, power_t, warm_start, average
        As those of `SGDClassifier`.

    Attributes
    ----------
    coef_ : ndarray, (features,)
    offset_ : ndarray, (1,)
        decision_function = score_samples - `offset_`
    n_iter_, t_, n_features_in_, feature_names_in_
        As those of `SGDClassifier`.

    References
    ----------
    Schölkopf, Platt, Shawe-Taylor, Smola & Williamson 2001, *Estimating the support of a high-dimensional
    distribution*, Neural Computation 13.

    Examples
    --------
    >>> import numpy as np
    >>> from gradstep.sklearn import SGDOneClassSVM
    >>> X = np.array([[-1.0, -1.0], [-2.0, -1.0], [1.0, 1.0], [2.0, 1.0]])
    >>> SGDOneClassSVM(random_state=42).fit(X).predict([[4, 4]])
    array([-1], dtype=int32)
    """

    loss_functions: ClassVar[dict[str, tuple[str, float | None]]] = {"hinge": ("hinge", 1.0)}
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **StochasticDescent._parameter_constraints,
        "nu": [Interval(Real, 0.0, 1.0, closed="right")],
        "learning_rate": [StrOptions({"constant", "optimal", "invscaling", "adaptive"})],
        "power_t": [Interval(Real, 0, None, closed="left")],
    }

    offset_: np.ndarray
    _above_intercept = 1.0

    def __init__(
        self,
        nu: float = 0.5,
        fit_intercept: bool = True,
        max_iter: int = 1000,
        tol: float | None = 1e-3,
        shuffle: bool = True,
        verbose: int = 0,
        random_state: Any = None,
        learning_rate: str = "optimal",
        eta0: float = 0.01,
        power_t: float = 0.5,
        warm_start: bool = False,
        average: bool | int = False,
    ) -> None:
        self.nu = nu
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.shuffle = shuffle
        self.verbose = verbose
        self.random_state = random_state
        self.learning_rate = learning_rate
        self.eta0 = eta0
        self.power_t = power_t
        self.warm_start = warm_start
        self.average = average

    def fit(
        self, X: Any, y: Any = None, coef_init: Any = None, offset_init: Any = None, sample_weight: Any = None
    ) -> Any:
        """Fit the model.

        Parameters
        ----------
        X : array or SciPy sparse matrix, (rows, features)
        y : ignored
        coef_init : array, (features,), optional
            Coefficients to begin with.
        offset_init : array, (1,), optional
        sample_weight : array, (rows,), optional
            What each row counts for.

        Returns
        -------
        self
        """
        self._check()
        X = validate_data(self, X, **READ)
        if self.warm_start and hasattr(self, "coef_"):
            coef_init = self.coef_ if coef_init is None else coef_init
            offset_init = self.offset_ if offset_init is None else offset_init
        weights = self._weights_in_fit(sample_weight, X)
        self._train(self._first(X, coef_init, offset_init), X, weights, 1.0, self.max_iter)
        self._warn()
        return self

    def partial_fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Any:
        """Go on with one epoch over some rows, given as in `fit`. Returns self."""
        self._check(once=True)
        first = "_descents" not in vars(self)
        X = validate_data(self, X, reset=first, **READ)
        descents = self._going_on((1, X.shape[1]), X.dtype)
        weights = check_sample_weight(sample_weight, X, allow_all_zero=True)
        self._train(descents, X, weights, getattr(self, "t_", 1.0), 1)
        return self

    def _first(self, X: Any, coef: Any, offset: Any) -> list[Descent]:
        start = self._above_intercept - np.asarray(0.0 if offset is None else offset, dtype=float)
        return self._start((1, X.shape[1]), X.dtype, coef, start)

    def _train(self, descents: list[Descent], X: Any, weights: np.ndarray, t: float, max_iter: int) -> None:
        seed = int(check_random_state(self.random_state).randint(0, LARGEST_SEED))
        ones = np.ones(X.shape[0], X.dtype)
        more: dict[str, Any] = {"one_class": True, "alpha": self.nu}
        models = [self._epochs(descents[0], X, lambda: (ones, None), weights, t, seed, max_iter, **more)]
        descend(models)
        self._become(models, t)

    def _publish(self) -> None:
        self.coef_, intercept = self._found(self._descents[0])
        self.offset_ = np.array([self._above_intercept - intercept], self.coef_.dtype)

    @property
    def intercept_(self) -> Any:
        """Minus `offset_`."""
        return -self.offset_

    def decision_function(self, X: Any) -> np.ndarray:
        """Signed distances to the hyperplane times the length of its coefficients, (rows,): below 0 for outliers."""
        return self._sums(X)

    def score_samples(self, X: Any) -> np.ndarray:
        """The sums of rows with `coef_`, (rows,): the smaller, the more unlike the others."""
        return self.decision_function(X) + self.offset_

    def predict(self, X: Any) -> np.ndarray:
        """1 for each row that is like the others, -1 for an outlier: (rows,)."""
        return np.where(self.decision_function(X) >= 0, 1, -1).astype(np.int32)
