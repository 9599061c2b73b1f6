"""A table of vectors, trained in the API that gradstep and Keras share."""

from __future__ import annotations

from typing import Any, ClassVar

import gradstep
import numpy as np
from cases import embedding
from cases.adam import ADAM


class Fit:
    """`fit` over an epoch."""

    library: ClassVar[Any] = gradstep

    def __init__(self, problem: dict[str, Any]) -> None:
        self.problem, self.batch = problem, problem["batch"]
        self.x, self.y = embedding.data(problem)
        self.steps_per_run = len(self.x) // self.batch
        layers = self.library.layers
        table = layers.Embedding(problem["ids"], problem["n"])
        inputs = self.library.Input((embedding.STEPS,), dtype="int32")
        self.model = self.library.Sequential([inputs, table, layers.GlobalAveragePooling1D(), layers.Dense(1)])
        rate, b1, b2, epsilon = ADAM.values()
        self.model.compile(optimizer=self.library.optimizers.Adam(rate, b1, b2, epsilon), loss="mse")
        self.model.set_weights(embedding.weights(problem))

    def checked(self) -> np.ndarray:
        for rows in embedding.checked_rows(self.problem):
            self.model.train_on_batch(self.x[rows], self.y[rows])
        scored = slice(embedding.SCORED)
        return np.array(self.model.evaluate(self.x[scored], self.y[scored], batch_size=embedding.SCORED, verbose=0))

    def run(self) -> None:
        self.model.fit(self.x, self.y, batch_size=self.batch, epochs=1, verbose=0)


CASES = {"embedding": {"fit": Fit}}
