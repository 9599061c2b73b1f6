"""BatchNormalization, LayerNormalization, GroupNormalization, Normalization and PReLU: formulas, gradients, bits."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradients import WIDTHS, difference, numeric_gradient
from gradstep import _core

EPSILON = 1e-3


def standardized(x, axis):
    return (x - x.mean(axis=axis, keepdims=True)) / np.sqrt(x.var(axis=axis, keepdims=True) + EPSILON)


def in_groups(x, groups):
    return standardized(x.reshape(len(x), groups, -1), 2).reshape(x.shape)


# Makes the layer, and its output in training of x, before gamma and beta.
LAYERS = {
    "batch": (lambda **o: gs.layers.BatchNormalization(**o), lambda x: standardized(x, 0)),
    "layer": (lambda **o: gs.layers.LayerNormalization(**o), lambda x: standardized(x, 1)),
    "groups": (lambda **o: gs.layers.GroupNormalization(2, **o), lambda x: in_groups(x, 2)),
    "each": (lambda **o: gs.layers.GroupNormalization(-1, **o), lambda x: in_groups(x, x.shape[1])),
}
FLAGS = [(True, True), (True, False), (False, True), (False, False)]


def model_of(layer, width, before=None, dtype="float64"):
    gs.utils.set_random_seed(width)
    layers = [gs.Input((width if before is None else before,))]
    layers += [] if before is None else [gs.layers.Dense(width, dtype=dtype)]
    model = gs.Sequential([*layers, layer, gs.layers.Dense(2, dtype=dtype)])
    model.compile("sgd", "mse")
    for weight in model.trainable_weights:
        weight[...] = np.random.default_rng(weight.size).normal(size=weight.shape)
    return model


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("width", [2, 8, 34, 130])
@pytest.mark.parametrize(("scale", "center"), FLAGS)
def test_training_equals_the_formula(kind, width, scale, center, dtype):
    """By way of the loss of a model in training, which is that of its outputs in training."""
    make, formula = LAYERS[kind]
    layer = make(scale=scale, center=center, epsilon=EPSILON, dtype=dtype.name)
    model = model_of(layer, width, dtype=dtype.name)
    random = np.random.default_rng(1)
    x, y = (3 + 2 * random.normal(size=(9, n)) for n in (width, 2))
    expected = formula(x)
    if scale:
        expected = expected * layer.gamma
    if center:
        expected = expected + layer.beta
    kernel, bias = model.layers[-1].get_weights()
    loss = ((expected @ kernel + bias - y) ** 2).mean()
    tolerance = 1e-12 if dtype == "float64" else 2e-5
    assert model.value_and_grad(x, y)[0] == pytest.approx(loss, rel=tolerance)


@pytest.mark.parametrize("kind", [*LAYERS, "prelu"])
@pytest.mark.parametrize("width", [2, 4, 8, 16, 34])
def test_gradients_equal_central_differences(kind, width):
    layer = gs.layers.PReLU(dtype="float64") if kind == "prelu" else LAYERS[kind][0](dtype="float64")
    model = model_of(layer, width, before=3)
    random = np.random.default_rng(width)
    x, y = random.normal(size=(6, 3)), random.normal(size=(6, 2))
    if kind == "prelu":  # away from the kink
        x = x[(np.abs(x @ model.weights[0] + model.weights[1]) > 1e-4).all(1)]
        y = y[: len(x)]
    _, gradients = model.value_and_grad(x, y)
    trained = model.trainable_weights
    assert len(gradients) == len(trained)
    for weight, gradient in zip(trained, gradients, strict=True):
        numeric = numeric_gradient(lambda: model.value_and_grad(x, y)[0], weight)
        # A shift of a whole column does nothing to a normalized one: its slope is 0 but for rounding.
        assert difference(gradient, numeric) <= 1e-7 or np.abs(gradient - numeric).max() <= 1e-8


def test_moving_statistics():
    random = np.random.default_rng(0)
    layer = gs.layers.BatchNormalization(momentum=0.9, dtype="float64")
    model = gs.Sequential([gs.Input((5,)), layer, gs.layers.Dense(1, dtype="float64")])
    model.compile("sgd", "mse")
    mean, variance = np.zeros(5), np.ones(5)
    for rows in (8, 3, 1):
        x = 2 + random.normal(size=(rows, 5))
        model.train_on_batch(x, np.zeros((rows, 1)))
        mean, variance = 0.9 * mean + 0.1 * x.mean(0), 0.9 * variance + 0.1 * x.var(0)
        np.testing.assert_allclose(layer.moving_mean, mean, rtol=1e-14)
        np.testing.assert_allclose(layer.moving_variance, variance, rtol=1e-14)
    kept = model.get_weights()
    x = random.normal(size=(4, 5))
    expected = layer.gamma * (x - mean) / np.sqrt(variance + 1e-3) + layer.beta
    np.testing.assert_allclose(layer(x), expected, rtol=1e-13)
    np.testing.assert_allclose(model(x), expected @ kept[-2] + kept[-1], rtol=1e-12)
    alone = np.concatenate([model(x[i : i + 1]) for i in range(4)])
    np.testing.assert_array_equal(model(x), alone)
    model.evaluate(x, np.zeros((4, 1)), verbose=0)
    model.predict(x, verbose=0)
    for weight, before in zip(model.weights, kept, strict=True):
        np.testing.assert_array_equal(weight, before)


def test_a_frozen_layer_is_used_as_it_is():
    random = np.random.default_rng(0)
    layer = gs.layers.BatchNormalization(trainable=False, dtype="float64")
    model = gs.Sequential(
        [gs.Input((3,)), gs.layers.Dense(4, dtype="float64"), layer, gs.layers.Dense(1, dtype="float64")]
    )
    model.compile("sgd", "mse")
    layer.set_weights([random.uniform(1, 2, size=4) for _ in range(4)])
    kept = layer.get_weights()
    x, y = random.normal(size=(6, 3)), random.normal(size=(6, 1))
    value, gradients = model.value_and_grad(x, y)
    assert value == pytest.approx(model.test_on_batch(x, y), rel=1e-13)
    for weight, gradient in zip(model.trainable_weights, gradients, strict=True):
        assert difference(gradient, numeric_gradient(lambda: model.test_on_batch(x, y), weight)) <= 1e-7
    model.fit(x, y, epochs=2, verbose=0)
    for weight, before in zip(layer.weights, kept, strict=True):
        np.testing.assert_array_equal(weight, before)
    layer.trainable = True
    model.compile("sgd", "mse")
    model.fit(x, y, epochs=1, verbose=0)
    assert all((weight != before).any() for weight, before in zip(layer.weights, kept, strict=True))


def test_order_of_weights():
    model = gs.Sequential(
        [
            gs.Input((3,)),
            gs.layers.Dense(4),
            gs.layers.BatchNormalization(name="bn"),
            gs.layers.LayerNormalization(name="ln"),
        ]
    )
    bn, ln = model.layers[1:]
    assert bn.weight_names == ["gamma", "beta", "moving_mean", "moving_variance"]
    assert ln.weight_names == ["gamma", "beta"]
    assert [len(w) for w in (model.weights, model.trainable_weights, model.non_trainable_weights)] == [8, 6, 2]
    assert bn.non_trainable_weights[0] is bn.weights[2]
    assert gs.layers.BatchNormalization(scale=False).weight_names == []
    half = gs.layers.BatchNormalization(scale=False)
    half.build((None, 2))
    assert half.weight_names == ["beta", "moving_mean", "moving_variance"]
    assert half.gamma is None


@pytest.mark.parametrize("kind", [*LAYERS, "prelu"])
def test_same_bits_for_any_threads(kind, threads):
    """The oracle is the same training on one thread; wide enough that several take part."""
    ends = []
    for count in (threads, 1):
        _core.set_num_threads(count)
        layer = gs.layers.PReLU() if kind == "prelu" else LAYERS[kind][0]()
        model = model_of(layer, 256, before=64, dtype="float32")
        random = np.random.default_rng(0)
        x, y = (random.normal(size=(300, n)).astype(np.float32) for n in (64, 2))
        model.fit(x, y, batch_size=128, epochs=2, verbose=0, shuffle=False)
        ends.append(model.get_weights())
    for one, other in zip(*ends, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("kind", [*LAYERS, "prelu"])
@pytest.mark.parametrize("width", [2, 18, 34, 130])
def test_same_bits_on_every_instruction_set(kind, width, isa, dtype):
    """gemm may fuse products and sums, these layers may not: they alone, in training."""
    x = np.random.default_rng(0).normal(size=(33, width)).astype(dtype)
    ends = []
    for name in (isa, _core.build_info()["isas"][0]):
        _core.set_isa(name)
        layer = gs.layers.PReLU(dtype=dtype.name) if kind == "prelu" else LAYERS[kind][0](dtype=dtype.name)
        gs.utils.set_random_seed(1)
        model = gs.Sequential([gs.Input((width,)), layer])
        model.compile("sgd", "mse")
        model.fit(x, x[::-1], epochs=2, verbose=0, shuffle=False)
        ends.append([*model.get_weights(), model.predict(x, verbose=0)])
    for one, other in zip(*ends, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("width", WIDTHS)
def test_prelu(width, dtype):
    x = np.random.default_rng(0).normal(size=(5, width)).astype(dtype)
    layer = gs.layers.PReLU("random_normal", dtype=dtype.name)
    y = layer(x)
    np.testing.assert_array_equal(y, np.where(x > 0, x, layer.alpha * x))


@pytest.mark.parametrize("axis", [-1, None])
def test_adapt(axis, dtype):
    random = np.random.default_rng(0)
    data = (5 + 3 * random.normal(size=(50, 4))).astype(dtype)
    layer = gs.layers.Normalization(axis=axis, dtype=dtype.name)
    layer.adapt(data)
    exact = data.astype(float)
    mean, variance = exact.mean(0 if axis else None), exact.var(0 if axis else None)
    eps = 8 * float(np.finfo(dtype).eps)
    np.testing.assert_allclose(layer.mean, np.broadcast_to(mean, (1, 4)), rtol=eps)
    np.testing.assert_allclose(layer.variance, np.broadcast_to(variance, (1, 4)), rtol=eps)
    np.testing.assert_allclose(layer(data), (exact - mean) / np.sqrt(variance), rtol=0, atol=8 * eps)
    batches = gs.layers.Normalization(axis=axis, dtype=dtype.name)
    batches.adapt(data[i : i + 7] for i in range(0, 50, 7))
    np.testing.assert_allclose(batches.mean, layer.mean, rtol=eps)
    np.testing.assert_allclose(batches.variance, layer.variance, rtol=eps)
    back = gs.layers.Normalization(axis=axis, mean=mean, variance=variance, invert=True, dtype=dtype.name)
    np.testing.assert_allclose(back(layer(data)), data, rtol=8 * eps)
    assert back.weights == []
    assert len(layer.weights) == len(layer.non_trainable_weights) == 2


@pytest.mark.parametrize("axis", [-1, 1, (1, 3), (1, 2, 3), None])
def test_adapt_along_axes(axis):
    data = 5 + 3 * np.random.default_rng(0).normal(size=(20, 2, 4, 3))
    layer = gs.layers.Normalization(axis=axis, dtype="float64")
    layer.adapt(data)
    own = [] if axis is None else [a % 4 for a in np.atleast_1d(axis)]
    others = tuple(a for a in range(4) if a not in own)
    mean, variance = data.mean(axis=others, keepdims=True), data.var(axis=others, keepdims=True)
    if axis is not None:
        assert layer.mean.shape == mean.shape
        assert layer.weights[0].shape == tuple(data.shape[a] for a in own)
    np.testing.assert_allclose(layer.mean, np.broadcast_to(mean, layer.mean.shape), rtol=1e-13)
    expected = (data - mean) / np.sqrt(variance)
    np.testing.assert_allclose(layer(data, training=True), expected, rtol=0, atol=1e-12)
    dx, _ = layer.backward(data)
    np.testing.assert_allclose(dx, data / np.sqrt(variance), rtol=1e-12)
    batches = gs.layers.Normalization(axis=axis, dtype="float64")
    batches.adapt(data[i : i + 7] for i in range(0, 20, 7))
    np.testing.assert_allclose(batches.variance, layer.variance, rtol=1e-12)
    options = {"axis": axis, "dtype": "float64", "mean": mean.reshape(layer.weights[0].shape if own else ())}
    options["variance"] = variance.reshape(options["mean"].shape)
    given = gs.layers.Normalization(**options)
    np.testing.assert_allclose(given(data), expected, rtol=0, atol=1e-12)
    again = gs.layers.Normalization.from_config(given.get_config())
    np.testing.assert_array_equal(again(data), given(data))
    back = gs.layers.Normalization(invert=True, **options)
    np.testing.assert_allclose(back(given(data)), data, rtol=1e-12)


def test_normalization_in_a_model():
    random = np.random.default_rng(0)
    x = 100 + 20 * random.normal(size=(60, 3))
    y = x @ [[1.0], [2.0], [-1.0]]
    layer = gs.layers.Normalization(dtype="float64")
    layer.adapt(x)
    model = gs.Sequential([layer, gs.layers.Dense(1, dtype="float64")])
    model.compile("adam", "mse")
    kept = layer.get_weights()
    _, gradients = model.value_and_grad(x, y)
    for weight, gradient in zip(model.trainable_weights, gradients, strict=True):
        # Sums of squares of 1e4: the differences lose some digits.
        assert difference(gradient, numeric_gradient(lambda: model.test_on_batch(x, y), weight)) <= 1e-6
    model.fit(x, y, epochs=2, verbose=0)
    for weight, before in zip(layer.weights, kept, strict=True):
        np.testing.assert_array_equal(weight, before)
    inner = gs.layers.Normalization(mean=[1.0, 2.0], variance=[4.0, 9.0], dtype="float64")
    model = gs.Sequential([gs.Input((3,)), gs.layers.Dense(2, dtype="float64"), inner])
    model.compile("sgd", "mse")
    _, gradients = model.value_and_grad(x / 100, y[:, [0, 0]])
    for weight, gradient in zip(model.weights, gradients, strict=True):
        numeric = numeric_gradient(lambda: model.test_on_batch(x / 100, y[:, [0, 0]]), weight)
        assert difference(gradient, numeric) <= 1e-6


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_one_group_is_a_layer_normalization_of_images(dtype):
    """Over all of an image; the layer's gamma and beta, one for each number, are those of the channels everywhere."""
    random = np.random.default_rng(0)
    x, dy = (random.normal(size=(7, 5, 4, 6)).astype(dtype) for _ in range(2))
    group = gs.layers.GroupNormalization(1, dtype=dtype)
    layer = gs.layers.LayerNormalization(axis=(1, 2, 3), dtype=dtype)
    group.build(x.shape)
    layer.build(x.shape)
    for one, other in zip(group.weights, layer.weights, strict=True):
        one[...] = random.normal(size=one.shape)
        other[...] = np.broadcast_to(one, other.shape)
    near = 64 * np.finfo(dtype).eps  # other orders of sums of 120 numbers
    np.testing.assert_allclose(group(x, training=True), layer(x, training=True), rtol=0, atol=near)
    (dx, gradients), (right, right_gradients) = group.backward(dy), layer.backward(dy)
    np.testing.assert_allclose(dx, right, rtol=0, atol=near * np.abs(right).max())
    for one, other in zip(gradients, right_gradients, strict=True):
        np.testing.assert_allclose(one, other.sum(axis=(0, 1)), rtol=0, atol=near * np.abs(one).max())


def test_reshape():
    x = np.arange(24, dtype=np.float32).reshape(2, 12)
    layer = gs.layers.Reshape((3, -1))
    np.testing.assert_array_equal(layer(x), x.reshape(2, 3, 4))
    model = gs.Sequential([gs.Input((12,)), gs.layers.Reshape((3, 4)), gs.layers.ReLU(), gs.layers.Flatten()])
    np.testing.assert_array_equal(model(x - 5), np.maximum(x - 5, 0))


@pytest.mark.parametrize(
    "layer",
    [
        lambda: gs.layers.BatchNormalization(momentum=0.5, scale=False, beta_regularizer=gs.regularizers.L2(0.5)),
        lambda: gs.layers.LayerNormalization(epsilon=0.5, gamma_constraint="non_neg"),
        lambda: gs.layers.GroupNormalization(4, center=False),
        lambda: gs.layers.Normalization(mean=[1.0, 2.0], variance=[3.0, 4.0], invert=True),
        lambda: gs.layers.PReLU(gs.initializers.Constant(0.5), trainable=False),
        lambda: gs.layers.Reshape((2, -1)),
        lambda: gs.layers.ReLU(3.0, 0.1),
        lambda: gs.layers.Dense(
            3, kernel_regularizer=gs.regularizers.L1(0.5, proximal=True), bias_constraint="max_norm"
        ),
    ],
)
def test_config(layer):
    made = layer()
    again = type(made).from_config(made.get_config())
    assert again.get_config() == made.get_config()


LAYER_ERRORS = [
    (lambda: gs.layers.BatchNormalization(momentum=1.5), ValueError, r"momentum must be in \[0, 1\]; got 1.5"),
    (
        lambda: gs.layers.BatchNormalization(epsilon=-1),
        ValueError,
        "epsilon must be a finite number, at least 0; got -1",
    ),
    (lambda: gs.layers.BatchNormalization(axis=0), ValueError, "axis must not be that of the rows"),
    (lambda: gs.layers.BatchNormalization(axis="a"), TypeError, "axis must be an int; got a str"),
    (lambda: gs.layers.BatchNormalization(scale=1), TypeError, "scale must be True or False"),
    (lambda: gs.layers.BatchNormalization(synchronized=True), TypeError, "synchronized"),
    (lambda: gs.layers.LayerNormalization(gamma_initializer="x"), ValueError, "initializer must be one of"),
    (lambda: gs.layers.GroupNormalization(0), ValueError, "groups must be at least 1; got 0"),
    (lambda: gs.layers.GroupNormalization(3)(np.zeros((2, 4))), ValueError, "groups must divide the 4 channels"),
    (lambda: gs.layers.Normalization(axis=2)(np.zeros((2, 4))), ValueError, "axis must be an axis of inputs of shape"),
    (lambda: gs.layers.Normalization(axis=0), ValueError, "axis must not be that of the rows"),
    (
        lambda: gs.layers.Normalization(mean=[1.0, 2.0], variance=[1.0, 2.0])(np.zeros((2, 3))),
        ValueError,
        r"has a mean of shape \(2,\); the axes have the sizes \(3,\)",
    ),
    (lambda: gs.layers.Normalization(mean=1.0), ValueError, "both or not at all"),
    (lambda: gs.layers.Normalization(mean=1.0, variance=-1.0), ValueError, "variance must be at least 0"),
    (lambda: gs.layers.Normalization(mean=[1.0], variance=[1.0, 2.0]), ValueError, "must have the same shape"),
    (lambda: gs.layers.Normalization(mean=1.0, variance=1.0).adapt(np.zeros((2, 2))), ValueError, "nothing to adapt"),
    (lambda: gs.layers.Normalization().adapt(np.zeros((0, 2))), ValueError, "at least one row"),
    (lambda: gs.layers.Normalization().adapt("abc"), TypeError, "data must be an array"),
    (lambda: gs.layers.Normalization(input_dim=3).adapt(np.zeros((2, 2))), ValueError, r"was declared with \(3,\)"),
    (lambda: gs.layers.PReLU("x"), ValueError, "initializer must be one of"),
    (lambda: gs.layers.Reshape((-1, -1)), ValueError, "-1 at most once"),
    (lambda: gs.layers.Reshape((2, 0)), ValueError, r"target_shape\[1\] must be at least 1"),
    (lambda: gs.layers.Reshape((2, 5))(np.zeros((1, 9))), ValueError, "must get 10 numbers a row"),
]


@pytest.mark.parametrize(("make", "error", "message"), LAYER_ERRORS)
def test_bad_arguments(make, error, message):
    with pytest.raises(error, match=message):
        make()
