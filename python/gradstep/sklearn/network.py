"""The networks of `MLPClassifier` and `MLPRegressor`: layers, optimizer and loss from scikit-learn's parameters."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np

from .. import losses, optimizers, regularizers
from ..checks import numeric
from ..layers import Activation, BatchNormalization, Dense, Dropout, Input
from ..models import Sequential

__all__ = ["WrittenList", "build_network", "check_parameters", "hidden_sizes", "initialize"]

# scikit-learn's names of activations and ours.
ACTIVATIONS = {"identity": "linear", "logistic": "sigmoid"}
SOLVERS = ("lbfgs", "sgd", "adam")
RATES = ("constant", "invscaling", "adaptive")
INF = math.inf
# Name, kind of number, least and most, and whether these two are in the range.
NUMBERS: tuple[tuple[str, Any, float, float, str], ...] = (
    ("alpha", Real, 0, INF, "[)"),
    ("learning_rate_init", Real, 0, INF, "()"),
    ("power_t", Real, 0, INF, "[)"),
    ("max_iter", Integral, 1, INF, "[)"),
    ("tol", Real, 0, INF, "[)"),
    ("momentum", Real, 0, 1, "[]"),
    ("validation_fraction", Real, 0, 1, "[)"),
    ("beta_1", Real, 0, 1, "[)"),
    ("beta_2", Real, 0, 1, "[)"),
    ("epsilon", Real, 0, INF, "()"),
    ("n_iter_no_change", Real, 1, INF, "[]"),
    ("max_fun", Integral, 1, INF, "[)"),
    ("dropout", Real, 0, 1, "[)"),
)


def check_parameters(estimator: Any) -> None:
    """Raise ValueError for parameters outside their ranges."""
    owner = type(estimator).__name__
    for name, kind, low, high, ends in NUMBERS:
        value = getattr(estimator, name)
        good = isinstance(value, kind) and not isinstance(value, (bool, np.bool_))
        good = good and (low < value or (ends[0] == "[" and value == low))
        good = good and (value < high or (ends[1] == "]" and value == high))
        if not good:
            noun = "an int" if kind is Integral else "a float"
            raise ValueError(
                f"The {name!r} parameter of {owner} must be {noun} in the range {ends[0]}{low}, {high}{ends[1]}. "
                f"Got {value!r} instead."
            )
    for name, choices in (("solver", SOLVERS), ("learning_rate", RATES)):
        if getattr(estimator, name) not in choices:
            raise ValueError(
                f"The {name!r} parameter of {owner} must be a str among {set(choices)}. Got "
                f"{getattr(estimator, name)!r} instead."
            )
    for name in ("shuffle", "nesterovs_momentum", "early_stopping", "warm_start", "batch_norm"):
        value = getattr(estimator, name)
        if not isinstance(value, (bool, np.bool_)):
            raise ValueError(f"The {name!r} parameter of {owner} must be a bool. Got {value!r} instead.")
    size: Any = estimator.batch_size
    if not (isinstance(size, str) and size == "auto") and not (isinstance(size, (int, np.integer)) and size >= 1):
        raise ValueError(
            f"The 'batch_size' parameter of {owner} must be 'auto' or an int in the range [1, inf). "
            f"Got {size!r} instead."
        )
    if estimator.solver == "lbfgs" and (estimator.dropout or estimator.batch_norm or estimator.optimizer is not None):
        raise ValueError("solver='lbfgs' needs dropout=0, batch_norm=False and optimizer=None: it steps on all rows.")


def hidden_sizes(given: Any) -> list[int]:
    """Units of the hidden layers."""
    sizes: list[Any] = list(given) if hasattr(given, "__iter__") else [given]
    if not all(isinstance(size, (int, np.integer)) and size > 0 for size in sizes):
        raise ValueError(f"hidden_layer_sizes must be > 0, got {sizes}.")
    return [int(size) for size in sizes]


def build_network(
    estimator: Any, inputs: int, outputs: int, dtype: str, last: str, loss: Any, weight: float, batch: int
) -> Sequential:
    """A compiled network; its weights are not those of scikit-learn's initialization yet.

    last: activation of the outputs; weight: of the loss; batch: rows, by which scikit-learn divides the penalty.
    """
    decay = estimator.alpha / (2 * batch)
    own = estimator.activation
    name = ACTIVATIONS.get(own, own) if isinstance(own, str) else own
    stack: list[Any] = [Input((inputs,))]
    for units in hidden_sizes(estimator.hidden_layer_sizes):
        stack.append(Dense(units, kernel_regularizer=_penalty(decay), dtype=dtype))
        if estimator.batch_norm:
            stack.append(BatchNormalization(dtype=dtype))
        stack.append(Activation(copy.deepcopy(name), dtype=dtype))
        if estimator.dropout:
            stack.append(Dropout(estimator.dropout, dtype=dtype))
    stack.append(Dense(outputs, last, kernel_regularizer=_penalty(decay), dtype=dtype))
    model = Sequential(stack)
    chosen = copy.deepcopy(loss) if isinstance(loss, losses.Loss) else loss
    model.compile(_optimizer(estimator), chosen, loss_weights=weight)
    return model


def _penalty(decay: float) -> regularizers.Regularizer | None:
    return regularizers.L2(decay) if decay else None


def _optimizer(estimator: Any) -> optimizers.Optimizer:
    if estimator.optimizer is not None:
        return optimizers.get(copy.deepcopy(estimator.optimizer))
    rate = estimator.learning_rate_init
    if estimator.solver == "sgd":
        nesterov = bool(estimator.nesterovs_momentum and estimator.momentum)
        return optimizers.SGD(rate, momentum=estimator.momentum, nesterov=nesterov)
    return optimizers.Adam(rate, beta_1=estimator.beta_1, beta_2=estimator.beta_2, epsilon=estimator.epsilon)


def initialize(model: Sequential, random: np.random.RandomState, activation: Any) -> None:
    """Weights and biases as scikit-learn draws them, layer by layer (Glorot & Bengio 2010)."""
    factor = 2.0 if activation == "logistic" else 6.0
    for layer in dense_layers(model):
        kernel, bias = layer.weights
        bound = np.sqrt(factor / sum(kernel.shape))
        kernel[...] = random.uniform(-bound, bound, kernel.shape)
        bias[...] = random.uniform(-bound, bound, bias.shape)


class WrittenList(list[np.ndarray]):
    """List of weights of a network, into which what is set in their places is written.

    scikit-learn's networks have such lists of arrays, which programs replace: ``mlp.coefs_[0] = array``.
    """

    def __init__(self, name: str, weights: list[np.ndarray]) -> None:
        super().__init__(weights)
        self._name = name

    def __setitem__(self, key: Any, value: Any) -> None:
        is_slice = isinstance(key, slice)
        places = list(range(len(self)))[key] if is_slice else [range(len(self))[key]]
        given = list(value) if is_slice else [value]
        if len(given) != len(places):
            raise ValueError(f"{self._name} must have {len(places)} arrays, one a layer; got {len(given)}.")
        arrays = [numeric(one, f"{self._name}[{i}]") for i, one in zip(places, given, strict=True)]
        for i, array in zip(places, arrays, strict=True):
            if array.shape != self[i].shape:
                raise ValueError(f"{self._name}[{i}] must have shape {self[i].shape}; got {array.shape}.")
        for i, array in zip(places, arrays, strict=True):
            self[i][...] = array


def dense_layers(model: Sequential) -> Sequence[Any]:
    """The layers with a kernel and biases."""
    return [layer for layer in model.layers if isinstance(layer, Dense)]
