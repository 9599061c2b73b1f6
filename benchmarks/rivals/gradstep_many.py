"""Many models: `fit_many`, and a loop of fits."""

from __future__ import annotations

from typing import Any

import gradstep as gs
import numpy as np
from cases import many
from cases.adam import ADAM


class FitMany:
    """All together, models and all."""

    def __init__(self, problem: dict[str, Any]) -> None:
        self.problem, (self.x, self.y) = problem, many.data(problem)
        self.epochs, self.starts = problem["epochs"], many.weights(problem)
        self.steps_per_run = problem["models"] * self.epochs * (len(self.x) // many.BATCH)
        inputs, *hidden, classes = problem["layers"]
        layers = [gs.layers.Dense(units, activation="relu") for units in hidden]
        self.model = gs.Sequential([gs.Input((inputs,)), *layers, gs.layers.Dense(classes)])
        loss = gs.losses.SparseCategoricalCrossentropy(from_logits=True)
        self.model.compile(gs.optimizers.Adam(**ADAM), loss)

    def trained(self, x: np.ndarray, y: np.ndarray, epochs: int, shuffle: bool = True) -> list[Any]:
        given = {"batch_size": many.BATCH, "epochs": epochs, "shuffle": shuffle}
        count = len(self.starts)
        result = gs.fit_many(self.model, count, x, y, seeds=range(count), initial_weights=self.starts, **given)
        return list(result.models)

    def checked(self) -> np.ndarray:
        rows = many.CHECKED_STEPS * many.BATCH
        models = self.trained(self.x[:rows], self.y[:rows], 1, shuffle=False)
        return np.array([model.evaluate(self.x, self.y, batch_size=1000, verbose=0) for model in models])

    def run(self) -> None:
        self.trained(self.x, self.y, self.epochs)


class FitsInALoop(FitMany):
    """One after another, each on as many threads as its step is worth."""

    def trained(self, x: np.ndarray, y: np.ndarray, epochs: int, shuffle: bool = True) -> list[Any]:
        models = []
        for seed, start in enumerate(self.starts):
            gs.utils.set_random_seed(seed)
            model = gs.models.clone_model(self.model)
            model.compile_from_config(self.model.get_compile_config())
            model.set_weights(start)
            model.fit(x, y, many.BATCH, epochs, verbose=0, shuffle=shuffle)
            models.append(model)
        return models


CASES = {"many": {"fit_many": FitMany, "fit, in a loop": FitsInALoop}}
