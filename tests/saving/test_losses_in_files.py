"""Losses with settings, and losses of the user's own, in files."""

from __future__ import annotations

import json

import gradstep as gs
import numpy as np
import pytest
from gradstep import losses

X, T = np.random.default_rng(0).normal(size=(2, 12, 2))


class Power(losses.Loss):
    """|y - t|^p, summed."""

    def __init__(self, p=3.0, **options):
        super().__init__(**options)
        self.p = p

    def call(self, y_true, y_pred):
        return np.sum(np.abs(y_pred - y_true) ** self.p, axis=-1)

    def gradient(self, y_true, y_pred):
        return self.p * np.sign(y_pred - y_true) * np.abs(y_pred - y_true) ** (self.p - 1)

    def get_config(self):
        return super().get_config() | {"p": self.p}


def square(y_true, y_pred, factor=1.0):
    return factor * np.sum((y_pred - y_true) ** 2, axis=-1), 2 * factor * (y_pred - y_true)


OBJECTS = {"Power": Power, "square": square}


@pytest.mark.parametrize(
    ("loss", "ours"),
    [
        (losses.Huber(0.5, reduction="sum", name="h"), True),
        (losses.CosineSimilarity(dtype="float64"), True),
        (losses.huber, True),
        (Power(2.5, reduction="mean_with_sample_weight"), False),
        (square, False),
        (losses.LossFunctionWrapper(square, "sum", factor=3.0), False),
    ],
    ids=["settings", "dtype", "function", "own", "own-function", "wrapped"],
)
def test_a_model_goes_on_with_its_loss(tmp_path, loss, ours):
    model = gs.Sequential([gs.Input((2,)), gs.layers.Dense(2)])
    model.compile("adam", loss, metrics=["mae"])
    model.fit(X, T, batch_size=4, verbose=0)
    model.save(tmp_path / "model")
    if not ours:
        with pytest.raises(ValueError, match=r"Power|square"):
            gs.models.load_model(tmp_path / "model")
    loaded = gs.models.load_model(tmp_path / "model", None if ours else OBJECTS)
    assert type(loaded.loss) is type(model.loss)
    assert loaded.loss.get_config() == model.loss.get_config()
    go_on = [m.fit(X, T, batch_size=4, epochs=3, initial_epoch=1, verbose=0).history for m in (model, loaded)]
    assert go_on[0] == go_on[1]
    assert all(map(np.array_equal, model.weights, loaded.weights))


def test_serialized_losses_are_texts():
    for loss in (Power(2.0), losses.LossFunctionWrapper(square, factor=2.0)):
        config = json.loads(json.dumps(losses.serialize(loss)))
        again = losses.deserialize(config, OBJECTS)
        assert type(again) is type(loss)
        assert again(T, X) == loss(T, X)
        with pytest.raises(ValueError, match=r"Power|square"):
            losses.deserialize(config)
    with pytest.raises(TypeError, match="must have a name to be written; got a lambda"):
        losses.serialize(losses.LossFunctionWrapper(lambda t, y: (y, t)))
