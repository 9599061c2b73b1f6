"""A layer of your own
===================

A layer of your own in NumPy between the engine's: units that answer to points near their centres.

`forward` and `backward` are all it takes; central differences say whether `backward` is right. The layer is trained,
saved and loaded as any other.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import gradstep as gs
import numpy as np
from data import moons


class Radial(gs.layers.Layer):
    """y = exp(-|x - c|^2 / (2 width^2)) for each of its centres c, which are trained."""

    def __init__(self, units: int, width: float = 0.5, **common: object) -> None:
        super().__init__(**common)
        self.units, self.width = units, width

    def build(self, input_shape: tuple) -> None:
        """The centres begin at random places: x (rows, n) -> centres (n, units)."""
        self.centres = self.add_weight(
            (input_shape[-1], self.units), gs.initializers.RandomUniform(-1, 1), name="centres"
        )

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        """x (rows, n) -> y (rows, units)."""
        self.away = x[:, :, None] - self.centres
        self.y = np.exp(-(self.away**2).sum(1) / (2 * self.width**2))
        return self.y

    def backward(self, dy: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
        """dy (rows, units) -> dx (rows, n), and the gradient of the centres."""
        slope = (dy * self.y)[:, None] * self.away / self.width**2
        return -slope.sum(2), [slope.sum(0)]


def difference(model: gs.Sequential, x: np.ndarray, y: np.ndarray) -> float:
    """The largest error of the centres' gradient against central differences."""
    (centres, *_), (_, (slope, *_)) = model.weights, model.value_and_grad(x, y)
    worst = 0.0
    for place in np.ndindex(centres.shape):
        values, start = [], centres[place]
        for shift in (1e-5, -1e-5):
            centres[place] = start + shift
            values.append(model.value_and_grad(x, y)[0])
        centres[place] = start
        worst = max(worst, abs((values[0] - values[1]) / 2e-5 - slope[place]))
    return worst


def main(rows: int = 1000, epochs: int = 30) -> None:
    """Check, train, save, load."""
    gs.utils.set_random_seed(0)
    x, y = moons(rows)
    model = gs.Sequential(
        [Radial(12, input_shape=(2,), dtype="float64"), gs.layers.Dense(1, "sigmoid", dtype="float64")]
    )
    model.compile(gs.optimizers.Adam(0.02), loss="binary_crossentropy", metrics=["accuracy"])
    print(f"gradient against central differences: off by {difference(model, x[:50], y[:50]):.1e} at most")
    history = model.fit(x, y, epochs=epochs, verbose=0).history
    print(f"loss: {history['loss'][0]:.3f} after 1 epoch, {history['loss'][-1]:.3f} after {epochs}")
    print(f"accuracy on new points: {model.evaluate(*moons(1000, seed=1), verbose=0)[1]:.3f}")
    with TemporaryDirectory() as folder:
        model.save(Path(folder) / "radial.gradstep")
        loaded = gs.models.load_model(Path(folder) / "radial.gradstep", custom_objects={"Radial": Radial})
    print(f"the loaded model predicts the same: {(loaded.predict(x, verbose=0) == model.predict(x, verbose=0)).all()}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
