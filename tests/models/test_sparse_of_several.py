"""Sparse matrices among several inputs, and in single batches: every bit is that of the dense rows."""

from __future__ import annotations

from typing import Any

import gradstep as gs
import numpy as np
import pytest
from probe import engine_of
from training import snapshot

sparse = pytest.importorskip("scipy.sparse")
layers = gs.layers
ROWS, WIDTH, CLASSES = 40, 300, 3
DRAW = np.random.default_rng(0)
TEXT = np.where(DRAW.random((ROWS, WIDTH)) < 0.05, DRAW.normal(size=(ROWS, WIDTH)), 0).astype(np.float32)
NUMBERS = DRAW.normal(size=(ROWS, 4)).astype(np.float32)
Y = DRAW.integers(0, CLASSES, ROWS)
DENSE = {"text": TEXT, "numbers": NUMBERS}
MIXED = {"text": sparse.csr_matrix(TEXT), "numbers": NUMBERS}
BOTH = {"text": sparse.coo_matrix(TEXT), "numbers": sparse.csr_matrix(NUMBERS)}


def model_of(skips: bool = False) -> gs.Model:
    gs.utils.set_random_seed(1)
    text, numbers = gs.Input((WIDTH,), name="text"), gs.Input((4,), name="numbers")
    parts = [layers.Dense(8, "relu")(text), layers.Dense(5)(numbers), *([numbers] if skips else [])]
    model = gs.Model([text, numbers], layers.Dense(CLASSES, "softmax")(layers.Concatenate()(parts)))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


@pytest.mark.parametrize("data", [MIXED, BOTH, list(MIXED.values())])
@pytest.mark.parametrize(
    "options",
    [
        {"batch_size": 8},
        {"validation_split": 0.25, "batch_size": 7},
        {"steps_per_epoch": 2, "sample_weight": np.linspace(0, 2, ROWS)},
        {"class_weight": {0: 2.0}, "shuffle": False},
    ],
)
def test_training_is_that_of_dense_rows(data: Any, options: dict[str, Any]) -> None:
    dense, model = model_of(), model_of()
    assert engine_of(model).takes_sparse == [True, True]
    expected = dense.fit(DENSE, Y, epochs=2, verbose=0, seed=5, **options).history
    assert model.fit(data, Y, epochs=2, verbose=0, seed=5, **options).history == expected
    assert snapshot(model) == snapshot(dense)
    assert model.evaluate(data, Y, 16, verbose=0) == dense.evaluate(DENSE, Y, 16, verbose=0)
    wanted = dense.predict(DENSE, 16, verbose=0)
    assert model.predict(data, 16, verbose=0).tobytes() == wanted.tobytes()
    assert model.predict(data, 16, steps=1, verbose=0).tobytes() == wanted[:16].tobytes()


@pytest.mark.parametrize("data", [MIXED, BOTH])
def test_single_batches(data: dict[str, Any]) -> None:
    dense, model = model_of(), model_of()
    for step in range(4):
        given = data if step % 2 else DENSE
        assert model.train_on_batch(given, Y) == dense.train_on_batch(DENSE, Y)
    assert snapshot(model) == snapshot(dense)
    assert model.test_on_batch(data, Y) == dense.test_on_batch(DENSE, Y)
    expected = dense.predict_on_batch(DENSE).tobytes()
    assert model.predict_on_batch(data).tobytes() == model(data).tobytes() == expected
    value, gradients = model.value_and_grad(data, Y)
    other, wanted = dense.value_and_grad(DENSE, Y)
    assert value == other
    assert [g.tobytes() for g in gradients] == [g.tobytes() for g in wanted]
    assert model(data, training=True).tobytes() == expected


def test_batches_of_a_generator() -> None:
    dense, model = model_of(), model_of()
    dense.fit((({n: a[i : i + 8] for n, a in DENSE.items()}, Y[i : i + 8]) for i in range(0, ROWS, 8)), verbose=0)
    csr = {name: sparse.csr_matrix(array) for name, array in DENSE.items()}
    model.fit((({n: a[i : i + 8] for n, a in csr.items()}, Y[i : i + 8]) for i in range(0, ROWS, 8)), verbose=0)
    assert snapshot(model) == snapshot(dense)


def test_a_sequential_model_predicts_a_sparse_batch() -> None:
    gs.utils.set_random_seed(0)
    model = gs.Sequential([gs.Input((WIDTH,), name="text"), layers.Dense(3, "relu"), layers.Dense(1)])
    expected = model.predict_on_batch(TEXT).tobytes()
    for given in (MIXED["text"], BOTH["text"], {"text": MIXED["text"]}):
        assert model.predict_on_batch(given).tobytes() == expected
    assert model(MIXED["text"]).tobytes() == expected
    with pytest.raises(ValueError, match=r"x has shape \(1, 4\); the model takes \(rows, 300\)"):
        model.predict_on_batch(sparse.csr_matrix(NUMBERS))


def test_several_outputs() -> None:
    models = []
    for data in (TEXT, MIXED["text"]):
        gs.utils.set_random_seed(2)
        x = gs.Input((WIDTH,))
        hidden = layers.Dense(6, "tanh")(x)
        models.append(gs.Model(x, [layers.Dense(1)(hidden), layers.Dense(2)(hidden)]))
        models[-1].compile("sgd", "mse")
        models[-1].fit(data, [Y.astype("float32"), NUMBERS[:, :2]], epochs=2, batch_size=16, verbose=0)
    assert snapshot(models[0]) == snapshot(models[1])


def test_what_is_refused() -> None:
    model = model_of(skips=True)
    before = snapshot(model)
    assert engine_of(model).takes_sparse == [True, False]
    model.evaluate(MIXED, Y, verbose=0)
    with pytest.raises(ValueError, match=r"x\['numbers'\] must be dense: .* Give x\['numbers'\].toarray\(\)"):
        model.fit(BOTH, Y, verbose=0)
    with pytest.raises(ValueError, match=r"x\['text'\] has shape \(40, 4\); the model takes \(rows, 300\)"):
        model.fit({"text": BOTH["numbers"], "numbers": NUMBERS}, Y, verbose=0)
    with pytest.raises(ValueError, match="same number of rows for each input"):
        model.predict({"text": MIXED["text"][:9], "numbers": NUMBERS}, verbose=0)
    whole = model_of()
    whole.compile("lbfgs", "sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match="x must be dense for"):
        whole.fit(MIXED, Y, verbose=0)
    assert snapshot(model) == before
