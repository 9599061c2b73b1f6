"""The promise that results have the same bits at any number of threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import gradstep as gs
import numpy as np

T = TypeVar("T")


@contextmanager
def threads(count: int) -> Iterator[None]:
    """So many threads, and afterwards as many as before."""
    before = gs.get_num_threads()
    gs.set_num_threads(count)
    try:
        yield
    finally:
        gs.set_num_threads(before)


def bits(value: Any) -> Any:
    """Arrays and numbers as bytes, in lists and dicts as they are, to be compared with ``==``."""
    if isinstance(value, dict):
        return {key: bits(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [bits(each) for each in value]
    if isinstance(value, (str, bytes)) or value is None:
        return value
    array = np.asarray(value)
    return array.dtype.str, array.shape, array.tobytes()


def same_at_any_number_of_threads(run: Callable[[], T], counts: Sequence[int] = (1, 2, 3, 8)) -> T:
    """What run() gives at the first of the counts, which has the same bits as at all others."""
    with threads(counts[0]):
        first = run()
    expected = bits(first)  # now, as a later run may write to the same arrays
    for count in counts[1:]:
        with threads(count):
            assert bits(run()) == expected, f"{count} threads give other bits than {counts[0]}"
    return first
