"""Recurrent layers as they are tested: tests/layers/test_recurrent.py and others."""

import numpy as np
from gradstep import layers

__all__ = ["CELLS", "CELLS_ALONE", "CELL_LAYERS", "CONV_LAYERS", "RECURRENT", "made", "spread_weights"]

CELL_LAYERS = ["GRU", "LSTM", "SimpleRNN"]
CELLS_ALONE = ["GRUCell", "LSTMCell", "SimpleRNNCell", "StackedRNNCells"]  # which take states
CONV_LAYERS = ["ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"]
RECURRENT = [*CELL_LAYERS, "Bidirectional", "RNN", *CONV_LAYERS]
# Kinds and arguments that make another cell.
CELLS = {
    "SimpleRNN": ("SimpleRNN", {}),
    "LSTM": ("LSTM", {}),
    "GRU": ("GRU", {}),
    "GRU that resets before": ("GRU", {"reset_after": False}),
    "SimpleRNN of gelu": ("SimpleRNN", {"activation": "gelu"}),
    "LSTM of gelu": ("LSTM", {"activation": "gelu", "recurrent_activation": "hard_sigmoid"}),
    "LSTM of softmax": ("LSTM", {"activation": "softmax", "recurrent_activation": "silu"}),
    "GRU of softplus": ("GRU", {"activation": "softplus", "recurrent_activation": "silu"}),
    "GRU of silu": ("GRU", {"activation": "silu", "recurrent_activation": "sigmoid", "reset_after": False}),
}


def made(cell, units, **options):
    """A layer of this cell."""
    kind, arguments = CELLS[cell]
    return getattr(layers, kind)(units, **arguments, **options)


def spread_weights(layer, random):
    """New weights, biases too, of a size at which no gate is saturated."""
    for weight in layer.weights:
        weight[...] = random.normal(size=weight.shape) / np.sqrt(np.prod(weight.shape[: max(1, weight.ndim - 1)]))
