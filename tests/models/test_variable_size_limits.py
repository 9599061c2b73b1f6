"""What models whose inputs have None in their shape refuse; and a `Sequential` whose first data had another size."""

from __future__ import annotations

import pickle
import threading

import gradstep as gs
import numpy as np
import pytest
from gradstep import layers as L

random = np.random.default_rng(0)


def test_layers_that_sequences_of_unknown_length_cannot_have():
    for row, said in (
        (
            [L.Flatten(), L.Dense(2)],
            r"'d' must know the size of each axis that its weights depend on; .*\(None, None\)",
        ),
        ([L.BatchNormalization(axis=1, name="d")], "'d' must know the size"),
        ([L.PReLU(name="d")], "'d' must know the size"),
        ([L.Permute((2, 1)), L.Dense(2, name="d")], "'d' must know the size"),
        ([L.Reshape((7, 2), name="d")], r"'d' must get 14 numbers .*\(60 stands for sizes that are None\.\)"),
    ):
        row[-1].name = "d"
        with pytest.raises(ValueError, match=said):
            gs.Sequential([gs.Input((None, 3)), *row])
    with pytest.raises(ValueError, match="'m' must know the size of the last axis of each input"):
        L.MultiHeadAttention(2, 3, name="m")(gs.Input((3, None)), gs.Input((None, 3)))


def test_data_that_do_not_fit():
    model = gs.Sequential([gs.Input((None, 3)), L.Conv1D(2, 5, name="c"), L.LSTM(2)])
    model.compile("sgd", "mse")
    before = model.get_weights()
    for x, said in (
        (np.zeros((2, 6, 4)), r"x has shape \(2, 6, 4\); the model takes \(rows, any, 3\)"),
        (np.zeros((2, 6)), r"x has shape \(2, 6\); the model takes \(rows, any, 3\)"),
        (np.zeros((2, 0, 3)), r"x must have a number along each axis; its shape is \(2, 0, 3\)"),
        (np.zeros((2, 4, 3)), "layer 'c' must get inputs at least as large as its window"),
    ):
        for call in (
            lambda x=x: model.predict(x, verbose=0),
            lambda x=x: model.fit(x, np.zeros((2, 2)), verbose=0),
            lambda x=x: model.train_on_batch(x, np.zeros((2, 2))),
            lambda x=x: model(x, training=True),
        ):
            with pytest.raises(ValueError, match=said):
                call()
    for one, other in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, other)
    steps = gs.Sequential([gs.Input((None, 3)), L.Dense(2)])
    with pytest.raises(ValueError, match=r"outputs of all batches must have rows of one shape .*\(4, 2\), \(5, 2\)"):
        steps.predict((np.zeros((1, n, 3)) for n in (4, 5)), verbose=0)
    for shape in ((0, 3), (None, -1)):
        with pytest.raises(ValueError, match="must be at least 1"):
            gs.Input(shape)


# -- without an Input --------------------------------------------------------------------------------------------------


def inferred(*row):
    gs.utils.set_random_seed(4)
    model = gs.Sequential([*row], seed=1)
    model.compile("adam", "mse")
    return model


def row_of_layers():
    return (
        L.Conv1D(5, 3, activation="relu", padding="same"),
        L.TimeDistributed(L.Dense(4)),
        L.LSTM(4, activity_regularizer="l2"),
        L.Dense(2),
    )


def test_the_second_batch_has_another_size_than_the_first():
    batches = [(random.normal(size=(6, n, 3)), random.normal(size=(6, 2))) for n in (8, 8, 11, 5, 8)]
    model, known = inferred(*row_of_layers()), inferred(gs.Input((None, 3)), *row_of_layers())
    logs = [one.fit(iter(batches), steps_per_epoch=5, verbose=0).history for one in (model, known)]
    assert logs[0] == logs[1]
    for one, other in zip(model.get_weights(), known.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert model.input_shape == (None, None, 3)
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.predict(batches[2][0], verbose=0), model.predict(batches[2][0], verbose=0))


def test_weights_that_depend_on_the_size_of_the_first():
    model = inferred(L.Flatten(), L.Dense(2))
    model.predict(np.zeros((2, 8, 3)), verbose=0)
    with pytest.raises(ValueError, match=r"x has shape \(2, 9, 3\); the model takes \(rows, 8, 3\)"):
        model.predict(np.zeros((2, 9, 3)), verbose=0)
    assert model.predict(np.zeros((2, 8, 3)), verbose=0).shape == (2, 2)
    declared = inferred(gs.Input((8, 3)), L.LSTM(2))
    with pytest.raises(ValueError, match=r"the model takes \(rows, 8, 3\)"):
        declared.predict(np.zeros((2, 9, 3)), verbose=0)


def test_layers_that_were_built_for_one_size_take_any():
    """Layers of a trained model, or normalization of data, in a model of inputs of any size."""
    images = random.normal(2, 3, size=(8, 6, 6, 3))
    scale = L.Normalization()
    scale.adapt(images)
    old = gs.Sequential([gs.Input((6, 6, 3)), scale, L.Conv2D(4, 3, activation="relu"), L.GlobalAveragePooling2D()])
    x = h = gs.Input((None, None, 3))
    for layer in old.layers:
        h = layer(h)
    new = gs.Model(x, h)
    np.testing.assert_array_equal(new.predict(images, verbose=0), old.predict(images, verbose=0))
    assert new.predict(images[:, :5, :4], verbose=0).shape == (8, 4)
    with pytest.raises(ValueError, match=r"x has shape \(8, 5, 4, 3\); the model takes \(rows, 6, 6, 3\)"):
        old.predict(images[:, :5, :4], verbose=0)
    old.compile("sgd", "mse")
    new.compile("sgd", "mse")
    for model in (old, new, old):
        assert np.isfinite(model.train_on_batch(images, np.ones((8, 4))))
    np.testing.assert_array_equal(new.predict(images, verbose=0), old.predict(images, verbose=0))
    bound, unknown = L.Dense(2), gs.Input((None,))
    bound.build((None, 6))
    with pytest.raises(ValueError, match="must know the size of each axis that its weights depend on"):
        bound(unknown)


class Block(L.Layer):
    def __init__(self, **options):
        super().__init__(**options)
        self.attention, self.norm, self.dense = L.MultiHeadAttention(2, 4), L.LayerNormalization(), L.Dense(8, "relu")

    def call(self, x):
        h = self.norm(x + self.attention(x, x))
        return h + self.dense(h)


class Reader(gs.Model):
    def __init__(self, flat=False):
        super().__init__()
        self.table, self.block = L.Embedding(20, 8), Block()
        self.pool, self.top = L.Flatten() if flat else L.GlobalAveragePooling1D(), L.Dense(2)

    def call(self, x):
        return self.top(self.pool(self.block(self.table(x))))


def test_models_made_by_call_take_other_sizes_than_the_first():
    batches = [(random.integers(0, 20, (6, n)), random.normal(size=(6, 2))) for n in (5, 8, 3, 5)]
    found = []
    for known in (False, True):
        gs.utils.set_random_seed(1)
        model = Reader()
        if known:
            model.build((None, None))
        model.compile("adam", "mse")
        losses = model.fit(iter(batches), steps_per_epoch=4, verbose=0).history["loss"]
        assert model.input_shape == (None, None)
        found.append([losses, *model.get_weights()])
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)
    model = Reader(flat=True)
    model.compile("adam", "mse")
    model.train_on_batch(*batches[0])
    with pytest.raises(ValueError, match=r"has shape \(6, 8\); the model takes \(rows, 5\)"):
        model.train_on_batch(*batches[1])
    assert np.isfinite(model.train_on_batch(*batches[3]))


def test_predictions_of_new_sizes_beside_training():
    """Threads that ask for networks wait for nobody who waits for them."""
    row = [L.Embedding(100, 16), L.LSTM(16), L.Dense(2, "softmax")]
    model = gs.Sequential([gs.Input((None,), dtype="int32"), *row])
    model.compile("adam", "sparse_categorical_crossentropy")
    x, y = random.integers(0, 100, (640, 20)), random.integers(0, 2, 640)
    failed = []

    def ask(k):
        try:
            for i in range(30):
                model.predict(x[:2, : 1 + (i * 7 + k) % 20], verbose=0)
                model.test_on_batch(x[:4, : 1 + (i * 3 + k) % 20], y[:4])
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=ask, args=(k,), daemon=True) for k in range(3)]
    threads.append(threading.Thread(target=lambda: model.fit(x, y, epochs=3, verbose=0), daemon=True))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not any(thread.is_alive() for thread in threads)
    assert not failed
