"""Every registered layer, between two others: its gradients, and those that it passes on, are central differences."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradients import difference, numeric_gradient
from gradstep import layers, regularizers
from probe import draw_as_in_call
from rearranged_cases import REARRANGED
from recurrent_cases import CELLS_ALONE, RECURRENT
from window_cases import WINDOWED

WIDTH, ROWS = 6, 5
# How each is made; with penalties on what has weights.
MAKERS = {
    "Activation": lambda **o: layers.Activation("gelu", **o),
    "ActivityRegularization": lambda **o: layers.ActivityRegularization(0.1, 0.2, **o),
    "AlphaDropout": lambda **o: layers.AlphaDropout(0.4, **o),
    "BatchNormalization": lambda **o: layers.BatchNormalization(gamma_regularizer="l2", beta_regularizer="l2", **o),
    "Dense": lambda **o: layers.Dense(
        WIDTH, "tanh", kernel_regularizer=regularizers.OrthogonalRegularizer(0.1), bias_regularizer="l1l2", **o
    ),
    "Dropout": lambda **o: layers.Dropout(0.4, **o),
    "EinsumDense": lambda **o: layers.EinsumDense(
        "...x,xy->...y", WIDTH, "tanh", "y", kernel_regularizer="l2", bias_regularizer="l1l2", **o
    ),
    "ELU": lambda **o: layers.ELU(0.7, **o),
    "Flatten": lambda **o: layers.Flatten(**o),
    "GaussianDropout": lambda **o: layers.GaussianDropout(0.3, **o),
    "GaussianNoise": lambda **o: layers.GaussianNoise(0.3, **o),
    "GroupNormalization": lambda **o: layers.GroupNormalization(3, gamma_regularizer="l1", **o),
    "Identity": lambda **o: layers.Identity(**o),
    "Lambda": lambda **o: layers.Lambda(lambda x: x * np.tanh(x), **o),
    "LayerNormalization": lambda **o: layers.LayerNormalization(beta_regularizer="l1l2", **o),
    "LeakyReLU": lambda **o: layers.LeakyReLU(0.2, **o),
    "Normalization": lambda **o: layers.Normalization(mean=0.3, variance=2.0, **o),
    "PReLU": lambda **o: layers.PReLU("random_normal", alpha_regularizer="l2", **o),
    "RMSNormalization": lambda **o: layers.RMSNormalization(**o),
    "ReLU": lambda **o: layers.ReLU(max_value=2.0, negative_slope=0.1, threshold=0.05, **o),
    "Rescaling": lambda **o: layers.Rescaling(0.5, 0.1, **o),
    "Reshape": lambda **o: layers.Reshape((WIDTH,), **o),
    "Softmax": lambda **o: layers.Softmax(**o),
    "UnitNormalization": lambda **o: layers.UnitNormalization(**o),
    "Dense with a custom activation": lambda **o: layers.Dense(
        WIDTH, lambda z: np.where(z > 0, z, 0.3 * np.sin(z)), kernel_regularizer="l2", activity_regularizer="l1l2", **o
    ),
}
# Bases, what computes nothing, and what takes several inputs or rows of several axes, of which other tests are.
OTHERS = {"Input", "InputLayer", "Layer", "Add", "Average", "Concatenate", "Dot", "Maximum", "Minimum", "Multiply"}
OTHERS |= {"Subtract", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"}
OTHERS |= {"RandomCrop", "RandomFlip", "RandomRotation", "RandomTranslation", "RandomZoom", "CenterCrop", "Resizing"}
OTHERS |= {
    "CategoryEncoding",
    "Discretization",
    "HashedCrossing",
    "Hashing",
    "IntegerLookup",
    "Masking",
    "StringLookup",
    "TextVectorization",
}  # which stand before models
OTHERS |= {"AdditiveAttention", "Attention", "Embedding", "MultiHeadAttention", "TimeDistributed"}
OTHERS |= {"GetItem", *REARRANGED, *RECURRENT, *CELLS_ALONE, *WINDOWED}  # these and those before in tests/layers


def test_every_layer_is_here():
    assert {name for name in layers.__all__ if name[0].isupper()} <= set(MAKERS) | OTHERS


OF_ANY_RANK = [name for name in MAKERS if name not in ("Flatten", "Reshape")]
CASES = [(name, trainable, ()) for name in MAKERS for trainable in (True, False)]
CASES += [(name, True, more) for name in OF_ANY_RANK for more in ((3,), (2, 3))]


@pytest.mark.parametrize(("name", "trainable", "more"), CASES)
def test_gradients(name, trainable, more):
    """At ranks 2, 3 and 4; more: axes between those of rows and of a Dense layer."""
    gs.utils.set_random_seed(len(name))
    options = {"dtype": "float64"}
    layer = MAKERS[name](**options)
    layer.trainable = trainable
    model = gs.Sequential([gs.Input((*more, 4)), layers.Dense(WIDTH, **options), layer, layers.Dense(2, **options)])
    model.compile("sgd", "mse")
    random = np.random.default_rng(1)
    # No number is so near a kink that a shift by a millionth crosses it: the first layer's outputs are of size 1.
    x, y = random.normal(size=(ROWS, *more, 4)), random.normal(size=(ROWS, *more, 2))
    if layer.weights:
        assert bool(layer.trainable_weights) == trainable

    def both():
        draw_as_in_call(model, 7)  # what is drawn depends on the number of the pass
        return model.value_and_grad(x, y)

    _, gradients = both()
    weights = model.trainable_weights
    assert len(gradients) == len(weights)
    assert any(weight is model.layers[0].kernel for weight in weights)
    for weight, gradient in zip(weights, gradients, strict=True):
        numeric = numeric_gradient(lambda: both()[0], weight)
        # A shift of a whole column does nothing to a normalized one: its slope is 0 but for rounding.
        assert difference(gradient, numeric) <= 1e-7 or np.abs(gradient - numeric).max() <= 1e-8
