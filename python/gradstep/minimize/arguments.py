"""Arguments of `minimize`: their checks, SciPy's options among them, and the method where none is named."""

from __future__ import annotations

import math
from typing import Any

from ..checks import check_float, check_int, describe, shown
from .loop import Rules
from .methods.base import Method
from .objectives.bounds import Bounds
from .objectives.differences import SCHEMES
from .objectives.objective import Limits

__all__ = ["Arguments", "default_method", "derivative", "limits_of", "map_of", "optional", "rules_of", "tolerance"]

# SciPy's options that are arguments here.
ARGUMENTS = {
    "maxfun": "maxfev",
    "return_all": "return_path",
    "learning_rate": "learning_rate",
    "line_search": "line_search",
}
SMALL_N = 200  # variables up to which a dense inverse Hessian is the default
GTOL, GTOL_OF_RESIDUALS = 1e-6, 1e-10


class Arguments(dict[str, Any]):
    """Arguments with those that `options` gives by SciPy's names in their place; `rest` are the method's."""

    def __init__(self, options: Any, **given: Any) -> None:
        super().__init__(given)
        if options is not None and not isinstance(options, dict):
            raise TypeError(f"options must be a dict; got {describe(options)}.")
        self.rest: dict[str, Any] = {}
        self.disp, self.step = False, None
        self.of_loss: dict[str, Any] = {}
        for key, value in (options or {}).items():
            name = ARGUMENTS.get(key, key)
            if name in given:
                self[name] = value
            elif key == "disp":
                self.disp = bool(value)
            elif key == "eps":
                self.step = value
            else:
                self.rest[key] = value

    def take_epochs(self, epochs: Any) -> None:
        """The limit of iterations over data; `maxiter` means the same."""
        if epochs is not None:
            if self["maxiter"] is not None:
                raise TypeError("epochs and maxiter mean the same with data=: give one of them.")
            self["maxiter"] = check_int("epochs", epochs, 0)


def map_of(workers: Any, is_code: bool) -> tuple[Any, Any, int]:
    """A map for ``workers=``, the pool of threads that is to be closed behind it, and the threads for machine code."""
    if is_code and callable(workers):
        raise TypeError("workers must be a number of threads where fun is machine code.")
    if workers is None or callable(workers):
        return workers, None, 1
    count = check_int("workers", workers, 1)
    if count == 1 or is_code:
        return None, None, count
    from concurrent.futures import ThreadPoolExecutor

    pool = ThreadPoolExecutor(count)
    return pool.map, pool, count


def default_method(residual: bool, box: Bounds | None, hess: Any, hessp: Any, n: int) -> str:
    """The method where none is named."""
    if residual:
        return "levenberg-marquardt"
    if box is not None:
        return "l-bfgs-b"
    if hess is not None:
        return "trust-exact" if n <= SMALL_N else "trust-ncg"
    if hessp is not None:
        return "trust-ncg"
    return "bfgs" if n <= SMALL_N else "l-bfgs"


def limits_of(maxfev: Any, maxtime: Any, target: Any) -> Limits:
    """What a run may spend, checked."""
    limits = Limits()
    if maxfev is not None:
        limits.maxfev = check_int("maxfev", maxfev, 1)
    if maxtime is not None:
        limits.maxtime = check_float("maxtime", maxtime)
        if not limits.maxtime > 0:
            raise ValueError(f"maxtime must be more than 0 seconds; got {limits.maxtime:g}.")
    if target is not None:
        limits.target = check_float("target", target)
    return limits


def rules_of(given: Arguments, method: Method, n: int, tol: Any, patience: Any) -> Rules:
    """When a run of the method over n variables ends, checked."""
    if given["gtol"] is None:
        given["gtol"] = GTOL_OF_RESIDUALS if method.needs == "residual" else GTOL
    gtol, ftol, xtol = (tolerance(name, given[name]) for name in ("gtol", "ftol", "xtol"))
    if tol is not None:
        tol = tolerance("tol", tol)
        gtol, ftol, xtol = (tol, ftol, xtol) if method.needs != "value" else (gtol, tol, tol)
    most = given["maxiter"]
    return Rules(
        gtol,
        ftol,
        xtol,
        method._default_maxiter(n) if most is None else check_int("maxiter", most, 0),
        math.inf if patience is None else check_int("patience", patience, 1),
    )


def derivative(jac: Any) -> Any:
    """The ``jac=`` argument, with the scheme of finite differences in the place of None."""
    if jac is None or jac is False:
        return "2-point"
    if isinstance(jac, str) and jac not in SCHEMES:
        raise ValueError(f"jac must be callable, True, or one of {', '.join(SCHEMES)}; got {jac!r}.")
    if jac is not True and not isinstance(jac, str) and not callable(jac):
        raise TypeError(f"jac must be callable, True, or one of {', '.join(SCHEMES)}; got {describe(jac)}.")
    return jac


def optional(name: str, function: Any) -> Any:
    """A function of second derivatives, or None."""
    if function is not None and not callable(function):
        raise TypeError(
            f"{name} must be callable; got {shown(function)}. Without it, methods that need second derivatives "
            "take differences of the gradient, and quasi-Newton methods learn them."
        )
    return function


def tolerance(name: str, value: Any) -> float:
    """A number of at least 0."""
    number = check_float(name, value)
    if not number >= 0:
        raise ValueError(f"{name} must be at least 0; got {number:g}.")
    return number
