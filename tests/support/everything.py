"""A model with everything at once, and data for it."""

from __future__ import annotations

import gradstep as gs
import numpy as np
from gradstep import layers, regularizers

ROWS, BATCH, EPOCHS = 45, 10, 3  # the last batch is short


def data():
    random = np.random.default_rng(0)
    x = 3 + 2 * random.normal(size=(ROWS, 6))
    return x, random.normal(size=(ROWS, 2))


def everything(dropout=0.0, dtype="float64", name=None):
    """Of each kind of weight some: trained, moved, measured, frozen; punished and bounded."""
    gs.utils.set_random_seed(3)
    options = {"dtype": dtype}
    measured = layers.Normalization(**options)
    measured.adapt(data()[0])
    return gs.Sequential(
        [
            gs.Input((6,)),
            measured,
            layers.Dense(9, "tanh", kernel_regularizer=regularizers.L1L2(0.01, 0.02), **options),
            layers.BatchNormalization(momentum=0.8, gamma_regularizer="l2", **options),
            layers.Dropout(dropout, **options),
            layers.Dense(8, "elu", trainable=False, kernel_regularizer="l2", **options),
            layers.LayerNormalization(beta_regularizer="l1", **options),
            layers.Dense(7, kernel_constraint=gs.constraints.MaxNorm(0.9), bias_regularizer="l2", **options),
            layers.BatchNormalization(trainable=False, **options),
            layers.PReLU(**options),
            layers.Dense(2, kernel_regularizer=regularizers.OrthogonalRegularizer(0.05), **options),
        ],
        name=name,
    )
