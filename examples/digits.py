"""Digits: the classic network
===========================

The classic: 784-256-128-64-10 on images of digits (drawn here; MNIST's have the same shape).

Images stay bytes: `Rescaling` is done as they are read. `Diagnose` would say if training went wrong.
"""

import sys

import gradstep as gs
import numpy as np
from data import digits


def main(rows: int = 6000, epochs: int = 5) -> None:
    """Train, test, and show what the network takes for what."""
    gs.utils.set_random_seed(0)
    train, validation, test = gs.utils.split(*digits(rows), (0.7, 0.15, 0.15), seed=0)
    model = gs.Sequential(
        [
            gs.Input((28, 28)),
            gs.layers.Rescaling(1 / 255),
            gs.layers.Flatten(),
            gs.layers.Dense(256, activation="relu"),
            gs.layers.Dense(128, activation="relu"),
            gs.layers.Dense(64, activation="relu"),
            gs.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.summary()
    model.fit(*train, epochs=epochs, validation_data=validation, verbose=2, callbacks=[gs.callbacks.Diagnose()])

    loss, accuracy = model.evaluate(*test, verbose=0)
    print(f"\ntest loss {loss:.3f}, accuracy {accuracy:.3f}; rows: the digit, columns: what it was taken for\n")
    images, labels = test
    taken = model.predict(images, verbose=0).argmax(1)
    table = np.zeros((10, 10), int)
    np.add.at(table, (labels, taken), 1)
    print("    " + "".join(f"{digit:5d}" for digit in range(10)))
    for digit, row in enumerate(table):
        print(f"{digit:4d}" + "".join(f"{count or '.':>5}" for count in row))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
