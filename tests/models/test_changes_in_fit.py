"""What callbacks and other threads change while a model is trained: it counts from the next epoch, or batch, on as it
would between two fits, or is refused; and nothing that training uses is freed, or read out of bounds."""

from __future__ import annotations

import threading

import gradstep as gs
import numpy as np
import pytest
from model_kinds import KINDS, compiled, data
from training import classifier, clusters, snapshot

HOOKS = ["on_epoch_begin", "on_epoch_end", "on_train_batch_end"]


class At(gs.callbacks.Callback):
    """Does something once: when epoch 2 begins, or epoch 1 ends, or in the midst of epoch 1; then takes memory."""

    def __init__(self, hook, do):
        super().__init__()
        self.hook, self.do, self.epoch = hook, do, 0

    def _done(self):
        self.hook = ""
        self.do(self.model)
        self.junk = [bytes([255]) * n for n in range(16, 2000, 16) for _ in range(20)]

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch
        if self.hook == "on_epoch_begin" and epoch == 2:
            self._done()

    def on_epoch_end(self, epoch, logs=None):
        if self.hook == "on_epoch_end" and epoch == 1:
            self._done()

    def on_train_batch_end(self, batch, logs=None):
        if self.hook == "on_train_batch_end" and self.epoch == 1 and batch == 1:
            self._done()


def fitted(model, x, y, **options):
    gs.utils.set_random_seed(5)
    return model.fit(x, y, batch_size=16, verbose=0, **options).history


def two_fits(model, x, y, do, **options):
    gs.utils.set_random_seed(5)
    first = model.fit(x, y, batch_size=16, verbose=0, epochs=2, **options).history
    do(model)
    second = model.fit(x, y, batch_size=16, verbose=0, initial_epoch=2, epochs=4, **options).history
    return first, second


def recompile(model):
    model.compile("sgd", "mae")


def other_optimizer(model):
    model.optimizer = gs.optimizers.Lion(1e-3)


def frozen(model):
    model.layers[-1].trainable = False
    model.compile(gs.optimizers.SGD(0.01, momentum=0.9), "mse")


def wrapped(model):
    model.optimizer = gs.optimizers.Lookahead(gs.optimizers.SGD(0.1))


def new_weights(model):
    model.set_weights([0.5 * weight for weight in model.get_weights()])


CHANGES = [recompile, other_optimizer, frozen, wrapped, new_weights]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("hook", ["on_epoch_begin", "on_epoch_end"])
@pytest.mark.parametrize("kind", KINDS)
def test_as_between_two_fits(kind, hook, change):
    x, y = data(kind)
    model, other = compiled(kind, metrics=[]), compiled(kind, metrics=[])
    found = fitted(model, x, y, epochs=4, callbacks=[At(hook, change)])
    first, second = two_fits(other, x, y, change)
    assert found["loss"] == first["loss"] + second["loss"]
    assert snapshot(model) == snapshot(other)


@pytest.mark.parametrize("change", [recompile, other_optimizer, wrapped])
@pytest.mark.parametrize("kind", KINDS)
def test_in_an_epoch_counts_from_the_next(kind, change):
    x, y = data(kind)
    model, other = compiled(kind, metrics=[]), compiled(kind, metrics=[])
    found = fitted(model, x, y, epochs=4, validation_data=(x, y), callbacks=[At("on_train_batch_end", change)])
    first, second = two_fits(other, x, y, change)
    assert found["loss"] == first["loss"] + second["loss"]
    assert snapshot(model) == snapshot(other)


@pytest.mark.parametrize("optimizer", [None, gs.optimizers.Lookahead])
@pytest.mark.parametrize("kind", ["chain", "several"])
def test_which_weights_are_trained_changes_in_an_epoch(kind, optimizer):
    """A model finishes the epoch as it was compiled."""
    x, y = data(kind)
    model = compiled(kind, metrics=[])
    if optimizer is not None:
        model.optimizer = optimizer(gs.optimizers.SGD(0.1))
    after = []

    class Keep(gs.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            after.append(self.model.layers[-1].get_weights())

    fitted(model, x, y, epochs=3, callbacks=[At("on_train_batch_end", frozen), Keep()])
    assert not np.array_equal(after[1][0], after[0][0])
    assert all(np.array_equal(a, b) for a, b in zip(after[1], after[2], strict=True))


@pytest.mark.parametrize("hook", HOOKS)
def test_metrics_and_losses_of_other_kinds(hook):
    """Targets are taken as the new loss takes them."""
    x, labels = clusters(64)

    def regression(model):
        model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])

    model = classifier()
    model.compile("adam", gs.losses.CategoricalGeneralizedCrossEntropy())
    found = fitted(model, x, labels, epochs=4, validation_split=0.25, callbacks=[At(hook, regression)])
    assert len(found["loss"]) == 4
    assert len(found["accuracy"]) >= 2


@pytest.mark.parametrize("hook", HOOKS)
def test_data_in_batches(hook):
    x, y = data("chain")

    class Batches:
        def __iter__(self):
            return iter([(x[i : i + 16], y[i : i + 16]) for i in range(0, 64, 16)])

    batches = Batches()
    model, other = compiled("chain", metrics=[]), compiled("chain", metrics=[])
    options = {"epochs": 4, "verbose": 0, "callbacks": [At(hook, recompile)]}
    gs.utils.set_random_seed(5)
    if hook == "on_train_batch_end":
        with pytest.raises(RuntimeError, match="when an epoch begins or ends"):
            model.fit(batches, **options)
        return
    model.fit(batches, **options)
    gs.utils.set_random_seed(5)
    other.fit(batches, epochs=2, verbose=0)
    recompile(other)
    other.fit(batches, initial_epoch=2, epochs=4, verbose=0)
    assert snapshot(model) == snapshot(other)


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("kind", ["chain", "several"])
def test_restore(tmp_path, kind, seed, hook):
    """Of a model that draws from the same numbers as this one, or from others."""
    x, y = data(kind)
    saved, model, other = compiled(kind), compiled(kind, seed=seed), compiled(kind, seed=seed)
    saved.fit(x, y, batch_size=16, verbose=0)
    gs.saving.Checkpoint(saved).save(tmp_path / "run")

    def restore(model):
        gs.saving.Checkpoint(model).restore(tmp_path / "run")

    callbacks = [At(hook, restore)]
    if hook == "on_train_batch_end":
        if kind == "chain" and seed == 2:
            with pytest.raises(RuntimeError, match="when an epoch begins or ends"):
                fitted(model, x, y, epochs=4, callbacks=callbacks)
        else:
            fitted(model, x, y, epochs=4, callbacks=callbacks)
        return
    found = fitted(model, x, y, epochs=4, callbacks=callbacks)
    first, second = two_fits(other, x, y, restore)
    assert found["loss"] == first["loss"] + second["loss"]
    assert snapshot(model) == snapshot(other)


def test_weights_of_a_file(tmp_path):
    x, y = data("chain")
    model, other = compiled("chain"), compiled("chain")
    compiled("chain", seed=9).save_weights(tmp_path / "w.safetensors")
    load = lambda model: model.load_weights(tmp_path / "w.safetensors")  # noqa: E731
    found = fitted(model, x, y, epochs=4, callbacks=[At("on_epoch_end", load)])
    first, second = two_fits(other, x, y, load)
    assert found["loss"] == first["loss"] + second["loss"]


@pytest.mark.parametrize("hook", HOOKS)
def test_layers_stay(hook):
    x, y = data("chain")
    model, other = compiled("chain"), compiled("chain")

    def change(model):
        for call in (model.pop, lambda: model.add(gs.layers.Dense(1))):
            with pytest.raises(RuntimeError, match="fit"):
                call()

    fitted(model, x, y, epochs=4, callbacks=[At(hook, change)])
    fitted(other, x, y, epochs=4)
    assert snapshot(model) == snapshot(other)
    model.pop()


@pytest.mark.parametrize("call", ["evaluate", "predict"])
def test_layers_that_change_while_it_is_asked(call):
    """The call ends with the model as it began."""
    x, y = data("chain")
    model = compiled("chain")
    right = getattr(model, call)(*((x, y) if call == "evaluate" else (x,)), batch_size=16, verbose=0)

    class Pop(gs.callbacks.Callback):
        def on_test_batch_end(self, batch, logs=None):
            if len(model.layers) == 4:
                model.pop()

        on_predict_batch_end = on_test_batch_end

    arguments = (x, y) if call == "evaluate" else (x,)
    found = getattr(model, call)(*arguments, batch_size=16, verbose=0, callbacks=[Pop()])
    assert len(model.layers) == 3
    assert np.array_equal(found, right)


@pytest.mark.parametrize("kind", KINDS)
def test_from_another_thread(kind):
    """Compiling, other weights and optimizers, again and again: training goes on or says why not."""
    x, y = data(kind)
    model = compiled(kind, metrics=[])
    over = threading.Event()
    unexpected = []

    def change():
        try:
            for i in range(10_000):
                if over.is_set():
                    return
                [recompile, other_optimizer, wrapped, new_weights][i % 4](model)
                model.predict(x, verbose=0)
        except BaseException as error:
            unexpected.append(error)

    thread = threading.Thread(target=change)
    thread.start()
    try:
        model.fit(x, y, batch_size=8, epochs=10, verbose=0)
    finally:
        over.set()
        thread.join(60)
    assert not unexpected
    assert all(np.isfinite(weight).all() for weight in model.weights)


def test_a_new_optimizer_after_fit():
    x, y = data("chain")
    model = compiled("chain")
    model.fit(x, y, verbose=0)
    model.optimizer = gs.optimizers.SGD()
    model.fit(x, y, verbose=0)
    assert model.optimizer.iterations == 2
    model.optimizer = "adam"
    model.train_on_batch(x, y)
    assert model.optimizer.iterations == 1
    with pytest.raises(ValueError, match="adamm"):
        model.optimizer = "adamm"
    assert model.optimizer.iterations == 1


def test_a_bound_optimizer_that_forgot():
    params = [np.zeros(3), np.zeros(2)]
    optimizer = gs.optimizers.Adam()
    bound = optimizer.bind(params)
    bound.step([np.ones(3), np.ones(2)])
    optimizer._forget(1)
    optimizer.step(np.zeros(2), np.ones(2))  # takes the place of the second
    with pytest.raises(RuntimeError, match="does not know"):
        bound.step([np.ones(3), np.ones(2)])


# -- data that change --------------------------------------------------------------------------------------------------

LABEL_LOSSES = ["sparse_categorical_crossentropy", "categorical_generalized_cross_entropy"]


@pytest.mark.parametrize("loss", LABEL_LOSSES)
@pytest.mark.parametrize("label", [-1, 4, 10**9, -(2**62)])
@pytest.mark.parametrize("shuffle", [False, True])
def test_labels_that_become_none(loss, label, shuffle):
    x, labels = clusters(64)
    labels = labels.astype(np.int64)
    model = classifier()
    model.compile("adam", loss, metrics=["accuracy"])
    seen = []

    class Spoil(gs.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            labels[:] = label
            seen.append(snapshot(self.model))

    with pytest.raises(ValueError, match=rf"y\[\d+\] is {label}; labels must be in \[0, 4\)"):
        model.fit(x, labels, batch_size=16, verbose=0, shuffle=shuffle, callbacks=[Spoil()])
    assert seen == [snapshot(model)]


def test_labels_that_another_thread_writes():
    x, labels = clusters(256)
    labels = labels.astype(np.int64)
    good = labels.copy()
    model = classifier()
    model.compile("adam", "categorical_generalized_cross_entropy", metrics=["accuracy"])
    over, messages = threading.Event(), set()

    def scribble():
        while not over.is_set():
            labels[:] = 2**40
            labels[:] = good

    thread = threading.Thread(target=scribble)
    thread.start()
    try:
        for _ in range(30):
            for call in (model.fit, model.evaluate, model.value_and_grad, model.test_on_batch):
                options = {"verbose": 0} if call in (model.fit, model.evaluate) else {}
                try:
                    call(x, labels, **options)
                except ValueError as error:
                    messages.add(str(error).partition("; ")[2])
    finally:
        over.set()
        thread.join(60)
    assert messages <= {"labels must be in [0, 4), one for each output."}
    assert all(np.isfinite(weight).all() for weight in model.weights)


def test_ignored_labels_still_are():
    x, labels = clusters(64)
    labels = labels.astype(np.int64)
    labels[::3] = -1
    model = classifier()
    model.compile("adam", gs.losses.SparseCategoricalCrossentropy(ignore_class=-1), metrics=["accuracy"])
    model.fit(x, labels, verbose=0)


@pytest.mark.parametrize("name", ["x", "y", "sample_weight"])
def test_memory_that_is_in_use_stays(name):
    """NumPy refuses to move it, as long as training reads it."""
    x, y = data("chain")
    arrays = {"x": x, "y": y, "sample_weight": np.ones(64)}
    model = compiled("chain", metrics=[])

    class Resize(gs.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            with pytest.raises(ValueError, match="resize"):
                arrays[name].resize(10**6, refcheck=False)

    # `out` of no other array: one that owns its memory.
    for key, array in arrays.items():
        arrays[key] = np.array(array)
    model.fit(**arrays, verbose=0, callbacks=[Resize()])
    del model
    arrays[name].resize(10**6, refcheck=False)
