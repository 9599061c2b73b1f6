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
    """Weights of its own in every operation, and constants."""

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


def model_with(call, **attributes):
    def start(self):
        gs.Model.__init__(self, name="wrong")
        self.dense = layers.Dense(3)
        for name, value in attributes.items():
            setattr(self, name, value)

    return type("Wrong", (gs.Model,), {"__init__": start, "call": call})()


WRONG = {
    "numpy": (lambda self, x: np.exp(self.dense(x)), TypeError, r"call\(\) of Wrong 'wrong' .*numpy.exp .*Activation"),
    "numpy's function": (lambda self, x: np.concatenate([x, x]), TypeError, r"numpy.concatenate .*layers.Concatenate"),
    "method": (lambda self, x: self.dense(x).mean(), AttributeError, "cannot be traced: a symbolic tensor has no mean"),
    "branch": (lambda self, x: x if self.dense(x) > 0 else -x, TypeError, "cannot be traced.*compare.*forward"),
    "truth": (lambda self, x: x if self.dense(x) else -x, TypeError, "cannot be traced.*neither true nor false"),
    "loop": (lambda self, x: next(iter(x)), TypeError, "cannot be traced.*no numbers to go through"),
    "number": (lambda self, x: 3, TypeError, "must return symbolic tensors.*an int"),
    "nothing": (lambda self, x: None, TypeError, "must return symbolic tensors"),
    "new layer": (lambda self, x: layers.Dense(3)(x), ValueError, "must not make layer 'dense.*has weights.*attribute"),
    "new dropout": (lambda self, x: layers.Dropout(0.5)(self.dense(x)), ValueError, "must not make.*draws"),
    "training": (
        lambda self, x, training: self.dense(x) if training else x,
        ValueError,
        "must do the same for training=True and False",
    ),
    "always in training": (lambda self, x: self.dense(x, training=True), ValueError, "predict and evaluate never"),
    "two arguments": (lambda self, x, y: self.dense(x), TypeError, "one argument.*needs 'y' too"),
    "power": (lambda self, x: self.dense(x) ** 2, TypeError, r"cannot be traced.*\*\*"),
    "weight of a layer": (lambda self, x: self.dense(x) + self.dense.bias, TypeError, "one of another layer"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_traced(case):
    call, error, words = WRONG[case]
    model = model_with(call)
    with pytest.raises(error, match=words):
        model.predict(np.ones((2, 3)), verbose=0)
    assert not model.built


def test_loops_of_keras_are_refused_where_nothing_calls_them():
    class Loops(MADE["MLP"]):
        def train_step(self, data):
            raise AssertionError("fit does not call it")

    model, (x, y) = Loops(), data_of("MLP")
    model.compile("adam", "mse")
    with pytest.raises(NotImplementedError, match=r"train_step\(\) of Loops: .*value_and_grad"):
        model.fit(x, y, verbose=0)


def test_other_refusals():
    x = gs.Input((3,))
    y, both = layers.Dense(2)(x), type("Both", (gs.Model,), {"call": lambda self, x: x})
    with pytest.raises(TypeError, match="both"):
        both(x, y)

    class Late(layers.Layer):
        def call(self, x):
            return x @ self.add_weight((3, 3))

    with pytest.raises(ValueError, match=r"weights are added in build\(\)"):
        gs.Sequential([gs.Input((3,)), Late(), layers.Dense(1)])

    class Twins(layers.Layer):
        def __init__(self):
            super().__init__()
            self.a, self.b = layers.Dense(2, name="same"), layers.Dense(2, name="same")

        def call(self, x):
            return self.a(x) + self.b(x)

    with pytest.raises(ValueError, match="two are called 'same'"):
        Twins()(gs.Input((3,)))


def test_a_call_in_numpy_without_layers_computes_as_before():
    class Wave(layers.Layer):
        def call(self, x):
            return np.sin(x)

    x = np.linspace(0, 1, 6).reshape(2, 3)
    model = gs.Sequential([gs.Input((3,)), Wave()])
    np.testing.assert_allclose(model.predict(x, verbose=0), np.sin(x), rtol=1e-6)
    model.add(layers.Dense(1))
    model.compile("sgd", "mse")
    model.fit(x, x[:, :1], verbose=0)  # nothing before it is trained
    model = gs.Sequential([gs.Input((3,)), layers.Dense(3), Wave()])
    model.compile("sgd", "mse")
    with pytest.raises(NotImplementedError, match="must define backward"):
        model.fit(x, x, verbose=0)
