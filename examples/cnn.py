"""Convolutional network
=====================

A convolutional network on images of digits, and what its first filters look for.

`python examples/cnn.py 10000 10 mnist.npz` trains on a file of images `x`, uint8 (rows, 28, 28), and labels `y` instead
of on drawings: 70 % of them, with 15 % to watch and 15 % to test.
"""

import sys

import gradstep as gs
import numpy as np
from data import digits


def main(rows: int = 4000, epochs: int = 6, path: str = "") -> None:
    """Train, test, and show where it looks."""
    gs.utils.set_random_seed(0)
    if path:
        with np.load(path) as file:
            images, labels = file["x"][:rows], file["y"][:rows].astype(int)
    else:
        images, labels = digits(rows)
    (x, y), watched, test = gs.utils.split(images[..., None], labels, (0.7, 0.15, 0.15), stratify=labels, seed=0)
    layers = gs.layers
    model = gs.Sequential(
        [
            gs.Input((28, 28, 1)),
            layers.Rescaling(1 / 255),  # the images stay bytes until they are read
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(128, activation="relu"),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.summary()
    steps = epochs * -(-len(x) // 32)
    rate = gs.optimizers.schedules.CosineDecay(0.002, steps)
    model.compile(gs.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x, y, epochs=epochs, validation_data=watched, verbose=0).history
    for epoch in range(epochs):
        loss, accuracy = history["loss"][epoch], history["val_accuracy"][epoch]
        print(f"epoch {epoch + 1:2d}: loss {loss:.4f}, accuracy of those watched {accuracy:.4f}")
    print(f"test accuracy {model.evaluate(*test, verbose=0)[1]:.4f}")

    kernel = model.layers[1].kernel[..., 0, :]  # (3, 3, filters)
    strongest = np.argsort(-np.abs(kernel).max((0, 1)))[:6]
    print("\nsix filters of the first layer, + where they want white and - where they want black:")
    signs = np.sign(np.trunc(4 * kernel / np.abs(kernel).max())).astype(int)
    for line in signs[:, :, strongest]:
        print("    ".join("".join(" +-"[sign] for sign in one) for one in line.T))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]), *sys.argv[3:])
