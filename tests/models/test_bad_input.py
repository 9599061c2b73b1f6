"""Calls that must be refused: the message names the argument, its value and the rule, and nothing has changed."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from probe import arrays_known
from training import classifier, clusters, snapshot

X, Y = clusters(40)

# What is called on a trained classifier of 20 inputs and 4 classes, and what it must say.
CALLS = {
    "lengths": (lambda m: m.fit(X, Y[:39]), ValueError, "x and y must have the same number of rows; got 40 and 39"),
    "no rows": (lambda m: m.fit(X[:0], Y[:0]), ValueError, r"x must have at least one row; its shape is \(0, 20\)"),
    "features": (lambda m: m.fit(X[:, :19], Y), ValueError, r"x has shape \(40, 19\); the model takes \(rows, 20\)"),
    "x in 3-D": (
        lambda m: m.fit(X.reshape(40, 10, 2), Y),
        ValueError,
        r"x has shape \(40, 10, 2\); the model takes \(rows, 20\)",
    ),
    "one row of x": (
        lambda m: m.predict(X[0]),
        ValueError,
        r"x has shape \(20,\); the model takes \(rows, 20\)\. One row has an axis in front: x\[None\]",
    ),
    "x and y in one": (lambda m: m.fit((X, Y)), ValueError, r"a tuple of 2, arrays of shapes .*: fit\(x, y\)"),
    "pairs": (lambda m: m.fit(list(zip(X, Y, strict=True))), ValueError, "got a list of 40 pairs"),
    "rows as batches": (
        lambda m: m.fit(zip(X, Y, strict=True)),
        ValueError,
        r"batch 0: y must have rows; .* y\[None\]",
    ),
    "x a scalar": (lambda m: m.predict(3.0), ValueError, r"x has shape \(\); the model takes \(rows, 20\)"),
    "x of text": (lambda m: m.fit(X.astype(str), Y), TypeError, "x must be an array of real numbers; .*dtype <U"),
    "x of objects": (
        lambda m: m.fit(X.astype(object), Y),
        TypeError,
        "x must be an array of real numbers; .*dtype object",
    ),
    "x complex": (lambda m: m.fit(X + 0j, Y), TypeError, "x must be an array of real numbers; .*dtype complex64"),
    "x missing": (lambda m: m.fit(None, Y), TypeError, "x must be an array of real numbers; got None"),
    "x masked": (lambda m: m.fit(np.ma.masked_array(X), Y), TypeError, "x must be an array without a mask"),
    "x ragged": (lambda m: m.predict([[1.0], [1.0, 2.0]]), ValueError, "a list of 2 of lengths from 1 to 2.*pad_seq"),
    "y missing": (lambda m: m.fit(X, None), TypeError, "y must be an array of real numbers; got None"),
    "label too large": (
        lambda m: m.fit(X, np.where(np.arange(40) == 7, 4, Y)),
        ValueError,
        r"y\[7\] is 4; labels must be",
    ),
    "label negative": (lambda m: m.evaluate(X, Y - 4), ValueError, r"y\[0\] is -\d; labels must be in \[0, 4\)"),
    "label a fraction": (lambda m: m.fit(X, Y + 0.5), ValueError, r"y must hold whole class numbers; y\[0\] is \d\.5"),
    "label NaN": (
        lambda m: m.fit(X, np.where(Y[0] == Y, np.nan, Y)),
        ValueError,
        r"whole class numbers; y\[0\] is nan",
    ),
    "one-hot labels": (lambda m: m.fit(X, np.eye(4)[Y]), ValueError, "For one-hot rows use categorical_crossentropy"),
    "validation label": (
        lambda m: m.fit(X, Y, validation_data=(X, Y + 3)),
        ValueError,
        r"validation data: y\[\d\] is \d; labels must be in \[0, 4\)",
    ),
    "validation lengths": (
        lambda m: m.fit(X, Y, validation_data=(X, Y[1:])),
        ValueError,
        r"validation_data\[0\] and validation_data\[1\] must have the same number of rows; got 40 and 39",
    ),
    "validation a single array": (
        lambda m: m.fit(X, Y, validation_data=X),
        TypeError,
        r"must be \(x, y\) or \(x, y, s",
    ),
    "batch_size 0": (lambda m: m.fit(X, Y, batch_size=0), ValueError, "batch_size must be at least 1; got 0"),
    "batch_size -1": (lambda m: m.predict(X, batch_size=-1), ValueError, "batch_size must be at least 1; got -1"),
    "batch_size 32.0": (
        lambda m: m.fit(X, Y, batch_size=32.0),
        TypeError,
        r"batch_size must be a whole number \(int\); got 32.0",
    ),
    "batch_size True": (lambda m: m.fit(X, Y, batch_size=True), TypeError, "batch_size must be a whole number"),
    "batch_size a word": (
        lambda m: m.evaluate(X, Y, batch_size="all"),
        ValueError,
        "batch_size must be a whole number or \"full\"; got 'all'",
    ),
    "epochs -1": (lambda m: m.fit(X, Y, epochs=-1), ValueError, "epochs must be at least 0; got -1"),
    "epochs 1.5": (lambda m: m.fit(X, Y, epochs=1.5), TypeError, "epochs must be a whole number"),
    "initial_epoch": (lambda m: m.fit(X, Y, initial_epoch=-1), ValueError, "initial_epoch must be at least 0; got -1"),
    "verbose 3": (lambda m: m.fit(X, Y, verbose=3), ValueError, "verbose must be 'auto', 0, 1 or 2; got 3"),
    "verbose a word": (lambda m: m.fit(X, Y, verbose="loud"), ValueError, "verbose must be 'auto', 0, 1 or 2; got 'l"),
    "shuffle": (lambda m: m.fit(X, Y, shuffle="batch"), ValueError, "shuffle must be True, False or 'blocks'"),
    "validation_split 1": (
        lambda m: m.fit(X, Y, validation_split=1.0),
        ValueError,
        "validation_split must be at least 0 and below 1",
    ),
    "validation_split NaN": (lambda m: m.fit(X, Y, validation_split=np.nan), ValueError, "validation_split must be"),
    "validation_split of all": (
        lambda m: m.fit(X, Y, validation_split=0.99),
        ValueError,
        "must leave rows on both sides",
    ),
    "validation_split of batches": (
        lambda m: m.fit(iter([(X, Y)]), validation_split=0.5),
        ValueError,
        "validation_split must be 0 where x gives batches; got 0.5",
    ),
    "validation_data of one": (lambda m: m.fit(X, Y, validation_data=(X,)), TypeError, "validation_data must be"),
    "validation weights": (
        lambda m: m.fit(X, Y, validation_data=(X, Y, Y[1:])),
        ValueError,
        r"validation_data\[2\] must have a number for each of 40 rows; its shape is \(39,\)",
    ),
    "validation_freq 0": (lambda m: m.fit(X, Y, validation_freq=0), ValueError, "validation_freq must be at least 1"),
    "validation_freq 1.5": (lambda m: m.fit(X, Y, validation_freq=1.5), TypeError, "validation_freq must be a whole"),
    "validation_freq a word": (lambda m: m.fit(X, Y, validation_freq="all"), TypeError, "validation_freq must be a"),
    "validation_freq of words": (
        lambda m: m.fit(X, Y, validation_freq=["last"]),
        TypeError,
        "a number in validation_freq must be a whole number",
    ),
    "validation_steps 0": (lambda m: m.fit(X, Y, validation_steps=0), ValueError, "validation_steps must be at least"),
    "validation_steps a word": (lambda m: m.fit(X, Y, validation_steps="1"), TypeError, "validation_steps must be a"),
    "validation_batch_size 0": (
        lambda m: m.fit(X, Y, validation_batch_size=0),
        ValueError,
        "validation_batch_size must be at least 1; got 0",
    ),
    "steps_per_epoch 0": (lambda m: m.fit(X, Y, steps_per_epoch=0), ValueError, "steps_per_epoch must be at least 1"),
    "steps_per_epoch 2.5": (lambda m: m.fit(X, Y, steps_per_epoch=2.5), TypeError, "steps_per_epoch must be a whole"),
    "steps -1": (lambda m: m.evaluate(X, Y, steps=-1), ValueError, "steps must be at least 1; got -1"),
    "steps True": (lambda m: m.predict(X, steps=True), TypeError, "steps must be a whole number"),
    "class_weight a list": (
        lambda m: m.fit(X, Y, class_weight=[1, 2]),
        TypeError,
        r"class_weight must be a dict of class number to weight; got a list of 2\. dict\(enumerate",
    ),
    "class_weight balanced": (lambda m: m.fit(X, Y, class_weight="balanced"), TypeError, "numpy.bincount"),
    "class_weight of names": (lambda m: m.fit(X, Y, class_weight={"a": 1}), TypeError, "a class in class_weight must"),
    "class_weight a word": (
        lambda m: m.fit(X, Y, class_weight={0: "1"}),
        TypeError,
        r"class_weight\[0\] must be a real",
    ),
    "class_weight NaN": (
        lambda m: m.fit(X, Y, class_weight={1: np.nan}),
        ValueError,
        r"class_weight\[1\] must be finite; got nan",
    ),
    "both weights": (
        lambda m: m.fit(X, Y, class_weight={0: 1.0}, sample_weight=np.ones(40)),
        ValueError,
        "class_weight must be None where rows have sample weights",
    ),
    "sample_weight short": (
        lambda m: m.fit(X, Y, sample_weight=np.ones(39)),
        ValueError,
        r"sample_weight must have a number for each of 40 rows; its shape is \(39,\)",
    ),
    "sample_weight NaN": (
        lambda m: m.evaluate(X, Y, sample_weight=np.where(np.arange(40) == 3, np.nan, 1)),
        ValueError,
        r"sample_weight must be finite; sample_weight\[3\] is nan",
    ),
    "sample_weight of text": (lambda m: m.fit(X, Y, sample_weight=["1"] * 40), TypeError, "sample_weight must be an"),
    "y with batches": (
        lambda m: m.fit(iter([(X, Y)]), Y),
        ValueError,
        "y must be None where x gives batches: they hold it",
    ),
    "sample_weight with batches": (
        lambda m: m.fit(iter([(X, Y)]), sample_weight=np.ones(40)),
        ValueError,
        "sample_weight must be None where x gives batches",
    ),
    "batch_size with batches": (
        lambda m: m.evaluate(iter([(X, Y)]), batch_size=8),
        ValueError,
        "batch_size must be None where x gives batches; got 8",
    ),
    "no batch": (lambda m: m.fit(iter([])), ValueError, "x: it gives no batch"),
    "no batch to predict": (lambda m: m.predict(iter([])), ValueError, "x must give at least one batch"),
    "a batch of four": (
        lambda m: m.fit(iter([(X, Y, None, None)])),
        ValueError,
        r"x: batch 0: it must be x, \(x, y\) or \(x, y, sample_weight\); got a tuple of 4",
    ),
    "a batch without y": (lambda m: m.fit(iter([(X,)])), TypeError, "x: batch 0: y must be an array of real numbers"),
    "a batch's labels": (lambda m: m.fit(iter([(X, Y + 4)])), ValueError, r"y\[0\] is \d; labels must be in"),
    "callbacks": (lambda m: m.fit(X, Y, callbacks=["stop"]), TypeError, "callbacks"),
    "unknown argument": (lambda m: m.fit(X, Y, batchsize=3), TypeError, "batchsize"),
    "learning rate NaN": (lambda m: setattr(m.optimizer, "learning_rate", np.nan), ValueError, "learning_rate must be"),
    "metric": (
        lambda m: m.compile("adam", "mse", metric=["accuracy"]),
        TypeError,
        r"no argument 'metric'\. Did you mean 'metrics'",
    ),
    "compile other": (
        lambda m: m.compile("adam", "mse", jit=True),
        TypeError,
        r"'jit'\. Did you mean 'jit_compile'",
    ),
    "metrics a word": (
        lambda m: m.compile("adam", "mse", metrics="accuracy"),
        TypeError,
        "metrics must be a list of names",
    ),
    "metrics unknown": (
        lambda m: m.compile("adam", "mse", metrics=["acuracy"]),
        ValueError,
        "got 'acuracy'. Did you mean 'accuracy'",
    ),
    "metrics of other targets": (
        lambda m: m.compile("adam", "mse", metrics=["sparse_categorical_accuracy"]),
        ValueError,
        "takes class numbers, mean_squared_error takes rows of numbers",
    ),
    "metrics twice": (lambda m: m.compile("adam", "mse", metrics=["mae", "mae"]), ValueError, "metrics must differ"),
    "metrics without loss": (lambda m: m.compile("adam", metrics=["mae"]), ValueError, "metrics need a loss"),
    "optimizer unknown": (lambda m: m.compile("adm", "mse"), ValueError, "optimizer must be one of .*; got 'adm'"),
    "loss unknown": (lambda m: m.compile("adam", "mze"), ValueError, "loss must be one of .*; got 'mze'"),
    "weights": (lambda m: m.set_weights(m.get_weights()[:-1]), ValueError, "weights must hold 4 arrays"),
    "weights' shape": (
        lambda m: m.set_weights([np.zeros_like(w) for w in m.weights[:-1]] + [np.zeros((4, 1))]),
        ValueError,
        r"weights\[3\] has shape \(4, 1\); the weight has shape \(4,\)",
    ),
    "no layer": (lambda m: m.add("dense"), TypeError, "layer 2 must be a Layer; got a str"),
    "layer twice": (lambda m: m.add(m.layers[0]), ValueError, "layers must have different names"),
    "layer of the same name": (
        lambda m: m.add(gs.layers.Dense(2, name=m.layers[0].name)),
        ValueError,
        "layers must have different names",
    ),
    "layer of another dtype": (lambda m: m.add(gs.layers.Dense(2, dtype="float64")), ValueError, "must have one dtype"),
    "layer that does not fit": (
        lambda m: m.add(gs.layers.Dense(2, input_shape=(5,))),
        ValueError,
        r"input_shape has rows of shape \(4,\); layer .* was declared with \(5,\)",
    ),
    "input at the end": (lambda m: m.add(gs.Input((4,))), ValueError, "Input must come before all layers"),
    "another shape": (
        lambda m: m.build((None, 7)),
        ValueError,
        r"input_shape has rows of shape \(7,\); .* has \(20,\)",
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_refused_and_unchanged(name):
    call, error, message = CALLS[name]
    model = classifier()
    model.fit(X, Y, epochs=2, verbose=0)
    history, layers, optimizer = model.history, model.layers, model.optimizer
    before = snapshot(model)
    with pytest.raises(error, match=message):
        call(model)
    assert snapshot(model) == before
    assert model.optimizer is optimizer
    assert model.layers == layers
    assert model.history is history
    model.fit(X, Y, verbose=0)
    assert optimizer.iterations == 6


@pytest.mark.parametrize("name", ["label too large", "batch_size 0", "validation label", "lengths"])
def test_refused_before_the_first_step(name):
    """A first fit that fails leaves the optimizer as new."""
    call, error, _ = CALLS[name]
    model = classifier()
    weights = model.get_weights()
    with pytest.raises(error):
        call(model)
    assert model.optimizer.iterations == 0
    assert arrays_known(model.optimizer) == 0
    for now, then in zip(model.weights, weights, strict=True):
        np.testing.assert_array_equal(now, then)
    model.fit(X, Y, verbose=0)
    assert arrays_known(model.optimizer) == 4


def regressor(outputs=1, loss="mse"):
    model = gs.Sequential([gs.Input((20,)), gs.layers.Dense(outputs)])
    model.compile("sgd", loss)
    return model


def test_columns_and_vectors_of_targets():
    """With one output y (n,) stands for (n, 1): never for (n, n)."""
    y = X[:, 0]
    vector, column = regressor(), regressor()
    column.set_weights(vector.get_weights())
    gs.utils.set_random_seed(0)
    a = vector.fit(X, y, verbose=0).history
    gs.utils.set_random_seed(0)
    assert column.fit(X, y[:, None], verbose=0).history == a
    for wrong in (np.zeros((40, 2)), np.zeros((40, 1, 1)), np.zeros((40, 0))):
        with pytest.raises(ValueError, match=r"y has shape .*; the model's outputs have shape \(rows, 1\)"):
            vector.fit(X, wrong, verbose=0)
    with pytest.raises(ValueError, match=r"y has shape \(40,\); the model's outputs have shape \(rows, 3\)\.$"):
        regressor(3).fit(X, y, verbose=0)
    for y in (Y, Y[:, None]):
        with pytest.raises(ValueError, match=r"use sparse_categorical_crossentropy, or gradstep.utils.to_categorical"):
            regressor(4, "categorical_crossentropy").fit(X, y, verbose=0)


def test_models_that_are_not_ready():
    with pytest.raises(ValueError, match=r"the model has no loss: call compile\(optimizer=..., loss=...\) first"):
        gs.Sequential([gs.layers.Dense(1)]).fit(X, Y)
    with pytest.raises(ValueError, match="must have a layer; it has none"):
        gs.Sequential().predict(X)
    with pytest.raises(
        ValueError, match=r"must have shape \(rows, numbers a row\); its shape is \(40,\).*reshape\(-1, 1\)"
    ):
        gs.Sequential([gs.layers.Dense(1)]).predict(X[:, 0])
    for use in (
        lambda m: m.count_params(),
        lambda m: m.output_shape,
        lambda m: m.set_weights([]),
    ):
        with pytest.raises(ValueError, match=r"is not built: begin it with Input\(shape\), or give it data"):
            use(gs.Sequential([gs.layers.Dense(1)]))
    with pytest.raises(ValueError, match="does not know its input"):
        gs.Sequential([gs.layers.Dense(1)]).build()
    with pytest.raises(ValueError, match="has no layer to pop"):
        gs.Sequential().pop()
    with pytest.raises(TypeError, match="layers must be a list of layers; got a Dense"):
        gs.Sequential(gs.layers.Dense(1))


@pytest.mark.parametrize(("row", "given"), [((4, 4, 1), (4, 4)), ((1,), ()), ((4, 4), (4, 4, 1)), ((5,), (5, 1))])
def test_a_last_axis_of_size_1_may_be_missing_or_too_many(row, given):
    """As in Keras: images (rows, 28, 28) for an input (28, 28, 1)."""
    x = np.random.default_rng(0).normal(size=(6, *given)).astype(np.float32)
    model = gs.Sequential([gs.Input(row), gs.layers.Flatten(), gs.layers.Dense(1)])
    model.compile("sgd", "mse")
    expected = model.predict(x.reshape(6, *row), verbose=0)
    assert np.array_equal(model.predict(x, verbose=0), expected)
    assert np.array_equal(model(x[::-1]), expected[::-1])
    if x.ndim > 1:
        assert np.array_equal(model.predict(np.asfortranarray(x), verbose=0), expected)
    model.fit(x, np.ones(6), verbose=0)
    wrong = np.ones((6, *row[:-1], 2)) if row[-1] == 1 else np.ones((6, *row, 2))
    with pytest.raises(ValueError, match="x has shape"):
        model.predict(wrong, verbose=0)
