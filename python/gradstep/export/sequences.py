"""Recurrent layers in a program: one step of a cell, which is run for each step of the sequences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .activations import activate
from .call import Call
from .program import Program, Value
from .scalar import not_equal, where

__all__ = ["bidirectional", "recurrent"]

STATES = {"simple_rnn": 1, "gru": 1, "gru_reset_before": 1, "lstm": 2}


def _simple_rnn(
    body: Program, spec: dict[str, Any], x: Value, states: Sequence[Value], u: Value, _: Any
) -> list[Value]:
    h = body.map(lambda x, h: x + h, x, body.matmul(states[0], u))
    return [activate(body, h, spec["activation"])]


def _lstm(body: Program, spec: dict[str, Any], x: Value, states: Sequence[Value], u: Value, _: Any) -> list[Value]:
    n, gate = spec["units"], spec["recurrent_activation"]
    z = body.map(lambda x, h: x + h, x, body.matmul(states[0], u))
    parts = [body.part(z, k * n, (k + 1) * n) for k in range(4)]
    i, f, o = (activate(body, parts[k], gate) for k in (0, 1, 3))
    g = activate(body, parts[2], spec["activation"])
    c = body.map(lambda f, c, i, g: f * c + i * g, f, states[1], i, g)
    h = body.map(lambda o, c: o * c, o, activate(body, c, spec["activation"]))
    return [h, c]


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


def recurrent(call: Call) -> Value:
    """A recurrent layer, its states behind the output if they are returned."""
    outputs, states = _run(call, call.spec, call.weights, call.inputs[1:], "")
    made = [outputs, *states] if call.spec["return_state"] else [outputs]
    return call.program.reshape(_joined(call.program, made), call.row)


def _joined(program: Program, values: Sequence[Value]) -> Value:
    """Numbers of values, one after another."""
    return values[0] if len(values) == 1 else program.concatenate([program.reshape(v, (v.size,)) for v in values], 0)


def _run(
    call: Call, spec: dict[str, Any], weights: Sequence[np.ndarray], more: Sequence[Value], name: str
) -> tuple[Value, list[Value]]:
    """The output, of all steps or the last one, and the last states; more: the states to begin with, then the mask."""
    program, units, count = call.program, spec["units"], call.x.shape[0]
    known = STATES[spec["cell"]]
    biases = np.atleast_2d(weights[2]) if spec["use_bias"] else np.zeros((0, 0))
    kernel = program.constant(weights[0], f"{name}kernel")
    x = program.matmul(call.x, kernel, program.constant(biases[0], f"{name}bias") if len(biases) else None)
    body = Program(program.dtype)
    body.layer = program.layer
    before = [body.input((units,)) for _ in range(known)]
    masked, sequences = spec["masked"], [x]
    last = body.input((units,)) if masked else None
    step = body.input(x.shape[1:])
    u = body.constant(weights[1], f"{name}recurrent_kernel")
    recurrent_bias = body.constant(biases[1], f"{name}recurrent_bias") if len(biases) == 2 else None
    after = CELLS[spec["cell"]](body, spec, step, before, u, recurrent_bias)
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
    states: list[Value | int] = [*more[:known]] if spec["initial_state"] else [units] * known
    states += [units] * masked
    made = program.scan(body, states, sequences, count, spec["go_backwards"])
    final = made[known] if masked else made[0]
    return made[-1] if spec["return_sequences"] else final, made[:known]


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
        found.append(_run(call, way, weights, [*own, *masks], "backward_" if number else "forward_"))
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
