"""A method of this package as SciPy's ``minimize`` calls custom ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .minimizing import minimize

__all__ = ["scipy_method"]

# What SciPy hands to a custom method beside its options.
PASSED = ("jac", "hess", "hessp", "bounds", "callback")
KEYWORDS = ("seed", "gtol", "ftol", "xtol", "tol", "target", "maxtime", "patience", "maxfev", "maxiter", "return_path")


def scipy_method(name: Any, **options: Any) -> Callable[..., Any]:
    """A method as ``scipy.optimize.minimize(method=...)`` takes it.

    Parameters
    ----------
    name : str, Optimizer or Method
        As `minimize` takes it.
    **options
        Arguments of `minimize` or of the method, such as ``learning_rate=0.05``.

    Returns
    -------
    callable
        Its result is an `OptimizeResult` of this package, with SciPy's fields.

    Raises
    ------
    ValueError
        When it is called with constraints, which no method here takes.

    Examples
    --------
    >>> import gradstep as gs
    >>> method = gs.scipy_method("adam", learning_rate=0.05, maxiter=500)
    >>> res = method(lambda x: float(x @ x), [1.0, 2.0], jac=lambda x: 2 * x)
    >>> res.success
    True
    """

    def method(fun: Callable[..., Any], x0: Any, args: tuple[Any, ...] = (), **given: Any) -> Any:
        constraints = given.pop("constraints", ())
        if constraints is not None and (not isinstance(constraints, (tuple, list, dict)) or len(constraints)):
            raise ValueError("constraints are not for methods of gradstep; bounds= are for some of them.")
        passed = {key: given.pop(key) for key in PASSED if key in given}
        merged = {**options, **given}
        keywords = {key: merged.pop(key) for key in KEYWORDS if key in merged}
        rate = {key: merged.pop(key) for key in ("learning_rate", "line_search") if key in merged}
        return minimize(fun, x0, args, method=name, options=merged, **passed, **keywords, **rate)

    return method
