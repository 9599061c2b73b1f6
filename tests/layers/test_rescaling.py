"""Rescaling, wherever it stands."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradients import difference, numeric_gradient
from probe import layers_of_engine, pass_gradients

DENSE = {"kind": "dense", "units": 4, "use_bias": True, "activation": "tanh"}
RESCALE = {"kind": "rescaling", "scale": 1.3, "offset": -0.7}


def test_rescales_what_it_is_called_on(dtype):
    x = np.array([[0, 1, 255]], np.uint8)
    y = gs.layers.Rescaling(1 / 255, offset=0.5, dtype=dtype.name)(x)
    assert y.dtype == dtype
    np.testing.assert_allclose(y, x / 255 + 0.5, rtol=2 * np.finfo(dtype).eps)


@pytest.mark.parametrize(
    "layers",
    [
        [RESCALE, DENSE],
        [RESCALE, RESCALE, DENSE],
        [DENSE, RESCALE, DENSE],
        [DENSE, RESCALE],
        [RESCALE, {"kind": "activation", "activation": "tanh"}, DENSE],
    ],
    ids=["first", "twice", "between", "last", "before an activation"],
)
@pytest.mark.parametrize("rows", [2, 70])
def test_gradients_equal_central_differences(layers, rows):
    random = np.random.default_rng(rows)
    network = layers_of_engine(4, layers, "float64")
    weights = [weight for layer in network.parameters for weight in layer]
    for weight in weights:
        weight[...] = random.normal(size=weight.shape)
    x, y = random.normal(size=(rows, 4)), random.normal(size=(rows, 4))

    def run():
        return pass_gradients(network, gs.losses.MeanSquaredError(), x, y)

    value, gradients, dx = run()
    out = np.empty((rows, 4))
    network.predict(x, out, rows, 0, 0.0)
    assert value == pytest.approx(((out - y) ** 2).mean(), rel=1e-12)
    flat = [gradient for layer in gradients for gradient in layer]
    for at, gradient in [*zip(weights, flat, strict=True), (x, dx)]:
        assert difference(gradient, numeric_gradient(lambda: run()[0], at)) <= 1e-7


def test_images_of_bytes_train_as_their_floats_do():
    random = np.random.default_rng(0)
    images, y = random.integers(0, 256, (60, 8, 8), dtype=np.uint8), random.integers(0, 3, 60)

    def trained(x, *first):
        gs.utils.set_random_seed(4)
        model = gs.Sequential([gs.Input((8, 8)), *first, gs.layers.Flatten(), gs.layers.Dense(3, "softmax")])
        model.compile("adam", "sparse_categorical_crossentropy")
        return model.fit(x, y, epochs=3, verbose=0).history["loss"]

    # x / 256 is exact, so that the same numbers are multiplied.
    rescaled = trained(images, gs.layers.Rescaling(1 / 256))
    assert rescaled == trained((images / 256).astype(np.float32))


@pytest.mark.parametrize("wrong", [float("nan"), float("inf")])
def test_what_is_not_finite_is_refused(wrong):
    with pytest.raises(ValueError, match="scale must be finite"):
        gs.layers.Rescaling(wrong)
    with pytest.raises(ValueError, match="offset must be finite"):
        gs.layers.Rescaling(1.0, offset=wrong)
