"""`minimize_many`: thousands of small problems at once, each with its own path."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..checks import check_bool, check_choice, check_int, describe
from .arguments import tolerance
from .many_bfgs import bfgs
from .many_problems import Rows
from .many_squares import levenberg_marquardt
from .result import OptimizeResult

__all__ = ["minimize_many"]

METHODS = {"bfgs": bfgs, "levenberg-marquardt": levenberg_marquardt}


def minimize_many(
    fun: Callable[..., Any],
    x0: Any,
    jac: Any = None,
    method: str | None = None,
    *,
    residual: bool = False,
    gtol: float | None = None,
    maxiter: int = 1000,
) -> OptimizeResult:
    """Minimize many small functions of the same form together: one call of `fun` for all that are not solved yet.

    Parameters
    ----------
    fun : callable
        ``fun(X, rows)``: the points of k problems, shape (k, n), and which problems they are, k row numbers; gives
        their values, shape (k,), or with ``residual=True`` their residuals, shape (k, m).
    x0 : array_like, shape (K, n)
        A start for each of K problems, float32 or float64.
    jac : callable or True
        ``jac(X, rows)`` gives the gradients, shape (k, n), or the Jacobians of the residuals, shape (k, m, n); True if
        `fun` gives a pair.
    method : {"bfgs", "levenberg-marquardt"}, optional
        By default the second for residuals, else the first.
    residual : bool, default False
        Whether `fun` gives residuals, half of whose sum of squares is minimized.
    gtol : float, optional
        A problem is solved where no component of its gradient is larger; by default 1e-6, and 1e-9 for residuals.
    maxiter : int, default 1000
        Iterations of each.

    Returns
    -------
    OptimizeResult
        With an entry for each problem: ``x`` (K, n), ``fun``, ``jac``, ``success``, ``reason``, ``nit``, ``nfev``; and
        ``ncall``, how often `fun` was called, and ``message``.

    Raises
    ------
    TypeError, ValueError
        An argument, or what fun or jac gives, is not as said above.

    Notes
    -----
    Each problem has a line search or trust radius of its own and takes no part in further calls once it is solved. What
    is returned is the lowest point of each. Memory is K n^2 doubles.

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
    if not callable(fun):
        raise TypeError(f"fun must be callable; got {describe(fun)}.")
    if jac is not True and not callable(jac):
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
    name = method or ("levenberg-marquardt" if squares else "bfgs")
    solve = check_choice("method", name, METHODS)
    if squares != (name == "levenberg-marquardt"):
        raise ValueError(f'method "{name}" is for residual={not squares}.')
    limit = tolerance("gtol", (1e-9 if squares else 1e-6) if gtol is None else gtol)
    problems = Rows(fun, jac, X, squares)
    solve(problems, limit, check_int("maxiter", maxiter, 0))
    return _result(problems, limit)


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
