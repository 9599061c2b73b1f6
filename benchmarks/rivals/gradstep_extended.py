"""gradstep's rows of the case `extended`."""

from __future__ import annotations

from typing import Any

import gradstep as gs
import numpy as np
from cases import extended, mlp
from cases.adam import ADAM

from .gradstep_overhead import network


class NumpyReLU(gs.layers.Layer):
    """As a user writes it."""

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        self.x = x
        return extended.forward(x)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return extended.backward(self.x, dy)


def adam() -> Any:
    return gs.optimizers.Adam(**ADAM)


class Fit:
    """An epoch of `fit`."""

    def __init__(self, problem: dict[str, Any]) -> None:
        self.problem = problem
        self.x, self.y = extended.data(problem)
        self.steps_per_run = len(self.x) // problem["batch"]
        self.model = network(gs)
        self.model.compile(optimizer=self.optimizer(), loss=self.model.loss)

    def optimizer(self) -> Any:
        return adam()

    def checked(self) -> np.ndarray:
        for rows in mlp.checked_rows(self.problem, len(self.x)):
            self.model.train_on_batch(self.x[rows], self.y[rows])
        return np.array(self.model.evaluate(self.x, self.y, batch_size=1000, verbose=0))

    def run(self) -> None:
        self.model.fit(self.x, self.y, batch_size=self.problem["batch"], epochs=1, verbose=0)


class WithSAM(Fit):
    def optimizer(self) -> Any:
        return gs.optimizers.SAM(adam(), rho=extended.RHO)


class WithLookahead(Fit):
    def optimizer(self) -> Any:
        return gs.optimizers.Lookahead(adam(), extended.PERIOD, extended.SLOW)


class WithMultiOptimizer(Fit):
    def optimizer(self) -> Any:
        return gs.optimizers.MultiOptimizer({"*/bias": adam(), "*": adam()})


class WithLayer(Fit):
    """The last ReLU in NumPy."""

    def __init__(self, problem: dict[str, Any]) -> None:
        super().__init__(problem)
        plain, widths = self.model, mlp.SIZES[1:-1]
        layers = [gs.layers.Dense(units, activation="relu") for units in widths[:-1]]
        layers += [gs.layers.Dense(widths[-1]), NumpyReLU(), gs.layers.Dense(mlp.SIZES[-1])]
        self.model = gs.Sequential([gs.Input((mlp.SIZES[0],)), *layers])
        self.model.compile(optimizer=adam(), loss=plain.loss)
        self.model.set_weights(plain.get_weights())


class Work(WithLayer):
    """What that layer computes in a step, on arrays that are there."""

    def run(self) -> None:
        x, dy = self.values, self.slopes
        for _ in range(self.steps_per_run):
            extended.forward(x)
            extended.backward(x, dy)

    def checked(self) -> np.ndarray:
        rng, shape = np.random.default_rng(4), (self.problem["batch"], mlp.SIZES[-2])
        self.values, self.slopes = (rng.standard_normal(shape, np.float32) for _ in range(2))
        return super().checked()


CASES = {
    "extended": {
        extended.PLAIN: Fit,
        extended.SAM: WithSAM,
        extended.LOOKAHEAD: WithLookahead,
        extended.MULTI: WithMultiOptimizer,
        extended.LAYER: WithLayer,
        extended.WORK: Work,
    }
}
