"""A model as a program: the calls of its layers, as the compiled core has them, each written in operations."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from ..trainers.network import Step, graph_of
from . import attention, elementwise, sequences, windows
from .call import Call
from .program import Program, Value

__all__ = ["KINDS", "program_of"]

# What writes each layer of the compiled core (csrc/layers/all.hpp) into a program.
KINDS: dict[str, Callable[[Call], Value]] = {
    "activation": elementwise.activation,
    "add": elementwise.merge,
    "attention": attention.attention,
    "average": elementwise.merge,
    "batch_normalization": elementwise.batch_normalization,
    "bidirectional": sequences.bidirectional,
    "concatenate": windows.concatenate,
    "conv": windows.conv,
    "conv_bidirectional": sequences.bidirectional,
    "conv_recurrent": sequences.recurrent,
    "conv_transpose": windows.conv_transpose,
    "dense": elementwise.dense,
    "dot": elementwise.dot,
    "dropout": elementwise.passed,
    "embedding": windows.embedding,
    "fill_masked": elementwise.fill_masked,
    "masked_mean": elementwise.masked_mean,
    "maximum": elementwise.merge,
    "minimum": elementwise.merge,
    "multi_head_attention": attention.multi_head_attention,
    "multiply": elementwise.merge,
    "noise": elementwise.passed,
    "normalization": elementwise.normalization,
    "normalize_parts": elementwise.normalize_parts,
    "not_equal": elementwise.not_equal_to,
    "output_penalty": elementwise.passed,
    "pool": windows.pool,
    "prelu": elementwise.prelu,
    "rearrange": windows.rearrange,
    "recurrent": sequences.recurrent,
    "rescaling": elementwise.rescaling,
    "separable_conv": windows.separable_conv,
    "shared_dropout": elementwise.passed,
    "softmax": elementwise.softmax,
    "subtract": elementwise.merge,
    "warp": windows.warp,
}


def program_of(model: Any, what: str) -> Program:
    """What `predict` of a built model computes.

    Parameters
    ----------
    what : str
        What the program becomes, for errors: "C".

    Raises
    ------
    ValueError
        The model is not built; or has a layer in NumPy, or one that keeps states from batch to batch.
    """
    model._must_be_built()
    rows, steps, exits = model._connected_steps()
    with model._at_sizes():
        working, graph, values = _graph(rows, steps)
    program = Program(model.dtype)
    known = [program.input(row, name) for row, name in zip(rows, model.input_names, strict=True)]
    for place, *rest in graph.nodes:
        if place is None:
            source, row = rest
            known.append(program.reshape(known[source], row))
            continue
        spec = graph.specifications[place]
        layer = working[place] if place < len(working) else None
        name = layer.name if layer is not None else spec["kind"]
        _check(spec, name, layer, what)
        program.layer = re.sub(r"\W", "_", name)
        inputs = [known[source] for source in rest[0]]
        row = graph.rows[len(known) - len(rows)]
        weights = [] if layer is None else list(layer._weights)
        made = KINDS[spec["kind"]](Call(program, spec, weights, inputs, row))
        known.append(program.reshape(made, row))
    program.outputs = [known[values[exit].number] for exit in exits]
    program.prune()
    return program


def _graph(rows: Any, steps: list[Step]) -> Any:
    working, graph, values, _ = graph_of(rows, steps)
    return working, graph, values


def _check(spec: dict[str, Any], name: str, layer: Any, what: str) -> None:
    cls = type(layer).__name__ if layer is not None else "part"
    if spec["kind"] not in KINDS:
        raise ValueError(
            f"layer {name!r}, a {cls}, must be one of this package to be written as {what}; it is computed in NumPy."
        )
    if spec.get("stateful") or any(spec.get(way, {}).get("stateful") for way in ("forward", "backward")):
        raise ValueError(
            f"layer {name!r}, a {cls}, must not be stateful to be written as {what}: a row then depends on the batch "
            "before it. Give states with initial_state instead."
        )
