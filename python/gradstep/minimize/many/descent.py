"""Optimizers of the package on many problems: one step moves all of them."""

from __future__ import annotations

import numpy as np

from ... import _core
from ...optimizers import Optimizer
from ...optimizers.base.without_state import without_state
from .problems import Rows

__all__ = ["descent", "mixes"]


def mixes(optimizer: Optimizer) -> bool:
    """Whether what one element does depends on others: problems would then not be their own."""
    core = getattr(optimizer, "_core", None)
    if core is None or type(optimizer).bind is not Optimizer.bind or optimizer._leaves() != [optimizer]:
        return True
    clips = any(getattr(optimizer, name, None) is not None for name in ("clipnorm", "global_clipnorm"))
    rule = _core.rule(core.rule)
    return clips or rule["measures"] or rule["matrices"]


def descent(problems: Rows, optimizer: Optimizer, gtol: float, maxiter: int) -> None:
    """Minimize all rows; what is found is in `problems`."""
    own = without_state(optimizer)
    w = problems.x.copy()
    bound, rows = own.bind(w), np.arange(len(w))
    G = np.zeros_like(w)
    for n in range(maxiter + 1):
        f, g = problems.call(w[rows].astype(np.float64), rows)
        problems.nit[rows] = n
        good = np.isfinite(f) & np.isfinite(g).all(axis=1)
        lower = good & (f < problems.f[rows])
        took = rows[lower]
        problems.keep(took, w[took], f[lower], g[lower])
        problems.reason[rows[~good]] = "nan" if n == 0 else "diverged"
        solved = good & (np.abs(g).max(axis=1) <= gtol)
        same = solved & (f <= problems.f[rows] + 1e-10 * np.abs(problems.f[rows]))
        problems.reason[rows[solved]] = "gtol"
        problems.keep(rows[same], w[rows[same]], f[same], g[same])
        G[rows] = g
        G[rows[~good | solved]] = 0
        rows = rows[good & ~solved]
        if not len(rows) or n == maxiter:
            break
        bound.step(G)
    problems.reason[rows] = "maxiter"
