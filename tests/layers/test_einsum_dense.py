"""`EinsumDense`: equations as NumPy's einsum has them, central differences, files, what is refused."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from einsum_cases import CASES, data_of, layer_of
from gradients import difference, numeric_gradient
from gradstep import layers
from keras_runs import keras_says


@pytest.mark.parametrize("name", [name for name in CASES if "more" not in name])
def test_is_einsum(name):
    layer, x = layer_of(gs, name, bias_initializer="normal", dtype="float64"), data_of(name)
    y = layer(x)
    z = np.einsum(CASES[name][0], x, layer.kernel)
    if CASES[name][2]:
        z = z + layer.bias
    expected = getattr(gs.activations, CASES[name][3])(z)
    np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-14)
    assert layer.compute_output_shape((None, *x.shape[1:])) == (None, *z.shape[1:])


@pytest.mark.parametrize("name", CASES)
def test_gradients_are_central_differences(name):
    layer = layer_of(gs, name, bias_initializer="normal", dtype="float64")
    x = data_of(name)
    y = layer(x, training=True)
    dy = np.random.default_rng(1).normal(size=y.shape)
    dx, gradients = layer.backward(dy)
    value = lambda: float(((layer(x) - y) * dy).sum())  # noqa: E731
    for weight, gradient in zip((x, *layer.weights), (dx, *gradients), strict=True):
        assert gradient.shape == weight.shape
        assert difference(gradient, numeric_gradient(value, weight)) < 1e-7


def test_trains_as_dense_to_the_bit():
    found, x = [], np.random.default_rng(0).normal(size=(40, 6)).astype("float32")
    for make in (lambda: layers.EinsumDense("ab,bc->ac", 5, "relu", "c"), lambda: layers.Dense(5, "relu")):
        gs.utils.set_random_seed(0)
        model = gs.Sequential([gs.Input((6,)), make(), layers.Dense(1)])
        model.compile("adam", "mse")
        found.append((model.fit(x, x[:, :1], epochs=3, verbose=0).history["loss"], *model.get_weights()))
    assert found[0][0] == found[1][0]
    assert all(map(np.array_equal, *(one[1:] for one in found)))


@pytest.mark.parametrize("name", ["heads", "part of a bias", "first axis"])
def test_files_and_copies(name, tmp_path):
    model, x = gs.Sequential([gs.Input(CASES[name][-1]), layer_of(gs, name)]), data_of(name)
    model.save(tmp_path / "model.gradstep")
    for other in (gs.models.load_model(tmp_path / "model.gradstep"), gs.models.clone_model(model)):
        other.set_weights(model.get_weights())
        assert np.array_equal(other.predict(x, verbose=0), model.predict(x, verbose=0))


def test_steps_of_any_number():
    model = gs.Sequential([gs.Input((None, 3)), layers.EinsumDense("abc,cd->abd", (None, 4), bias_axes="d")])
    assert [model.predict(np.ones((2, n, 3)), verbose=0).shape for n in (2, 5)] == [(2, 2, 4), (2, 5, 4)]


def test_what_is_refused():
    build = lambda equation, output, *shape, **options: layers.EinsumDense(equation, output, **options).build(  # noqa: E731
        (None, *shape)
    )
    with pytest.raises(ValueError, match="equation must be of the form 'abc,cd->abd'"):
        layers.EinsumDense("ab->a", 3)
    with pytest.raises(ValueError, match="bias_axes must be axes of the output"):
        layers.EinsumDense("ab,bc->ac", 3, bias_axes="b")
    for equation in ("ab,cb->ac", "abc,bcd->abd", "ab,bc->ca"):
        with pytest.raises(ValueError, match="a kernel with the axes that are summed over, then the new ones"):
            build(equation, (3, 3) if equation == "abc,bcd->abd" else 3, *(4, 4)[: len(equation.split(",")[0]) - 1])
    with pytest.raises(ValueError, match="must have the axes of 'ab,bc->ac'; they have 3"):
        build("ab,bc->ac", 3, 4, 5)
    with pytest.raises(ValueError, match=r"output_shape has 4 for axis 'b'; the input of .* has 5"):
        build("abc,cd->abd", (4, 6), 5, 3)
    with pytest.raises(ValueError, match="output_shape must give the size of axis 'd'"):
        build("abc,cd->abd", (5, None), 5, 3)
    with pytest.raises(ValueError, match="output_shape must have 2 sizes, for 'bd'"):
        build("abc,cd->abd", 6, 5, 3)
    with pytest.raises(ValueError, match=r"kernel_constraint of layer .* must be NonNeg"):
        build("abc,cde->abde", (5, 2, 3), 5, 3, kernel_constraint="max_norm")
    with pytest.raises(AttributeError, match="holds for good"):
        layers.EinsumDense("ab,bc->ac", 3).activation = "relu"


@pytest.mark.peers
def test_is_that_of_keras(tmp_path):
    for name in CASES:
        model = gs.Sequential([gs.Input(CASES[name][-1], dtype="float64"), layer_of(gs, name, dtype="float64")])
        model.compile("adam", "mse")
        model.save(tmp_path / f"{name}.ours.keras")
    theirs = keras_says(
        """
from einsum_cases import CASES, data_of, layer_of
answer = {}
for name, case in CASES.items():
    read = keras.models.load_model(f"{data['folder']}/{name}.ours.keras")
    keras.utils.set_random_seed(1)
    x = data_of(name)
    model = keras.Sequential([keras.Input(case[-1]), layer_of(keras, name)])
    y = np.random.default_rng(5).normal(size=model.predict(x, verbose=0).shape)
    start = model.get_weights()
    model.compile(keras.optimizers.Adam(0.01), "mse")
    losses = model.fit(x, y, epochs=4, batch_size=2, shuffle=False, verbose=0).history["loss"]
    model.save(f"{data['folder']}/{name}.theirs.keras")
    answer[name] = [start, losses, model.predict(x, verbose=0), read.predict(x, verbose=0)]
""",
        backend="torch",
        folder=str(tmp_path),
    )
    for name, (start, losses, predicted, of_ours) in theirs.items():
        x = data_of(name)
        ours = gs.models.load_model(tmp_path / f"{name}.ours.keras")
        np.testing.assert_allclose(ours.predict(x, verbose=0), of_ours, rtol=1e-5, atol=1e-7, err_msg=name)
        read = gs.models.load_model(tmp_path / f"{name}.theirs.keras")
        np.testing.assert_allclose(read.predict(x, verbose=0), predicted, rtol=1e-5, atol=1e-7, err_msg=name)
        model = gs.Sequential([gs.Input(CASES[name][-1]), layer_of(gs, name, dtype="float64")])
        model.set_weights([np.array(weight) for weight in start])
        model.compile(gs.optimizers.Adam(0.01), "mse")
        y = np.random.default_rng(5).normal(size=np.shape(predicted))
        fitted = model.fit(x, y, epochs=4, batch_size=2, shuffle=False, verbose=0).history["loss"]
        np.testing.assert_allclose(fitted, losses, rtol=3e-6, err_msg=name)
