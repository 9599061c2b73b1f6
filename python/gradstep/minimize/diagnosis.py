"""What went wrong, or might have, in words; where it costs calls, only of runs that did not succeed.

References
----------
Moré and Wild 2011, "Estimating computational noise", SIAM J. Sci. Comput. 33: noise from differences of differences.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from .checking import mismatch, worst_components
from .methods.base import Method
from .methods.least_squares import LevenbergMarquardt
from .objectives.objective import Objective
from .objectives.residuals import Residuals
from .record import Record
from .stop import Stop

__all__ = ["Diagnosis", "diagnose"]

TURNS = 8  # times in a row that the gradient turns round in an oscillation
FLAT = 50  # iterations over which f hardly moves on a plateau
UNLIKE = 1e3  # ratio of the natural steps of two variables that counts as bad scaling
DEEP = 1e12  # times the size of the first value: f has fallen that far below 0 where it seems to have no minimum
LISTED = 3  # variables that a sentence names


@dataclass
class Diagnosis:
    """What was noticed.

    Attributes
    ----------
    sentences : dict of str to str
    escape : ndarray or None
        At a saddle point the direction along which f curves downwards, of length 1.
    """

    sentences: dict[str, str] = field(default_factory=dict)
    escape: np.ndarray | None = None


def diagnose(
    stop: Stop, success: bool, objective: Objective, method: Method, record: Record, x: np.ndarray, g: np.ndarray | None
) -> Diagnosis:
    """Look at a run that has ended at x.

    Raises
    ------
    Stop
        A limit of the objective was reached meanwhile.
    """
    found = Diagnosis()
    n = len(record) - 1
    said = found.sentences
    if stop.reason == "nan" and n <= 0:
        said["non-finite start"] = f"{stop.detail}: start where fun and jac are finite."
        return found
    if objective.bounds is not None and success:
        _bounds(objective, x, said)
    may_call = stop.reason not in ("maxfev", "maxtime", "interrupted", "callback", "target", "nan")
    if g is None or method.needs == "value":
        return found
    _history(stop, success, objective, method, record, x, g, may_call, said)
    if not may_call or objective.has_l1:
        return found
    if success and not g.any() and (objective.is_differences or n == 0):
        _flat(objective, x, said)
    if success:
        _vanished(objective, method, record, x, g, said)
    if success and stop.reason in ("gtol", "ftol", "xtol") and "plateau" not in said:
        _saddle(objective, method, record, n, x, g, found)
        if "saddle" not in said:
            _no_effect(objective, x, g, said)
    if not success and stop.reason in ("line_search", "stalled", "diverged"):
        _noise(objective, x, said)
        if "noise" not in said:
            _gradient(objective, x, g, said)
    planned = method.needs_data and stop.reason == "maxiter"  # where epochs are the usual end
    if not success and "wrong gradient" not in said and not planned:
        _scaling(objective, method, x, g, said)
    return found


def _bounds(objective: Objective, x: np.ndarray, said: dict[str, str]) -> None:
    assert objective.bounds is not None
    at = np.flatnonzero(objective.bounds.active(x) & (objective.bounds.lower < objective.bounds.upper))
    if len(at):
        names = ", ".join(objective.layout.name(int(i)) for i in at[:LISTED]) + (", ..." if len(at) > LISTED else "")
        said["at bounds"] = f"{len(at)} of {len(x)} variables are at their bounds: {names}."


def _history(
    stop: Stop,
    success: bool,
    objective: Objective,
    method: Method,
    record: Record,
    x: np.ndarray,
    g: np.ndarray,
    may_call: bool,
    said: dict[str, str],
) -> None:
    """What values and gradients of the iterations say."""
    rate = float(record.alpha[-1])
    fixed = method.is_first_order and getattr(method, "line_search", None) is None
    if stop.reason == "diverged":
        said["diverging"] = f"f rose from {record.fun.min():.4g} to {record.fun[-1]:.4g}." + (
            _largest_rate(objective, x, g, rate) if fixed and may_call else ""
        )
    elif not success and record.turns >= TURNS and fixed:
        said["oscillating"] = (
            f"the gradient has turned round in each of the last {record.turns} iterations: steps of rate {rate:.3g} "
            "go back and forth across a valley. Halve the learning rate."
        )
    if not success and objective.best_f < -DEEP * max(1.0, abs(record.fun[0])):
        said["unbounded"] = f"f has fallen to {objective.best_f:.3g}: it seems to have no minimum. Set bounds."
    recent = record.fun[-FLAT:]
    if not success and len(recent) == FLAT and "diverging" not in said:
        moved = float(recent.max() - recent.min())
        if moved <= 1e-6 * max(abs(recent[-1]), 1e-300) and "oscillating" not in said:
            said["plateau"] = (
                f"f moved by {moved:.2g} only in {FLAT} iterations, with a gradient of {record.gnorm[-1]:.2g}, "
                "a plateau. Raise the learning rate, use momentum or a second-order method, or start elsewhere."
            )


def _largest_rate(objective: Objective, x: np.ndarray, g: np.ndarray, rate: float) -> str:
    """The rate from which on steps along the gradient diverge, 2 / L, by power iterations."""
    size = math.sqrt(float(g @ g))
    if not 0 < size < math.inf:
        return ""
    v, largest = g / size, 0.0
    for _ in range(8):
        v = objective.hessian_product(x, v, g)
        largest = math.sqrt(float(v @ v))
        if not 0 < largest < math.inf:
            return ""
        v = v / largest
    return f" The largest curvature here is {largest:.3g}: rates above {2 / largest:.3g} diverge; it was {rate:.3g}."


def _saddle(
    objective: Objective, method: Method, record: Record, n: int, x: np.ndarray, g: np.ndarray, found: Diagnosis
) -> None:
    """Whether f curves downwards here: asked where a run could have come to a saddle point."""
    curvature = getattr(method, "curvature", math.nan)
    # Descents leave saddle points by themselves, unless they never saw a slope along some variable.
    if _is_next_to_0(objective, record):
        return
    suspect = n == 0 or bool((x == objective.layout.x0).any()) or curvature < 0
    loose = np.ones(len(x), bool) if objective.bounds is None else ~objective.bounds.active(x)
    if not suspect or not loose.any():
        return
    lowest, largest, v = _lowest_curvature(objective, x, g, loose)
    small = 1e-3 if objective.is_differences or objective.eps > 1e-10 else 1e-6
    if lowest < -small * max(largest, 1e-300):
        found.escape = v
        found.sentences["saddle"] = (
            f"f curves downwards ({lowest:.3g}) along res.escape: a saddle point, and no minimum. Start again from "
            "res.x + t * res.escape, with a small t."
        )


def _is_next_to_0(objective: Objective, record: Record) -> bool:
    """Whether a sum of squares has fallen to 0, below which none is, to rounding."""
    return isinstance(objective, Residuals) and objective.best_f <= objective.eps * record.fun[0]


def _lowest_curvature(
    objective: Objective, x: np.ndarray, g: np.ndarray, loose: np.ndarray
) -> tuple[float, float, np.ndarray]:
    """Lowest and largest curvature, and the direction of the lowest, by Lanczos's iteration over free variables."""
    count = min(int(loose.sum()), 12)
    v = np.random.Generator(np.random.Philox(0)).standard_normal(len(x)) * loose
    basis: list[np.ndarray] = []
    products: list[np.ndarray] = []
    for _ in range(count):
        for _ in range(2):
            for b in basis:
                v = v - float(b @ v) * b
        size = math.sqrt(float(v @ v))
        if not size > 1e-10:
            break
        basis.append(v / size)
        v = objective.hessian_product(x, basis[-1], g) * loose
        products.append(v)
        if not np.isfinite(v).all():
            return math.inf, 0.0, x
        v = v / max(1e-300, math.sqrt(float(v @ v)))
    B, A = np.array(basis), np.array(products)
    T = B @ A.T
    w, V = np.linalg.eigh((T + T.T) / 2)
    return float(w[0]), float(np.abs(w).max()), V[:, 0] @ B


def _flat(objective: Objective, x: np.ndarray, said: dict[str, str]) -> None:
    """Whether f is the same, to the last bit, at points farther away than those of finite differences."""
    h = objective.eps**0.25 * np.maximum(1.0, np.abs(x))
    points = [(x + h).astype(x.dtype), (x - h).astype(x.dtype)]
    if objective.bounds is not None:
        points = [objective.bounds.clip(point) for point in points]
    if all(value == objective.best_f for value in objective.values_beside(points)):
        said["plateau"] = (
            f"f is {objective.best_f:.6g} at all points around, and the gradient exactly 0: a plateau, which says "
            'nothing of a minimum. Take "cma-es", which compares values farther apart, or larger differences '
            '(options={"eps": ...}).'
        )


def _vanished(
    objective: Objective, method: Method, record: Record, x: np.ndarray, g: np.ndarray, said: dict[str, str]
) -> None:
    """Whether components of the gradient are next to nothing because f is flat, and not because a minimum is near."""
    gone = (g != 0) & (np.abs(g) < objective.eps**3)
    if isinstance(method, LevenbergMarquardt) and len(record.fun) > 1 and not _is_next_to_0(objective, record):
        gone |= method.lost(x)
    for i in np.flatnonzero(gone)[:LISTED]:
        unit = np.zeros(len(x))
        unit[i] = 1.0
        curvature = float(objective.hessian_product(x, unit, g)[i])
        step = abs(float(g[i])) / curvature if curvature > 0 else math.inf
        if step > 1e-6 * max(1.0, abs(float(x[i]))):
            said["plateau"] = (
                f"along {objective.layout.name(int(i))} the gradient has vanished ({g[i]:.2g}), and the curvature "
                f"with it ({curvature:.2g}): f = {objective.best_f:.6g} is on a plateau, which says nothing of a "
                "minimum. Start elsewhere, or set bounds."
            )
            return


def _no_effect(objective: Objective, x: np.ndarray, g: np.ndarray, said: dict[str, str]) -> None:
    """Which variables are where they began, with a slope of exactly 0 and no curvature, where others have moved."""
    still = (g == 0) & (x == objective.layout.x0)
    if not still.any() or (x == objective.layout.x0).all():
        return
    along = np.random.Generator(np.random.Philox(2)).standard_normal(len(x)) * still
    if objective.hessian_product(x, along, g)[still].any():
        return
    at = np.flatnonzero(still)
    names = ", ".join(objective.layout.name(int(i)) for i in at[:LISTED]) + (", ..." if len(at) > LISTED else "")
    said["no effect"] = (
        f"{len(at)} of {len(x)} variables have no effect here: slope and curvature are exactly 0, and they are where "
        f"they began ({names}). If they should matter, start elsewhere."
    )


def _gradient(objective: Objective, x: np.ndarray, g: np.ndarray, said: dict[str, str]) -> None:
    if objective.is_differences or objective.bounds is not None:
        return
    rng = np.random.Generator(np.random.Philox(0))
    if min(mismatch(objective, x, g, rng) for _ in range(2)) < 1e-2:
        return
    worst = [one for one in worst_components(objective, x, g) if math.isfinite(one[2])]
    if worst:
        name, given, numeric = worst[0]
        slopes = _slopes(objective, x, [objective.layout.name(i) for i in range(len(x))].index(name))
        if min(abs(given - slope) for slope in slopes) <= 1e-3 * abs(slopes[1] - slopes[0]):
            said["kink"] = (
                f"fun is not smooth: its slope along {name} is {slopes[0]:.4g} on one side and {slopes[1]:.4g} on the "
                'other. Smooth it, as sqrt(x^2 + d^2) for |x|, or take "cma-es", which compares values only.'
            )
            return
        said["wrong gradient"] = (
            f"jac is not the gradient of fun: {name} is {given:.6g} where differences of fun give {numeric:.6g}. "
            "gs.check_grad says more."
        )


def _slopes(objective: Objective, x: np.ndarray, i: int) -> tuple[float, float]:
    """Differences of fun along a variable, to the left and to the right."""
    h = np.zeros(len(x))
    h[i] = objective.eps ** (1 / 3) * max(1.0, abs(float(x[i])))
    left, right = (x - h).astype(x.dtype), (x + h).astype(x.dtype)
    f, below, above = objective.values_beside([x, left, right])
    return (f - below) / float(x[i] - left[i]), (above - f) / float(right[i] - x[i])


def _noise(objective: Objective, x: np.ndarray, said: dict[str, str]) -> None:
    """The size of f's noise from the differences of its differences at points close to each other."""
    rng = np.random.Generator(np.random.Philox(1))
    h = 100 * objective.eps * np.maximum(1.0, np.abs(x)) * rng.choice([-1.0, 1.0], size=len(x))
    points = [(x + i * h).astype(x.dtype) for i in range(9)]
    if objective.bounds is not None:
        points = [objective.bounds.clip(point) for point in points]
    values = np.array(objective.values_beside(points))
    if not np.isfinite(values).all():
        return
    sizes = []
    for k in range(1, 7):
        values = np.diff(values)
        gamma = math.factorial(k) ** 2 / math.factorial(2 * k)
        sizes.append(math.sqrt(gamma * float((values**2).mean())))
    noise = float(np.median(sizes[3:]))
    if noise > 1e4 * objective.eps * max(abs(objective.best_f), 1e-300):
        said["noise"] = (
            f"fun has noise of about {noise:.1g} at this point, far above rounding: gradients and line searches cannot "
            'resolve less. Make fun smooth, or use "cma-es", which compares values only.'
        )


def _scaling(objective: Objective, method: Method, x: np.ndarray, g: np.ndarray, said: dict[str, str]) -> None:
    """Whether variables differ by orders of magnitude in the step that is natural to them."""
    if len(x) < 2:
        return
    inverse = getattr(method, "H", None)
    if inverse is not None:
        natural = np.sqrt(np.abs(np.diag(inverse)))
    elif len(x) <= 50 and not objective.is_differences:
        diagonal = np.array([float(row @ objective.hessian_product(x, row, g)) for row in np.eye(len(x))])
        natural = 1 / np.sqrt(np.maximum(np.abs(diagonal), 1e-300))
    else:
        return
    if not np.isfinite(natural).all():
        return
    largest, smallest = int(np.argmax(natural)), int(np.argmin(natural))
    ratio = float(natural[largest] / max(float(natural[smallest]), 1e-300))
    if UNLIKE < ratio < 1e100:
        said["bad scaling"] = (
            f"a natural step of {objective.layout.name(largest)} is {ratio:.1g} times one of "
            f"{objective.layout.name(smallest)}: measure variables in units in which their steps are alike."
        )
