"""Four methods in Rosenbrock's valley
===================================

Four methods in Rosenbrock's valley: a table of what each needed, and a picture of the ways they took.

The picture, valley.png, is drawn where matplotlib is installed.
"""

import sys
from importlib.util import find_spec

import gradstep as gs

METHODS = {
    "gradient descent": {"method": "gd", "line_search": "armijo"},
    "momentum": {"method": "momentum", "learning_rate": 0.0005},
    "conjugate gradients": {"method": "cg"},
    "bfgs": {"method": "bfgs"},
}


def main(steps: int = 2000) -> None:
    """Each method from the same start, at most so many steps."""
    p = gs.problems.rosenbrock
    ways = {}
    for name, given in METHODS.items():
        res = gs.minimize(p.value, p.start, jac=p.gradient, maxiter=steps, return_path=True, **given)
        ways[name] = res
        print(f"{name:20s} {res.nit:5d} steps {res.nfev:5d} calls  f = {res.fun:9.2g}  {res.reason}")
    if find_spec("matplotlib") is None:
        print("No picture: matplotlib is not installed.")
        return
    gs.plot.path(p.value, ways, bounds=[(-1.8, 1.6), (-0.8, 2.2)], path="valley.png")
    print("The ways are drawn in valley.png.")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
