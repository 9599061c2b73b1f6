"""What an experiment measured: rows with a value for each seed, curves over steps or epochs, and where it was made."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

__all__ = ["Column", "Curve", "Result", "Row", "curve_over_seeds"]

DIGITS = 5  # significant ones of the numbers in files


@dataclass(frozen=True)
class Column:
    """A measured quantity: its key in the rows, its title, and how numbers are written.

    `missing` is the word for a seed without a value, as "never" where a loss was not reached.
    """

    key: str
    title: str
    format: str = ".3g"
    missing: str = "never"


@dataclass
class Row:
    """A setting and what was measured with it, a value for each seed; None where there is none."""

    label: str
    settings: dict[str, Any]
    values: dict[str, list[float | None]]

    def of(self, key: str) -> np.ndarray:
        """The finite values of a column."""
        return np.array([value for value in self.values[key] if value is not None], float)

    def mean(self, key: str) -> float:
        """The mean of the finite values; nan where there are none."""
        found = self.of(key)
        return float(found.mean()) if found.size else math.nan

    def deviation(self, key: str) -> float:
        """The standard deviation between seeds; 0 for a single value."""
        found = self.of(key)
        spread = float(found.std(ddof=1)) if found.size > 1 else 0.0
        return spread if spread > 1e-9 * abs(self.mean(key)) else 0.0  # a rounding is no spread

    def count(self, key: str) -> int:
        """How many seeds have a value."""
        return int(self.of(key).size)


@dataclass
class Curve:
    """A mean over seeds with its deviation, over steps, epochs or rates."""

    x: list[float]
    mean: list[float | None]
    deviation: list[float | None]


@dataclass
class Result:
    """All that an experiment leaves behind: tables, sentences and pictures are made of it alone.

    Attributes
    ----------
    experiment : str
        The name.
    data : str
        Which data were used, with the number of rows.
    columns : list of Column
    rows : list of Row
    curves : dict of str to Curve
    facts : dict of str to float
        Numbers that belong to no row, as the largest curvature.
    seeds : int
        How many.
    small : bool
        Whether it was only a trial: then the numbers mean nothing.
    machine : dict of str to str
    seconds : float
        How long the run took.
    """

    experiment: str
    data: str
    columns: list[Column]
    rows: list[Row] = field(default_factory=list)
    curves: dict[str, Curve] = field(default_factory=dict)
    facts: dict[str, float] = field(default_factory=dict)
    seeds: int = 0
    small: bool = False
    machine: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    def add(self, label: str, settings: dict[str, Any], **values: Sequence[float | None]) -> Row:
        """Add a row, with a value for each seed; those that are not finite count as missing."""
        row = Row(label, settings, {key: [_number(value) for value in each] for key, each in values.items()})
        self.rows.append(row)
        return row

    def row(self, label: str) -> Row:
        """The row of a label."""
        return next(row for row in self.rows if row.label == label)

    def where(self, **settings: Any) -> list[Row]:
        """The rows with these settings."""
        return [row for row in self.rows if all(row.settings.get(key) == value for key, value in settings.items())]

    def to_dict(self) -> dict[str, Any]:
        """As JSON takes it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, given: dict[str, Any]) -> Result:
        """From what `to_dict` gave."""
        parts = dict(given)
        parts["columns"] = [Column(**column) for column in given["columns"]]
        parts["rows"] = [Row(**row) for row in given["rows"]]
        parts["curves"] = {name: Curve(**curve) for name, curve in given["curves"].items()}
        return cls(**parts)


def _number(value: Any) -> float | None:
    """A float of five significant digits; None for what is missing or not finite."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{float(value):.{DIGITS}g}")


def curve_over_seeds(x: Sequence[float], runs: Sequence[Sequence[float]], logarithmic: bool = False) -> Curve:
    """Mean and deviation of runs, (seeds, points), at each point of `x`.

    With `logarithmic` the mean is the geometric one, and the deviation that of the decimal logarithm.
    """
    values = np.array(runs, float)
    with np.errstate(divide="ignore", invalid="ignore"):
        used = np.log10(values) if logarithmic else values
    known = np.isfinite(used).all(axis=0)
    used = np.where(known, used, 0.0)
    mean, deviation = used.mean(axis=0), used.std(axis=0, ddof=1 if len(used) > 1 else 0)
    if logarithmic:
        mean = 10.0**mean
    mean, deviation = np.where(known, mean, np.nan), np.where(known, deviation, np.nan)
    return Curve([float(at) for at in x], [_number(m) for m in mean], [_number(d) for d in deviation])
