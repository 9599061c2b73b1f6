"""Recurrent layers that convolve: plain steps in NumPy, an LSTM where there is one place, masks, states, threads."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradients import difference, numeric_gradient
from gradstep import layers
from probe import draw_as_in_call
from recurrent_cases import CONV_LAYERS, spread_weights
from threads import same_at_any_number_of_threads

FUNCTIONS = {"activation": "gelu", "recurrent_activation": "hard_sigmoid"}
# Arguments beside filters and kernel_size, and the shape of a step.
CASES = {
    "valid": ("ConvLSTM2D", (3, 2), {}, (6, 5, 3)),
    "same": ("ConvLSTM2D", 2, {"padding": "same", "return_sequences": True, **FUNCTIONS}, (4, 3, 2)),
    "strides": ("ConvLSTM2D", 3, {"padding": "SAME", "strides": (2, 1), "use_bias": False}, (5, 4, 2)),
    "dilation": ("ConvLSTM2D", 2, {"dilation_rate": 2, "return_sequences": True, "go_backwards": True}, (4, 5, 2)),
    "signals": ("ConvLSTM1D", 3, {"padding": "same", "return_sequences": True}, (7, 3)),
    "volumes": ("ConvLSTM3D", 2, {"activation": "softsign"}, (3, 4, 3, 2)),
    "softmax": ("ConvLSTM2D", 2, {"activation": "softmax", "return_sequences": True}, (3, 3, 2)),
}
MASK = np.array([[0, 0, 1, 1], [1, 0, 1, 0], [1, 1, 0, 0], [0, 0, 0, 0], [1, 1, 1, 1]], bool)


def layer_of(case, random, steps=4, filters=3, **more):
    kind, size, options, step = CASES[case]
    layer = getattr(layers, kind)(filters, size, **options | {"dtype": "float64"} | more)
    layer.build((None, steps, *step))
    spread_weights(layer, random)
    return layer, random.normal(size=(5, steps, *step))


def convolution(like, kernel, bias=None, **options):
    """A convolution of as many axes as a layer has, with weights that are given."""
    conv = getattr(layers, f"Conv{like._n}D")(kernel.shape[-1], kernel.shape[:-2], **options, dtype="float64")
    conv.build((None, *[9] * like._n, kernel.shape[-2]))
    conv.set_weights([kernel, np.zeros(kernel.shape[-1]) if bias is None else bias])
    return getattr(layers, f"Conv{like._n}D").from_config(conv.get_config()), conv.get_weights()


def convolve(like, x, kernel, bias=None, **options):
    conv, weights = convolution(like, kernel, bias, **options)
    conv.build(x.shape)
    conv.set_weights(weights)
    return conv(x)


def by_steps(layer, x):
    """h of each step: the equations in NumPy, over convolutions that have tests of their own."""
    w, u, *b = layer.weights
    own = {"strides": layer.strides, "padding": layer.padding, "dilation_rate": layer.dilation_rate}
    f, gate, outputs, h, c = layer.activation, layer.recurrent_activation, [], None, 0.0
    for t in range(x.shape[1])[:: -1 if layer.go_backwards else 1]:
        z = convolve(layer, x[:, t], w, *b, **own)
        if h is not None:
            z = z + convolve(layer, h, u, padding="same")
        i, forget, new, o = np.split(z, 4, axis=-1)
        c = gate(forget) * c + gate(i) * f(new)
        h = gate(o) * f(c)
        outputs.append(h)
    return np.stack(outputs, axis=1)


@pytest.mark.parametrize("case", CASES)
def test_values_and_gradients(case):
    random = np.random.default_rng(0)
    layer, x = layer_of(case, random)
    right = by_steps(layer, x)
    right = right if layer.return_sequences else right[:, -1]
    y = layer(x, training=True)
    assert y.shape == right.shape == (5, *layer.output_shape[1:])
    np.testing.assert_allclose(y, right, rtol=0, atol=1e-13)
    np.testing.assert_array_equal(layer(x), y)
    model = gs.Sequential([gs.Input(x.shape[1:]), layer])
    np.testing.assert_array_equal(model.predict(x, verbose=0), y)
    dy = random.normal(size=y.shape)
    dx, gradients = layer.backward(dy)
    value = lambda: float((layer(x) * dy).sum())  # noqa: E731
    assert difference(dx, numeric_gradient(value, x)) <= 1e-7
    for weight, gradient in zip(layer.weights, gradients, strict=True):
        assert difference(gradient, numeric_gradient(value, weight)) <= 1e-7


@pytest.mark.parametrize("filters", [3, 40])
def test_large_kernels_and_images(filters):
    """Kernels whose gradients are made in tiles, and images in several strips."""
    random = np.random.default_rng(0)
    layer = layers.ConvLSTM2D(filters, 3, padding="same", return_sequences=True, dtype="float64")
    x = random.normal(size=(2, 3, 24, 20, 4))
    layer.build(x.shape)
    spread_weights(layer, random)
    y = layer(x, training=True)
    np.testing.assert_allclose(y, by_steps(layer, x), rtol=0, atol=1e-12)
    dy = random.normal(size=y.shape)
    dx, gradients = layer.backward(dy)
    ways = [random.normal(size=one.shape) for one in (x, *layer.weights)]
    moved, values = [x, *layer.weights], []
    for shift in (1e-6, -2e-6):
        for one, way in zip(moved, ways, strict=True):
            one += shift * way
        values.append(float((layer(x) * dy).sum()))
    slope = sum(float((way * one).sum()) for way, one in zip(ways, [dx, *gradients], strict=True))
    assert (values[0] - values[1]) / 2e-6 == pytest.approx(slope, rel=1e-6)


@pytest.mark.parametrize("options", [{}, {"return_state": True, "return_sequences": True}, {"go_backwards": True}])
def test_of_one_place_it_is_an_lstm(options):
    random = np.random.default_rng(1)
    options = {**options, **FUNCTIONS, "zero_output_for_mask": True, "dtype": "float64"}
    ours, plain = layers.ConvLSTM2D(3, 1, **options), layers.LSTM(3, **options)
    x = random.normal(size=(5, 4, 2))
    states = [random.normal(size=(5, 3)) for _ in range(2)]
    plain.build(x.shape)
    spread_weights(plain, random)
    ours.build((None, 4, 1, 1, 2))
    ours.set_weights([weight.reshape(shape.shape) for weight, shape in zip(plain.weights, ours.weights, strict=True)])
    one = ours(x[:, :, None, None], True, MASK, [state[:, None, None] for state in states])
    other = plain(x, True, MASK, states)
    pairs = list(zip(one, other, strict=True)) if isinstance(one, list) else [(one, other)]
    for left, right in pairs:
        np.testing.assert_allclose(left.reshape(right.shape), right, rtol=0, atol=1e-14)
    dys = [random.normal(size=right.shape) for _, right in pairs]
    given = [dy.reshape(left.shape) for dy, (left, _) in zip(dys, pairs, strict=True)]
    (dx, *dstates), gradients = ours.backward(given if len(given) > 1 else given[0])
    (right_dx, *right_dstates), right_gradients = plain.backward(dys if len(dys) > 1 else dys[0])
    for left, right in zip([dx, *dstates, *gradients], [right_dx, *right_dstates, *right_gradients], strict=True):
        np.testing.assert_allclose(left.reshape(right.shape), right, rtol=0, atol=1e-13)


def test_channels_first_is_channels_last_with_other_axes():
    random = np.random.default_rng(2)
    options = {"padding": "same", "return_sequences": True, "return_state": True, "dtype": "float64"}
    first, last = (layers.ConvLSTM2D(3, 2, data_format=f"channels_{where}", **options) for where in ("first", "last"))
    x = random.normal(size=(5, 4, 4, 3, 2))
    states = [random.normal(size=(5, 4, 3, 3)) for _ in range(2)]
    last.build(x.shape)
    first.build((None, 4, 2, 4, 3))
    first.set_weights(last.get_weights())
    turned = lambda array: np.moveaxis(array, -1, -3)  # noqa: E731
    one, other = first(turned(x), True, MASK, [turned(s) for s in states]), last(x, True, MASK, states)
    for left, right in zip(one, other, strict=True):
        np.testing.assert_array_equal(left, turned(right))
    dys = [random.normal(size=right.shape) for right in other]
    dxs, gradients = first.backward([turned(dy) for dy in dys])
    right_dxs, right_gradients = last.backward(dys)
    for left, right in zip(dxs, right_dxs, strict=True):
        np.testing.assert_array_equal(left, turned(right))
    for left, right in zip(gradients, right_gradients, strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize("zero", [True, False])
def test_masks(zero):
    """Steps that are left out are not looked at, and gradients are central differences."""
    random = np.random.default_rng(3)
    layer, x = layer_of("same", random, zero_output_for_mask=zero)
    x[~MASK] = np.nan
    y = layer(x, training=True, mask=MASK)
    assert np.isfinite(y).all()
    dy = random.normal(size=y.shape)
    dx, gradients = layer.backward(dy)
    assert not dx[~MASK].any()
    x[~MASK] = 1.0
    np.testing.assert_array_equal(layer(x, mask=MASK), y)
    value = lambda: float((layer(x, mask=MASK) * dy).sum())  # noqa: E731
    assert difference(dx, numeric_gradient(value, x)) <= 1e-7
    for weight, gradient in zip(layer.weights, gradients, strict=True):
        assert difference(gradient, numeric_gradient(value, weight)) <= 1e-7


def test_dropout_has_one_mask_for_all_steps():
    random = np.random.default_rng(4)
    layer, x = layer_of("same", random, dropout=0.5, recurrent_dropout=0.5, seed=1)

    def call():
        draw_as_in_call(layer, 5)
        return layer(x, training=True)

    dy = random.normal(size=call().shape)
    dx, gradients = layer.backward(dy)
    value = lambda: float((call() * dy).sum())  # noqa: E731
    assert difference(dx, numeric_gradient(value, x)) <= 1e-7
    for weight, gradient in zip(layer.weights, gradients, strict=True):
        assert difference(gradient, numeric_gradient(value, weight)) <= 1e-7
    dropped = dx == 0
    assert (dropped == dropped[:, :1]).all()
    assert 0 < dropped.mean() < 1


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_stateful(data_format):
    """Two halves of a sequence are the whole."""
    random = np.random.default_rng(5)
    options = {"padding": "same", "data_format": data_format}
    whole, half = layers.ConvLSTM2D(3, 2, **options), layers.ConvLSTM2D(3, 2, stateful=True, **options)
    x = random.normal(size=(4, 6, 5, 5, 5)).astype(np.float32)
    y = whole(x)
    half(x[:, :3])
    half.set_weights(whole.get_weights())
    half.reset_states()
    assert [state.shape for state in half.states] == [y.shape] * 2
    for training in (False, True):
        half(x[:, :3], training=training)
        np.testing.assert_array_equal(half(x[:, 3:], training=training), y)
        np.testing.assert_array_equal(half.states[0], y)
        half.reset_states()
    with pytest.raises(ValueError, match="must have 4 rows"):
        half(x[:3, :3])


def trained(rows):
    gs.utils.set_random_seed(3)
    drops = {"dropout": 0.3, "recurrent_dropout": 0.2, "return_sequences": True}
    body = [layers.ConvLSTM2D(5, 3, padding="same", **drops), layers.ConvLSTM2D(40, 3), layers.Flatten()]
    model = gs.Sequential([gs.Input((3, 6, 5, 2)), *body, layers.Dense(2)])
    model.compile(gs.optimizers.Adam(0.01), "mse")
    random = np.random.default_rng(0)
    x, y = random.normal(size=(rows, 3, 6, 5, 2)), random.normal(size=(rows, 2))
    model.fit(x, y, batch_size=max(1, rows - 3), epochs=2, verbose=0)
    return [*model.get_weights(), model.predict(x, verbose=0)]


@pytest.mark.parametrize("rows", [1, 7, 33])
def test_threads_change_no_bits(rows):
    same_at_any_number_of_threads(lambda: trained(rows))


def test_a_model_saved_and_loaded(tmp_path):
    gs.utils.set_random_seed(1)
    inputs = gs.Input((4, 6, 5, 2))
    outputs, *states = layers.ConvLSTM2D(3, 3, padding="same", return_sequences=True, return_state=True)(inputs)
    last = layers.ConvLSTM2D(3, 3, padding="same")(outputs, initial_state=states)
    model = gs.Model(inputs, layers.Dense(1)(layers.Flatten()(last)))
    model.save(tmp_path / "model.gs")
    x = np.random.default_rng(0).normal(size=(5, 4, 6, 5, 2))
    np.testing.assert_array_equal(
        gs.models.load_model(tmp_path / "model.gs").predict(x, verbose=0), model.predict(x, verbose=0)
    )


@pytest.mark.parametrize("kind", CONV_LAYERS)
def test_inputs_of_other_axes(kind):
    axes = int(kind[-2])
    with pytest.raises(ValueError, match=r"must get inputs of shape \(rows, steps, .*channels\)"):
        getattr(layers, kind)(2, 2)(np.zeros([4] * (axes + 2)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"filters": 0}, "filters must be"),
        ({"kernel_size": (2, 2, 2)}, "kernel_size must be an int or 2"),
        ({"strides": 2, "dilation_rate": 2}, "must not both be more than 1"),
        ({"padding": "causal"}, "padding must be one of"),
        ({"dropout": 1.0}, r"dropout must be in \[0, 1\)"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        layers.ConvLSTM2D(**{"filters": 2, "kernel_size": 2} | arguments)


def test_windows_and_states_that_do_not_fit():
    with pytest.raises(ValueError, match="at least as large as its window"):
        layers.ConvLSTM2D(2, 5)(np.zeros((1, 3, 4, 6, 1)))
    with pytest.raises(ValueError, match=r"initial_state\[0\] must have shape \(rows, 4, 6, 2\)"):
        layers.ConvLSTM2D(2, 1)(np.zeros((1, 3, 4, 6, 1)), initial_state=[np.zeros((1, 4, 6)), np.zeros((1, 4, 6, 2))])
