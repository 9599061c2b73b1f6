"""Philox4x32-10 from the paper (Salmon et al. 2011, section 4.3), and what dropout keeps, in plain NumPy."""

from __future__ import annotations

import numpy as np

LOW = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)


def philox(counter, key):
    """counter: four arrays of 32-bit numbers, key: two -> four arrays."""
    c = [np.asarray(number, np.uint64) for number in counter]
    k = [np.uint64(number) for number in key]
    for _ in range(10):
        a, b = np.uint64(0xD2511F53) * c[0], np.uint64(0xCD9E8D57) * c[2]
        c = [(b >> HALF) ^ c[1] ^ k[0], b & LOW, (a >> HALF) ^ c[3] ^ k[1], a & LOW]
        k = [(k[0] + np.uint64(0x9E3779B9)) & LOW, (k[1] + np.uint64(0xBB67AE85)) & LOW]
    return c


def dropped(ids, n, rate, key, number):
    """What to multiply rows `ids` of a data set by, (rows, n), in pass `number`: 0 or 1 / (1 - rate)."""
    ids = np.asarray(ids, np.uint64)[:, None]
    quarter = (n + 3) // 4
    counter = [np.arange(quarter, dtype=np.uint64)[None] + 0 * ids, ids & LOW, ids >> HALF, np.uint64(number) + 0 * ids]
    words = philox(np.broadcast_arrays(*counter), (key & 0xFFFFFFFF, key >> 32))
    drawn = np.concatenate(words, axis=1)[:, :n]
    threshold = min(round(rate * 2**32), 2**32 - 1)
    return np.where(drawn >= threshold, 1 / (1 - rate) if rate < 1 else 0.0, 0.0)
