"""Grid search with cross-validation
=================================

Hyperparameters by grid search, each set scored by k-fold cross-validation.

Every run has a seed of its own, so that the same command gives the same table, by any number of workers.
"""

import sys

import gradstep as gs
from data import moons

GRID = {"units": [2, 16], "learning_rate": [0.003, 0.03], "activation": ["tanh", "relu"]}


def network(units: int, learning_rate: float, activation: str) -> gs.Sequential:
    """A classifier of points."""
    model = gs.Sequential([gs.layers.Dense(units, activation), gs.layers.Dense(1, activation="sigmoid")])
    model.compile(gs.optimizers.Adam(learning_rate), loss="binary_crossentropy", metrics=["accuracy"])
    return model


def main(rows: int = 400, epochs: int = 30) -> None:
    """All sets of the grid, the best one on data that no fold had."""
    x, y = moons(rows)
    options = {"cv": 4, "stratify": True, "metric": "accuracy", "epochs": epochs, "workers": 2}
    table = gs.tune.grid(network, GRID, x, y, **options)
    print(table)
    gs.utils.set_random_seed(0)
    model = network(**table.best_params_)
    model.fit(x, y, epochs=epochs, verbose=0)
    print(f"\nbest: {table.best_params_}\non new data: {model.evaluate(*moons(1000, seed=1), verbose=0)[1]:.3f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
