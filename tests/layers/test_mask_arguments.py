"""Masks as arguments: of layers in the description of a model, and of models."""

from __future__ import annotations

import pickle

import gradstep as gs
import numpy as np
import probe
import pytest

layers = gs.layers
KIND = {"dtype": "float64"}


def data(features=3):
    """Sequences, which steps count, and targets."""
    rng = np.random.default_rng(0)
    mask = rng.random((6, 5)) < 0.6
    mask[:, 2] = True
    return rng.normal(size=(6, 5, features)), mask, rng.normal(size=(6, 4))


def inputs(features=3):
    return gs.Input((5, features), dtype="float64"), gs.Input((5,), dtype="bool", name="mask")


def recurrent(x, mask):
    """The mask goes on from the layer that was given it, to the next that reads one."""
    h = layers.LSTM(4, return_sequences=True, **KIND)(x, mask=mask)
    return layers.GlobalAveragePooling1D(**KIND)(layers.Dense(4, "tanh", **KIND)(h))


def states(x, mask):
    initial = layers.GlobalAveragePooling1D(**KIND)(x, mask=mask)
    return layers.GRU(3, **KIND)(x, mask=mask, initial_state=initial)


def pooled_and_normal(x, mask):
    h = layers.BatchNormalization(**KIND)(x, mask=mask)
    return layers.Bidirectional(layers.SimpleRNN(3, **KIND))(h)


def distributed(x, mask):
    h = layers.TimeDistributed(layers.Dense(4, **KIND))(x, mask=mask)
    return layers.GlobalAveragePooling1D(**KIND)(h)


def attended(x, mask):
    h = layers.MultiHeadAttention(2, 3, **KIND)(x, x, query_mask=mask, value_mask=mask, key_mask=mask)
    h = layers.Attention(**KIND)([h, x], mask=[mask, mask])
    return layers.GlobalAveragePooling1D(**KIND)(h)


class Halved(layers.Layer):
    """A layer in NumPy that reads a mask."""

    supports_masking = True

    def forward(self, x, mask=None):
        self.counts = 1.0 if mask is None else mask[..., None] * 0.5
        return x * self.counts

    def backward(self, dy):
        return dy * self.counts


def in_numpy(x, mask):
    return layers.GlobalAveragePooling1D(**KIND)(Halved(**KIND)(x, mask=mask))


BUILDS = (recurrent, states, pooled_and_normal, distributed, attended, in_numpy)


def with_arguments(build):
    x, mask = inputs()
    return gs.Model([x, mask], build(x, mask))


def masked_by_value(build):
    """The same model, whose mask is made by `Masking`: steps that are 99 do not count."""
    x = gs.Input((5, 3), dtype="float64")
    return gs.Model(x, build(layers.Masking(99.0, **KIND)(x), None))


@pytest.mark.parametrize("build", BUILDS, ids=lambda build: build.__name__)
def test_a_mask_as_argument_is_one_that_comes_with_the_input(build):
    x, mask, _ = data()
    model, other = with_arguments(build), masked_by_value(build)
    other.set_weights(model.get_weights())
    marked = np.where(mask[..., None], x, 99.0)
    zeroed = np.where(mask[..., None], x, 0.0)  # as Masking leaves them
    y = np.random.default_rng(1).normal(size=model.predict([x, mask], verbose=0).shape)
    for each in (model, other):
        each.compile(gs.optimizers.SGD(0.05), loss="mse")
    before = model.get_weights()
    ours = model.fit([zeroed, mask], y, epochs=3, batch_size=4, shuffle=False, verbose=0).history
    theirs = other.fit(marked, y, epochs=3, batch_size=4, shuffle=False, verbose=0).history
    assert ours == theirs
    for one, same in zip(model.weights, other.weights, strict=True):
        np.testing.assert_array_equal(one, same)
    assert not before or any((one != now).any() for one, now in zip(before, model.weights, strict=True))
    assert (model.predict([zeroed, mask], verbose=0) != model.predict([zeroed, mask | True], verbose=0)).any()


@pytest.mark.parametrize("build", BUILDS, ids=lambda build: build.__name__)
def test_files_and_copies(build, tmp_path):
    x, mask, _ = data()
    model = with_arguments(build)
    y = model.predict([x, mask], verbose=0)
    model.save(tmp_path / "model.gradstep")
    own = {"Halved": Halved}
    loaded = gs.models.load_model(tmp_path / "model.gradstep", custom_objects=own)
    again = gs.models.model_from_json(model.to_json(), custom_objects=own)
    again.set_weights(model.get_weights())
    for each in (loaded, again, pickle.loads(pickle.dumps(model)), gs.models.clone_model(model)):
        each.set_weights(model.get_weights())
        np.testing.assert_array_equal(each.predict([x, mask], verbose=0), y)
    assert "mask" in str(model.get_config()["layers"])


def test_models_pass_the_mask_of_their_input_to_their_layers():
    x, mask, _ = data()
    row = gs.Sequential([gs.Input((5, 3)), layers.LSTM(4, return_sequences=True, **KIND)])
    row.add(layers.GlobalAveragePooling1D(**KIND))
    wanted = row.layers[1](row.layers[0](x, mask=mask), mask=mask)
    np.testing.assert_array_equal(row(x, mask=mask), wanted)
    assert (row(x) != wanted).any()
    x_in, mask_in = inputs()
    around = gs.Model([x_in, mask_in], row(x_in, mask=mask_in))
    np.testing.assert_array_equal(around.predict([x, mask], verbose=0), wanted)
    np.testing.assert_array_equal(gs.Model(x_in, row(x_in)).predict(x, verbose=0), row(x))


def test_several_inputs_have_a_mask_each_or_none():
    x, mask, _ = data()
    a, b = (gs.Input((5, 3), dtype="float64", name=name) for name in "ab")
    each = [layers.GlobalAveragePooling1D(**KIND)(one) for one in (a, b)]
    model = gs.Model({"a": a, "b": b}, each)
    mean = layers.GlobalAveragePooling1D(**KIND)
    for given in (None, {"b": mask}, {"a": mask, "b": mask}):
        found = model({"a": x, "b": 2 * x}, mask=given)
        masks = given or {}
        np.testing.assert_array_equal(found[0], mean(x, mask=masks.get("a")))
        np.testing.assert_array_equal(found[1], mean(2 * x, mask=masks.get("b")))
    inner = gs.Model([a, b], layers.Concatenate(**KIND)(each))
    x_in, mask_in = inputs()
    around = gs.Model([x_in, mask_in], inner([x_in, x_in], mask=[None, mask_in]))
    wanted = np.concatenate([mean(x), mean(x, mask=mask)], 1)
    np.testing.assert_array_equal(around.predict([x, mask], verbose=0), wanted)
    again = gs.models.model_from_json(around.to_json())
    np.testing.assert_array_equal(again.predict([x, mask], verbose=0), wanted)


def test_backward_of_a_call_with_a_mask():
    x, mask, _ = data()
    model = gs.Sequential([gs.Input((5, 3), dtype="float64"), layers.GRU(4, **KIND), layers.Dropout(0.5, **KIND)])
    dy = np.random.default_rng(2).normal(size=(6, 4))
    y = model(x, training=True, mask=mask)
    dx, dws = model.backward(dy)
    assert dx.shape == x.shape
    assert not dx[~mask].any()
    gru = model.layers[0]
    hidden = gru(x, training=True, mask=mask)
    again, gradients = gru.backward(np.where(y == 0, 0, dy * 2))
    np.testing.assert_array_equal(y, np.where(y == 0, 0, hidden * 2))
    np.testing.assert_allclose(dx, again, rtol=1e-12, atol=1e-15)
    for one, other in zip(dws, gradients, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-15)
    draws = {model(x, training=True, mask=mask).tobytes() for _ in range(4)}
    assert len(draws) == 4
    model(x, training=True)
    assert model.backward(dy)[0][~mask].any()  # the last call decides
    model.layers[0].trainable = False
    model.compile("sgd", "mse")
    model(x, training=True, mask=mask)
    assert model.backward(dy)[1] == []
    copied = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copied(x, mask=mask), model(x, mask=mask))


def test_what_is_refused():
    x, mask = inputs()
    arrays, counts, _ = data()
    with pytest.raises(TypeError, match=r"layer 'dense.*', a Dense, takes no mask"):
        layers.Dense(2)(x, mask=mask)
    lstm = layers.LSTM(2, **KIND)
    with pytest.raises(TypeError, match="mask must be a symbolic tensor, as its input is"):
        lstm(x, mask=counts)
    with pytest.raises(ValueError, match=r"mask must have the first axes of its input"):
        lstm(x, mask=gs.Input((4,)))
    assert not probe.nodes_of(lstm)
    model = gs.Sequential([gs.Input((5, 3), dtype="float64"), lstm])
    with pytest.raises(ValueError, match=r"mask must have the first axes of its input, which has shape \(6, 5, 3\)"):
        model(arrays, mask=counts[:, :4])
    with pytest.raises(TypeError, match="mask must be a symbolic tensor"):
        model(x, mask=counts)
    with pytest.raises(ValueError, match="must be for its inputs"):
        model(arrays, mask={"other": counts})
    two = gs.Model([x, mask], layers.LSTM(2, **KIND)(x, mask=mask))
    with pytest.raises(ValueError, match="must be a list of 2, one for each input"):
        two([arrays, counts], mask=counts)
    attention = layers.MultiHeadAttention(1, 2)
    with pytest.raises(ValueError, match=r"query_mask of layer .* must have shape \(None, 5\)"):
        attention(x, x, query_mask=gs.Input((4,)))
