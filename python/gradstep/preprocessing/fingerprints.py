"""Hashes of bytes as TensorFlow has them: FarmHash's Fingerprint64, and SipHash-2-4.

Pike, Alakuijala, "FarmHash" (2014); Aumasson, Bernstein, "SipHash: a fast short-input PRF", INDOCRYPT 2012.
"""

from __future__ import annotations

from struct import unpack_from

__all__ = ["fingerprint", "joined", "siphash"]

M = 2**64 - 1
K = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F
CAT = 0xC6A4A7935BD1E995  # of fingerprints one after another


def _word(data: bytes, at: int) -> int:
    word: int = unpack_from("<Q", data, at)[0]
    return word


def _turned(word: int, right: int) -> int:
    return (word >> right | word << (64 - right)) & M


def _mixed(word: int) -> int:
    return word ^ word >> 47


def _of_two(u: int, v: int, factor: int) -> int:
    a = _mixed((u ^ v) * factor & M)
    return _mixed((v ^ a) * factor & M) * factor & M


def _of_32(data: bytes, at: int, a: int, b: int) -> tuple[int, int]:
    w, x, y, z = unpack_from("<4Q", data, at)
    a = (a + w) & M
    c, b = a, _turned((b + a + z) & M, 21)
    a = (a + x + y) & M
    return (a + z) & M, (b + _turned(a, 44) + c) & M


def fingerprint(data: bytes) -> int:
    """The 64 bits that FarmHash's Fingerprint64 gives."""
    n = len(data)
    factor = (K[2] + 2 * n) & M
    if n > 64:
        return _of_many(data, n)
    if n > 16:
        a, b = _word(data, 0) * K[1 if n <= 32 else 2] & M, _word(data, 8)
        c, d = _word(data, n - 8) * factor & M, _word(data, n - 16) * K[2] & M
        y = (_turned((a + b) & M, 43) + _turned(c, 30) + d) & M
        z = (a + _turned((b + K[2]) & M, 18) + c) & M
        if n <= 32:
            return _of_two(y, z, factor)
        z = _of_two(y, z, factor)
        e, f = _word(data, 16) * factor & M, _word(data, 24)
        g, h = (y + _word(data, n - 32)) * factor & M, (z + _word(data, n - 24)) * factor & M
        return _of_two(
            (_turned((e + f) & M, 43) + _turned(g, 30) + h) & M, (e + _turned((f + a) & M, 18) + g) & M, factor
        )
    if n >= 8:
        a, b = (_word(data, 0) + K[2]) & M, _word(data, n - 8)
        return _of_two((_turned(b, 37) * factor + a) & M, (_turned(a, 25) + b) * factor & M, factor)
    if n >= 4:
        first, last = unpack_from("<I", data)[0], unpack_from("<I", data, n - 4)[0]
        return _of_two(n + (first << 3), last, factor)
    if n:
        y, z = data[0] + (data[n // 2] << 8), n + (data[-1] << 2)
        return _mixed((y * K[2] & M) ^ (z * K[0] & M)) * K[2] & M
    return K[2]


def _of_many(data: bytes, n: int) -> int:
    x, y = 81, (81 * K[1] + 113) & M
    z = _mixed((y * K[2] + 113) & M) * K[2] & M
    v, w = (0, 0), (0, 0)
    x = (x * K[2] + _word(data, 0)) & M
    factor, times = K[1], 1
    for at in (*range(0, n - 1 & ~63, 64), n - 64):
        if at == n - 64:
            factor, times = (K[1] + ((z & 255) << 1)) & M, 9
            w = (w[0] + (n - 1 & 63)) & M, w[1]
            v = (v[0] + w[0]) & M, v[1]
            w = (w[0] + v[0]) & M, w[1]
        x = _turned((x + y + v[0] + _word(data, at + 8)) & M, 37) * factor & M
        y = _turned((y + v[1] + _word(data, at + 48)) & M, 42) * factor & M
        x ^= w[1] * times & M
        y = (y + v[0] * times + _word(data, at + 40)) & M
        z = _turned((z + w[0]) & M, 33) * factor & M
        v = _of_32(data, at, v[1] * factor & M, (x + w[0]) & M)
        w = _of_32(data, at + 32, (z + w[1]) & M, (y + _word(data, at + 16)) & M)
        z, x = x, z
    first = (_of_two(v[0], w[0], factor) + _mixed(y) * K[0] + z) & M
    return _of_two(first, (_of_two(v[1], w[1], factor) + x) & M, factor)


def joined(first: int, second: int) -> int:
    """The fingerprint of two fingerprints, one after the other."""
    made = (first ^ CAT ^ (_mixed(second * CAT & M) * CAT & M)) * CAT & M
    return _mixed(_mixed(made) * CAT & M)


def siphash(data: bytes, key: tuple[int, int]) -> int:
    """The 64 bits that SipHash-2-4 gives with a key of 128."""
    state: list[int] = [
        key[i % 2] ^ word for i, word in enumerate(unpack_from("<4Q", b"uespemosmodnarodarenegylsetybdet"))
    ]

    def rounds(count: int) -> None:
        a, b, c, d = state
        for _ in range(count):
            a, c = (a + b) & M, (c + d) & M
            b, d = _turned(b, 51) ^ a, _turned(d, 48) ^ c
            a, c = (_turned(a, 32) + d) & M, (c + b) & M
            d, b = _turned(d, 43) ^ a, _turned(b, 47) ^ c
            c = _turned(c, 32)
        state[:] = a, b, c, d

    n = len(data)
    data += bytes(7 - n % 8) + bytes([n & 255])
    for at in range(0, len(data), 8):
        word = _word(data, at)
        state[3] ^= word
        rounds(2)
        state[0] ^= word
    state[2] ^= 255
    rounds(4)
    return state[0] ^ state[1] ^ state[2] ^ state[3]
