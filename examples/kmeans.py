"""K-means: groups without labels
==============================

Mini-batch k-means is stochastic gradient descent: images of digits sorted into groups without their labels.

The loss of a row is half the squared distance to its nearest centre, whose gradient by that centre is centre - row, and
by the others 0: a `gs.RowSparse` gradient. A centre's rate is 1 / (rows that it has had so far), which makes it their
mean. Bottou & Bengio 1995, "Convergence properties of the k-means algorithms"; Sculley 2010, "Web-scale k-means
clustering"; the start is k-means++, Arthur & Vassilvitskii 2007. It is an example and no estimator, because those who
have scikit-learn have its `MiniBatchKMeans`.
"""

import sys

import gradstep as gs
import numpy as np
from data import digits


def distances(x: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Squared distances, (rows, centres)."""
    return ((x**2).sum(1)[:, None] - 2 * x @ centres.T + (centres**2).sum(1)).clip(0)


def spread_out(x: np.ndarray, count: int, draw: np.random.Generator) -> np.ndarray:
    """k-means++: rows as centres, each drawn by its squared distance to the nearest one before it."""
    chosen = [draw.integers(len(x))]
    for _ in range(count - 1):
        nearest = distances(x, x[chosen]).min(1)
        chosen.append(draw.choice(len(x), p=nearest / nearest.sum()))
    return x[chosen].copy()


def purity(groups: np.ndarray, labels: np.ndarray) -> float:
    """The share of rows that have the most frequent label of their group."""
    return sum(np.bincount(labels[groups == group]).max() for group in np.unique(groups)) / len(labels)


def main(rows: int = 6000, count: int = 40, batch: int = 100) -> None:
    """Group the images, and codes of them by an autoencoder, and compare the groups with the digits."""
    gs.utils.set_random_seed(0)
    images, labels = digits(rows)
    pixels = images.reshape(rows, -1).astype(np.float32) / 255
    encoder = [gs.layers.Dense(64, "relu"), gs.layers.Dense(16)]
    model = gs.Sequential([gs.Input((784,)), *encoder, gs.layers.Dense(64, "relu"), gs.layers.Dense(784, "sigmoid")])
    model.compile(gs.optimizers.Adam(0.003), "mse")
    model.fit(pixels, pixels, epochs=5, verbose=0)
    codes = encoder[1](encoder[0](pixels))

    for name, x in {"pixels": pixels, "codes": codes}.items():
        draw = np.random.default_rng(0)
        centres, had = spread_out(x[:1000], count, draw), np.zeros(count)
        optimizer = gs.optimizers.SGD(1.0)  # the rates of the centres are in the gradients
        print(f"{name}: mean squared distance {distances(x, centres).min(1).mean():.3f} after k-means++", end="")
        for epoch in range(3):
            for part in np.array_split(draw.permutation(rows), rows // batch):
                nearest = distances(x[part], centres).argmin(1)
                had += np.bincount(nearest, minlength=count)
                gradients = (centres[nearest] - x[part]) / had[nearest, None]
                optimizer.step(centres, gs.RowSparse(nearest, gradients.astype(x.dtype), centres.shape))
            print(f", {distances(x, centres).min(1).mean():.3f} after pass {epoch + 1}", end="")
        groups = distances(x, centres).argmin(1)
        print(f"\n  {count} groups; {100 * purity(groups, labels):.1f} % of the images have the digit of their group")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
