"""Noise removed from images
=========================

A convolutional autoencoder that removes noise from images: half the pixels are drawn anew, and it guesses them.

The encoder halves height and width twice, the decoder doubles them again.
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


def main(rows: int = 2500, epochs: int = 6) -> None:
    """Train, and show what it makes of noise that it has not seen."""
    gs.utils.set_random_seed(0)
    draw = np.random.default_rng(0)
    clean = digits(rows)[0][..., None].astype(np.float32) / 255
    noisy = np.where(draw.uniform(size=clean.shape) < 0.5, draw.uniform(size=clean.shape), clean).astype(np.float32)
    border = rows * 4 // 5
    layers = gs.layers
    model = gs.Sequential(
        [
            gs.Input((28, 28, 1)),
            layers.Conv2D(16, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),  # 7 x 7 x 32: the code
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.UpSampling2D(2),
            layers.Conv2D(16, 3, padding="same", activation="relu"),
            layers.UpSampling2D(2),
            layers.Conv2D(1, 3, padding="same", activation="sigmoid"),
        ]
    )
    model.compile(gs.optimizers.Adam(0.002), "binary_crossentropy")
    model.fit(noisy[:border], clean[:border], epochs=epochs, verbose=0)

    guessed = model.predict(noisy[border:], verbose=0)
    for name, images in (("noise", noisy[border:]), ("guess", guessed)):
        print(f"mean squared error of the {name}: {np.mean((images - clean[border:]) ** 2):.4f}")
    for i in range(border, border + 2):
        print(drawn(noisy[i, ..., 0], guessed[i - border, ..., 0], clean[i, ..., 0]))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
