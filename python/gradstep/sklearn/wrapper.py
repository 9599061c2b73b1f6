"""Estimators around models that a function makes."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin

from .base import NetworkMixin, build_function, non_finite
from .classes import Classes, class_weights, classes_of_part, softmaxed
from .estimator import Estimator
from .losses import gives_logits, is_sparse

__all__ = ["ModelClassifier", "ModelRegressor"]

# What a build function may ask for, beside the parameters that are set.
KNOWN = ("n_features", "n_classes", "n_outputs")


class _ModelEstimator(NetworkMixin, Estimator):
    """Base class of the two."""

    model_: Any

    def __init__(
        self,
        build_fn: Callable[..., Any],
        *,
        epochs: int = 1,
        batch_size: int | str | None = 32,
        shuffle: bool = True,
        validation_split: float = 0.0,
        callbacks: Any = None,
        verbose: int = 0,
        warm_start: bool = False,
        random_state: Any = None,
        **build_params: Any,
    ) -> None:
        self.build_fn = build_fn
        self.epochs = epochs
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.validation_split = validation_split
        self.callbacks = callbacks
        self.verbose = verbose
        self.warm_start = warm_start
        self.random_state = random_state
        for name, value in build_params.items():
            setattr(self, name, value)

    # -- parameters of the function are parameters of the estimator ----------------------------------------------------

    def _build_params(self) -> dict[str, Any]:
        """The parameters of the build function that were set: attributes that are no others."""
        own = set(type(self)._get_param_names())
        return {k: v for k, v in vars(self).items() if k not in own and not k.startswith("_") and not k.endswith("_")}

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The estimator's parameters, and those of the build function: as they were set, or its defaults."""
        found: dict[str, Any] = super().get_params(deep)
        return found | {**_defaults(self.build_fn)} | self._build_params()

    def set_params(self, **params: Any) -> Any:
        """Set parameters of the estimator or of the build function; ValueError for others."""
        names = set(type(self)._get_param_names())
        super().set_params(**{name: value for name, value in params.items() if name in names})
        known = self.get_params(deep=False)
        for name, value in params.items():
            if name in names:
                continue
            if name not in known:
                raise ValueError(
                    f"Invalid parameter {name!r} for estimator {type(self).__name__}. "
                    f"Valid parameters are: {sorted(known)}."
                )
            setattr(self, name, value)
        return self

    # -- training ------------------------------------------------------------------------------------------------------

    def _build(self, **known: int) -> Any:
        names = inspect.signature(build_function(self.build_fn)).parameters
        takes_all = any(parameter.kind is parameter.VAR_KEYWORD for parameter in names.values())
        given = self._build_params()
        for name in given:
            if name not in names and not takes_all:
                raise ValueError(f"build_fn must take the parameter {name!r}; it takes {', '.join(names) or 'none'}.")
        filled = {name: value for name, value in known.items() if name in names}
        model = self.build_fn(**{**filled, **given})
        if getattr(model, "optimizer", None) is None or not hasattr(model, "fit"):
            raise ValueError(f"build_fn must give a compiled model; it gave {type(model).__name__}.")
        return model

    def _ready(self, X: Any, begins: bool, targets: Callable[[Any], np.ndarray], **known: int) -> np.ndarray:
        """Make the model where it is to begin anew; the targets for it."""
        if begins:
            self._random = self._generator()
            with self._draws(self._random):
                self.model_ = self._build(n_features=X.shape[1], **known)
                if not self.model_.built:
                    self.model_.build((None, X.shape[1]))
            self.history_: dict[str, list[float]] = {}
        return targets(self.model_)

    def _train(self, X: Any, targets: np.ndarray, weights: Any, epochs: int) -> Any:
        with self._draws(self._random):
            history = self.model_.fit(
                X,
                targets,
                batch_size=self.batch_size,
                epochs=epochs,
                verbose=self.verbose,
                callbacks=copy.deepcopy(self.callbacks),
                shuffle=self.shuffle,
                validation_split=self.validation_split,
                sample_weight=weights,
            )
        for name, values in history.history.items():
            self.history_.setdefault(name, []).extend(values)
        if non_finite(self.model_):
            raise ValueError(
                "training produced weights that are not finite: scale the data, or take a smaller learning rate."
            )
        return self

    def _begins(self) -> bool:
        return not (self.warm_start and "model_" in vars(self))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


class ModelClassifier(ClassifierMixin, _ModelEstimator):
    """Classifier around a model that a function makes.

    Parameters
    ----------
    build_fn : function
        Makes a compiled model. Its parameters are parameters of the estimator, which `GridSearchCV` may set; those
        named ``n_features`` and ``n_classes`` are filled in. The model has one output for two classes (a probability,
        or a logit if its loss has ``from_logits``), or one for each class.
    epochs : int, default 1
    batch_size : int or "full", default 32
    shuffle : bool, default True
    validation_split : float, default 0.0
    callbacks : Callback or list of Callback, optional
        `fit` uses copies.
    verbose : int, default 0
        These are as in `Model.fit`.
    warm_start : bool, default False
        Whether `fit` goes on with the model that is there, and the state of its optimizer.
    random_state : int, RandomState or None, default None
        Weights, shuffles and dropout follow from it.
    class_weight : dict or "balanced", optional
        What rows count for by their class.
    **build_params
        Parameters of `build_fn`.

    Attributes
    ----------
    model_ : Model
    history_ : dict of str to list of float
        Of each epoch, over all calls that went on.
    classes_ : ndarray
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Notes
    -----
    Labels may be of any type: targets are the numbers of the classes for a sparse loss, one-hot rows for others.

    Examples
    --------
    >>> import gradstep as gs
    >>> from gradstep.sklearn import ModelClassifier
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import cross_val_score
    >>> def build(n_features, n_classes, units=16):
    ...     layers = [gs.layers.Dense(units, "relu"), gs.layers.Dense(n_classes, "softmax")]
    ...     model = gs.Sequential([gs.Input((n_features,)), *layers])
    ...     model.compile(gs.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    ...     return model
    >>> x, y = load_iris(return_X_y=True)
    >>> scores = cross_val_score(ModelClassifier(build, epochs=60, random_state=0, units=8), x, y, cv=3)
    >>> bool(scores.mean() > 0.9)
    True
    """

    classes_: np.ndarray
    _classes: Classes

    def __init__(
        self,
        build_fn: Callable[..., Any],
        *,
        epochs: int = 1,
        batch_size: int | str | None = 32,
        shuffle: bool = True,
        validation_split: float = 0.0,
        callbacks: Any = None,
        verbose: int = 0,
        warm_start: bool = False,
        random_state: Any = None,
        class_weight: Any = None,
        **build_params: Any,
    ) -> None:
        super().__init__(
            build_fn,
            epochs=epochs,
            batch_size=batch_size,
            shuffle=shuffle,
            validation_split=validation_split,
            callbacks=callbacks,
            verbose=verbose,
            warm_start=warm_start,
            random_state=random_state,
            **build_params,
        )
        self.class_weight = class_weight

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> ModelClassifier:
        """Train the model.

        Parameters
        ----------
        X : array_like or sparse matrix, shape (rows, features)
        y : array_like, shape (rows,)
            Labels.
        sample_weight : array_like, shape (rows,), optional

        Returns
        -------
        ModelClassifier
            This object.

        Raises
        ------
        ValueError
            Data are not finite, `build_fn` gives no compiled model or one of other outputs, or training diverged.
        """
        begins = self._begins()
        X, y, sample_weight = self._data(X, y, sample_weight, begins, False)
        found = Classes(y)
        if not begins and found != self._classes:
            raise ValueError(
                f"y must have the classes of the last fit with warm_start, {self.classes_}; got {found.labels}."
            )
        self._classes, self.classes_ = found, found.labels
        return self._go_on(X, y, sample_weight, begins, self.epochs)

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> ModelClassifier:
        """Train for one epoch on these rows, from where the last call ended.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.
        classes : array_like, optional
            All labels that there will be; in the first call.

        Raises
        ------
        ValueError
            As `fit` does; the first call has no `classes`, or `y` has others.
        """
        begins = "model_" not in vars(self)
        X, y, sample_weight = self._data(X, y, sample_weight, begins, False)
        self._classes = classes_of_part(y, classes, None if begins else self._classes)
        self.classes_ = self._classes.labels
        return self._go_on(X, y, sample_weight, begins, 1)

    def _go_on(self, X: Any, y: np.ndarray, sample_weight: Any, begins: bool, epochs: int) -> ModelClassifier:
        def targets(model: Any) -> np.ndarray:
            outputs = int(model.output_shape[-1])
            if outputs != len(self.classes_) and not (outputs == 1 and self._classes.is_binary):
                raise ValueError(
                    f"build_fn must give a model with an output for each of {len(self.classes_)} classes, or 1 for 2; "
                    f"it gave {outputs}."
                )
            return self._classes.targets(y, outputs, is_sparse(model.loss), model.dtype)

        made = self._ready(X, begins, targets, n_classes=len(self.classes_), n_outputs=self._classes.outputs())
        weights = class_weights(self.class_weight, self._classes, y)
        if sample_weight is not None:
            weights = sample_weight if weights is None else weights * sample_weight
        return self._train(X, made, weights, epochs)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities of the classes, (rows, classes), in the order of ``classes_``."""
        made = self._outputs(X)
        return self._classes.probabilities(softmaxed(made) if gives_logits(self.model_.loss) else made)

    def predict(self, X: Any) -> np.ndarray:
        """The likeliest class of each row, (rows,)."""
        made = self.predict_proba(X)
        return self._classes.predicted(made)


class ModelRegressor(RegressorMixin, _ModelEstimator):
    """Regressor around a model that a function makes.

    Parameters
    ----------
    build_fn : function
        Makes a compiled model. Its parameters are parameters of the estimator, which `GridSearchCV` may set; those
        named ``n_features`` and ``n_outputs`` are filled in.
    epochs, batch_size, shuffle, validation_split, callbacks, verbose, warm_start, random_state, **build_params
        As in `ModelClassifier`.

    Attributes
    ----------
    model_, history_, n_features_in_, feature_names_in_
        As in `ModelClassifier`.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> from gradstep.sklearn import ModelRegressor
    >>> def build(n_features, rate=0.1):
    ...     model = gs.Sequential([gs.Input((n_features,)), gs.layers.Dense(1)])
    ...     model.compile(gs.optimizers.SGD(rate), "mse")
    ...     return model
    >>> x = np.random.default_rng(0).normal(size=(200, 3))
    >>> bool(ModelRegressor(build, epochs=20, rate=0.05).fit(x, x.sum(axis=1)).score(x, x.sum(axis=1)) > 0.99)
    True
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> ModelRegressor:
        """Train the model.

        Parameters
        ----------
        X : array_like or sparse matrix, shape (rows, features)
        y : array_like, shape (rows,) or (rows, outputs)
        sample_weight : array_like, shape (rows,), optional

        Returns
        -------
        ModelRegressor
            This object.

        Raises
        ------
        ValueError
            Data are not finite, `build_fn` gives no compiled model or one of other outputs, or training diverged.
        """
        begins = self._begins()
        return self._go_on(X, y, sample_weight, begins, self.epochs)

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> ModelRegressor:
        """Train for one epoch on these rows, from where the last call ended; as `fit` otherwise."""
        return self._go_on(X, y, sample_weight, "model_" not in vars(self), 1)

    def _go_on(self, X: Any, y: Any, sample_weight: Any, begins: bool, epochs: int) -> ModelRegressor:
        X, y, sample_weight = self._data(X, y, sample_weight, begins, True)
        self._flat = y.ndim == 1
        columns = 1 if y.ndim == 1 else y.shape[1]

        def targets(model: Any) -> np.ndarray:
            outputs = int(model.output_shape[-1])
            if outputs != columns:
                raise ValueError(
                    f"build_fn must give a model with {columns} outputs, as y has columns; it gave {outputs}."
                )
            return np.asarray(y, model.dtype).reshape(len(y), -1)

        made = self._ready(X, begins, targets, n_outputs=columns)
        return self._train(X, made, sample_weight, epochs)

    def predict(self, X: Any) -> np.ndarray:
        """Predictions, (rows,), or (rows, outputs) if `y` had several columns."""
        made = self._outputs(X)
        return made[:, 0] if self._flat else made


def _defaults(build_fn: Any) -> Mapping[str, Any]:
    """The parameters of a build function with their defaults, without those that are filled in."""
    if not callable(build_fn) or hasattr(build_fn, "fit"):  # which fit refuses
        return {}
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return {
        name: parameter.default
        for name, parameter in inspect.signature(build_fn).parameters.items()
        if parameter.kind in kinds and parameter.default is not parameter.empty and name not in KNOWN
    }
