"""The sentence about how a run ended, and whether the problem counts as solved."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .objectives.objective import Objective
from .stop import Stop

__all__ = ["Ending", "ending"]

# Where no gradient component, times its variable and relative to f, is larger, a small step means a minimum.
SMALL = 1e-4


@dataclass
class Ending:
    """How a run ended."""

    success: bool
    message: str


def scaled(x: np.ndarray, f: float, g: np.ndarray) -> float:
    """The largest relative change of f that a relative change of one variable makes (Dennis and Schnabel 1983)."""
    return float((np.abs(g) * np.maximum(np.abs(x), 1.0)).max() / max(abs(f), 1.0))


@dataclass
class Best:
    """The point that is returned: the gradient is that along which x can move; gnorm is its largest component."""

    x: np.ndarray
    f: float
    g: np.ndarray | None
    gnorm: float


def ending(stop: Stop, best: Best, objective: Objective, n: int, gtol: float, first: float) -> Ending:
    """Why the run stopped, as a sentence.

    Parameters
    ----------
    stop : Stop
    best : Best
        gnorm is NaN, and g None, for methods without a gradient.
    objective : Objective
        With its limits.
    n : int
        Iterations.
    gtol : float
    first : float
        The value at the start.
    """
    f, g, gnorm, limits = best.f, best.g, best.gnorm, objective.limits
    detail = stop.detail
    size = f"the largest gradient component is {gnorm:.2g}" if gnorm == gnorm else f"the best value is {f:.6g}"
    far = f"{size}; gtol is {gtol:g}" if gnorm == gnorm else size
    relative = math.nan if g is None else scaled(best.x, f, g)
    reason = stop.reason
    if reason == "gtol":
        return Ending(True, f"solved in {n} iterations: {size}, at most gtol = {gtol:g}.")
    if reason in ("ftol", "xtol"):
        if g is None:
            return Ending(True, f"converged in {n} iterations: {detail}; no gradient says whether it is a minimum.")
        if relative <= SMALL or gnorm <= gtol:
            return Ending(True, f"solved in {n} iterations: {detail}, at most {reason}; {size}.")
        return Ending(
            False,
            f"{detail}, which {reason} allows, but {size}: steps are short, the minimum is not reached. Raise the "
            f"learning rate, choose another method, or lower {reason}.",
        )
    if reason == "target":
        return Ending(True, f"f = {f:.6g} is at most the target {limits.target:g}, after {n} iterations.")
    if reason == "callback":
        return Ending(True, f"the callback ended the run after {n} iterations; {far}.")
    if reason == "maxiter":
        name = objective.limit_name
        what = f"{name} = {n}" if name == "epochs" else f"{name} = {n} iterations"
        return Ending(False, f"{what} are used up: {far}. Raise {name}, or start again from res.x.")
    if reason == "maxfev":
        return Ending(
            False,
            f"maxfev = {limits.maxfev:g} calls are used up after {n} iterations: {far}. Raise maxfev, or start again "
            "from res.x.",
        )
    if reason == "maxtime":
        return Ending(
            False, f"maxtime = {limits.maxtime:g} s have passed after {n} iterations: {far}. Start again from res.x."
        )
    if reason == "interrupted":
        return Ending(False, f"interrupted after {n} iterations: {far}. res.x is the best point so far.")
    if reason == "line_search" or (reason == "stalled" and stop.decrease is not None):
        return _no_lower_point(stop, objective.eps, best, relative, n, gtol, first)
    if reason == "nan":
        return Ending(False, f"{detail or 'f is no number'}: {far}. Look at fun there, set bounds, or start elsewhere.")
    if reason == "diverged":
        return Ending(False, f"{detail}: the steps are too long. Divide the learning rate by 10, or use a line search.")
    return Ending(False, f"{detail or 'no progress'}: {far}. See diagnosis; start elsewhere, or choose another method.")


def _no_lower_point(stop: Stop, eps: float, best: Best, relative: float, n: int, gtol: float, first: float) -> Ending:
    """A line search failed: at the floor that rounding sets, or before it."""
    floor, gnorm = eps * abs(best.f), best.gnorm
    expected = math.inf if stop.decrease is None else stop.decrease
    begin = f"{stop.detail} after {n} iterations"
    if stop.reason == "line_search":
        begin = f"the line search found no lower point along the direction ({stop.detail}) after {n} iterations"
    kind = "float32" if eps > 1e-10 else "float64"
    # What the method's model of the curvature says is left is next to nothing, or the gradient is.
    nothing = max(eps ** (2 / 3) * abs(best.f), eps**2 * min(abs(first), 1.0))
    with np.errstate(all="ignore"):
        along = 0.0 if best.g is None else abs(float(np.dot(best.g, best.x))) / max(abs(best.f), 1.0)
    if best.f < min(first, 0.0) and along > 0.5:  # as a function that falls for ever in proportion to a power of x
        return Ending(
            False,
            f"{begin}: f = {best.f:.6g} still falls in proportion to x, and seems to have no minimum. Set bounds, or "
            "look at fun far from the start.",
        )
    if (expected <= nothing and relative <= 0.5) or relative <= eps ** (2 / 3):
        return Ending(
            True,
            f"{begin}: f is resolved to {floor:.1g}, and at most {expected:.1g} is left. The gradient {gnorm:.2g} is "
            f"at its rounding floor: solved as far as {kind} goes.",
        )
    return Ending(
        False,
        f"{begin}, though the gradient {gnorm:.2g} is above gtol = {gtol:g}. Check the gradient with gs.check_grad, "
        "whether f is smooth and free of noise, and how the variables are scaled.",
    )
