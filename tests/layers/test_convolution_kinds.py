"""Transposed, depthwise and separable convolutions: plain loops in float64, and how they follow from plain ones."""

from __future__ import annotations

import itertools

import gradstep as gs
import numpy as np
import pytest
from gradstep import layers
from reference.convolution import convolution
from threads import same_at_any_number_of_threads

FIRST = "channels_first"


def drawn(seed, most=3):
    """A generator, the number of axes, a window's arguments, and a shape that it fits."""
    random = np.random.default_rng(seed)
    n = int(random.integers(1, most + 1))
    strides, dilation = [1] * n, [1] * n
    if random.integers(2):
        strides = [int(random.integers(1, 4)) for _ in range(n)]
    elif random.integers(2):
        dilation = [int(random.integers(1, 3)) for _ in range(n)]
    arguments = {
        "kernel_size": [int(random.integers(1, 4)) for _ in range(n)],
        "strides": strides,
        "padding": random.choice(["valid", "same"]).item(),
        "dilation_rate": dilation,
        "use_bias": bool(random.integers(4)),
        "data_format": random.choice(["channels_last", FIRST]).item(),
        "bias_initializer": "random_normal",
    }
    return random, n, arguments, [5 + int(random.integers(0, 3)) for _ in range(n)]


def rows(random, arguments, shape, channels, dtype):
    """An array for it, and the same with its channels last."""
    x = random.normal(size=(3, *shape, channels)).astype(dtype)
    return (np.ascontiguousarray(np.moveaxis(x, -1, 1)) if arguments["data_format"] == FIRST else x), x


def last(arguments, y):
    return np.moveaxis(y, 1, -1) if arguments["data_format"] == FIRST else y


def spread(layer, x):
    """What each place of x gives to all that a window there reaches, less what is cut off; without the bias."""
    n = len(layer.kernel_size)
    reach = [
        (size - 1) * stride + (k - 1) * d + 1
        for size, stride, k, d in zip(x.shape[1:-1], layer.strides, layer.kernel_size, layer.dilation_rate, strict=True)
    ]
    kernel = layer.kernel.astype(float)
    y = np.zeros((len(x), *reach, kernel.shape[-2]))
    for place in np.ndindex(*x.shape[1:-1]):
        for tap in np.ndindex(*kernel.shape[:n]):
            at = tuple(p * s + t * d for p, s, t, d in zip(place, layer.strides, tap, layer.dilation_rate, strict=True))
            y[(slice(None), *at)] += x[(slice(None), *place)].astype(float) @ kernel[tap].T
    return y


@pytest.mark.parametrize("seed", range(30))
def test_transposed(seed, dtype):
    """All that windows reach, cut to the size that is asked for: in front as much as Keras cuts."""
    random, n, arguments, shape = drawn(seed)
    arguments["output_padding"] = [None, [int(random.integers(0, s)) for s in arguments["strides"]]][seed % 2]
    gs.utils.set_random_seed(seed)
    channels, filters = (int(random.choice([1, 2, 5, 17])) for _ in range(2))
    layer = getattr(layers, f"Conv{n}DTranspose")(filters, **arguments, dtype=dtype.name)
    given, x = rows(random, arguments, shape, channels, dtype)
    y = layer(given)
    assert y.shape == (3, *layer.output_shape[1:])
    y, whole = last(arguments, y), spread(layer, x)
    right = np.zeros(y.shape)
    before = [layer._cuts(axis)[0] for axis in range(n)]
    ends = [min(size - cut, m) for size, cut, m in zip(whole.shape[1:-1], before, y.shape[1:-1], strict=True)]
    there = (slice(None), *(slice(end) for end in ends))
    right[there] = whole[(slice(None), *(slice(cut, cut + end) for cut, end in zip(before, ends, strict=True)))]
    right += 0 if layer.bias is None else layer.bias
    np.testing.assert_allclose(y, right, rtol=0, atol=64 * np.finfo(dtype).eps * max(1, np.abs(right).max()))


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("strides", [1, 2])
def test_transposed_is_the_adjoint(padding, strides):
    """<conv(x), y> = <x, transposed(y)> with the same kernel: sizes and edges are those of the convolution."""
    random = np.random.default_rng(0)
    options = {"strides": strides, "padding": padding, "use_bias": False, "dtype": "float64"}
    forward = layers.Conv2D(4, 3, **options)
    x = random.normal(size=(2, 8 + (padding == "valid"), 6 + (padding == "valid"), 3))
    y = random.normal(size=forward(x).shape)
    back = layers.Conv2DTranspose(3, 3, **options)
    back.build(y.shape)
    back.set_weights([forward.kernel])
    assert back(y).shape == x.shape
    assert (forward(x) * y).sum() == pytest.approx((x * back(y)).sum(), rel=1e-12)


@pytest.mark.parametrize("seed", range(20))
def test_depthwise(seed, dtype):
    """Plain loops of as many groups as channels."""
    random, n, arguments, shape = drawn(seed, 2)
    gs.utils.set_random_seed(seed)
    each, channels = int(random.choice([1, 1, 2, 3])), int(random.choice([1, 2, 12, 17, 24, 33]))
    layer = getattr(layers, f"DepthwiseConv{n}D")(**arguments, depth_multiplier=each, dtype=dtype.name)
    given, x = rows(random, arguments, shape, channels, dtype)
    y = last(arguments, layer(given))
    kernel = layer.kernel.astype(float).reshape(*layer.kernel_size, 1, channels * each)
    right = convolution(x, kernel, layer.bias, layer.strides, layer.padding, layer.dilation_rate, channels)
    np.testing.assert_allclose(y, right, rtol=0, atol=64 * np.finfo(dtype).eps * max(1, np.abs(right).max()))


@pytest.mark.parametrize("seed", range(12))
def test_separable_is_two_layers(seed):
    random, n, arguments, shape = drawn(seed, 2)
    gs.utils.set_random_seed(seed)
    layer = getattr(layers, f"SeparableConv{n}D")(7, **arguments, depth_multiplier=2, activation="elu")
    given, _ = rows(random, arguments, shape, 5, np.float32)
    y = layer(given)
    window = {name: arguments[name] for name in ("strides", "padding", "dilation_rate", "data_format")}
    first = getattr(layers, f"DepthwiseConv{n}D")(
        arguments["kernel_size"], depth_multiplier=2, use_bias=False, **window
    )
    second = getattr(layers, f"Conv{n}D")(
        7, 1, data_format=arguments["data_format"], activation="elu", use_bias=arguments["use_bias"]
    )
    first.build(given.shape)
    first.set_weights([layer.depthwise_kernel])
    h = first(given)
    second.build(h.shape)
    second.set_weights([layer.pointwise_kernel, *([] if layer.bias is None else [layer.bias])])
    np.testing.assert_array_equal(second(h), y)


KINDS = [
    ("Conv1DTranspose", {"filters": 3, "kernel_size": 3, "strides": 2, "output_padding": 1}, (5, 2)),
    ("Conv2DTranspose", {"filters": 3, "kernel_size": (2, 3), "strides": 2, "padding": "same"}, (3, 4, 2)),
    ("Conv2DTranspose", {"filters": 2, "kernel_size": 3, "data_format": FIRST, "use_bias": False}, (2, 3, 4)),
    ("Conv3DTranspose", {"filters": 2, "kernel_size": 2, "dilation_rate": 2}, (2, 3, 2, 2)),
    ("DepthwiseConv1D", {"kernel_size": 3, "depth_multiplier": 2}, (6, 2)),
    ("DepthwiseConv2D", {"kernel_size": 2, "strides": 2, "padding": "same"}, (5, 4, 18)),
    ("DepthwiseConv2D", {"kernel_size": 2, "data_format": FIRST}, (3, 4, 4)),
    ("DepthwiseConv2D", {"kernel_size": 2, "depth_multiplier": 2}, (4, 3, 12)),
    ("DepthwiseConv2D", {"kernel_size": 2, "depth_multiplier": 3, "padding": "same"}, (3, 2, 17)),
    ("SeparableConv1D", {"filters": 4, "kernel_size": 3, "padding": "same"}, (6, 3)),
    ("SeparableConv2D", {"filters": 3, "kernel_size": 2, "depth_multiplier": 2}, (4, 5, 3)),
    ("SeparableConv2D", {"filters": 3, "kernel_size": 2, "data_format": FIRST}, (3, 4, 5)),
]


@pytest.mark.parametrize("activation", ["tanh", "gelu"])
@pytest.mark.parametrize("case", range(len(KINDS)))
def test_gradients_equal_central_differences(case, activation):
    """By the input and by every weight; of an activation whose derivative reads its output, and its input."""
    name, arguments, row = KINDS[case]
    gs.utils.set_random_seed(case)
    layer = getattr(layers, name)(**arguments, activation=activation, dtype="float64")
    random = np.random.default_rng(case)
    x = random.normal(size=(2, *row))
    dy = random.normal(size=layer(x, training=True).shape)
    dx, dws = layer.backward(dy)
    for array, gradient in [(x, dx), *zip(layer.trainable_weights, dws, strict=True)]:
        assert gradient.shape == array.shape
        for at in random.permutation(array.size)[:8]:
            index = np.unravel_index(at, array.shape)
            kept, values = array[index], []
            for step in (1e-6, -1e-6):
                array[index] = kept + step
                values.append(float((layer(x) * dy).sum()))
            array[index] = kept
            assert gradient[index] == pytest.approx((values[0] - values[1]) / 2e-6, rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("batch", [1, 7, 33])
def test_same_bits_with_any_number_of_threads(batch):
    random = np.random.default_rng(batch)
    x, y = random.normal(size=(batch, 10, 9, 3)).astype(np.float32), random.normal(size=(batch, 2)).astype(np.float32)

    def trained():
        gs.utils.set_random_seed(0)
        model = gs.Sequential(
            [
                gs.Input((10, 9, 3)),
                layers.Conv2DTranspose(20, 3, strides=2, activation="relu"),
                layers.DepthwiseConv2D(3, strides=2, padding="same", activation="relu"),
                layers.MaxPooling2D(),
                layers.SeparableConv2D(24, 3, padding="same", activation="gelu"),
                layers.Conv2DTranspose(230, 3, strides=2, padding="same"),
                layers.GlobalMaxPooling2D(),
                layers.Dense(2),
            ]
        )
        model.compile("adam", "mse")
        for _ in range(3):
            model.train_on_batch(x, y)
        return model.get_weights()

    same_at_any_number_of_threads(trained)


@pytest.mark.parametrize("case", range(len(KINDS)))
def test_configs_and_files(case, tmp_path):
    name, arguments, row = KINDS[case]
    layer = getattr(layers, name)(**arguments, activation="relu")
    assert type(layer).from_config(layer.get_config()).get_config() == layer.get_config()
    model = gs.Sequential([gs.Input(row), layer, layers.Flatten(), layers.Dense(2)])
    x = np.random.default_rng(0).normal(size=(4, *row)).astype(np.float32)
    model.save(tmp_path / "model.gradstep")
    loaded = gs.models.load_model(tmp_path / "model.gradstep")
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))


BAD = {
    "padding": (lambda: layers.Conv2DTranspose(2, 3, padding="causal"), "padding must be"),
    "output_padding": (lambda: layers.Conv2DTranspose(2, 3, strides=2, output_padding=2), "less than strides"),
    "below 0": (lambda: layers.Conv2DTranspose(2, 3, strides=2, output_padding=-1), "output_padding must be"),
    "nothing": (
        lambda: layers.Conv1DTranspose(2, 4, padding="same", output_padding=0)(np.zeros((1, 1, 2))),
        "would give nothing along spatial axis 0",
    ),
    "depth": (lambda: layers.DepthwiseConv2D(3, depth_multiplier=0), "depth_multiplier must be"),
    "axes": (lambda: layers.DepthwiseConv2D(3)(np.zeros((1, 5, 5))), "must get inputs of shape"),
    "small": (lambda: layers.SeparableConv1D(2, 4)(np.zeros((1, 3, 2))), "reaches over 4"),
    "both": (lambda: layers.SeparableConv2D(2, 3, strides=2, dilation_rate=2), "must not both be more than 1"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_refused(case):
    call, words = BAD[case]
    with pytest.raises(ValueError, match=words):
        call()


def test_a_window_that_moves_the_image():
    """A kernel that is 1 at one place is a crop of the image, and its transpose puts it back among zeros."""
    x = np.random.default_rng(0).normal(size=(2, 6, 5, 1)).astype(np.float32)
    for i, j in itertools.product(range(3), range(2)):
        kernel = np.zeros((3, 2, 1, 1), np.float32)
        kernel[i, j] = 1
        layer, back = layers.Conv2D(1, (3, 2), use_bias=False), layers.Conv2DTranspose(1, (3, 2), use_bias=False)
        layer.build(x.shape)
        layer.set_weights([kernel])
        y = layer(x)
        np.testing.assert_array_equal(y, x[:, i : i + 4, j : j + 4])
        back.build(y.shape)
        back.set_weights([kernel])
        right = np.zeros_like(x)
        right[:, i : i + 4, j : j + 4] = y
        np.testing.assert_array_equal(back(y), right)
