"""The calls of a model's layers one after another, those of models and layers in it too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ..layers.base.layer import Layer
from ..layers.base.symbolic import Node, SymbolicTensor
from ..layers.base.tracing import Inside
from ..layers.core.input import InputLayer
from ..layers.core.time_distributed import TimeDistributed, does_steps_at_once
from ..saving.savable import Savable
from ..trainers.network import DIRECT, Step, Way

__all__ = ["flatten_calls", "masks_given"]


def masks_given(node: Node) -> Iterator[tuple[tuple[int, Layer], SymbolicTensor]]:
    """The masks that a call was given: of which input, what gives it to that, and the tensor."""
    return zip(node.masked, node.inputs[len(node.given) :], strict=True)


def _each_step(holder: TimeDistributed, source: int, steps: list[Step], first: int, way: Way) -> int:
    """Add the calls of the layers of a model at each step of a value; gives the value of all steps."""
    inner, count = holder.layer, holder.input_shape[1]
    assert count is not None
    leaves = [leaf for leaf in holder._leaves.values() if not isinstance(leaf, InputLayer)]
    if way.at_once or (all(map(does_steps_at_once, leaves)) and _has_leaves_alone(inner)):
        return _through_inner(inner, source, steps, first, way._replace(at_once=(*way.at_once, count)))
    taking, stacking = holder._around_steps(count)
    made = []
    for taken in taking:
        steps.append(Step(taken, (source,)))
        made.append(_through_inner(inner, first + len(steps) - 1, steps, first, way))
    steps.append(Step(stacking, (source, *made)))
    return first + len(steps) - 1


def _has_leaves_alone(inner: Any) -> bool:
    """Whether all that a model computes are calls of its leaves, without layers that `call` of another makes."""
    if isinstance(inner, TimeDistributed):
        return _has_leaves_alone(inner.layer)
    leaves = {id(leaf) for leaf in inner._leaves.values()}
    calls: Any = inner._calls if isinstance(inner, Savable) else ()  # type: ignore[attr-defined]
    return isinstance(inner, Savable) and all(
        _has_leaves_alone(node.operation) if isinstance(node.operation, Savable) else id(node.operation) in leaves
        for node in calls
    )


def _through_inner(inner: Any, source: int, steps: list[Step], first: int, way: Way) -> int:
    """Add what a `TimeDistributed` does to one step: a model, or another `TimeDistributed` with one."""
    if isinstance(inner, TimeDistributed):
        return _each_step(inner, source, steps, first, way)
    if not isinstance(inner, Savable):
        inner = inner._inside_for(inner.input_shape)
    return flatten_calls(inner, [source], steps, first, way)[0]


def flatten_calls(model: Any, sources: Sequence[int], steps: list[Step], first: int, outer: Way = DIRECT) -> list[int]:
    """Add the calls of a model's layers, those of models in it too, to steps; gives which values come out.

    sources: the values that go in; first: the number of the first step's value; outer: how the model is called.
    """
    values = {id(tensor): source for tensor, source in zip(model.inputs, sources, strict=True)}
    for node in model.calls if isinstance(model, Inside) else model._calls:
        way = outer._replace(in_inference=outer.in_inference or node.in_inference)
        given = [values[id(tensor)] for tensor in node.given]
        for (place, setting), tensor in masks_given(node):
            steps.append(Step(setting, (given[place], values[id(tensor)])))
            given[place] = first + len(steps) - 1
        if isinstance(node.operation, Savable):
            made = flatten_calls(node.operation, given, steps, first, way)
        elif node.inside is not None:
            made = flatten_calls(node.inside, given, steps, first, way)
        elif isinstance(node.operation, TimeDistributed) and node.operation._holds_model:
            made = [_each_step(node.operation, given[0], steps, first, way)]
        else:
            for stage in node.operation._stages:
                stage.build((None, *node.operation._output_row))
            for layer in (node.operation, *node.operation._stages):
                steps.append(Step(layer, tuple(given), *way))
                given = [first + len(steps) - 1]
            made = given
            if node.operation._outputs:
                steps += [Step(output, tuple(given)) for output in node.operation._outputs]
                made = [given[0] + 1 + i for i in range(len(node.operation._outputs))]
        values.update({id(tensor): value for tensor, value in zip(node.outputs, made, strict=True)})
    return [values[id(tensor)] for tensor in model.outputs]
