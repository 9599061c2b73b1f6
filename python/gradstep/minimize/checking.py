"""`check_grad`: is the gradient that of the function, and where not."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..checks import brief, check_int
from ..hints import names_arguments
from .objectives.differences import difference
from .objectives.layout import Layout
from .objectives.objective import Objective
from .result import OptimizeResult

__all__ = ["check_grad", "mismatch", "worst_components"]

LISTED = 3  # components that the message names


@names_arguments
def check_grad(
    fun: Callable[..., Any],
    jac: Any,
    x: Any,
    args: tuple[Any, ...] = (),
    directions: int = 8,
    seed: int = 0,
) -> OptimizeResult:
    """Compare a gradient with central differences of its function.

    Parameters
    ----------
    fun : callable
        ``fun(x, *args) -> float``.
    jac : callable or True
        ``jac(x, *args)`` in the structure of x; True if `fun` gives a pair of value and gradient.
    x : float, array_like, or list, tuple or dict of arrays
        Where: not at a minimum, where all is 0.
    args : tuple
        Further arguments.
    directions : int, default 8
        Along so many random directions first, which costs two calls of `fun` each. Only if one of them differs, every
        component is looked at.
    seed : int, default 0
        Of the directions.

    Returns
    -------
    OptimizeResult
        ``success``, whether they agree within what differences can tell; ``error``, the largest relative error;
        ``worst``, a list of (name, gradient, difference) of the worst components; ``message``, a sentence.

    Raises
    ------
    TypeError, ValueError
        As `minimize` does.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> res = gs.check_grad(lambda x: float(x[0] ** 2 + x[1] ** 3), lambda x: np.array([2 * x[0], 2 * x[1]]), [1, 2])
    >>> res.success, [(name, float(given), round(found, 4)) for name, given, found in res.worst]
    (False, [('x0[1]', 4.0, 12.0)])
    """
    if callable(x) and not callable(jac):
        raise TypeError("check_grad takes fun, jac and x in this order, as SciPy does; got x before jac.")
    layout = Layout(x)
    if jac is not True and not callable(jac):
        raise TypeError(f"jac must be callable or True; got {brief(jac)}.")
    objective = Objective(fun, jac, layout, args=args if isinstance(args, tuple) else (args,))
    count = check_int("directions", directions, 1)
    at = layout.x0
    objective.value(at)
    g = objective.gradient(at)
    tolerance = _tolerance(objective.eps)
    rng = np.random.Generator(np.random.Philox(seed))
    worst_error = max(mismatch(objective, at, g, rng) for _ in range(count))
    result = OptimizeResult(success=worst_error <= tolerance, error=worst_error, worst=[], nfev=objective.nfev)
    if result.success:
        result.message = (
            f"the gradient agrees with differences of fun: relative error {worst_error:.1g} along {count} directions."
        )
        return result
    result.worst = worst_components(objective, at, g)
    if result.worst:
        result.error = max(_relative(given, found) for _, given, found in result.worst)
    result.nfev = objective.nfev
    parts = ", ".join(
        f"{name} is {given:.6g} where differences give {found:.6g}" for name, given, found in result.worst
    )
    result.message = f"the gradient is not that of fun: relative error {result.error:.2g}" + (
        f"; {parts}." if parts else ", along directions but in no single component: fun may be noisy."
    )
    return result


def _relative(given: float, found: float) -> float:
    size = max(abs(given), abs(found), 1e-300)
    return abs(given - found) / size if math.isfinite(found) and math.isfinite(given) else math.inf


def worst_components(objective: Objective, x: np.ndarray, g: np.ndarray) -> list[tuple[str, float, float]]:
    """Name, given and numeric derivative of the components that differ most, beyond what differences can tell."""
    f = objective.values_beside([x])[0]
    numeric = difference(objective.values_beside, x, f, "3-point", objective.eps, None, None)
    scale = max(float(np.abs(g).max()), float(np.abs(numeric).max()))
    size = np.maximum(np.maximum(np.abs(g), np.abs(numeric)), 1e-3 * scale)
    error = np.where(np.isfinite(numeric - g), np.abs(numeric - g) / np.maximum(size, 1e-300), np.inf)
    order = np.argsort(-error, kind="stable")[:LISTED]
    limit = _tolerance(objective.eps)
    return [(objective.layout.name(int(i)), float(g[i]), float(numeric[i])) for i in order if error[i] > limit]


def _tolerance(eps: float) -> float:
    """What central differences can tell of a function with this relative error."""
    return 1e-5 if eps < 1e-10 else 2e-2


def mismatch(objective: Objective, x: np.ndarray, g: np.ndarray, rng: np.random.Generator) -> float:
    """Relative error of g along a random direction, beyond what rounding explains; infinite where f is not finite."""
    # Components of different sizes: signs alone may be at a right angle to a symmetric gradient.
    unit = rng.choice([-1.0, 1.0], size=len(x)) * rng.uniform(0.5, 1.0, size=len(x))
    h = objective.eps ** (1 / 3) * np.maximum(1.0, np.abs(x)) * unit
    up, down = (x + h).astype(x.dtype), (x - h).astype(x.dtype)
    above, below = objective.values_beside([up, down])
    changes = g * (up.astype(np.float64) - down)
    error = abs(float(changes.sum()) - (above - below)) - 10 * objective.eps * (abs(above) + abs(below))
    size = max(abs(above - below), math.sqrt(float(changes @ changes)))
    return (max(error, 0.0) / size if size else 0.0) if error == error else math.inf
