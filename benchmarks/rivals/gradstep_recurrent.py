"""Recurrent layers in the API that gradstep and Keras share."""

from __future__ import annotations

from typing import Any, ClassVar

import gradstep
import numpy as np
from cases import recurrent
from cases.adam import ADAM


class Fit:
    """`fit` over an epoch."""

    library: ClassVar[Any] = gradstep

    def __init__(self, problem: dict[str, Any]) -> None:
        self.problem, self.batch = problem, problem["batch"]
        self.x, self.y = recurrent.data()
        self.steps_per_run = len(self.x) // self.batch
        layers = self.library.layers
        kind, entrance = recurrent.KINDS[problem["kind"]], self.library.Input((recurrent.STEPS, recurrent.INPUTS))
        inner = [getattr(layers, kind.cell)(kind.units, return_sequences=True) for _ in range(kind.layers - 1)]
        last = getattr(layers, kind.cell)(kind.units)
        last = layers.Bidirectional(last) if kind.both else last
        self.model = self.library.Sequential([entrance, *inner, last, layers.Dense(1)])
        rate, b1, b2, epsilon = ADAM.values()
        self.model.compile(optimizer=self.library.optimizers.Adam(rate, b1, b2, epsilon), loss="mse")
        self.model.set_weights(recurrent.weights(problem))

    def checked(self) -> np.ndarray:
        for rows in recurrent.checked_rows(self.problem):
            self.model.train_on_batch(self.x[rows], self.y[rows])
        scored = slice(recurrent.SCORED)
        return np.array(self.model.evaluate(self.x[scored], self.y[scored], batch_size=recurrent.SCORED, verbose=0))

    def run(self) -> None:
        self.model.fit(self.x, self.y, batch_size=self.batch, epochs=1, verbose=0)


CASES = {case: {"fit": Fit} for case in ("lstm", "gru", "bilstm", "stacked")}
