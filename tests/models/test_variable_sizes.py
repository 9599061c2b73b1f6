"""Models whose inputs have None in their shape: one set of weights, and a network for the sizes of each batch."""

from __future__ import annotations

import pickle

import gradstep as gs
import numpy as np
import pytest
from gradstep import layers as L
from probe import networks_kept, runs_kept
from threads import same_at_any_number_of_threads

random = np.random.default_rng(0)

# For each model the shape of its input, sizes in place of None, and layers.
MODELS = {
    "Dense": ((None, 4), (7,), lambda: [L.Dense(5, "relu"), L.GlobalAveragePooling1D(), L.Dense(2)]),
    "Conv1D": (
        (None, 4),
        (17,),
        lambda: [
            L.Conv1D(6, 3, padding="same", activation="relu"),
            L.MaxPooling1D(2),
            L.Conv1D(5, 5),
            L.Conv1D(4, 3, padding="causal", dilation_rate=2),
            L.GlobalMaxPooling1D(),
        ],
    ),
    "Conv1DTranspose": (
        (None, 4),
        (8,),
        lambda: [
            L.Conv1DTranspose(3, 4, strides=2, padding="same"),
            L.DepthwiseConv1D(3),
            L.AveragePooling1D(2),
            L.ELU(),
            L.GlobalAveragePooling1D(),
        ],
    ),
    "Conv2D": (
        (None, None, 3),
        (18, 13),
        lambda: [
            L.Rescaling(1 / 255),
            L.Conv2D(4, 3, strides=2, padding="same"),
            L.BatchNormalization(),
            L.Activation("relu"),
            L.SeparableConv2D(5, 3, padding="same"),
            L.MaxPooling2D(3, strides=2, padding="same"),
            L.GlobalAveragePooling2D(),
        ],
    ),
    "fully convolutional": (
        (None, None, 3),
        (18, 12),
        lambda: [
            L.Conv2D(4, 3, padding="same", activation="relu"),
            L.AveragePooling2D(2),
            L.Conv2DTranspose(3, 3, strides=2, padding="same"),
            L.Dropout(0.2),
            L.Conv2D(2, 1, activation="softmax"),
        ],
    ),
    "channels first": (
        (3, None, None),
        (8, 9),
        lambda: [
            L.Conv2D(4, 3, data_format="channels_first"),
            L.MaxPooling2D(2, data_format="channels_first"),
            L.GlobalAveragePooling2D(data_format="channels_first"),
        ],
    ),
    "Conv3D": (
        (None, None, None, 2),
        (4, 6, 7),
        lambda: [
            L.ConvLSTM2D(3, 3, padding="same", return_sequences=True),
            L.Conv3D(2, 3, padding="same"),
            L.GlobalAveragePooling3D(),
        ],
    ),
    "UpSampling2D": (
        (None, None, 3),
        (6, 5),
        lambda: [L.UpSampling2D(2, interpolation="bilinear"), L.UpSampling2D(2), L.Conv2D(2, 1)],
    ),
    "padding": (
        (None, 3),
        (6,),
        lambda: [L.UpSampling1D(2), L.ZeroPadding1D(2), L.Cropping1D(1), L.Conv1D(2, 1)],
    ),
    "Resizing": (
        (None, None, 3),
        (9, 7),
        lambda: [L.Resizing(8, 8), L.CenterCrop(6, 6), L.Flatten(), L.Dense(2)],
    ),
    "augmentation": (
        (None, None, 3),
        (9, 7),
        lambda: [
            L.RandomFlip(),
            L.RandomRotation(0.1),
            L.RandomTranslation(0.1, 0.1),
            L.RandomZoom(0.1),
            L.Conv2D(2, 3),
            L.GlobalAveragePooling2D(),
        ],
    ),
    "Bidirectional": (
        (None, 4),
        (9,),
        lambda: [
            L.Masking(),
            L.Bidirectional(L.LSTM(3, return_sequences=True)),
            L.TimeDistributed(L.Dense(3)),
            L.GRU(4, dropout=0.2),
            L.Dense(2),
        ],
    ),
    "SimpleRNN": (
        (None, 4),
        (9,),
        lambda: [
            L.SimpleRNN(3, return_sequences=True, recurrent_dropout=0.3),
            L.LayerNormalization(),
            L.SpatialDropout1D(0.3),
            L.LSTM(3, return_sequences=True, activity_regularizer="l2"),
            L.Dense(3, activity_regularizer="l1"),
        ],
    ),
    "normalizations": (
        (None, None, 4),
        (6, 7),
        lambda: [
            L.Normalization(mean=[1.0] * 4, variance=[2.0] * 4),
            L.GroupNormalization(2),
            L.UnitNormalization(),
            L.PReLU(shared_axes=[1, 2]),
            L.GaussianNoise(0.1),
            L.Softmax(),
            L.GlobalMaxPooling2D(),
        ],
    ),
    "reshapes": (
        (None, 8),
        (10,),
        lambda: [
            L.Reshape((-1, 4)),
            L.Permute((2, 1)),
            L.Permute((2, 1)),
            L.GlobalMaxPooling1D(keepdims=True),
            L.Flatten(),
            L.RepeatVector(3),
            L.GRU(2),
        ],
    ),
    "TimeDistributed": (
        (None, 8, 8, 2),
        (3,),
        lambda: [L.TimeDistributed(L.Conv2D(3, 3)), L.TimeDistributed(L.Flatten()), L.LSTM(4)],
    ),
    "TimeDistributed of a model": (
        (None, 5),
        (6,),
        lambda: [
            L.TimeDistributed(gs.Sequential([gs.Input((5,)), L.Dense(4, "tanh"), L.BatchNormalization()])),
            L.LSTM(3),
        ],
    ),
}


def made(shape, layers, name="model"):
    gs.utils.set_random_seed(5)
    return gs.Sequential([gs.Input(shape), *layers()], name, seed=3)


def with_sizes(shape, sizes, more=0):
    left = iter(sizes)
    return tuple(next(left) + more if size is None else size for size in shape)


def assert_same(some, others):
    assert len(some) == len(others)
    for one, other in zip(some, others, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("case", MODELS)
def test_bits_are_those_of_a_model_of_that_size(case):
    shape, sizes, layers = MODELS[case]
    row = with_sizes(shape, sizes)
    model, fixed = made(shape, layers), made(row, layers)
    assert all(a in (None, b) for a, b in zip(model.output_shape, fixed.output_shape, strict=True))
    assert_same(model.get_weights(), fixed.get_weights())
    model.predict(random.normal(size=(5, *with_sizes(shape, sizes, 3))), verbose=0)
    x = random.normal(size=(12, *row)).astype(np.float32)
    outputs = fixed.predict(x, verbose=0)
    np.testing.assert_array_equal(model.predict(x, verbose=0), outputs)
    y = random.normal(size=outputs.shape).astype(np.float32)
    for one in (model, fixed):
        one.compile("adam", "mse", metrics=["mae"])
    options = {"epochs": 3, "batch_size": 5, "verbose": 0}
    assert model.fit(x, y, **options).history == fixed.fit(x, y, **options).history
    assert model.train_on_batch(x, y) == fixed.train_on_batch(x, y)
    assert model.evaluate(x, y, verbose=0) == fixed.evaluate(x, y, verbose=0)
    assert_same(model.get_weights(), fixed.get_weights())
    (value, gradients), (expected, others) = model.value_and_grad(x, y), fixed.value_and_grad(x, y)
    assert value == expected
    assert_same(gradients, others)
    np.testing.assert_array_equal(model(x, training=True), fixed(x, training=True))
    (dx, dws), (other, expected) = model.backward(y), fixed.backward(y)
    np.testing.assert_array_equal(dx, other)
    assert_same(dws, expected)


@pytest.mark.parametrize("case", MODELS)
def test_layers_alone_take_any_size(case):
    shape, sizes, layers = MODELS[case]
    model = made(shape, layers)
    for more in (0, 4):
        h = x = random.normal(size=(3, *with_sizes(shape, sizes, more))).astype(np.float32)
        for layer in model.layers:
            h = layer(h)
            known = layer.output_shape[1:]
            assert all(a in (None, b) for a, b in zip(known, h.shape[1:], strict=True))
        np.testing.assert_array_equal(model.predict(x, verbose=0), h)


@pytest.mark.parametrize("case", MODELS)
@pytest.mark.parametrize("how", ["pickle", "clone", "model.gradstep", "config"])
def test_copies_and_files(case, how, tmp_path):
    shape, sizes, layers = MODELS[case]
    model = made(shape, layers)
    if how == "pickle":
        copy = pickle.loads(pickle.dumps(model))
    elif how == "clone":
        copy = gs.models.clone_model(model)
    elif how == "config":
        copy = gs.Sequential.from_config(model.get_config())
    else:
        model.save(tmp_path / how)
        copy = gs.models.load_model(tmp_path / how)
    if how in ("clone", "config"):
        copy.set_weights(model.get_weights())
    assert (copy.input_shape, copy.output_shape) == (model.input_shape, model.output_shape)
    for more in (0, 3):
        x = random.normal(size=(4, *with_sizes(shape, sizes, more)))
        np.testing.assert_array_equal(copy.predict(x, verbose=0), model.predict(x, verbose=0))


# -- batches of several sizes ------------------------------------------------------------------------------------------


def text_model(steps, optimizer="adam", **options):
    gs.utils.set_random_seed(1)
    row = [
        L.Embedding(40, 6, mask_zero=True),
        L.Bidirectional(L.GRU(4, return_sequences=True)),
        L.LayerNormalization(),
        L.LSTM(5),
        L.BatchNormalization(),
        L.Dense(3, activation="softmax"),
    ]
    model = gs.Sequential([gs.Input((steps,), dtype="int32"), *row], seed=2)
    if isinstance(optimizer, str):
        optimizer = gs.optimizers.get({"class_name": optimizer, "config": options})
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def text(steps, rows=8):
    return random.integers(0, 40, (rows, steps)), random.integers(0, 3, rows)


LENGTHS = (5, 9, 12, 5, 1, 9, 30, 5)
BATCHES = [text(n, 4 + n % 3) for n in LENGTHS]


class Batches(gs.utils.PyDataset):
    def __len__(self):
        return len(BATCHES)

    def __getitem__(self, i):
        return BATCHES[i]


@pytest.mark.parametrize(
    ("optimizer", "options"),
    [
        ("adam", {}),
        ("SGD", {"momentum": 0.9, "gradient_accumulation_steps": 2}),
        ("AdamW", {"use_ema": True, "global_clipnorm": 0.1}),
    ],
)
def test_training_goes_on_across_sizes(optimizer, options):
    """As models of each size do that hand weights and the optimizer's state on."""
    model, losses = text_model(None, optimizer, **options), []
    weights, state = model.get_weights(), None
    for x, y in BATCHES:
        fixed = text_model(x.shape[1], optimizer, **options)
        fixed.set_weights(weights)
        fixed.optimizer.build(fixed.trainable_weights)
        if state is not None:
            fixed.optimizer.load_state_dict(state)
        losses.append(fixed.train_on_batch(x, y)[0])
        weights, state = fixed.get_weights(), fixed.optimizer.state_dict()
    assert [model.train_on_batch(x, y)[0] for x, y in BATCHES] == losses
    assert_same(model.get_weights(), weights)
    for feed in (lambda: iter(BATCHES), Batches):
        other = text_model(None, optimizer, **options)
        other.fit(feed(), steps_per_epoch=len(BATCHES), shuffle=False, verbose=0)
        if not options.get("use_ema"):  # fit ends with the averages
            assert_same(other.get_weights(), weights)


def test_evaluate_and_predict_take_batches_of_several_sizes():
    model = text_model(None)
    loss, accuracy = model.evaluate(iter(BATCHES), verbose=0)
    each = np.array([[len(x), *model.evaluate(x, y, verbose=0)] for x, y in BATCHES])
    assert [loss, accuracy] == pytest.approx(each[:, 0] @ each[:, 1:] / each[:, 0].sum(), rel=1e-6)
    found = model.predict((x for x, _ in BATCHES), verbose=0)
    np.testing.assert_array_equal(found, np.concatenate([model.predict(x, verbose=0) for x, _ in BATCHES]))


def test_validation_has_sizes_too():
    model, (x, y) = text_model(None), text(7, 20)
    logs = model.fit(x, y, validation_data=text(11), epochs=2, verbose=0).history
    assert len(logs["val_loss"]) == 2
    model.fit(iter(BATCHES), steps_per_epoch=len(BATCHES), validation_data=iter(BATCHES), validation_steps=3, verbose=0)


def test_dropout_draws_on():
    """The same numbers as with one size: they are counted over all batches."""
    gs.utils.set_random_seed(1)
    model = gs.Sequential([gs.Input((None,)), L.Dropout(0.5, seed=1), L.Lambda(lambda x: x * 1.0)])
    first, second, third = (model(np.ones((2, n)), training=True) for n in (50, 60, 50))
    assert not np.array_equal(first, third)
    assert not np.array_equal(first, second[:, :50])


def test_stateful_layers_keep_their_states():
    model = gs.Sequential([gs.Input(batch_shape=(2, None, 3)), L.LSTM(4, stateful=True), L.Dense(1)])
    x = random.normal(size=(2, 12, 3))
    whole = model.predict(x, batch_size=2, verbose=0)
    model.layers[0].reset_states()
    model.predict(x[:, :5], batch_size=2, verbose=0)
    np.testing.assert_allclose(model.predict(x[:, 5:], batch_size=2, verbose=0), whole, rtol=1e-5)


def test_threads_change_no_bits():
    def trained():
        model = text_model(None)
        model.fit(iter(BATCHES), steps_per_epoch=len(BATCHES), verbose=0)
        return model.get_weights()

    same_at_any_number_of_threads(trained, (1, 2, 3))


def test_what_is_kept_does_not_grow():
    """Networks of some sizes are kept, those used last, and buffers of fewer."""
    model = text_model(None)
    for n in range(1, 140):
        model.train_on_batch(*text(n))
    assert networks_kept(model) == 128
    assert len(runs_kept(model)) == 32
    rows = 1000
    for n in range(100, 106):
        model.train_on_batch(*text(n, rows))
    assert len(runs_kept(model)) == 4


def test_trainable_holds_for_sizes_that_come_later():
    model = text_model(None)
    model.train_on_batch(*text(4))
    model.layers[0].trainable = False
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.layers[0].trainable = True  # not compiled: it stays
    before = model.layers[0].get_weights()[0]
    for n in (4, 6):
        with pytest.warns(UserWarning, match="trainable"):
            model.fit(*text(n), verbose=0)
    np.testing.assert_array_equal(model.layers[0].get_weights()[0], before)


def test_settings_hold_for_all_sizes():
    model = gs.Sequential([gs.Input((None, 3)), L.Dense(3, "relu"), L.GlobalAveragePooling1D()])
    x = random.normal(size=(2, 4, 3))
    model.predict(x, verbose=0)
    model.layers[0].activation = "linear"
    fixed = gs.Sequential([gs.Input((4, 3)), L.Dense(3), L.GlobalAveragePooling1D()])
    fixed.set_weights(model.get_weights())
    np.testing.assert_array_equal(model.predict(x, verbose=0), fixed.predict(x, verbose=0))
