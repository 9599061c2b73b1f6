"""Functions minimized in many ways
================================

A function minimized in many ways, and what each run says of itself.

The parabola 3x^2 - 2x - 3 from 8 by small steps, which do not arrive; Rosenbrock's valley by several methods, and by
Adam followed by L-BFGS; a saddle point left; a function of flat steps, which has no gradient.
"""

import sys

import gradstep as gs
import numpy as np


def show(name: str, res: gs.OptimizeResult) -> None:
    """A line on a run."""
    solved = "solved" if res.success else "not solved"
    print(f"{name:24s} {solved:10s} f = {res.fun:10.3g} {res.nfev:6d} calls  {res.reason}")


def parabola() -> None:
    """500 steps of rate 0.001 end at 0.71 and not at 1/3, and the run says so."""
    res = gs.minimize(
        lambda x: 3 * x**2 - 2 * x - 3, 8.0, jac=lambda x: 6 * x - 2, method="gd", learning_rate=0.001, maxiter=500
    )
    print(f"parabola: x = {res.x:.4f}. {res.message}\n")


def valley(steps: int) -> None:
    """Five methods in one valley."""
    p = gs.problems.rosenbrock
    for method in ("gd", "cg", "bfgs", "l-bfgs"):
        show(method, gs.minimize(p.value, p.start, jac=p.gradient, method=method))
    adam = gs.optimizers.Adam(0.05)
    show("adam", gs.minimize(p.value, p.start, jac=p.gradient, method=adam, maxiter=steps))
    both = gs.minimizers.Sequence(adam, "l-bfgs", switch=steps // 10)
    show("adam, then l-bfgs", gs.minimize(p.value, p.start, jac=p.gradient, method=both))


def out_of_a_saddle() -> None:
    """From (1, 0) the gradient leads to the saddle point (0, 0); the run says which way down is."""
    p = gs.problems.saddle
    res = gs.minimize(p.value, p.start, jac=p.gradient, method="gd")
    show("saddle", res)
    show("saddle, escaped", gs.minimize(p.value, res.x + 0.1 * res.escape, jac=p.gradient, method="gd"))


def steps_without_slope() -> None:
    """A function of flat steps: values are all there is."""

    def fun(x: np.ndarray) -> float:
        return float(np.abs(np.round(20 * (x - [0.3, -0.7]))).sum())

    show("steps, l-bfgs", gs.minimize(fun, [4.0, -3.0], method="l-bfgs"))
    show("steps, cma-es", gs.minimize(fun, [4.0, -3.0], method="cma-es", seed=0, target=0))


def main(steps: int = 1000) -> None:
    """All of them."""
    parabola()
    valley(steps)
    out_of_a_saddle()
    steps_without_slope()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
