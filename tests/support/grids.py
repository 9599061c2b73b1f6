"""Samples of grids of cases: few rows, in which every two values of two axes still meet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations, product
from typing import Any

__all__ = ["pairwise", "whole"]

Axes = Mapping[str, Sequence[Any]]


def whole(axes: Axes) -> list[tuple[Any, ...]]:
    """Every row of a grid, the last axis fastest."""
    return list(product(*axes.values()))


def pairwise(axes: Axes, kinds: Mapping[str, Callable[[Any], Any]] | None = None) -> list[tuple[Any, ...]]:
    """Rows of a grid, the same ones each time, in which every two values of two axes meet, and all values occur.

    Most mistakes need at most two settings together. The number of rows is about the product of the two longest
    axes. Where `kinds` gives an axis a function, its values count as what that makes of them: each kind meets
    every value of the other axes, through one of its members, and each member is in some row.
    """
    values = {name: list(each) for name, each in axes.items()}
    kind = {name: list(range(len(each))) for name, each in values.items()}
    kind |= {name: [of(value) for value in values[name]] for name, of in (kinds or {}).items() if name in values}
    uses = {name: [0] * len(each) for name, each in values.items()}
    longest_first = sorted(values, key=lambda name: -len(values[name]))
    asked = [
        ((one, a), (other, b))
        for one, other in combinations(longest_first, 2)
        for a, b in product(kind[one], kind[other])
    ]
    apart = set(asked)

    def gained(row: dict[str, int], name: str, at: int) -> int:
        mine = (name, kind[name][at])
        met = [(other, kind[other][index]) for other, index in row.items()]
        return sum((mine, theirs) in apart or (theirs, mine) in apart for theirs in met)

    def best(row: dict[str, int], name: str, wanted: Any = None) -> int:
        """That lets most values meet that have not yet; of equals the one that was used least."""
        candidates = [at for at in range(len(values[name])) if wanted is None or kind[name][at] == wanted]
        return max(candidates, key=lambda at: (gained(row, name, at), -uses[name][at]))

    rows: list[dict[str, int]] = []

    def add(row: dict[str, int]) -> None:
        for name in longest_first:
            if name not in row:
                row[name] = best(row, name)
        for name, at in row.items():
            uses[name][at] += 1
        for one, other in combinations(longest_first, 2):
            apart.discard(((one, kind[one][row[one]]), (other, kind[other][row[other]])))
        rows.append(row)

    for (one, a), (other, b) in asked:
        if ((one, a), (other, b)) in apart:
            row = {one: best({}, one, a)}
            add(row | {other: best(row, other, b)})
    for name in longest_first:
        for at, used in enumerate(uses[name]):
            if not used:
                add({name: at})
    return [tuple(values[name][row[name]] for name in values) for row in rows]
