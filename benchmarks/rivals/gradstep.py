"""gradstep: the bound optimizers, and `fit`."""

from __future__ import annotations

from typing import Any

import gradstep as gs
import numpy as np
from cases import gemm, loop, mlp, rules, step
from cases.adam import ADAM

from . import (
    gradstep_cnn,
    gradstep_embedding,
    gradstep_extended,
    gradstep_graph,
    gradstep_many,
    gradstep_minimize,
    gradstep_options,
    gradstep_overhead,
    gradstep_recurrent,
    gradstep_sgd,
    gradstep_transformer,
)


def versions() -> dict[str, str]:
    return {"gradstep": f"{gs.__version__} {gs._core.build_info()['isa']}", "numpy": np.__version__}


class Step:
    steps_per_run = 1

    def __init__(self, problem: dict[str, Any]) -> None:
        self.params, self.grads = step.inputs(problem)
        # One array is bound as one array, the way it would be used.
        if len(self.params) == 1:
            bound, grads = self._bind(self.params[0]), self.grads[0]
        else:
            bound, grads = self._bind(self.params), self.grads
        step_ = bound.step
        self.run = lambda: step_(grads)

    def _bind(self, params: Any) -> Any:
        return gs.optimizers.Adam(**ADAM).bind(params)

    def checked(self) -> np.ndarray:
        for _ in range(step.CHECKED_STEPS):
            self.run()
        return np.concatenate(self.params)


class Rules:
    steps_per_run = 1

    def __init__(self, problem: dict[str, Any]) -> None:
        self.problem = problem
        self.w, self.grad = rules.inputs(problem)
        config = {"class_name": problem["optimizer"], "config": problem["config"]}
        step_, grad = gs.optimizers.deserialize(config).bind(self.w).step, self.grad
        self.run = lambda: step_(grad)

    def checked(self) -> np.ndarray:
        for _ in rules.checked_steps(self.grad):
            self.run()
        return rules.sampled(self.problem, self.w)


class Fit:
    def __init__(self, problem: dict[str, Any]) -> None:
        self.problem, self.batch = problem, problem["batch"]
        self.x, self.y = mlp.data(problem)
        self.steps_per_run = len(self.x) // self.batch
        hidden = [gs.layers.Dense(units, activation="relu") for units in mlp.SIZES[1:-1]]
        self.model = gs.Sequential([gs.Input((mlp.SIZES[0],)), *hidden, gs.layers.Dense(mlp.SIZES[-1])])
        loss = gs.losses.SparseCategoricalCrossentropy(from_logits=True)
        self.model.compile(optimizer=gs.optimizers.Adam(**ADAM), loss=loss)
        self.model.set_weights([array for pair in mlp.weights() for array in pair])

    def checked(self) -> np.ndarray:
        for rows in mlp.checked_rows(self.problem, len(self.x)):
            self.model.train_on_batch(self.x[rows], self.y[rows])
        return np.array(self.model.evaluate(self.x, self.y, batch_size=1000, verbose=0))

    def run(self) -> None:
        self.model.fit(self.x, self.y, batch_size=self.batch, epochs=1, verbose=0)


class Loop:
    steps_per_run = 1

    def __init__(self, problem: dict[str, Any]) -> None:
        self.loop = loop.Loop(problem)
        self.bound = gs.optimizers.Adam(**ADAM).bind(self.loop.params)

    def run(self) -> None:
        self.loop.gradients()
        self.bound.step(self.loop.grads)

    def checked(self) -> np.ndarray:
        for _ in range(loop.CHECKED_STEPS):
            self.run()
        return np.concatenate([p.ravel() for p in self.loop.params])


class LoopOneThread(Loop):
    def __init__(self, problem: dict[str, Any]) -> None:
        gs.set_num_threads(1)
        super().__init__(problem)


class Matmul(gemm.Products):
    def run(self) -> None:
        for a, b, out in self.products:
            gs._core.matmul(a, b, out)


CASES = {
    "step": {"bound": Step},
    "rules": {"bound": Rules},
    **gradstep_options.CASES,
    **gradstep_overhead.CASES,
    **gradstep_extended.CASES,
    **gradstep_minimize.CASES,
    **gradstep_cnn.CASES,
    **gradstep_recurrent.CASES,
    **gradstep_transformer.CASES,
    **gradstep_embedding.CASES,
    **gradstep_graph.CASES,
    **gradstep_sgd.CASES,
    **gradstep_many.CASES,
    "mlp": {"fit": Fit},
    "loop": {"threads": Loop, "one thread": LoopOneThread},
    "gemm": {"matmul": Matmul},
}
