"""Layers that must give what others give, or what can be seen without computing."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradstep import layers

RANDOM = np.random.default_rng
F64 = {"dtype": "float64"}


@pytest.mark.parametrize("place", [(0, 0), (0, 2), (1, 1), (2, 1)])
@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_a_kernel_of_a_single_one_shifts_the_image(place, strides, padding, dtype):
    """To the bit; of an image whose channels change places."""
    x = RANDOM(0).normal(size=(3, 9, 7, 17)).astype(dtype)
    layer = layers.Conv2D(17, 3, strides=strides, padding=padding, use_bias=False, dtype=dtype.name)
    layer.build(x.shape)
    order, kernel = RANDOM(1).permutation(17), np.zeros((3, 3, 17, 17), dtype)
    kernel[place][order, np.arange(17)] = 1
    layer.set_weights([kernel])
    # Both sizes are odd: 'same' has one row and one column of zeros on each side.
    seen = np.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)]) if padding == "same" else x
    rows, columns = seen.shape[1] - 2, seen.shape[2] - 2
    shifted = seen[:, place[0] : place[0] + rows : strides, place[1] : place[1] + columns : strides]
    np.testing.assert_array_equal(layer(x), shifted[..., order])


@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize("each", [1, 3])
def test_as_many_groups_as_channels_are_a_depthwise_convolution(n, each):
    """Outputs, and gradients by the input and both kernels."""
    shape, channels = (8, 7)[:n], 18
    x = RANDOM(0).normal(size=(5, *shape, channels))
    grouped = getattr(layers, f"Conv{n}D")(channels * each, 3, padding="same", groups=channels, **F64)
    depthwise = getattr(layers, f"DepthwiseConv{n}D")(3, padding="same", depth_multiplier=each, **F64)
    for layer in (grouped, depthwise):
        layer.build(x.shape)
    kernel, bias = RANDOM(1).normal(size=(*[3] * n, channels, each)), RANDOM(2).normal(size=channels * each)
    depthwise.set_weights([kernel, bias])
    grouped.set_weights([kernel.reshape(*[3] * n, 1, channels * each), bias])
    y, other = grouped(x, training=True), depthwise(x, training=True)
    np.testing.assert_allclose(y, other, rtol=1e-12, atol=1e-12)
    dy = RANDOM(3).normal(size=y.shape)
    (dx, (dw, db)), (right, (dk, dc)) = grouped.backward(dy), depthwise.backward(dy)
    np.testing.assert_allclose(dx, right, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(dw.reshape(dk.shape), dk, rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(db, dc, rtol=1e-12, atol=1e-12)


def test_statistics_of_channels_are_those_of_all_places():
    """BatchNormalization of images, of sequences and of their places as rows: outputs, gradients, moving averages."""
    x, dy = RANDOM(0).normal(2.0, size=(4, 3, 5, 6)), RANDOM(1).normal(size=(4, 3, 5, 6))
    found = []
    for shape in ((4, 3, 5, 6), (4, 15, 6), (60, 6)):
        layer = layers.BatchNormalization(**F64)
        y = layer(x.reshape(shape), training=True)
        dx, dws = layer.backward(dy.reshape(shape))
        found.append([y.reshape(-1, 6), dx.reshape(-1, 6), *dws, *layer.get_weights()])
    for other in found[1:]:
        for one, two in zip(found[0], other, strict=True):
            np.testing.assert_allclose(one, two, rtol=1e-12, atol=1e-12)


NETWORKS = {
    "convolution": ((8, 8, 2), lambda: [layers.Conv2D(5, 3, activation="relu", **F64), layers.MaxPooling2D(**F64)]),
    "LSTM": ((6, 3), lambda: [layers.LSTM(4, return_sequences=True, **F64), layers.GRU(3, **F64)]),
    "embedding": ((6,), lambda: [layers.Embedding(9, 4, **F64), layers.GlobalAveragePooling1D(**F64)]),
}


def network(name, optimizer):
    shape, inner = NETWORKS[name]
    gs.utils.set_random_seed(2)
    model = gs.Sequential([gs.Input(shape), *inner(), layers.Flatten(**F64), layers.Dense(2, **F64)])
    model.compile(optimizer, "mse")
    x = RANDOM(0).normal(size=(24, *shape)) if name != "embedding" else RANDOM(0).integers(0, 9, (24, *shape))
    return model, x, RANDOM(1).normal(size=(24, 2))


@pytest.mark.parametrize("name", NETWORKS)
def test_two_halves_accumulated_are_the_whole_batch(name):
    whole, x, y = network(name, gs.optimizers.Adam(0.01))
    halves, _, _ = network(name, gs.optimizers.Adam(0.01, gradient_accumulation_steps=2))
    start = whole.get_weights()
    for _ in range(4):
        whole.train_on_batch(x, y)
        halves.train_on_batch(x[:12], y[:12])
        halves.train_on_batch(x[12:], y[12:])
    for one, other, first in zip(whole.get_weights(), halves.get_weights(), start, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-7, atol=1e-9)  # Adam divides by roots of small means
        assert not np.array_equal(one, first)


@pytest.mark.parametrize("cell", ["SimpleRNN", "LSTM", "GRU"])
def test_what_recurrent_layers_drop_is_the_same_after_a_file(cell, tmp_path):
    """Two epochs, a file and two more have the bits of four epochs."""

    def made():
        gs.utils.set_random_seed(4)
        layer = getattr(layers, cell)(5, dropout=0.3, recurrent_dropout=0.4)
        model = gs.Sequential([gs.Input((4, 3)), layer, layers.Dense(1)])
        model.compile("adam", "mse")
        return model

    x = RANDOM(0).normal(size=(20, 4, 3)).astype("float32")
    y = RANDOM(1).normal(size=(20, 1)).astype("float32")
    at_once, first = made(), made()
    at_once.fit(x, y, batch_size=6, epochs=4, shuffle=False, verbose=0)
    first.fit(x, y, batch_size=6, epochs=2, shuffle=False, verbose=0)
    first.save(tmp_path / "model.gradstep")
    second = gs.models.load_model(tmp_path / "model.gradstep")
    second.fit(x, y, batch_size=6, epochs=4, initial_epoch=2, shuffle=False, verbose=0)
    for one, other in zip(at_once.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
