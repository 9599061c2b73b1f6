"""Dense multiplies the entries of a CSR matrix as they are: every bit is that of the dense rows."""

from __future__ import annotations

from functools import partial

import gradstep as gs
import numpy as np
import pytest
from probe import engine_of
from threads import same_at_any_number_of_threads
from training import snapshot

sparse = pytest.importorskip("scipy.sparse")
layers, optimizers = gs.layers, gs.optimizers
ROWS, WIDTH, CLASSES = 50, 700, 3  # wider than the product's blocks of the depth


def rows(seed=0, width=WIDTH):
    """A few numbers a row, in the first columns more often; some rows and columns are empty."""
    draw = np.random.default_rng(seed)
    x = np.where(draw.random((ROWS, width)) < np.linspace(0.1, 0, width), draw.normal(size=(ROWS, width)), 0)
    x[[3, 17]] = 0
    return x.astype(np.float32), draw.integers(0, CLASSES, ROWS)


X, Y = rows()
CSR = sparse.csr_matrix(X)


def model_of(optimizer="adam", dtype="float32", units=20, width=WIDTH, activation="relu", metrics=(), **options):
    gs.utils.set_random_seed(1)
    first = layers.Dense(units, activation, dtype=dtype, **options)
    model = gs.Sequential([gs.Input((width,)), first, layers.Dropout(0.1, dtype=dtype)])
    model.add(layers.Dense(CLASSES, "softmax", dtype=dtype))
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy", *metrics])
    return model


def same_training(model, x=(X, CSR), y=Y, **options):
    """Trains on dense rows, and on sparse ones; gives both models."""
    models, curves = [], []
    for data in x:
        models.append(model())
        curves.append(models[-1].fit(data, y, verbose=0, **{"epochs": 3, "batch_size": 8} | options).history)
    if models[0].losses:  # penalties are summed over other parts of the kernel
        for name, curve in curves[0].items():
            np.testing.assert_allclose(curves[1][name], curve, rtol=1e-14)
    else:
        assert curves[0] == curves[1]
    assert snapshot(models[0]) == snapshot(models[1])
    return models


def as_engine_reads(model):
    """Whether the rows of each input are multiplied as they are."""
    return engine_of(model).takes_sparse


RULES = {
    "SGD": lambda: optimizers.SGD(0.1),
    "momentum": lambda: optimizers.SGD(0.1, momentum=0.9, nesterov=True),
    "Adam": lambda: optimizers.Adam(0.01),
    "AdamW": lambda: optimizers.AdamW(0.01, weight_decay=0.1),
    "schedule": lambda: optimizers.RMSprop(optimizers.schedules.ExponentialDecay(0.01, 3, 0.9), clipvalue=0.01),
    "Adagrad": lambda: optimizers.Adagrad(0.05),
    "whole norms": lambda: optimizers.Adam(0.01, global_clipnorm=0.1),
    "norms of layers": lambda: optimizers.Lamb(0.01),
    "average": lambda: optimizers.Adam(0.01, use_ema=True),
    "accumulated": lambda: optimizers.Adam(0.01, gradient_accumulation_steps=2),
    "lazy": lambda: optimizers.Adam(0.01, lazy=True),
    "two passes": lambda: optimizers.SAM(optimizers.SGD(0.1)),
    "Lookahead": lambda: optimizers.Lookahead(optimizers.Adam(0.01)),
    "matrices": lambda: optimizers.Muon(0.01),
    "curvature": lambda: optimizers.KFAC(0.01),
}


@pytest.mark.parametrize("rule", RULES)
def test_every_optimizer_moves_as_over_dense_rows(rule):
    """Also columns that no row of a batch has: what a rule does to them by a gradient of 0 is done."""
    same_training(lambda: model_of(RULES[rule]()))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("units", [1, 7, 16, 70, 130])
def test_every_size(units, dtype):
    same_training(lambda: model_of(units=units, dtype=dtype), epochs=2)
    same_training(lambda: model_of(units=units, dtype=dtype, use_bias=False), epochs=1, batch_size=ROWS)


@pytest.mark.parametrize(
    "options",
    [
        {"activation": "gelu"},
        {"activation": "softmax"},
        {"kernel_regularizer": "l2"},
        {"kernel_regularizer": gs.regularizers.L1(0.01, proximal=True)},
        {"kernel_constraint": gs.constraints.MaxNorm(1)},
        {"trainable": False},
    ],
)
def test_layers_with_settings(options):
    same_training(lambda: model_of(**options))


@pytest.mark.parametrize(
    "options",
    [
        {"batch_size": 1, "epochs": 1},
        {"batch_size": "full"},
        {"shuffle": False, "validation_split": 0.2},
        {"sample_weight": np.linspace(0, 2, ROWS), "steps_per_epoch": 2},
        {"class_weight": {0: 2.0, 1: 0.5}, "validation_data": (CSR, Y)},
        {"callbacks": [gs.callbacks.Diagnose(verbose=0)]},
    ],
)
def test_options_of_fit(options):
    same_training(model_of, **options)


def test_metrics_of_python():
    same_training(lambda: model_of(metrics=[gs.metrics.SparseTopKCategoricalAccuracy(2, name="top")]))


def test_scores_and_outputs():
    dense, model = same_training(model_of)
    assert as_engine_reads(model) == [True]
    for size in (7, 64):
        wanted = dense.predict(X, size, verbose=0)
        for given in (
            CSR,
            sparse.coo_array(X),
            sparse.csc_matrix(X),
            (CSR[i : i + size] for i in range(0, ROWS, size)),
        ):
            found = model.predict(given, size if hasattr(given, "tocsr") else None, verbose=0)
            assert found.tobytes() == wanted.tobytes()
        assert model.evaluate(CSR, Y, size, verbose=0) == dense.evaluate(X, Y, size, verbose=0)
    assert model.test_on_batch(CSR, Y) == dense.test_on_batch(X, Y)
    assert model.predict(CSR, 8, steps=2, verbose=0).tobytes() == dense.predict(X, 8, steps=2, verbose=0).tobytes()
    assert model.predict(CSR[:0], verbose=0).shape == (0, CLASSES)
    value, gradients = model.value_and_grad(CSR, Y)
    expected = dense.value_and_grad(X, Y)
    assert value == expected[0]
    assert [g.tobytes() for g in gradients] == [g.tobytes() for g in expected[1]]


def test_single_batches_in_turn():
    """Sparse ones and dense ones, of a model whose runs over batches are kept."""
    models = model_of(), model_of()
    for step in range(12):
        part = slice(8 * (step % 3), 8 * (step % 3) + 8)
        losses = [one.train_on_batch((CSR if one is models[0] and step % 4 else X)[part], Y[part]) for one in models]
        assert losses[0] == losses[1]
        assert snapshot(models[0]) == snapshot(models[1])


def test_batches_of_a_generator():
    def batches(data):
        for i in range(0, ROWS, 8):
            yield data[i : i + 8], Y[i : i + 8]

    models = model_of(), model_of()
    for model, data in zip(models, (X, CSR), strict=True):
        model.fit(batches(data), verbose=0)
    assert snapshot(models[0]) == snapshot(models[1])


@pytest.mark.parametrize("dtype", ["float64", "int8", "bool"])
def test_values_of_any_type(dtype):
    x = X if dtype == "float64" else np.rint(2 * X)
    given = sparse.csr_matrix(x.astype(dtype))
    same_training(model_of, (given.astype("float64").toarray().astype("float32"), given))


def test_entries_in_any_order_given_twice_and_with_long_indices():
    draw = np.random.default_rng(3)
    csr = CSR.copy()
    order = np.concatenate([begin + draw.permutation(end - begin) for begin, end in zip(csr.indptr, csr.indptr[1:])])  # noqa: B905
    mixed = sparse.csr_matrix((csr.data[order], csr.indices[order], csr.indptr), csr.shape)
    before = mixed.indices.copy()
    same_training(model_of, (X, mixed))
    np.testing.assert_array_equal(mixed.indices, before)
    halves = sparse.csr_matrix((np.repeat(csr.data / 2, 2), np.repeat(csr.indices, 2), 2 * csr.indptr), csr.shape)
    same_training(model_of, (X, halves))
    assert halves.nnz == 2 * csr.nnz
    long = csr.copy()
    long.indices, long.indptr = csr.indices.astype(np.int64), csr.indptr.astype(np.int64)
    same_training(model_of, (X, long))


def test_columns_that_rows_rarely_have_catch_up_on_all_steps():
    """More of them than rows of a chunk, and some of them read again after many steps."""
    x = np.zeros((400, 3000), np.float32)
    x[np.arange(400), np.arange(400) % 7] = 1
    x[::100, ::3] = 0.5
    x[57] = 0.25  # all of them
    y = np.arange(400) % CLASSES
    options = {"batch_size": 2, "shuffle": False, "epochs": 2}
    for rule, units in (("adam", 20), ("adam", 1), ("sgd", 3)):
        make = partial(model_of, rule, width=3000, units=units)
        same_training(make, (x, sparse.csr_matrix(x)), y, **options)


def test_any_number_of_threads():
    def trained():
        model = model_of(units=130)
        model.fit(CSR, Y, batch_size=25, epochs=2, verbose=0)
        return snapshot(model)

    same_at_any_number_of_threads(trained, (1, 2, 3))


def branches(shared=False, skips=False):
    """A model whose input goes into two Dense layers; into one of them twice; or also past them."""
    gs.utils.set_random_seed(2)
    x = gs.Input((WIDTH,))
    one, other = layers.Dense(9, "relu"), layers.Dense(9, "tanh")
    a, b = one(x), (one if shared else other)(x)
    if skips:
        b = layers.Concatenate()([b, x])
    model = gs.Model(x, layers.Dense(CLASSES, "softmax")(layers.Concatenate()([a, b])))
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


@pytest.mark.parametrize(("options", "takes"), [({}, True), ({"shared": True}, False), ({"skips": True}, False)])
def test_graphs(options, takes):
    models = [branches(**options) for _ in range(2)]
    for model, data in zip(models, (X, CSR), strict=True):
        model.fit(data, Y, batch_size=8, epochs=2, shuffle=False, verbose=0)
    assert as_engine_reads(models[1]) == [takes]
    assert snapshot(models[0]) == snapshot(models[1])


def test_training_goes_on_from_a_file(tmp_path):
    whole, part = model_of(), model_of()
    whole.fit(CSR, Y, epochs=4, verbose=0, seed=5)
    part.fit(CSR, Y, epochs=2, verbose=0, seed=5)
    part.save(tmp_path / "model.gradstep")
    again = gs.models.load_model(tmp_path / "model.gradstep")
    again.fit(CSR, Y, epochs=4, initial_epoch=2, verbose=0)
    assert snapshot(again) == snapshot(whole)


def test_a_model_without_an_input_shape():
    models = []
    for data in (X, CSR):
        gs.utils.set_random_seed(4)
        model = gs.Sequential([layers.Dense(5, "relu"), layers.Dense(1)])
        model.compile("adam", "mse")
        model.fit(data, Y, verbose=0)
        models.append(model)
    assert as_engine_reads(models[1]) == [True]
    assert snapshot(models[0]) == snapshot(models[1])


def test_what_is_refused():
    model = model_of()
    before = snapshot(model)
    with pytest.raises(ValueError, match=r"x has shape \(1, 699\); the model takes \(rows, 700\)"):
        model.fit(CSR[:, :-1], Y, verbose=0)
    wrong = CSR.copy()
    wrong.indices[-1] = WIDTH
    with pytest.raises(ValueError, match="indices must be"):
        model.fit(wrong, Y, verbose=0)
    wrong = CSR.copy()
    wrong.indptr[5] = wrong.nnz + 1
    with pytest.raises(ValueError, match="indptr must be"):
        model.fit(wrong, Y, verbose=0)
    with pytest.raises(ValueError, match="same number of rows; got 50 and 49"):
        model.fit(CSR, Y[1:], verbose=0)
    assert snapshot(model) == before
