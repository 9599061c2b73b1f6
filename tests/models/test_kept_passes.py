"""`predict` and `value_and_grad` keep plans and memory for the next call, but nothing else of a call."""

from __future__ import annotations

import pickle
import threading

import gradstep as gs
import numpy as np
import pytest
from everything import data, everything
from training import classifier, clusters

X, Y = clusters(40)


def alone(model, x, **options):
    """What a copy gives that never predicted before."""
    return pickle.loads(pickle.dumps(model)).predict(x, verbose=0, **options)


def test_as_for_the_first_time():
    """Through batches of other sizes and types, and the model trained, frozen and given weights between them."""
    model = classifier(optimizer="adam")
    rows = [X[:1], X[5:6], X[:8], X[8:21], X[:8].astype(np.float64), np.abs(X[:8] * 9).astype(np.uint8), X[:0], X]
    for change in (
        lambda: None,
        lambda: model.fit(X, Y, verbose=0),
        lambda: setattr(model.layers[0], "trainable", False),
        lambda: model.set_weights([weight + 0.5 for weight in model.get_weights()]),
        lambda: model.compile("sgd", "mse"),
    ):
        change()
        for x in rows * 2:
            assert model.predict(x, verbose=0).tobytes() == alone(model, x).tobytes()
        assert model.predict(X, batch_size=16, verbose=0).tobytes() == alone(model, X, batch_size=16).tobytes()


def test_outputs_stay_as_they_were():
    model = classifier()
    outputs = [model.predict(X[i : i + 1], verbose=0) for i in range(20)]
    copies = [each.copy() for each in outputs]
    model.predict(X, verbose=0)
    for i, (one, copy) in enumerate(zip(outputs, copies, strict=True)):
        assert one.tobytes() == copy.tobytes() == alone(model, X[i : i + 1]).tobytes()


def bytes_of(found):
    value, gradients = found
    return np.float64(value).tobytes(), *(gradient.tobytes() for gradient in gradients)


def test_gradients_as_for_the_first_time():
    """Through batches of other sizes, weights and losses; earlier gradients stay as they were."""
    model, kept = classifier(optimizer="adam"), []
    weights = np.linspace(0.5, 2, 8)
    batches = [(X[:8], Y[:8]), (X[:8], Y[:8], weights), (X[:5], Y[:5]), (X[8:16].astype(np.float64), Y[8:16]), (X, Y)]
    for change in (
        lambda: None,
        lambda: model.fit(X, Y, verbose=0),
        lambda: (setattr(model.layers[0], "trainable", False), model.compile("sgd", model.loss)),
        lambda: model.compile("sgd", gs.losses.SparseCategoricalCrossentropy(ignore_class=0)),
        lambda: model.compile("sgd", gs.losses.SparseCategoricalCrossentropy(ignore_class=1)),
    ):
        change()
        for batch in batches * 2:
            found = model.value_and_grad(*batch)
            assert bytes_of(found) == bytes_of(pickle.loads(pickle.dumps(model)).value_and_grad(*batch))
            kept.append((found, bytes_of(found)))
    assert all(bytes_of(found) == known for found, known in kept)


@pytest.mark.parametrize("make", [classifier, lambda: everything(dropout=0.5)], ids=["classifier", "everything"])
def test_threads_at_once(make):
    model = make()
    x = X if model.input_shape[1:] == X.shape[1:] else data()[0][:40]
    expected = [alone(model, x[i : i + 1 + i % 3]).tobytes() for i in range(len(x) - 3)]
    found, start = {}, threading.Barrier(4)

    def work(number):
        start.wait()
        found[number] = [model.predict(x[i : i + 1 + i % 3], verbose=0).tobytes() for i in range(len(x) - 3)]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(found[number] == expected for number in range(4))


def test_a_layer_in_python_that_fails():
    class Picky(gs.layers.Layer):
        def forward(self, x, training=False):
            if (x > 5).any():
                raise ArithmeticError("too large")
            return x + 1

        def backward(self, dy):
            return dy

        def compute_output_shape(self, input_shape):
            return input_shape

    model = gs.Sequential([gs.Input((2,)), gs.layers.Dense(2), Picky()])
    model.set_weights([np.eye(2), np.zeros(2)])
    x = np.ones((3, 2), np.float32)
    for _ in range(2):
        assert (model.predict(x, verbose=0) == 2).all()
        with pytest.raises(ArithmeticError, match="too large"):
            model.predict(x * 6, verbose=0)
