"""Layers that move numbers, with what NumPy makes of the same batch."""

from __future__ import annotations

import numpy as np

__all__ = ["CASES", "FIRST", "REARRANGED"]

FIRST = "channels_first"


def padded(x, *ends):
    return np.pad(x, ((0, 0), *ends))


# Class, arguments, shape of a row, and what NumPy makes of a batch.
CASES = {
    "Permute": ("Permute", {"dims": (2, 1)}, (3, 4), lambda x: x.transpose(0, 2, 1)),
    "Permute of three axes": ("Permute", {"dims": (3, 1, 2)}, (3, 4, 2), lambda x: x.transpose(0, 3, 1, 2)),
    "Permute of one axis": ("Permute", {"dims": [1]}, (5,), lambda x: x),
    "RepeatVector": ("RepeatVector", {"n": 3}, (4,), lambda x: np.repeat(x[:, None], 3, 1)),
    "Cropping1D": ("Cropping1D", {}, (4, 2), lambda x: x[:, 1:-1]),
    "Cropping1D of one end": ("Cropping1D", {"cropping": (0, 3)}, (4, 2), lambda x: x[:, :1]),
    "Cropping2D": ("Cropping2D", {}, (2, 3, 2), lambda x: x),
    "Cropping2D by axes": ("Cropping2D", {"cropping": (1, 2)}, (4, 6, 2), lambda x: x[:, 1:-1, 2:-2]),
    "Cropping2D by ends": (
        "Cropping2D",
        {"cropping": ((1, 0), (2, 1)), "data_format": FIRST},
        (2, 3, 5),
        lambda x: x[:, :, 1:, 2:-1],
    ),
    "Cropping3D": ("Cropping3D", {}, (3, 4, 3, 2), lambda x: x[:, 1:-1, 1:-1, 1:-1]),
    "Cropping3D first": (
        "Cropping3D",
        {"cropping": ((0, 1), (1, 0), (0, 0)), "data_format": FIRST},
        (2, 2, 3, 2),
        lambda x: x[:, :, :-1, 1:],
    ),
    "ZeroPadding1D": ("ZeroPadding1D", {}, (3, 2), lambda x: padded(x, (1, 1), (0, 0))),
    "ZeroPadding1D first": (
        "ZeroPadding1D",
        {"padding": (0, 2), "data_format": FIRST},
        (3, 2),
        lambda x: padded(x, (0, 0), (0, 2)),
    ),
    "ZeroPadding2D": ("ZeroPadding2D", {}, (2, 3, 2), lambda x: padded(x, (1, 1), (1, 1), (0, 0))),
    "ZeroPadding2D by ends": (
        "ZeroPadding2D",
        {"padding": ((1, 0), (2, 1)), "data_format": FIRST},
        (2, 2, 3),
        lambda x: padded(x, (0, 0), (1, 0), (2, 1)),
    ),
    "ZeroPadding3D": ("ZeroPadding3D", {"padding": 1}, (2, 1, 2, 2), lambda x: padded(x, *[(1, 1)] * 3, (0, 0))),
    "ZeroPadding3D first": (
        "ZeroPadding3D",
        {"padding": (1, 0, 2), "data_format": FIRST},
        (2, 2, 1, 2),
        lambda x: padded(x, (0, 0), (1, 1), (0, 0), (2, 2)),
    ),
    "UpSampling1D": ("UpSampling1D", {}, (3, 2), lambda x: x.repeat(2, 1)),
    "UpSampling2D": ("UpSampling2D", {"size": (2, 3)}, (3, 2, 2), lambda x: x.repeat(2, 1).repeat(3, 2)),
    "UpSampling2D first": (
        "UpSampling2D",
        {"size": 2, "data_format": FIRST},
        (2, 3, 2),
        lambda x: x.repeat(2, 2).repeat(2, 3),
    ),
    "UpSampling3D": (
        "UpSampling3D",
        {"size": (2, 1, 3)},
        (2, 3, 2, 2),
        lambda x: x.repeat(2, 1).repeat(3, 3),
    ),
    "UpSampling3D first": (
        "UpSampling3D",
        {"data_format": FIRST},
        (2, 1, 2, 3),
        lambda x: x.repeat(2, 2).repeat(2, 3).repeat(2, 4),
    ),
}
REARRANGED = {"Permute", "RepeatVector"}
REARRANGED |= {f"{kind}{n}D" for kind in ("Cropping", "UpSampling", "ZeroPadding") for n in (1, 2, 3)}
