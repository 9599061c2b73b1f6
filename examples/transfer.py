"""Transfer learning
=================

Transfer learning: a convolutional trunk trained on the digits 0 to 4 learns 5 to 9 from 25 images.

The trunk's weights are frozen and a new head is trained; then all is fine-tuned at a small learning rate.
"""

import sys

import gradstep as gs
import numpy as np
from data import digits


def trunk() -> gs.Sequential:
    """What is shared: images become 800 numbers, how much of which form is where."""
    layers = gs.layers
    return gs.Sequential(
        [
            gs.Input((28, 28, 1)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(16, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
        ],
        name="trunk",
    )


def headed(body: gs.Sequential) -> gs.Sequential:
    """The trunk with a new head for five classes."""
    return gs.Sequential([body, gs.layers.Dense(5, activation="softmax", name="head")])


def compiled(model: gs.Sequential, rate: float) -> gs.Sequential:
    """The model, to be trained at a learning rate."""
    model.compile(gs.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def main(rows: int = 4000, few: int = 25, epochs: int = 6) -> None:
    """Train on many images of the first digits; compare ways to learn the others from few."""
    gs.utils.set_random_seed(0)
    images, labels = digits(rows)
    first = labels < 5
    x, y = images[~first][..., None], labels[~first] - 5
    train, test = (x[:few], y[:few]), (x[few:], y[few:])

    old = trunk()
    scores = compiled(headed(old), 0.002).fit(images[first][..., None], labels[first], epochs=epochs, verbose=0).history
    print(f"digits 0 to 4, {first.sum()} images: accuracy {scores['accuracy'][-1]:.3f}\n")
    print(f"digits 5 to 9, {few} images; accuracy on {len(test[0])} others:")

    scratch = compiled(headed(trunk()), 0.002)
    scratch.fit(*train, epochs=40, batch_size=10, verbose=0)
    print(f"  from scratch            {scratch.evaluate(*test, verbose=0)[1]:.3f}")

    old.trainable = False
    model = compiled(headed(old), 0.005)
    before = [np.array(weight) for weight in old.weights]
    model.fit(*train, epochs=40, batch_size=10, verbose=0)
    assert all((a == b).all() for a, b in zip(before, old.weights, strict=True))
    trained = sum(weight.size for weight in model.trainable_weights)
    accuracy = model.evaluate(*test, verbose=0)[1]
    print(f"  frozen trunk, new head  {accuracy:.3f}, {trained} of {model.count_params()} weights trained")

    old.trainable = True
    compiled(model, 0.0005).fit(*train, epochs=20, batch_size=10, verbose=0)
    print(f"  fine-tuned              {model.evaluate(*test, verbose=0)[1]:.3f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
