"""Settings to try: all combinations of values, or random draws."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from .. import seeds
from ..checks import check_float, check_int, describe

__all__ = ["Integers", "LogUniform", "Uniform", "all_settings", "drawn_settings"]


@dataclass(frozen=True)
class Uniform:
    """Real numbers from `low` to `high`, each as likely.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.tune.Uniform(0.0, 0.5)
    Uniform(low=0.0, high=0.5)
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        low, high = check_float("low", self.low), check_float("high", self.high)
        if not -math.inf < low < high < math.inf:
            raise ValueError(f"low must be below high, both finite; got {self.low!r} and {self.high!r}.")

    def draw(self, generator: np.random.Generator) -> float:
        """A number."""
        return float(generator.uniform(self.low, self.high))


@dataclass(frozen=True)
class LogUniform:
    """Real numbers from `low` to `high`, above 0, of which each order of magnitude is as likely: for learning rates.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.tune.LogUniform(1e-4, 1e-1)
    LogUniform(low=0.0001, high=0.1)
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        low, high = check_float("low", self.low), check_float("high", self.high)
        if not 0 < low < high < math.inf:
            raise ValueError(f"low must be above 0 and below high; got {self.low!r} and {self.high!r}.")

    def draw(self, generator: np.random.Generator) -> float:
        """A number."""
        return float(math.exp(generator.uniform(math.log(self.low), math.log(self.high))))


@dataclass(frozen=True)
class Integers:
    """Whole numbers from `low` to `high`, both included, each as likely.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.tune.Integers(1, 4)
    Integers(low=1, high=4)
    """

    low: int
    high: int

    def __post_init__(self) -> None:
        if check_int("low", self.low, -(2**62)) > check_int("high", self.high, -(2**62)):
            raise ValueError(f"low must be at most high; got {self.low} and {self.high}.")

    def draw(self, generator: np.random.Generator) -> int:
        """A number."""
        return int(generator.integers(self.low, self.high, endpoint=True))


def _columns(space: Any) -> dict[str, Any]:
    """The values of each name: lists, or what draws."""
    if not isinstance(space, Mapping) or not all(isinstance(name, str) for name in space):
        raise TypeError(f"space must be a dict of names and their values; got {describe(space)}.")
    found: dict[str, Any] = {}
    for name, values in space.items():
        if hasattr(values, "draw") or hasattr(values, "rvs"):
            found[name] = values
            continue
        if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
            raise TypeError(f"space[{name!r}] must be a list of values; got {values!r}.")
        found[name] = values.tolist() if isinstance(values, np.ndarray) else list(values)
        if not found[name]:
            raise ValueError(f"space[{name!r}] must have at least one value; it is empty.")
    return found


def all_settings(space: Any) -> list[dict[str, Any]]:
    """Every combination of values, the last name's changing first; of a list of spaces those of each."""
    if isinstance(space, (list, tuple)):
        return [settings for one in space for settings in all_settings(one)]
    columns = _columns(space)
    for name, values in columns.items():
        if not isinstance(values, list):
            raise TypeError(f"space[{name!r}] must be a list of values for all combinations; got {values!r}.")
    return [dict(zip(columns, values, strict=True)) for values in product(*columns.values())]


def drawn_settings(space: Any, n: Any, seed: Any) -> list[dict[str, Any]]:
    """`n` settings at random; of lists alone no two are the same, and no more than there are."""
    count, columns = check_int("n", n, 1), _columns(space)
    key = seeds.key_of(seed)
    generator = seeds.generator(seeds.fresh_key() if key is None else key)
    if all(isinstance(values, list) for values in columns.values()):
        total = math.prod(map(len, columns.values()))
        if total <= 10**6:
            every = all_settings(columns)
            return [every[i] for i in generator.permutation(total)[:count]]
    return [{name: _one(values, generator) for name, values in columns.items()} for _ in range(count)]


def _one(values: Any, generator: np.random.Generator) -> Any:
    if isinstance(values, list):
        return values[int(generator.integers(len(values)))]
    if hasattr(values, "draw"):
        return values.draw(generator)
    found = values.rvs(random_state=int(generator.integers(2**31)))  # SciPy's
    return found.item() if hasattr(found, "item") else found
