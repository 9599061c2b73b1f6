"""Masks beside values: who makes them, passes them on, counts by them; against plain NumPy."""

import gradstep as gs
import numpy as np
import pytest
from threads import same_at_any_number_of_threads

layers = gs.layers
SHAPE = (6, 5, 3)


def sequences(seed=0, dtype="float64"):
    """Sequences with masked steps at the beginning, within, at the end; and which steps count."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=SHAPE).astype(dtype)
    mask = rng.random(SHAPE[:2]) < 0.6
    mask[:, 0], mask[2] = [True, False, True, True, False, True], [False, True, True, True, False]
    x[~mask] = 0
    return x, mask


def trained(model, loss="mse", **arguments):
    """The model, compiled for plain gradient descent."""
    model.compile(gs.optimizers.SGD(0.1), loss=loss, **arguments)
    return model


def numeric_gradients(model, x, y, **arguments):
    """Central differences of the loss by every number of every weight."""
    found = []
    for weight in model.trainable_weights:
        slope = np.zeros_like(weight)
        for at in np.ndindex(weight.shape):
            kept, values = weight[at], []
            for step in (1e-6, -1e-6):
                weight[at] = kept + step
                values.append(model.value_and_grad(x, y, **arguments)[0])
            weight[at] = kept
            slope[at] = (values[0] - values[1]) / 2e-6
        found.append(slope)
    return found


def test_masking_gives_the_mask_and_zeros():
    x, mask = sequences()
    x[~mask] = -7.0
    layer = layers.Masking(-7.0, dtype="float64")
    np.testing.assert_array_equal(layer.compute_mask(x), mask)
    y = layer(x, training=True)
    np.testing.assert_array_equal(y, np.where(mask[..., None], x, 0))
    dx, _ = layer.backward(np.ones(SHAPE))
    np.testing.assert_array_equal(dx, np.broadcast_to(mask[..., None], SHAPE))


def test_the_loss_and_metrics_are_means_over_the_steps_that_count():
    x, mask = sequences()
    y = np.random.default_rng(1).normal(size=(6, 5, 2))
    weights = np.arange(1.0, 7.0)
    model = gs.Sequential([gs.Input((5, 3)), layers.Masking(dtype="float64"), layers.Dense(2, dtype="float64")])
    trained(model, metrics=["mae", gs.metrics.MeanSquaredError("own")], weighted_metrics=["mse"])
    squares, sizes = ((model.predict(x, verbose=0) - y) ** 2).mean(-1), abs(model.predict(x, verbose=0) - y).mean(-1)
    w = mask * weights[:, None]
    found = model.evaluate(x, y, sample_weight=weights, verbose=0, return_dict=True)
    wanted = [(squares * w).sum() / mask.sum(), sizes[mask].mean(), squares[mask].mean(), (squares * w).sum() / w.sum()]
    np.testing.assert_allclose(list(found.values()), wanted, rtol=1e-12)
    assert list(found) == ["loss", "mae", "own", "mse"]
    # Over several batches metrics count all steps alike, the loss is a mean of batches.
    found = model.evaluate(x, y, batch_size=4, verbose=0, return_dict=True)
    batches = [squares[:4][mask[:4]].mean(), squares[4:][mask[4:]].mean()]
    wanted = [np.dot(batches, [4, 2]) / 6, sizes[mask].mean(), squares[mask].mean(), squares[mask].mean()]
    np.testing.assert_allclose(list(found.values()), wanted, rtol=1e-12)


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "mean_with_sample_weight"])
def test_every_reduction(reduction):
    x, mask = sequences()
    y = np.random.default_rng(1).normal(size=SHAPE)
    model = gs.Sequential([gs.Input((5, 3)), layers.Masking(dtype="float64")])
    trained(model, gs.losses.MeanAbsoluteError(reduction=reduction))
    sizes = abs(x - y).mean(-1)[mask]
    wanted = sizes.sum() if reduction == "sum" else sizes.mean()
    np.testing.assert_allclose(model.evaluate(x, y, verbose=0), wanted, rtol=1e-12)


def test_a_batch_without_any_step_has_no_loss():
    model = gs.Sequential([gs.Input((5, 3)), layers.Masking(), layers.Dense(2)])
    trained(model, metrics=["mae"])
    before = model.get_weights()
    assert model.train_on_batch(np.zeros(SHAPE), np.ones((6, 5, 2))) == [0, 0]
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_targets_that_are_ignored_and_masked_steps_count_neither():
    x, mask = sequences()
    labels = np.random.default_rng(1).integers(0, 3, (6, 5))
    loss = gs.losses.SparseCategoricalCrossentropy(ignore_class=2)
    model = gs.Sequential(
        [gs.Input((5, 3)), layers.Masking(dtype="float64"), layers.Dense(3, "softmax", dtype="float64")]
    )
    trained(model, loss)
    rows = -np.log(np.take_along_axis(model.predict(x, verbose=0), labels[..., None], -1)[..., 0])
    counted = mask & (labels != 2)
    np.testing.assert_allclose(model.evaluate(x, labels, verbose=0), rows[counted].mean(), rtol=1e-12)


def test_a_loss_in_numpy_sees_the_mask():
    def cubic(y_true, y_pred):
        error = y_pred - y_true
        return (abs(error) ** 3).mean(-1), 3 * error * abs(error) / error.shape[-1]

    x, mask = sequences()
    y = np.random.default_rng(1).normal(size=(6, 5, 2))
    model = gs.Sequential([gs.Input((5, 3)), layers.Masking(dtype="float64"), layers.Dense(2, dtype="float64")])
    trained(model, cubic)
    value, gradients = model.value_and_grad(x, y)
    np.testing.assert_allclose(value, (abs(model.predict(x, verbose=0) - y) ** 3).mean(-1)[mask].mean(), rtol=1e-12)
    for slope, wanted in zip(gradients, numeric_gradients(model, x, y), strict=True):
        np.testing.assert_allclose(slope, wanted, rtol=1e-6, atol=1e-9)


CHAINS = {
    "dense": lambda: [layers.Dense(2, "tanh", dtype="float64")],
    "batch normalization": lambda: [layers.Dense(2, dtype="float64"), layers.BatchNormalization(dtype="float64")],
    "mean": lambda: [layers.Dense(2, dtype="float64"), layers.GlobalAveragePooling1D(dtype="float64")],
    "others": lambda: [
        layers.Rescaling(0.5, dtype="float64"),
        layers.LayerNormalization(dtype="float64"),
        layers.PReLU("ones", dtype="float64"),
        layers.Dense(2, dtype="float64"),
        layers.UnitNormalization(dtype="float64"),
    ],
}


@pytest.mark.parametrize("kind", CHAINS)
def test_gradients_are_central_differences(kind):
    x, mask = sequences()
    model = gs.Sequential([gs.Input((5, 3)), layers.Masking(dtype="float64"), *CHAINS[kind]()])
    y = np.random.default_rng(1).normal(size=(6, *model.output_shape[1:]))
    if kind == "mean":
        x, y = x[mask.any(1)], y[mask.any(1)]
    trained(model)
    weights = np.arange(1.0, len(x) + 1)
    _, gradients = model.value_and_grad(x, y, sample_weight=weights)
    for slope, wanted in zip(gradients, numeric_gradients(model, x, y, sample_weight=weights), strict=True):
        np.testing.assert_allclose(slope, wanted, rtol=1e-6, atol=1e-7)  # Keras's 1e-7 beside a count has no slope


def test_statistics_are_those_of_the_steps_that_count():
    x, mask = sequences(dtype="float32")
    counted = x[mask]
    fresh = gs.Sequential([gs.Input((5, 3)), layers.Masking(), layers.BatchNormalization(momentum=0.0)])
    fresh(x, training=True)
    np.testing.assert_allclose(fresh.layers[-1].moving_mean, counted.mean(0), rtol=1e-5)
    np.testing.assert_allclose(fresh.layers[-1].moving_variance, counted.var(0), rtol=1e-5)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("keepdims", [False, True])
def test_the_mean_of_steps_that_count(data_format, keepdims):
    x, mask = sequences()
    layer = layers.GlobalAveragePooling1D(data_format, keepdims, dtype="float64")
    turned = x.transpose(0, 2, 1) if data_format == "channels_first" else x
    steps = 2 if data_format == "channels_first" else 1
    if not mask.any(1).all():
        turned, x, mask = turned[mask.any(1)], x[mask.any(1)], mask[mask.any(1)]
    wanted = np.stack([x[i][mask[i]].mean(0) for i in range(len(x))])
    y = layer(turned, training=True, mask=mask)
    np.testing.assert_allclose(y, np.expand_dims(wanted, steps) if keepdims else wanted, rtol=1e-12)
    dx, _ = layer.backward(np.ones_like(y))
    each = mask / mask.sum(1, keepdims=True)
    np.testing.assert_allclose(dx, np.broadcast_to(np.expand_dims(each, 3 - steps), dx.shape), rtol=1e-12)
    assert np.isnan(layer(turned[:1], mask=np.zeros((1, 5), bool))).all()  # as in Keras


def test_softmax_leaves_masked_places_out():
    x, _ = sequences()
    mask = x > 0
    mask[0] = False
    layer = layers.Softmax(axis=(1, 2), dtype="float64")
    powers = np.exp(x) * mask
    y = layer(x, training=True, mask=mask)
    np.testing.assert_allclose(y[1:], (powers / powers.sum((1, 2), keepdims=True).clip(1e-300))[1:], rtol=1e-12)
    assert not y[0].any()
    dy = np.random.default_rng(2).normal(size=SHAPE)
    dx, _ = layer.backward(dy)
    np.testing.assert_allclose(dx, y * (dy - (dy * y).sum((1, 2), keepdims=True)), atol=1e-12)


def test_merges_combine_masks():
    a, mask_a = sequences(1)
    b, mask_b = sequences(2)
    first, second = gs.Input((5, 3)), gs.Input((5, 3))
    one, two = layers.Masking(dtype="float64")(first), layers.Masking(dtype="float64", mask_value=0.0)(second)
    plain = layers.Rescaling(1.0, dtype="float64")(second)
    none, either = np.ones((6, 5), bool), mask_a | mask_b
    cases = [
        (layers.Add(dtype="float64"), [one, two], either),
        (layers.Maximum(dtype="float64"), [one, two], either),
        (layers.Multiply(dtype="float64"), [one, plain], None),
        (layers.Concatenate(dtype="float64"), [one, two], either),
        (layers.Concatenate(dtype="float64"), [one, plain], none),
        (layers.Concatenate(1, dtype="float64"), [one, two], np.concatenate([mask_a, mask_b], 1)),
        (layers.Concatenate(1, dtype="float64"), [plain, two], np.concatenate([none, mask_b], 1)),
        (layers.Dot((1, 1), dtype="float64"), [one, two], None),
    ]
    for layer, tensors, wanted in cases:
        model = gs.Model([first, second], layer(tensors))
        trained(model)
        outputs = model.predict([a, b], verbose=0)
        rows = (outputs**2).mean(-1)
        mean = rows.mean() if wanted is None else rows[wanted].mean()
        found = model.evaluate([a, b], np.zeros_like(outputs), verbose=0)
        np.testing.assert_allclose(found, mean, rtol=1e-12, err_msg=layer.name)
        given = [mask_a if tensor is one else mask_b if tensor is two else None for tensor in tensors]
        made = layer.compute_mask([a, b], given)
        assert (made is None) == (wanted is None)
        if wanted is not None:
            np.testing.assert_array_equal(made, wanted)


def test_a_layer_that_knows_no_masks_lets_go_of_them_with_a_warning():
    model = gs.Sequential([gs.Input((5, 3)), layers.Masking()])
    with pytest.warns(UserWarning, match="layer 'flatten', a Flatten, does not support masking"):
        model.add(layers.Flatten(name="flatten"))
    trained(model)
    x, _ = sequences(dtype="float32")
    np.testing.assert_allclose(model.evaluate(x, np.ones((6, 15)), verbose=0), ((x - 1) ** 2).mean(), rtol=1e-6)


class Last(layers.Layer):
    """The last step that counts, of a layer of the user's own."""

    def forward(self, x, training=False, mask=None):
        self.shape = x.shape
        rows = np.arange(len(x))
        steps = np.full(len(x), x.shape[1] - 1) if mask is None else mask.shape[1] - 1 - mask[:, ::-1].argmax(1)
        self.at = rows, steps
        return x[self.at]

    def backward(self, dy):
        dx = np.zeros(self.shape, dy.dtype)
        dx[self.at] = dy
        return dx

    def compute_mask(self, inputs, mask=None):
        return None


class EverySecond(layers.Layer):
    """Every second step, of a layer of the user's own that also says which of them count."""

    def call(self, x):
        return x[:, ::2]

    def backward(self, dy):
        dx = np.zeros((len(dy), 5, dy.shape[-1]), dy.dtype)
        dx[:, ::2] = dy
        return dx

    def compute_mask(self, inputs, mask=None):
        return None if mask is None else mask[:, ::2]


class Fickle(EverySecond):
    """Whose mask has another shape for several rows."""

    def compute_mask(self, inputs, mask=None):
        return mask if len(inputs) > 1 else mask[:, ::2]


def test_a_mask_of_another_shape_than_at_first_is_refused_by_the_layer_s_name():
    model = gs.Sequential([gs.Input((5, 3)), layers.Masking(), Fickle(name="fickle"), layers.LSTM(2)])
    with pytest.raises(ValueError, match=r"'fickle': compute_mask\(\) must give .* \(6, 3\), .* gave \(6, 5\)"):
        model.predict(sequences(dtype="float32")[0], verbose=0)


class Shift(layers.Layer):
    """A layer of the user's own that passes its mask on."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, x):
        return x + 1

    def backward(self, dy):
        return dy


def test_layers_of_the_users_own():
    x, mask = sequences()
    x, mask = x[mask.any(1)], mask[mask.any(1)]
    kind = {"dtype": "float64"}
    model = gs.Sequential([gs.Input((5, 3)), layers.Masking(**kind), layers.Dense(2, **kind), Shift(**kind)])
    model.add(EverySecond(**kind))
    trained(model)
    outputs, counted = model.predict(x, verbose=0), mask[:, ::2]
    found = model.evaluate(x, np.zeros_like(outputs), verbose=0)
    np.testing.assert_allclose(found, (outputs**2).mean(-1)[counted].mean(), rtol=1e-12)
    model.add(Last(**kind))
    trained(model)
    x, outputs, counted = x[counted.any(1)], outputs[counted.any(1)], counted[counted.any(1)]
    wanted = np.stack([outputs[i][counted[i]][-1] for i in range(len(x))])
    np.testing.assert_array_equal(model.predict(x, verbose=0), wanted)
    np.testing.assert_array_equal(Last(**kind)(outputs, mask=counted), wanted)
    for slope, by_hand in zip(
        model.value_and_grad(x, wanted + 1)[1], numeric_gradients(model, x, wanted + 1), strict=True
    ):
        np.testing.assert_allclose(slope, by_hand, rtol=1e-6, atol=1e-9)


def test_a_shared_layer_with_a_mask_in_one_call():
    x, mask = sequences()
    inputs = gs.Input((5, 3))
    mean = layers.GlobalAveragePooling1D(dtype="float64")
    pooled = mean(layers.Masking(dtype="float64")(inputs)), mean(layers.Rescaling(1.0, dtype="float64")(inputs))
    model = gs.Model(inputs, list(pooled))
    x, mask = x[mask.any(1)], mask[mask.any(1)]
    with_mask, without = model.predict(x, verbose=0)
    np.testing.assert_allclose(without, x.mean(1), rtol=1e-12)
    np.testing.assert_allclose(with_mask, x.sum(1) / mask.sum(1, keepdims=True), rtol=1e-12)


def nested():
    """A model in a model between a layer that makes a mask and one that reads it."""
    inner = gs.Sequential([gs.Input((5, 3)), layers.Dense(4, "tanh"), layers.Dropout(0.2, seed=3)], seed=1)
    inputs = gs.Input((5, 3))
    h = inner(layers.Masking()(inputs))
    h = layers.BatchNormalization()(h)
    outputs = [layers.Dense(2, name="steps")(h), layers.GlobalAveragePooling1D(name="mean")(h)]
    model = gs.Model(inputs, outputs, seed=2)
    model.compile("adam", loss="mse", metrics=[["mae"], ["mae"]])
    return model


def nested_data():
    x, mask = sequences(dtype="float32")
    rng = np.random.default_rng(1)
    y = [rng.normal(size=(6, 5, 2)).astype("float32"), rng.normal(size=(6, 4)).astype("float32")]
    x[~mask.any(1), 0] = 1
    return x, y


def test_the_same_bits_at_any_number_of_threads():
    x, y = nested_data()
    x, y = np.tile(x, (40, 1, 1)), [np.tile(one, (40, *[1] * (one.ndim - 1))) for one in y]
    start = nested().get_weights()

    def trained():
        model = nested()
        model.set_weights(start)
        history = model.fit(x, y, epochs=2, batch_size=64, verbose=0, shuffle=False).history
        return model.get_weights(), history

    same_at_any_number_of_threads(trained)


def test_files_keep_masks(tmp_path):
    x, y = nested_data()
    model = nested()
    model.fit(x, y, verbose=0)
    model.save(tmp_path / "model.gradstep")
    loaded = gs.models.load_model(tmp_path / "model.gradstep")
    assert loaded.evaluate(x, y, verbose=0) == model.evaluate(x, y, verbose=0)
    assert layers.Masking.from_config(layers.Masking(2.5).get_config()).mask_value == 2.5


def test_what_is_refused():
    x, mask = sequences(dtype="float32")
    with pytest.raises(TypeError, match=r"layer 'dense.*', a Dense, takes no mask"):
        layers.Dense(2)(x, mask=mask)
    with pytest.raises(ValueError, match=r"mask must have shape \(6, 5\) for x of shape \(6, 5, 3\)"):
        layers.GlobalAveragePooling1D()(x, mask=mask[:, :4])
    with pytest.raises(TypeError, match="mask must be a symbolic tensor"):
        layers.GlobalAveragePooling1D()(gs.Input((5, 3)), mask=mask)
    with pytest.raises(ValueError, match="must be finite"):
        layers.Masking(float("nan"))
    with pytest.raises(ValueError, match="the mask of what goes into layer"):
        gs.Sequential([gs.Input((5, 3)), layers.Masking(), layers.Softmax()])
    with pytest.raises(ValueError, match=r"axis of layer .* must be the last one"):
        gs.Sequential([gs.Input((5, 3)), layers.Masking(), layers.BatchNormalization(1)])
