"""What a minimization gives: the fields of scipy.optimize.OptimizeResult, and why it stopped."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["OptimizeResult"]


class OptimizeResult(dict[str, Any]):
    """The outcome of a minimization: a dict whose keys are attributes too, as SciPy's.

    Attributes
    ----------
    x : float, ndarray or the structure of x0
        The point with the lowest value that was seen, in the dtype of x0.
    fun : float
        The value there: what ``fun(x)`` gives, to the last bit.
    jac : the structure of x0
        The gradient there, if the method uses one.
    success : bool
        Whether the problem counts as solved.
    reason : str
        ``"gtol"``, ``"ftol"``, ``"xtol"``, ``"target"`` or ``"callback"``; or ``"maxiter"``, ``"maxfev"``,
        ``"maxtime"``, ``"stalled"``, ``"diverged"``, ``"nan"``, ``"line_search"`` or ``"interrupted"``.
    status : int
        0 solved, 1 a limit was reached, 2 no progress is possible, 3 diverged or NaN, 4 interrupted, 99 stopped by the
        callback.
    message : str
        Why it stopped, with numbers and what to do next.
    nit, nfev, njev, nhev : int
        Iterations, and calls of the value, the gradient, the Hessian or its products.
    diagnosis : dict of str to str
        What was noticed, a sentence each: ``"diverging"``, ``"oscillating"``, ``"plateau"``, ``"saddle"``, ``"kink"``,
        ``"unbounded"``, ``"bad scaling"``, ``"noise"``, ``"wrong gradient"``, ``"non-finite start"``, ``"at bounds"``,
        ``"no effect"``.
    history : dict of str to ndarray
        For each iteration, the start first: ``"fun"``, ``"gnorm"`` (largest gradient component), ``"step"`` (length of
        the change of x), ``"alpha"`` (step size), ``"time"`` (seconds since the start).
    path, path_fun : list, ndarray
        With ``return_path=True`` every point, the start first, and its value.
    hess_inv, minima, ...
        What some methods give beside. The inverse Hessian of ``"bfgs"`` is an array; that of ``"l-bfgs"`` has products,
        ``res.hess_inv @ p``, and ``todense()``, as of SciPy's L-BFGS-B.

    Examples
    --------
    >>> import gradstep as gs
    >>> res = gs.minimize(lambda x: (x - 1) ** 2, 3.0)
    >>> res.success, round(float(res.x), 4), res["nit"] == res.nit
    (True, 1.0, True)
    """

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __delattr__(self, name: str) -> None:
        del self[name]

    def __dir__(self) -> list[str]:
        return sorted({*self, *super().__dir__()})

    def __repr__(self) -> str:
        width = max(map(len, self), default=0)
        lines = []
        for key, value in self.items():
            if key in ("history", "path", "path_fun"):
                value = f"({len(value['fun'] if key == 'history' else value)} points)"
            text = repr(value) if not isinstance(value, str) else value
            with np.printoptions(precision=8, threshold=12, edgeitems=3):
                text = repr(value) if isinstance(value, np.ndarray) else text
            lines.append(f"{key:>{width}}: " + text.replace("\n", "\n" + " " * (width + 2)))
        return "\n".join(lines)

    def plot(self, path: str | os.PathLike[Any] | None = None) -> Figure:
        """Curves of the value, the gradient and the step over the iterations.

        Parameters
        ----------
        path : str or path, optional
            Where to save the figure.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        ImportError
            matplotlib is not installed.
        """
        from ..plot.plot_descent import plot_descent

        return plot_descent(self, path)
