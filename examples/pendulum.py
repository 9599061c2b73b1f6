"""Adam, then L-BFGS
=================

A network that fits a measured pendulum: Adam alone, and Adam with L-BFGS, BFGS or Levenberg-Marquardt behind it.

The angle swings with friction, theta'' = -c theta' - g/l sin(theta), and is measured with little noise. All runs begin
with the same weights and the same epochs of Adam in batches; those that follow take all rows in each step. Adam alone
goes on with as many epochs as the others had evaluations of all rows, so that all have computed as much.
"""

import sys

import gradstep as gs
import numpy as np
from gradstep.minimizers import BFGS, LBFGS, LevenbergMarquardt, Sequence


def swing(rows: int, friction: float = 0.3, pull: float = 9.81) -> tuple[np.ndarray, np.ndarray]:
    """Times in [-1, 1], which are 8 seconds, and angles in radians: Runge and Kutta's method, and noise of 0.001."""
    state, step, angles = np.array([2.0, 0.0]), 8 / (rows - 1), []

    def change(s: np.ndarray) -> np.ndarray:
        return np.array([s[1], -friction * s[1] - pull * np.sin(s[0])])

    for _ in range(rows):
        angles.append(state[0])
        a = change(state)
        b = change(state + step / 2 * a)
        c = change(state + step / 2 * b)
        d = change(state + step * c)
        state = state + step / 6 * (a + 2 * b + 2 * c + d)
    noise = np.random.default_rng(0).normal(0, 0.001, rows)
    return np.linspace(-1, 1, rows)[:, None], (np.array(angles) + noise)[:, None]


def network(optimizer: object) -> gs.Sequential:
    """1-16-16-1 in float64, 321 weights; always the same at first."""
    gs.utils.set_random_seed(1)
    model = gs.Sequential(
        [
            gs.Input((1,)),
            gs.layers.Dense(16, "tanh", dtype="float64"),
            gs.layers.Dense(16, "tanh", dtype="float64"),
            gs.layers.Dense(1, dtype="float64"),
        ]
    )
    model.compile(optimizer, "mse")
    return model


def main(rows: int = 256, first: int = 200, steps: int = 400) -> None:
    """Adam for `first` epochs, then `steps` iterations of another method, or Adam on."""
    t, angles = swing(rows)
    print(f"mean squared error after {first} epochs of Adam, and at the end; noise: 1.0e-06\n")
    most = 0
    for method in (LBFGS(m=20), BFGS(), LevenbergMarquardt()):
        model = network(Sequence(gs.optimizers.Adam(0.01), method, switch=first))
        losses = model.fit(t, angles, epochs=first + steps, verbose=0).history["loss"]
        evaluations = model.optimizer.nfev
        most = max(most, evaluations)
        name = f"then {method.name}"
        print(f"{name:26s} {losses[first - 1]:.1e}  {losses[-1]:.1e}   {evaluations} evaluations")
    losses = network(gs.optimizers.Adam(0.01)).fit(t, angles, epochs=first + most, verbose=0).history["loss"]
    print(f"{'Adam alone':26s} {losses[first - 1]:.1e}  {losses[-1]:.1e}   {most} further epochs")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
