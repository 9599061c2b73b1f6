"""Runs of a method `call` on symbolic tensors, from which the graph of a model or layer made of layers follows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from ...checks import describe

if TYPE_CHECKING:
    import numpy as np

    from .symbolic import Node, SymbolicTensor

__all__ = ["Inside", "Tracing", "Untraceable", "current", "discard", "flat", "like", "paused", "traced"]

INSTEAD = (
    "Write it with layers of gradstep and with + - * / @ and slices of tensors; what they do not compute, in NumPy: in "
    "a Lambda, or a layer with forward() and backward()."
)
# NumPy's functions, and what is in their place for symbolic tensors.
IN_PLACE = {
    **dict.fromkeys(("concatenate", "hstack", "stack"), "layers.Concatenate"),
    **dict.fromkeys(("reshape", "ravel", "expand_dims", "squeeze"), "layers.Reshape or layers.Flatten"),
    **dict.fromkeys(("transpose", "swapaxes", "moveaxis"), "layers.Permute"),
    **dict.fromkeys(("mean", "amax", "max"), "a layer such as GlobalAveragePooling1D or GlobalMaxPooling1D"),
    **dict.fromkeys(("dot", "matmul", "einsum", "tensordot"), "layers.Dot, or @ with a weight"),
    "tanh": 'layers.Activation("tanh")',
    "exp": 'layers.Activation("exponential")',
    **dict.fromkeys(("abs", "absolute"), "layers.Lambda(np.abs)"),
    **dict.fromkeys(("square", "power"), "layers.Multiply()([x, x])"),
    **dict.fromkeys(("maximum", "fmax"), 'layers.Maximum, or layers.Activation("relu")'),
    **dict.fromkeys(("minimum", "fmin"), "layers.Minimum"),
    **dict.fromkeys(("repeat", "tile"), "layers.RepeatVector or layers.UpSampling1D"),
    **dict.fromkeys(("pad",), "layers.ZeroPadding1D and its like"),
    **dict.fromkeys(("flip", "roll"), "slices, x[:, ::-1]"),
}

_tracing: ContextVar[Tracing | None] = ContextVar("tracing", default=None)


# Methods of Keras's layers that add to the loss, and what is in their place.
LOST = {
    "add_loss": "activity_regularizer= of a layer, or a custom loss of another output, is in its place.",
    "add_metric": "compile(metrics=[...]) is in its place.",
}


class Untraceable(TypeError):
    """Something that symbolic tensors do not do."""


def of_numpy(function: str) -> Untraceable:
    """The error of a function of NumPy that got a symbolic tensor."""
    place = IN_PLACE.get(function)
    hint = f" Use {place} instead." if place else ""
    return Untraceable(f"numpy.{function} needs numbers, and a symbolic tensor has none.{hint}")


class Inside:
    """What `call` made of symbolic tensors: a graph from inputs to outputs.

    Attributes
    ----------
    inputs, outputs : list of SymbolicTensor
    made : Any
        The outputs as `call` gave them: one, or a list, tuple or dict of them.
    calls : list of Node
        Of layers, in their order.
    keys : list of int
        A number for each output, the same where it is computed in the same way in inference.
    """

    def __init__(self, inputs: Sequence[SymbolicTensor], made: Any, nodes: Sequence[Node], keys: Sequence[int]) -> None:
        self.inputs, self.made, self.outputs = list(inputs), made, flat(made)
        self.calls, self.keys = list(nodes), list(keys)


class Tracing:
    """One run of `call`.

    Attributes
    ----------
    holder : Layer or model
        Whose `call` it is.
    training : bool or None
        What `call` was told; None if it does not ask.
    nodes : list of Node
        The calls of layers in it, in order.
    """

    def __init__(self, holder: Any, training: bool | None) -> None:
        self.holder, self.training = holder, training
        self.nodes: list[Node] = []
        holder.weights  # gives them their names  # noqa: B018
        self._own = {id(weight): weight for weight in getattr(holder, "_weights", ())}

    def owns(self, weight: np.ndarray) -> bool:
        """Whether an array is one of the holder's own weights."""
        return id(weight) in self._own

    def check_training(self, training: bool | None) -> bool:
        """Whether a call with this argument works as in inference always.

        Raises
        ------
        ValueError
            It is to work as in training in `predict` too.
        """
        if training and not self.training:
            raise ValueError(
                "training must be left out, be False, or be the argument `training` of call(): predict and evaluate "
                "never work as in training; got True."
            )
        return training is False and self.training is not False


def current() -> Tracing | None:
    """The innermost run that goes on in this thread."""
    return _tracing.get()


@contextmanager
def paused() -> Iterator[None]:
    """A ``with`` statement in which calls of layers are those of another model, which is built meanwhile."""
    token = _tracing.set(None)
    try:
        yield
    finally:
        _tracing.reset(token)


@contextmanager
def _run(holder: Any, training: bool | None) -> Iterator[Tracing]:
    one = Tracing(holder, training)
    token = _tracing.set(one)
    try:
        yield one
    except BaseException as error:
        discard(one.nodes)
        what = f"call() of {type(holder).__name__} {holder.name!r}"
        if isinstance(error, AttributeError) and type(getattr(error, "obj", None)).__name__ == "SymbolicTensor":
            raise AttributeError(
                f"{what} cannot be traced: a symbolic tensor has no {error.name}. {INSTEAD}"
            ) from error
        if isinstance(error, AttributeError) and error.name in LOST:
            raise NotImplementedError(f"{what} must not use {error.name}(): {LOST[error.name]}") from error
        if isinstance(error, Untraceable) and "cannot be traced" not in str(error):
            raise Untraceable(f"{what} cannot be traced: {error} {INSTEAD}") from error
        raise
    finally:
        _tracing.reset(token)


def discard(nodes: Sequence[Node]) -> None:
    """Forget calls of layers, and those in them."""
    for node in nodes:
        if node.inside is not None:
            discard(node.inside.calls)
        if node in node.operation._nodes:
            node.operation._nodes.remove(node)


def flat(structure: Any) -> list[Any]:
    """The members of lists, tuples and dicts in each other, in order; something else is one."""
    if isinstance(structure, dict):
        return [one for value in structure.values() for one in flat(value)]
    return [one for value in structure for one in flat(value)] if isinstance(structure, (list, tuple)) else [structure]


def like(structure: Any, values: Iterator[Any], is_taken: Callable[[Any], bool] = lambda _: True) -> Any:
    """The structure with values in the place of its members, of those alone that are taken."""
    if isinstance(structure, dict):
        return {key: like(value, values, is_taken) for key, value in structure.items()}
    if isinstance(structure, (list, tuple)):
        made = [like(value, values, is_taken) for value in structure]
        return made if isinstance(structure, list) else tuple(made)
    return next(values) if is_taken(structure) else structure


def traced(
    holder: Any, call: Callable[[bool | None], Any], inputs: Sequence[SymbolicTensor], modes: Sequence[bool | None]
) -> Inside:
    """Run `call` on symbolic tensors, once for each value of its argument `training`.

    Parameters
    ----------
    holder : Layer or model
    call : function of True, False or None
        Gives the outputs for the inputs.
    inputs : sequence of SymbolicTensor
    modes : sequence
        ``(None,)`` if it does not ask for `training`; True and False otherwise: the first one counts, and the second
        must give the same but for what layers leave out in inference.

    Raises
    ------
    TypeError
        It gives something else than symbolic tensors, or does with them what cannot be done without numbers.
    ValueError
        It differs between training and inference; or makes layers that have weights or draw.
    """
    found: list[tuple[list[Node], Any, list[int]]] = []
    for mode in modes:
        with _run(holder, mode) as one:
            made = call(mode)
            _check_outputs(holder, made)
            nodes = _needed(holder, inputs, flat(made), one.nodes)
            _check_held(holder, nodes)
            if "_operands" in vars(holder):
                from ..core.fused_weights import fused

                nodes = fused(holder, nodes, flat(made))
        found.append((nodes, made, _keys(inputs, flat(made), nodes)))
    for nodes, _, keys in found[1:]:
        discard(nodes)
        if keys != found[0][2]:
            discard(found[0][0])
            raise ValueError(
                f"call() of {type(holder).__name__} {holder.name!r} must do the same for training=True and False, but "
                "for layers that do nothing in inference (Dropout, noise, random images): hand training on to the "
                "layers, which know what to do, in place of a branch."
            )
    return Inside(inputs, found[0][1], *found[0][::2])


def _check_outputs(holder: Any, made: Any) -> None:
    members = flat(made)
    for one in members:
        if type(one).__name__ != "SymbolicTensor":
            raise Untraceable(f"it must return symbolic tensors, that layers or operators gave; got {describe(one)}.")
    if not members:
        raise Untraceable(f"it must return at least one symbolic tensor; got {describe(made)}.")


def _needed(
    holder: Any, inputs: Sequence[SymbolicTensor], outputs: Sequence[SymbolicTensor], nodes: Sequence[Node]
) -> list[Node]:
    """The calls that the outputs depend on, in order; the others are forgotten."""
    known, given = {id(node) for node in nodes}, {id(tensor) for tensor in inputs}
    needed: set[int] = set()
    path = [tensor for tensor in outputs if id(tensor) not in given]
    while path:
        tensor = path.pop()
        node = tensor.node
        if id(node) in needed:
            continue
        if id(node) not in known:
            raise ValueError(
                f"call() of {type(holder).__name__} {holder.name!r} must make its outputs of its arguments; {tensor!r} "
                "is of another call."
            )
        needed.add(id(node))
        path += [one for one in node.inputs if id(one) not in given]
    discard([node for node in nodes if id(node) not in needed])
    return [node for node in nodes if id(node) in needed]


def _check_held(holder: Any, nodes: Sequence[Node]) -> None:
    """Refuse layers that a call makes anew each time, if they have something to keep."""
    kept = {weight.__array_interface__["data"][0] for weight in holder.weights if weight.size}
    leaves = {id(leaf) for leaf in holder._leaves.values()}
    for node in nodes:
        layer = node.operation
        if layer._is_of_holder:
            continue
        lost = any(weight.__array_interface__["data"][0] not in kept for weight in layer.weights if weight.size)
        draws = getattr(layer, "_key", None) is not None and id(layer) not in leaves
        if lost or draws:
            raise ValueError(
                f"call() of {type(holder).__name__} {holder.name!r} must not make layer {layer.name!r}, which "
                f"{'has weights' if lost else 'draws random numbers'}: make it in the constructor or build(), and keep "
                "it as an attribute."
            )


def _keys(inputs: Sequence[SymbolicTensor], outputs: Sequence[SymbolicTensor], nodes: Sequence[Node]) -> list[int]:
    """A number for each output, the same where it is computed in the same way in inference."""
    known = {id(tensor): place for place, tensor in enumerate(inputs)}
    numbers: dict[Any, int] = {}
    for node in nodes:
        sources = tuple(known[id(tensor)] for tensor in node.inputs)
        layer = node.operation
        if layer._only_in_training:
            known.update({id(tensor): sources[0] for tensor in node.outputs})
            continue
        what: Any = id(layer) if layer.weights or layer._is_of_holder else _kind(layer)
        if node.inside is not None:
            what = what, tuple(node.inside.keys)
        for tensor in node.outputs:
            key = (what, sources, tuple(place for place, _ in node.masked), tensor.index)
            known[id(tensor)] = numbers.setdefault(key, len(inputs) + len(numbers))
    # Numbers follow the order of calls, which may differ: compare what they stand for.
    meaning = {number: key for key, number in numbers.items()}
    words: dict[int, int] = {}

    def word(number: int) -> int:
        if number not in words:
            key = meaning.get(number)
            words[number] = hash(number if key is None else (key[0], tuple(words[one] for one in key[1]), *key[2:]))
        return words[number]

    for number in range(len(inputs) + len(numbers)):
        word(number)
    return [words[known[id(tensor)]] for tensor in outputs]


def _kind(layer: Any) -> str:
    """What a layer without weights computes."""
    try:
        return f"{type(layer).__name__} {layer.get_config() | {'name': None}}"
    except TypeError:  # a function without a name
        return str(id(layer))
