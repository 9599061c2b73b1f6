"""Embedding: rows of a table by ids; against one-hot rows times the table, and by hand."""

import gradstep as gs
import numpy as np
import pytest
from threads import same_at_any_number_of_threads

layers = gs.layers
IDS, N = 17, 5


def ids_of(rows=24, steps=6, seed=0):
    """Ids of which some come often, and some never."""
    ids = np.random.default_rng(seed).integers(0, IDS, (rows, steps)) // 2 * 2
    ids[:, -1] = 0
    return ids


def table(seed=1, dtype="float64"):
    """Numbers of a table."""
    return np.random.default_rng(seed).normal(size=(IDS, N)).astype(dtype)


def model_of(dtype="float64", optimizer=None, seed=None, **options):
    """Means of vectors of ids."""
    model = gs.Sequential([gs.Input((6,), dtype="int32"), layers.Embedding(IDS, N, dtype=dtype, **options)], seed=seed)
    model.add(layers.Dense(4, "tanh", dtype=dtype))
    model.add(layers.GlobalAveragePooling1D(dtype=dtype))
    model.compile(optimizer or gs.optimizers.Adam(0.01), loss="mse")
    return model


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8", "float32", "float64", "int16", "uint64"])
def test_ids_of_any_type(dtype):
    layer = layers.Embedding(IDS, N, weights=[table()], dtype="float64")
    ids = ids_of()
    np.testing.assert_array_equal(layer(ids.astype(dtype)), table()[ids])
    model = gs.Sequential([gs.Input((6,)), layer])
    np.testing.assert_array_equal(model.predict(ids.astype(dtype), verbose=0), table()[ids])
    np.testing.assert_array_equal(model.predict(ids.astype(dtype)[::-2, :], verbose=0), table()[ids[::-2]])
    if dtype.startswith("float"):
        np.testing.assert_array_equal(layer(ids.astype(dtype) + dtype_of_fraction(dtype)), table()[ids])


def dtype_of_fraction(dtype):
    """Less than 1, which is cut off."""
    return np.dtype(dtype).type(0.75)


@pytest.mark.parametrize("shape", [(1,), (6,), (2, 3)])
def test_inputs_of_any_shape(shape):
    layer = layers.Embedding(IDS, N, weights=table(), dtype="float64")
    ids = np.resize(ids_of(), (24, *shape))
    np.testing.assert_array_equal(layer(ids, training=True), table()[ids])
    assert layer.compute_output_shape((None, *shape)) == (None, *shape, N)
    dy = np.random.default_rng(2).normal(size=(24, *shape, N))
    dx, (slope,) = layer.backward(dy)
    assert dx.shape == ids.shape
    assert not dx.any()
    wanted = np.zeros((IDS, N))
    np.add.at(wanted, ids, dy)
    np.testing.assert_allclose(slope, wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("optimizer", ["Adam", "RMSprop", "SGD"])
def test_it_trains_as_one_hot_rows_do(optimizer):
    """Every row moves in every step, also by a gradient of 0, as the optimizer says."""
    ids, y = ids_of(), np.random.default_rng(3).normal(size=(24, 4))
    model = model_of(optimizer=getattr(gs.optimizers, optimizer)(0.01))
    dense = gs.Sequential([gs.Input((6, IDS)), layers.Dense(N, use_bias=False, dtype="float64")])
    dense.add(layers.Dense(4, "tanh", dtype="float64"))
    dense.add(layers.GlobalAveragePooling1D(dtype="float64"))
    dense.compile(getattr(gs.optimizers, optimizer)(0.01), loss="mse")
    dense.set_weights(model.get_weights())
    for _ in range(3):
        model.fit(ids, y, batch_size=5, epochs=4, shuffle=False, verbose=0)
        dense.fit(np.eye(IDS)[ids], y, batch_size=5, epochs=4, shuffle=False, verbose=0)
        for one, other in zip(model.get_weights(), dense.get_weights(), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)


def test_reading_and_saving_in_between_changes_no_bit(tmp_path):
    ids, y = ids_of(), np.random.default_rng(3).normal(size=(24, 4)).astype("float32")
    start = model_of("float32").get_weights()
    one, two = model_of("float32"), model_of("float32")
    one.set_weights(start)
    two.set_weights(start)
    one.fit(ids, y, batch_size=4, epochs=10, shuffle=False, verbose=0)
    for epoch in range(10):
        two.fit(ids, y, batch_size=4, epochs=epoch + 1, initial_epoch=epoch, shuffle=False, verbose=0)
        two.predict(ids, verbose=0)
        two.save(tmp_path / "model.gradstep")
        if epoch % 3 == 2:
            two = gs.models.load_model(tmp_path / "model.gradstep")
    for a, b in zip(one.get_weights(), two.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    kept = model_of("float32")
    kept.set_weights(start)
    for _ in range(10):
        for begin in range(0, 24, 4):
            kept.train_on_batch(ids[begin : begin + 4], y[begin : begin + 4])
    for a, b in zip(one.get_weights(), kept.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


OPTIMIZERS = {
    "adam": lambda **more: gs.optimizers.Adam(0.01, **more),
    "decay": lambda **more: gs.optimizers.AdamW(0.01, weight_decay=0.1, **more),
    "momentum": lambda **more: gs.optimizers.SGD(0.05, momentum=0.9, **more),
    "adagrad": lambda **more: gs.optimizers.Adagrad(0.05, **more),
    "schedule": lambda **more: gs.optimizers.Adam(gs.optimizers.schedules.ExponentialDecay(0.02, 7, 0.9), **more),
    "averages": lambda **more: gs.optimizers.Adam(0.01, use_ema=True, ema_momentum=0.9, **more),
}


@pytest.mark.parametrize("n", [8, 80])  # short rows are updated in blocks, long ones where they lie
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_rows_that_wait_come_to_the_bits_of_those_that_do_not(optimizer, n):
    """Of a table of which a batch reads few rows, or most; a clip of nothing makes the whole gradient each time."""
    rng = np.random.default_rng(8)
    ids, y = rng.integers(0, 300, (160, 4)), rng.normal(size=(160, n)).astype("float32")
    ids[:100] //= 7
    found = []
    for clip in (None, 1e30):
        model = gs.Sequential([gs.Input((4,)), layers.Embedding(300, n), layers.GlobalAveragePooling1D()])
        model.compile(OPTIMIZERS[optimizer](clipvalue=None, global_clipnorm=clip), loss="mse")
        if found:
            model.set_weights(found[0])
        else:
            found.append(model.get_weights())
        model.fit(ids, y, batch_size=3, epochs=3, shuffle=False, verbose=0)
        found.append(model.get_weights())
        for batch in (7, 70, 5):
            model.fit(ids[::-1], y, batch_size=batch, epochs=2, shuffle=False, verbose=0)
        found.append(model.get_weights())
    for one, two in zip(found[1:3], found[3:], strict=True):
        np.testing.assert_array_equal(one[0], two[0])


def means(n, masked, between, width=9, ids=40, **options):
    """A table and the mean of its vectors; with a layer between them that does nothing, or one in one."""
    row = [gs.Input((width,), dtype="int32"), layers.Embedding(ids, n, mask_zero=masked)]
    row += [layers.Activation("linear")] * between + [layers.GlobalAveragePooling1D(**options), layers.Dense(2)]
    model = gs.Sequential(row)
    model.compile(gs.optimizers.Adam(0.01), loss="mse")
    return model


@pytest.mark.parametrize("options", [{}, {"keepdims": True}])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("n", [3, 16, 130])
def test_the_mean_of_vectors_has_the_bits_of_two_layers(n, masked, options):
    """Where a batch reads most rows of the table, and where it reads few; one sample has nothing but padding."""
    rng = np.random.default_rng(n)
    ids, y = rng.integers(0, 400, (60, 9)) // 10 * 10, rng.normal(size=(60, 2)).astype("float32")
    ids[:, 5:] *= rng.integers(0, 2, (60, 4))
    for size, batch in ((400, 60), (4000, 4)):
        one, two = (means(n, masked, between, ids=size, **options) for between in (False, True))
        two.set_weights(one.get_weights())
        y_row = y.reshape(60, 1, 2) if options else y
        for model in (one, two):
            model.fit(ids, y_row, batch_size=batch, epochs=2, shuffle=False, verbose=0)
        np.testing.assert_array_equal(one.predict(ids, verbose=0), two.predict(ids, verbose=0))
        for a, b in zip(one.get_weights(), two.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
    if masked:
        ids[7] = 0
        assert np.isnan(one.predict(ids, verbose=0)[7]).all()


def test_the_mean_is_of_all_ids_alone():
    """Not of a part of them, nor of numbers of a vector; nor where something else reads the vectors, too."""
    ids, rows = ids_of(), table(dtype="float64")
    inputs = gs.Input((6,))
    vectors = layers.Embedding(IDS, N, weights=rows, dtype="float64")(inputs)
    pooled = [
        layers.AveragePooling1D(6, dtype="float64")(vectors),
        layers.AveragePooling1D(2, dtype="float64")(vectors),
        layers.GlobalAveragePooling1D("channels_first", dtype="float64")(vectors),
    ]
    wanted = [rows[ids].mean(1, keepdims=True), rows[ids].reshape(24, 3, 2, N).mean(2), rows[ids].mean(2)]
    for output, right in zip(pooled, wanted, strict=True):
        np.testing.assert_allclose(gs.Model(inputs, output).predict(ids, verbose=0), right, rtol=1e-12)
    both = gs.Model(inputs, [vectors, pooled[0]]).predict(ids, verbose=0)
    np.testing.assert_array_equal(both[0], rows[ids])
    np.testing.assert_allclose(both[1], wanted[0], rtol=1e-12)
    grid = gs.Sequential([gs.Input((2, 3)), layers.Embedding(IDS, N, weights=rows, dtype="float64")])
    grid.add(layers.GlobalAveragePooling2D(dtype="float64"))
    np.testing.assert_allclose(grid.predict(ids.reshape(24, 2, 3), verbose=0), rows[ids].mean(1), rtol=1e-12)
    grid.compile("sgd", loss="mse")
    y = np.zeros((24, N))
    _, (slope,) = grid.value_and_grad(ids.reshape(24, 2, 3), y)
    right = np.zeros((IDS, N))
    np.add.at(right, ids, (2 / y.size * rows[ids].mean(1) / 6)[:, None])
    np.testing.assert_allclose(slope, right, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("batch", [1, 7, 33, 128])
def test_the_same_bits_at_any_number_of_threads(batch):
    rng = np.random.default_rng(0)
    rows = min(200, 12 * batch)
    ids, y = rng.integers(0, 900, (rows, 30)), rng.normal(size=(rows, 16)).astype("float32")

    def trained():
        gs.utils.set_random_seed(0)
        model = gs.Sequential([gs.Input((30,)), layers.Embedding(900, 16), layers.GlobalAveragePooling1D()])
        model.compile("adam", loss="mse")
        model.fit(ids, y, batch_size=batch, epochs=2, shuffle=False, verbose=0)
        return model.get_weights()

    same_at_any_number_of_threads(trained, (1, 2, 3, 8, 16))


def test_a_shared_table_adds_up_its_gradients():
    first, second = gs.Input((6,)), gs.Input((6,))
    layer = layers.Embedding(IDS, N, dtype="float64", embeddings_regularizer=gs.regularizers.L2(0.1))
    model = gs.Model([first, second], layers.Concatenate(dtype="float64")([layer(first), layer(second)]))
    model.compile("sgd", loss="mse")
    ids = [ids_of(), ids_of(seed=5)]
    y = np.random.default_rng(3).normal(size=(24, 6, 2 * N))
    _, (slope,) = model.value_and_grad(ids, y)
    each = 2 / y.size * (model.predict(ids, verbose=0) - y)
    wanted = 0.2 * model.get_weights()[0]
    np.add.at(wanted, ids[0], each[..., :N])
    np.add.at(wanted, ids[1], each[..., N:])
    np.testing.assert_allclose(slope, wanted, rtol=1e-12, atol=1e-14)


def test_clipped_and_constrained_tables():
    ids, y = ids_of(), np.random.default_rng(3).normal(size=(24, 4))
    model = model_of(
        optimizer=gs.optimizers.SGD(5.0, global_clipnorm=1.0), embeddings_constraint=gs.constraints.MaxNorm(0.5, axis=1)
    )
    _, gradients = model.value_and_grad(ids, y)
    before = model.get_weights()
    model.train_on_batch(ids, y)
    norm = np.sqrt(sum((gradient**2).sum() for gradient in gradients))
    moved = before[0] - 5.0 * gradients[0] / max(norm, 1.0)
    norms = np.linalg.norm(moved, axis=1, keepdims=True)
    np.testing.assert_allclose(
        model.get_weights()[0], moved * np.minimum(1, 0.5 / (1e-7 + norms)), rtol=1e-5, atol=1e-8
    )


def test_padding_is_masked():
    ids, y = ids_of(), np.random.default_rng(3).normal(size=(24, 4))
    ids[:, 0] = 3
    model = model_of(mask_zero=True)
    longer = gs.Sequential([gs.Input((9,)), *[type(layer).from_config(layer.get_config()) for layer in model.layers]])
    longer.set_weights(model.get_weights())
    padded = np.concatenate([ids, np.zeros((24, 3), int)], 1)
    np.testing.assert_allclose(longer.predict(padded, verbose=0), model.predict(ids, verbose=0), rtol=1e-12)
    np.testing.assert_array_equal(model.layers[0].compute_mask(ids), ids != 0)
    assert model_of().layers[0].compute_mask(ids) is None
    sequence = gs.Sequential([gs.Input((6,)), layers.Embedding(IDS, 1, mask_zero=True, dtype="float64")])
    sequence.compile("sgd", loss="mae")
    rows = abs(sequence.predict(ids, verbose=0) - y[:, :1, None])[..., 0]
    found = sequence.evaluate(ids, np.broadcast_to(y[:, :1, None], (24, 6, 1)), verbose=0)
    np.testing.assert_allclose(found, rows[ids != 0].mean(), rtol=1e-12)


@pytest.mark.parametrize("bad", [IDS, -1, 10**9, np.nan])
def test_ids_that_are_none_are_refused_before_anything_moves(bad):
    ids, y = ids_of(), np.random.default_rng(3).normal(size=(24, 4)).astype("float32")
    model = model_of("float32")
    model.fit(ids, y, verbose=0)
    before = [*model.get_weights(), model.optimizer.iterations]
    wrong = ids.astype(float) if np.isnan(bad) else ids.copy()
    wrong[3, 4] = bad
    calls = [
        lambda: model.fit(wrong, y, verbose=0),
        lambda: model.fit(ids, y, validation_data=(wrong, y), verbose=0),
        lambda: model.fit(iter([(wrong, y)]), steps_per_epoch=1, verbose=0),
        lambda: model.train_on_batch(wrong, y),
        lambda: model.evaluate(wrong, y, verbose=0),
        lambda: model.predict(wrong, verbose=0),
        lambda: model.value_and_grad(wrong, y),
        lambda: model(wrong, training=True),
        lambda: model.layers[0](wrong),
    ]
    for call in calls:
        with pytest.raises(ValueError, match=r"must hold ids in \[0, 17\), the rows of the embedding; row 3 has"):
            call()
    for one, other in zip(before, [*model.get_weights(), model.optimizer.iterations], strict=True):
        np.testing.assert_array_equal(one, other)


def test_ids_that_a_layer_makes_and_that_are_none_give_no_numbers():
    inputs = gs.Input((2,))
    model = gs.Model(inputs, layers.Embedding(3, 2)(2 * inputs))
    outputs = model.predict(np.array([[0, 1], [1, 5]]), verbose=0)
    assert np.isfinite(outputs[0]).all()
    assert np.isfinite(outputs[1, 0]).all()
    assert np.isnan(outputs[1, 1]).all()
    model.compile("sgd", loss="mse")
    _, (slope,) = model.value_and_grad(np.array([[1, 5]]), np.zeros((1, 2, 2)))
    assert not slope[:2].any()


def test_what_is_refused():
    with pytest.raises(ValueError, match=r"weights must be a table of shape \(3, 2\); its shape is \(2, 2\)"):
        layers.Embedding(3, 2, weights=np.zeros((2, 2)))
    with pytest.raises(ValueError, match=r"input_dim must be at most 2\*\*24 in float32"):
        layers.Embedding(2**24 + 1, 1)
    with pytest.raises(TypeError, match="mask_zero"):
        layers.Embedding(3, 2, mask_zero=1)
    config = layers.Embedding(3, 2, mask_zero=True, embeddings_initializer="zeros").get_config()
    assert "weights" not in config
    assert layers.Embedding.from_config(config).mask_zero
