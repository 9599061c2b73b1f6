"""``python -m gradstep demo``: a classifier of real handwritten digits, from data to curves (extra `demo`)."""

from __future__ import annotations

from time import perf_counter

import numpy as np

from . import utils
from .console import show
from .layers import Dense, Input
from .models import Sequential
from .optimizers import Adam

__all__ = ["digits", "network", "run"]


def digits() -> tuple[np.ndarray, np.ndarray]:
    """1,797 digits of scikit-learn: images (rows, 64), grey from 0 to 1, and the digits (rows,)."""
    try:
        from sklearn.datasets import load_digits  # type: ignore[import-untyped,unused-ignore]
    except ImportError:
        raise ImportError("the digits come with scikit-learn: pip install 'gradstep[sklearn]'") from None
    images, labels = load_digits(return_X_y=True)
    return (images / 16).astype(np.float32), labels


def network() -> Sequential:
    """A dense classifier of 167,178 weights, compiled."""
    model = Sequential(
        [
            Input((64,)),
            Dense(512, activation="relu"),
            Dense(256, activation="relu"),
            Dense(10, activation="softmax"),
        ],
        name="digits",
    )
    model.compile(optimizer=Adam(0.001), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def run(epochs: int, output: str, seed: int) -> float:
    """Train, print the table of epochs and the accuracy on the test rows, save the curves; gives that accuracy."""
    images, labels = digits()
    utils.set_random_seed(seed)
    train, validation, test = utils.split(images, labels, (0.7, 0.15, 0.15), stratify=labels, seed=seed)
    show(f"digits: {len(train[0])} rows to train on, {len(validation[0])} to validate, {len(test[0])} to test")
    model = network()
    model.summary()
    begin = perf_counter()
    history = model.fit(*train, batch_size=32, epochs=epochs, validation_data=validation)
    show(f"trained in {perf_counter() - begin:.2f} s")
    scores = model.evaluate(*test, verbose=0, return_dict=True)
    assert isinstance(scores, dict)
    show(f"test accuracy: {scores['accuracy']:.4f}")
    try:
        history.plot(output)
    except ImportError as error:
        show(error)
    else:
        show(f"curves: {output}")
    return scores["accuracy"]
