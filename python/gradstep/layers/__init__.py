"""Layers, by Keras's names. A layer called on an array computes at once: ``Dense(3)(x)``."""

from .activation import Activation
from .base import Layer
from .dense import Dense
from .dropout import Dropout
from .flatten import Flatten
from .input import Input, InputLayer
from .rescaling import Rescaling

__all__ = ["Activation", "Dense", "Dropout", "Flatten", "Input", "InputLayer", "Layer", "Rescaling"]
