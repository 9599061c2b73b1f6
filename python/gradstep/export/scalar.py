"""Formulas of one number: written once in Python's operators, then printed as C or as nodes of ONNX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["Formula", "absolute", "argument", "erf", "exp", "expm1", "log", "log1p", "maximum", "minimum"]
__all__ += ["not_equal", "sqrt", "tanh", "where"]


class Formula:
    """A number that follows from others.

    Attributes
    ----------
    operation : str
        "argument" with its place, "number" with its value, or what is done with `operands`.
    operands : tuple
    """

    def __init__(self, operation: str, *operands: Any) -> None:
        self.operation, self.operands = operation, operands

    @property
    def is_condition(self) -> bool:
        """Whether it is true or false."""
        return self.operation in CONDITIONS

    def __add__(self, other: Any) -> Formula:
        return Formula("add", self, _formula(other))

    def __radd__(self, other: Any) -> Formula:
        return Formula("add", _formula(other), self)

    def __sub__(self, other: Any) -> Formula:
        return Formula("subtract", self, _formula(other))

    def __rsub__(self, other: Any) -> Formula:
        return Formula("subtract", _formula(other), self)

    def __mul__(self, other: Any) -> Formula:
        return Formula("multiply", self, _formula(other))

    def __rmul__(self, other: Any) -> Formula:
        return Formula("multiply", _formula(other), self)

    def __truediv__(self, other: Any) -> Formula:
        return Formula("divide", self, _formula(other))

    def __rtruediv__(self, other: Any) -> Formula:
        return Formula("divide", _formula(other), self)

    def __neg__(self) -> Formula:
        return Formula("negative", self)

    def __lt__(self, other: Any) -> Formula:
        return Formula("less", self, _formula(other))

    def __gt__(self, other: Any) -> Formula:
        return Formula("less", _formula(other), self)

    def __le__(self, other: Any) -> Formula:
        return Formula("less_or_equal", self, _formula(other))

    def __ge__(self, other: Any) -> Formula:
        return Formula("less_or_equal", _formula(other), self)


CONDITIONS = ("less", "less_or_equal", "not_equal")


def _formula(value: Any) -> Formula:
    return value if isinstance(value, Formula) else Formula("number", float(value))


def argument(place: int) -> Formula:
    """The number of the operand at a place."""
    return Formula("argument", place)


def _function(name: str, what: str) -> Callable[[Any], Formula]:
    def function(x: Any) -> Formula:
        return Formula(name, _formula(x))

    function.__doc__ = f"{what} of x."
    return function


absolute, erf = _function("absolute", "The size"), _function("erf", "The error function")
exp, expm1 = _function("exp", "The exponential"), _function("expm1", "The exponential, less 1,")
log, log1p = _function("log", "The logarithm"), _function("log1p", "The logarithm of 1 more, instead")
sqrt, tanh = _function("sqrt", "The square root"), _function("tanh", "The hyperbolic tangent")


def maximum(x: Any, y: Any) -> Formula:
    """The larger of two; x where it is not a number."""
    return Formula("maximum", _formula(x), _formula(y))


def minimum(x: Any, y: Any) -> Formula:
    """The smaller of two; x where it is not a number."""
    return Formula("minimum", _formula(x), _formula(y))


def not_equal(x: Any, y: Any) -> Formula:
    """Whether two numbers differ."""
    return Formula("not_equal", _formula(x), _formula(y))


def where(condition: Formula, x: Any, y: Any) -> Formula:
    """x where a condition holds, else y."""
    return Formula("where", condition, _formula(x), _formula(y))
