"""Convolutions equal plain loops in float64, and the identities that they must satisfy."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradients import difference, numeric_gradient
from gradstep import layers
from reference.convolution import convolution
from threads import same_at_any_number_of_threads

FIRST = "channels_first"


def drawn(seed):
    """Arguments of a convolution and the shape of a row, of any rank."""
    random = np.random.default_rng(seed)
    n = int(random.integers(1, 4))
    pick = lambda *values: random.choice(values).item()  # noqa: E731
    padding = pick("valid", "same", "causal") if n == 1 else pick("valid", "same")
    size = [int(random.integers(1, 5)) for _ in range(n)]
    strides, dilation = [1] * n, [1] * n
    if random.integers(2):
        strides = [int(random.integers(1, 4)) for _ in range(n)]
    elif random.integers(2):
        dilation = [int(random.integers(1, 3)) for _ in range(n)]
    groups = pick(1, 1, 1, 2, 3)
    channels, filters = (groups * (pick(1, 2, 3, 5, 17, 33) if n < 3 else pick(1, 2, 3)) for _ in range(2))
    reaches = [(k - 1) * d + 1 for k, d in zip(size, dilation, strict=True)]
    # Images smaller than the window, where it may hang over their edges.
    least = reaches if padding == "valid" else [1] * n
    shape = [low + int(random.integers(0, 6 if n < 3 else 3)) for low in least]
    arguments = {
        "filters": filters,
        "kernel_size": size,
        "strides": strides,
        "padding": padding,
        "dilation_rate": dilation,
        "groups": groups,
        "use_bias": bool(random.integers(4)),
        "data_format": "channels_last" if padding == "causal" else pick("channels_last", "channels_last", FIRST),
        "bias_initializer": "random_normal",
    }
    return random, n, arguments, shape, channels


def made(n, arguments, **options):
    return getattr(layers, f"Conv{n}D")(**arguments, **options)


def expected(layer, x, arguments):
    """By plain loops, of channels wherever they are."""
    first = arguments.get("data_format") == FIRST
    y = convolution(
        np.moveaxis(x, 1, -1) if first else x,
        layer.kernel.astype(float),
        layer.bias,
        layer.strides,
        layer.padding,
        layer.dilation_rate,
        layer.groups,
    )
    return np.moveaxis(y, -1, 1) if first else y


@pytest.mark.parametrize("seed", range(60))
def test_value(seed, dtype):
    random, n, arguments, shape, channels = drawn(seed)
    gs.utils.set_random_seed(seed)
    layer = made(n, arguments, dtype=dtype.name)
    row = (channels, *shape) if arguments["data_format"] == FIRST else (*shape, channels)
    x = random.normal(size=(int(random.choice([1, 2, 7])), *row)).astype(dtype)
    y = layer(x)
    assert y.shape == (len(x), *layer.output_shape[1:])
    right = expected(layer, x, arguments)
    # Sums of up to some hundred products, in any order.
    np.testing.assert_allclose(y, right, rtol=0, atol=64 * np.finfo(dtype).eps * max(1, np.abs(right).max()))
    assert layer(x[:0]).shape == (0, *y.shape[1:])
    model = gs.Sequential([gs.Input(row), layer])
    np.testing.assert_array_equal(model.predict(x, verbose=0, batch_size="full"), y)


@pytest.mark.parametrize("kind", [np.uint8, np.float64, np.float32])
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_images_as_they_lie(kind, padding):
    """uint8 and float64, reversed, scaled on the way: nothing is read wrongly from a model's input."""
    random = np.random.default_rng(0)
    images = random.integers(0, 255, (9, 7, 6, 3)).astype(kind)[::-1, :, ::-1]
    model = gs.Sequential([gs.Input((7, 6, 3)), layers.Rescaling(1 / 255), layers.Conv2D(5, 3, padding=padding)])
    kernel, bias = model.layers[-1].kernel, model.layers[-1].bias
    right = convolution(images / 255, kernel.astype(float), bias, (1, 1), padding, (1, 1), 1)
    np.testing.assert_allclose(model.predict(images, verbose=0, batch_size=4), right, rtol=0, atol=1e-5)


@pytest.mark.parametrize("seed", range(0, 60, 2))
def test_gradients_equal_central_differences(seed):
    """By the input and by every weight; the mean of squares of a tanh of each output."""
    random, n, arguments, shape, channels = drawn(seed)
    gs.utils.set_random_seed(seed)
    filters = min(arguments["filters"], 2 * arguments["groups"])
    layer = made(n, arguments | {"filters": filters}, activation="tanh", dtype="float64")
    first = arguments["data_format"] == FIRST
    channels = min(channels, 2 * arguments["groups"])
    x = random.normal(size=(2, channels, *shape) if first else (2, *shape, channels))
    dy = random.normal(size=layer(x, training=True).shape)
    dx, dws = layer.backward(dy)
    value = lambda: float((np.tanh(expected(layer, x, arguments)) * dy).sum())  # noqa: E731
    # Loops are slow: some entries of each array, drawn.
    for array, gradient in [(x, dx), *zip(layer.trainable_weights, dws, strict=True)]:
        assert gradient.shape == array.shape
        for at in random.permutation(array.size)[:6]:
            index = np.unravel_index(at, array.shape)
            kept = array[index]
            array[index] = kept + 1e-6
            above = value()
            array[index] = kept - 1e-6
            below = value()
            array[index] = kept
            assert gradient[index] == pytest.approx((above - below) / 2e-6, rel=1e-6, abs=1e-7)


def small_cnn(batch_size=None, dtype="float64"):
    gs.utils.set_random_seed(3)
    options = {"dtype": dtype}
    model = gs.Sequential(
        [
            gs.Input((9, 8, 2)),
            layers.Conv2D(4, 3, activation="relu", **options),
            layers.MaxPooling2D(2, **options),
            layers.Conv2D(6, 2, padding="same", activation="tanh", groups=2, **options),
            layers.AveragePooling2D(2, padding="same", **options),
            layers.Flatten(**options),
            layers.Dense(3, "softmax", **options),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def test_gradients_of_a_network():
    model = small_cnn()
    random = np.random.default_rng(0)
    x, y = random.normal(size=(3, 9, 8, 2)), np.array([0, 2, 1])
    _, gradients = model.value_and_grad(x, y)
    for weight, gradient in zip(model.weights, gradients, strict=True):
        assert difference(gradient, numeric_gradient(lambda: model.test_on_batch(x, y), weight)) <= 1e-7


@pytest.mark.parametrize("batch", [1, 7, 33])
def test_same_bits_with_any_number_of_threads(batch):
    random = np.random.default_rng(batch)
    x, y = random.normal(size=(batch, 28, 28, 3)).astype(np.float32), random.integers(0, 10, batch)

    def trained():
        gs.utils.set_random_seed(0)
        model = gs.Sequential(
            [
                gs.Input((28, 28, 3)),
                layers.Conv2D(32, 3, activation="relu"),
                layers.MaxPooling2D(),
                layers.Conv2D(48, 3, strides=2, padding="same", activation="elu"),
                layers.GlobalAveragePooling2D(),
                layers.Dense(10),
            ]
        )
        model.compile("adam", gs.losses.SparseCategoricalCrossentropy(from_logits=True))
        for _ in range(3):
            model.train_on_batch(x, y)
        return model.get_weights()

    same_at_any_number_of_threads(trained, (1, 2, 3))


def dense_like(kernel, bias, x):
    layer = layers.Dense(kernel.shape[-1])
    layer.build((None, x.shape[-1]))
    layer.set_weights([kernel.reshape(-1, kernel.shape[-1]), bias])
    return layer(x)


def test_a_window_of_one_is_dense_at_each_pixel():
    x = np.random.default_rng(0).normal(size=(5, 4, 3, 17)).astype(np.float32)
    layer = layers.Conv2D(9, 1, bias_initializer="random_normal")
    y = layer(x)
    np.testing.assert_array_equal(y, dense_like(layer.kernel, layer.bias, x.reshape(-1, 17)).reshape(y.shape))


def test_a_window_as_large_as_the_image_is_dense():
    x = np.random.default_rng(0).normal(size=(5, 4, 3, 7)).astype(np.float32)
    layer = layers.Conv2D(9, (4, 3), bias_initializer="random_normal")
    y = layer(x)
    assert y.shape == (5, 1, 1, 9)
    np.testing.assert_array_equal(y[:, 0, 0], dense_like(layer.kernel, layer.bias, x.reshape(5, -1)))


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_a_sequence_is_an_image_of_height_one(padding):
    x = np.random.default_rng(0).normal(size=(5, 11, 7)).astype(np.float32)
    arguments = {"padding": padding, "strides": 2}
    one, two, three = (made(n, {"filters": 9, "kernel_size": [1] * (n - 1) + [3]} | arguments) for n in (1, 2, 3))
    y = one(x)
    for layer, axes in ((two, (1,)), (three, (1, 2))):
        layer.build((None, *[1] * len(axes), 11, 7))
        layer.set_weights([np.expand_dims(one.kernel, tuple(range(len(axes)))), one.bias])
        np.testing.assert_array_equal(layer(np.expand_dims(x, axes)), np.expand_dims(y, axes))


def test_a_causal_convolution_sees_nothing_later():
    x = np.random.default_rng(0).normal(size=(2, 10, 3)).astype(np.float32)
    layer = layers.Conv1D(4, 3, padding="causal", dilation_rate=2)
    before = layer(x)
    x[:, 6:] += 1
    np.testing.assert_array_equal(layer(x)[:, :6], before[:, :6])


def test_a_layer_used_twice():
    """Its gradient is the sum over both calls, on inputs of its own and of another's."""
    options = {"dtype": "float64"}
    gs.utils.set_random_seed(1)
    x = gs.Input((6, 6, 2))
    shared = layers.Conv2D(2, 3, padding="same", activation="tanh", **options)
    y = layers.Dense(1, **options)(layers.Flatten(**options)(shared(shared(x))))
    model = gs.Model(x, y)
    model.compile("sgd", "mse")
    random = np.random.default_rng(0)
    batch, targets = random.normal(size=(3, 6, 6, 2)), random.normal(size=(3, 1))
    _, gradients = model.value_and_grad(batch, targets)
    for weight, gradient in zip(model.weights, gradients, strict=True):
        assert difference(gradient, numeric_gradient(lambda: model.test_on_batch(batch, targets), weight)) <= 1e-7


def test_rules_of_a_kernel():
    """A penalty and a constraint of an array of four axes: norms of filters, as Keras's axis=[0, 1, 2]."""
    layer = layers.Conv2D(
        4, 3, kernel_regularizer="l2", kernel_constraint=gs.constraints.UnitNorm([0, 1, 2]), dtype="float64"
    )
    model = gs.Sequential(
        [gs.Input((5, 5, 2)), layer, layers.Flatten(dtype="float64"), layers.Dense(1, dtype="float64")]
    )
    model.compile("sgd", "mse")
    random = np.random.default_rng(0)
    assert layer.losses == [pytest.approx(0.01 * (layer.kernel**2).sum())]
    model.train_on_batch(random.normal(size=(3, 5, 5, 2)), random.normal(size=(3, 1)))
    np.testing.assert_allclose((layer.kernel**2).sum((0, 1, 2)), 1, rtol=1e-6)  # Keras divides by the norm + 1e-7
    with pytest.raises(ValueError, match=r"axis must be all but the last of a kernel of 4 dimensions, \[0, 1, 2\]"):
        layers.Conv2D(4, 3, kernel_constraint=gs.constraints.UnitNorm()).build((None, 5, 5, 2))


@pytest.mark.parametrize("seed", range(0, 20, 3))
def test_configs_and_files(seed, tmp_path):
    random, n, arguments, shape, channels = drawn(seed)
    layer = made(n, arguments, activation="relu")
    again = type(layer).from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    row = (channels, *shape) if arguments["data_format"] == FIRST else (*shape, channels)
    model = gs.Sequential([gs.Input(row), layer, layers.Flatten(), layers.Dense(2)])
    x = random.normal(size=(4, *row)).astype(np.float32)
    model.save(tmp_path / "model.gradstep")
    loaded = gs.models.load_model(tmp_path / "model.gradstep")
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))


def called(n, shape, **arguments):
    return lambda: made(n, {"filters": 4, "kernel_size": 3, "name": "it"} | arguments)(np.zeros(shape))


BAD = {
    "filters": (called(2, (1, 5, 5, 1), filters=0), ValueError, "filters must be"),
    "size": (called(2, (1, 5, 5, 1), kernel_size=(3,)), ValueError, "kernel_size must be an int or 2"),
    "size of 0": (called(1, (1, 5, 1), kernel_size=0), ValueError, "kernel_size must be"),
    "stride": (called(2, (1, 5, 5, 1), strides="2"), TypeError, "strides must be"),
    "both": (called(2, (1, 5, 5, 1), strides=2, dilation_rate=2), ValueError, "must not both be more than 1"),
    "padding": (called(2, (1, 5, 5, 1), padding="causal"), ValueError, "padding must be"),
    "causal": (called(1, (1, 5, 1), padding="causal", data_format=FIRST), ValueError, "must have data_format"),
    "groups": (called(2, (1, 5, 5, 1), groups=3), ValueError, "groups must divide filters"),
    "channels": (called(2, (1, 5, 5, 3), groups=2), ValueError, "must divide the channels of its input"),
    "axes": (called(2, (1, 5, 5)), ValueError, r"must get inputs of shape \(rows, height, width, channels\)"),
    "small": (called(2, (1, 2, 5, 1)), ValueError, "at least as large as its window, which reaches over 3"),
    "small, spread": (called(1, (1, 4, 1), dilation_rate=2), ValueError, "reaches over 5"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_refused(case):
    call, error, words = BAD[case]
    with pytest.raises(error, match=words):
        call()
