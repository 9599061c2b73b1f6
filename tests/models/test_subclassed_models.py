"""Models and layers with a method `call`: what it combines is what the engine runs, as in a functional model."""

from __future__ import annotations

import copy
import pickle

import gradstep as gs
import numpy as np
import pytest
from gradstep import layers
from subclassed import CASES, classes, data_of

MADE = classes(gs)
for name, cls in MADE.items():  # so that pickle finds them
    cls.__module__, cls.__qualname__ = __name__, name
    globals()[name] = cls


def trained(name, **options):
    gs.utils.set_random_seed(3)
    model, (x, y) = MADE[name](**options), data_of(name)
    model.compile("adam", CASES[name].loss)
    model.fit(x, y, epochs=2, batch_size=8, verbose=0)
    return model, x, y


def functional(units, head):
    """The same as `MLP`, of the same layers."""
    x = gs.Input((6,))
    h = x
    for layer in units:
        h = layer(h)
    return gs.Model(x, head(layers.Dropout(0.0)(h)))


def test_it_computes_what_a_functional_model_computes():
    x, y = data_of("MLP", 64)
    gs.utils.set_random_seed(0)
    model = MADE["MLP"]()
    model.build((None, 6))
    twin = functional([layers.Dense(8, "relu"), layers.Dense(8, "tanh")], layers.Dense(1))
    twin.set_weights(model.get_weights())
    histories = []
    for one in (model, twin):
        one.compile(gs.optimizers.Adam(0.01), "mse")
        histories.append(one.fit(x, y, epochs=3, shuffle=False, verbose=0).history)
    assert histories[0] == histories[1]
    for weight, other in zip(model.weights, twin.weights, strict=True):
        np.testing.assert_array_equal(weight, other)


def test_call_runs_at_the_first_build_and_never_again():
    calls = []

    class Counting(gs.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(2)

        def call(self, x):
            calls.append(x)
            return self.dense(x)

    model = Counting()
    model.compile("sgd", "mse")
    assert not model.built
    with pytest.raises(ValueError, match="is not built"):
        _ = model.inputs
    model.fit(np.ones((8, 3)), np.ones((8, 2)), epochs=2, verbose=0)
    model.predict(np.ones((8, 3)), verbose=0)
    assert [tensor.shape for tensor in calls] == [(None, 3)]


@pytest.mark.parametrize("name", CASES)
def test_it_is_all_that_a_model_is(name, tmp_path):
    model, x, y = trained(name)
    predicted = model.predict(x, verbose=0)
    np.testing.assert_allclose(model(x), predicted, rtol=1e-6, atol=1e-6)
    assert model.evaluate(x, y, verbose=0) > 0
    value, gradients = model.value_and_grad(x, y)
    assert value > 0
    assert [one.shape for one in gradients] == [one.shape for one in model.trainable_weights]
    predicted = model.predict(x, verbose=0)  # value_and_grad moved averages of normalization
    lines = []
    model.summary(expand_nested=True, print_fn=lines.append)
    trained_numbers = sum(weight.size for weight in model.trainable_weights)
    assert any(f" Trainable params: {trained_numbers:,} " in line for line in lines)
    model.save(tmp_path / "m.gradstep")
    model.save_weights(tmp_path / "m.safetensors")
    again = gs.models.load_model(tmp_path / "m.gradstep", custom_objects=MADE)
    clone = gs.models.clone_model(model)
    clone.load_weights(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(clone.predict(x, verbose=0), predicted)
    others = [again, pickle.loads(pickle.dumps(model)), copy.deepcopy(model)]
    histories = [one.fit(x, y, epochs=2, batch_size=8, verbose=0).history for one in (model, *others)]
    assert all(history == histories[0] for history in histories)
    for other in others:
        for weight, own in zip(other.weights, model.weights, strict=True):
            np.testing.assert_array_equal(weight, own)


@pytest.mark.parametrize("name", CASES)
def test_gradients_are_those_of_differences(name):
    before = gs.config.floatx()
    gs.config.set_floatx("float64")
    try:
        model, (x, y) = MADE[name](), data_of(name, 6)
        model.compile("sgd", CASES[name].loss)
        _, gradients = model.value_and_grad(x, y)
        random = np.random.default_rng(0)
        for weight, gradient in zip(model.trainable_weights, gradients, strict=True):
            direction = random.normal(size=weight.shape)
            at, values = weight.copy(), []
            for step in (1e-5, -1e-5):
                weight[...] = at + step * direction
                values.append(model.value_and_grad(x, y)[0])
            weight[...] = at
            # Central differences of a loss near 1 in float64: rounding 1e-16 / 1e-5, and a third derivative.
            np.testing.assert_allclose(
                (values[0] - values[1]) / 2e-5, (gradient * direction).sum(), rtol=1e-5, atol=1e-7
            )
    finally:
        gs.config.set_floatx(before)


class Scale(layers.Layer):
    """A layer's own weights, and constants, in every operation of tensors."""

    def build(self, input_shape):
        n = input_shape[-1]
        self.w = self.add_weight((n, n), name="w", constraint="max_norm", regularizer="l2")
        self.b = self.add_weight((n,), "ones", name="b", regularizer="l1")
        self.fixed = self.add_weight((), "ones", trainable=False, name="fixed")

    def call(self, x, factor=1.0):
        waves = np.sin(np.arange(x.shape[-1]))
        return (waves - self.b * x + self.fixed) @ self.w / (2 + waves) * factor


def test_weights_of_a_layer_in_arithmetic():
    x = np.random.default_rng(0).normal(size=(5, 3)).astype("float32")
    layer = Scale()
    y = layer(x, factor=2.0)
    waves = np.sin(np.arange(3)).astype("float32")
    np.testing.assert_allclose(y, (waves - layer.b * x + 1) @ layer.w / (2 + waves) * 2, rtol=1e-5, atol=1e-6)
    assert layer.weight_names == ["w", "b", "fixed"]
    assert [len(layer.trainable_weights), len(layer.non_trainable_weights), len(layer.losses)] == [2, 1, 2]
    layer(x, training=True, factor=2.0)
    dx, (dw, db) = layer.backward(np.ones((5, 3)))
    assert (dx.shape, dw.shape, db.shape) == ((5, 3), (3, 3), (3,))
    model = gs.Sequential([gs.Input((3,)), layer, layers.Dense(1)])
    model.compile(gs.optimizers.SGD(0.1), "mse")
    model.fit(x, x[:, :1], epochs=20, verbose=0)
    assert np.linalg.norm(layer.w, axis=0).max() <= 2 + 1e-5
    assert float(layer.fixed) == 1.0
    layer.trainable = False
    model.compile("sgd", "mse")
    before = layer.get_weights()
    model.fit(x, x[:, :1], verbose=0)
    for weight, kept in zip(layer.weights, before, strict=True):
        np.testing.assert_array_equal(weight, kept)


class Two(layers.Layer):
    """Several arguments, several outputs, and options."""

    def __init__(self, units, **options):
        super().__init__(**options)
        self.left, self.right = layers.Dense(units), layers.Dense(units)

    def call(self, query, context, training=None, swap=False):
        a, b = self.left(query), self.right(context)
        return {"sum": a + b, "both": (b, a) if swap else (a, b)}


def test_several_arguments_and_outputs(tmp_path):
    x, z = gs.Input((3,), name="x"), gs.Input((3,), name="z")
    two = Two(2)
    made = two(x, context=z, swap=True)
    assert made["both"][0].shape == (None, 2)
    model = gs.Model([x, z], [made["sum"], made["both"][0]])
    data = [np.random.default_rng(i).normal(size=(4, 3)).astype("float32") for i in range(2)]
    total, first = model.predict(data, verbose=0)
    np.testing.assert_allclose(first, two.right(data[1]), rtol=1e-6)
    np.testing.assert_allclose(total, two.left(data[0]) + two.right(data[1]), rtol=1e-6)
    alone = two(*data, swap=True)
    np.testing.assert_allclose(alone["both"][0], first, rtol=1e-6)
    model.save(tmp_path / "m.gradstep")
    again = gs.models.load_model(tmp_path / "m.gradstep", custom_objects={"Two": Two})
    np.testing.assert_array_equal(again.predict(data, verbose=0)[1], first)


def test_masks_travel_through_layers():
    class Reader(layers.Layer):
        def __init__(self, **options):
            super().__init__(**options)
            self.embedding, self.rnn = layers.Embedding(9, 4, mask_zero=True), layers.LSTM(3)

        def call(self, x, mask=None):
            return self.rnn(self.embedding(x), mask=mask)

    words = np.array([[3, 5, 0, 0], [1, 2, 3, 4]])
    reader = Reader()
    y = reader(words)
    np.testing.assert_allclose(y, reader.rnn(reader.embedding(words), mask=words != 0), rtol=1e-6)
    other = words != 5
    np.testing.assert_allclose(reader(words, mask=other), reader.rnn(reader.embedding(words), mask=other), rtol=1e-6)
    model = gs.Sequential([gs.Input((4,)), reader, layers.Dense(1)])
    np.testing.assert_allclose(model.predict(words, verbose=0), model.layers[1](y), rtol=1e-5)


def test_a_layer_made_of_layers_stands_in_layers_and_models():
    x = np.random.default_rng(0).normal(size=(4, 5, 6)).astype("float32")
    block = MADE["TransformerBlock"](6, 2)
    deep = gs.Sequential([gs.Input((5, 6)), block, layers.Flatten(), layers.Dense(1)])
    twice = gs.Input((5, 6))
    shared = gs.Model(twice, block(block(twice)))
    assert len(shared.weights) == len(block.weights)
    np.testing.assert_allclose(shared.predict(x, verbose=0), block(block(x)), rtol=1e-4, atol=1e-5)
    assert deep.count_params() == block.count_params() + 31
    linear = MADE["Linear"](2)
    steps = gs.Sequential([gs.Input((5, 6)), layers.TimeDistributed(linear)])
    np.testing.assert_allclose(steps.predict(x, verbose=0), linear(x.reshape(20, 6)).reshape(4, 5, 2), rtol=1e-5)


def same_after_files(model, folder, x):
    """Whether files, a copy and a clone with the same weights predict what a model predicts."""
    model.save(folder / "m.gradstep")
    model.save_weights(folder / "m.safetensors")
    clone = gs.models.clone_model(model)
    clone.load_weights(folder / "m.safetensors")
    others = [gs.models.load_model(folder / "m.gradstep", custom_objects=MADE), copy.deepcopy(model), clone]
    return all(np.array_equal(other.predict(x, verbose=0), model.predict(x, verbose=0)) for other in others)


class Around(layers.Layer):
    """A layer that its constructor gets."""

    def __init__(self, inner, scale=1.0, **options):
        super().__init__(**options)
        self.inner, self.scale = inner, scale

    def call(self, x):
        return x + self.inner(x) * self.scale


def test_layers_and_models_in_others_are_in_files(tmp_path, monkeypatch):
    monkeypatch.setitem(MADE, "Around", Around)
    x = np.random.default_rng(0).normal(size=(4, 5, 6)).astype("float32")
    steps = [layers.TimeDistributed(MADE["MLP"](4)), layers.TimeDistributed(MADE["Linear"](2))]
    model = gs.Sequential([gs.Input((5, 6)), *steps, layers.Flatten()])
    model.compile("adam", "mse")
    model.fit(x, np.ones((4, 10)), verbose=0)
    assert same_after_files(model, tmp_path, x)
    inputs = gs.Input((5, 6))
    h = Around(gs.Sequential([layers.Dense(6)]), 0.5)(Around(layers.Dense(6))(inputs))
    model = gs.Model(inputs, MADE["Recurrent"]()(h) - MADE["Recurrent"]()(inputs))
    assert same_after_files(model, tmp_path, x)


def test_frozen_layers_stay_frozen_in_files(tmp_path):
    model, (x, y) = MADE["ResNet"](), data_of("ResNet")
    model.blocks[0].trainable = False
    model.compile("adam", CASES["ResNet"].loss)
    model.fit(x, y, verbose=0)
    model.save(tmp_path / "m.gradstep")
    again = gs.models.load_model(tmp_path / "m.gradstep", custom_objects=MADE)
    assert len(again.trainable_weights) == len(model.trainable_weights) == 9
    inputs = gs.Input((8, 8, 3))
    tuned = gs.Model(inputs, layers.Dense(1)(model(inputs, training=False)))
    tuned.compile("adam", "mse")
    mean = model.blocks[1].norm.moving_mean.copy()
    tuned.fit(x, np.zeros((len(x), 1)), verbose=0)
    np.testing.assert_array_equal(model.blocks[1].norm.moving_mean, mean)


def test_before_it_is_built_compile_knows_wrong_names_and_copies_learn():
    model, (x, y) = MADE["MLP"](), data_of("MLP")
    with pytest.raises(ValueError, match="loss must be one of"):
        model.compile("adam", "msee")
    with pytest.raises(ValueError, match="metrics must be one of"):
        model.compile("adam", "mse", metrics=["nothing"])
    with pytest.raises(ValueError, match="compile"):
        model.fit(x, y)
    model = MADE["MLP"]()
    model.compile("adam", "mse", metrics=["mae"])
    assert gs.fit_many(model, 2, x, y, verbose=0).predict(x, reduce=None).shape == (2, len(x), 1)
    history = model.fit(((x, y) for _ in range(2)), validation_data=(x, y), verbose=0).history
    assert sorted(history) == ["loss", "mae", "val_loss", "val_mae"]


def test_training_is_handed_on():
    class Noisy(gs.Model):
        def __init__(self):
            super().__init__()
            self.dropout, self.frozen = layers.Dropout(0.5), layers.Dropout(0.5)

        def call(self, x, training=None):
            if training:
                x = self.dropout(x)
            return self.frozen(x, training=False)

    model, x = Noisy(), np.ones((200, 3))
    np.testing.assert_array_equal(model(x), x)
    assert set(np.unique(model(x, training=True))) == {0, 2}


def test_layers_hold_for_good_once_the_model_is_built():
    model, _, _ = trained("MLP")
    with pytest.raises(AttributeError, match=r"head of model 'mlp.*holds for good"):
        model.head = layers.Dense(3)
    model.note = "any other attribute"
    with pytest.raises(ValueError, match="clone_function must be None"):
        gs.models.clone_model(model, lambda layer: layer)
