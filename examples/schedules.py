"""Learning-rate schedules
=======================

Learning rates that change: decay, cosine, cycles, one cycle, and those that a callback sets.

All runs begin with the same weights. A large rate gets near quickly, then jumps about; what falls in the end settles.
"""

import sys

import gradstep as gs
import numpy as np
from data import moons
from gradstep.optimizers import schedules


def train(learning_rate: object, x: np.ndarray, y: np.ndarray, epochs: int, callbacks: list | None = None) -> float:
    """Loss at the end, over all rows."""
    gs.utils.set_random_seed(2)
    model = gs.Sequential([gs.layers.Dense(32, activation="tanh"), gs.layers.Dense(1, activation="sigmoid")])
    model.compile(gs.optimizers.SGD(learning_rate, momentum=0.9), loss="binary_crossentropy")
    model.fit(x, y, epochs=epochs, callbacks=callbacks, verbose=0)
    return model.evaluate(x, y, verbose=0)


def main(rows: int = 1000, epochs: int = 20) -> None:
    """Train with each schedule."""
    x, y = moons(rows)
    steps = epochs * -(-rows // 32)
    chosen = {
        "constant": schedules.Constant(0.3),
        "exponential decay": schedules.ExponentialDecay(0.3, decay_steps=steps, decay_rate=0.01),
        "step decay": schedules.StepDecay(0.3, steps // 4, 0.3),
        "cosine": schedules.CosineDecay(0.3, steps),
        "warm-up, cosine": schedules.CosineDecay(0.0, steps - 20, warmup_target=0.3, warmup_steps=20),
        "cycles": schedules.CyclicalLR(0.003, 0.3, steps // 4),
        "one cycle": schedules.OneCycle(0.3, steps),
    }
    print(f"learning rate at five moments of {steps} steps, and the loss at the end\n")
    for name, schedule in chosen.items():
        rates = "  ".join(f"{rate:7.4f}" for rate in schedule(np.linspace(0, steps - 1, 5).astype(int)))
        print(f"{name:18s} {rates}   loss {train(schedule, x, y, epochs):.4f}")

    plateau = gs.callbacks.ReduceLROnPlateau(monitor="loss", factor=0.3, patience=2)
    print(f"{'on a plateau':18s} {'a callback lowers it where the loss stalls':43s}   ", end="")
    print(f"loss {train(0.3, x, y, epochs, [plateau]):.4f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
