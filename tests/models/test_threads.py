"""Models between threads: each call gets its own rows, beside training whole steps, and nobody waits for ever."""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import gradstep as gs
import numpy as np
import pytest
from children import said
from model_kinds import INPUTS, KINDS, LargestError, compiled, data, squared
from training import snapshot

THREADS = 4
X = np.random.default_rng(0).normal(size=(THREADS, 16, INPUTS)).astype(np.float32)
Y = np.random.default_rng(1).normal(size=(THREADS, 16, 1)).astype(np.float32)

CALLS = {
    "predict": lambda model, x, y: model.predict(x, verbose=0, batch_size=8),
    "predict_on_batch": lambda model, x, y: model.predict_on_batch(x),
    "call": lambda model, x, y: model(x),
    "evaluate": lambda model, x, y: model.evaluate(x, y, verbose=0, batch_size=8),
    "evaluate batches": lambda model, x, y: model.evaluate(iter([(x[:8], y[:8]), (x[8:], y[8:])]), verbose=0),
    "test_on_batch": lambda model, x, y: model.test_on_batch(x, y),
    "value_and_grad": lambda model, x, y: model.value_and_grad(x, y),
}


@pytest.fixture(autouse=True)
def quick_switches():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def parts(found):
    """What a call gave as bytes."""
    return b"".join(parts(one) for one in found) if isinstance(found, (list, tuple)) else np.asarray(found).tobytes()


def foreign(call, times):
    """How many calls, from several threads at once, gave something else than alone."""
    right = [parts(call(i)) for i in range(THREADS)]
    start = threading.Barrier(THREADS)

    def work(i):
        start.wait()
        return sum(parts(call(i)) != right[i] for _ in range(times))

    with ThreadPoolExecutor(THREADS) as pool:
        return sum(pool.map(work, range(THREADS)))


def asked(kind, name, model, times):
    ys = [[y, -y] if kind == "several" else y for y in Y]
    if name == "evaluate batches" and kind == "several":
        pairs = lambda i: iter([(X[i][:8], [y[:8] for y in ys[i]]), (X[i][8:], [y[8:] for y in ys[i]])])  # noqa: E731
        return foreign(lambda i: model.evaluate(pairs(i), verbose=0), times)
    return foreign(lambda i: CALLS[name](model, X[i], ys[i]), times)


# Layers that draw, or move their averages, give other gradients in each call.
CASES = [(k, n) for k in KINDS for n in CALLS if n != "value_and_grad" or k in ("shared", "nested", "several")]


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_own_rows(kind, name):
    model = compiled(kind, metrics=["mae", LargestError()])
    assert asked(kind, name, model, 12) == 0


@pytest.mark.parametrize("kind", ["chain", "own"])
@pytest.mark.parametrize("name", ["evaluate", "test_on_batch"])
def test_own_rows_of_a_loss_in_python(kind, name):
    assert asked(kind, name, compiled(kind, loss=squared), 12) == 0


@pytest.mark.parametrize("make", [lambda: gs.layers.Dense(3), lambda: gs.layers.BatchNormalization()])
def test_own_rows_of_a_layer(make):
    layer = make()
    layer(X[0], training=True)
    assert foreign(lambda i: layer(X[i]), 30) == 0


def test_first_call_builds_once():
    for _ in range(20):
        model = gs.Sequential([gs.layers.Dense(4), gs.layers.Dense(1)])
        start = threading.Barrier(THREADS)

        def first(i, model=model, start=start):
            start.wait()
            return model.predict(X[0], verbose=0)

        with ThreadPoolExecutor(THREADS) as pool:
            found = [parts(one) for one in pool.map(first, range(THREADS))]
        assert set(found) == {parts(model.predict(X[0], verbose=0))}


@pytest.mark.acceptance
@pytest.mark.parametrize("kind", KINDS)
def test_own_rows_of_many_calls(kind):
    model = compiled(kind)
    for name in ("predict", "predict_on_batch", "call"):
        assert asked(kind, name, model, 200) == 0


# -- beside fit --------------------------------------------------------------------------------------------------------


class Even(gs.layers.Layer):
    """A dense layer without bias, in NumPy."""

    def build(self, input_shape):
        self.w = self.add_weight((input_shape[-1], 1), "zeros", name="w")

    def forward(self, x, training=False):
        self.x = x
        return x @ self.w

    def backward(self, dy):
        return dy @ self.w.T, [self.x.T @ dy]


def even(kind, n):
    """A model all of whose weights are equal, in training on rows of ones, after each step."""
    x = gs.Input((n,))
    if kind == "own":
        return gs.Sequential([x, Even()])
    dense = [gs.layers.Dense(1, use_bias=False, kernel_initializer="zeros") for _ in range(2)]
    if kind == "chain":
        return gs.Sequential([x, dense[0]])
    if kind == "branches":
        return gs.Model(x, gs.layers.Add()([dense[0](x), dense[1](x)]))
    return gs.Model(x, [dense[0](x), dense[1](x)])


@pytest.mark.parametrize("kind", ["chain", "branches", "own", "several"])
def test_whole_steps(kind):
    """Rows that ask for the first weight and for the last one get equal outputs, in one call, and so do all outputs."""
    n = 60_000
    model = even(kind, n)
    model.compile(gs.optimizers.SGD(1e-6), "mse")
    x = np.ones((16, n), np.float32)
    y = np.full((16, 1), 1e3, np.float32)
    rows = np.zeros((2, n), np.float32)
    rows[0, 0] = rows[1, -1] = 1
    over = threading.Event()
    failed = []

    def train():
        try:
            while not over.is_set():
                model.fit(x, [y, y] if kind == "several" else y, batch_size=1, verbose=0)
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=train)
    thread.start()
    try:
        seen = []
        while len(seen) < 25 or (len({outputs[0] for outputs in seen}) < 2 and not failed):
            seen.append(np.ravel(model.predict(rows, verbose=0)))
        kept = [np.concatenate([w.ravel() for w in model.get_weights()]) for _ in range(5)]
    finally:
        over.set()
        thread.join(60)
    assert not failed
    assert all(len(set(outputs.tolist())) == 1 for outputs in seen + kept)


def test_set_weights_beside_fit_is_seen_whole():
    model = even("branches", 2000)
    model.compile(gs.optimizers.SGD(0.0), "mse")
    x, y = np.ones((64, 2000), np.float32), np.ones((64, 1), np.float32)
    values = [[np.full((2000, 1), value, np.float32)] * 2 for value in (1.0, 2.0)]
    rows = np.eye(2, 2000, dtype=np.float32)
    over = threading.Event()

    def write():
        while not over.is_set():
            for value in values:
                model.set_weights(value)

    model.set_weights(values[0])
    threads = [threading.Thread(target=write), threading.Thread(target=lambda: model.fit(x, y, epochs=30, verbose=0))]
    for thread in threads:
        thread.start()
    try:
        assert {float(v) for _ in range(50) for v in np.ravel(model.predict(rows, verbose=0))} <= {2.0, 4.0}
    finally:
        over.set()
        for thread in threads:
            thread.join(60)


class Signal(gs.callbacks.Callback):
    """Waits in the midst of training until it may go on."""

    def __init__(self):
        super().__init__()
        self.begun, self.go_on = threading.Event(), threading.Event()

    def on_train_batch_end(self, batch, logs=None):
        self.begun.set()
        assert self.go_on.wait(60)


@pytest.mark.parametrize("kind", KINDS)
def test_one_fit_at_a_time(kind):
    alone, model = compiled(kind), compiled(kind)
    x, y = data(kind)
    alone.fit(x, y, verbose=0, shuffle=False)
    signal = Signal()
    thread = threading.Thread(
        target=model.fit, args=(x, y), kwargs={"verbose": 0, "shuffle": False, "callbacks": signal}
    )
    thread.start()
    assert signal.begun.wait(60)
    before, history = snapshot(model), model.history
    with pytest.raises(RuntimeError, match="one fit at a time"):
        model.fit(x, y, verbose=0)
    assert snapshot(model) == before
    assert model.history is history
    signal.go_on.set()
    thread.join(60)
    assert snapshot(model) == snapshot(alone)
    model.fit(x, y, verbose=0)


def test_a_callback_may_fit():
    model = compiled("chain")
    x, y = data("chain")
    inner = gs.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: model.fit(x, y, verbose=0))
    model.fit(x, y, verbose=0, callbacks=[inner])
    assert model.optimizer.iterations == 4


@pytest.mark.parametrize("kind", KINDS)
def test_callbacks_predict(kind):
    """In fit's own thread, and in threads that the callback waits for."""
    model, plain = compiled(kind), compiled(kind)
    x, y = data(kind)

    class Ask(gs.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            here = parts(model.predict(x, verbose=0)), parts(model.predict_on_batch(x))
            with ThreadPoolExecutor(2) as pool:
                there = pool.submit(lambda: parts(model.predict(x, verbose=0))).result(60)
            assert here[0] == there

    model.fit(x, y, verbose=0, shuffle=False, callbacks=[Ask()])
    plain.fit(x, y, verbose=0, shuffle=False)
    assert snapshot(model) == snapshot(plain)


def test_a_loss_may_predict():
    """With the model that is being trained, in the midst of its batch."""
    model = compiled("chain")
    x, y = data("chain")

    def loss(y_true, y_pred):
        model.predict(x, verbose=0)
        return squared(y_true, y_pred)

    model.compile("sgd", loss)
    model.fit(x, y, verbose=0)


def test_metrics_of_fit_are_its_own():
    """An evaluation beside it does not add to them."""
    metric = LargestError()
    model, plain = compiled("chain", metrics=[metric]), compiled("chain", metrics=[LargestError()])
    x, y = data("chain")

    class Evaluate(gs.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            with ThreadPoolExecutor(1) as pool:
                pool.submit(model.evaluate, 100 * x, y, verbose=0).result(60)

    found = model.fit(x, y, verbose=0, shuffle=False, callbacks=[Evaluate()]).history
    alone = plain.fit(x, y, verbose=0, shuffle=False).history
    assert list(found.values()) == list(alone.values())
    assert [metric.result()] == found[metric.name]


FORKED = """
import os, signal, sys, threading
import numpy as np, gradstep as gs
from model_kinds import compiled, data
from probe import guard

model = compiled("branches")
x, y = data("branches")
right = model.predict(x, verbose=0).tobytes()
held, done = threading.Event(), threading.Event()

def hold():
    with guard(model):
        held.set()
        done.wait(60)

thread = threading.Thread(target=hold)
thread.start()
held.wait()
pid = os.fork()
if not pid:
    signal.alarm(30)
    ok = model.predict(x, verbose=0).tobytes() == right
    model.fit(x, y, verbose=0)
    os._exit(0 if ok else 3)
status = os.waitpid(pid, 0)[1]
done.set()
thread.join()
model.fit(x, y, verbose=0)
print(status)
"""


def test_a_forked_child_is_not_locked_out():
    assert said(FORKED).strip() == "0"


INTERRUPTED = """
import os, signal, threading
signal.signal(signal.SIGINT, signal.default_int_handler)
from model_kinds import compiled, data
from probe import guard

model = compiled("branches")
x, y = data("branches")
done = threading.Event()
held = threading.Event()

def hold():
    with guard(model):
        held.set()
        done.wait(60)

thread = threading.Thread(target=hold)
thread.start()
held.wait()
threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    model.predict(x, verbose=0)
except KeyboardInterrupt:
    print("stopped")
done.set()
thread.join()
model.predict(x, verbose=0)
"""


def test_ctrl_c_ends_waiting():
    assert said(INTERRUPTED).strip() == "stopped"
