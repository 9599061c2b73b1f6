"""Data from generators, sequences, sparse matrices and lists is trained on as the same data in arrays."""

from __future__ import annotations

import time

import gradstep as gs
import numpy as np
import pytest
from training import classifier, clusters, snapshot

X, Y = clusters(50)
WEIGHTS = np.random.default_rng(1).uniform(0.5, 2, 50)
BATCH = 16
SLICES = [slice(i, i + BATCH) for i in range(0, 50, BATCH)]


class Parts(gs.utils.PyDataset):
    """The rows in their order; keeps what it was asked for."""

    def __init__(self, weights=None, delay=0.0, **settings):
        super().__init__(**settings)
        self.weights, self.delay, self.asked, self.ends = weights, delay, [], 0

    def __len__(self):
        return len(SLICES)

    def __getitem__(self, index):
        time.sleep(self.delay * (index % 2))  # even ones are made sooner
        self.asked.append(index)
        rest = () if self.weights is None else (self.weights[SLICES[index]],)
        return X[SLICES[index]], Y[SLICES[index]], *rest

    def on_epoch_end(self):
        self.ends += 1


def generate(weights=None, epochs=1):
    for _ in range(epochs):
        yield from Parts(weights)


class Iterable:
    """As a loader of another library: can be gone over again and again, and knows no length."""

    def __iter__(self):
        return iter([[X[part], Y[part]] for part in SLICES])


def trained(*data, weights=None, metrics=("accuracy",), **options):
    model = classifier(optimizer=gs.optimizers.Adam(0.01))
    model.compile(model.optimizer, "sparse_categorical_crossentropy", metrics=list(metrics))
    options = {"verbose": 0, "shuffle": False, "epochs": 3} | options
    history = model.fit(*data, **options).history
    return model, history


def plain(**options):
    return trained(X, Y, batch_size=BATCH, **options)


SOURCES = {
    "sequence": lambda: Parts(),
    "threads": lambda: Parts(workers=3, delay=0.002, max_queue_size=2),
    "processes": lambda: Parts(workers=2, use_multiprocessing=True),
    "generator": lambda: generate(epochs=3),
    "iterable": Iterable,
    "list": lambda: ([X], [Y]),
}


@pytest.mark.parametrize("kind", SOURCES)
def test_as_arrays(kind):
    expected, curve = plain()
    source = SOURCES[kind]()
    options = {"steps_per_epoch": len(SLICES)} if kind == "generator" else {}
    model, history = trained(*source, batch_size=BATCH) if kind == "list" else trained(source, **options)
    # The engine's sums over an epoch are those of its batches' means.
    for name in curve:
        np.testing.assert_allclose(history[name], curve[name], rtol=1e-12)
    assert snapshot(model) == snapshot(expected)


def test_sparse_rows():
    sparse = pytest.importorskip("scipy.sparse")
    x = np.where(np.random.default_rng(0).random(X.shape) < 0.7, 0, X)
    options = {"batch_size": BATCH, "shuffle": True, "validation_split": 0.2, "sample_weight": WEIGHTS}
    found = []
    for given in (x, sparse.csr_matrix(x), sparse.coo_array(x)):
        gs.utils.set_random_seed(3)
        found.append(trained(given, Y, **options))
    (expected, curve), *others = found
    for model, history in others:
        for name in curve:
            np.testing.assert_allclose(history[name], curve[name], rtol=1e-12)
        assert snapshot(model) == snapshot(expected)
    for model, _ in others:
        matrix = sparse.csr_array(x)
        np.testing.assert_array_equal(model.predict(matrix, verbose=0), model.predict(x, verbose=0))
        np.testing.assert_allclose(model.evaluate(matrix, Y, verbose=0), model.evaluate(x, Y, verbose=0), rtol=1e-12)
        np.testing.assert_array_equal(model.value_and_grad(matrix, Y)[1][0], expected.value_and_grad(x, Y)[1][0])


@pytest.mark.parametrize("metrics", [["accuracy"], [gs.metrics.AUC(name="auc")], []])
def test_weights_from_batches(metrics):
    """Also of metrics that are fed from Python, which go on from batch to batch."""
    options = {"metrics": ["accuracy", *[gs.metrics.SparseTopKCategoricalAccuracy(2, name="top")]] if metrics else []}
    expected, curve = plain(sample_weight=WEIGHTS, **options)
    options = {"metrics": ["accuracy", *[gs.metrics.SparseTopKCategoricalAccuracy(2, name="top")]] if metrics else []}
    model, history = trained(Parts(WEIGHTS), **options)
    assert snapshot(model) == snapshot(expected)
    for name in curve:
        np.testing.assert_allclose(history[name], curve[name], rtol=1e-12)


def test_sequences_are_shuffled_and_told():
    parts = Parts()
    trained(parts, shuffle=True, epochs=6)
    assert parts.ends == 6
    epochs = np.array(parts.asked[1:]).reshape(6, len(SLICES))  # the first was looked at
    assert (np.sort(epochs) == np.arange(len(SLICES))).all()
    assert len({tuple(epoch) for epoch in epochs}) > 1


@pytest.mark.parametrize("source", [Parts, Iterable, lambda: (X, Y, WEIGHTS), lambda: generate(epochs=3)])
def test_validation(source):
    weighted = isinstance(source(), tuple)
    _, curve = plain(validation_data=(X, Y, WEIGHTS) if weighted else (X, Y))
    steps = len(SLICES) if not weighted else None
    _, history = plain(validation_data=source(), validation_steps=steps)
    for name in curve:
        np.testing.assert_allclose(history[name], curve[name], rtol=1e-12)


def test_scores_and_predictions():
    model, _ = plain()
    expected = model.evaluate(X, Y, batch_size=BATCH, verbose=0)
    for source in (Parts(), generate(), Iterable()):
        np.testing.assert_allclose(model.evaluate(source, verbose=0), expected, rtol=1e-12)
    outputs = model.predict(X, verbose=0)
    for source in (Parts(), generate(), Iterable(), (X[part] for part in SLICES)):
        np.testing.assert_array_equal(model.predict(source, verbose=0), outputs)
    np.testing.assert_array_equal(model.predict(generate(), steps=2, verbose=0), outputs[: 2 * BATCH])
    np.testing.assert_array_equal(model.predict(X, BATCH, steps=2, verbose=0), outputs[: 2 * BATCH])
    first = model.evaluate(X, Y, BATCH, steps=2, verbose=0)
    np.testing.assert_allclose(first, model.evaluate(X[: 2 * BATCH], Y[: 2 * BATCH], BATCH, verbose=0), rtol=1e-12)


def test_each_batch_is_made_when_it_is_needed():
    """What a generator gives may depend on the model as it then is."""
    seen = []
    model = classifier(optimizer="adam")

    def own():
        while True:
            seen.append(int(model.optimizer.iterations))
            yield X[:BATCH], Y[:BATCH]

    model.fit(own(), steps_per_epoch=3, epochs=2, verbose=0)
    assert seen == [0, 1, 2, 3, 4, 5]


def test_steps_of_an_epoch():
    """Epochs of 3 steps are parts of passes over 4 batches: 3, 1, 3, 1, as in Keras; also of a run that goes on."""
    gs.utils.set_random_seed(1)
    whole = classifier(optimizer="adam")
    sizes = []
    each = gs.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: sizes.append(int(whole.optimizer.iterations)))
    with pytest.warns(UserWarning, match="the data ran out after 1 of 3 batches"):
        whole.fit(X, Y, BATCH, epochs=4, steps_per_epoch=3, verbose=0, callbacks=[each])
    assert sizes == [3, 4, 7, 8]
    gs.utils.set_random_seed(1)
    part = classifier(optimizer="adam")
    part.fit(X, Y, BATCH, epochs=1, steps_per_epoch=3, verbose=0)
    with pytest.warns(UserWarning, match="ran out"):
        part.fit(X, Y, BATCH, epochs=4, initial_epoch=1, steps_per_epoch=3, verbose=0)
    assert snapshot(part) == snapshot(whole)


def test_two_parts_are_a_pass():
    expected, _ = trained(X[: 2 * BATCH], Y[: 2 * BATCH], batch_size=BATCH, epochs=2)
    model, history = trained(X[: 2 * BATCH], Y[: 2 * BATCH], batch_size=BATCH, epochs=4, steps_per_epoch=1)
    assert snapshot(model) == snapshot(expected)
    assert len(history["loss"]) == 4


def test_data_that_run_out():
    model = classifier(optimizer="adam")
    with pytest.warns(UserWarning, match="the data ran out before epoch 2 of 5"):
        history = model.fit(generate(), epochs=5, verbose=0)
    assert history.epoch == [0]
    with pytest.warns(UserWarning, match="after 1 of 3 batches"):
        model.fit(generate(epochs=1), epochs=2, steps_per_epoch=3, verbose=0)


def test_steps_are_known_after_the_first_epoch():
    seen = []
    each = gs.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: seen.append(each.params["steps"]))
    trained(Iterable(), callbacks=[each])
    assert seen == [None, len(SLICES), len(SLICES)]


def test_class_weight():
    table = {0: 0.5, 1: 3, 3: 2.0}
    weights = np.array([table.get(y, 1.0) for y in Y])
    expected, curve = plain(sample_weight=weights, validation_data=(X, Y))
    model, history = plain(class_weight=table, validation_data=(X, Y))
    assert snapshot(model) == snapshot(expected)
    assert history == curve
    assert snapshot(trained(Parts(), class_weight=table)[0]) == snapshot(expected)
    hot = [gs.Sequential([gs.Input((20,)), gs.layers.Dense(4, "softmax", kernel_initializer="ones")]) for _ in range(2)]
    for one in hot:
        one.compile("sgd", "categorical_crossentropy")
    assert hot[0].train_on_batch(X, np.eye(4)[Y], class_weight=table) == hot[1].train_on_batch(X, np.eye(4)[Y], weights)
    assert snapshot(hot[0]) == snapshot(hot[1])


@pytest.mark.parametrize(("frequency", "epochs"), [(2, [2, 4]), ([1, 4], [1, 4]), ({5}, [5]), (9, [])])
def test_validation_frequency(frequency, epochs):
    scored = []
    each = gs.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: scored.append("val_loss" in logs))
    _, history = plain(validation_split=0.2, validation_freq=frequency, epochs=5, callbacks=[each])
    assert [i + 1 for i, yes in enumerate(scored) if yes] == epochs
    assert len(history.get("val_loss", [])) == len(epochs)


def test_split_off_rows_keep_their_weights():
    """But are not weighed by class."""
    border = 40
    _, curve = plain(sample_weight=WEIGHTS, validation_split=0.2)
    options = {"sample_weight": WEIGHTS[:border], "validation_data": (X[border:], Y[border:], WEIGHTS[border:])}
    assert curve == trained(X[:border], Y[:border], batch_size=BATCH, **options)[1]
    _, weighed = plain(class_weight={0: 5.0}, validation_split=0.2, epochs=1)
    model, _ = trained(X[:border], Y[:border], class_weight={0: 5.0}, batch_size=BATCH, epochs=1)
    assert weighed["val_loss"][0] == model.evaluate(X[border:], Y[border:], BATCH, 0)[0]


def test_validation_batch_size():
    batches = []

    class Count(gs.callbacks.Callback):
        def on_test_batch_end(self, batch, logs=None):
            batches.append(batch)

    plain(validation_data=(X, Y), validation_batch_size=25, epochs=1, callbacks=[Count()])
    assert batches == [0, 1]


@pytest.mark.parametrize("workers", [1, 3])
def test_errors_in_a_source_come_through(workers):
    class Breaks(Parts):
        def __getitem__(self, index):
            if index == 2:
                raise RuntimeError("the disk is gone")
            return super().__getitem__(index)

    with pytest.raises(RuntimeError, match="the disk is gone"):
        trained(Breaks(workers=workers))


@pytest.mark.parametrize("sparse", [False, True])
def test_steps_without_a_batch_size_are_of_all_rows(sparse):
    """As in Keras: 7 steps of 50 rows are 8 rows each, and 2 in the last one."""
    x = pytest.importorskip("scipy.sparse").csr_matrix(X) if sparse else X
    options = {"shuffle": False, "epochs": 2}
    got = trained(x, Y, steps_per_epoch=7, validation_data=(X, Y), validation_steps=3, **options)
    expected = trained(X, Y, batch_size=8, validation_data=(X, Y), validation_batch_size=17, **options)
    assert got[1] == expected[1]
    assert snapshot(got[0]) == snapshot(expected[0])
    model = got[0]
    assert model.evaluate(x, Y, steps=7, verbose=0) == model.evaluate(X, Y, batch_size=8, verbose=0)
    assert len(model.predict(x, steps=7, verbose=0)) == 50
    assert len(model.predict(x, batch_size=8, steps=2, verbose=0)) == 16


@pytest.mark.parametrize("kind", ["generator", "iterable"])
def test_validation_data_that_run_out_give_no_numbers(kind):
    """A mean over no rows is no loss of 0, which would be the best there is."""
    x, y = clusters(40)

    class Once:
        def __init__(self):
            self.batches = iter([(x[:10], y[:10]), (x[10:20], y[10:20])])

        def __iter__(self):
            return self.batches

    given = iter([(x[:10], y[:10]), (x[10:20], y[10:20])]) if kind == "generator" else Once()
    with pytest.warns(UserWarning, match="validation data ran out before epoch 2 of 3"):
        history = classifier().fit(x, y, epochs=3, verbose=0, validation_data=given).history
    assert len(history["loss"]) == 3
    assert len(history["val_loss"]) == 1
    assert history["val_loss"][0] > 0


def test_training_data_that_give_nothing_in_a_later_epoch_end_it():
    x, y = clusters(40)

    class Once:
        def __init__(self):
            self.batches = iter([(x[:10], y[:10]), (x[10:20], y[10:20])])

        def __iter__(self):
            return self.batches

    model = classifier()
    with pytest.warns(UserWarning, match="the data gave no batch in epoch 2 of 3"):
        history = model.fit(Once(), epochs=3, verbose=0).history
    assert len(history["loss"]) == 1
    assert model.optimizer.iterations == 2
