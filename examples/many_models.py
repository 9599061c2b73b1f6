"""Many models: 200 small networks at once
=======================================

Learning rates by seeds, how much of a score is luck, and what an ensemble gains.

Small networks train in steps of microseconds, too short to be shared by threads; `fit_many` gives each thread a model.
"""

import sys
from time import perf_counter

import gradstep as gs
import numpy as np


def measured(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Four numbers a row, and a smooth function of them with noise."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 4)).astype("float32")
    y = np.sin(2 * x[:, 0]) + x[:, 1] * x[:, 2] + 0.3 * rng.normal(size=rows)
    return x, y.astype("float32")


def main(rows: int = 500, rates: int = 10, seeds: int = 20, epochs: int = 30) -> None:
    """Train a network for each rate and seed, and look at them from three sides."""
    x, y = measured(rows, 0)
    held = measured(500, 1)
    new_x, new_y = measured(2000, 2)
    layers = [gs.layers.Dense(32, "relu"), gs.layers.Dense(32, "relu"), gs.layers.Dense(1)]
    model = gs.Sequential([gs.Input((4,)), *layers])
    model.compile("adam", "mse")

    values = np.geomspace(1e-4, 1.0, rates)
    of_member = {"learning_rate": np.repeat(values, seeds), "seeds": np.tile(np.arange(seeds), rates)}
    begin = perf_counter()
    found = gs.fit_many(model, rates * seeds, x, y, **of_member, epochs=epochs, validation_data=held)
    seconds = perf_counter() - begin
    print(f"{len(found)} models of {model.count_params():,} weights, {epochs} epochs each: {seconds:.2f} s")

    print("\nrate      validation loss of its seeds: best  median   worst")
    scores = found.scores.reshape(rates, seeds)
    for rate, own in zip(values, scores, strict=True):
        print(f"{rate:8.3g} {own.min():34.3f} {np.median(own):7.3f} {own.max():7.3f}")
    best = int(np.argmin(np.median(scores, axis=1)))

    # Members differ in their mistakes, so the mean of those with the best rate makes fewer.
    chosen = range(best * seeds, (best + 1) * seeds)
    each = found.predict(new_x, reduce=None)[list(chosen), :, 0]
    losses = ((each - new_y) ** 2).mean(axis=1)
    print(f"\nnew rows: a model with rate {values[best]:.3g} has loss {losses.mean():.3f} on average", end="")
    print(f" ({losses.min():.3f} to {losses.max():.3f}), their mean {((each.mean(axis=0) - new_y) ** 2).mean():.3f}")

    # A member is an ordinary model, which can be trained on, saved and served.
    one = found.models[found.best]
    more = one.fit(x, y, epochs=epochs, validation_data=held, verbose=0).history["val_loss"]
    print(f"the best one: {found.scores[found.best]:.3f} on validation rows, {more[-1]:.3f} after as many epochs more")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
