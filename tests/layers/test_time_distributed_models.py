"""TimeDistributed of models: the model called on each step by hand."""

from __future__ import annotations

import pickle
from copy import deepcopy

import gradstep as gs
import numpy as np
import pytest
from step_by_step import compare_with_calls_on_steps
from threads import same_at_any_number_of_threads

layers = gs.layers
KIND = {"dtype": "float64"}


def chain():
    return gs.Sequential([gs.Input((3,), dtype="float64"), layers.Dense(5, "tanh", **KIND), layers.Dense(2, **KIND)])


def convolutional():
    """Of layers that are not done at all steps at once."""
    row = [layers.Conv1D(3, 2, activation="relu", **KIND), layers.MaxPooling1D(2, **KIND), layers.Flatten(**KIND)]
    return gs.Sequential([*row, layers.Dense(3, "sigmoid", kernel_regularizer="l2", **KIND)])


def graph():
    x = gs.Input((4,), dtype="float64")
    shared = layers.Dense(4, "tanh", **KIND)
    h = layers.Add(**KIND)([shared(x), shared(shared(x))])
    return gs.Model(x, layers.LayerNormalization(**KIND)(layers.Concatenate(**KIND)([h, x])))


def nested():
    x = gs.Input((5, 2), dtype="float64")
    return gs.Model(x, layers.LSTM(3, **KIND)(layers.TimeDistributed(inner_row())(x)))


def inner_row():
    return gs.Sequential([gs.Input((2,), dtype="float64"), layers.Dense(3, **KIND), layers.LayerNormalization(**KIND)])


def twice():
    """Sequences of sequences."""
    return layers.TimeDistributed(gs.Sequential([layers.Dense(3, "relu", **KIND), layers.Dense(2, **KIND)]))


def twice_apart():
    return layers.TimeDistributed(gs.Sequential([layers.LayerNormalization(**KIND), layers.Dense(2, **KIND)]))


CASES = {
    "chain": (chain, (3,)),
    "convolution": (convolutional, (6, 2)),
    "graph": (graph, (4,)),
    "nested": (nested, (5, 2)),
    "twice": (twice, (4, 3)),
    "twice apart": (twice_apart, (4, 3)),
}


def data(row, steps=3, seed=0):
    return np.random.default_rng(seed).normal(size=(6, steps, *row))


def around(inner, row, steps=3):
    made = gs.Sequential([gs.Input((steps, *row), dtype="float64"), layers.TimeDistributed(inner, name="each")])
    made.add(layers.Flatten(**KIND))
    made.add(layers.Dense(1, **KIND))
    made.compile("adam", loss="mse")
    return made


@pytest.mark.parametrize("name", CASES)
def test_each_step_is_a_call_of_the_model(name):
    make, row = CASES[name]
    layer, x = layers.TimeDistributed(make()), data(row)
    compare_with_calls_on_steps(layer, make, x, {2: 0.02} if name == "convolution" else {})
    assert [weight.shape for weight in layer.weights] == [weight.shape for weight in layer.layer.weights]
    assert layer.compute_output_shape((None, 3, *row)) == (None, *layer(x).shape[1:])


@pytest.mark.parametrize("name", CASES)
def test_in_a_model_and_its_files(name, tmp_path):
    make, row = CASES[name]
    x, y = data(row), np.random.default_rng(2).normal(size=(6, 1))
    model = around(make(), row)
    before = model.evaluate(x, y, verbose=0)
    model.fit(x, y, epochs=4, batch_size=4, verbose=0)
    assert model.evaluate(x, y, verbose=0) < before
    model.save(tmp_path / "model.gradstep")
    wanted = model.predict(x, verbose=0)
    loaded = gs.models.load_model(tmp_path / "model.gradstep")
    for other in (loaded, pickle.loads(pickle.dumps(model)), deepcopy(model)):
        np.testing.assert_array_equal(other.predict(x, verbose=0), wanted)
        assert other.weight_names == model.weight_names
        assert all((a is not b) and (a == b).all() for a, b in zip(other.weights, model.weights, strict=True))
    after = model.fit(x, y, epochs=6, initial_epoch=4, batch_size=4, verbose=0).history
    assert loaded.fit(x, y, epochs=6, initial_epoch=4, batch_size=4, verbose=0).history == after
    for other in (gs.models.clone_model(model), gs.models.model_from_json(model.to_json())):
        assert other.to_json() == model.to_json()
        other.set_weights(model.get_weights())
        np.testing.assert_array_equal(other.predict(x, verbose=0), model.predict(x, verbose=0))
    layer = model.get_layer("each")
    copied = pickle.loads(pickle.dumps(layer))
    np.testing.assert_array_equal(copied(x), layer(x))
    again = layers.TimeDistributed.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()


def test_weights_names_and_summary(capsys):
    model = around(gs.Sequential([layers.Dense(2, name="inside", **KIND), layers.Flatten(**KIND)], name="row"), (3,))
    assert model.weight_names[:2] == ["each/row/inside/kernel", "each/row/inside/bias"]
    model.summary()
    assert "each (TimeDistributed)" in capsys.readouterr().out
    layer = model.get_layer("each")
    assert layer.count_params() == 8
    assert layer.trainable
    layer.trainable = False
    assert not layer.layer.trainable
    model.compile("sgd", "mse")
    before = layer.get_weights()
    model.fit(data((3,)), np.zeros((6, 1)), verbose=0)
    assert all((a == b).all() for a, b in zip(before, layer.weights, strict=True))
    layer.set_weights([np.ones((3, 2)), np.zeros(2)])
    assert (layer.layer.layers[0].kernel == 1).all()


def test_steps_share_the_layers_with_calls_outside():
    """One model on each step of a sequence and on a row beside it: gradients of both are added up."""
    inner = gs.Sequential([gs.Input((3,), dtype="float64"), layers.LayerNormalization(**KIND), layers.Dense(2, **KIND)])
    x, row = gs.Input((4, 3), dtype="float64"), gs.Input((3,), dtype="float64")
    steps = layers.GlobalAveragePooling1D(**KIND)(layers.TimeDistributed(inner)(x))
    model = gs.Model([x, row], layers.Add(**KIND)([steps, inner(row)]))
    model.compile("sgd", "mse")
    xs, y = [data((3,), 4), data((3,), 1)[:, 0]], np.zeros((6, 2))
    _, gradients = model.value_and_grad(xs, y)
    kernel, step = inner.layers[1].kernel, 1e-6
    for place in np.ndindex(3, 2):
        values = []
        for sign in (1, -1):
            kernel[place] += sign * step
            values.append(model.evaluate(xs, y, verbose=0))
            kernel[place] -= sign * step
        found = gradients[[w is kernel for w in model.trainable_weights].index(True)][place]
        np.testing.assert_allclose(found, (values[0] - values[1]) / 2 / step, rtol=1e-6, atol=1e-9)
    again = gs.models.model_from_json(model.to_json())
    assert len(again.weights) == len(model.weights) == 4
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again.predict(xs, verbose=0), model.predict(xs, verbose=0))


def test_masks_and_draws():
    x = data((3,), 6)
    mask = np.random.default_rng(3).random((6, 6)) < 0.6
    mask[:, 0] = True
    x[~mask] = 0
    inner = gs.Sequential([layers.LayerNormalization(**KIND), layers.Dense(2, **KIND)])
    model = gs.Sequential([gs.Input((6, 3)), layers.Masking(**KIND), layers.TimeDistributed(inner)])
    model.compile("sgd", loss="mse")
    outputs = model.predict(x, verbose=0)
    np.testing.assert_allclose(
        model.evaluate(x, np.zeros_like(outputs), verbose=0), (outputs**2).mean(-1)[mask].mean(), rtol=1e-12
    )
    ids = np.random.default_rng(4).integers(0, 5, (6, 3, 4))
    within = gs.Sequential([gs.Input((4,)), layers.Embedding(5, 3, mask_zero=True, **KIND), layers.GRU(2, **KIND)])
    each = layers.TimeDistributed(within)(ids)
    for step in range(3):  # masks that are made within a step stay there
        np.testing.assert_allclose(each[:, step], within(ids[:, step]), rtol=1e-12)
    drawing = gs.Sequential([layers.Flatten(**KIND), layers.Dropout(0.5, seed=1, **KIND)])
    y = layers.TimeDistributed(drawing)(np.ones((4, 6, 20)), training=True)
    assert set(np.unique(y)) == {0.0, 2.0}
    assert all((y[:, i] != y[:, j]).any() for i in range(6) for j in range(i))


@pytest.mark.parametrize("name", ["convolution", "nested"])
def test_same_bits_at_any_number_of_threads(name):
    make, row = CASES[name]
    x, y = data(row), np.random.default_rng(2).normal(size=(6, 1))
    model = around(make(), row)
    start = model.get_weights()

    def trained():
        model.set_weights(start)
        model.compile("adam", "mse")
        model.fit(x, y, epochs=2, batch_size=4, shuffle=False, verbose=0)
        return model.get_weights()

    same_at_any_number_of_threads(trained)


def test_what_is_refused():
    x = gs.Input((3,))
    with pytest.raises(ValueError, match="must have one input and one output"):
        layers.TimeDistributed(gs.Model([x], [layers.Dense(2)(x), x]))
    with pytest.raises(ValueError, match="must have one input and one output"):
        layers.TimeDistributed(layers.LSTM(2, return_state=True))
    with pytest.raises(ValueError, match="must have a layer"):
        layers.TimeDistributed(gs.Sequential())
    layer = layers.TimeDistributed(gs.Sequential([layers.Dense(2, **KIND)]))
    with pytest.raises(ValueError, match="must get inputs of shape"):
        layer(np.zeros((3, 4)))
    with pytest.raises(RuntimeError, match="must be called with training=True"):
        layer.backward(np.zeros((3, 4, 2)))
    layer(np.zeros((3, 4, 5)))
    with pytest.raises(ValueError, match=r"input_shape has rows of shape \(6,\)"):
        layer(np.zeros((3, 4, 6)))
