"""A convolution and the pooling that alone reads it, which are done together, equal the two done apart."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradients import difference, numeric_gradient
from gradstep import layers
from threads import same_at_any_number_of_threads

# Shape of a row, arguments of the convolution, pooling and its arguments.
CASES = {
    "odd": ((13, 13, 3), {"filters": 17, "kernel_size": 3, "activation": "relu"}, "MaxPooling2D", {}),
    "strips": ((40, 30, 1), {"filters": 32, "kernel_size": 3, "activation": "relu"}, "MaxPooling2D", {}),
    "strips, same": (
        (31, 28, 2),
        {"filters": 33, "kernel_size": (2, 5), "padding": "same", "activation": "sigmoid"},
        "MaxPooling2D",
        {"pool_size": (3, 2)},
    ),
    "overlapping": (
        (12, 11, 5),
        {"filters": 6, "kernel_size": 3, "padding": "same", "activation": "relu"},
        "MaxPooling2D",
        {"pool_size": 3, "strides": 2, "padding": "same"},
    ),
    "gaps": (
        (21, 19, 2),
        {"filters": 8, "kernel_size": 2, "strides": (1, 2), "activation": "tanh"},
        "MaxPooling2D",
        {"pool_size": 2, "strides": 3},
    ),
    "all": ((6, 5, 2), {"filters": 3, "kernel_size": 2, "activation": "relu"}, "GlobalMaxPooling2D", {}),
    "mean": ((14, 13, 2), {"filters": 5, "kernel_size": 3, "dilation_rate": 2}, "AveragePooling2D", {"pool_size": 2}),
    "mean, same": (
        (9, 8, 4),
        {"filters": 6, "kernel_size": 3, "groups": 2},
        "AveragePooling2D",
        {"pool_size": 3, "strides": 1, "padding": "same"},
    ),
    "mean of all": ((6, 5, 2), {"filters": 3, "kernel_size": 2}, "GlobalAveragePooling2D", {}),
    "sequences": (
        (50, 3),
        {"filters": 16, "kernel_size": 4, "padding": "causal", "activation": "relu"},
        "MaxPooling1D",
        {"pool_size": 3},
    ),
    "volumes": (
        (9, 7, 6, 2),
        {"filters": 5, "kernel_size": 2, "activation": "relu"},
        "MaxPooling3D",
        {"pool_size": (2, 3, 2)},
    ),
    "large kernel": ((8, 8, 65), {"filters": 70, "kernel_size": 3, "activation": "relu"}, "MaxPooling2D", {}),
}


def pair(row, arguments, pool, options, dtype):
    """The two together; and the same weights where the convolution's output is read by another, too."""
    gs.utils.set_random_seed(0)
    x = gs.Input(row)
    conv = layers.Conv1D if len(row) == 2 else layers.Conv2D if len(row) == 3 else layers.Conv3D
    conv = conv(**arguments, bias_initializer="random_normal", dtype=dtype)
    z = conv(x)
    y = getattr(layers, pool)(**options, dtype=dtype)(z)
    return gs.Model(x, y), gs.Model(x, [z, y])


@pytest.mark.parametrize("batch", [1, 7, 33])
@pytest.mark.parametrize("case", CASES)
def test_values_and_gradients(case, batch, dtype):
    row = CASES[case][0]
    together, apart = pair(*CASES[case], dtype.name)
    random = np.random.default_rng(1)
    x = random.normal(size=(batch, *row)).astype(dtype)
    y = together(x, training=True)
    z, right = apart(x, training=True)
    np.testing.assert_array_equal(y, right)
    np.testing.assert_array_equal(together.predict(x, verbose=0), right)
    dy = random.normal(size=y.shape).astype(dtype)
    found, expected = together.backward(dy), apart.backward([np.zeros_like(z), dy])
    dx, dws = found
    right_dx, right_dws = expected
    # Sums over all places, in another order.
    for one, other in zip([dx, *dws], [right_dx, *right_dws], strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=256 * np.finfo(dtype).eps * np.abs(other).max())


def test_what_no_window_of_the_pool_sees_has_no_gradient():
    """The last row and column of 11 x 11 places, and of the input what only they see."""
    together, _ = pair((13, 13, 2), {"filters": 4, "kernel_size": 3}, "MaxPooling2D", {}, "float32")
    together(np.random.default_rng(0).normal(size=(3, 13, 13, 2)).astype(np.float32), training=True)
    dx, _ = together.backward(np.ones((3, 5, 5, 4), np.float32))
    assert (dx[:, 12] == 0).all()
    assert (dx[:, :, 12] == 0).all()
    assert (dx[:, 11] != 0).any()


def test_ties_and_numbers_that_are_none():
    """Of equal numbers the first is the largest; a NaN is larger than all."""
    for pool, kernel in (("MaxPooling2D", 0.0), ("MaxPooling2D", np.nan)):
        together, apart = pair((6, 6, 1), {"filters": 1, "kernel_size": 1}, pool, {}, "float32")
        together.layers[1].set_weights([np.full((1, 1, 1, 1), kernel, np.float32), np.zeros(1, np.float32)])
        x = np.ones((1, 6, 6, 1), np.float32)
        np.testing.assert_array_equal(together(x, training=True), apart(x, training=True)[1])
        _, (dw, _) = together.backward(np.ones((1, 3, 3, 1), np.float32))
        assert dw.item() == 9


def test_images_of_bytes_are_read_where_they_lie():
    """Also where each strip of an image is copied with zeros around it."""
    images = np.random.default_rng(0).integers(0, 255, (5, 40, 30, 3)).astype(np.uint8)[:, ::-1]
    gs.utils.set_random_seed(0)
    conv = layers.Conv2D(32, 3, padding="same", activation="relu")
    model = gs.Sequential([gs.Input((40, 30, 3)), layers.Rescaling(1 / 255), conv, layers.MaxPooling2D()])
    right = layers.MaxPooling2D()(conv((images * np.float32(1 / 255)).astype(np.float32)))
    np.testing.assert_allclose(model.predict(images, verbose=0), right, rtol=0, atol=1e-5)


@pytest.mark.parametrize("batch", [1, 7, 33, 128])
def test_same_bits_with_any_number_of_threads(batch):
    """Of convolutions with and without a pool, kernels small and large, and borders."""
    random = np.random.default_rng(batch)
    x, y = random.normal(size=(batch, 20, 18, 3)).astype(np.float32), random.integers(0, 10, batch)

    def trained():
        gs.utils.set_random_seed(0)
        model = gs.Sequential(
            [
                gs.Input((20, 18, 3)),
                layers.Conv2D(48, 3, padding="same", activation="relu"),
                layers.MaxPooling2D(),
                layers.Conv2D(100, 3, strides=2, padding="same", activation="elu"),
                layers.Conv2D(16, 2, activation="relu"),
                layers.GlobalAveragePooling2D(),
                layers.Dense(10),
            ]
        )
        model.compile("adam", gs.losses.SparseCategoricalCrossentropy(from_logits=True))
        for _ in range(3):
            model.train_on_batch(x, y)
        return [*model.get_weights(), model.predict(x, verbose=0, batch_size=batch)]

    same_at_any_number_of_threads(trained, (1, 2, 3, 8, 16))


def network(optimizer, *, frozen=(), dtype="float32"):
    """Convolutions with a pool and without, a large kernel and a border; those of some numbers are not trained."""
    gs.utils.set_random_seed(5)
    options = {"dtype": dtype}
    model = gs.Sequential(
        [
            gs.Input((12, 11, 2)),
            layers.Conv2D(20, 3, padding="same", activation="relu", trainable=0 not in frozen, **options),
            layers.MaxPooling2D(**options),
            layers.Conv2D(230, 3, activation="relu", trainable=1 not in frozen, **options),
            layers.Conv2D(8, 2, activation="gelu", trainable=2 not in frozen, **options),
            layers.GlobalMaxPooling2D(**options),
            layers.Dense(3, **options),
        ]
    )
    model.compile(optimizer, "mse")
    return model


def batches(dtype=np.float32):
    random = np.random.default_rng(6)
    return random.normal(size=(9, 12, 11, 2)).astype(dtype), random.normal(size=(9, 3)).astype(dtype)


def test_gradients_that_are_stored_make_the_same_step():
    """To the bit: as a clip needs whole gradients, here one that clips nothing; and as `value_and_grad` gives them."""
    x, y = batches()
    at_once, stored = network("adam"), network(gs.optimizers.Adam(global_clipnorm=1e9))
    by_hand = network("adam")
    adam = gs.optimizers.Adam()
    for _ in range(5):
        at_once.train_on_batch(x, y)
        stored.train_on_batch(x, y)
        _, gradients = by_hand.value_and_grad(x, y)
        adam.step(by_hand.trainable_weights, gradients)
    for one, other, third in zip(at_once.get_weights(), stored.get_weights(), by_hand.get_weights(), strict=True):
        np.testing.assert_array_equal(one, third)
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-7)  # a clip multiplies by its norm's quotient


@pytest.mark.parametrize("frozen", [(0,), (1,), (0, 2), (0, 1, 2)])
def test_what_is_not_trained_stays(frozen):
    """Layers in the middle, too; the gradients of the others are those of the whole network."""
    x, y = batches(np.float64)
    part, whole = network("sgd", frozen=frozen, dtype="float64"), network("sgd", dtype="float64")
    _, gradients = part.value_and_grad(x, y)
    _, every = whole.value_and_grad(x, y)
    trained = [i for i in range(len(every)) if i // 2 not in frozen]
    assert len(gradients) == len(trained)
    for i, gradient in zip(trained, gradients, strict=True):
        np.testing.assert_allclose(gradient, every[i], rtol=1e-12, atol=1e-14)
    kept = [[w.copy() for w in layer.weights] for layer in part.layers if not layer.trainable]
    part.train_on_batch(x, y)
    for before, layer in zip(kept, (layer for layer in part.layers if not layer.trainable), strict=True):
        for one, other in zip(before, layer.weights, strict=True):
            np.testing.assert_array_equal(one, other)


def test_the_gradient_by_the_input():
    """On request, through pools and borders: central differences."""
    x, _ = batches(np.float64)
    model = network("sgd", dtype="float64")
    dy = np.random.default_rng(7).normal(size=(9, 3))
    model(x, training=True)
    dx, _ = model.backward(dy)
    for at in np.random.default_rng(8).permutation(x.size)[:12]:
        index, values = np.unravel_index(at, x.shape), []
        kept = x[index]
        for step in (1e-6, -1e-6):
            x[index] = kept + step
            values.append(float((model(x) * dy).sum()))
        x[index] = kept
        assert dx[index] == pytest.approx((values[0] - values[1]) / 2e-6, rel=1e-6, abs=1e-8)


def test_a_file_of_images_is_read_where_it_lies(tmp_path):
    x, y = batches()
    np.save(tmp_path / "x.npy", x)
    on_disk, in_memory = network("adam"), network("adam")
    for model, images in ((on_disk, np.load(tmp_path / "x.npy", mmap_mode="r")), (in_memory, x)):
        model.fit(images, y, batch_size=4, epochs=2, verbose=0, shuffle=False)
    for one, other in zip(on_disk.get_weights(), in_memory.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def in_a_row(count, dtype):
    """Convolutions that read one another's outputs, with a border, a pool and strides among them."""
    gs.utils.set_random_seed(2)
    return [
        layers.Conv2D(
            6 if i in (2, 3) else 5 + i % 3,
            1 + i % 3,
            strides=2 if i == 4 else 1,
            padding=("same", "valid")[i % 4 == 3],
            activation=("relu", None, "gelu")[i % 3],
            groups=1 + (i == 3),
            dtype=dtype,
        )
        if i != 6
        else layers.MaxPooling2D(dtype=dtype)
        for i in range(count)
    ]


@pytest.mark.parametrize("batch", [1, 7, 33])
def test_many_in_a_row(batch):
    """The way back through all of them at once is that through each of them by itself."""
    row = in_a_row(14, "float64")
    model = gs.Sequential([gs.Input((17, 16, 2)), *row])
    random = np.random.default_rng(3)
    x = random.normal(size=(batch, 17, 16, 2))
    y = model(x, training=True)
    dy = random.normal(size=y.shape)
    dx, gradients = model.backward(dy)
    values = [x]
    for layer in row:
        values.append(layer(values[-1], training=True))
    np.testing.assert_array_equal(values[-1], y)
    singly, slope = [], dy
    for layer in reversed(row):
        slope, own = layer.backward(slope)
        singly = [*own, *singly]
    np.testing.assert_allclose(dx, slope, rtol=1e-10, atol=1e-12 * np.abs(slope).max())
    for one, other in zip(gradients, singly, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-12 * np.abs(other).max())


def test_in_a_row_with_a_skip():
    """What is read twice on the way is in memory, and its gradients are summed."""
    gs.utils.set_random_seed(4)
    options = {"padding": "same", "activation": "tanh", "dtype": "float64"}
    x = gs.Input((6, 5, 3))
    h = layers.Conv2D(4, 3, **options)(x)
    z = layers.Conv2D(4, 3, **options)(layers.Conv2D(4, 2, **options)(h))
    y = layers.Conv2D(2, 3, **options)(layers.Add(dtype="float64")([h, z]))
    model = gs.Model(x, layers.GlobalAveragePooling2D(dtype="float64")(y))
    model.compile("sgd", "mse")
    random = np.random.default_rng(5)
    batch, targets = random.normal(size=(3, 6, 5, 3)), random.normal(size=(3, 2))
    _, gradients = model.value_and_grad(batch, targets)
    for weight, gradient in zip(model.weights, gradients, strict=True):
        assert difference(gradient, numeric_gradient(lambda: model.test_on_batch(batch, targets), weight)) <= 1e-7


@pytest.mark.parametrize("activation", ["relu", "gelu", "softmax"])
def test_an_activation_of_its_own(activation):
    """As a layer it gives the bits that it gives as an argument; as the output too, whose loss may take it up."""
    x, y = batches()
    y = (y > 0).astype(np.float32)
    weights = []
    for apart in (False, True):
        gs.utils.set_random_seed(9)
        given = {} if apart else {"activation": activation}
        own = [layers.Activation(activation)] if apart else []
        ends = [layers.Dense(3), layers.Activation("sigmoid")] if apart else [layers.Dense(3, "sigmoid")]
        model = gs.Sequential(
            [
                gs.Input((12, 11, 2)),
                layers.Conv2D(6, 3, **given),
                *own,
                layers.MaxPooling2D(),
                layers.Conv2DTranspose(5, 2, strides=2, **given),
                *([layers.Activation(activation)] if apart else []),
                layers.SeparableConv2D(4, 3, **given),
                *([layers.Activation(activation)] if apart else []),
                layers.Flatten(),
                layers.Dense(8, **given),
                *([layers.Activation(activation)] if apart else []),
                *ends,
            ]
        )
        model.compile("adam", "binary_crossentropy")
        for _ in range(3):
            model.train_on_batch(x, y)
        weights.append([*model.get_weights(), model.predict(x, verbose=0)])
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, other)
