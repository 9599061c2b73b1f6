"""Equations of `EinsumDense`, and data for them."""

from __future__ import annotations

import numpy as np

__all__ = ["CASES", "data_of", "layer_of"]

# Equation, output_shape, bias_axes, activation, shape of a row.
CASES = {
    "Dense": ("ab,bc->ac", 7, "c", "tanh", (4,)),
    "steps": ("abc,cd->abd", (None, 6), "d", "linear", (5, 3)),
    "more axes": ("...x,xy->...y", 6, "y", "relu", (5, 2, 3)),
    "heads": ("abc,cde->abde", (None, 2, 4), "de", "softmax", (5, 3)),
    "heads joined": ("abcd,cde->abe", (None, 6), "e", "gelu", (5, 2, 3)),
    "first axis": ("abc,bd->adc", (6, 3), "d", "tanh", (5, 3)),
    "part of a bias": ("abc,cde->abde", (5, 2, 4), "e", "tanh", (5, 3)),
    "bias of steps": ("abc,cd->abd", (5, 6), "bd", "sigmoid", (5, 3)),
    "more axes behind": ("ab...,bc->ac...", (6,), "c", "linear", (5, 3)),
    "no bias": ("abc,bcd->ad", 4, None, "tanh", (5, 3)),
    "two and two": ("abcd,bdef->aefc", (2, 6, 2), "ef", "tanh", (5, 2, 3)),
}


def data_of(name):
    return np.random.default_rng(0).normal(size=(3, *CASES[name][-1]))


def layer_of(library, name, **options):
    equation, output, bias, activation, _ = CASES[name]
    return library.layers.EinsumDense(equation, output, bias_axes=bias, activation=activation, **options)
