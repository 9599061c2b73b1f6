"""Single batches take the run that the last one had: with its plans, but nothing else of it."""

from __future__ import annotations

import gc
import weakref

import gradstep as gs
import numpy as np
import pytest
from probe import forget_runs, runs_kept
from training import classifier, clusters, snapshot

X, Y = clusters(24)


def pair():
    """Two models alike, of which the second makes a run for each batch."""
    models = []
    for _ in range(2):
        gs.utils.set_random_seed(4)
        models.append(classifier(optimizer="adam"))
    return models


def anew(model, *batch, **options):
    forget_runs(model)
    return model.train_on_batch(*batch, **options)


def test_as_new_runs():
    """Through batches of other sizes and types, with weights and without, and the model trained between them."""
    kept, new = pair()
    weights = np.linspace(0.5, 2, 8)
    batches = [
        (X[:8], Y[:8]),
        (X[8:16], Y[8:16]),
        (X[8:16].astype(np.float64), Y[8:16]),
        (X[:8], Y[:8], weights),
        (X[:8], Y[:8], weights[::-1]),
        (X[:8], Y[:8]),
        (np.abs(X[:8] * 9).astype(np.uint8), Y[:8]),
        (X[:5], Y[:5]),
        (X[16:], Y[16:]),
    ]
    for batch in batches:
        assert kept.train_on_batch(*batch) == anew(new, *batch)
        assert kept.test_on_batch(*batch) == new.test_on_batch(*batch)
    for model in (kept, new):
        model.fit(X, Y, verbose=0, shuffle=False)
        model.optimizer.learning_rate = 0.1
    assert kept.train_on_batch(X[:8], Y[:8]) == anew(new, X[:8], Y[:8])
    assert snapshot(kept) == snapshot(new)


def test_an_optimizer_that_steps_other_arrays_too():
    kept, new = pair()
    for model in (kept, new):
        model.train_on_batch(X[:8], Y[:8])
    alive = []  # an array in the place of one that is gone would be refused
    for size in range(200):  # more than an optimizer has room for without moving what it knows
        for model in (kept, new):
            alive.append(np.ones(size + 1, np.float32))
            model.optimizer.step(alive[-1], np.ones(size + 1, np.float32))
    assert kept.train_on_batch(X[:8], Y[:8]) == anew(new, X[:8], Y[:8])
    assert snapshot(kept)[: 4 * kept.count_params()] == snapshot(new)[: 4 * new.count_params()]


def test_what_ends_it():
    model = classifier(optimizer="adam")
    model.train_on_batch(X[:8], Y[:8])
    (run,) = runs_kept(model)
    model.train_on_batch(X[8:16], Y[8:16])
    assert runs_kept(model)[0] is run
    model.compile("sgd", "sparse_categorical_crossentropy")
    assert not runs_kept(model)
    model.train_on_batch(X[:8], Y[:8])
    assert runs_kept(model)[0] is not run


def test_data_are_let_go():
    model = classifier(optimizer="adam")
    x = X[:8].copy()
    model.train_on_batch(x, Y[:8])
    gone = weakref.ref(x)
    del x
    gc.collect()
    assert gone() is None


def test_batches_of_a_generator_are_let_go():
    model, gone = classifier(optimizer="adam"), []

    def batches():
        for _ in range(3):
            x = X[:8].copy()
            gone.append(weakref.ref(x))
            yield x, Y[:8]

    model.fit(batches(), verbose=0)
    gc.collect()
    assert [x() for x in gone] == [None] * 3


def test_bad_data_leave_the_run_as_it_was():
    kept, new = pair()
    for model in (kept, new):
        model.train_on_batch(X[:8], Y[:8])
    with pytest.raises(ValueError, match=r"y\[2\] is 4; labels must be in \[0, 4\)"):
        kept.train_on_batch(X[:8], np.where(np.arange(8) == 2, 4, 0))
    assert kept.train_on_batch(X[:8], Y[:8]) == anew(new, X[:8], Y[:8])


def test_batches_after_one_that_could_be_read_as_it_is():
    """What is wrong with them is found all the same, and what has to be copied is copied."""
    kept, new = pair()
    for model in (kept, new):
        model.train_on_batch(X[:8], Y[:8])
    wrong = [
        (X[:8], Y[:7]),
        (X[:0], Y[:0]),
        (X[:8, :1], Y[:8]),
        (X[:8], Y[:8, None, None]),
        (X[:8], np.where(np.arange(8) == 3, 99, Y[:8])),
        (X[0], Y[0]),
    ]
    for x, y in wrong:
        with pytest.raises(ValueError):
            kept.train_on_batch(x, y)
    twice = np.repeat(X, 2, axis=1)[:8, ::2]
    assert not twice.flags.c_contiguous
    assert kept.train_on_batch(twice, Y[:8]) == anew(new, X[:8], Y[:8])
    assert kept.train_on_batch(X[:8], Y[:16:2]) == anew(new, X[:8], Y[:16:2])
    for model in (kept, new):
        model.compile("sgd", "categorical_crossentropy")
    with pytest.raises(ValueError, match="sparse_categorical_crossentropy"):
        kept.train_on_batch(X[:8], Y[:8])
    assert snapshot(kept) == snapshot(new)
