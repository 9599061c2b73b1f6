"""Batch, mini-batch and stochastic gradient descent
=================================================

Batch, mini-batch and stochastic gradient descent: the same network, the same passes over the data.

A batch of all rows makes one step a pass, along the exact gradient; a batch of one row makes a step a row, along a
noisy one; mini-batches lie between, and are what computers like best.
"""

import sys
from time import perf_counter

import gradstep as gs
from data import moons


def network() -> gs.Sequential:
    """The same initial weights at each call."""
    gs.utils.set_random_seed(1)
    return gs.Sequential(
        [gs.Input((2,)), gs.layers.Dense(32, activation="tanh"), gs.layers.Dense(1, activation="sigmoid")]
    )


def main(rows: int = 2000, epochs: int = 20) -> None:
    """Train three times."""
    x, y = moons(rows)
    print(f"{rows} rows, {epochs} epochs, learning rate 0.1\n")
    print("descent       batch   steps   seconds   loss after 1 epoch   at the end   accuracy")
    for name, batch in (("batch", "full"), ("mini-batch", 32), ("stochastic", 1)):
        model = network()
        model.compile(gs.optimizers.SGD(0.1), loss="binary_crossentropy", metrics=["accuracy"])
        begin = perf_counter()
        history = model.fit(x, y, batch_size=batch, epochs=epochs, verbose=0).history
        seconds = perf_counter() - begin
        first, last, right = history["loss"][0], history["loss"][-1], history["accuracy"][-1]
        steps = model.optimizer.iterations
        print(f"{name:12s} {batch:>6}  {steps:6d}  {seconds:8.3f}  {first:19.3f}  {last:11.3f}  {right:9.3f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
