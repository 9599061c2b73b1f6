"""Layers along any axes of rows of any rank: formulas, gradients, bits, files; and Keras's numbers."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from axis_cases import CASES
from gradients import difference, numeric_gradient
from gradstep import layers
from keras_runs import keras_says
from threads import same_at_any_number_of_threads

ROWS = 5


def with_weights(name, **options):
    """The layer of a case, with weights at random, and rows for it."""
    one, random = CASES[name], np.random.default_rng(len(name))
    layer = one.made(gs, **options)
    x = random.normal(size=(ROWS, *one.row)).astype(options["dtype"])
    x[np.abs(x) < 1e-3] = 0.5  # not at a kink
    layer(x)
    for weight in layer.trainable_weights:
        weight[...] = random.normal(size=weight.shape)
    return layer, x


@pytest.mark.parametrize("name", CASES)
def test_output_in_training_equals_the_formula(name, dtype):
    layer, x = with_weights(name, dtype=dtype.name)
    weights = [np.array(weight, "f8") for weight in layer.weights]
    assert layer.output_shape == layer.input_shape == (None, *CASES[name].row)
    # A sum over up to 300 numbers, in double.
    tolerance = 1e-12 if dtype == "float64" else 3e-6
    expected = CASES[name].formula(x.astype("f8"), *weights)
    np.testing.assert_allclose(layer(x, training=True), expected, rtol=tolerance, atol=tolerance)
    if "Batch" in name:
        moving = layer.moving_mean
        others = tuple(k for k in range(x.ndim) if x.shape[k] != moving.size or k == 0)
        np.testing.assert_allclose(moving, 0.01 * x.mean(axis=others), rtol=1e-5, atol=1e-6)
    else:
        np.testing.assert_array_equal(layer(x), layer(x, training=True))


@pytest.mark.parametrize("name", [name for name in CASES if "130" not in name and "140" not in name])
def test_gradients_equal_central_differences(name):
    layer, x = with_weights(name, dtype="float64")
    dy = np.random.default_rng(1).normal(size=x.shape)

    def loss():
        return float((layer(x, training=True) * dy).sum())

    loss()
    dx, gradients = layer.backward(dy)
    assert difference(dx, numeric_gradient(loss, x)) <= 1e-7
    for weight, gradient in zip(layer.trainable_weights, gradients, strict=True):
        assert gradient.shape == weight.shape
        assert difference(gradient, numeric_gradient(loss, weight)) <= 1e-7


def in_model(name):
    """A model around the layer of a case."""
    gs.utils.set_random_seed(3)
    one = CASES[name]
    row = [gs.Input(one.row), layers.Dense(one.row[-1]), one.made(gs), layers.Flatten(), layers.Dense(2)]
    model = gs.Sequential(row)
    model.compile("adam", "mse")
    return model


@pytest.mark.parametrize("name", CASES)
def test_training_is_the_same_on_any_number_of_threads_and_after_a_file(name, tmp_path):
    random = np.random.default_rng(0)
    x, y = random.normal(size=(40, *CASES[name].row)), random.normal(size=(40, 2))

    def trained():
        model = in_model(name)
        model.fit(x, y, batch_size=16, epochs=2, verbose=0)
        if gs.get_num_threads() == 3:
            model.save(tmp_path / "model.gradstep")
            model = gs.models.load_model(tmp_path / "model.gradstep")
        model.fit(x, y, batch_size=16, epochs=3, initial_epoch=2, verbose=0)
        return model.get_weights()

    same_at_any_number_of_threads(trained, (1, 3, 8))


@pytest.mark.parametrize(("rows", "row"), [(9, (1100, 3)), (70, (3, 130, 2)), (8193, (66,))])
@pytest.mark.parametrize("axis", [-1, 1])
def test_batch_normalization_of_many_rows(rows, row, axis, dtype):
    """Whose sums are of blocks: the formula, forward and backward, and the same bits on any number of threads."""
    random = np.random.default_rng(0)
    x = (3 + random.normal(size=(rows, *row))).astype(dtype)
    dy = random.normal(size=x.shape).astype(dtype)
    layer = layers.BatchNormalization(axis, momentum=0.5, gamma_initializer="uniform", dtype=dtype.name)
    layer.build(x.shape)
    layer.gamma[...] = np.linspace(0.5, 2, layer.gamma.size)
    start = layer.get_weights()

    def both_ways():
        layer.set_weights(start)
        y = layer(x, training=True)
        dx, gradients = layer.backward(dy)
        return y, dx, gradients, layer.get_weights()

    y, dx, (dgamma, dbeta), _ = same_at_any_number_of_threads(both_ways, (1, 2, 7))
    others = tuple(k for k in range(x.ndim) if k != axis % x.ndim)
    shape = [1 if k in others else -1 for k in range(x.ndim)]
    exact, slope, gamma = x.astype("f8"), dy.astype("f8"), np.array(layer.gamma, "f8").reshape(shape)
    mean, variance = exact.mean(others, keepdims=True), exact.var(others, keepdims=True)
    hat = (exact - mean) / np.sqrt(variance + 1e-3)
    middle, along = slope.mean(others, keepdims=True), (slope * hat).mean(others, keepdims=True)
    tolerance = 1e-10 if dtype == "float64" else 2e-5
    for one, formula in [
        (y, gamma * hat),
        (dx, gamma / np.sqrt(variance + 1e-3) * (slope - middle - hat * along)),
        (dgamma, (slope * hat).sum(others)),
        (dbeta, slope.sum(others)),
        (layer.moving_mean, mean.ravel() / 2),
        (layer.moving_variance, (1 + variance.ravel()) / 2),
    ]:
        np.testing.assert_allclose(one, formula, rtol=tolerance, atol=tolerance * max(1, np.abs(formula).max()))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: layers.BatchNormalization(axis=0), ValueError, "axis must not be that of the rows, 0; got 0"),
        (lambda: layers.BatchNormalization(axis=[1, 2]), TypeError, "axis must be an int"),
        (lambda: layers.GroupNormalization(axis=None), TypeError, "axis must be an int; got"),
        (lambda: layers.LayerNormalization(axis=[]), ValueError, "axis must name an axis"),
        (lambda: layers.RMSNormalization(axis=[1, 0]), ValueError, "axis.1. must not be that of the rows"),
        (lambda: layers.RMSNormalization(epsilon=-1), ValueError, "epsilon must be a finite number, at least 0"),
        (lambda: layers.UnitNormalization(axis="1"), TypeError, "axis must be an int"),
        (lambda: layers.Softmax(axis=True), TypeError, "axis must be an int"),
        (lambda: layers.PReLU(shared_axes=[0]), ValueError, "shared_axes.0. must not be that of the rows"),
        (lambda: layers.Softmax(axis=3)(np.ones((2, 3, 4))), ValueError, "axis must be an axis of inputs of shape"),
        (lambda: layers.Softmax(axis=-3)(np.ones((2, 3, 4))), ValueError, "and not that of the rows; got -3"),
        (lambda: layers.LayerNormalization(axis=[1, -2])(np.ones((2, 3, 4))), ValueError, "different axes"),
        (lambda: layers.GroupNormalization(2, axis=1)(np.ones((2, 3, 4))), ValueError, "groups must divide the 3"),
    ],
)
def test_refusals(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_lengths_at_their_bounds():
    """Rows of zeros stay zeros, with a gradient of 1 over the smallest length; squares may overflow."""
    layer = layers.UnitNormalization(dtype="float64")
    x = np.array([[0.0, 0.0], [3e-7, 4e-7], [3e200, 4e200], [3.0, 4.0]])
    expected = [[0, 0], [0.3, 0.4], [0.6, 0.8], [0.6, 0.8]]
    np.testing.assert_allclose(layer(x, training=True), expected, rtol=1e-15)
    dx, _ = layer.backward(np.ones((4, 2)))
    np.testing.assert_allclose(dx[:2], 1e6, rtol=1e-15)
    np.testing.assert_allclose(dx[3], [0.2 * 0.16, -0.2 * 0.12], rtol=1e-14)
    np.testing.assert_allclose(dx[2], dx[3] * 1e-200, rtol=1e-14)


# Keras multiplies by RMSNormalization's factors along the last axes, whatever `axis` is; on PyTorch it takes a single
# axis of LayerNormalization for the last one.
NOT_IN_KERAS = ("RMSNormalization {'axis'", "LayerNormalization {'axis': 1}", "LayerNormalization {'axis': -2}")
KERAS = [name for name in CASES if not name.startswith(NOT_IN_KERAS)]


def ours(name):
    """A model around the layer of a case, as Keras has it too; and data."""
    one, random = CASES[name], np.random.default_rng(0)
    x, y = random.normal(size=(12, *one.row)), random.normal(size=(12, 2))
    options = {"dtype": "float64"}
    rest = [layers.Flatten(**options), layers.Dense(2, **options)]
    return gs.Sequential([gs.Input(one.row), one.made(gs, **options), *rest]), x, y


@pytest.fixture(scope="module")
def keras(tmp_path_factory):
    """For each case: weights at the start, losses of the epochs and of evaluate, and weights in the end.

    With a file of it, its outputs, and those of what Keras makes of our config with the same weights.
    """
    folder = tmp_path_factory.mktemp("keras")
    pytest.importorskip("h5py")
    for i, name in enumerate(KERAS):
        (folder / f"{i}.json").write_text(ours(name)[0].to_json())
    return folder, keras_says(
        """
from axis_cases import CASES
answer = {}
for i, name in enumerate(data["names"]):
    one, random = CASES[name], np.random.default_rng(0)
    x, y = random.normal(size=(12, *one.row)), random.normal(size=(12, 2))
    keras.utils.set_random_seed(1)
    D = dict(dtype="float64")
    row = [keras.Input(one.row), one.made(keras, **D), keras.layers.Flatten(**D), keras.layers.Dense(2, **D)]
    model = keras.Sequential(row)
    start = model.get_weights()
    model.compile(keras.optimizers.SGD(0.05), "mse")
    losses = model.fit(x, y, batch_size=4, epochs=2, shuffle=False, verbose=0).history["loss"]
    last = model.evaluate(x, y, verbose=0)
    model.save(f"{data['folder']}/{i}.keras")
    again = keras.models.model_from_json(open(f"{data['folder']}/{i}.json").read())
    again.set_weights(model.get_weights())
    outputs = [each.predict(x, verbose=0) for each in (model, again)]
    answer[name] = [start, losses, last, model.get_weights(), *outputs]
""",
        backend="torch",
        names=KERAS,
        folder=str(folder),
    )


@pytest.mark.peers
@pytest.mark.parametrize("name", KERAS)
def test_keras_s_numbers(name, keras):
    folder, answers = keras
    start, losses, last, end, outputs, of_ours = answers[name]
    model, x, y = ours(name)
    assert [w.shape for w in model.weights] == [np.shape(w) for w in start]
    model.set_weights([np.array(w) for w in start])
    model.compile(gs.optimizers.SGD(0.05), "mse")
    history = model.fit(x, y, batch_size=4, epochs=2, shuffle=False, verbose=0).history["loss"]
    # Keras reports losses in float32, and takes some roots and norms in it.
    np.testing.assert_allclose(history, losses, rtol=4e-5)
    assert model.evaluate(x, y, verbose=0) == pytest.approx(last, rel=4e-5)
    for weight, other in zip(model.weights, end, strict=True):
        np.testing.assert_allclose(weight, other, rtol=2e-5, atol=2e-6)
    np.testing.assert_allclose(of_ours, outputs, rtol=1e-6, atol=1e-7)
    again = gs.models.load_model(folder / f"{KERAS.index(name)}.keras")
    np.testing.assert_allclose(again.predict(x, verbose=0), outputs, rtol=2e-6, atol=2e-6)
