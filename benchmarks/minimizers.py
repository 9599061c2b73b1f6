"""Minimizers on the 35 problems of Moré, Garbow and Hillstrom, and on BBOB: `python benchmarks/minimizers.py`.

The judge counts the calls and keeps the lowest value itself; what a minimizer says of itself counts for the last two
columns only. Rivals that are not installed are left out: SciPy, PyTorch, JAX with optax, nlopt, cma; COCO's functions
come with coco-experiment.

A problem is solved at tau where the lowest value is within ``tau min(f0 - f*, max(1, |f*|))`` of one of the minima of
the paper. calls: the median of the calls of f until 1e-6, over the problems solved. lies: success although not solved
at 1e-3; minima: how many of them are minima that the paper does not list. alarms: failure although solved at 1e-6.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from classics.counted import BUDGET, Counted, Spent
from classics.problems import problems

TAUS = (1e-3, 1e-6, 1e-9)
DIM, INSTANCES, PER_DIM = 5, 3, 1000  # of BBOB


Solver = Callable[[Counted], "bool | None"]  # gives success, or None where it says nothing


def ours() -> dict[str, Solver]:
    import gradstep as gs

    def of(method: str, with_hessian: bool) -> Solver:
        def solve(p: Counted) -> bool:
            hess = p.hess if with_hessian else None
            return bool(gs.minimize(p.fun, p.x0, jac=p.jac, hess=hess, method=method).success)

        return solve

    def squares(p: Counted) -> bool:
        return bool(gs.minimize(p.residuals, p.x0, jac=p.jac_residuals, residual=True).success)

    found = {m: of(m, False) for m in ("l-bfgs", "bfgs", "cg")}
    found |= {m: of(m, True) for m in ("trust-exact", "trust-ncg", "newton-cg")}
    return {f"gradstep {name}": solve for name, solve in found.items()} | {"gradstep levenberg-marquardt": squares}


def scipys() -> dict[str, Solver]:
    from scipy.optimize import least_squares, minimize

    def of(method: str, with_hessian: bool, options: dict[str, Any]) -> Solver:
        def solve(p: Counted) -> bool:
            more = {"hess": p.hess} if with_hessian else {}
            return bool(minimize(p.fun, p.x0, jac=p.jac, method=method, options=options, **more).success)

        return solve

    def squares(p: Counted) -> bool:
        return bool(least_squares(p.residuals, p.x0, p.jac_residuals, method="lm", max_nfev=BUDGET).success)

    long = {"maxiter": BUDGET}
    longest = {**long, "maxfun": 10**6}
    found = {"L-BFGS-B": of("L-BFGS-B", False, longest)}
    found["L-BFGS-B, ftol=0"] = of("L-BFGS-B", False, {**longest, "ftol": 0, "gtol": 1e-8})
    found |= {m: of(m, False, long) for m in ("BFGS", "CG")}
    found |= {m: of(m, True, long) for m in ("trust-exact", "trust-ncg", "Newton-CG")}
    return {f"SciPy {name}": solve for name, solve in found.items()} | {"SciPy least_squares lm": squares}


def torchs() -> dict[str, Solver]:
    import torch

    torch.set_num_threads(1)

    def solve(p: Counted) -> None:
        x = torch.tensor(p.x0, dtype=torch.float64, requires_grad=True)
        optimizer = torch.optim.LBFGS(
            [x], max_iter=BUDGET, max_eval=10**6, tolerance_grad=1e-7, tolerance_change=1e-12, history_size=10,
            line_search_fn="strong_wolfe",
        )  # fmt: skip

        def closure() -> Any:
            at = x.detach().numpy()
            x.grad = torch.from_numpy(p.jac(at).copy())
            return torch.tensor(p.fun(at), dtype=torch.float64)

        optimizer.step(closure)

    return {"PyTorch LBFGS, strong Wolfe": solve}


def optaxs() -> dict[str, Solver]:
    import jax
    import jax.numpy as jnp
    import optax

    jax.config.update("jax_enable_x64", True)

    def solve(p: Counted) -> bool:
        shapes = jax.ShapeDtypeStruct((), jnp.float64), jax.ShapeDtypeStruct((p.problem.n,), jnp.float64)
        over = []

        def host(x: Any) -> tuple[Any, Any]:
            try:
                return np.float64(p.fun(x)), np.asarray(p.jac(x), float)
            except Spent:
                over.append(True)
                return np.float64(p.best), np.zeros(p.problem.n)

        @jax.custom_vjp
        def f(x: Any) -> Any:
            return jax.pure_callback(host, shapes, x)[0]

        f.defvjp(lambda x: jax.pure_callback(host, shapes, x), lambda g, ct: (ct * g,))
        optimizer, both = optax.lbfgs(memory_size=10), optax.value_and_grad_from_state(f)

        @jax.jit
        def step(x: Any, state: Any) -> Any:
            value, g = both(x, state=state)
            change, state = optimizer.update(g, state, x, value=value, grad=g, value_fn=f)
            return optax.apply_updates(x, change), state, g

        x = jnp.asarray(p.x0)
        state = optimizer.init(x)
        for _ in range(1000):
            new, state, g = step(x, state)
            if over:
                raise Spent
            if bool(jnp.abs(g).max() < 1e-6):
                return True
            if bool((new == x).all()) or not bool(jnp.isfinite(new).all()):
                return False
            x = new
        return False

    return {"optax lbfgs": solve}


def nlopts() -> dict[str, Solver]:
    import nlopt

    def of(name: str) -> Solver:
        def solve(p: Counted) -> bool:
            run = nlopt.opt(getattr(nlopt, name), p.problem.n)

            def f(x: Any, g: Any) -> float:
                if g.size:
                    g[:] = p.jac(x)
                return p.fun(x)

            run.set_min_objective(f)
            run.set_xtol_rel(1e-10)
            run.set_ftol_rel(1e-14)
            run.optimize(p.x0)
            return bool(run.last_optimize_result() > 0)

        return solve

    return {f"NLopt {name}": of(name) for name in ("LD_LBFGS", "LD_VAR2", "LD_TNEWTON_PRECOND_RESTART")}


def judged(solve: Solver, **setting: Any) -> dict[str, Any]:
    """A row of the table."""
    after: list[list[int | None]] = []
    lies = minima = alarms = errors = spent = 0
    for problem in problems():
        p, success = Counted(problem, **setting), None
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                success = solve(p)
        except Spent:
            spent += 1
        except Exception:  # a rival's error, which is counted
            errors += 1
        after.append([p.solved_after(tau) for tau in TAUS])
        if success is True and after[-1][0] is None:
            lies += 1
            minima += p.is_at_minimum()
        alarms += success is False and after[-1][1] is not None
    solved = [sum(row[k] is not None for row in after) for k in range(3)]
    calls = statistics.median([row[1] for row in after if row[1] is not None] or [float("nan")])
    honesty = {"lies": lies, "minima": minima, "alarms": alarms}
    return {"solved": solved, "calls": calls, **honesty, "errors": errors, "spent": spent}


def bbob(chosen: list[str], repeats: int) -> dict[str, dict[str, Any]]:
    """Of 24 functions in 5 variables, 3 instances each, 1,000 calls a variable: solved to 1e-8 with each seed, and
    the calls of what was solved."""
    import cocoex

    def run(name: str, p: Any, seed: int) -> None:
        if name.startswith("gradstep"):
            import gradstep as gs

            while True:
                seed += 1
                left = PER_DIM * DIM - p.calls
                method, box = name.split()[1], [(-5, 5)] * DIM
                gs.minimize(p, np.zeros(DIM), method=method, bounds=box, seed=seed, maxfev=max(left, 1))
        elif name == "pycma, IPOP":
            import cma

            rng = np.random.default_rng(seed)  # no bounds: it does not need them here
            options = {"verbose": -9, "seed": seed + 1, "maxfevals": PER_DIM * DIM}
            cma.fmin2(p, lambda: rng.uniform(-4, 4, DIM), 2.0, options, restarts=9, bipop=False)
        else:
            from scipy.optimize import differential_evolution

            while True:
                seed += 1
                differential_evolution(p, [(-5, 5)] * DIM, rng=seed)

    found = {}
    for name in ("gradstep cma-es", "gradstep differential-evolution", "pycma, IPOP", "SciPy differential_evolution"):
        if chosen and not any(part in name for part in chosen):
            continue
        calls: list[float] = []
        solved = [0] * repeats
        try:
            for repeat in range(repeats):
                suite = cocoex.Suite("bbob", f"instances: 1-{INSTANCES}", f"dimensions: {DIM}")
                for number, function in enumerate(suite):
                    p = _Targeted(function)
                    with warnings.catch_warnings(), np.errstate(all="ignore"):
                        warnings.simplefilter("ignore")
                        with suppress(Spent):
                            run(name, p, number + 1000 * repeat)
                    solved[repeat] += p.solved
                    calls += [p.calls / DIM] if p.solved else []
        except ImportError as error:
            print(f"{name}: {error}", file=sys.stderr)
            continue
        found[name] = {"solved": solved, "of": 24 * INSTANCES, "calls a variable": statistics.median(calls or [0])}
        print(name, found[name], flush=True)
    return found


class _Targeted:
    """A function of BBOB, which ends the run where COCO says that its last target, 1e-8, is hit."""

    def __init__(self, function: Any) -> None:
        self.function, self.calls = function, 0

    @property
    def solved(self) -> bool:
        return bool(self.function.final_target_hit)

    def __call__(self, x: Any, *_: Any) -> float:
        if self.solved or self.calls >= PER_DIM * DIM:
            raise Spent
        self.calls += 1
        return float(self.function(np.asarray(x, float)))


SETTINGS: dict[str, dict[str, Any]] = {
    "standard": {},
    "start 10": {"start": 10.0},
    "scaled": {"scaled": True},
}
PACKAGES = ("gradstep", "numpy", "scipy", "torch", "jax", "optax", "nlopt", "cma", "coco-experiment")


def versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def table(results: dict[str, Any]) -> str:
    """The results in Markdown."""
    lines = ["| method | solved | calls | lies | alarms | from 10 x0: solved | lies | scaled: solved | lies |"]
    lines.append("|---|---|---:|---:|---:|---|---:|---|---:|")
    for name, row in results["standard"].items():
        cells = [name, ", ".join(map(str, row["solved"])), f"{row['calls']:.0f}", _lies(row), row["alarms"]]
        for setting in ("start 10", "scaled"):
            other = results[setting].get(name)
            cells += [", ".join(map(str, other["solved"])), _lies(other)] if other else ["", ""]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    for name, row in results.get("bbob", {}).items():
        mean = statistics.mean(row["solved"])
        lines.append(
            f"BBOB: {name} {mean:.1f} ({min(row['solved'])} to {max(row['solved'])}) of {row['of']}, "
            f"{row['calls a variable']:.0f} calls a variable"
        )
    return "\n".join(lines)


def _lies(row: dict[str, Any]) -> str:
    return f"{row['lies']} ({row['minima']})" if row.get("minima") else str(row["lies"])


def main(given: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks/minimizers.py", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the results there")
    parser.add_argument("--only", nargs="+", default=[], metavar="TEXT", help="minimizers that have this in their name")
    parser.add_argument("--settings", nargs="+", default=list(SETTINGS), choices=list(SETTINGS))
    parser.add_argument("--bbob", action="store_true", help="COCO's functions too, which takes minutes")
    parser.add_argument("--repeats", type=int, default=5, metavar="N", help="of BBOB, each with other seeds")
    args = parser.parse_args(given)
    results: dict[str, Any] = {"machine": platform.processor() or platform.machine(), "versions": versions()}
    results |= {setting: {} for setting in SETTINGS}
    for make in (ours, scipys, torchs, optaxs, nlopts):
        try:
            solvers = make()
        except ImportError as error:
            print(f"left out: {error}", file=sys.stderr)
            continue
        for name, solve in solvers.items():
            if args.only and not any(part in name for part in args.only):
                continue
            for setting in args.settings:
                results[setting][name] = judged(solve, **SETTINGS[setting])
                print(setting, name, results[setting][name], flush=True)
    if args.bbob:
        results["bbob"] = bbob(args.only, args.repeats)
    print(table(results))
    if args.json:
        args.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
