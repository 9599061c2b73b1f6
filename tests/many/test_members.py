"""Members of `fit_many` are models that were trained alone, bit for bit."""

from __future__ import annotations

import copy
from typing import Any

import gradstep as gs
import numpy as np
import pytest
from gradstep import layers
from training import snapshot

RNG = np.random.default_rng(0)
ROWS = 70  # no whole number of batches
X = RNG.normal(size=(ROWS, 12)).astype("float32")
LABELS = RNG.integers(0, 3, ROWS)
RATES, SEEDS = [1e-3, 0.02, 0.3], [5, 0, 5]


def dense() -> list[Any]:
    return [layers.Dense(16, "relu"), layers.Dense(3, "softmax")]


def dropped() -> list[Any]:
    return [layers.Dense(16, "tanh"), layers.Dropout(0.4), layers.GaussianNoise(0.1), layers.Dense(3, "softmax")]


def normalized() -> list[Any]:
    return [layers.Dense(9), layers.BatchNormalization(), layers.Activation("relu"), layers.Dense(3, "softmax")]


def convolved() -> list[Any]:
    pooled = [layers.MaxPooling1D(2), layers.Flatten()]
    return [layers.Reshape((12, 1)), layers.Conv1D(4, 3, activation="relu"), *pooled, layers.Dense(3, "softmax")]


def recurrent() -> list[Any]:
    return [layers.Reshape((4, 3)), layers.LSTM(5, dropout=0.2), layers.Dense(3, "softmax")]


class Scale(layers.Layer):
    """A layer in NumPy."""

    def build(self, input_shape: Any) -> None:
        self.factors = self.add_weight((input_shape[-1],), "ones")

    def forward(self, x: np.ndarray) -> np.ndarray:
        self.x = x
        return x * self.factors

    def backward(self, dy: np.ndarray) -> Any:
        return dy * self.factors, [(dy * self.x).sum(axis=0)]


def custom() -> list[Any]:
    return [Scale(), *dense()]


KINDS = {f.__name__: f for f in (dense, dropped, normalized, convolved, recurrent, custom)}


def made(kind: str = "dense", optimizer: Any = "adam", seed: int | None = None, metrics: Any = ("accuracy",)) -> Any:
    model = gs.Sequential([gs.Input((12,)), *KINDS[kind]()], seed=seed)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=list(metrics))
    return model


def alone(model: Any, seed: int | None, rate: Any = None, x: Any = X, y: Any = LABELS, **fit: Any) -> Any:
    """A member, as one would train it by itself."""
    if seed is None:
        one = copy.deepcopy(model)
    else:
        gs.utils.set_random_seed(seed)
        one = gs.models.clone_model(model)
        with gs.utils.custom_object_scope({"LargestOutput": LargestOutput}):
            one.compile_from_config(model.get_compile_config())
    if rate is not None:
        one.optimizer.learning_rate = rate
    one.fit(x, y, **{"batch_size": 16, "epochs": 3, "verbose": 0} | fit)
    return one


def assert_same(result: Any, number: int, one: Any) -> None:
    member = result.models[number]
    assert snapshot(member) == snapshot(one)
    assert member.history.history == one.history.history
    for name, curve in one.history.history.items():
        assert result.history[name][: len(curve), number].tolist() == curve
        assert np.isnan(result.history[name][len(curve) :, number]).all()
    again = {"batch_size": 16, "epochs": 2, "verbose": 0, "validation_split": 0.2, "seed": 4}
    assert member.fit(X, LABELS, **again).history == one.fit(X, LABELS, **again).history
    assert snapshot(member) == snapshot(one)


@pytest.mark.parametrize("kind", KINDS)
def test_rates_and_seeds(kind: str) -> None:
    model = made(kind)
    before = snapshot(model)
    result = gs.fit_many(model, 3, X, LABELS, learning_rate=RATES, seeds=SEEDS, batch_size=16, epochs=3, threads=2)
    assert snapshot(model) == before
    assert model.history is None
    for number in range(3):
        assert_same(result, number, alone(model, SEEDS[number], RATES[number]))


@pytest.mark.parametrize("kind", ["dense", "dropped", "custom"])
def test_without_seeds_members_go_on_from_the_model(kind: str) -> None:
    gs.utils.set_random_seed(3)
    model = made(kind)
    model.fit(X, LABELS, epochs=2, verbose=0)  # the optimizer has a state, and rows an order
    result = gs.fit_many(model, 3, X, LABELS, learning_rate=RATES, batch_size=16, epochs=3)
    for number in range(3):
        assert_same(result, number, alone(model, None, RATES[number]))


@pytest.mark.parametrize("kind", ["dense", "dropped", "recurrent", "custom"])
@pytest.mark.parametrize("shuffle", [True, False])
def test_folds(kind: str, shuffle: bool) -> None:
    model = made(kind)
    folds = list(gs.tune.KFold(3, seed=1).split(X))
    folds[2] = (np.arange(ROWS) % 2 == 0, np.arange(ROWS) % 2 == 1)  # masks
    options = {"batch_size": 16, "epochs": 2, "shuffle": shuffle}
    result = gs.fit_many(model, 3, X, LABELS, seeds=SEEDS, folds=folds, threads=3, **options)
    for number, (train, test) in enumerate(folds):
        data = {"x": X[train], "y": LABELS[train], "validation_data": (X[test], LABELS[test])}
        assert_same(result, number, alone(model, SEEDS[number], **data, **options))


def test_weights_of_rows_and_folds() -> None:
    model, weights = made(), np.linspace(0, 2, ROWS)
    folds = list(gs.tune.KFold(2, seed=1).split(X))
    result = gs.fit_many(model, 2, X, LABELS, seeds=[1, 2], folds=folds, sample_weight=weights, batch_size="full")
    for number, (train, test) in enumerate(folds):
        data = {"x": X[train], "y": LABELS[train], "sample_weight": weights[train]}
        held = {"validation_data": (X[test], LABELS[test]), "epochs": 1, "batch_size": "full"}
        assert_same(result, number, alone(model, [1, 2][number], **data, **held))


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("restore", [True, False])
def test_early_stopping(threads: int, restore: bool) -> None:
    model = made("dropped")
    held = X[:30], LABELS[::-1][:30], np.linspace(1, 2, 30)
    stop = gs.callbacks.EarlyStopping(patience=2, restore_best_weights=restore)
    rates, options = [0.01, 0.3, 1e-4, 0.05, 1.0], {"validation_data": held, "epochs": 12}
    result = gs.fit_many(
        model, 5, X, LABELS, learning_rate=rates, seeds=range(5), early_stopping=stop, threads=threads, **options
    )
    assert stop.model is None
    assert len(set(result.epochs.tolist())) > 1
    for number, rate in enumerate(rates):
        own = copy.deepcopy(stop)
        one = alone(model, number, rate, callbacks=[own], **options | {"batch_size": 32})
        assert result.epochs[number] == len(one.history.epoch)
        at = own.best_epoch if restore else -1
        assert result.scores[number] == one.history.history["val_loss"][at]
        assert_same(result, number, one)


class LargestOutput(gs.metrics.Metric):
    """A metric in NumPy."""

    def reset_state(self) -> None:
        self.value = 0.0

    def update_state(self, y_true: Any, y_pred: np.ndarray, sample_weight: Any = None) -> None:
        self.value = max(self.value, float(y_pred.max()))

    def result(self) -> float:
        return self.value


def test_metrics_in_python_and_objects() -> None:
    model = made(metrics=["accuracy", gs.metrics.SparseTopKCategoricalAccuracy(2)])
    fed = made(metrics=[gs.metrics.SparseCategoricalCrossentropy(), LargestOutput()])
    for each in (model, fed):
        result = gs.fit_many(each, 2, X, LABELS, seeds=[1, 2], validation_data=(X, LABELS), batch_size=16)
        for number, seed in enumerate([1, 2]):
            one = alone(each, seed, epochs=1, validation_data=(X, LABELS))
            assert [metric.result() for metric in result.models[number].metrics[1:]] == [
                metric.result() for metric in one.metrics[1:]
            ]
            assert_same(result, number, one)


def test_optimizers_and_schedules() -> None:
    o = gs.optimizers
    schedule = o.schedules.ExponentialDecay(0.1, 5, 0.5)
    rates = [0.05, schedule]
    for optimizer in (
        o.SGD(0.01, momentum=0.9, use_ema=True, ema_overwrite_frequency=4),
        o.Lookahead(o.Adam(0.01), sync_period=3),
        o.SAM(o.SGD(0.01)),
        o.Adam(o.schedules.CosineDecay(0.1, 10)),
        o.Muon(0.01),
    ):
        model = made("normalized", optimizer)
        result = gs.fit_many(model, 2, X, LABELS, learning_rate=rates, seeds=[1, 1], batch_size=16, epochs=3)
        for number, rate in enumerate(rates):
            follows = number == 0 and "learning_rate" in optimizer.schedules
            one = alone(model, 1, o.schedules.Constant(rate) if follows else rate)
            assert_same(result, number, one)


def test_several_inputs_and_outputs() -> None:
    a, b = gs.Input((12,), name="a"), gs.Input((3,), name="b")
    hidden = layers.Dropout(0.3)(layers.Concatenate()([layers.Dense(8, "relu")(a), b]))
    outputs = [layers.Dense(3, "softmax", name="kind")(hidden), layers.Dense(2, name="place")(hidden)]
    model = gs.Model([a, b], outputs)
    losses = ["sparse_categorical_crossentropy", "mse"]
    model.compile("adam", losses, loss_weights=[1.0, 0.5], metrics=[["accuracy"], []])
    x, y = [X, X[:, :3].copy()], [LABELS, X[:, 3:5].astype("float64")]
    folds = list(gs.tune.KFold(2, seed=0).split(X))
    result = gs.fit_many(model, 2, x, y, seeds=[4, 5], folds=folds, batch_size=16, epochs=2)
    for number, (train, test) in enumerate(folds):
        gs.utils.set_random_seed([4, 5][number])
        one = gs.models.clone_model(model)
        one.compile_from_config(model.get_compile_config())
        held = [each[test] for each in x], [each[test] for each in y]
        parts = [each[train] for each in x], [each[train] for each in y]
        one.fit(*parts, 16, 2, 0, validation_data=held)
        assert snapshot(result.models[number]) == snapshot(one)
        assert result.models[number].history.history == one.history.history
    kinds, places = result.predict(x)
    assert (kinds.shape, places.shape) == ((ROWS, 3), (ROWS, 2))


def test_initial_weights_and_seeds_of_models() -> None:
    model = made(seed=8)
    starts = [made(seed=seed).get_weights() for seed in (1, 2)]
    result = gs.fit_many(model, 2, X, LABELS, initial_weights=starts, batch_size=16, epochs=3)
    for number, start in enumerate(starts):
        one = copy.deepcopy(model)
        one.set_weights(start)
        one.fit(X, LABELS, 16, 3, 0)
        assert_same(result, number, one)
    ensemble = gs.fit_many(model, 3, X, LABELS, batch_size=16, epochs=3)
    assert ensemble.seeds == [0, 1, 2]
    for seed in range(3):
        one = made(seed=seed)
        one.fit(X, LABELS, 16, 3, 0)
        assert_same(ensemble, seed, one)


def test_a_model_that_is_not_built() -> None:
    model = gs.Sequential(dense())
    model.compile("sgd", "sparse_categorical_crossentropy")
    result = gs.fit_many(model, 2, X, LABELS, seeds=[1, 2], batch_size=16, epochs=3)
    assert not model.built
    for number, seed in enumerate([1, 2]):
        assert snapshot(result.models[number]) == snapshot(alone(model, seed))
    same = gs.fit_many(model, 2, X, LABELS, learning_rate=[0.0, 0.0])
    assert [w.tobytes() for w in same.weights[0]] == [w.tobytes() for w in same.weights[1]]


def test_frozen_layers_and_float64() -> None:
    parts = [layers.Dense(8, "relu", dtype="float64"), layers.Dense(3, "softmax", dtype="float64")]
    model = gs.Sequential([gs.Input((12,)), *parts])
    parts[0].trainable = False
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    result = gs.fit_many(model, 2, X, LABELS, seeds=[1, 2], batch_size=16, epochs=3)
    for number, seed in enumerate([1, 2]):
        assert_same(result, number, alone(model, seed))


def test_large_networks_whose_steps_use_several_threads_alone() -> None:
    model = gs.Sequential([gs.Input((200,)), layers.Dense(300, "relu"), layers.Dense(200, "relu"), layers.Dense(1)])
    model.compile("adam", "mse")
    x = RNG.normal(size=(256, 200)).astype("float32")
    before = gs.get_num_threads()
    try:
        gs.set_num_threads(4)
        for count in (1, 5):
            result = gs.fit_many(model, count, x, x[:, 0], seeds=range(count), batch_size=128, epochs=2)
            for seed in range(count):
                one = alone(model, seed, x=x, y=x[:, 0], batch_size=128, epochs=2)
                assert snapshot(result.models[seed]) == snapshot(one)
    finally:
        gs.set_num_threads(before)
