"""Ctrl-C between the end of a pass and the return to Python: what the pass moved stays, and it counts."""

from __future__ import annotations

from typing import Any

import gradstep as gs
import numpy as np
import pytest
from gradstep import _core
from gradstep.trainers import gradients
from gradstep.trainers.executor import Executor

RANDOM = np.random.default_rng(1)
X, Y = RANDOM.normal(size=(12, 6)).astype("f4"), RANDOM.normal(size=(12, 1)).astype("f4")


def own(y_true, y_pred):
    return ((y_pred - y_true) ** 2).mean(-1), 2 * (y_pred - y_true)


class Interrupting:
    """An object of the engine, one method of which is interrupted before it begins or after it ended."""

    def __init__(self, real: Any, method: str, after: bool) -> None:
        self._real, self._method, self._after = real, method, after

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._real, name)
        if name != self._method:
            return real

        def interrupted(*args, **options):
            if self._after:
                real(*args, **options)
            raise KeyboardInterrupt

        return interrupted


def batches():
    while True:
        yield X, Y


CALLS = {
    "train_on_batch": (lambda model: model.train_on_batch(X, Y), "advance"),
    "value_and_grad": (lambda model: model.value_and_grad(X, Y), "value_and_grad"),
    "value_and_grad of a loss in NumPy": (lambda model: model.value_and_grad(X, Y), "advance"),
    "forward": (lambda model: model(X, training=True), "forward"),
    "forward with a mask": (lambda model: model(X[:, None], training=True, mask=np.ones((12, 1), bool)), "forward"),
    "a fit of a generator": (lambda model: model.fit(batches(), steps_per_epoch=2, verbose=0), "advance"),
    "a fit": (lambda model: model.fit(X, Y, batch_size=12, shuffle=False, verbose=0), "advance"),
}


def made(kind: str) -> gs.Sequential:
    gs.utils.set_random_seed(3)
    layers = gs.layers
    row = (None, 6) if "mask" in kind else (6,)
    model = gs.Sequential([gs.Input(row), layers.Dense(8, "relu"), layers.BatchNormalization(), layers.Dropout(0.4)])
    if "mask" in kind:
        model.add(layers.GlobalAveragePooling1D())
    model.add(layers.Dense(1))
    model.compile("adam", own if "NumPy" in kind else "mse")
    CALLS[kind][0](model)
    return model


def goes_on(model: gs.Sequential, kind: str) -> list[np.ndarray]:
    """What is drawn, and the moving averages, after two calls."""
    call = CALLS[kind][0]
    drawn = model(X[:, None] if "mask" in kind else X, training=True)
    call(model)
    return [drawn, *model.get_weights(), *model.optimizer.state_dict().values()]


def interrupt(patch: pytest.MonkeyPatch, method: str, after: bool) -> None:
    """Have the method interrupted, of whatever the engine makes for it."""

    def interrupting(make: Any) -> Any:
        return lambda *args, **options: Interrupting(make(*args, **options), method, after)

    patch.setattr(Executor, "kept_run", lambda *args: None)
    if method == "forward":
        patch.setattr(gradients._core, "ForwardBackward", interrupting(_core.ForwardBackward))
    elif method == "advance":
        patch.setattr(Executor, "run", interrupting(Executor.run))
        patch.setattr(Executor, "loop", interrupting(Executor.loop))
    else:
        sized = Executor.sized
        of = interrupting(lambda network: network)
        patch.setattr(Executor, "sized", lambda *args: (one := sized(*args))._replace(network=of(one.network)))


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("kind", CALLS)
def test_a_pass_counts_if_it_was_made(kind, after, monkeypatch):
    call, method = CALLS[kind]
    model, same = made(kind), made(kind)
    model._last_call.forget()  # it is made anew, to be interrupted
    model._masked_calls._made_for = None
    with monkeypatch.context() as patch:
        interrupt(patch, method, after)
        with pytest.raises(KeyboardInterrupt):
            call(model)
    model._last_call.forget()
    model._masked_calls._made_for = None
    if after and kind == "a fit of a generator":
        same.train_on_batch(X, Y)  # the first of its two
    elif after:
        call(same)
    for ours, theirs in zip(goes_on(model, kind), goes_on(same, kind), strict=True):
        np.testing.assert_array_equal(ours, theirs)
