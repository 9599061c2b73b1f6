"""`MLPClassifier`: scikit-learn's parameters, and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils.metaestimators import available_if

from .classes import Classes, class_weights, classes_of_part, softmaxed
from .losses import gives_logits, is_sparse, resolve_loss
from .mlp_base import MLPBase

__all__ = ["MLPClassifier"]


class MLPClassifier(ClassifierMixin, MLPBase):
    """Multi-layer perceptron classifier, with scikit-learn's parameters, defaults and attributes.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default (100,)
        Units of each hidden layer.
    activation : str, function or layer, default "relu"
        "identity", "logistic", "tanh" and "relu" as in scikit-learn; any name of `gradstep.activations`, as
        "leaky_relu" and "gelu"; a function; or an object such as ``gs.layers.PReLU()``.
    solver : {"adam", "sgd", "lbfgs"}, default "adam"
    alpha : float, default 0.0001
        Of the penalty ``alpha / (2 n) * sum(w ** 2)`` of the weights, n the rows of a batch.
    batch_size : int or "auto", default "auto"
        "auto" is 200, or all rows if there are fewer.
    learning_rate : {"constant", "invscaling", "adaptive"}, default "constant"
        With ``solver="sgd"``: how the rate goes on. "adaptive" divides it by 5 each time training would stop.
    learning_rate_init : float, default 0.001
        The rate of "sgd" and "adam"; `lr_find` suggests one.
    power_t : float, default 0.5
        Exponent of "invscaling".
    max_iter : int, default 200
        Epochs at most; of "lbfgs" iterations.
    shuffle : bool, default True
    random_state : int, RandomState or None, default None
        Weights, validation rows, shuffles and dropout follow from it.
    tol : float, default 1e-4
        The loss, or the score on validation rows, must get better by so much, once in `n_iter_no_change` epochs.
    verbose : bool, default False
        A line an epoch.
    warm_start : bool, default False
        Whether `fit` goes on from the last one: from its weights, the state of the optimizer and its learning rate.
    momentum, nesterovs_momentum : float, bool, default 0.9, True
        Of "sgd".
    early_stopping : bool, default False
        Whether to stop by the score on rows that are held out, and to keep the weights that were best there.
    validation_fraction : float, default 0.1
        Part of the rows that is held out.
    beta_1, beta_2, epsilon : float, default 0.9, 0.999, 1e-8
        Of "adam".
    n_iter_no_change : int, default 10
    max_fun : int, default 15000
        Of "lbfgs": calls of the loss at most.
    dropout : float, default 0.0
        Share of the outputs of each hidden layer that is dropped in training. Not in scikit-learn, as are those below.
    batch_norm : bool, default False
        Whether to normalize by batches before each activation.
    optimizer : str or Optimizer, optional
        Any of `gradstep.optimizers`, in place of what `solver` says.
    callbacks : Callback or list of Callback, optional
        Of `gradstep.callbacks`; `fit` uses copies.
    loss : str, Loss or function, default "log_loss"
        Cross-entropy; or what `gradstep.losses.get` takes, as "focal" losses, with targets of one column for two
        classes, and one-hot rows, or class numbers for a sparse loss, for more.
    class_weight : dict or "balanced", optional
        What rows count for by their class. Of `partial_fit`, "balanced" goes by all rows so far.

    Attributes
    ----------
    classes_ : ndarray
    coefs_, intercepts_ : list of ndarray
        Weights and biases of the dense layers: views of the network's.
    loss_, best_loss_ : float
        Last and smallest loss of training; `best_loss_` is None with `early_stopping`.
    loss_curve_ : list of float
        Loss of each epoch, over all calls that went on.
    validation_scores_, validation_loss_curve_ : list of float or None
        With `early_stopping`: accuracy and loss on the held-out rows.
    best_validation_score_ : float or None
    history_ : dict of str to list of float
        Of the last `fit`, as in Keras.
    model_ : Sequential
        The network.
    n_features_in_, feature_names_in_, n_iter_, n_layers_, n_outputs_, out_activation_, t_
        As in scikit-learn.

    Notes
    -----
    The network has scikit-learn's initial weights for the same `random_state`; the order of rows is another, so that
    training is alike but not equal: where a batch is all rows, losses and weights are equal. float32
    data make a float32 network, which is twice as fast.

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> from gradstep.sklearn import MLPClassifier
    >>> x, y = make_moons(400, noise=0.1, random_state=0)
    >>> options = {"dropout": 0.1, "class_weight": "balanced", "learning_rate_init": 0.01, "random_state": 0}
    >>> network = MLPClassifier((32, 32), "gelu", **options)
    >>> bool(network.fit(x, y).score(x, y) > 0.95)
    True
    """

    classes_: np.ndarray
    _classes: Classes
    _counts: np.ndarray | None

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: int = 10,
        max_fun: int = 15000,
        dropout: float = 0.0,
        batch_norm: bool = False,
        optimizer: Any = None,
        callbacks: Any = None,
        loss: Any = "log_loss",
        class_weight: Any = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.dropout = dropout
        self.batch_norm = batch_norm
        self.optimizer = optimizer
        self.callbacks = callbacks
        self.loss = loss
        self.class_weight = class_weight

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPClassifier:
        """Train the network.

        Parameters
        ----------
        X : array_like or sparse matrix, shape (rows, features)
        y : array_like, shape (rows,) or (rows, labels)
            Labels; or an indicator, 0 or 1, of several labels a row.
        sample_weight : array_like, shape (rows,), optional
            What rows count for.

        Returns
        -------
        MLPClassifier
            This object.

        Raises
        ------
        ValueError
            A parameter is outside its range, data are not finite, or training diverged.

        Warns
        -----
        ConvergenceWarning
            `max_iter` epochs were not enough for `tol`.
        """
        goes_on = self.warm_start and "model_" in vars(self)
        X, y, sample_weight = self._data(X, y, sample_weight, not goes_on, False)
        found = Classes(y)
        if goes_on and found != self._classes:
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous call to fit. "
                f"Previously got {self._classes.labels}, `y` has {found.labels}"
            )
        self._take(found)
        return self._train(X, y, sample_weight, not goes_on, False)

    @available_if(MLPBase._check_partial)
    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> MLPClassifier:
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
        found = classes_of_part(y, classes, None if begins else self._classes)
        if begins:
            self._take(found)
        if not self._classes.is_multilabel:
            seen = np.bincount(self._classes.indices(y), minlength=len(self.classes_))
            self._counts = seen if begins or self._counts is None else self._counts + seen
        return self._train(X, y, sample_weight, begins, True)

    def _take(self, classes: Classes) -> None:
        self._classes, self.classes_ = classes, classes.labels
        self._counts = None

    def _checked(self, X: Any, y: Any, sample_weight: Any) -> tuple[Any, np.ndarray, Any]:
        X, y, sample_weight = self._data(X, y, sample_weight, True, False)
        self._take(Classes(y))
        return X, y, sample_weight

    def _problem(self, y: np.ndarray) -> tuple[int, str, Any, float]:
        outputs, is_binary = self._classes.outputs(), self._classes.is_binary or self._classes.is_multilabel
        loss = resolve_loss(self.loss, "binary_crossentropy" if is_binary else "sparse_categorical_crossentropy")
        last = "sigmoid" if is_binary else "softmax"
        # scikit-learn's loss of several labels is their sum, Keras's their mean.
        weight = float(outputs) if self._classes.is_multilabel and self.loss == "log_loss" else 1.0
        return outputs, "linear" if gives_logits(loss) else last, loss, weight

    def _targets(self, y: np.ndarray) -> np.ndarray:
        return self._classes.targets(y, self.n_outputs_, is_sparse(self.model_.loss), self.model_.dtype)

    def _row_weights(self, y: np.ndarray, sample_weight: Any) -> Any:
        weights = class_weights(self.class_weight, self._classes, y, self._counts)
        if weights is None or sample_weight is None:
            return sample_weight if weights is None else weights
        return weights * sample_weight

    def _strata(self, y: np.ndarray) -> np.ndarray | None:
        return None if self._classes.is_multilabel else y

    def _probabilities(self, made: np.ndarray) -> np.ndarray:
        return self._classes.probabilities(softmaxed(made) if gives_logits(self.model_.loss) else made)

    def _validation_score(self, model: Any, X: Any, y: np.ndarray, weights: Any) -> float:
        made = self._classes.predicted(self._probabilities(model.predict(X, verbose=0)))
        return float(accuracy_score(y, made, sample_weight=weights))

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities of the classes, (rows, classes), in the order of ``classes_``."""
        return self._probabilities(self._outputs(X))

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Logarithms of the probabilities of the classes."""
        return np.log(np.maximum(self.predict_proba(X), np.finfo(np.float64).tiny))

    def predict(self, X: Any) -> np.ndarray:
        """The likeliest class of each row, (rows,); of several labels a row an indicator."""
        made = self.predict_proba(X)
        return self._classes.predicted(made)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
