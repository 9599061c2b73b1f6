"""Derivatives of custom elementwise NumPy functions, by dual numbers in one pass with the values."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["Dual"]

Partials = Callable[..., tuple[Any, ...]]


def _shares(y: Any, a: Any, b: Any) -> tuple[Any, Any]:
    """Of a maximum or minimum y: all from the number that it is; half and half where both are."""
    return np.where(a == b, 0.5, a == y), np.where(a == b, 0.5, b == y)


# By name: the value y, and what goes in -> the partial derivatives.
PARTIALS: dict[str, Partials] = {
    "negative": lambda y, a: (-1.0,),
    "positive": lambda y, a: (1.0,),
    "add": lambda y, a, b: (1.0, 1.0),
    "subtract": lambda y, a, b: (1.0, -1.0),
    "multiply": lambda y, a, b: (b, a),
    "divide": lambda y, a, b: (1 / b, -y / b),
    "power": lambda y, a, b: (b * np.power(a, b - 1), y * np.log(np.where(np.greater(a, 0), a, 1))),
    "float_power": lambda y, a, b: (b * np.float_power(a, b - 1), y * np.log(np.where(np.greater(a, 0), a, 1))),
    "square": lambda y, a: (2 * a,),
    "sqrt": lambda y, a: (0.5 / y,),
    "cbrt": lambda y, a: (y / (3 * a),),
    "reciprocal": lambda y, a: (-y * y,),
    "absolute": lambda y, a: (np.sign(a),),
    "fabs": lambda y, a: (np.sign(a),),
    "exp": lambda y, a: (y,),
    "exp2": lambda y, a: (y * math.log(2),),
    "expm1": lambda y, a: (y + 1,),
    "log": lambda y, a: (1 / a,),
    "log2": lambda y, a: (1 / (a * math.log(2)),),
    "log10": lambda y, a: (1 / (a * math.log(10)),),
    "log1p": lambda y, a: (1 / (1 + a),),
    "logaddexp": lambda y, a, b: (np.exp(a - y), np.exp(b - y)),
    "sin": lambda y, a: (np.cos(a),),
    "cos": lambda y, a: (-np.sin(a),),
    "tan": lambda y, a: (1 + y * y,),
    "arcsin": lambda y, a: (1 / np.sqrt(1 - a * a),),
    "arccos": lambda y, a: (-1 / np.sqrt(1 - a * a),),
    "arctan": lambda y, a: (1 / (1 + a * a),),
    "arctan2": lambda y, a, b: (b / (a * a + b * b), -a / (a * a + b * b)),
    "hypot": lambda y, a, b: (a / y, b / y),
    "sinh": lambda y, a: (np.cosh(a),),
    "cosh": lambda y, a: (np.sinh(a),),
    "tanh": lambda y, a: (1 - y * y,),
    "arcsinh": lambda y, a: (1 / np.sqrt(1 + a * a),),
    "arccosh": lambda y, a: (1 / np.sqrt(a * a - 1),),
    "arctanh": lambda y, a: (1 / (1 - a * a),),
    "maximum": _shares,
    "minimum": _shares,
    "fmax": _shares,
    "fmin": _shares,
    # of scipy.special
    "erf": lambda y, a: (2 / math.sqrt(math.pi) * np.exp(-a * a),),
    "erfc": lambda y, a: (-2 / math.sqrt(math.pi) * np.exp(-a * a),),
    "expit": lambda y, a: (y * (1 - y),),
    "ndtr": lambda y, a: (np.exp(-a * a / 2) / math.sqrt(2 * math.pi),),
}
# What is constant between its steps.
STEPS = {
    *("greater", "greater_equal", "less", "less_equal", "equal", "not_equal", "isnan", "isinf", "isfinite", "signbit"),
    *("sign", "floor", "ceil", "rint", "trunc", "heaviside", "floor_divide", "logical_not"),
}


class Dual(np.lib.mixins.NDArrayOperatorsMixin):
    """Numbers and their derivatives by one variable, element by element.

    Operators, NumPy's elementwise functions, `numpy.where` and `numpy.clip` work on them.

    Parameters
    ----------
    value, derivative : ndarray
        Of one shape.

    Examples
    --------
    >>> import numpy as np
    >>> from gradstep.activations.dual import Dual
    >>> x = np.array([0.0, 3.0])
    >>> y = Dual(x, np.ones(2)) ** 2 + 1
    >>> y.value, y.derivative
    (array([ 1., 10.]), array([0., 6.]))
    """

    def __init__(self, value: Any, derivative: Any) -> None:
        self.value, self.derivative = value, derivative

    @property
    def shape(self) -> tuple[int, ...]:
        """That of the values."""
        return np.shape(self.value)

    @property
    def dtype(self) -> Any:
        """That of the values."""
        return self.value.dtype

    @property
    def ndim(self) -> int:
        """How many axes there are."""
        return len(self.shape)

    def clip(self, min: Any = None, max: Any = None) -> Any:
        """As the method of arrays."""
        low = self if min is None else np.maximum(self, min)
        return low if max is None else np.minimum(low, max)

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError("it must use operators and NumPy's elementwise functions alone, which have derivatives.")

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        name = {"true_divide": "divide", "abs": "absolute"}.get(ufunc.__name__, ufunc.__name__)
        known = name in PARTIALS or name in STEPS
        if method != "__call__" or options or not known:
            called = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
            raise TypeError(f"the derivative of numpy.{called}, as it uses it, is not known.")
        values = [_value(one) for one in inputs]
        y = ufunc(*values)
        if name in STEPS:
            return y
        partials = PARTIALS[name](y, *values)
        derivative = sum(p * one.derivative for p, one in zip(partials, inputs, strict=True) if isinstance(one, Dual))
        return Dual(y, np.asarray(derivative, y.dtype))

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        if function is np.where and len(args) == 3 and not options:
            condition, *cases = args
            each = [_value(condition)]
            return Dual(np.where(*each, *map(_value, cases)), np.where(*each, *map(_derivative, cases)))
        if function is np.clip:
            return Dual.clip(*args, **options)
        if function in (np.zeros_like, np.ones_like, np.full_like, np.shape, np.ndim, np.size):
            return function(_value(args[0]), *args[1:], **options)
        raise TypeError(f"the derivative of numpy.{function.__name__} is not known: it must be elementwise.")


def _value(x: Any) -> Any:
    return x.value if isinstance(x, Dual) else x


def _derivative(x: Any) -> Any:
    return x.derivative if isinstance(x, Dual) else 0
