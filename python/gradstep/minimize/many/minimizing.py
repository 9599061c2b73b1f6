"""`minimize_many`: thousands of small problems at once, each with its own path."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...checks import check_bool, check_int, describe
from ...hints import names_arguments
from ..arguments import tolerance
from ..methods.first_order import FirstOrder
from ..methods.registry import method_of
from ..objectives.compiled import machine_code
from ..result import OptimizeResult
from .descent import descent, mixes
from .least_squares import levenberg_marquardt
from .problems import Rows
from .quasi_newton import quasi_newton

__all__ = ["minimize_many"]

PAIRS = {"bfgs": 0, "l-bfgs": 10}  # kept by each problem
SQUARES = "levenberg-marquardt"


@names_arguments
def minimize_many(
    fun: Callable[..., Any],
    x0: Any,
    jac: Any = None,
    method: Any = None,
    *,
    residual: bool = False,
    data: Any = None,
    learning_rate: Any = None,
    gtol: float | None = None,
    maxiter: int = 1000,
) -> OptimizeResult:
    """Minimize many small functions of the same form together: one call of `fun` for all that are not solved yet.

    Parameters
    ----------
    fun : callable
        ``fun(X, rows)``: the points of k problems, shape (k, n), and which problems they are, k row numbers; gives
        their values, shape (k,), or with ``residual=True`` their residuals, shape (k, m). Or machine code for one
        point, as `minimize` takes it: all problems are then solved without Python, on all threads.
    x0 : array_like, shape (K, n)
        A start for each of K problems, float32 or float64.
    jac : callable or True
        ``jac(X, rows)`` gives the gradients, shape (k, n), or the Jacobians of the residuals, shape (k, m, n); True if
        `fun` gives a pair.
    method : {"bfgs", "l-bfgs", "levenberg-marquardt"}, str or Optimizer, optional
        By default the third for residuals, else the first. Or an optimizer of the package that moves each element by
        itself, by name (``"adam"``) or as an object: it takes its steps as they are.
    residual : bool, default False
        Whether `fun` gives residuals, half of whose sum of squares is minimized.
    data : ndarray, shape (K, ...), optional
        Where `fun` is machine code: what its last argument points to is the row of its problem.
    learning_rate : float or LearningRateSchedule, optional
        Of an optimizer that is given by name.
    gtol : float, optional
        A problem is solved where no component of its gradient is larger; by default 1e-6, and 1e-9 for residuals.
    maxiter : int, default 1000
        Iterations of each.

    Returns
    -------
    OptimizeResult
        With an entry for each problem: ``x`` (K, n), ``fun``, ``jac``, ``success``, ``reason``, ``nit``, ``nfev``; and
        ``ncall``, how often `fun` was called (0 if it is machine code), and ``message``.

    Raises
    ------
    TypeError, ValueError
        An argument, or what fun or jac gives, is not as said above.

    Notes
    -----
    Each problem has a line search or trust radius of its own and takes no part in further calls once it is solved. What
    is returned is the lowest point of each. Memory of ``"bfgs"`` is K n^2 doubles, of ``"l-bfgs"`` 20 K n.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> def fun(X, rows):
    ...     a, b = 1 - X[:, 0], X[:, 1] - X[:, 0] ** 2
    ...     return a**2 + 100 * b**2, np.stack([-2 * a - 400 * X[:, 0] * b, 200 * b], axis=1)
    >>> starts = np.random.default_rng(0).uniform(-2, 2, (500, 2))
    >>> res = gs.minimize_many(fun, starts, jac=True)
    >>> bool(res.success.all()), bool(np.allclose(res.x, 1, atol=1e-4))
    (True, True)
    """
    code = machine_code(fun)
    if code is not None and (jac not in (None, True) or residual):
        raise TypeError("fun in machine code gives value and gradient: jac must be True or left out, residual False.")
    if code is None and not callable(fun):
        raise TypeError(f"fun must be callable; got {describe(fun)}.")
    if code is None and jac is not True and not callable(jac):
        raise TypeError(f"jac must be callable or True; got {describe(jac)}.")
    X = np.asarray(x0)
    if X.dtype.kind in "iub":
        X = X.astype(np.float64)
    if X.ndim != 2 or X.dtype not in (np.float32, np.float64) or not X.size:
        raise ValueError(f"x0 must have shape (K, n), float32 or float64; got shape {X.shape} of dtype {X.dtype}.")
    wrong = np.argwhere(~np.isfinite(X))
    if len(wrong):
        raise ValueError(f"x0 must be finite; x0[{wrong[0][0]}, {wrong[0][1]}] is {X[tuple(wrong[0])]}.")
    squares = check_bool("residual", residual)
    if code is not None and code.is_single and X.dtype != np.float32:
        raise TypeError(f"x0 must have dtype float32 where fun takes float; got {X.dtype}.")
    limit = tolerance("gtol", (1e-9 if squares else 1e-6) if gtol is None else gtol)
    most = check_int("maxiter", maxiter, 0)
    problems = Rows(fun, jac, X, squares, code, _rows(data, code, len(X)))
    chosen = method_of((SQUARES if squares else "bfgs") if method is None else method, {}, _rate(learning_rate))
    if chosen.name in PAIRS and not squares:
        quasi_newton(problems, limit, most, PAIRS[chosen.name])
    elif chosen.name == SQUARES and squares:
        levenberg_marquardt(problems, limit, most)
    elif isinstance(chosen, FirstOrder) and not squares:
        if chosen.line_search or mixes(chosen.optimizer):
            raise ValueError(f"{chosen.name} cannot step many problems at once: it must move each element by itself.")
        descent(problems, chosen.optimizer, limit, most)
    else:
        names = SQUARES if squares else '"bfgs", "l-bfgs" or an optimizer'
        raise ValueError(f'method must be {names} with residual={squares}; got "{chosen.name}".')
    return _result(problems, limit)


def _rate(learning_rate: Any) -> dict[str, Any]:
    return {} if learning_rate is None else {"learning_rate": learning_rate}


def _rows(data: Any, code: Any, count: int) -> np.ndarray | None:
    """The rows of the data that machine code gets, in C order."""
    if data is None:
        return None
    if code is None:
        raise TypeError("data= is for fun in machine code; a function of Python gets the rows' numbers.")
    rows = np.ascontiguousarray(data)
    if rows.ndim < 1 or len(rows) != count or rows.dtype.hasobject:
        raise ValueError(f"data must have {count} rows, one for each problem; got shape {rows.shape} of {rows.dtype}.")
    return rows


def _result(problems: Rows, gtol: float) -> OptimizeResult:
    success = (problems.reason == "gtol") | problems.solved
    count, solved = len(success), int(success.sum())
    ended, numbers = np.unique(problems.reason[~success], return_counts=True)
    left = dict(zip(ended.tolist(), numbers.tolist(), strict=True))
    rest = "".join(f"; {number} ended by {name}" for name, number in left.items())
    return OptimizeResult(
        x=problems.x,
        fun=problems.f,
        jac=problems.g,
        success=success,
        reason=problems.reason,
        message=f"{solved} of {count} problems are solved: gradients at most gtol = {gtol:g}, or at their floor{rest}.",
        nit=problems.nit,
        nfev=problems.nfev,
        ncall=problems.ncall,
    )
