"""gradstep's rows of the case `overhead`."""

from __future__ import annotations

import io
import os
import tempfile
from contextlib import redirect_stdout
from typing import Any

import gradstep as gs
import numpy as np
from cases import mlp, overhead
from cases.adam import ADAM

from . import gradstep_graph


class Terminal(io.StringIO):
    """Takes a live progress bar, as a terminal does."""

    def isatty(self) -> bool:
        return True


def network(library: Any) -> Any:
    """The network of `mlp` in Keras's names, compiled."""
    layers = [library.layers.Dense(units, activation="relu") for units in mlp.SIZES[1:-1]]
    model = library.Sequential([library.Input((mlp.SIZES[0],)), *layers, library.layers.Dense(mlp.SIZES[-1])])
    loss = library.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=library.optimizers.Adam(**ADAM), loss=loss)
    model.set_weights([array for pair in mlp.weights() for array in pair])
    return model


class Names:
    """What a user of Keras writes."""

    library: Any = gs
    graph: Any = gradstep_graph.Fit
    file = "model.gradstep"  # in the library's own format

    def __init__(self, problem: dict[str, Any]) -> None:
        self.problem = problem
        self.x, self.y = overhead.data(problem)
        self.trained = self.graph(problem["graph"]) if "graph" in problem else None
        self.model = self.trained.model if self.trained else network(self.library)
        self.steps_per_run = len(self.x) // problem["batch"] if problem["kind"] == overhead.FIT else 1
        self.run = {overhead.FIT: self.fit, overhead.TRAIN: self.train, overhead.PREDICT: self.predict}[problem["kind"]]

    def checked(self) -> np.ndarray:
        if self.trained:
            return self.trained.checked()
        x, y = mlp.data(self.problem)
        for rows in mlp.checked_rows(self.problem, len(x)):
            self.model.train_on_batch(x[rows], y[rows])
        return np.array(self.model.evaluate(x, y, batch_size=1000, verbose=0))

    def fit(self) -> None:
        callbacks = self.library.callbacks
        with tempfile.TemporaryDirectory() as folder, redirect_stdout(Terminal()):
            given = [
                callbacks.EarlyStopping("loss", patience=3),
                callbacks.ModelCheckpoint(os.path.join(folder, self.file)),
            ]
            self.model.fit(self.x, self.y, batch_size=self.problem["batch"], epochs=1, verbose=1, callbacks=given)

    def train(self) -> None:
        self.model.train_on_batch(self.x, self.y)

    def predict(self) -> None:
        self.model.predict(self.x, verbose=0)


class Engine(Names):
    """The engine's own calls, with arrays that were checked before."""

    def checked(self) -> np.ndarray:
        result = super().checked()
        model = self.model
        rows = model._data.rows(self.x, self.y)
        batch = self.problem["batch"] if self.problem["kind"] == overhead.FIT else 1
        self.pass_ = model._executor.run(rows, batch, True)
        self.network, self.ready = model._executor.network, rows.x
        self.out = model.predict(self.x[:1], verbose=0)
        self.number = 0
        return result

    def fit(self) -> None:
        self.number += 1
        self.pass_.start(self.model._trainer.order(self.number, len(self.x)), self.number)
        self.pass_.advance(1e6)

    def train(self) -> None:
        self.pass_.start(None, 0)
        self.pass_.advance(0.0)

    def predict(self) -> None:
        self.network.predict(self.ready, self.out, 1, 0, 0.0)


CASES = {"overhead": {"engine": Engine, "Keras's names": Names}}
