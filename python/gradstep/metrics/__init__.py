"""What ``compile(metrics=[...])`` takes: "accuracy", the accuracies by their full names, and the names of the losses.

Each is a mean over rows. "accuracy" (or "acc") means, as in Keras, `binary_accuracy` for one output,
`sparse_categorical_accuracy` for class numbers as targets, and `categorical_accuracy` for rows of numbers.

==============================  ==========================================================
binary_accuracy                 share of outputs on the side of 1/2 that the target says
categorical_accuracy            whether the largest output is where the largest target is
sparse_categorical_accuracy     whether the largest output is where the class number says
==============================  ==========================================================
"""

from .registry import resolve

__all__ = ["resolve"]
