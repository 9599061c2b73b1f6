"""State of 8 bits in plain float64: a scale for 256 numbers, and codes that count steps of nearly their fourth root."""

from __future__ import annotations

import numpy as np


def nearly_root(x: np.ndarray) -> np.ndarray:
    """x^(1/4) where x is a power of 16, and a straight line in every octave of x between those."""
    fraction, exponent = np.frexp(np.asarray(x, np.float64))  # x = fraction 2^exponent, fraction in [1/2, 1)
    whole, octave = np.divmod(exponent - 1, 4)
    return np.where(fraction == 0, 0, np.ldexp(1 + (octave + 2 * fraction - 1) / 4, whole))


def nearly_power(y: np.ndarray) -> np.ndarray:
    """The inverse of `nearly_root`."""
    fraction, exponent = np.frexp(np.asarray(y, np.float64))
    octave, line = np.divmod(4 * (2 * fraction - 1), 1)
    return np.where(fraction == 0, 0, np.ldexp(1 + line, (4 * (exponent - 1) + octave).astype(int)))


def counts(numbers: np.ndarray, most: int) -> np.ndarray:
    """What codes of one block are before they are rounded; the largest has the highest, `most`."""
    roots = nearly_root(np.abs(numbers))
    return most * roots / roots.max()


def decode(codes: np.ndarray, scale: float, has_signs: bool) -> np.ndarray:
    """The numbers of one block; a sign is the highest bit of a code."""
    if not has_signs:
        return nearly_power(codes * np.float64(scale))
    return np.where(codes & 128, -1, 1) * nearly_power((codes & 127) * np.float64(scale))


def in_order(codes: np.ndarray) -> np.ndarray:
    """Codes as the numbers lie: those of a whole block of 256 are kept as 64 words, byte k of word i for 64 k + i."""
    whole = len(codes) // 256 * 256
    return np.concatenate([codes[:whole].reshape(-1, 64, 4).swapaxes(1, 2).ravel(), codes[whole:]])
