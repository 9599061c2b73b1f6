"""Random numbers by counter: a draw depends on its key and its index only, not on what was drawn before it."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

__all__ = ["LIMIT", "Key", "fresh_key", "generator", "key_of", "restart", "word"]

# Philox's key: the seed, and the stream that one consumer reads of it.
Key = tuple[int, int]

LIMIT = 2**32  # NumPy's own global generator takes no larger seed


class Keys:
    """Keys that follow from one seed, each given out once."""

    def __init__(self, seed: int | None = None) -> None:
        self._lock = threading.Lock()
        self.restart(seed)

    def restart(self, seed: int | None) -> None:
        """Begin anew, from this seed; None is from the system's entropy."""
        with self._lock:
            self._seed, self._streams = seed, 0

    def next(self) -> Key:
        """The next key."""
        with self._lock:
            if self._seed is None:
                self._seed = int(np.random.SeedSequence().generate_state(1, np.uint64)[0])
            self._streams += 1
            return self._seed, self._streams


class Context(threading.local):
    """What a thread draws from: the keys of the process, until the thread sets a seed itself."""

    def __init__(self) -> None:
        self.keys = _process


# Of the main thread, and of all threads that never set a seed.
_process = Keys()
_context = Context()


def restart(seed: int) -> None:
    """Make every key that this thread is given from now on follow from this seed.

    The main thread's seed is also that of the threads that never set one; another thread's is its own.
    """
    if threading.current_thread() is threading.main_thread():
        _process.restart(seed)
    else:
        _context.keys = Keys(seed)


def fresh_key() -> Key:
    """A key that no other consumer has; from the system's entropy if no seed was ever set."""
    return _context.keys.next()


def key_of(seed: Any) -> Key | None:
    """The key of a ``seed=`` argument: None stays None. Stream 0 is for these alone."""
    if seed is None:
        return None
    if isinstance(seed, (bool, np.bool_)) or not isinstance(seed, (int, np.integer)):
        raise TypeError(f"seed must be a whole number (int); got {seed!r}.")
    if seed < 0:
        raise ValueError(f"seed must be at least 0; got {seed}.")
    if seed >= LIMIT:
        raise ValueError(f"seed must be less than 2**32; got {seed}.")
    return int(seed), 0


def word(key: Key) -> int:
    """The key in 64 bits, as the engine's generator takes it."""
    return int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0])


def generator(key: Key, index: int = 0) -> np.random.Generator:
    """The numbers of draw number `index` under a key."""
    return np.random.Generator(np.random.Philox(key=np.array(key, np.uint64), counter=[0, 0, 0, index]))
