"""Members that are no models yet: which they are, and what becomes of them."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import gradstep as gs
import numpy as np
import pytest
from gradstep import layers
from gradstep.many import bare, copies
from training import snapshot

RNG = np.random.default_rng(8)
X = RNG.normal(size=(50, 6)).astype("float32")
Y = RNG.integers(0, 3, 50)

KINDS: dict[str, tuple[list[Any], bool]] = {
    "dense": ([layers.Dense(5, "relu"), layers.Dense(3, "softmax")], True),
    "penalties": ([layers.Dense(5, kernel_regularizer="l2"), layers.Dense(3, "softmax", use_bias=False)], True),
    "convolved": ([layers.Reshape((6, 1)), layers.Conv1D(2, 3), layers.Flatten(), layers.Dense(3, "softmax")], True),
    "normalized": ([layers.Dense(5), layers.BatchNormalization(), layers.Dense(3, "softmax")], True),
    "dropout draws": ([layers.Dense(5), layers.Dropout(0.5), layers.Dense(3, "softmax")], False),
    "model inside": ([gs.Sequential([layers.Dense(5)]), layers.Dense(3, "softmax")], False),
}


OPTIMIZERS: list[Any] = [
    lambda: gs.optimizers.SGD(gs.optimizers.schedules.ExponentialDecay(0.1, 3, 0.9), momentum=0.9),
    lambda: gs.optimizers.AdamW(0.01, use_ema=True, clipnorm=1.0),
    lambda: gs.optimizers.Adam(0.01, gradient_accumulation_steps=2),
    lambda: gs.optimizers.Muon(0.01),
    lambda: gs.optimizers.Lookahead(gs.optimizers.SGD(0.1)),
]


def made(kind: str = "dense", optimizer: Any = "adam", seed: int | None = None) -> gs.Sequential:
    model = gs.Sequential(
        [gs.Input((6,)), *[layer.from_config(layer.get_config()) for layer in KINDS[kind][0]]], seed=seed
    )
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


@pytest.fixture
def counted(monkeypatch: Any) -> list[int]:
    """How many models were made at a time."""
    found: list[int] = []
    plain = copies.clones_of

    def noted(model: Any, count: int, *rest: Any) -> list[Any]:
        found.append(count)
        return plain(model, count, *rest)

    monkeypatch.setattr(copies, "clones_of", noted)
    monkeypatch.setattr(bare, "clones_of", noted)
    return found


@pytest.mark.parametrize("seed", [None, 4])
@pytest.mark.parametrize("kind", KINDS)
def test_models_are_made_when_they_are_asked_for(kind: str, seed: int | None, counted: list[int]) -> None:
    is_bare = KINDS[kind][1]
    result = gs.fit_many(made(kind, seed=seed), 3, X, Y, seeds=[4, 2, 4], epochs=2)
    assert 3 not in counted or not is_bare
    assert len(result) == 3
    assert "3 models" in repr(result)
    weights = result.weights
    assert (3 in counted) != is_bare
    one, two, again = result.models
    assert counted[-1] == 3
    assert snapshot(one) == snapshot(again)
    assert snapshot(one) != snapshot(two)
    for model, own in zip(result.models, weights, strict=True):
        assert all((a == b).all() for a, b in zip(model.get_weights(), own, strict=True))
    one.set_weights([np.zeros_like(w) for w in one.get_weights()])
    assert not any(w.any() for w in result.weights[0])  # the weights are the models' from then on
    assert result.models[0] is one


def test_results_pickle_before_and_after(counted: list[int]) -> None:
    for asks in (False, True):
        result = gs.fit_many(made(), 2, X, Y, seeds=[1, 2], epochs=2)
        if asks:
            assert len(result.models) == 2
        again = pickle.loads(pickle.dumps(result))
        assert [snapshot(m) for m in again.models] == [snapshot(m) for m in result.models]
        assert again.history.keys() == result.history.keys()
        assert (again.predict(X) == result.predict(X)).all()


def test_a_change_of_the_model_changes_no_member() -> None:
    model = made()
    result, same = (gs.fit_many(model, 2, X, Y, seeds=[1, 2], epochs=2) for _ in range(2))
    assert len(same.models) == 2
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.set_weights([np.zeros_like(w) for w in model.get_weights()])
    assert [snapshot(m) for m in result.models] == [snapshot(m) for m in same.models]
    assert isinstance(result.models[0].optimizer, gs.optimizers.Adam)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("is_trained", [False, True])
@pytest.mark.parametrize("rates", [None, [0.02, 0.05]])
def test_members_without_seeds_go_on_from_the_model(
    optimizer: Any, is_trained: bool, rates: Any, counted: list[int]
) -> None:
    gs.utils.set_random_seed(6)
    model = made("normalized", optimizer=optimizer())
    model.layers[0].trainable = False
    model.compile(model.optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    if is_trained:
        model.fit(X, Y, epochs=3, batch_size=16, verbose=0)
        copies.set_rate(model.optimizer, 0.03)
    twin = copy.deepcopy(model)
    gs.utils.set_random_seed(7)  # of the shuffles, where there were none
    starts = [[w * 2 for w in model.get_weights()]] * 2
    result = gs.fit_many(model, 2, X, Y, learning_rate=rates, initial_weights=starts, epochs=2, batch_size=16)
    after = np.random.default_rng(gs.seeds.fresh_key()[1]).random()
    assert (2 not in counted) != isinstance(model.optimizer, gs.optimizers.Lookahead)
    for number in range(2):
        gs.utils.set_random_seed(7)
        one = copy.deepcopy(twin)
        one.set_weights(starts[number])
        if rates:
            copies.set_rate(one.optimizer, rates[number])
        one.fit(X, Y, epochs=2, batch_size=16, verbose=0)
        assert after == np.random.default_rng(gs.seeds.fresh_key()[1]).random()
        for again in range(2):
            assert snapshot(result.models[number]) == snapshot(one)
            assert result.models[number].history.history == one.history.history
            for each in (one, result.models[number]) if not again else ():
                each.fit(X, Y, initial_epoch=2, epochs=4, batch_size=16, verbose=0)


def test_states_of_layers_go_on_from_the_model() -> None:
    gs.utils.set_random_seed(6)
    x, y = RNG.normal(size=(32, 4, 2)), RNG.normal(size=(32, 1))
    model = gs.Sequential(
        [gs.Input(batch_shape=(8, 4, 2)), layers.LSTM(3, stateful=True, return_sequences=False), layers.Dense(1)]
    )
    model.compile("sgd", "mse")
    model.fit(x, y, batch_size=8, shuffle=False, verbose=0)
    one = copy.deepcopy(model)
    result = gs.fit_many(model, 2, x, y, learning_rate=[0.1, 0.1], batch_size=8, shuffle=False)
    copies.set_rate(one.optimizer, 0.1)
    one.fit(x, y, batch_size=8, shuffle=False, verbose=0)
    assert snapshot(result.models[1]) == snapshot(one)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_optimizers_go_on(optimizer: Any) -> None:
    model = made(optimizer=optimizer())
    result = gs.fit_many(model, 2, X, Y, seeds=[3, 1], epochs=2, batch_size=16)
    gs.utils.set_random_seed(3)
    one = gs.models.clone_model(model)
    one.compile_from_config(model.get_compile_config())
    one.fit(X, Y, epochs=2, batch_size=16, verbose=0)
    assert snapshot(result.models[0]) == snapshot(one)
    for each in (one, result.models[0]):
        each.fit(X, Y, initial_epoch=2, epochs=4, batch_size=16, verbose=0)
    assert snapshot(result.models[0]) == snapshot(one)
    assert result.models[0].history.history == one.history.history
