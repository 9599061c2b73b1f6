"""Ctrl-C between the end of a pass and the return to Python: what the pass moved stays, and it counts."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from probe import interrupted

RANDOM = np.random.default_rng(1)
X, Y = RANDOM.normal(size=(12, 6)).astype("f4"), RANDOM.normal(size=(12, 1)).astype("f4")


def own(y_true, y_pred):
    return ((y_pred - y_true) ** 2).mean(-1), 2 * (y_pred - y_true)


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


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("kind", CALLS)
def test_a_pass_counts_if_it_was_made(kind, after):
    call, method = CALLS[kind]
    model, same = made(kind), made(kind)
    with interrupted(model, method, after), pytest.raises(KeyboardInterrupt):
        call(model)
    if after and kind == "a fit of a generator":
        same.train_on_batch(X, Y)  # the first of its two
    elif after:
        call(same)
    for ours, theirs in zip(goes_on(model, kind), goes_on(same, kind), strict=True):
        np.testing.assert_array_equal(ours, theirs)
