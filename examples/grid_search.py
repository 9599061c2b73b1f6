"""Hyperparameters by grid search, each set scored by k-fold cross-validation: plain Python over fit.

The seed is set before every run, so that sets differ in nothing else, and the same command gives the same table.
"""

import itertools
import sys

import gradstep as gs
import numpy as np
from data import moons

GRID = {"units": [2, 16], "learning_rate": [0.003, 0.03], "activation": ["tanh", "relu"]}


def network(units: int, learning_rate: float, activation: str) -> gs.Sequential:
    """A classifier of points."""
    model = gs.Sequential([gs.layers.Dense(units, activation), gs.layers.Dense(1, activation="sigmoid")])
    model.compile(gs.optimizers.Adam(learning_rate), loss="binary_crossentropy", metrics=["accuracy"])
    return model


def folds(rows: int, count: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Rows to train on and rows to score, once for each fold."""
    parts = np.array_split(np.random.default_rng(0).permutation(rows), count)
    return [(np.concatenate(parts[:i] + parts[i + 1 :]), parts[i]) for i in range(count)]


def score(x: np.ndarray, y: np.ndarray, settings: dict, epochs: int) -> list[float]:
    """The accuracy on each fold, of a network that has not seen it."""
    scores = []
    for train, test in folds(len(x), 4):
        gs.utils.set_random_seed(0)
        model = network(**settings)
        model.fit(x[train], y[train], epochs=epochs, verbose=0)
        scores.append(model.evaluate(x[test], y[test], verbose=0, return_dict=True)["accuracy"])
    return scores


def main(rows: int = 400, epochs: int = 30) -> None:
    """All sets of the grid, the best one on data that no fold had."""
    x, y = moons(rows)
    print("accuracy          units  learning rate  activation")
    results = []
    for values in itertools.product(*GRID.values()):
        settings = dict(zip(GRID, values, strict=True))
        scores = score(x, y, settings, epochs)
        results.append((np.mean(scores), settings))
        print(f"{np.mean(scores):.3f} +- {np.std(scores):.3f} {values[0]:9d} {values[1]:14g}  {values[2]}")
    best = max(results, key=lambda result: result[0])[1]
    gs.utils.set_random_seed(0)
    model = network(**best)
    model.fit(x, y, epochs=epochs, verbose=0)
    print(f"\nbest: {best}\non new data: {model.evaluate(*moons(1000, seed=1), verbose=0)[1]:.3f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
