"""Graphs in the API that gradstep and Keras share."""

from __future__ import annotations

from typing import Any, ClassVar

import gradstep
import numpy as np
from cases import graph
from cases.adam import ADAM


class Fit:
    """`fit` over an epoch."""

    library: ClassVar[Any] = gradstep

    def __init__(self, problem: dict[str, Any]) -> None:
        self.problem, self.batch = problem, problem["batch"]
        xs, ys = graph.data(problem)
        self.steps_per_run = len(xs[0]) // self.batch
        self.x, self.y = (each if len(each) > 1 else each[0] for each in (xs, ys))
        self.model = self._model()
        heads = len(ys) > 1
        rate, b1, b2, epsilon = ADAM.values()
        self.model.compile(
            optimizer=self.library.optimizers.Adam(rate, b1, b2, epsilon),
            loss=["mse", "mse"] if heads else "mse",
            loss_weights=[1.0, graph.HALF] if heads else None,
        )

    def _model(self) -> Any:
        units, kind, layers = self.problem["units"], self.problem["kind"], self.library.layers
        x = self.library.Input((units,))
        first, last = layers.Dense(units, "relu"), layers.Dense(units)
        second = layers.Dense(units, None if kind == "heads" else "relu")
        h, inputs = first(x), x
        if kind == "towers":
            inputs = [x, self.library.Input((units,))]
            outputs = last(layers.Add()([h, second(inputs[1])]))
        elif kind == "heads":
            outputs = [second(h), last(h)]
        else:
            z = second(h)
            outputs = last(layers.Add()([h, z]) if kind == "skip" else z)
        model = self.library.Model(inputs, outputs)
        arrays = graph.weights(self.problem)
        for i, layer in enumerate((first, second, last)):
            layer.set_weights(arrays[2 * i : 2 * i + 2])
        return model

    def checked(self) -> np.ndarray:
        part = lambda data, rows: [one[rows] for one in data] if isinstance(data, list) else data[rows]  # noqa: E731
        for rows in graph.checked_rows(self.problem):
            self.model.train_on_batch(part(self.x, rows), part(self.y, rows))
        found = self.model.evaluate(self.x, self.y, batch_size=1000, verbose=0)
        return np.array(found[0] if isinstance(found, list) else found)

    def run(self) -> None:
        self.model.fit(self.x, self.y, batch_size=self.batch, epochs=1, verbose=0)


CASES = {"graph": {"fit": Fit}}
