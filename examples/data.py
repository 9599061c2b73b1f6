"""Data that the examples generate, so that they need NumPy alone and no network."""

from __future__ import annotations

import numpy as np

# Strokes of each digit: points (right, down) in a square of size 1, joined by straight lines.
STROKES = (
    [(0.5, 0.1), (0.7, 0.2), (0.76, 0.5), (0.7, 0.8), (0.5, 0.9), (0.3, 0.8), (0.24, 0.5), (0.3, 0.2), (0.5, 0.1)],
    [(0.35, 0.28), (0.53, 0.1), (0.53, 0.9)],
    [(0.26, 0.3), (0.36, 0.13), (0.58, 0.1), (0.72, 0.28), (0.62, 0.52), (0.25, 0.89), (0.77, 0.88)],
    [(0.27, 0.18), (0.5, 0.1), (0.7, 0.25), (0.47, 0.46), (0.75, 0.67), (0.53, 0.9), (0.26, 0.82)],
    [(0.64, 0.9), (0.62, 0.1), (0.22, 0.65), (0.8, 0.64)],
    [(0.73, 0.11), (0.34, 0.1), (0.3, 0.46), (0.55, 0.41), (0.74, 0.63), (0.56, 0.88), (0.27, 0.84)],
    [(0.66, 0.1), (0.38, 0.36), (0.28, 0.66), (0.46, 0.9), (0.71, 0.75), (0.59, 0.53), (0.31, 0.62)],
    [(0.24, 0.12), (0.76, 0.1), (0.45, 0.9)],
    [(0.5, 0.47), (0.3, 0.28), (0.5, 0.1), (0.7, 0.27), (0.5, 0.47), (0.27, 0.7), (0.5, 0.9), (0.73, 0.7), (0.5, 0.47)],
    [(0.7, 0.35), (0.5, 0.5), (0.29, 0.31), (0.49, 0.1), (0.7, 0.3), (0.66, 0.62), (0.54, 0.9)],
)
SIZE = 28  # pixels


def digits(rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Drawings of digits, uint8 (rows, 28, 28), white on black, each by another hand; and the digits, (rows,)."""
    draw = np.random.default_rng(seed)
    labels = draw.integers(0, 10, rows)
    images = np.zeros((rows, SIZE, SIZE), np.uint8)
    axis = (np.arange(SIZE) + 0.5) / SIZE
    pixels = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2).astype(np.float32)
    for digit, stroke in enumerate(STROKES):
        for chunk in np.array_split(np.flatnonzero(labels == digit), max(rows // 2000, 1)):
            images[chunk] = _drawn(draw, np.array(stroke), len(chunk), pixels)
    return images, labels


def _drawn(draw: np.random.Generator, stroke: np.ndarray, rows: int, pixels: np.ndarray) -> np.ndarray:
    """A stroke with an unsteady hand, turned, slanted, stretched and moved."""
    turn = draw.normal(0, 0.12, rows)
    wide, high = draw.uniform(0.65, 0.95, (2, rows))
    shape = np.stack([wide * np.cos(turn), draw.normal(-0.1, 0.15, rows), -np.sin(turn), high * np.cos(turn)], -1)
    points = stroke - 0.5 + draw.normal(0, 0.025, (rows, *stroke.shape))
    points = points @ shape.reshape(rows, 2, 2).swapaxes(1, 2) + 0.5 + draw.normal(0, 0.04, (rows, 1, 2))
    begin, along = points[:, :-1].astype(np.float32), np.diff(points, axis=1).astype(np.float32)  # (rows, lines, 2)
    # |p - a - s d|^2 for a pixel p, a line from a along d, and the share s of it next to p: (rows, lines, pixels).
    square = (pixels**2).sum(1) - 2 * begin @ pixels.T + (begin**2).sum(-1, keepdims=True)
    length = (along**2).sum(-1, keepdims=True)
    reach = along @ pixels.T - (begin * along).sum(-1, keepdims=True)
    share = np.clip(reach / length, 0, 1)
    distance = np.sqrt((square + share * (share * length - 2 * reach)).min(1).clip(0))
    ink = 1.5 - distance * SIZE / draw.uniform(0.9, 1.6, (rows, 1))
    return (255 * np.clip(ink, 0, 1)).astype(np.uint8).reshape(rows, SIZE, SIZE)


def moons(rows: int, noise: float = 0.2, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two half circles in each other, (rows, 2), and which of them, (rows,)."""
    draw = np.random.default_rng(seed)
    labels = draw.integers(0, 2, rows)
    angle = draw.uniform(0, np.pi, rows)
    x = np.stack([np.cos(angle), np.sin(angle)], -1)
    x[labels == 1] = (1, 0.5) - x[labels == 1]
    return x + draw.normal(0, noise, x.shape), labels


def patients(rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Made-up patients in the columns of the Pima Indians' diabetes data, (rows, 8); a third has diabetes, (rows,)."""
    draw = np.random.default_rng(seed)
    age = 21 + draw.gamma(1.4, 9, rows)
    pregnancies = draw.poisson(0.11 * age)
    mass = draw.normal(32, 7, rows)  # kg / m^2
    glucose = draw.normal(105 + 0.3 * age + 0.25 * mass, 28)  # mg / dl
    pressure = draw.normal(52 + 0.3 * age + 0.3 * mass, 11)  # mm Hg
    skin = draw.normal(0.6 * mass + 8, 8).clip(7)  # mm
    insulin = np.exp(draw.normal(0.013 * glucose + 3.2, 0.5))  # mu U / ml
    pedigree = draw.gamma(2.3, 0.2, rows)
    risk = 0.036 * (glucose - 121) + 0.09 * (mass - 32) + 0.12 * (pregnancies - 4) + 0.9 * (pedigree - 0.5) - 0.85
    x = np.stack([pregnancies, glucose, pressure, skin, insulin, mass, pedigree, age], -1)
    return x, (draw.uniform(size=rows) < 1 / (1 + np.exp(-risk))).astype(int)


def sunspots(months: int, seed: int = 0) -> np.ndarray:
    """A made-up series like the monthly mean of sunspots: cycles of about 11 years and different heights, (months,)."""
    draw = np.random.default_rng(seed)
    cycles = months // 100 + 2
    ends = np.cumsum(draw.normal(131, 10, cycles))
    heights = draw.uniform(60, 180, cycles)
    time = np.arange(months)
    begins = np.r_[0, ends][which := np.searchsorted(ends, time)]
    phase = (time - begins) / (ends[which] - begins)
    level = heights[which] * np.sin(np.pi * phase**0.75) ** 2
    return (level + draw.normal(0, 1, months) * (4 + 0.12 * level)).clip(0)
