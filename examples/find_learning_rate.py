"""Five ways to a learning rate
============================

A learning rate chosen in five ways, with what each costs: grid, random, halving, one sweep, and none to choose.

A grid and a random search train a network for each rate; halving trains most of them for a few epochs only; a sweep
takes one batch for each rate; and Prodigy finds its own step. Each choice then trains a network on all rows, which is
scored on new data.
"""

import sys

import gradstep as gs
import numpy as np
from data import digits


def network(learning_rate: float = 0.01, optimizer: str = "SGD") -> gs.Sequential:
    """Images in, probabilities of ten digits out."""
    model = gs.Sequential(
        [
            gs.Input((28, 28)),
            gs.layers.Rescaling(1 / 255),
            gs.layers.Flatten(),
            gs.layers.Dense(64, activation="relu"),
            gs.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(getattr(gs.optimizers, optimizer)(learning_rate), loss="sparse_categorical_crossentropy")
    return model


def main(rows: int = 2000, epochs: int = 9) -> None:
    """Choose, count the steps that the choice took, train with it, and score."""
    x, y = digits(rows)
    new = digits(1000, seed=1)
    rates = np.geomspace(1e-4, 10, 11).tolist()
    fold = {"cv": 0.25, "epochs": epochs, "workers": 2}  # one part of the rows is held out; two train side by side

    grid = gs.tune.grid(network, {"learning_rate": rates}, x, y, **fold)
    print(grid, "\n")
    draw = gs.tune.random(network, {"learning_rate": gs.tune.LogUniform(1e-4, 10)}, x, y, n=6, seed=0, **fold)
    halved = gs.tune.halving(network, {"learning_rate": rates}, x, y, **fold)
    gs.utils.set_random_seed(0)
    sweep = network().lr_find(x, y)
    print(f"the sweep says: {sweep.reason}\n")

    choices = {
        "grid": (network, grid.best_params_["learning_rate"], grid.steps),
        "random": (network, draw.best_params_["learning_rate"], draw.steps),
        "halving": (network, halved.best_params_["learning_rate"], halved.steps),
        "lr_find": (network, sweep.suggestion, len(sweep.rates)),
        "Prodigy": (lambda rate: network(rate, "Prodigy"), 1.0, 0),  # 1 is its default: it measures the distance itself
    }
    print("chosen by     rate    steps of the choice  loss on new data")
    for name, (build, rate, steps) in choices.items():
        gs.utils.set_random_seed(0)
        model = build(rate)
        model.fit(x, y, epochs=epochs, verbose=0)
        print(f"{name:8} {rate:9.3g} {steps:18d} {model.evaluate(*new, verbose=0):17.4f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
