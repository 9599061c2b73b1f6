"""The 35 problems of Moré, Garbow and Hillstrom: starts, and the minima of their paper."""

from __future__ import annotations

import math

import numpy as np

from .formulas import (
    BARD,
    GAUSS,
    KOW_U,
    KOW_Y,
    MEYER,
    OSB1,
    A,
    almost_linear,
    broy_band,
    broy_tri,
    bv_start,
    c,
    chebyquad,
    col,
    disc_bv,
    disc_ie,
    ext_powell,
    ext_rosen,
    gulf,
    helical,
    lin_full,
    lin_rank1,
    lin_rank1z,
    osb2,
    penalty1,
    penalty2,
    stack,
    trig,
    vardim,
    watson,
)
from .problem import Problem

__all__ = ["problems"]


def problems() -> list[Problem]:
    """All of them, n from 2 to 12."""
    N = 10
    i10, i13, i20 = np.arange(1, 11), np.arange(1, 14) * 0.1, np.arange(1, 21) / 5
    y18 = np.exp(-i13) - 5 * np.exp(-10 * i13) + 3 * np.exp(-4 * i13)
    t12 = np.arange(1, 11) * 0.1
    u8 = np.arange(1, 16.0)
    v8 = 16 - u8
    w8 = np.minimum(u8, v8)
    t9 = (8 - np.arange(1, 16)) / 2
    t10 = 45 + 5 * np.arange(1, 17)
    t17 = 10 * np.arange(33)
    n24, n23, n20, n35 = N, N, 12, 8
    m = 2 * N
    P = Problem
    small = [
        P(
            2,
            "freudenstein-roth",
            [0.5, -2],
            lambda x: stack(
                -13 + c(x, 1) + ((5 - c(x, 2)) * c(x, 2) - 2) * c(x, 2),
                -29 + c(x, 1) + ((c(x, 2) + 1) * c(x, 2) - 14) * c(x, 2),
            ),
            [0, 48.98425368],
        ),
        P(1, "rosenbrock", [-1.2, 1], ext_rosen, [0]),
        P(
            3,
            "powell-badly-scaled",
            [0, 1],
            lambda x: stack(1e4 * c(x, 1) * c(x, 2) - 1, np.exp(-c(x, 1)) + np.exp(-c(x, 2)) - 1.0001),
            [0],
        ),
        P(4, "brown-badly-scaled", [1, 1], lambda x: stack(c(x, 1) - 1e6, c(x, 2) - 2e-6, c(x, 1) * c(x, 2) - 2), [0]),
        P(5, "beale", [1, 1], lambda x: A(1.5, 2.25, 2.625) - col(x, 1) * (1 - col(x, 2) ** np.arange(1, 4)), [0]),
        P(
            6,
            "jennrich-sampson",
            [0.3, 0.4],
            lambda x: 2 + 2 * i10 - np.exp(i10 * col(x, 1)) - np.exp(i10 * col(x, 2)),
            [124.362182356],
        ),
        P(7, "helical-valley", [-1, 0, 0], helical, [0]),
        P(
            8,
            "bard",
            [1, 1, 1],
            lambda x: BARD - (col(x, 1) + u8 / (v8 * col(x, 2) + w8 * col(x, 3))),
            [8.214877306578e-3, 17.42869333],
        ),
        P(
            9,
            "gaussian",
            [0.4, 1, 0],
            lambda x: col(x, 1) * np.exp(-col(x, 2) * (t9 - col(x, 3)) ** 2 / 2) - GAUSS,
            [1.12793276961e-8],
        ),
        P(
            10,
            "meyer",
            [0.02, 4000, 250],
            lambda x: col(x, 1) * np.exp(col(x, 2) / (t10 + col(x, 3))) - MEYER,
            [87.94585517],
        ),
        P(11, "gulf", [5, 2.5, 0.15], gulf, [0]),
        P(
            12,
            "box-3d",
            [0, 10, 20],
            lambda x: (
                np.exp(-t12 * col(x, 1)) - np.exp(-t12 * col(x, 2)) - col(x, 3) * (np.exp(-t12) - np.exp(-10 * t12))
            ),
            [0],
        ),
        P(13, "powell-singular", [3, -1, 0, 1], ext_powell, [0]),
        P(
            14,
            "wood",
            [-3, -1, -3, -1],
            lambda x: stack(
                10 * (c(x, 2) - c(x, 1) ** 2),
                1 - c(x, 1),
                math.sqrt(90) * (c(x, 4) - c(x, 3) ** 2),
                1 - c(x, 3),
                math.sqrt(10) * (c(x, 2) + c(x, 4) - 2),
                (c(x, 2) - c(x, 4)) / math.sqrt(10),
            ),
            [0],
        ),
        P(
            15,
            "kowalik-osborne",
            [0.25, 0.39, 0.415, 0.39],
            lambda x: KOW_Y - col(x, 1) * (KOW_U**2 + KOW_U * col(x, 2)) / (KOW_U**2 + KOW_U * col(x, 3) + col(x, 4)),
            [3.07505603849e-4, 1.02734e-3],
        ),
        P(
            16,
            "brown-dennis",
            [25, 5, -5, -1],
            lambda x: (
                (col(x, 1) + i20 * col(x, 2) - np.exp(i20)) ** 2
                + (col(x, 3) + col(x, 4) * np.sin(i20) - np.cos(i20)) ** 2
            ),
            [85822.20162635],
        ),
        P(
            17,
            "osborne-1",
            [0.5, 1.5, -1, 0.01, 0.02],
            lambda x: OSB1 - (col(x, 1) + col(x, 2) * np.exp(-t17 * col(x, 4)) + col(x, 3) * np.exp(-t17 * col(x, 5))),
            [5.46489469748e-5],
        ),
        P(
            18,
            "biggs-exp6",
            [1, 2, 1, 1, 1, 1],
            lambda x: (
                col(x, 3) * np.exp(-i13 * col(x, 1))
                - col(x, 4) * np.exp(-i13 * col(x, 2))
                + col(x, 6) * np.exp(-i13 * col(x, 5))
                - y18
            ),
            [0, 5.65564992e-3],
        ),
        P(19, "osborne-2", [1.3, 0.65, 0.65, 0.7, 0.6, 3, 5, 7, 2, 4.5, 5.5], osb2, [4.01377362935e-2]),
        P(20, "watson", np.zeros(n20), watson(n20), [4.72238110386e-10]),
        P(35, "chebyquad", np.arange(1, n35 + 1) * (1 / (n35 + 1)), chebyquad, [3.51687372568e-3]),
    ]
    free = [
        P(21, "extended-rosenbrock", np.tile([-1.2, 1], N // 2), ext_rosen, [0]),
        P(22, "extended-powell", np.tile([3, -1, 0, 1], (N + 2) // 4), ext_powell, [0]),
        P(23, "penalty-1", np.arange(1.0, n23 + 1), penalty1, [7.08765e-5]),
        P(24, "penalty-2", np.full(n24, 0.5), penalty2(n24), [2.93660e-4]),
        P(25, "variably-dimensioned", 1 - np.arange(1, N + 1) * (1 / N), vardim, [0]),
        P(26, "trigonometric", np.full(N, 1 / N), trig, [0, 2.79506e-5]),
        P(27, "brown-almost-linear", np.full(N, 0.5), almost_linear, [0, 1]),
        P(28, "discrete-boundary", bv_start(N), disc_bv, [0]),
        P(29, "discrete-integral", bv_start(N), disc_ie, [0]),
        P(30, "broyden-tridiagonal", -np.ones(N), broy_tri, [0]),
        P(31, "broyden-banded", -np.ones(N), broy_band(N), [0]),
        P(32, "linear-full-rank", np.ones(N), lin_full(m), [m - N]),
        P(33, "linear-rank-1", np.ones(N), lin_rank1(m), [m * (m - 1) / (2 * (2 * m + 1))]),
        P(34, "linear-rank-1-zeros", np.ones(N), lin_rank1z(m), [(m * m + 3 * m - 6) / (2 * (2 * m - 3))]),
    ]
    return sorted(small + free, key=lambda p: p.number)
