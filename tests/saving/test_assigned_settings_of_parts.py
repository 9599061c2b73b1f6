"""Settings assigned to layers that a class with `call` makes: what is loaded computes the same."""

from __future__ import annotations

import copy
import pickle

import gradstep as gs
import numpy as np
import pytest
from gradstep import layers as L

X = np.random.default_rng(0).integers(0, 9, (8, 5))


@gs.saving.register_keras_serializable("parts")
class Half(L.Layer):
    def __init__(self, units=4, **options):
        super().__init__(**options)
        self.units = units
        self.dense, self.drop = L.Dense(units, name="dense"), L.Dropout(0.5, seed=1, name="drop")

    def call(self, x, training=None):
        return self.drop(self.dense(x), training=training)


@gs.saving.register_keras_serializable("parts")
class Late(L.Layer):
    """Makes its layer in `build`."""

    def build(self, input_shape):
        self.inner = L.Dense(3, name="inner")

    def call(self, x):
        return self.inner(x)


@gs.saving.register_keras_serializable("parts")
class Net(gs.Model):
    def __init__(self, **options):
        super().__init__(**options)
        self.embedding, self.block, self.late = L.Embedding(9, 4), Half(), Late()
        self.pool, self.head = L.GlobalAveragePooling1D(), L.Dense(2, activation="softmax")

    def call(self, x):
        return self.head(self.pool(self.late(self.block(self.embedding(x)))))


def subclass(before):
    model = Net()
    if before:
        change(model.block, model.head)
    model.build((None, 5))
    if not before:
        change(model.block, model.head)
    model.late.inner.activation = "tanh"
    return model


def functional(before):
    x, block, head = gs.Input((5,)), Half(), L.Dense(2)
    if before:
        change(block, head)
    model = gs.Model(x, head(L.GlobalAveragePooling1D()(block(L.Embedding(9, 4)(x)))))
    if not before:
        change(block, head)
    return model


def in_a_row(before):
    block, head = Half(), L.Dense(2)
    if before:
        change(block, head)
    model = gs.Sequential([gs.Input((5,)), L.Embedding(9, 4), L.TimeDistributed(block), L.LSTM(3), head])
    if not before:
        change(block, head)
    return model


def change(block, head):
    block.dense.activation, block.drop.rate, head.activation = "tanh", 0.25, "sigmoid"
    block.dense.trainable = False


def by_file(ending):
    def way(model, tmp_path):
        model.save(tmp_path / f"m.{ending}")
        return gs.models.load_model(tmp_path / f"m.{ending}")

    return way


def with_the_weights(model, made):
    if not made.built:
        made.build((None, 5))
    made.set_weights(model.get_weights())
    return made


WAYS = {
    "gradstep": by_file("gradstep"),
    "keras": by_file("keras"),
    "pickle": lambda model, _: pickle.loads(pickle.dumps(model)),
    "copy": lambda model, _: copy.deepcopy(model),
    "clone": lambda model, _: with_the_weights(model, gs.models.clone_model(model)),
    "json": lambda model, _: with_the_weights(model, gs.models.model_from_json(model.to_json())),
}


@pytest.mark.parametrize("way", [pytest.param(way, marks=[pytest.mark.peers] * (way == "keras")) for way in WAYS])
@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("make", [subclass, functional, in_a_row])
def test_what_is_made_anew_has_the_settings(make, before, way, tmp_path):
    if way == "keras":
        pytest.importorskip("h5py")
    model = make(before)
    again = WAYS[way](model, tmp_path)
    assert np.array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))
    for one, other in zip(model._leaves.values(), again._leaves.values(), strict=True):
        assert type(one) is type(other)
        apart = {"name", "kernel_initializer", "embeddings_initializer"}
        assert [one.trainable, *((k, v) for k, v in one.get_config().items() if k not in apart)] == [
            other.trainable,
            *((k, v) for k, v in other.get_config().items() if k not in apart),
        ]


def test_nothing_is_written_where_nothing_was_assigned():
    model = Net()
    model.build((None, 5))
    assert '"assigned":' not in model.to_json()
    plain = gs.Sequential([gs.Input((3,)), L.Dense(2, name="d")])
    plain.layers[0].activation = "tanh"  # its own config says so
    assert '"assigned":' not in plain.to_json()
    assert gs.models.model_from_json(plain.to_json()).layers[0].activation is gs.activations.tanh


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_keras_reads_such_a_file(tmp_path):
    keras = pytest.importorskip("keras")
    pytest.importorskip("h5py")
    model = functional(False)
    model.save(tmp_path / "m.keras")

    class Half(keras.layers.Layer):  # its groups in the file follow from the name of the class
        def __init__(self, units=4, **options):
            super().__init__(**options)
            self.dense, self.drop = keras.layers.Dense(units, name="dense"), keras.layers.Dropout(0.5, name="drop")

        def build(self, input_shape):
            self.dense.build(input_shape)

        def call(self, x, training=None):
            return self.drop(self.dense(x), training=training)

    again = keras.models.load_model(tmp_path / "m.keras", custom_objects={"parts>Half": Half})
    for one, other in zip(again.get_weights(), model.get_weights(), strict=True):
        assert np.array_equal(one, other)
