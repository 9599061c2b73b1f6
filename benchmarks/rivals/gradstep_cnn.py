"""Convolutions, and networks of them in the API that gradstep and Keras share."""

from __future__ import annotations

from typing import Any, ClassVar

import gradstep
import numpy as np
from cases import cnn, conv
from cases.adam import ADAM


class Fit:
    """`fit` over an epoch."""

    library: ClassVar[Any] = gradstep

    def __init__(self, problem: dict[str, Any]) -> None:
        self.problem, self.batch = problem, problem["batch"]
        self.x, self.y = cnn.data()
        self.steps_per_run = len(self.x) // self.batch
        layers = self.library.layers
        self.model = self.library.Sequential(
            [
                self.library.Input((28, 28, 1)),
                layers.Conv2D(32, 3, activation="relu"),
                layers.MaxPooling2D(),
                layers.Conv2D(64, 3, activation="relu"),
                layers.MaxPooling2D(),
                layers.Flatten(),
                layers.Dense(128, activation="relu"),
                layers.Dense(10, activation="softmax"),
            ]
        )
        rate, b1, b2, epsilon = ADAM.values()
        optimizer = self.library.optimizers.Adam(rate, b1, b2, epsilon)
        self.model.compile(optimizer=optimizer, loss="sparse_categorical_crossentropy")
        self.model.set_weights(cnn.weights())

    def checked(self) -> np.ndarray:
        for rows in cnn.checked_rows(self.problem):
            self.model.train_on_batch(self.x[rows], self.y[rows])
        scored = slice(cnn.SCORED)
        return np.array(self.model.evaluate(self.x[scored], self.y[scored], batch_size=cnn.SCORED, verbose=0))

    def run(self) -> None:
        self.model.fit(self.x, self.y, batch_size=self.batch, epochs=1, verbose=0)


class Single:
    """A layer by itself."""

    steps_per_run = 1

    def __init__(self, problem: dict[str, Any]) -> None:
        self.back = problem["back"]
        self.x, kernel, self.dy = conv.inputs(problem)
        self.layer = gradstep.layers.Conv2D(kernel.shape[-1], 3, padding="same", use_bias=False)
        self.layer.build(self.x.shape)
        self.layer.set_weights([kernel])

    def run(self) -> Any:
        y = self.layer(self.x, training=self.back)
        if not self.back:
            return [y]
        dx, dws = self.layer.backward(self.dy)
        return [y, dx, *dws]

    def checked(self) -> np.ndarray:
        return conv.joined(*self.run())


CASES = {"cnn": {"fit": Fit}, "conv": {"layer": Single}}
