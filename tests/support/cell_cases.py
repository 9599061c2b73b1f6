"""Models of cells, the same here and in Keras."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

ROWS, STEPS, INPUTS = 12, 5, 3


class Case(NamedTuple):
    model: Callable[[Any, Any], Any]  # from the library and its custom cell
    row: tuple[int, ...] = (STEPS, INPUTS)
    targets: tuple[int, ...] = (1,)


def own_cell(library: Any) -> Any:
    """A cell of two states, made of layers."""
    layers = library.layers

    class Own(layers.Layer):
        def __init__(self, units: int = 4, **options: Any) -> None:
            super().__init__(**options)
            self.units = units
            self.state_size = [units, units]
            self.of_inputs, self.of_state = layers.Dense(units), layers.Dense(units, use_bias=False)
            self.gate = layers.Activation("tanh")

        def build(self, input_shape: Any) -> None:
            self.of_inputs.build(input_shape)
            self.of_state.build((None, self.units))
            self.built = True

        def call(self, inputs: Any, states: Any, training: Any = None) -> Any:
            h, slow = states
            h = self.gate(self.of_inputs(inputs) + self.of_state(h))
            slow = 0.9 * slow + 0.1 * h
            return h * slow, [h, slow]

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "units": self.units}

    return Own


def data_of(name: str) -> tuple[np.ndarray, np.ndarray]:
    case, rng = CASES[name], np.random.default_rng(3)
    x = rng.normal(size=(ROWS, *case.row))
    x[::2, -2:] = 0  # what Masking leaves out
    x[1, :1] = 0
    return x, rng.normal(size=(ROWS, *case.targets))


def _row(*made: Callable[[Any, Any], Any], masked: bool = False, row: Any = (STEPS, INPUTS)) -> Callable[..., Any]:
    def model(library: Any, own: Any) -> Any:
        front = [library.layers.Masking()] if masked else []
        inner = [one(library.layers, own) for one in made]
        return library.Sequential([library.Input(row), *front, *inner, library.layers.Dense(1)])

    return model


def _states(cells: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """An encoder, whose last states a decoder begins with."""

    def model(library: Any, own: Any) -> Any:
        layers = library.layers
        x = library.Input((STEPS, INPUTS))
        masked = layers.Masking()(x)
        _, *states = layers.RNN(cells(layers, own), return_state=True)(masked)
        y = layers.RNN(cells(layers, own), return_sequences=True)(x, initial_state=states)
        return library.Model(x, layers.Dense(1)(y))

    return model


def _stack(layers: Any, own: Any) -> list[Any]:
    return [layers.LSTMCell(4), layers.GRUCell(3)]


SEQUENCES: Any = {"return_sequences": True}
CASES: dict[str, Case] = {
    "LSTM": Case(_row(lambda L, own: L.RNN(L.LSTMCell(4, unit_forget_bias=False)))),
    "GRU of masked steps": Case(
        _row(lambda L, own: L.RNN(L.GRUCell(4, reset_after=False), **SEQUENCES), masked=True), targets=(STEPS, 1)
    ),
    "SimpleRNN backwards": Case(
        _row(lambda L, own: L.RNN(L.SimpleRNNCell(4, "relu"), go_backwards=True, **SEQUENCES)), targets=(STEPS, 1)
    ),
    "stack": Case(_row(lambda L, own: L.RNN(_stack(L, own)))),
    "stack of masked steps": Case(
        _row(lambda L, own: L.RNN(L.StackedRNNCells(_stack(L, own)), zero_output_for_mask=True), masked=True),
    ),
    "stack backwards": Case(_row(lambda L, own: L.RNN(_stack(L, own), go_backwards=True), masked=True)),
    "states": Case(_states(lambda L, own: L.LSTMCell(4)), targets=(STEPS, 1)),
    "states of a stack": Case(_states(_stack), targets=(STEPS, 1)),
    "own": Case(_row(lambda L, own: L.RNN(own(4)), lambda L, own: L.Dense(2))),
    "own of masked steps": Case(_row(lambda L, own: L.RNN(own(4), **SEQUENCES), masked=True), targets=(STEPS, 1)),
    "own backwards": Case(_row(lambda L, own: L.RNN(own(4), go_backwards=True), masked=True)),
    "own in a stack": Case(_row(lambda L, own: L.RNN([L.GRUCell(3), own(4), L.LSTMCell(2)]), masked=True)),
    "states of an own": Case(_states(lambda L, own: own(3)), targets=(STEPS, 1)),
    "both directions": Case(
        _row(lambda L, own: L.Bidirectional(L.RNN(L.GRUCell(3), **SEQUENCES)), masked=True), targets=(STEPS, 1)
    ),
    "each step": Case(_row(lambda L, own: L.TimeDistributed(L.RNN(L.LSTMCell(3))), row=(2, STEPS, INPUTS)),
                      row=(2, STEPS, INPUTS), targets=(2, 1)),
}  # fmt: skip
