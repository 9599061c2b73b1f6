"""A learning rate found in one sweep: raise it at every step, and look where the loss falls fastest.

Too small a rate does nothing, too large a one throws the weights away; between them is a range of some powers of ten.
A tenth of the rate at which the loss is lowest lies well inside it.
"""

import sys

import gradstep as gs
import numpy as np
from data import digits


def network() -> gs.Sequential:
    """The same initial weights at each call."""
    gs.utils.set_random_seed(0)
    model = gs.Sequential(
        [
            gs.Input((28, 28)),
            gs.layers.Rescaling(1 / 255),
            gs.layers.Flatten(),
            gs.layers.Dense(64, activation="relu"),
            gs.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(gs.optimizers.SGD(momentum=0.9), loss="sparse_categorical_crossentropy")
    return model


def sweep(x: np.ndarray, y: np.ndarray, steps: int = 120) -> tuple[np.ndarray, np.ndarray]:
    """Learning rates, and the smoothed loss that was met at each, until it explodes."""
    model, draw = network(), np.random.default_rng(0)
    rates, losses, mean = np.geomspace(1e-5, 10, steps), [], None
    for rate in rates:
        model.optimizer.learning_rate = rate
        batch = draw.integers(0, len(x), 32)
        loss = model.train_on_batch(x[batch], y[batch])
        mean = loss if mean is None else 0.9 * mean + 0.1 * loss
        losses.append(mean)
        if not mean < 4 * min(losses):
            break
    return rates[: len(losses)], np.array(losses)


def main(rows: int = 2000) -> None:
    """Sweep, choose, and train with what was chosen, with less and with more."""
    x, y = digits(rows)
    rates, losses = sweep(x, y)
    for rate, loss in list(zip(rates, losses, strict=True))[::8]:
        print(f"{rate:9.2g}  {loss:6.3f}  {'#' * int(12 * loss)}"[:100])
    found = rates[losses.argmin()] / 10
    print(f"\nfound learning rate: {found:.2g}; the loss after 3 epochs with")
    for rate in (found / 100, found, 100 * found):
        model = network()
        model.optimizer.learning_rate = rate
        print(f"{rate:9.2g}: {model.fit(x, y, epochs=3, verbose=0).history['loss'][-1]:.3f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
