"""BFGS and L-BFGS on many problems, which are the core's (csrc/minimize/many.cpp): here they get their values."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ... import _core
from .problems import Rows

__all__ = ["quasi_newton"]


def quasi_newton(problems: Rows, gtol: float, maxiter: int, pairs: int) -> None:
    """Minimize all rows; what is found is in `problems`.

    Parameters
    ----------
    problems : Rows
    gtol : float
    maxiter : int
    pairs : int
        Of L-BFGS; 0 for BFGS.
    """
    single = problems.x.dtype == np.float32
    many = _core.Many(problems.x, pairs, gtol, maxiter, problems.eps, single)
    if problems.code is not None:
        many.solve(problems.code, problems.data)
        problems.ncall = 0
    else:
        while len(rows := many.rows):
            many.tell(*problems.call(many.ask(), rows))
    x, problems.f, problems.g, decrease, first, problems.nit, problems.nfev, ended = many.found()
    problems.x = x.astype(problems.x.dtype)
    problems.reason = np.array(_core.REASONS)[ended]
    problems.solved = _at_floor(problems, decrease, first)


def _at_floor(problems: Rows, decrease: Any, first: np.ndarray) -> np.ndarray:
    """Which problems ended where the model of their curvature expects nothing more, as far as rounding goes."""
    f = np.abs(problems.f)
    with np.errstate(all="ignore"):
        relative = (np.abs(problems.g) * np.maximum(np.abs(problems.x), 1.0)).max(axis=1) / np.maximum(f, 1.0)
        nothing = np.maximum(problems.eps ** (2 / 3) * f, problems.eps**2 * np.minimum(np.abs(first), 1.0))
        solved = (decrease <= nothing) & (relative <= 1) | (decrease < math.inf) & (relative <= problems.eps ** (2 / 3))
    return np.asarray(solved)
