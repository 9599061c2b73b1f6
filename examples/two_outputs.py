"""One trunk, two outputs
======================

A functional model: one trunk, two heads. It says which digit an image shows, and how much ink it took.

The heads are trained together, each by its own loss, and share what the trunk learns; `loss_weights` says how much each
counts. Targets, metrics and results go by the names of the heads.
"""

import sys

import gradstep as gs
import numpy as np
from data import digits


def network() -> gs.Model:
    """Images to {"digit": (rows, 10), "ink": (rows, 1)}."""
    image = gs.Input((28, 28), name="image")
    pixels = gs.layers.Flatten()(gs.layers.Rescaling(1 / 255)(image))
    trunk = gs.layers.Dense(128, activation="relu", name="trunk")(pixels)
    digit = gs.layers.Dense(10, activation="softmax", name="digit")(gs.layers.Dense(64, activation="relu")(trunk))
    ink = gs.layers.Dense(1, name="ink")(gs.layers.Concatenate()([trunk, digit]))  # an 8 takes more than a 1
    model = gs.Model(image, {"digit": digit, "ink": ink}, name="two_heads")
    model.compile(
        "adam",
        loss={"digit": "sparse_categorical_crossentropy", "ink": "mse"},
        loss_weights={"digit": 1.0, "ink": 10.0},
        metrics={"digit": ["accuracy"], "ink": ["mae"]},
    )
    return model


def main(rows: int = 6000, epochs: int = 6) -> None:
    """Train both, test both."""
    gs.utils.set_random_seed(0)
    images, labels = digits(rows)
    ink = images.mean((1, 2)) / 25.5  # 1 where a tenth of the pixels is white
    split = rows - rows // 5
    train, test = slice(None, split), slice(split, None)
    model = network()
    model.summary()
    model.fit(images[train], {"digit": labels[train], "ink": ink[train]}, epochs=epochs, verbose=2)

    scores = model.evaluate(images[test], {"digit": labels[test], "ink": ink[test]}, verbose=0, return_dict=True)
    for name, score in scores.items():
        print(f"test {name}: {score:.4f}")
    print(f"ink, off by without a network: {abs(ink[test] - ink[train].mean()).mean():.4f}")
    answers = model.predict(images[test][:5], verbose=0)
    print(f"digits {labels[test][:5]} taken for {answers['digit'].argmax(1)}")
    print(f"ink    {np.round(ink[test][:5], 2)} taken for {np.round(answers['ink'][:, 0], 2)}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
