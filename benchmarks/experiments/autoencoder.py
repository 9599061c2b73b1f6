"""K-FAC beside Nesterov's momentum on a deep autoencoder of digits: how many updates each needs, and what one costs.

    python benchmarks/experiments/autoencoder.py --data mnist_test.npz [--passes 20] [--batch 500] [--quick]

784-250-30-250-784, sigmoid, cross-entropy of pixels, after Hinton & Salakhutdinov 2006 and Martens & Grosse 2015. Each
optimizer is tuned by as many runs over as many passes, and the best run counts; the loss is that of all images after a
pass. The file has `x`, images of 28 x 28 bytes. Then what a step costs beside one of Adam, on 784-256-128-64-10.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time
from collections.abc import Callable
from typing import Any

import gradstep as gs
import numpy as np

UNITS = (250, 30, 250, 784)
CLASSIFIER = (256, 128, 64, 10)
# Three by three settings each. K-FAC's steps are bounded, so that its rate is 1; the factors change fast at first.
GRIDS: dict[str, tuple[Callable[..., Any], dict[str, tuple[float, ...]]]] = {
    "nesterov": (
        lambda **chosen: gs.optimizers.SGD(nesterov=True, **chosen),
        {"learning_rate": (16.0, 32.0, 64.0), "momentum": (0.9, 0.95, 0.97)},
    ),
    "kfac": (
        lambda **chosen: gs.optimizers.KFAC(learning_rate=1.0, momentum=0.5, inverse_period=5, seed=1, **chosen),
        {"damping": (1e-4, 3e-4, 1e-3), "kl_clip": (0.01, 0.03, 0.1)},
    ),
}


def autoencoder() -> gs.Sequential:
    """The network, with the same weights in every run."""
    gs.utils.set_random_seed(1)
    model = gs.Sequential([gs.Input((784,)), *(gs.layers.Dense(units, "sigmoid") for units in UNITS)])
    model.build()
    return model


def trained(make: Callable[..., Any], x: np.ndarray, chosen: dict[str, float], passes: int, batch: int) -> list[float]:
    """The loss of all images after each pass; infinite once it is not a number."""
    model = autoencoder()
    model.compile(make(**chosen), loss="binary_crossentropy")
    losses = []
    for epoch in range(passes):
        model.fit(x, x, batch_size=batch, initial_epoch=epoch, epochs=epoch + 1, verbose=0)
        losses.append(float(model.evaluate(x, x, batch_size=1000, verbose=0)))
        if not np.isfinite(losses[-1]):
            return losses + [float("inf")] * (passes - len(losses))
    return losses


def tuned(name: str, x: np.ndarray, passes: int, batch: int) -> tuple[dict[str, float], list[float], float]:
    """The best settings of a grid, their losses, and the seconds of a pass, evaluation included."""
    make, grid = GRIDS[name]
    found = []
    for values in itertools.product(*grid.values()):
        chosen = dict(zip(grid, values, strict=True))
        begin = time.perf_counter()
        losses = trained(make, x, chosen, passes, batch)
        found.append((min(losses), chosen, losses, (time.perf_counter() - begin) / passes))
        print(f"  {name:9s} {chosen}: {min(losses):.5f} after {passes} passes", flush=True)
    _, chosen, losses, seconds = min(found, key=lambda one: one[0])
    return chosen, losses, seconds


def step_seconds(optimizers: dict[str, Callable[[], Any]], batch: int, rounds: int) -> dict[str, float]:
    """Medians of a step on 784-256-128-64-10, the optimizers by turns."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((100 * batch, 784)).astype(np.float32), rng.integers(0, 10, 100 * batch)
    models = {}
    for name, make in optimizers.items():
        units = [gs.layers.Dense(n, "relu") for n in CLASSIFIER[:-1]]
        models[name] = gs.Sequential([gs.Input((784,)), *units, gs.layers.Dense(CLASSIFIER[-1], "softmax")])
        models[name].compile(make(), loss="sparse_categorical_crossentropy")
        models[name].fit(x, y, batch_size=batch, verbose=0)
    times: dict[str, list[float]] = {name: [] for name in models}
    for _ in range(rounds):
        for name, model in models.items():
            begin = time.perf_counter()
            model.fit(x, y, batch_size=batch, verbose=0)
            times[name].append((time.perf_counter() - begin) / 100)
    return {name: statistics.median(one) for name, one in times.items()}


def main() -> None:
    """Both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="a .npz file with images x; without, only the costs of steps")
    parser.add_argument("--passes", type=int, default=20)
    parser.add_argument("--batch", type=int, default=500)
    parser.add_argument("--quick", action="store_true", help="few images, two passes")
    given = parser.parse_args()
    if given.data:
        with np.load(given.data) as file:
            x = (file["x"].reshape(-1, 784) / np.float32(255)).astype(np.float32)
        passes = 2 if given.quick else given.passes
        x = x[:1000] if given.quick else x
        updates = -(-len(x) // given.batch)
        results = {name: tuned(name, x, passes, given.batch) for name in GRIDS}
        goal = min(results["nesterov"][1])
        print(f"\n{len(x)} images, batches of {given.batch}, {updates} updates a pass; the goal is {goal:.5f}")
        for name, (chosen, losses, seconds) in results.items():
            first = next((i + 1 for i, loss in enumerate(losses) if loss <= goal), None)
            reached = "not reached" if first is None else f"{first} passes, {first * updates} updates"
            print(f"{name:9s} {chosen}: best {min(losses):.5f}, goal: {reached}; {1000 * seconds:.0f} ms a pass")
            print("          " + " ".join(f"{loss:.4f}" for loss in losses))
    costs = step_seconds({"adam": gs.optimizers.Adam, "kfac": gs.optimizers.KFAC}, 128, 2 if given.quick else 15)
    print(f"\na step of 784-256-128-64-10 at batches of 128, {gs.get_num_threads()} threads:")
    for name, seconds in costs.items():
        print(f"{name:9s} {1000 * seconds:.2f} ms, {seconds / costs['adam']:.2f} of Adam's")


if __name__ == "__main__":
    main()
