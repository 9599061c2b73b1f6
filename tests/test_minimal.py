"""The ten-second subset: that an installed wheel works, with NumPy alone."""

from __future__ import annotations

import gradstep as gs
import numpy as np


def test_it_says_what_it_is(capsys):
    gs.show_config()
    assert gs.__version__ in capsys.readouterr().out
    assert gs.get_num_threads() >= 1


def test_an_optimizer_steps_in_place():
    for name in ("SGD", "Adagrad", "RMSprop", "Adam", "AdamW", "Lion"):
        w = {"a": np.ones((3, 5)), "b": np.ones(10, np.float32)[::2]}
        optimizer = getattr(gs.optimizers, name)(learning_rate=0.01)
        for _ in range(10):
            optimizer.step(w, {key: 2 * value for key, value in w.items()})
        assert (w["a"] < 1).all()
        assert (w["b"] < 1).all()


def test_a_model_learns():
    gs.utils.set_random_seed(0)
    random = np.random.default_rng(0)
    centres = 3 * random.normal(size=(5, 30))
    labels = random.integers(0, 5, 2000)
    x = (centres[labels] + random.normal(size=(2000, 30))).astype(np.float32)
    train, test = gs.utils.split(x, labels, (0.8, 0.2), stratify=labels, seed=0)
    model = gs.Sequential([gs.layers.Dense(64, "relu"), gs.layers.Dense(5, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(*train, epochs=5, validation_split=0.1, verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0]
    assert model.evaluate(*test, verbose=0)[1] > 0.95
    assert model.predict(test[0], verbose=0).shape == (400, 5)


def test_wrong_input_is_an_error():
    w = np.ones(3)
    for gradient in (np.ones(4), np.ones(3, np.float32)):
        try:
            gs.optimizers.Adam().step(w, gradient)
        except (TypeError, ValueError):
            assert (w == 1).all()
        else:
            raise AssertionError("no error")
