"""Activations that are spelled out in nodes of ONNX: ours by the formulas that `export_onnx` writes, and PyTorch's."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np

from .... import activations
from ....export.activations import FORMULAS
from ....export.onnx_nodes import OPERATORS
from ....export.scalar import Formula, argument, erf, exp, log, tanh

__all__ = ["Spelled", "spelled"]

ORDERLESS = ("Add", "Equal", "Max", "Min", "Mul")
SPELLED = {**OPERATORS, "equal": "Equal", "not": "Not", "power": "Pow", "sigmoid": "Sigmoid", "softplus": "Softplus"}


class Spelled(NamedTuple):
    """An activation, and the name of the value that it is of."""

    activation: Any
    x: str


def spelled(
    outputs: Sequence[str], nodes: Sequence[Any], constants: Mapping[str, np.ndarray]
) -> tuple[set[str], dict[str, Spelled]]:
    """Names of the values that a graph needs, and those of them that are activations in several nodes.

    Parameters
    ----------
    outputs : sequence of str
        Of the graph.
    nodes : sequence
        Each behind those that it reads.
    constants : dict of str to ndarray
    """
    matcher = _Matcher({name: node for node in nodes for name in node.output}, constants)
    needed, found = set(outputs), dict[str, Spelled]()
    for node in reversed(nodes):
        if needed.isdisjoint(node.output):
            continue
        one = matcher.activation(node)
        if one is not None:
            found[node.output[0]] = one
        needed.update(node.input if one is None else [one.x])
    return needed, found


# -- forms -------------------------------------------------------------------------------------------------------------


class Form(NamedTuple):
    """A formula of an activation: the name that it has here, arguments, and which it reads from the graph."""

    name: str
    formula: Formula
    arguments: dict[str, Any]


def _plain(formula: Formula) -> Formula:
    """A formula in operators that ONNX has."""
    parts = [_plain(part) if isinstance(part, Formula) else part for part in formula.operands]
    one = Formula("number", 1.0)
    if formula.operation == "expm1":
        return exp(parts[0]) - one
    if formula.operation == "log1p":
        return log(parts[0] + one)
    if formula.operation == "not_equal":
        return Formula("not", Formula("equal", *parts))
    return Formula(formula.operation, *parts)


def _forms() -> Iterator[Form]:
    x = argument(0)
    for name, formula in FORMULAS.items():
        settings = [setting for setting in inspect.signature(formula).parameters if setting != "x"]
        if name == "rectifier":
            for slope in (0.0, Formula("setting", "negative_slope")):
                for top in (math.inf, Formula("setting", "max_value")):
                    yield Form("relu", formula(x, slope, top, Formula("setting", "threshold")), {})
        else:
            made = formula(x, **{setting: Formula("setting", setting) for setting in settings})
            approximate = {"approximate": True} if name == "gelu_tanh" else {}
            yield Form("gelu" if approximate else name, made, approximate)
    yield Form("silu", x * Formula("sigmoid", x), {})
    yield Form("mish", x * tanh(Formula("softplus", x)), {})
    cube = [Formula("power", x, Formula("number", 3.0)), x * x * x]
    inner: list[tuple[Formula, dict[str, Any]]] = [(erf(x / math.sqrt(2)), {}), (erf(x * math.sqrt(0.5)), {})]
    inner += [(tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * c)), {"approximate": True}) for c in cube]
    for part, arguments in inner:
        share = 1 + part
        for product in (x * share * 0.5, x * 0.5 * share, x * (0.5 * share)):
            yield Form("gelu", product, arguments)


@cache
def _by_root() -> dict[str, list[Form]]:
    """The forms in several nodes, by the operator that comes last; larger ones first."""
    found: dict[str, list[Form]] = {}
    for form in _forms():
        plain = _plain(form.formula)
        if _size(plain) > 1:
            found.setdefault(SPELLED[plain.operation], []).append(form._replace(formula=plain))
    return {root: sorted(forms, key=lambda form: -_size(form.formula)) for root, forms in found.items()}


def _size(formula: Formula) -> int:
    """How many operators a formula has."""
    inner = sum(_size(part) for part in formula.operands if isinstance(part, Formula))
    return inner + (formula.operation in SPELLED)


def _varies(formula: Formula) -> bool:
    """Whether x is in a formula."""
    return formula.operation == "argument" or any(_varies(p) for p in formula.operands if isinstance(p, Formula))


# -- comparison --------------------------------------------------------------------------------------------------------

Found = dict[str, Any]  # the name of x, and the settings


class _Matcher:
    """Compares formulas with nodes."""

    def __init__(self, producers: Mapping[str, Any], constants: Mapping[str, np.ndarray]) -> None:
        self._producers, self._constants = producers, constants

    def activation(self, node: Any) -> Spelled | None:
        """The activation that ends with a node."""
        for form in _by_root().get(node.op_type, ()):
            found = self._match(form.formula, node.output[0], {})
            if found is not None:
                x = found.pop("x")
                settings = {**form.arguments, **{name: float(value) for name, value in found.items()}}
                function = getattr(activations, form.name)
                return Spelled(partial(function, **settings) if settings else form.name, x)
        return None

    def _match(self, formula: Formula, name: str, found: Found) -> Found | None:
        if name in self._constants:
            return self._number(formula, self._constants[name], found)
        if formula.operation == "argument":
            return {**found, "x": name} if found.get("x", name) == name else None
        node = self._producers.get(name)
        if node is None or SPELLED.get(formula.operation) != node.op_type or len(node.input) != len(formula.operands):
            return None
        orders = [tuple(node.input)]
        if node.op_type in ORDERLESS:
            orders.append(tuple(reversed(node.input)))
        for names in orders:
            pairs = sorted(zip(formula.operands, names, strict=True), key=lambda pair: not _varies(pair[0]))
            made: Found | None = found
            for part, given in pairs:  # those with x first, which say what settings are
                made = None if made is None else self._match(part, given, made)
            if made is not None:
                return made
        return None

    def _number(self, formula: Formula, constant: np.ndarray, found: Found) -> Found | None:
        """Compare a formula without x with a constant."""
        if constant.size != 1 or constant.dtype.kind not in "fiu" or _varies(formula):
            return None
        value, sign = float(str(constant.ravel()[0])), 1.0  # the shortest decimal: 0.1, in float32 too
        if formula.operation == "negative":
            formula, sign = formula.operands[0], -1.0
        if formula.operation == "setting" and formula.operands[0] not in found:
            return {**found, formula.operands[0]: sign * value}
        wanted = _value(formula, found)
        return found if wanted is not None and math.isclose(sign * wanted, value, rel_tol=2e-6) else None


def _value(formula: Formula, found: Found) -> float | None:
    """The number that a formula of settings is."""
    if formula.operation == "number":
        return float(formula.operands[0])
    if formula.operation == "setting":
        return found.get(formula.operands[0])
    parts = [_value(part, found) for part in formula.operands]
    if formula.operation == "divide" and parts[0] is not None and parts[1]:
        return parts[0] / parts[1]
    return None
