"""The 35 test problems of Moré, Garbow and Hillstrom, written from their paper.

Each is a sum of squares with a start and the minima that the paper lists. Residuals take x of shape (..., n), real or
complex, so that Jacobians are complex steps, exact to rounding.

References
----------
Moré, Garbow and Hillstrom 1981, "Testing unconstrained optimization software", ACM TOMS 7.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

Residuals = Callable[[np.ndarray], np.ndarray]


def stack(*cols: np.ndarray) -> np.ndarray:
    """Numbers as a last axis."""
    return np.stack(np.broadcast_arrays(*cols), axis=-1)


def c(x: np.ndarray, i: int) -> np.ndarray:
    """Variable i, counted from 1, as the paper does."""
    return np.asarray(x[..., i - 1])


def col(x: np.ndarray, i: int) -> np.ndarray:
    """Variable i as a last axis of length 1, to broadcast against data."""
    return np.asarray(x[..., i - 1 : i])


def A(*a: float) -> np.ndarray:
    """Data."""
    return np.array(a, float)


# fmt: off
BARD = A(0.14, 0.18, 0.22, 0.25, 0.29, 0.32, 0.35, 0.39, 0.37, 0.58, 0.73, 0.96, 1.34, 2.10, 4.39)
GAUSS = A(
    0.0009, 0.0044, 0.0175, 0.0540, 0.1295, 0.2420, 0.3521, 0.3989, 0.3521, 0.2420, 0.1295, 0.0540, 0.0175,
    0.0044, 0.0009
)
MEYER = A(34780, 28610, 23650, 19630, 16370, 13720, 11540, 9744, 8261, 7030, 6005, 5147, 4427, 3820, 3307, 2872)
KOW_Y = A(0.1957, 0.1947, 0.1735, 0.1600, 0.0844, 0.0627, 0.0456, 0.0342, 0.0323, 0.0235, 0.0246)
KOW_U = A(4, 2, 1, 0.5, 0.25, 0.167, 0.125, 0.1, 0.0833, 0.0714, 0.0625)
OSB1 = A(
    0.844, 0.908, 0.932, 0.936, 0.925, 0.908, 0.881, 0.850, 0.818, 0.784, 0.751, 0.718, 0.685, 0.658, 0.628,
    0.603, 0.580, 0.558, 0.538, 0.522, 0.506, 0.490, 0.478, 0.467, 0.457, 0.448, 0.438, 0.431, 0.424, 0.420,
    0.414, 0.411, 0.406
)
OSB2 = A(
    1.366, 1.191, 1.112, 1.013, 0.991, 0.885, 0.831, 0.847, 0.786, 0.725, 0.746, 0.679, 0.608, 0.655, 0.616,
    0.606, 0.602, 0.626, 0.651, 0.724, 0.649, 0.649, 0.694, 0.644, 0.624, 0.661, 0.612, 0.558, 0.533, 0.495,
    0.500, 0.423, 0.395, 0.375, 0.372, 0.391, 0.396, 0.405, 0.428, 0.429, 0.523, 0.562, 0.607, 0.653, 0.672,
    0.708, 0.633, 0.668, 0.645, 0.632, 0.591, 0.559, 0.597, 0.625, 0.739, 0.710, 0.729, 0.720, 0.636, 0.581,
    0.428, 0.292, 0.162, 0.098, 0.054
)
# fmt: on


def helical(x: np.ndarray) -> np.ndarray:
    x1, x2, x3 = c(x, 1), c(x, 2), c(x, 3)
    with np.errstate(all="ignore"):
        zero = x1.real == 0
        ratio = x2 / np.where(zero, 1, x1)
        at = np.arctan(ratio) + np.where(x1.real < 0, np.pi, 0)
        at = np.where(zero, np.sign(x2.real) * np.pi / 2 - x1 / np.where(x2 == 0, 1, x2), at)
        theta = at / (2 * np.pi)
    return stack(10 * (x3 - 10 * theta), 10 * (np.sqrt(x1**2 + x2**2) - 1), x3)


def gulf(x: np.ndarray) -> np.ndarray:
    t = np.arange(1, 100) / 100
    y = 25 + (-50 * np.log(t)) ** (2 / 3)
    d = y - col(x, 2)
    with np.errstate(all="ignore"):
        return np.exp(-((d * d) ** (col(x, 3) / 2)) / col(x, 1)) - t


def osb2(x: np.ndarray) -> np.ndarray:
    t = np.arange(65) / 10
    e = np.exp
    return OSB2 - (
        col(x, 1) * e(-t * col(x, 5))
        + col(x, 2) * e(-((t - col(x, 9)) ** 2) * col(x, 6))
        + col(x, 3) * e(-((t - col(x, 10)) ** 2) * col(x, 7))
        + col(x, 4) * e(-((t - col(x, 11)) ** 2) * col(x, 8))
    )


def watson(n: int) -> Residuals:
    t = np.arange(1, 30) / 29
    j = np.arange(n)
    D = np.zeros((29, n))
    D[:, 1:] = j[1:] * t[:, None] ** (j[1:] - 1)
    P = t[:, None] ** j

    def r(x: np.ndarray) -> np.ndarray:
        head = x @ D.T - (x @ P.T) ** 2 - 1
        return np.concatenate([head, x[..., :1], x[..., 1:2] - x[..., :1] ** 2 - 1], -1)

    return r


def ext_rosen(x: np.ndarray) -> np.ndarray:
    o, e = x[..., 0::2], x[..., 1::2]
    return np.concatenate([10 * (e - o**2), 1 - o], -1)


def ext_powell(x: np.ndarray) -> np.ndarray:
    a, b, g, d = (x[..., i::4] for i in range(4))
    return np.concatenate([a + 10 * b, math.sqrt(5) * (g - d), (b - 2 * g) ** 2, math.sqrt(10) * (a - d) ** 2], -1)


def penalty1(x: np.ndarray) -> np.ndarray:
    return np.concatenate([math.sqrt(1e-5) * (x - 1), (x * x).sum(-1, keepdims=True) - 0.25], -1)


def penalty2(n: int) -> Residuals:
    a = math.sqrt(1e-5)
    i = np.arange(2, n + 1)
    y = np.exp(i / 10) + np.exp((i - 1) / 10)
    w = np.arange(n, 0, -1)

    def r(x: np.ndarray) -> np.ndarray:
        e = np.exp(x / 10)
        return np.concatenate(
            [
                x[..., :1] - 0.2,
                a * (e[..., 1:] + e[..., :-1] - y),
                a * (e[..., 1:] - math.exp(-0.1)),
                (w * x * x).sum(-1, keepdims=True) - 1,
            ],
            -1,
        )

    return r


def vardim(x: np.ndarray) -> np.ndarray:
    s = (np.arange(1, x.shape[-1] + 1) * (x - 1)).sum(-1, keepdims=True)
    return np.concatenate([x - 1, s, s * s], -1)


def trig(x: np.ndarray) -> np.ndarray:
    n = x.shape[-1]
    return n - np.cos(x).sum(-1, keepdims=True) + np.arange(1, n + 1) * (1 - np.cos(x)) - np.sin(x)


def almost_linear(x: np.ndarray) -> np.ndarray:
    n = x.shape[-1]
    r = x + x.sum(-1, keepdims=True) - (n + 1)
    return np.concatenate([r[..., :-1], x.prod(-1, keepdims=True) - 1], -1)


def disc_bv(x: np.ndarray) -> np.ndarray:
    n = x.shape[-1]
    h = 1 / (n + 1)
    t = np.arange(1, n + 1) * h
    z = np.zeros_like(x[..., :1])
    return (
        2 * x
        - np.concatenate([z, x[..., :-1]], -1)
        - np.concatenate([x[..., 1:], z], -1)
        + h * h * (x + t + 1) ** 3 / 2
    )


def disc_ie(x: np.ndarray) -> np.ndarray:
    n = x.shape[-1]
    h = 1 / (n + 1)
    t = np.arange(1, n + 1) * h
    q = (x + t + 1) ** 3
    left = np.cumsum(t * q, -1)
    w = (1 - t) * q
    right = w.sum(-1, keepdims=True) - np.cumsum(w, -1)
    return x + h * ((1 - t) * left + t * right) / 2


def broy_tri(x: np.ndarray) -> np.ndarray:
    z = np.zeros_like(x[..., :1])
    return (3 - 2 * x) * x - np.concatenate([z, x[..., :-1]], -1) - 2 * np.concatenate([x[..., 1:], z], -1) + 1


def broy_band(n: int) -> Residuals:
    B = np.zeros((n, n))
    for i in range(n):
        for j in range(max(0, i - 5), min(n - 1, i + 1) + 1):
            if j != i:
                B[i, j] = 1
    return lambda x: x * (2 + 5 * x * x) + 1 - (x * (1 + x)) @ B.T


def lin_full(m: int) -> Residuals:
    def r(x: np.ndarray) -> np.ndarray:
        n = x.shape[-1]
        s = 2 / m * x.sum(-1, keepdims=True)
        return np.concatenate([x - s - 1, np.repeat(-s - 1, m - n, -1)], -1)

    return r


def lin_rank1(m: int) -> Residuals:
    return lambda x: np.arange(1, m + 1) * (np.arange(1, x.shape[-1] + 1) * x).sum(-1, keepdims=True) - 1


def lin_rank1z(m: int) -> Residuals:
    w = np.arange(m)
    w[-1] = 0

    def r(x: np.ndarray) -> np.ndarray:
        n = x.shape[-1]
        j = np.arange(1, n + 1.0)
        j[0] = j[-1] = 0
        return w * (j * x).sum(-1, keepdims=True) - 1

    return r


def chebyquad(x: np.ndarray) -> np.ndarray:
    n = x.shape[-1]
    y = 2 * x - 1
    t0, t1, out = np.ones_like(y), y, []
    for i in range(1, n + 1):
        out.append(t1.mean(-1) + (1 / (i * i - 1) if i % 2 == 0 else 0))
        t0, t1 = t1, 2 * y * t1 - t0
    return np.stack(out, -1)


def bv_start(n: int) -> np.ndarray:
    t = np.arange(1, n + 1) / (n + 1)
    return t * (t - 1)
