"""Networks trained with Adam's state in fewer bits: accuracy on rows that were held back, in the mean over seeds.

    python benchmarks/experiments/state_accuracy.py [--data images.npz] [--seeds 5]

Digits, which need scikit-learn, and images: an .npz with x (rows, 28, 28) uint8 and y (rows,), as `mlp` takes it.
"""

from __future__ import annotations

import argparse

import gradstep as gs
import numpy as np
from gradstep.layers import Dense, Rescaling

STATES = (None, "bfloat16", "int8")


def accuracy(x: np.ndarray, y: np.ndarray, units: tuple[int, ...], epochs: int, state: str | None, seed: int) -> float:
    """Of 784-256-128-64-10, or another such network: the share of the last fifth that is classified right."""
    gs.utils.set_random_seed(seed)
    hidden = [Dense(n, activation="relu") for n in units]
    model = gs.Sequential([gs.Input(x.shape[1:]), Rescaling(1 / float(x.max())), *hidden, Dense(10, "softmax")])
    model.compile(gs.optimizers.Adam(state_dtype=state), "sparse_categorical_crossentropy", metrics=["accuracy"])
    border = len(x) * 4 // 5
    model.fit(x[:border], y[:border], epochs=epochs, batch_size=32, verbose=0)
    return model.evaluate(x[border:], y[border:], verbose=0)[1]


def problems(data: str | None) -> dict[str, tuple[np.ndarray, np.ndarray, tuple[int, ...], int]]:
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    found = {"digits, 64-128-10": (x[order].astype("f4"), y[order], (128,), 30)}
    if data:
        images = np.load(data)
        rows = images["x"].reshape(len(images["x"]), -1)
        found["images, 784-256-128-64-10"] = (rows, images["y"].astype("i8"), (256, 128, 64), 8)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data")
    parser.add_argument("--seeds", type=int, default=5)
    args = parser.parse_args()
    print("| network | state | accuracy, % | over float32 |\n|---|---|---:|---:|")
    for name, problem in problems(args.data).items():
        plain = 0.0
        for state in STATES:
            mean = 100 * float(np.mean([accuracy(*problem, state, seed) for seed in range(args.seeds)]))
            plain = plain or mean
            print(f"| {name} | {state or 'float32'} | {mean:.2f} | {mean - plain:+.2f} |", flush=True)


if __name__ == "__main__":
    main()
