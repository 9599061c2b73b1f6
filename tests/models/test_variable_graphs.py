"""Graphs of layers whose inputs have None in their shape: several inputs, shared layers, masks, models in models."""

from __future__ import annotations

import pickle

import gradstep as gs
import numpy as np
import pytest
from gradstep import layers as L

pytestmark = pytest.mark.usefixtures("float64_by_default")
random = np.random.default_rng(0)


def translator(source, target, shared=True):
    """Encoder and decoder; shared: whether both look words up in one table."""
    gs.utils.set_random_seed(1)
    a, b = gs.Input((source,), dtype="int32", name="a"), gs.Input((target,), dtype="int32", name="b")
    table = L.Embedding(30, 8, mask_zero=True, name="table")
    other = table if shared else L.Embedding(30, 8, mask_zero=True, name="other")
    _, h, c = L.LSTM(8, return_state=True, name="encoder")(table(a))
    steps = L.LSTM(8, return_sequences=True, name="decoder")(other(b), initial_state=[h, c])
    seen = L.MultiHeadAttention(2, 4, name="seen")(steps, table(a))
    outputs = L.Dense(30, "softmax", name="words")(L.Add(name="both")([steps, seen]))
    model = gs.Model([a, b], outputs, seed=2)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def sentences(source, target, rows=6):
    a, b = random.integers(1, 30, (rows, source)), random.integers(1, 30, (rows, target))
    a[0, source // 2 :] = 0
    return [a, b], random.integers(0, 30, (rows, target))


def of_each(model, values=None):
    return dict(zip(model.weight_names, model.get_weights() if values is None else values, strict=True))


def test_a_layer_that_is_shared_by_inputs_of_two_sizes():
    """Its gradient is the sum of those of two layers with the same weights."""
    model, apart = translator(None, None), translator(9, 5, shared=False)
    known = of_each(model)
    known["other/embeddings"] = known["table/embeddings"]
    apart.set_weights([known[name] for name in apart.weight_names])
    x, y = sentences(9, 5)
    np.testing.assert_array_equal(model.predict(x, verbose=0), apart.predict(x, verbose=0))
    (value, gradients), (expected, others) = model.value_and_grad(x, y), apart.value_and_grad(x, y)
    assert value == expected
    found, others = of_each(model, gradients), of_each(apart, others)
    others["table/embeddings"] = others["table/embeddings"] + others.pop("other/embeddings")
    assert found.keys() == others.keys()
    for name, gradient in found.items():
        np.testing.assert_allclose(gradient, others[name], rtol=1e-12, atol=1e-15, err_msg=name)


def test_sizes_of_two_inputs_differ_from_batch_to_batch():
    model = translator(None, None)
    assert model.output_shape == (None, None, 30)
    sizes = [(9, 5), (4, 4), (5, 9), (9, 5)]
    batches = [sentences(*size) for size in sizes]
    logs = model.fit(iter(batches), steps_per_epoch=4, verbose=0).history
    assert np.isfinite(logs["loss"][0])
    other = translator(None, None)
    for x, y in batches:
        other.train_on_batch(x, y)
    for one, two in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


def tower(size, rank=1):
    x = gs.Input((size, 4))
    h = L.Dense(5, "tanh")(x)
    h = L.LayerNormalization()(h)
    h = L.Conv1D(4, 3, padding="same", activation="relu")(h)
    h = L.Bidirectional(L.GRU(3, return_sequences=True))(h)
    h = L.MultiHeadAttention(2, 3)(h, h)
    return gs.Model(x, L.GlobalAveragePooling1D()(h))


def pair(first, second, size=None):
    """One model on two inputs."""
    gs.utils.set_random_seed(1)
    a, b, inner = gs.Input((first, 4), name="a"), gs.Input((second, 4), name="b"), tower(size)
    model = gs.Model([a, b], L.Dense(1)(L.Concatenate()([inner(a), inner(b)])))
    model.compile("adam", "mse")
    return model


def test_a_model_on_inputs_of_two_sizes():
    x, y = [random.normal(size=(6, 9, 4)), random.normal(size=(6, 5, 4))], random.normal(size=(6, 1))
    model, fixed = pair(None, None), pair(9, 5)  # inputs of known sizes around a model that takes any
    np.testing.assert_array_equal(model.predict(x, verbose=0), fixed.predict(x, verbose=0))
    _, gradients = model.value_and_grad(x, y)
    for weight, gradient in zip(model.trainable_weights, gradients, strict=True):
        flat = weight.reshape(-1)
        for i in random.integers(0, flat.size, 3):
            sides, start = [], flat[i]
            for step in (1e-5, -1e-5):
                flat[i] = start + step
                sides.append(model.evaluate(x, y, verbose=0))
            flat[i] = start
            assert (sides[0] - sides[1]) / 2e-5 == pytest.approx(gradient.reshape(-1)[i], rel=1e-6, abs=1e-9)
    options = {"epochs": 2, "shuffle": False, "verbose": 0}
    assert model.fit(x, y, **options).history == fixed.fit(x, y, **options).history
    same, one = pair(None, None), pair(5, 5, 5)
    x = [x[1], x[1][::-1]]
    assert same.fit(x, y, **options).history == one.fit(x, y, **options).history
    assert same.value_and_grad(x, y)[0] == one.value_and_grad(x, y)[0]


def test_sizes_that_are_known_behind_a_model_of_any_size():
    """A trunk for images of any size, on images of one: what follows may depend on it."""
    x = gs.Input((None, None, 3))
    trunk = gs.Model(x, L.MaxPooling2D(2)(L.Conv2D(4, 3, padding="same")(x)))
    model = gs.Sequential([gs.Input((8, 8, 3)), trunk, L.Flatten(), L.Dense(2)])
    assert model.layers[1].output_shape == (None, 64)
    assert trunk.compute_output_shape((None, 8, 8, 3)) == (None, 4, 4, 4)
    images = random.normal(size=(3, 8, 8, 3))
    np.testing.assert_allclose(
        model.predict(images, verbose=0), model.layers[2](trunk(images).reshape(3, -1)), rtol=1e-12
    )
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.predict(images, verbose=0), model.predict(images, verbose=0))


def test_a_model_with_masks_as_arguments():
    a, mask = gs.Input((None, 4)), gs.Input((None,), dtype="bool")
    model = gs.Model([a, mask], L.LSTM(3)(a, mask=mask))
    plain = gs.Model(a, L.LSTM(3)(a))
    plain.set_weights(model.get_weights())
    for steps in (5, 8):
        x, counts = random.normal(size=(4, steps, 4)), random.random((4, steps)) < 0.6
        expected = model.layers[-1](x, mask=counts)
        np.testing.assert_array_equal(model.predict([x, counts], verbose=0), expected)
        np.testing.assert_array_equal(plain(x, mask=counts), expected)
        np.testing.assert_array_equal(plain(x, training=True, mask=counts), expected)
        dx, _ = plain.backward(np.ones((4, 3)))
        assert dx.shape == x.shape


def test_losses_and_weights_of_each_step():
    def build(steps):
        gs.utils.set_random_seed(1)
        x = gs.Input((steps, 3))
        h = L.GRU(5, return_sequences=True)(L.Masking()(x))
        model = gs.Model(x, {"kind": L.Dense(4, "softmax", name="kind")(h), "size": L.Dense(2, name="size")(h)})
        losses = {"kind": "sparse_categorical_crossentropy", "size": "mse"}
        model.compile("adam", losses, weighted_metrics={"kind": ["accuracy"], "size": ["mae"]})
        return model

    model = build(None)
    for steps in (6, 3):
        x = random.normal(size=(10, steps, 3))
        x[2, 1:] = 0
        y = {"kind": random.integers(0, 4, (10, steps)), "size": random.normal(size=(10, steps, 2))}
        weights = {name: random.random((10, steps)) for name in y}
        fixed = build(steps)
        fixed.set_weights(model.get_weights())
        options = {"sample_weight": weights, "verbose": 0}
        assert model.evaluate(x, y, **options) == fixed.evaluate(x, y, **options)
        outputs = model.predict(x, verbose=0)
        assert outputs["kind"].shape == (10, steps, 4)
        np.testing.assert_array_equal(outputs["size"], fixed.predict(x, verbose=0)["size"])


class Scale(gs.layers.Layer):
    """A custom layer, as its user writes it."""

    supports_masking = True

    def build(self, input_shape):
        self.w = self.add_weight((input_shape[-1],), "ones", name="w")

    def forward(self, x, training=False):
        self.x = x
        return x * self.w

    def backward(self, dy):
        return dy * self.w, [(dy * self.x).sum(axis=tuple(range(dy.ndim - 1)))]

    def jvp(self, dx, dws):
        return dx * self.w + self.x * dws[0]


class Halves(gs.layers.Layer):
    """The first half of the steps."""

    def forward(self, x):
        self.steps = x.shape[1]
        return x[:, : (self.steps + 1) // 2]

    def backward(self, dy):
        return np.pad(dy, ((0, 0), (0, self.steps - dy.shape[1]), (0, 0)))


def custom(steps):
    gs.utils.set_random_seed(1)
    row = [Scale(), L.Dense(4, activation=lambda x: x**2), Halves(), L.Lambda(lambda x: 2 * x), L.GRU(3)]
    model = gs.Sequential([gs.Input((steps, 3)), *row], seed=1)
    model.compile("adam", "mse")
    return model


def test_custom_layers():
    model, fixed = custom(None), custom(7)
    assert [layer.output_shape for layer in model.layers[:3]] == [(None, None, 3), (None, None, 4), (None, None, 4)]
    x, y = random.normal(size=(5, 7, 3)), random.normal(size=(5, 3))
    assert model.fit(x, y, epochs=3, verbose=0).history == fixed.fit(x, y, epochs=3, verbose=0).history
    for steps in (4, 9):
        assert model.predict(random.normal(size=(2, steps, 3)), verbose=0).shape == (2, 3)
        assert np.isfinite(model.train_on_batch(random.normal(size=(5, steps, 3)), y))


def test_one_custom_layer_on_two_sizes():
    scale = Scale(name="scale")
    a, b = gs.Input((None, 3)), gs.Input((None, 3))
    pools = [L.GlobalMaxPooling1D()(scale(one)) for one in (a, b)]
    model = gs.Model([a, b], L.Add()(pools))
    x = random.normal(size=(2, 4, 3))
    assert model.predict([x, x], verbose=0).shape == (2, 3)
    with pytest.raises(ValueError, match="'scale' computes in Python: it must get inputs of one size in all"):
        model.predict([x, x[:, 1:]], verbose=0)


def test_derivatives():
    """Jacobian-vector and Gauss-Newton products, of a model that has custom layers too."""
    model, fixed = pair(None, None), pair(9, 5)
    x, y = [random.normal(size=(6, 9, 4)), random.normal(size=(6, 5, 4))], random.normal(size=(6, 1))
    moves = [random.normal(size=weight.shape) for weight in model.trainable_weights]
    for one, other in zip(model.jvp(x, moves, x), fixed.jvp(x, moves, x), strict=True):
        np.testing.assert_array_equal(one, other)
    each = model.gauss_newton_product(x, y, moves), fixed.gauss_newton_product(x, y, moves)
    for one, other in zip(*each, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("method", ["lbfgs", "levenberg-marquardt", "newton-cg"])
def test_methods_over_all_rows(method):
    x, y = random.normal(size=(20, 6, 3)), random.normal(size=(20, 2))
    found = []
    for steps in (None, 6):
        gs.utils.set_random_seed(1)
        model = gs.Sequential([gs.Input((steps, 3)), L.Conv1D(3, 2, activation="tanh"), L.GlobalAveragePooling1D()])
        model.add(L.Dense(2))
        model.compile(method, "mse")
        found.append(model.fit(x, y, epochs=4, verbose=0).history["loss"])
    assert found[0] == found[1]


def test_operators_and_indices():
    x = gs.Input((None, 4))
    h = L.Dense(4)(x)
    last = (h * 2.0 - x)[:, -1]
    model = gs.Model(x, L.Add()([last, h[:, 0], L.GlobalMaxPooling1D()(x[:, 1:])]))
    assert model.output_shape == (None, 4)
    for steps in (3, 6):
        data = random.normal(size=(2, steps, 4))
        made = model.layers[1](data)
        expected = (made * 2 - data)[:, -1] + made[:, 0] + data[:, 1:].max(1)
        np.testing.assert_allclose(model.predict(data, verbose=0), expected, rtol=1e-12)


def test_attention_and_merges():
    a, b = gs.Input((None, 4), name="a"), gs.Input((None, 4), name="b")
    seen, scores = L.MultiHeadAttention(2, 3)(a, b, return_attention_scores=True, use_causal_mask=True)
    outputs = [
        seen,
        scores,
        L.Attention()([a, b]),
        L.AdditiveAttention()([a, b]),
        L.Dot(axes=2, normalize=True)([a, b]),
        L.Concatenate(axis=1)([a, b]),
        L.Multiply()([a, L.GlobalAveragePooling1D(keepdims=True)(b)]),
    ]
    model = gs.Model([a, b], outputs)
    shapes = [(None, 4), (2, None, None), (None, 4), (None, 4), (None, None), (None, 4), (None, 4)]
    assert model.output_shape == [(None, *shape) for shape in shapes]
    fixed = gs.models.Model.from_config(with_sizes(model.get_config(), a=7, b=5))
    fixed.set_weights(model.get_weights())
    x = [random.normal(size=(3, n, 4)) for n in (7, 5)]
    for one, other in zip(model.predict(x, verbose=0), fixed.predict(x, verbose=0), strict=True):
        np.testing.assert_array_equal(one, other)


def with_sizes(config, **sizes):
    """A config whose inputs have sizes in place of None."""
    for layer in config["layers"]:
        if layer["name"] in sizes:
            shape = layer["config"]["batch_shape"]
            layer["config"]["batch_shape"] = [None, *(sizes[layer["name"]] if n is None else n for n in shape[1:])]
    return config


@pytest.mark.parametrize("how", ["pickle", "clone", "m.gradstep"])
def test_copies_and_files_of_graphs(how, tmp_path):
    for model, x in (
        (translator(None, None), sentences(4, 6)[0]),
        (pair(None, None), [np.ones((2, n, 4)) for n in (3, 7)]),
    ):
        if how == "pickle":
            copy = pickle.loads(pickle.dumps(model))
        elif how == "clone":
            copy = gs.models.clone_model(model)
            copy.set_weights(model.get_weights())
        else:
            model.save(tmp_path / how)
            copy = gs.models.load_model(tmp_path / how)
        assert copy.input_shape == model.input_shape
        np.testing.assert_array_equal(copy.predict(x, verbose=0), model.predict(x, verbose=0))


def gru(steps):
    gs.utils.set_random_seed(1)
    model = gs.Sequential([gs.Input((steps, 3)), L.GRU(4), L.Dense(1)], seed=1)
    model.compile("adam", "mse")
    return model


def test_copies_of_a_model_are_trained_together():
    x, y = random.normal(size=(12, 6, 3)), random.normal(size=(12, 1))
    found = [gs.fit_many(gru(steps), 2, x, y, epochs=2) for steps in (None, 6)]
    np.testing.assert_array_equal(found[0].history["loss"], found[1].history["loss"])
    assert found[0].models[1].predict(x[:, :4], verbose=0).shape == (12, 1)


def test_shards():
    x, y = random.normal(size=(12, 6, 3)), random.normal(size=(12, 1))
    team, found = gs.distribution.DataParallel(shards=4), []
    for steps in (None, 6):
        model = gru(steps)
        model.fit(x, y, epochs=2, verbose=0, distribution=team)
        found.append([*model.get_weights(), *team.value_and_grad(model, x, y)[1]])
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)
