"""Random numbers by counter: a draw depends on its key and its index only, not on what was drawn before it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from . import _core

__all__ = [
    "LIMIT",
    "Key",
    "Sequence",
    "ahead",
    "fresh_key",
    "generator",
    "key_of",
    "restart",
    "shuffled",
    "within",
    "word",
    "word_of",
]

# Philox's key: the seed, and the stream that one consumer reads of it.
Key = tuple[int, int]

LIMIT = 2**32  # NumPy's own global generator takes no larger seed


class Sequence:
    """Keys that follow from a seed, one after another; without a seed from the system's entropy."""

    def __init__(self, seed: int | None = None, first: int = 0) -> None:
        self._seed, self._streams, self._lock = seed, first, threading.Lock()

    def fresh_key(self) -> Key:
        """A key that no other consumer has."""
        with self._lock:
            if self._seed is None:
                self._seed = int(np.random.SeedSequence().generate_state(1, np.uint64)[0])
            self._streams += 1
            return self._seed, self._streams

    def __getstate__(self) -> Key:
        return self._seed or 0, self._streams

    def __setstate__(self, state: Key) -> None:
        self._seed, self._streams = state
        self._lock = threading.Lock()


class _Local(threading.local):
    """The sequence of a thread that has one for itself."""

    sequence: Sequence | None = None


_shared = Sequence()  # of all threads that have none for themselves
_local = _Local()


def restart(seed: int) -> None:
    """Make every key that is given out from now on follow from this seed; in a thread beside the main one, its keys."""
    global _shared
    if threading.current_thread() is threading.main_thread():
        _shared, _local.sequence = Sequence(seed), None
    else:
        _local.sequence = Sequence(seed)


def fresh_key() -> Key:
    """A key that no other consumer has; from the system's entropy if no seed was ever set."""
    return (_local.sequence or _shared).fresh_key()


def ahead() -> Sequence:
    """A sequence of the keys that will be given out next, without giving them out."""
    copy = Sequence()
    copy.__setstate__((_local.sequence or _shared).__getstate__())
    return copy


@contextmanager
def within(sequence: Sequence | None) -> Iterator[None]:
    """Let keys of this thread come from a sequence, within a ``with`` statement; None changes nothing."""
    before = _local.sequence
    _local.sequence = sequence or before
    try:
        yield
    finally:
        _local.sequence = before


def key_of(seed: Any) -> Key | None:
    """The key of a ``seed=`` argument: None stays None. Stream 0 is for these alone."""
    if seed is None:
        return None
    if isinstance(seed, (bool, np.bool_)) or not isinstance(seed, (int, np.integer)):
        got = repr(seed) if isinstance(seed, (str, float, bool)) else f"a {type(seed).__name__}"
        raise TypeError(f"seed must be a whole number (int); got {got}.")
    if seed < 0:
        raise ValueError(f"seed must be at least 0; got {seed}.")
    if seed >= LIMIT:
        raise ValueError(f"seed must be less than 2**32; got {seed}.")
    return int(seed), 0


def word(key: Key) -> int:
    """The key in 64 bits, as the engine's generator takes it."""
    return int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0])


def word_of(seed: Any) -> int:
    """The 64-bit key of a ``seed=`` argument; a new one for None."""
    return word(key_of(seed) or fresh_key())


def shuffled(key: Key, number: int, rows: int, part: int = 0) -> np.ndarray:
    """The rows of pass `number` over data, in a random order: that of `fit`, and of every other run over batches.

    It is the permutation of ``generator(key, number, part)``, made by the compiled core, in many threads too.
    part: which part of the data these rows are, if it is shuffled in parts, from 1.
    """
    seed, stream = key
    return _core.shuffled(seed, stream, number, part, rows)


def generator(key: Key, index: int = 0, part: int = 0) -> np.random.Generator:
    """The numbers of draw number `index` under a key, or of one part of that draw."""
    return np.random.Generator(np.random.Philox(key=np.array(key, np.uint64), counter=[0, 0, part, index]))
