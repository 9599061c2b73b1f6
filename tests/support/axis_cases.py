"""Layers along axes of rows of any rank: how each is made, and its formula in NumPy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

__all__ = ["CASES", "Case"]


class Case(NamedTuple):
    """A layer, by its class and arguments; the shape of a row; and what it gives in training, of x and weights."""

    layer: str
    arguments: dict[str, Any]
    row: tuple[int, ...]
    formula: Callable[..., np.ndarray]

    def made(self, library: Any, **options: Any) -> Any:
        return getattr(library.layers, self.layer)(**self.arguments, **options)


def spread(weight: np.ndarray, axes: Sequence[int], ndim: int) -> np.ndarray:
    """A weight of the sizes of some axes, as it is multiplied with x."""
    shape = [1] * ndim
    for axis, size in zip(axes, weight.shape, strict=True):
        shape[axis] = size
    return weight.reshape(shape)


def standardized(x: np.ndarray, axes: Sequence[int], epsilon: float = 1e-3) -> np.ndarray:
    mean, variance = x.mean(axis=tuple(axes), keepdims=True), x.var(axis=tuple(axes), keepdims=True)
    return (x - mean) / np.sqrt(variance + epsilon)


def batch(axis: int) -> Callable[..., np.ndarray]:
    def formula(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, *moving: np.ndarray) -> np.ndarray:
        others = [k for k in range(x.ndim) if k != axis % x.ndim]
        own = [axis % x.ndim]
        return standardized(x, others) * spread(gamma, own, x.ndim) + spread(beta, own, x.ndim)

    return formula


def along(*axes: int) -> Callable[..., np.ndarray]:
    def formula(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray) -> np.ndarray:
        return standardized(x, axes) * spread(gamma, axes, x.ndim) + spread(beta, axes, x.ndim)

    return formula


def in_groups(axis: int, groups: int) -> Callable[..., np.ndarray]:
    def formula(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray) -> np.ndarray:
        last = np.moveaxis(x, axis, -1)
        parts = last.reshape(len(x), -1, groups, last.shape[-1] // groups)
        y = standardized(parts, (1, 3)).reshape(last.shape) * gamma + beta
        return np.moveaxis(y, -1, axis)

    return formula


def root_mean_square(*axes: int) -> Callable[..., np.ndarray]:
    def formula(x: np.ndarray, scale: np.ndarray) -> np.ndarray:
        root = np.sqrt(np.square(x).mean(axis=axes, keepdims=True) + 1e-6)
        return x / root * spread(scale, axes, x.ndim)

    return formula


def unit(*axes: int) -> Callable[..., np.ndarray]:
    return lambda x: x / np.sqrt(np.maximum(np.square(x).sum(axis=axes, keepdims=True), 1e-12))


def softmax(*axes: int) -> Callable[..., np.ndarray]:
    return lambda x: np.exp(x) / np.exp(x).sum(axis=axes, keepdims=True)


def leaking(x: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    return np.where(x > 0, x, alpha * x)


def case(layer: str, row: tuple[int, ...], formula: Callable[..., np.ndarray], **arguments: Any) -> Case:
    return Case(layer, arguments, row, formula)


RANKS = [(6,), (3, 4), (2, 3, 4)]
CASES = {
    f"{one.layer} {one.arguments} {one.row}": one
    for one in [
        *[
            case("BatchNormalization", row, batch(axis), axis=axis)
            for row in RANKS
            for axis in (*range(1, len(row) + 1), -1)
        ],
        *[case("LayerNormalization", row, along(len(row))) for row in RANKS],
        case("LayerNormalization", (3, 4), along(1), axis=1),
        case("LayerNormalization", (3, 4), along(1, 2), axis=[1, 2]),
        case("LayerNormalization", (2, 3, 4), along(2, 3), axis=[-2, -1]),
        case("LayerNormalization", (2, 3, 4), along(1, 3), axis=[1, 3]),
        case("LayerNormalization", (2, 3, 4), along(2), axis=-2),
        *[case("GroupNormalization", row, in_groups(len(row), 2), groups=2) for row in RANKS],
        case("GroupNormalization", (4, 3), in_groups(1, 2), groups=2, axis=1),
        case("GroupNormalization", (2, 4, 3), in_groups(2, 4), groups=-1, axis=2),
        case("GroupNormalization", (2, 3, 4), in_groups(3, 1), groups=1),
        case("GroupNormalization", (3, 130), in_groups(2, 65), groups=65),
        case("GroupNormalization", (3, 140), in_groups(2, 2), groups=2),
        *[case("RMSNormalization", row, root_mean_square(len(row))) for row in RANKS],
        case("RMSNormalization", (2, 3, 4), root_mean_square(1), axis=1),
        case("RMSNormalization", (2, 3, 4), root_mean_square(1, 2), axis=[1, 2]),
        *[case("UnitNormalization", row, unit(len(row))) for row in RANKS],
        case("UnitNormalization", (3, 4), unit(1), axis=1),
        case("UnitNormalization", (2, 3, 4), unit(1, 3), axis=[1, 3]),
        *[case("Softmax", row, softmax(len(row))) for row in RANKS],
        case("Softmax", (3, 4), softmax(1), axis=1),
        case("Softmax", (2, 3, 4), softmax(2), axis=-2),
        case("Softmax", (2, 3, 4), softmax(1, 3), axis=[1, 3]),
        *[case("PReLU", row, leaking, alpha_initializer="uniform") for row in RANKS],
        case("PReLU", (3, 4), leaking, alpha_initializer="uniform", shared_axes=[1]),
        case("PReLU", (3, 4), leaking, alpha_initializer="uniform", shared_axes=[2]),
        case("PReLU", (2, 3, 4), leaking, alpha_initializer="uniform", shared_axes=[1, 2]),
        case("PReLU", (2, 3, 4), leaking, alpha_initializer="uniform", shared_axes=[2]),
        case("PReLU", (2, 3, 4), leaking, alpha_initializer="uniform", shared_axes=[1, 2, 3]),
    ]
}
