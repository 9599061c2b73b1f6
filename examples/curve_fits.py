"""Thousands of curve fits at once
===============================

Thousands of curve fits at once: decays of light, measured at 10,000 places, each with its own lifetime.

Each curve is a exp(-t / tau) + c with noise. `minimize_many` fits all of them together by Levenberg-Marquardt: one call
of the residuals computes those of every curve that is not finished yet. A few of the curves are then fitted alone, by
`minimize`, to compare, and one is spoiled by flashes that a robust loss overlooks.
"""

import sys
import time

import gradstep as gs
import numpy as np

T = np.linspace(0, 5, 40)  # ns


def curve(p: np.ndarray) -> np.ndarray:
    """a exp(-t rate) + c for parameters (..., 3) -> (..., 40)."""
    return p[..., 0:1] * np.exp(-T * p[..., 1:2]) + p[..., 2:3]


def jacobian(p: np.ndarray) -> np.ndarray:
    """Its derivatives by a, rate and c: (..., 40, 3)."""
    decay = np.exp(-T * p[..., 1:2])
    return np.stack([decay, -p[..., 0:1] * T * decay, np.ones_like(decay)], axis=-1)


def measured(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """True parameters, and curves with noise."""
    p = np.stack([rng.uniform(1, 3, count), rng.uniform(0.4, 2.5, count), rng.uniform(0, 0.3, count)], axis=1)
    return p, curve(p) + 0.03 * rng.normal(size=(count, len(T)))


def first_guess(y: np.ndarray) -> np.ndarray:
    """From the curve itself: its height, the time in which it falls to a third, its end."""
    end = y[:, -5:].mean(axis=1)
    height = y[:, :2].mean(axis=1) - end
    fallen = (y < (end + height / 3)[:, None]).argmax(axis=1)
    return np.stack([height, 1 / np.maximum(T[fallen], 0.1), end], axis=1)


def all_at_once(truth: np.ndarray, y: np.ndarray) -> gs.OptimizeResult:
    """Every curve by one call of minimize_many."""
    begin = time.perf_counter()
    res = gs.minimize_many(
        lambda p, rows: curve(p) - y[rows], first_guess(y), jac=lambda p, rows: jacobian(p), residual=True
    )
    seconds = time.perf_counter() - begin
    error = np.abs(1 / res.x[:, 1] - 1 / truth[:, 1])
    print(f"{len(y)} curves: {res.success.sum()} solved in {res.ncall} calls, {1e6 * seconds / len(y):.0f} us each")
    print(f"lifetimes: median error {np.median(error):.4f} ns; noise {np.sqrt(2 * np.median(res.fun) / len(T)):.4f}")
    return res


def some_alone(y: np.ndarray, found: np.ndarray, count: int) -> None:
    """The same minima, one curve at a time."""
    begin, worst = time.perf_counter(), 0.0
    for i, start in enumerate(first_guess(y[:count])):
        one = gs.minimize(lambda p, i=i: curve(p) - y[i], start, jac=jacobian, residual=True)
        worst = max(worst, float(np.abs(one.x - found[i]).max()))
    seconds = time.perf_counter() - begin
    print(f"{count} of them alone: {1e6 * seconds / count:.0f} us each; parameters differ by {worst:.0e} at most")


def spoiled(rng: np.random.Generator) -> None:
    """Flashes in a curve: squares follow them, a robust loss does not."""
    truth = np.array([2.0, 1.0, 0.1])
    y = curve(truth) + 0.03 * rng.normal(size=len(T))
    y[[6, 12, 20, 33]] += [1.0, 1.5, 2.0, 1.0]
    print(f"spoiled by flashes, lifetime {1 / truth[1]:.3f} ns:")
    for loss in ("linear", "soft_l1", "cauchy"):
        options = {"loss": loss, "loss_scale": 0.05}
        start = first_guess(y[None])[0]
        res = gs.minimize(lambda p: curve(p) - y, start, jac=jacobian, residual=True, options=options)
        print(f"  loss {loss:8s} {1 / res.x[1]:.3f} ns  {'solved' if res.success else res.message}")


def main(count: int = 10_000, alone: int = 200) -> None:
    """All of it."""
    truth, y = measured(count, np.random.default_rng(0))
    res = all_at_once(truth, y)
    some_alone(y, res.x, alone)
    spoiled(np.random.default_rng(1))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
