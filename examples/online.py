"""Online learning: a stream that drifts
=====================================

It is learned as it comes: each batch is predicted first, and then trained on.
"""

import sys

import gradstep as gs
import numpy as np

FEATURES = 8


def stream(batches: int, rows: int = 32):
    """Batches of points and their classes; the line between the classes turns slowly, and jumps at two thirds.

    The scale of the first feature grows tenfold along the way.
    """
    draw = np.random.default_rng(0)
    start, other, after = draw.normal(size=(3, FEATURES))
    for i in range(batches):
        angle = np.pi / 2 * i / batches
        direction = after if i >= 2 * batches // 3 else np.cos(angle) * start + np.sin(angle) * other
        x = draw.normal(size=(rows, FEATURES))
        y = (x @ direction + 0.1 * draw.normal(size=rows) > 0).astype(int)
        x[:, 0] *= 1 + 9 * i / batches
        yield x, y


def build() -> gs.Sequential:
    """A small network for two classes."""
    gs.utils.set_random_seed(1)
    model = gs.Sequential([gs.Input((FEATURES,)), gs.layers.Dense(16, "relu"), gs.layers.Dense(1, "sigmoid")])
    model.compile(gs.optimizers.Adam(0.01), "binary_crossentropy")
    return model


def main(batches: int = 900) -> None:
    """Three learners on one stream: the share of each part of it that they had right before they saw the answers."""
    learners = {"first tenth alone": build(), "all of it": build(), "all of it, scaled": build()}
    scaler = gs.scalers.StandardScaler()  # of what came so far
    right = {name: np.zeros(batches) for name in learners}
    for i, (x, y) in enumerate(stream(batches)):
        scaled = scaler.partial_fit(x).transform(x)  # without looking at y
        for name, model in learners.items():
            given = scaled if "scaled" in name else x
            found = model.predict_on_batch(given)[:, 0] > 0.5
            right[name][i] = (found == y).mean()
            if i < batches // 10 or name != "first tenth alone":
                model.train_on_batch(given, y)
    names = ["2nd tenth", "5th", "7th, a jump", "10th"]
    print(f"{'trained on':18s}" + "".join(f"{name:>14s}" for name in names))
    for name, shares in right.items():
        parts = np.array_split(shares, 10)
        print(f"{name:18s}" + "".join(f"{100 * parts[k].mean():12.1f} %" for k in (1, 4, 6, 9)))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
