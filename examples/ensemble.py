"""Ensemble of networks
====================

An ensemble: several networks from different starts, and the mean of their probabilities.

The networks make different mistakes. Their mean makes fewer, and its probabilities are better calibrated.
"""

import sys

import gradstep as gs
import numpy as np
from data import digits


def network(seed: int) -> gs.Sequential:
    """One member."""
    layers = [gs.layers.Dense(64, "relu"), gs.layers.Dropout(0.2), gs.layers.Dense(10, "softmax")]
    model = gs.Sequential([gs.Input((784,)), gs.layers.Rescaling(1 / 255), *layers], seed=seed)
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def main(rows: int = 3000, members: int = 5, epochs: int = 8) -> None:
    """Train the members, and compare them with their mean."""
    images, labels = digits(rows + 2000)
    x, y = images.reshape(len(images), -1), labels
    members_of = [network(seed) for seed in range(members)]
    for model in members_of:
        model.fit(x[:rows], y[:rows], epochs=epochs, verbose=0)
    each = np.array([model.predict(x[rows:], verbose=0) for model in members_of])  # (members, rows, 10)
    truth = y[rows:]

    def scores(p: np.ndarray) -> tuple[float, float]:
        loss = gs.losses.SparseCategoricalCrossentropy()(truth, p)
        return float((p.argmax(1) != truth).mean()), float(loss)

    for number, p in enumerate(each, 1):
        print("member {}: errors {:.4f}, loss {:.4f}".format(number, *scores(p)))
    print("the mean: errors {:.4f}, loss {:.4f}".format(*scores(each.mean(0))))

    # One network with several heads has the mean of its members as a model, which can be saved and served as one.
    x_in = gs.Input((784,))
    whole = gs.Model(x_in, gs.layers.Average()([model(x_in) for model in members_of]))
    same = np.allclose(whole.predict(x[rows:], verbose=0), each.mean(0), atol=1e-6)
    print(f"as one model of {whole.count_params():,} weights: {'the same' if same else 'others'}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
