"""A block of a transformer in the API that gradstep and Keras share."""

from __future__ import annotations

from typing import Any, ClassVar

import gradstep
import numpy as np
from cases import transformer
from cases.adam import ADAM


class Fit:
    """`fit` over an epoch."""

    library: ClassVar[Any] = gradstep

    def __init__(self, problem: dict[str, Any]) -> None:
        self.problem, self.batch = problem, problem["batch"]
        self.x, self.y = transformer.data()
        self.steps_per_run = len(self.x) // self.batch
        layers = self.library.layers
        x = self.library.Input((transformer.LENGTH, transformer.WIDTH))
        attended = layers.MultiHeadAttention(transformer.HEADS, transformer.WIDTH // transformer.HEADS)(x, x)
        h = layers.LayerNormalization(epsilon=transformer.EPSILON)(layers.Add()([x, attended]))
        inner = layers.Dense(transformer.WIDTH)(layers.Dense(transformer.INNER, activation="gelu")(h))
        h = layers.LayerNormalization(epsilon=transformer.EPSILON)(layers.Add()([h, inner]))
        self.model = self.library.Model(x, layers.Dense(1)(layers.GlobalAveragePooling1D()(h)))
        rate, b1, b2, epsilon = ADAM.values()
        self.model.compile(optimizer=self.library.optimizers.Adam(rate, b1, b2, epsilon), loss="mse")
        self.model.set_weights(transformer.weights())

    def checked(self) -> np.ndarray:
        for rows in transformer.checked_rows(self.problem):
            self.model.train_on_batch(self.x[rows], self.y[rows])
        n = transformer.SCORED
        return np.array(self.model.evaluate(self.x[:n], self.y[:n], batch_size=n, verbose=0))

    def run(self) -> None:
        self.model.fit(self.x, self.y, batch_size=self.batch, epochs=1, verbose=0)


CASES = {"transformer": {"fit": Fit}}
