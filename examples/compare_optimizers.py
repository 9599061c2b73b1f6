"""Optimizers compared
===================

Momentum, Nesterov, Adagrad, RMSprop and Adam beside plain gradient descent.

First a ravine, 100 times steeper across than along, stepped by hand: plain steps bounce across it and crawl along it.
Then a network on two moons, the same initial weights for all.
"""

import sys

import gradstep as gs
import numpy as np
from data import moons
from gradstep.optimizers import SGD, Adagrad, Adam, RMSprop

# Each rule with a learning rate for the ravine, where 0.02 throws plain steps out, and one for the network.
RULES = {
    "SGD": (SGD, {}, 0.01, 0.1),
    "SGD, momentum": (SGD, {"momentum": 0.9}, 0.01, 0.1),
    "SGD, Nesterov": (SGD, {"momentum": 0.9, "nesterov": True}, 0.01, 0.1),
    "Adagrad": (Adagrad, {}, 0.5, 0.1),
    "RMSprop": (RMSprop, {}, 0.05, 0.01),
    "Adam": (Adam, {}, 0.1, 0.01),
}


def ravine(optimizer: gs.optimizers.Optimizer, steps: int) -> float:
    """What is left of f(w) = (w0^2 + 100 w1^2) / 2, which is 200.5 at the start (1, 2)."""
    w = np.array([1.0, 2.0])
    for _ in range(steps):
        optimizer.step(w, w * [1, 100])
    return float((w**2) @ [1, 100]) / 2


def network(optimizer: gs.optimizers.Optimizer, rows: int, epochs: int) -> tuple[float, float]:
    """Loss after the first and the last epoch."""
    gs.utils.set_random_seed(0)
    model = gs.Sequential([gs.layers.Dense(32, activation="relu"), gs.layers.Dense(1, activation="sigmoid")])
    model.compile(optimizer, loss="binary_crossentropy")
    losses = model.fit(*moons(rows), epochs=epochs, verbose=0).history["loss"]
    return losses[0], losses[-1]


def main(rows: int = 1000, epochs: int = 30, steps: int = 100) -> None:
    """Every rule on both problems."""
    print(f"ravine: f after {steps} steps; network: loss after 1 and {epochs} epochs\n")
    print("rule               ravine     network, first      last")
    for name, (rule, settings, steep, flat) in RULES.items():
        left = ravine(rule(steep, **settings), steps)
        first, last = network(rule(flat, **settings), rows, epochs)
        print(f"{name:14s} {left:10.2g} {first:18.3f} {last:9.3f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
