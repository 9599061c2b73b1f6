"""Few cases of many, in which each value still occurs, for builds that are many times slower (the sanitizers')."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable

__all__ = ["sample"]


def sample(names: Iterable[str], most: int) -> set[str]:
    """Names of `most` cases of each test, and more for values that no case has; the same ones in every process.

    A name is that of pytest, as ``test_steps[Adam-float32]``: a test and values. First come the cases with a value that
    those so far have had least, as an optimizer, a layer or a dtype; then those with a value that several tests have,
    and no case yet.
    """
    tests: dict[str, list[tuple[str, list[str]]]] = defaultdict(list)
    places: dict[str, set[str]] = defaultdict(set)
    times: Counter[str] = Counter()
    kept = set()
    for name in names:
        test, _, inside = name.partition("[")
        values = inside.rstrip("]").split("-")
        tests[test].append((name, values))
        for value in values:
            places[value].add(test)

    def keep(name: str, values: list[str]) -> None:
        kept.add(name)
        times.update(values)

    for test, cases in tests.items():
        rest = random.Random(test).sample(cases, len(cases))
        for _ in range(min(most, len(cases))):
            rarest = min(rest, key=lambda case: min(times[value] for value in case[1]))
            rest.remove(rarest)
            keep(*rarest)
    for name, values in (case for cases in tests.values() for case in cases):
        if any(times[value] == 0 and len(places[value]) > 1 for value in values):
            keep(name, values)
    return kept
