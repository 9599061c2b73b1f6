"""The calls of a model's layers one after another, those of models and layers in it too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ..layers.base.call_graph import Value
from ..layers.base.layer import Layer
from ..layers.base.sizes import is_resizing
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


def _each_step(holder: TimeDistributed, source: Value, steps: list[Step], first: int, way: Way) -> Value:
    """Add the calls of the layers of a model at each step of a value; gives the value of all steps."""
    inner, count = holder.layer, holder.input_shape[1]
    assert count is not None
    leaves = [leaf for leaf in holder._leaves.values() if not isinstance(leaf, InputLayer)]
    one = source._replace(row=source.row[1:])
    if way.at_once or (all(map(does_steps_at_once, leaves)) and _has_leaves_alone(inner)):
        made = _through_inner(inner, one, steps, first, way._replace(at_once=(*way.at_once, count)))
        return made._replace(row=(count, *made.row))
    taking, stacking = holder._around_steps(count)
    each = []
    for taken in taking:
        steps.append(Step(taken, (source.number,)))
        each.append(_through_inner(inner, one._replace(number=first + len(steps) - 1), steps, first, way))
    steps.append(Step(stacking, (source.number, *(made.number for made in each))))
    return Value(first + len(steps) - 1, (count, *each[0].row))


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


def _through_inner(inner: Any, source: Value, steps: list[Step], first: int, way: Way) -> Value:
    """Add what a `TimeDistributed` does to one step: a model, or another `TimeDistributed` with one."""
    if isinstance(inner, TimeDistributed):
        return _each_step(inner, source, steps, first, way)
    if not isinstance(inner, Savable):
        inner = inner._inside_for(vars(inner)["_built_input_shape"])
    return flatten_calls(inner, [source], steps, first, way)[0]


def flatten_calls(
    model: Any, sources: Sequence[Value], steps: list[Step], first: int, outer: Way = DIRECT
) -> list[Value]:
    """Add the calls of a model's layers, those of models in it too, to steps; gives which values come out.

    sources: the values that go in; first: the number of the first step's value; outer: how the model is called. Within
    `at_sizes` the layers take the sizes of these values.
    """
    values = {id(tensor): source for tensor, source in zip(model.inputs, sources, strict=True)}
    for node in model.calls if isinstance(model, Inside) else model._calls:
        way = outer._replace(in_inference=outer.in_inference or node.in_inference)
        given, operation = [values[id(tensor)] for tensor in node.given], node.operation
        for (place, setting), tensor in masks_given(node):
            steps.append(Step(setting, (given[place].number, values[id(tensor)].number)))
            given[place] = given[place]._replace(number=first + len(steps) - 1)
        if isinstance(operation, Savable):
            made = flatten_calls(operation, given, steps, first, way)
        elif node.inside is not None:
            made = flatten_calls(node.inside, given, steps, first, way)
        else:
            if is_resizing():
                operation._build_for([(None, *one.row) for one in given])
            if isinstance(operation, TimeDistributed) and operation._holds_model:
                made = [_each_step(operation, given[0], steps, first, way)]
            else:
                made = _call_of_layer(operation, given, steps, first, way)
        values.update({id(tensor): value for tensor, value in zip(node.outputs, made, strict=True)})
    return [values[id(tensor)] for tensor in model.outputs]


def _call_of_layer(layer: Layer, given: Sequence[Value], steps: list[Step], first: int, way: Way) -> list[Value]:
    """Add a call of a layer, of its stages, and of what takes its outputs apart."""
    numbers, row = tuple(one.number for one in given), layer._output_row
    for stage in layer._stages:
        stage.build((None, *row))
    for one in (layer, *layer._stages):
        steps.append(Step(one, numbers, *way))
        numbers = (first + len(steps) - 1,)
    outputs: Sequence[Any] = layer._outputs
    steps += [Step(output, numbers) for output in outputs]
    if not outputs:
        return [Value(numbers[0], row)]
    return [Value(numbers[0] + 1 + i, output._row) for i, output in enumerate(outputs)]
