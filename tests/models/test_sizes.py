"""Wide, deep and odd networks: `fit` is as right as NumPy, and gives the same bits for any number of threads.

All but the chain of single units have work for 16 threads (`Pass::threads`: a thread for each 2^19 multiplications).
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import gradstep as gs
import numpy as np
import pytest
from reference.training import train as numpy_train
from threads import same_at_any_number_of_threads
from training import snapshot

CROSS_ENTROPY, SQUARES = "categorical_crossentropy", "mean_squared_error"
Layers = tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class Case:
    inputs: int
    layers: Layers
    rows: int
    batch: int
    loss: str = CROSS_ENTROPY
    rate: float = 0.05  # so that no probability comes below 1e-7, where the loss of the oracle is cut off

    def data(self, dtype: str) -> tuple[np.ndarray, np.ndarray]:
        random = np.random.default_rng(11)
        x, outputs = random.normal(size=(self.rows, self.inputs)), self.layers[-1][0]
        if self.loss == CROSS_ENTROPY:
            return x.astype(dtype), np.eye(outputs, dtype=dtype)[random.integers(0, outputs, self.rows)]
        return x.astype(dtype), random.normal(size=(self.rows, outputs)).astype(dtype)

    def model(self, dtype: str) -> gs.Sequential:
        gs.utils.set_random_seed(2)
        dense = [gs.layers.Dense(n, activation, dtype=dtype) for n, activation in self.layers]
        model = gs.Sequential([gs.Input((self.inputs,)), *dense])
        model.compile(gs.optimizers.SGD(self.rate, momentum=0.9), self.loss)
        return model


ODD: Layers = ((1031, "relu"), (3, "softmax"))
CASES = {
    "wide": Case(67, ((4096, "relu"), (1031, "relu"), (3, "softmax")), rows=11, batch=8, rate=2e-3),
    "deep": Case(161, (*((160, "tanh"),) * 19, (3, "softmax")), rows=60, batch=32),
    "one unit": Case(1, ((1, "tanh"), (1, "tanh"), (1, "linear")), rows=45, batch=7, loss=SQUARES),
    "one unit between": Case(1031, ((1031, "tanh"), (1, "tanh"), (515, "linear")), rows=20, batch=8, loss=SQUARES),
    "batch 7": Case(515, ODD, rows=28, batch=7, rate=0.01),
    "short last batch": Case(515, ODD, rows=45, batch=32, rate=0.01),
    "last batch of one row": Case(515, ODD, rows=33, batch=32, rate=0.01),
    "batch 1": Case(515, ODD, rows=9, batch=1, rate=2e-3),
    "batch above rows": Case(515, ODD, rows=10, batch=100, rate=0.01),
}


@pytest.fixture(params=[pytest.param(name, marks=[pytest.mark.slow] * (name == "wide")) for name in CASES])
def case(request: pytest.FixtureRequest) -> Iterator[Case]:
    yield CASES[request.param]
    gc.collect()  # 4096 wide, a test holds 300 MB


def error(found: list[np.ndarray], exact: list[np.ndarray]) -> float:
    """Root of the mean square over all weights."""
    squares = sum(float(((a.astype(float) - b) ** 2).sum()) for a, b in zip(found, exact, strict=True))
    return float(np.sqrt(squares / sum(b.size for b in exact)))


def test_an_epoch_equals_numpy(case: Case, dtype: np.dtype) -> None:
    """The yardstick is the same loop in NumPy in float32, and its own distance from float64.

    Both round alike, in another order: sums of the same lengths, tiles against pairs. 4 times its error is a wrong
    formula, not another order. In float64 everything is smaller by the ratio of the units of rounding, 2^-29; but the
    oracle has errors of that size itself, which doubles it. The unit of the weights is there for the chain of single
    units, whose few numbers NumPy may by chance get exactly.
    """
    x, y = case.data(dtype.name)
    model = case.model(dtype.name)
    start = model.get_weights()
    history = model.fit(x, y, case.batch, shuffle=False, verbose=0).history

    def by_hand(precision: str) -> tuple[list[np.ndarray], list[float]]:
        w = [weight.astype(precision) for weight in start]
        network = list(zip(w[::2], w[1::2], (f for _, f in case.layers), strict=True))
        options: dict[str, Any] = {"learning_rate": case.rate, "momentum": 0.9}
        found = numpy_train(
            network, case.loss, x.astype(precision), y.astype(precision), case.batch, 1, "Momentum", options
        )
        assert found[0][0].dtype == precision  # else it is no yardstick
        return found

    exact, losses = by_hand("float64")
    plain, plain_losses = by_hand("float32")
    single, unit = np.finfo("float32").eps, np.finfo(dtype).eps
    scale = 4 * unit / single * (1 if dtype == np.float32 else 2)
    size = float(np.sqrt(np.mean([np.mean(w**2) for w in exact])))
    assert error(model.weights, exact) <= scale * (error(plain, exact) + single * size)
    assert abs(history["loss"][0] - losses[0]) <= scale * (abs(plain_losses[0] - losses[0]) + single * losses[0])
    assert model.optimizer is not None
    assert model.optimizer.iterations == -(-case.rows // case.batch)


def test_same_bits_for_any_number_of_threads(case: Case, dtype: np.dtype) -> None:
    """Weights, state, losses and outputs of an epoch in shuffled order."""
    x, y = case.data(dtype.name)

    def trained() -> tuple[bytes, dict[str, list[float]], np.ndarray]:
        model = case.model(dtype.name)
        history = model.fit(x, y, case.batch, verbose=0).history
        return snapshot(model), history, model.predict(x, case.batch, verbose=0)

    same_at_any_number_of_threads(trained, (1, 2, 3, 8, 16))
