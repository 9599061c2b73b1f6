"""Recurrent layers in a program: one step of a cell, which is run for each step of the sequences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from .activations import activate
from .call import Call
from .program import Program, Value, Window
from .scalar import not_equal, where
from .windows import windows_of

__all__ = ["bidirectional", "recurrent"]

STATES = {"simple_rnn": 1, "gru": 1, "gru_reset_before": 1, "lstm": 2, "conv_lstm": 2}


def _simple_rnn(
    body: Program, spec: dict[str, Any], x: Value, states: Sequence[Value], u: Value, _: Any
) -> list[Value]:
    h = body.map(lambda x, h: x + h, x, body.matmul(states[0], u))
    return [activate(body, h, spec["activation"])]


def _lstm(body: Program, spec: dict[str, Any], x: Value, states: Sequence[Value], u: Value, _: Any) -> list[Value]:
    return _lstm_states(body, spec, x, body.matmul(states[0], u), states[1])


def _lstm_states(body: Program, spec: dict[str, Any], x: Value, h: Value, c: Value) -> list[Value]:
    """The new h and c, from what x and h give to the gates, which lie one after another along the first axis."""
    n, gate = spec["units"], spec["recurrent_activation"]
    z = body.map(lambda x, h: x + h, x, h)
    parts = [body.part(z, k * n, (k + 1) * n) for k in range(4)]
    i, f, o = (activate(body, parts[k], gate, 0) for k in (0, 1, 3))
    g = activate(body, parts[2], spec["activation"], 0)
    c = body.map(lambda f, c, i, g: f * c + i * g, f, c, i, g)
    return [body.map(lambda o, c: o * c, o, activate(body, c, spec["activation"], 0)), c]


def _gru(body: Program, spec: dict[str, Any], x: Value, states: Sequence[Value], u: Value, bias: Any) -> list[Value]:
    n, gate, h = spec["units"], spec["recurrent_activation"], states[0]
    given = [body.part(x, k * n, (k + 1) * n) for k in range(3)]
    if spec["cell"] == "gru":
        z = body.matmul(h, u, bias)
        inner = [body.part(z, k * n, (k + 1) * n) for k in range(3)]
    else:
        assert u.constant is not None
        z = body.matmul(h, body.constant(u.constant[:, : 2 * n], "gate_kernel"))
        inner = [body.part(z, k * n, (k + 1) * n) for k in range(2)]
    update, reset = (activate(body, body.map(lambda x, h: x + h, given[k], inner[k]), gate) for k in range(2))
    if spec["cell"] == "gru":
        old = body.map(lambda r, h: r * h, reset, inner[2])
    else:
        assert u.constant is not None
        after = body.map(lambda r, h: r * h, reset, h)
        old = body.matmul(after, body.constant(u.constant[:, 2 * n :], "candidate_kernel"))
    candidate = activate(body, body.map(lambda x, h: x + h, given[2], old), spec["activation"])
    return [body.map(lambda z, h, new: z * h + (1 - z) * new, update, h, candidate)]


CELLS = {"simple_rnn": _simple_rnn, "lstm": _lstm, "gru": _gru, "gru_reset_before": _gru}


class Cell(NamedTuple):
    """A cell of a layer.

    Attributes
    ----------
    state : tuple of int
        Shape of a state.
    states : int
        How many it has; the first is what a step gives.
    x : Value
        The sequence whose steps it reads.
    step : function
        Writes a step into a program: for a step of x and the states, the new states.
    """

    state: tuple[int, ...]
    states: int
    x: Value
    step: Callable[[Program, Value, list[Value]], list[Value]]


def recurrent(call: Call) -> Value:
    """A recurrent layer, its states behind the output if they are returned."""
    outputs, states = _results(call, call.spec, call.weights, call.inputs[1:], "")
    made = [outputs, *states] if call.spec["return_state"] else [outputs]
    return call.program.reshape(_joined(call.program, made), call.row)


def _results(
    call: Call, spec: dict[str, Any], weights: Sequence[np.ndarray], more: Sequence[Value], name: str
) -> tuple[Value, list[Value]]:
    """Output and last states of a recurrent layer; more: the states to begin with, then the mask; name: of weights."""
    if spec["cell"] == "conv_lstm":
        return _conv_results(call, spec, weights, more, name)
    return _run(call, spec, _cell(call, spec, weights, name), more)


def _joined(program: Program, values: Sequence[Value]) -> Value:
    """Numbers of values, one after another."""
    return values[0] if len(values) == 1 else program.concatenate([program.reshape(v, (v.size,)) for v in values], 0)


def _cell(call: Call, spec: dict[str, Any], weights: Sequence[np.ndarray], name: str) -> Cell:
    """A cell with products; that of x is made of all steps at once."""
    program, kind = call.program, spec["cell"]
    biases = np.atleast_2d(weights[2]) if spec["use_bias"] else np.zeros((0, 0))
    kernel = program.constant(weights[0], f"{name}kernel")
    x = program.matmul(call.x, kernel, program.constant(biases[0], f"{name}bias") if len(biases) else None)

    def step(body: Program, x: Value, states: list[Value]) -> list[Value]:
        u = body.constant(weights[1], f"{name}recurrent_kernel")
        bias = body.constant(biases[1], f"{name}recurrent_bias") if len(biases) == 2 else None
        return CELLS[kind](body, spec, x, states, u, bias)

    return Cell((spec["units"],), STATES[kind], x, step)


def _run(call: Call, spec: dict[str, Any], cell: Cell, more: Sequence[Value]) -> tuple[Value, list[Value]]:
    """The output, of all steps or the last one, and the last states; more: the states to begin with, then the mask."""
    program, known, count = call.program, cell.states, cell.x.shape[0]
    body = Program(program.dtype)
    body.layer = program.layer
    before = [body.input(cell.state) for _ in range(known)]
    masked, sequences = spec["masked"], [cell.x]
    last = body.input(cell.state) if masked else None
    after = cell.step(body, body.input(cell.x.shape[1:]), before)
    output = after[0]
    if last is not None:
        mask = body.input((1,))
        sequences.append(program.reshape(more[-1], (count, 1)))

        def kept(new: Value, old: Value) -> Value:
            return body.map(lambda mask, new, old: where(not_equal(mask, 0), new, old), mask, new, old)

        output = kept(output, last)
        if spec["zero_output_for_mask"]:
            output = body.map(lambda mask, new: where(not_equal(mask, 0), new, 0), mask, after[0])
        after = [kept(new, old) for new, old in zip(after, before, strict=True)] + [output]
    body.outputs = [*after, output]
    made = program.scan(
        body, list(more[:known]) if spec["initial_state"] else [], sequences, count, spec["go_backwards"]
    )
    final = made[known] if masked else made[0]
    return made[-1] if spec["return_sequences"] else final, made[:known]


def _conv_results(
    call: Call, spec: dict[str, Any], weights: Sequence[np.ndarray], more: Sequence[Value], name: str
) -> tuple[Value, list[Value]]:
    """Those of a ConvLSTM: x of a step and h are convolved, with their channels first."""
    program, filters, rank = call.program, spec["filters"], len(spec["size"])
    first, spec = spec["channels_first"], spec | {"channels_first": True, "units": filters}

    def turned(value: Value, back: bool = False, front: int = 0) -> Value:
        """Channels before the other axes, or back behind them; front: how many axes stay before all of them."""
        order = [*range(1, rank + 1), 0] if back else [rank, *range(rank)]
        return value if first else program.transpose(value, [*range(front), *(front + axis for axis in order)])

    x = turned(call.x, front=1)
    windows = windows_of(call._replace(spec=spec, inputs=[Value(x.shape[1:])]))
    places = [window.output for window in windows]
    same = [Window(n, n, size, 1, 1, (size - 1) // 2) for n, size in zip(places, spec["size"], strict=True)]

    def step(body: Program, x: Value, states: list[Value]) -> list[Value]:
        names = ("kernel", "recurrent_kernel", "bias")
        kernel, u, *bias = (body.constant(a, name + kind) for a, kind in zip(weights, names, strict=False))
        given = body.window("conv", [x, kernel, *bias], windows, 4 * filters, True, groups=1)
        inner = body.window("conv", [states[0], u], same, 4 * filters, True, groups=1)
        return _lstm_states(body, spec, given, inner, states[1])

    shape = (filters, *places) if first else (*places, filters)
    count = 2 * spec["initial_state"]
    begin = [turned(program.reshape(value, shape)) for value in more[:count]]
    cell = Cell((filters, *places), 2, x, step)
    outputs, states = _run(call, spec, cell, [*begin, *more[count:]])
    return turned(outputs, True, int(spec["return_sequences"])), [turned(state, True) for state in states]


def bidirectional(call: Call) -> Value:
    """Two recurrent layers over the same sequences; what the second gives is turned around."""
    program, spec = call.program, call.spec
    ways = [spec["forward"], spec["backward"]]
    count = 2 + ways[0]["use_bias"]
    masks = call.inputs[-1:] if spec["masked"] else []
    states, found = list(call.inputs[1 : len(call.inputs) - len(masks)]), []
    for number, way in enumerate(ways):
        own = [states.pop(0) for _ in range(STATES[way["cell"]])] if way["initial_state"] else []
        weights = call.weights[:count] if number == 0 else call.weights[count:]
        found.append(_results(call, way, weights, [*own, *masks], "backward_" if number else "forward_"))
    (one, first), (other, second) = found
    if ways[0]["return_sequences"]:
        other = program.take(other, range(other.shape[0])[::-1])
    mode = spec["merge_mode"]
    if mode == "concat":
        joined = [program.concatenate([one, other], len(one.shape) - 1)]
    elif mode == "none":
        joined = [one, other]
    elif mode == "mul":
        joined = [program.map(lambda a, b: a * b, one, other)]
    else:
        share = 0.5 if mode == "ave" else 1.0
        joined = [program.map(lambda a, b: (a + b) * share, one, other)]
    for way, own in zip(ways, (first, second), strict=True):
        joined += own if way["return_state"] else []
    return program.reshape(_joined(program, joined), call.row)
