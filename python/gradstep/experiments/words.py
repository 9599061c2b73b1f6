"""Phrases of findings: numbers with their spread, and whether two of them differ."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from .result import Row

__all__ = ["best", "differ", "listed", "times", "written"]

ERRORS = 2.3  # standard errors; of ten seeds 95 % of the differences by chance alone are smaller


def written(row: Row, key: str, form: str = ".3g") -> str:
    """A mean with its standard deviation between seeds, as "96.1 % ± 0.4 %"."""
    mean, deviation = row.mean(key), row.deviation(key)
    return f"{mean:{form}} ± {deviation:{form}}"


def differ(one: Row, other: Row, key: str) -> bool:
    """Whether two settings differ: by the mean of the differences seed by seed, against its standard error.

    A seed has the same division of the rows in every setting, so that what is particular to it drops out.
    """
    if one is other:
        return False
    pairs = [(a, b) for a, b in zip(one.values[key], other.values[key], strict=True) if a is not None and b is not None]
    if len(pairs) < 2:
        return one.count(key) != other.count(key)
    apart = np.subtract(*np.array(pairs).T)
    return bool(abs(apart.mean()) > ERRORS * apart.std(ddof=1) / math.sqrt(len(apart)))


def best(rows: Iterable[Row], key: str, largest: bool = False) -> Row:
    """The row with the smallest mean, or the largest, among those with most values."""
    known = list(rows)
    most = max(row.count(key) for row in known)
    full = [row for row in known if row.count(key) == most and most]
    sign = -1.0 if largest else 1.0
    return min(full or known, key=lambda row: sign * row.mean(key) if row.count(key) else math.inf)


def times(larger: float, smaller: float) -> str:
    """How many times one number is another."""
    ratio = larger / smaller if smaller else math.inf
    if not math.isfinite(ratio):
        return "infinitely many times"
    return f"{ratio:,.0f} times" if ratio >= 10 else f"{ratio:.1f} times"


def listed(words: Iterable[str]) -> str:
    """Words in a row, with "and" before the last."""
    each = list(words)
    return each[0] if len(each) == 1 else f"{', '.join(each[:-1])} and {each[-1]}" if each else "none"
