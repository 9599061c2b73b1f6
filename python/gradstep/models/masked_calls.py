"""Calls of a model on arrays with masks of its inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..checks import describe, numeric
from ..data.columns import Columns
from ..layers.core.input import InputLayer
from ..trainers.sizes import Row, rows_given

if TYPE_CHECKING:
    from .base import BaseModel

__all__ = ["MaskedCalls", "masks_of"]


def masks_of(mask: Any, names: Sequence[str], what: str) -> list[Any]:
    """One mask or None for each input of a model; mask: one, or a list or dict of them; what: whose, in errors.

    Raises
    ------
    TypeError, ValueError
        They are not those of its inputs.
    """
    if isinstance(mask, Mapping):
        unknown = [name for name in mask if name not in names]
        if unknown:
            raise ValueError(f"mask of {what} must be for its inputs, {', '.join(names)}; got {unknown[0]!r}.")
        return [mask.get(name) for name in names]
    masks = list(mask) if isinstance(mask, (list, tuple)) and len(names) > 1 else [mask]
    if len(masks) != max(1, len(names)):
        raise ValueError(f"mask of {what} must be a list of {len(names)}, one for each input; got {describe(mask)}.")
    return masks


class MaskedCalls:
    """Runs a model on arrays beside masks: in a model around it, which has the masks as further inputs.

    It has the same layers and weights, and draws where the model would.
    """

    def __init__(self, model: BaseModel) -> None:
        self._model = model
        self._around: Any = None
        self._made_for: Any = None  # what the model around was made for
        self._shapes: list[tuple[int, ...]] | None = None  # of the inputs of the last call in training, if it was here

    def forget(self) -> None:
        """The last call in training was another, or what computes it is no longer there."""
        self._shapes = None

    @property
    def was_last(self) -> bool:
        """Whether `backward` is for a call with masks."""
        return self._shapes is not None

    def call(
        self, arrays: Sequence[np.ndarray], shapes: list[tuple[int, ...]], masks: list[Any], training: bool
    ) -> Any:
        """The outputs for inputs as a run has them, which a user gave in these shapes, and their masks."""
        model = self._model
        rows = rows_given(model._input_rows, Columns(arrays))
        checked = [
            None if mask is None else self._checked(mask, (len(arrays[0]), *row), i)
            for i, (mask, row) in enumerate(zip(masks, rows, strict=True))
        ]
        axes = zip(checked, model._input_rows, strict=True)
        around = self._model_for([None if mask is None else row[: mask.ndim - 1] for mask, row in axes])
        given = [array.reshape(len(array), *row) for array, row in zip(arrays, rows, strict=True)]
        own, other = model._executor, around._executor
        other.calls = own.calls
        try:
            made = around([*given, *(mask for mask in checked if mask is not None)], training=training)
        finally:
            own.calls = other.calls
        if training:
            self._shapes = shapes
        return made

    def _checked(self, mask: Any, shape: tuple[int, ...], place: int) -> np.ndarray:
        array = numeric(mask, "mask")
        if array.ndim < 2 or array.shape != shape[: array.ndim]:
            many = f"[{place}]" if len(self._model.inputs) > 1 else ""
            raise ValueError(
                f"mask{many} must have the first axes of its input, which has shape {shape}; its shape is "
                f"{array.shape}."
            )
        return array.astype(bool)

    def _model_for(self, masks: list[Row | None]) -> Any:
        """The model around for masks with such rows."""
        from .functional import Functional  # here: it is derived from what has this

        model = self._model
        wanted = masks, model._executor.version, model._executor.network
        if self._made_for is None or self._made_for[:2] != wanted[:2] or self._made_for[2] is not wanted[2]:
            each = zip(model._input_rows, model.inputs, strict=True)
            inputs = [InputLayer(row, dtype=tensor.dtype).output for row, tensor in each]
            given = [None if row is None else InputLayer(row, dtype="bool").output for row in masks]
            made = model(model._pack_inputs(inputs), mask=model._pack_inputs(given))
            model._nodes.pop()  # of no model of the user's
            self._around = Functional([*inputs, *(mask for mask in given if mask is not None)], made)
            self._made_for = wanted
        return self._around

    def backward(self, dy: Any) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """The gradients by the inputs, and by the trainable weights."""
        shapes, self._shapes = self._shapes, None
        assert shapes is not None
        dxs, gradients = self._around.backward(dy)
        return [dx.reshape(shape) for dx, shape in zip(dxs, shapes, strict=False)], gradients
