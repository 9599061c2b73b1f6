"""The interface of a model to its parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from ..data.columns import Columns

__all__ = ["ModelFace"]


class ModelFace(Protocol):
    """A model as its executor, data adapter and trainer see it."""

    name: str
    stop_training: bool
    stop_evaluating: bool
    stop_predicting: bool
    history: Any

    @property
    def outputs(self) -> list[Any]:
        """List of the output tensors."""

    @property
    def weights(self) -> list[np.ndarray]:
        """The weights themselves."""

    @property
    def trainable_weights(self) -> list[np.ndarray]:
        """List of the weights that training updates by their gradients."""

    @property
    def weight_names(self) -> list[str]:
        """Names of the weights: ``dense/kernel``."""

    @property
    def input_names(self) -> list[str]:
        """Names of the inputs, as far as they are known."""

    @property
    def output_names(self) -> list[str]:
        """Names of the outputs, as far as they are known."""

    @property
    def output(self) -> Any:
        """Output tensors, in the structure that was given."""

    @property
    def dtype(self) -> str:
        """Of weights, sums and outputs."""

    @property
    def _lists_outputs(self) -> bool:
        """Whether outputs are given as a list or dict."""

    @property
    def _has_many(self) -> bool:
        """Whether there are several inputs or outputs, or the one output is given as a list or dict."""

    def _meet(self, x: Any) -> None:
        """Be told of data before anything else is asked: a model that is not built can follow from them."""

    def _check_loops(self) -> None:
        """Refuse methods of Keras's that `fit` would not call."""

    def _ready(self, x: Any, name: str) -> Any:
        """Build the model if it is not, and give x as the network's rows."""

    def _columns(self, x: Any, name: str) -> Columns:
        """The same for several inputs or outputs; sparse matrices stay so where the network multiplies them."""

    def _pack_outputs(self, values: Sequence[Any]) -> Any:
        """Values, one for each output, as outputs are given."""

    def _pack_inputs(self, values: Sequence[Any]) -> Any:
        """Values, one for each input, as inputs are given."""

    def _input_shapes(self, x: Any, rows: Any) -> list[tuple[int, ...]]:
        """Shapes of what a user gave as inputs, whose gradients will have them."""
