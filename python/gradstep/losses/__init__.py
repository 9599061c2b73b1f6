"""Losses, by Keras's names: as classes, as functions of arrays, and by name in ``compile``.

A class gives the mean over all rows, a function the loss of each row. Targets come first: ``loss(y_true, y_pred)``.
"""

from .base import Loss
from .classification import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    SparseCategoricalCrossentropy,
    binary_crossentropy,
    categorical_crossentropy,
    sparse_categorical_crossentropy,
)
from .registry import get
from .regression import MeanAbsoluteError, MeanSquaredError, mean_absolute_error, mean_squared_error

__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "Loss",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "SparseCategoricalCrossentropy",
    "binary_crossentropy",
    "categorical_crossentropy",
    "get",
    "mean_absolute_error",
    "mean_squared_error",
    "sparse_categorical_crossentropy",
]
