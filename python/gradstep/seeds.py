"""Random numbers by counter: a draw depends on its key and its index only, not on what was drawn before it."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["LIMIT", "Key", "fresh_key", "generator", "key_of", "restart", "word"]

# Philox's key: the seed, and the stream that one consumer reads of it.
Key = tuple[int, int]

LIMIT = 2**32  # NumPy's own global generator takes no larger seed

_seed: int | None = None
_streams = 0


def restart(seed: int) -> None:
    """Make every key that is given out from now on follow from this seed."""
    global _seed, _streams
    _seed, _streams = seed, 0


def fresh_key() -> Key:
    """A key that no other consumer has; from the system's entropy if no seed was ever set."""
    global _seed, _streams
    if _seed is None:
        _seed = int(np.random.SeedSequence().generate_state(1, np.uint64)[0])
    _streams += 1
    return _seed, _streams


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
