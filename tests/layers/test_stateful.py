"""Stateful recurrent layers go on where the batch before ended."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradstep import layers
from recurrent_cases import made, spread_weights

KINDS = ["SimpleRNN", "LSTM", "GRU", "GRU that resets before"]


@pytest.mark.parametrize("cell", KINDS)
def test_two_halves_are_the_whole(cell):
    random = np.random.default_rng(0)
    whole, half = made(cell, 3), made(cell, 3, stateful=True)
    x = random.normal(size=(20, 6, 2)).astype(np.float32)
    whole.build((None, 6, 2))
    spread_weights(whole, random)
    half(x[:, :3])
    half.set_weights(whole.get_weights())
    half.reset_states()
    for training in (False, True):
        half(x[:, :3], training=training)
        np.testing.assert_array_equal(half(x[:, 3:], training=training), whole(x))
        np.testing.assert_array_equal(half.states[0], whole(x))
        half.reset_states()
        assert not any(state.any() for state in half.states)
    assert len(half.weights) == len(half.get_weights()) == 3
    assert half.count_params() == whole.count_params()


def chain(**options):
    gs.utils.set_random_seed(0)
    row = [layers.LSTM(4, return_sequences=True, **options), layers.GRU(3, **options), layers.Dense(1)]
    entrance = gs.Input((3, 2), batch_size=8) if options else gs.Input((3, 2))
    return gs.Sequential([entrance, *row])


def test_predict_evaluate_and_fit_go_on():
    random = np.random.default_rng(0)
    x, y = random.normal(size=(24, 3, 2)).astype("f4"), random.normal(size=(24, 1)).astype("f4")
    model = chain(stateful=True)
    model.compile("adam", "mse")
    first = model.predict(x[:8], batch_size=8, verbose=0)
    assert not np.array_equal(model.predict(x[:8], batch_size=8, verbose=0), first)
    for layer in model.layers[:2]:
        layer.reset_states()
    np.testing.assert_array_equal(model.predict(x[:8], batch_size=8, verbose=0), first)
    before = [np.array(state) for state in model.layers[0].states]
    model.evaluate(x, y, batch_size=8, verbose=0)
    after_one = [np.array(state) for state in model.layers[0].states]
    assert not any(map(np.array_equal, before, after_one))
    model.fit(x, y, batch_size=8, epochs=2, shuffle=False, verbose=0)
    model.train_on_batch(x[:8], y[:8])
    assert not any(map(np.array_equal, after_one, model.layers[0].states))
    assert [w.shape for w in model.weights] == [w.shape for w in chain().weights]


def test_training_is_that_of_given_states():
    """A step of a stateful model is one of a model that is given the states which it had."""
    random = np.random.default_rng(0)
    x, y = random.normal(size=(16, 3, 2)).astype("f4"), random.normal(size=(8, 4)).astype("f4")
    inputs = gs.Input((3, 2), batch_size=8)
    stateful = gs.Model(inputs, layers.LSTM(4, stateful=True)(inputs))
    a, h, c = gs.Input((3, 2)), gs.Input((4,)), gs.Input((4,))
    given = gs.Model([a, h, c], layers.LSTM(4)(a, initial_state=[h, c]))
    given.set_weights(stateful.get_weights())
    for model in (stateful, given):
        model.compile("sgd", "mse")
    stateful.predict(x[:8], batch_size=8, verbose=0)
    states = [np.array(state) for state in stateful.layers[-1].states]
    one, other = stateful.train_on_batch(x[8:], y), given.train_on_batch([x[8:], *states], y)
    assert one == other
    for weight, again in zip(stateful.get_weights(), given.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, again)


def test_other_numbers_of_rows_are_refused():
    """Before anything moves."""
    random = np.random.default_rng(0)
    x, y = random.normal(size=(20, 3, 2)).astype("f4"), random.normal(size=(20, 1)).astype("f4")
    model = chain(stateful=True)
    model.compile("adam", "mse")
    model.predict(x[:8], batch_size=8, verbose=0)
    kept = [*model.get_weights(), *[np.array(state) for layer in model.layers[:2] for state in layer.states]]
    message = "must get batches of 8 rows, for which it was built"
    for refused in (
        lambda: model.predict(x, batch_size=8, verbose=0),
        lambda: model.predict(x[:16], verbose=0),
        lambda: model.fit(x, y, batch_size=8, verbose=0),
        lambda: model.evaluate(x, y, batch_size=8, verbose=0),
        lambda: model.train_on_batch(x[:7], y[:7]),
        lambda: model.value_and_grad(x, y),
    ):
        with pytest.raises(ValueError, match=message):
            refused()
    now = [*model.get_weights(), *[np.array(state) for layer in model.layers[:2] for state in layer.states]]
    for one, other in zip(now, kept, strict=True):
        np.testing.assert_array_equal(one, other)
    layer = layers.GRU(3, stateful=True)
    layer(x[:4])
    with pytest.raises(ValueError, match=r"x must have 4 rows, for which layer .* was built; got 5"):
        layer(x[:5])


def test_a_failed_step_leaves_the_states():
    class Fails(layers.Layer):
        def forward(self, x, training=False):
            if (x > 1e6).any():
                raise RuntimeError("too large")
            return x

        def backward(self, dy):
            return dy

    row = [layers.LSTM(4, "linear", stateful=True), Fails(), layers.Dense(1)]
    model = gs.Sequential([gs.Input((3, 2), batch_size=4), *row])
    model.compile("sgd", "mse")
    x, y = np.ones((4, 3, 2), np.float32), np.ones((4, 1), np.float32)
    model.train_on_batch(x, y)
    kept = [np.array(state) for state in model.layers[0].states]
    with pytest.raises(RuntimeError, match="too large"):
        model.train_on_batch(1e30 * x, y)
    with pytest.raises(RuntimeError, match="too large"):
        model.predict(1e30 * x, batch_size=4, verbose=0)
    for state, before in zip(model.layers[0].states, kept, strict=True):
        np.testing.assert_array_equal(state, before)


def test_files(tmp_path):
    model = chain(stateful=True)
    model.save(tmp_path / "model.gradstep")
    again = gs.models.load_model(tmp_path / "model.gradstep")
    x = np.random.default_rng(0).normal(size=(16, 3, 2)).astype("f4")
    np.testing.assert_array_equal(again.predict(x, batch_size=8, verbose=0), model.predict(x, batch_size=8, verbose=0))
    inputs = gs.Input((3, 2), batch_size=8)
    graph = gs.Model(inputs, layers.GRU(3, stateful=True)(inputs))
    graph.save(tmp_path / "graph.gradstep")
    loaded = gs.models.load_model(tmp_path / "graph.gradstep")
    np.testing.assert_array_equal(loaded.predict(x, batch_size=8, verbose=0), graph.predict(x, batch_size=8, verbose=0))
    clone = gs.models.clone_model(model)
    clone.set_weights(model.get_weights())
    assert clone.layers[0].states[0].shape == (8, 4)


def test_what_a_stateful_layer_needs():
    with pytest.raises(ValueError, match=r"must begin with an Input of a fixed number of rows"):
        layers.LSTM(3, stateful=True)(gs.Input((3, 2)))
    with pytest.raises(ValueError, match="must be stateful to have states"):
        layers.LSTM(3).reset_states()


def test_a_model_is_built_for_a_number_of_rows(tmp_path):
    """As of tutorials that build a Sequential without an Input."""
    model = gs.Sequential([layers.LSTM(4, stateful=True), layers.Dense(1)])
    model.build((2, 3, 1))
    model.compile("adam", "mse")
    x = np.random.default_rng(0).normal(size=(6, 3, 1)).astype("f4")
    model.fit(x, x[:, 0], batch_size=2, shuffle=False, verbose=0)
    assert model.layers[0].states[0].shape == (2, 4)
    with pytest.raises(ValueError, match="batches of 2 rows"):
        model.predict(x, batch_size=3, verbose=0)
    model.save(tmp_path / "m.gradstep")
    again = gs.models.load_model(tmp_path / "m.gradstep")
    model.layers[0].reset_states()
    assert np.array_equal(*(one.predict(x, batch_size=2, verbose=0) for one in (model, again)))
    plain = gs.Sequential([layers.LSTM(4), layers.Dense(1)])
    plain.build((2, 3, 1))
    assert plain.predict(x, verbose=0).shape == (6, 1)
    with pytest.raises(ValueError, match=r"or be built for one, build\(\(32"):
        gs.Sequential([layers.LSTM(4, stateful=True)]).build((None, 3, 1))
