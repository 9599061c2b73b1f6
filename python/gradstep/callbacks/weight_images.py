"""Weights as grey images, for TensorBoard."""

from __future__ import annotations

import struct

import numpy as np

__all__ = ["png", "weight_images"]

MOST = 3  # images of one weight, as TensorFlow's summaries have


def weight_images(weight: np.ndarray) -> list[np.ndarray]:
    """A weight as images (height, width) of uint8: black is its lowest number, white its highest.

    A vector is a row of pixels, a matrix lies on its longer side; of three axes, the first two are images, one for each
    of the first places along the third. Axes of one element do not count. There are none of other shapes, and of
    numbers that are not finite.
    """
    numbers = np.squeeze(np.asarray(weight, np.float64))
    if not 1 <= numbers.ndim <= 3 or not numbers.size or not np.isfinite(numbers).all():
        return []
    low, high = numbers.min(), numbers.max()
    grey = np.rint(255 * ((numbers - low) / (high - low) if high > low else np.zeros_like(numbers))).astype(np.uint8)
    if grey.ndim == 3:
        return list(np.moveaxis(grey, -1, 0)[:MOST])
    table = np.atleast_2d(grey)
    return [table.T if table.shape[0] > table.shape[1] else table]


def png(grey: np.ndarray) -> bytes:
    """An image (height, width) of uint8 as a PNG file (ISO/IEC 15948)."""
    from zlib import compress  # which few programs need

    height, width = grey.shape
    rows = np.zeros((height, width + 1), np.uint8)  # before each row is the number of its filter: 0, none
    rows[:, 1:] = grey
    header = struct.pack(">2I5B", width, height, 8, 0, 0, 0, 0)  # 8 bits of grey, not interlaced
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        _chunk(name, content)
        for name, content in ((b"IHDR", header), (b"IDAT", compress(rows.tobytes())), (b"IEND", b""))
    )


def _chunk(name: bytes, content: bytes) -> bytes:
    from zlib import crc32

    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", crc32(name + content))
