"""A layer that was called takes inputs of other sizes too, on arrays and in models, if no weight depends on them."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradstep import layers as L
from tangent_cases import CASES

RNG = np.random.default_rng(0)


def leaves(make):
    return [leaf for leaf in make()._leaves.values() if not isinstance(leaf, L.InputLayer)]


def rows_of(layer):
    """Shapes of a row of its inputs, and whether they are a list."""
    shape = layer.input_shape
    several = isinstance(shape, list)
    return [one[1:] for one in (shape if several else [shape])], several


def others(rows):
    """The rows with each axis but the last, and all of them, longer."""
    count = min(len(row) for row in rows) - 1
    for axes in {tuple(range(count)), *((axis,) for axis in range(count))} - {()}:
        yield [tuple(size + 2 * (axis in axes) for axis, size in enumerate(row)) for row in rows]


def arrays(layer, rows):
    whole = isinstance(layer, L.Embedding) or not layer.dtype.startswith("float")
    return [RNG.integers(1, 3, (4, *row)) if whole else RNG.normal(size=(4, *row)).astype("float32") for row in rows]


def copied(layer):
    return type(layer).from_config(layer.get_config())


def computed(layer, several, xs):
    if isinstance(layer, (L.Attention, L.AdditiveAttention)):
        return layer(list(xs))
    if type(layer).__name__ == "MultiHeadAttention":
        return layer(*xs)
    return layer(list(xs) if several else xs[0])


PAIRS = [
    pytest.param(name, number, id=f"{name}-{number}")
    for name, make in CASES.items()
    for number, leaf in enumerate(leaves(make))
    if not getattr(leaf, "stateful", False)
]


def flat(value):
    return [one for part in value for one in flat(part)] if isinstance(value, (list, tuple)) else [value]


@pytest.mark.parametrize(("name", "number"), PAIRS)
def test_a_call_of_other_sizes(name, number):
    gs.utils.set_random_seed(0)
    case = leaves(CASES[name])[number]
    rows, several = rows_of(case)
    tried = 0
    for changed in others(rows):
        layer, fresh = copied(case), copied(case)
        first = arrays(layer, rows)
        before = flat(computed(layer, several, first))
        xs = arrays(layer, changed)
        try:
            computed(fresh, several, xs)
        except ValueError:
            fits = False
        else:
            fits = [w.shape for w in fresh.weights] == [w.shape for w in layer.weights]
        weights = layer.get_weights()
        if fits:
            fresh.set_weights(weights)
            for mine, theirs in zip(
                flat(computed(layer, several, xs)), flat(computed(fresh, several, xs)), strict=True
            ):
                assert np.array_equal(mine, theirs)
            tried += 1
        else:
            with pytest.raises(ValueError, match=r"\w"):
                computed(layer, several, xs)
        for mine, theirs in zip(weights, layer.weights, strict=True):
            assert np.array_equal(mine, theirs)
        for mine, theirs in zip(flat(computed(layer, several, first)), before, strict=True):
            assert np.array_equal(mine, theirs)


def both_in_one_model(layer, several, rows, changed):
    """What a model gives for inputs of both sizes, and what the layer gives for each."""
    whole = isinstance(layer, L.Embedding)
    inputs = [[gs.Input(row, dtype="int32" if whole else None) for row in each] for each in (rows, changed)]
    outputs = [flat(computed(layer, several, each)) for each in inputs]
    model = gs.Model([*inputs[0], *inputs[1]], [*outputs[0], *outputs[1]])
    data = arrays(layer, rows), arrays(layer, changed)
    got = model.predict([*data[0], *data[1]], verbose=0)
    expected = [one for each in data for one in flat(computed(layer, several, each))]
    return got, expected


@pytest.mark.parametrize(("name", "number"), PAIRS)
def test_calls_of_two_sizes_in_one_model(name, number):
    case = leaves(CASES[name])[number]
    rows, several = rows_of(case)
    for changed in others(rows):
        layer = copied(case)
        computed(layer, several, arrays(layer, rows))
        try:
            computed(layer, several, arrays(layer, changed))
        except ValueError:
            continue
        for got, expected in zip(*both_in_one_model(copied(case), several, rows, changed), strict=True):
            assert np.array_equal(got, expected)


@pytest.mark.parametrize(
    ("make", "rows", "changed"),
    [
        (lambda: L.Dense(3, activation="tanh"), (3, 4), (5, 4)),
        (lambda: L.LSTM(3, return_sequences=True), (3, 4), (5, 4)),
        (lambda: L.Conv2D(3, 2), (4, 4, 2), (6, 5, 2)),
        (lambda: L.BatchNormalization(), (3, 4), (5, 4)),
        (lambda: L.MaxPooling1D(2), (4, 3), (6, 3)),
    ],
)
def test_gradients_are_of_the_last_call_in_training(make, rows, changed):
    layer, fresh = make(), make()
    layer(np.ones((2, *rows)))
    x = RNG.normal(size=(4, *changed)).astype("float32")
    fresh.build((None, *changed))
    fresh.set_weights(layer.get_weights())
    y, expected = layer(x, training=True), fresh(x, training=True)
    layer(np.ones((2, *rows)))
    dy = RNG.normal(size=y.shape).astype("float32")
    (dx, dws), (dx_expected, dws_expected) = layer.backward(dy), fresh.backward(dy)
    for got, wanted in zip([y, dx, *dws], [expected, dx_expected, *dws_expected], strict=True):
        assert np.array_equal(got, wanted)


class Tower(gs.Model):
    """One encoder, of a Sequential without an Input, for two inputs."""

    def __init__(self):
        super().__init__()
        self.encoder = gs.Sequential([L.Embedding(9, 4), L.Dense(4, "tanh"), L.LSTM(3)])
        self.dot = L.Dot(1)

    def call(self, inputs):
        first, second = inputs
        return self.dot([self.encoder(first), self.encoder(second)])


def test_a_shared_encoder_of_two_lengths_learns_as_with_any_size():
    """Of the first data; as of a model for any sizes."""
    a, b = RNG.integers(0, 9, (12, 3)), RNG.integers(0, 9, (12, 5))
    y = RNG.normal(size=(12, 1))
    models = Tower(), Tower()
    models[1].build([(None, None), (None, None)])
    models[1].compile("adam", "mse")
    models[0].compile("adam", "mse")
    models[0].predict([a, b], verbose=0)
    models[0].set_weights(models[1].get_weights())
    for model in models:
        model.fit([a, b], y, epochs=2, shuffle=False, verbose=0)
    for one, other in zip(models[0].get_weights(), models[1].get_weights(), strict=True):
        assert np.array_equal(one, other)
    assert np.array_equal(*(model.predict([b, a], verbose=0) for model in models))


def test_a_model_that_was_made_before_goes_on():
    layer = L.Dense(3)
    x = gs.Input((3, 4))
    model = gs.Model(x, layer(x))
    model.compile("adam", "mse")
    data = RNG.normal(size=(8, 3, 4)), RNG.normal(size=(8, 3, 3))
    before = model.predict(data[0], verbose=0)
    layer(np.ones((2, 5, 4)))
    assert np.array_equal(model.predict(data[0], verbose=0), before)
    model.fit(*data, verbose=0)
    assert not np.array_equal(model.predict(data[0], verbose=0), before)
    assert np.array_equal(layer(data[0]), model.predict(data[0], verbose=0))
    with pytest.raises(ValueError, match="the model takes"):
        model.predict(np.ones((2, 5, 4)), verbose=0)


def test_each_model_says_its_own_sizes():
    embedding = L.Embedding(9, 4, name="e")
    models = {size: gs.Sequential([gs.Input((size,)), embedding, L.LSTM(3)]) for size in (3, 6)}
    for size, model in models.items():
        lines = []
        model.summary(print_fn=lines.append)
        assert f"(None, {size}, 4)" in "".join(lines)
        assert (model.input_shape, model.output_shape) == ((None, size), (None, 3))


class OfOwnWeights(L.Layer):
    """The input times a weight that the layer made, plus two vectors."""

    def build(self, input_shape):
        self.kernel = self.add_weight((input_shape[-1], 3), name="kernel")
        self.bias = self.add_weight((3,), "ones", name="bias")

    def call(self, x):
        return (x @ self.kernel + self.bias) * self.bias


def test_a_layer_of_own_weights_in_calls_of_two_sizes():
    layer, shared = OfOwnWeights(), OfOwnWeights()
    a, b = gs.Input((3, 4)), gs.Input((5, 4))
    model = gs.Model([a, b], [shared(a), shared(b)])
    layer(np.ones((1, 3, 4)))
    layer.set_weights(shared.get_weights())
    data = [RNG.normal(size=(6, size, 4)).astype("float32") for size in (3, 5)]
    for got, x in zip(model.predict(data, verbose=0), data, strict=True):
        assert np.array_equal(got, layer(x))
    model.compile("sgd", "mse")
    value, (kernel, bias) = model.value_and_grad(data, [np.zeros((6, size, 3)) for size in (3, 5)])
    each = [gs.Model(one, layer(one)) for one in (gs.Input((3, 4)), gs.Input((5, 4)))]
    sums = [0.0, np.zeros((4, 3)), np.zeros(3)]
    for one, x in zip(each, data, strict=True):
        one.compile("sgd", "mse")
        part, grads = one.value_and_grad(x, np.zeros((6, x.shape[1], 3)))
        sums = [total + new for total, new in zip(sums, [part, *grads], strict=True)]
    for got, expected in zip([value, kernel, bias], sums, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)
