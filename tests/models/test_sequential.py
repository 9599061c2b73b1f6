"""Models as objects: building, adding and removing layers, weights, kinds of data."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradstep import checks, layers
from training import classifier, clusters, snapshot


def test_three_ways_to_say_the_shape():
    for first in (
        [gs.Input((6,)), layers.Dense(3)],
        [layers.Dense(3, input_shape=(6,))],
        [layers.Dense(3, input_dim=6)],
        [layers.InputLayer(6), layers.Dense(3)],
    ):
        model = gs.Sequential([*first, layers.Dense(2)])
        assert model.built
        assert (model.input_shape, model.output_shape) == ((None, 6), (None, 2))
        assert [w.shape for w in model.weights] == [(6, 3), (3,), (3, 2), (2,)]
        assert len(model.layers) == 2


def test_built_from_the_first_data():
    model = gs.Sequential([layers.Dense(3), layers.Dense(2)])
    assert not model.built
    assert model.weights == []
    assert model(np.zeros((5, 6))).shape == (5, 2)
    assert model.input_shape == (None, 6)
    with pytest.raises(ValueError, match=r"x has shape \(5, 7\); the model takes \(rows, 6\)"):
        model(np.zeros((5, 7)))


def test_weights_lie_in_one_block_on_borders():
    model = classifier()
    addresses = [w.ctypes.data for w in model.weights]
    assert all(a % 64 == 0 for a in addresses)
    size = sum(-(-w.nbytes // 64) * 64 for w in model.weights)
    assert max(addresses) - min(addresses) < size
    assert all(w.flags.writeable and w.base is not None for w in model.weights)


def test_weights_outlive_the_model():
    model = classifier()
    kernel = model.layers[0].kernel
    values = kernel.copy()
    del model
    np.testing.assert_array_equal(kernel, values)


def test_set_weights_may_swap_them():
    model = gs.Sequential([gs.Input((3,)), layers.Dense(3), layers.Dense(3)])
    first, second = model.layers[0].get_weights(), model.layers[1].get_weights()
    model.set_weights(model.layers[1].weights + model.layers[0].weights)
    for now, then in zip(model.weights, second + first, strict=True):
        np.testing.assert_array_equal(now, then)


def test_add_and_pop_keep_weights():
    x, y = clusters(30)
    model = classifier()
    model.fit(x, y, verbose=0)
    outputs = model.layers[0](x)
    last = model.pop()
    np.testing.assert_array_equal(model(x), outputs)
    with pytest.raises(ValueError, match="layers changed since it was trained: call compile"):
        model.fit(x, np.zeros(30, int), verbose=0)
    model.add(last)
    np.testing.assert_array_equal(model(x), last(outputs))
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x, y, verbose=0)
    assert model.optimizer.iterations == 1


def test_adding_one_by_one_equals_a_list():
    gs.utils.set_random_seed(3)
    whole = gs.Sequential([gs.Input((4,)), layers.Dense(3, "relu"), layers.Activation("tanh"), layers.Dense(2)])
    gs.utils.set_random_seed(3)
    parts = gs.Sequential()
    for layer in (gs.Input((4,)), layers.Dense(3, "relu"), layers.Activation("tanh"), layers.Dense(2)):
        parts.add(layer)
    for a, b in zip(whole.weights, parts.weights, strict=True):
        np.testing.assert_array_equal(a, b)


def test_compiled_before_it_has_layers():
    x, y = clusters(30)
    model = gs.Sequential()
    model.compile("adam", "sparse_categorical_crossentropy")
    model.add(layers.Dense(4, "softmax"))
    model.fit(x, y, verbose=0)
    assert model.optimizer.iterations == 1


def test_images():
    x = np.random.default_rng(0).normal(size=(9, 4, 5)).astype(np.float32)
    model = gs.Sequential([gs.Input((4, 5)), layers.Flatten(), layers.Dense(3), layers.Flatten()])
    np.testing.assert_array_equal(model(x), model.layers[1](x.reshape(9, 20)))


def test_a_layer_built_alone_keeps_its_weights():
    layer = layers.Dense(2)
    x = np.ones((1, 3), np.float32)
    alone = layer(x)
    np.testing.assert_array_equal(gs.Sequential([layer])(x), alone)


KINDS = {
    "float64": lambda x: x.astype(np.float64),
    "float16": lambda x: x.astype(np.float16),
    "int8": lambda x: x.astype(np.int8),
    "uint8": lambda x: np.abs(x).astype(np.uint8),
    "bool": lambda x: x > 0,
    "big-endian": lambda x: x.astype(">f4"),
    "Fortran": np.asfortranarray,
    "reversed": lambda x: x[::-1],
    "every other": lambda x: np.repeat(x, 2, axis=1)[:, ::2],
    "read-only": lambda x: np.broadcast_to(x[:1], x.shape),
    "misaligned": lambda x: np.frombuffer(b"\0" + x.tobytes(), np.float32, offset=1).reshape(x.shape),
    "list": lambda x: x.tolist(),
    "matrix": lambda x: x.view(np.matrix),
}


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_of_data(kind):
    x, y = clusters(30)
    given = KINDS[kind](x)
    kept = np.array(given)
    plain = np.ascontiguousarray(kept, dtype=np.float32)
    a, b = classifier(), classifier()
    a.fit(given, y, shuffle=False, verbose=0)
    b.fit(plain, y, shuffle=False, verbose=0)
    assert snapshot(a) == snapshot(b)
    np.testing.assert_array_equal(a.predict(given, verbose=0), b.predict(plain, verbose=0))
    np.testing.assert_array_equal(given, kept)


@pytest.mark.parametrize("kind", ["int32", "uint8", "float64", "bool", "column", "list"])
def test_kinds_of_labels(kind):
    x, y = clusters(30, classes=2)
    given = {"column": y[:, None], "list": y.tolist()}.get(kind)
    given = y.astype(kind) if given is None else given
    a, b = classifier(classes=2), classifier(classes=2)
    a.fit(x, given, shuffle=False, verbose=0)
    b.fit(x, y, shuffle=False, verbose=0)
    assert snapshot(a) == snapshot(b)


@pytest.mark.peers
def test_pandas():
    pandas = pytest.importorskip("pandas")
    x, y = clusters(30)
    a, b = classifier(), classifier()
    a.fit(pandas.DataFrame(x), pandas.Series(y), shuffle=False, verbose=0)
    b.fit(x, y, shuffle=False, verbose=0)
    assert snapshot(a) == snapshot(b)
    mixed = pandas.DataFrame({"a": [1.0], "b": ["x"]})
    with pytest.raises(TypeError, match="x must be a table of real numbers; column 'b' is of type"):
        a.predict(mixed)
    table = pandas.DataFrame(x.astype(np.float64)).assign(yes=x[:, 0] > 0, whole=np.arange(30))
    table["some"] = pandas.array([None, *range(29)], "Int64")
    rows = checks.numeric(table, "x")
    assert rows.dtype == np.float64
    np.testing.assert_array_equal(rows[:, 20:], np.column_stack([x[:, 0] > 0, np.arange(30), [np.nan, *range(29)]]))


def test_what_fits_is_not_copied(tmp_path):
    model = classifier()
    x, y = clusters(30)
    on_disk = np.memmap(tmp_path / "x", np.float32, "w+", shape=x.shape)
    on_disk[...] = x
    on_disk.flush()
    read_only = np.memmap(tmp_path / "x", np.float32, "r", shape=x.shape)
    for given in (x, on_disk, read_only):
        assert np.shares_memory(model._ready(given, "x"), given)
    images = gs.Sequential([gs.Input((4, 5)), layers.Flatten(), layers.Dense(3)])
    assert np.shares_memory(images._ready(x.reshape(30, 4, 5), "x"), x)
    a, b = classifier(), classifier()
    a.fit(read_only, y, shuffle=False, verbose=0)
    b.fit(x, y, shuffle=False, verbose=0)
    assert snapshot(a) == snapshot(b)


def test_one_number_a_row():
    x = np.linspace(-1, 1, 40)
    model = gs.Sequential([gs.Input((1,)), layers.Dense(1)])
    model.compile(gs.optimizers.SGD(0.2), "mse")
    model.fit(x, 3 * x + 1, epochs=200, verbose=0)
    np.testing.assert_allclose([model.layers[0].kernel.item(), model.layers[0].bias.item()], [3, 1], rtol=1e-4)
    np.testing.assert_array_equal(model(x), model(x[:, None]))


def test_predict():
    x, _ = clusters(70)
    model = classifier()
    whole = model.predict(x, batch_size="full", verbose=0)
    for batch in (1, 32, 70, 1000):
        y = model.predict(x, batch_size=batch, verbose=0)
        np.testing.assert_allclose(y, whole, rtol=1e-5, atol=1e-7)
    assert y.dtype == np.float32
    assert model.predict(x[:0], verbose=0).shape == (0, 4)
    np.testing.assert_allclose(y.sum(1), 1, rtol=1e-6)


def test_evaluate_gives_loss_and_metrics():
    x, y = clusters(70)
    model = classifier()
    loss, accuracy = model.evaluate(x, y, verbose=0)
    assert model.evaluate(x, y, verbose=0, return_dict=True) == {"loss": loss, "accuracy": accuracy}
    assert model.metrics_names == ["loss", "accuracy"]
    outputs = model.predict(x, verbose=0)
    assert accuracy == pytest.approx((outputs.argmax(1) == y).mean())
    assert loss == pytest.approx(gs.losses.SparseCategoricalCrossentropy()(y, outputs), rel=1e-6)
    model.compile(loss="sparse_categorical_crossentropy")
    assert model.evaluate(x, y, verbose=0) == pytest.approx(loss)


@pytest.mark.parametrize(
    ("last", "outputs", "loss", "from_logits"),
    [
        ("sigmoid", 1, gs.losses.BinaryCrossentropy, False),
        ("sigmoid", 3, gs.losses.BinaryCrossentropy, False),
        (None, 1, gs.losses.BinaryCrossentropy, True),
        ("softmax", 3, gs.losses.CategoricalCrossentropy, False),
        (None, 3, gs.losses.CategoricalCrossentropy, True),
    ],
)
def test_metrics_are_of_the_outputs(last, outputs, loss, from_logits):
    """Not of the logits that the engine computes the loss from."""
    random = np.random.default_rng(1)
    x = random.normal(size=(50, 4))
    y = np.eye(3)[random.integers(0, 3, 50)] if outputs == 3 else random.integers(0, 2, 50)
    model = gs.Sequential([layers.Dense(outputs, last)])
    model.compile("sgd", loss(from_logits=from_logits), metrics=["accuracy", "mse", "binary_accuracy"])
    _, accuracy, mse, binary = model.evaluate(x, y, verbose=0)
    p = model.predict(x, verbose=0)
    t = y.reshape(p.shape)
    assert mse == pytest.approx(((p - t) ** 2).mean(), rel=1e-5)
    assert binary == pytest.approx(((p > 0.5) == t).mean())
    assert accuracy == pytest.approx(binary if outputs == 1 else (p.argmax(1) == t.argmax(1)).mean())


def test_float64_model():
    x, y = clusters(30, dtype="float64")
    gs.config.set_floatx("float64")
    try:
        model = classifier(dtype="float64")
    finally:
        gs.config.set_floatx("float32")
    assert {w.dtype.name for w in model.weights} == {"float64"}
    assert model(x).dtype == np.float64
    model.fit(x, y, verbose=0)


def test_layers_of_a_trained_model_are_shared():
    """The usual way to cut off a head; both models go on, with one set of weights."""
    x = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
    layers = gs.layers
    old = gs.Sequential([gs.Input((3,)), layers.Dense(4, "relu"), layers.BatchNormalization(), layers.Dense(1)])
    old.compile("sgd", "mse")
    old.fit(x, x[:, 0], verbose=0)
    new = gs.Sequential()
    for layer in old.layers[:-1]:
        new.add(layer)
    features = new.predict(x, verbose=0)
    assert (features == gs.Model(old.inputs, old.layers[1].output).predict(x, verbose=0)).all()
    new.add(layers.Dense(2))
    new.compile("sgd", "mse")
    new.fit(x, x[:, :2], verbose=0)
    assert new.layers[0] is old.layers[0]
    assert all(a is b for a, b in zip(new.weights[:6], old.weights[:6], strict=True))
    assert not np.array_equal(features, gs.Model(old.inputs, old.layers[1].output).predict(x, verbose=0))
    kept = [weight.copy() for weight in new.weights]
    old.pop()
    old.add(layers.Dense(3))
    old.compile("sgd", "mse")
    old.fit(x, x, verbose=0)
    assert all(a is b for a, b in zip(new.weights[:6], old.weights[:6], strict=True))
    assert not np.array_equal(kept[0], new.weights[0])
    assert new.predict(x, verbose=0).shape == (8, 2)


@pytest.mark.parametrize("functional", [False, True])
def test_a_model_of_shapes_alone(functional):
    x = np.arange(12.0).reshape(2, 6)
    row = [gs.layers.Reshape((2, 3)), gs.layers.Flatten(), gs.layers.Reshape((3, 2))]
    if functional:
        start = end = gs.Input((6,))
        for layer in row:
            end = layer(end)
        model = gs.Model(start, end)
    else:
        model = gs.Sequential([gs.Input((6,)), *row])
    assert (model.predict(x, verbose=0) == x.reshape(2, 3, 2)).all()
    assert (model(x) == x.reshape(2, 3, 2)).all()
    model.compile("sgd", "mse")
    assert model.evaluate(x, x.reshape(2, 3, 2) + 1, verbose=0) == 1
    assert model.weights == []
    assert gs.models.model_from_json(model.to_json()).output_shape == (None, 3, 2)
