"""Regularizers, by Keras's names: penalties of weights in the loss, ``Dense(8, kernel_regularizer=L2(1e-4))``.

The loss that is reported has them; their gradient joins that of the data as each weight is moved. A regularizer called
with an array gives its penalty.
"""

from typing import TYPE_CHECKING

from ..hints import complete
from .base import Regularizer
from .norms import L1, L1L2, L2
from .orthogonal import OrthogonalRegularizer
from .registry import get

l1 = L1
l1_l2 = L1L2
l2 = L2
orthogonal_regularizer = OrthogonalRegularizer

__all__ = [
    "L1",
    "L1L2",
    "L2",
    "OrthogonalRegularizer",
    "Regularizer",
    "get",
    "l1",
    "l1_l2",
    "l2",
    "orthogonal_regularizer",
]

if not TYPE_CHECKING:  # which is to know what there is
    __getattr__ = complete(__name__, globals(), "regularizer")
