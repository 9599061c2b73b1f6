"""Autoencoder
===========

An autoencoder: 784 pixels through 24 numbers and back. What it keeps of a digit is what digits differ in.

It is trained to give its own input; the encoder, its first half, can then be used alone.
"""

import sys

import gradstep as gs
import numpy as np
from data import digits

SHADES = " .:*#@"


def drawn(*images: np.ndarray) -> str:
    """Images of 28 x 28 numbers from 0 to 1 beside each other, two rows of pixels a line."""
    pixels = np.hstack(images).reshape(14, 2, -1).mean(1)
    places = np.rint(pixels.clip(0, 1) * (len(SHADES) - 1)).astype(int)
    return "\n".join("".join(SHADES[i] for i in row) for row in places)


def main(rows: int = 6000, epochs: int = 15) -> None:
    """Train, and show digits that it has not seen beside what it makes of them."""
    gs.utils.set_random_seed(0)
    images = digits(rows)[0].reshape(rows, -1).astype(np.float32) / 255
    train, test = np.split(images, [rows - rows // 6])
    encoder = [gs.layers.Dense(128, activation="relu"), gs.layers.Dense(24, name="code")]
    decoder = [gs.layers.Dense(128, activation="relu"), gs.layers.Dense(784, activation="sigmoid")]
    model = gs.Sequential([gs.Input((784,)), *encoder, *decoder])
    model.compile(gs.optimizers.Adam(0.002), loss="mse")
    history = model.fit(train, train, epochs=epochs, validation_data=(test, test), verbose=0).history

    plain = np.mean((test - train.mean(0)) ** 2)
    for epoch in sorted({0, epochs // 3, epochs - 1}):
        print(f"epoch {epoch + 1:3d}: training {history['loss'][epoch]:.4f}, test {history['val_loss'][epoch]:.4f}")
    print(f"the mean image instead: {plain:.4f}\n")
    for image in test[:2]:
        print(drawn(image.reshape(28, 28), model.predict(image[None], verbose=0).reshape(28, 28)))
    codes = test
    for layer in encoder:
        codes = layer(codes)
    print(f"codes of {codes.shape[0]} images: {codes.shape[1]} numbers each")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
