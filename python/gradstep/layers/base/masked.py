"""Masks in layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ...checks import numeric
from ...hints import warn
from . import custom_layer_calls

if TYPE_CHECKING:
    from .call_graph import CallGraph, Value
    from .symbolic import Node

__all__ = ["Masked"]


class Masked:
    """Mixin of `Layer` for masks, which say which steps of sequences count.

    A mask travels beside a value from layer to layer, from where `Masking` or `Embedding` made it to the loss.
    """

    supports_masking: bool = False
    _reads_mask: ClassVar[bool] = False  # whether its numbers depend on a mask, which it gets as its last input

    name: str
    _nodes: list[Node]
    _in_numpy: ClassVar[bool]

    if TYPE_CHECKING:

        def specification(self) -> dict[str, Any] | None: ...
        @property
        def _computes_itself(self) -> bool: ...
        def _connect(self, x: Any) -> Any: ...
        @property
        def _output_row(self) -> tuple[int, ...]: ...

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "compute_mask" in vars(cls) and "supports_masking" not in vars(cls):
            cls.supports_masking = True

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """The mask of the output: that of the input, unless a layer says otherwise.

        Parameters
        ----------
        inputs : array_like, or a list of them
        previous_mask : array_like of bool, or a list of them, optional
            Which steps of the inputs count: (rows, steps).

        Returns
        -------
        ndarray of bool, or None
            None: all steps count. It is asked only of layers with ``supports_masking``, which is True of a subclass
            that defines this; others let go of masks, with a warning.
        """
        return previous_mask

    def _connected(self, x: Any, mask: Any) -> Any:
        """What the layer gives for symbolic tensors; mask: instead of the one that comes with the first of them."""
        if mask is not None and not self._takes_mask_argument():
            raise TypeError(f"layer {self.name!r}, a {type(self).__name__}, takes no mask.")
        made = self._connect(x)
        if mask is not None:
            node: Node = (made[0] if isinstance(made, list) else made).node
            try:
                node.take_masks([mask] + [None] * (len(node.given) - 1))
            except BaseException:
                self._nodes.remove(node)
                raise
        return made

    def _mask_array(self, mask: Any, row: tuple[int, ...], rows: int) -> np.ndarray:
        """A mask for so many inputs of this shape of a row, checked: bool."""
        if not self._takes_mask():
            raise TypeError(f"layer {self.name!r}, a {type(self).__name__}, takes no mask.")
        array, wanted = numeric(mask, "mask"), (rows, *self._mask_row(row))
        if array.shape != wanted:
            raise ValueError(
                f"mask must have shape {wanted} for x of shape {(rows, *row)}; its shape is {array.shape}."
            )
        return array.astype(bool)

    def _masked_specification(self) -> dict[str, Any]:
        """`specification` of the layer when it gets a mask as its last input."""
        return (self.specification() or {}) | {"masked": True}

    def _mask_row(self, row: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of a row of the mask that the layer reads, for inputs of this shape of a row."""
        return row[:1]

    @property
    def _computing(self) -> Any:
        """The layer whose methods compute, if it is one in NumPy."""
        return self

    def _takes_mask_argument(self) -> bool:
        """Whether a call in the description of a model may be given a mask."""
        return self._takes_mask()

    def _takes_mask(self) -> bool:
        """Whether the layer's numbers depend on a mask."""
        return custom_layer_calls.takes(self, "mask") if self._in_numpy else self._reads_mask  # type: ignore[arg-type]

    def _add_to(
        self, graph: CallGraph, inputs: Sequence[Value], masks: Sequence[Value | None]
    ) -> tuple[Value, Value | None]:
        """Add a call to a graph: the output and its mask."""
        if not self._computes_itself:
            output = graph.view(inputs[0], self._output_row)
        elif self._takes_mask():
            wanted = self._mask_row(inputs[0].row) if masks[0] is not None and not self._in_numpy else None
            if masks[0] is not None and wanted is not None and masks[0].row != wanted:
                raise ValueError(
                    f"layer {self.name!r} must get a mask with rows of shape {wanted}, for inputs with rows of "
                    f"{inputs[0].row}; its rows have {masks[0].row}."
                )
            output = graph.call(self, inputs, graph.mask_for(self, inputs[0], masks[0]))  # type: ignore[arg-type]
        else:
            output = graph.call(self, inputs)  # type: ignore[arg-type]
        return output, self._output_mask(graph, inputs, masks, output)

    def _output_mask(
        self, graph: CallGraph, inputs: Sequence[Value], masks: Sequence[Value | None], output: Value
    ) -> Value | None:
        """The mask of the output."""
        if not self.supports_masking:
            if any(mask is not None for mask in masks):
                warn(
                    f"layer {self.name!r}, a {type(self).__name__}, does not support masking: the layers after it do "
                    "not see the mask of its input."
                )
            return None
        if type(self).compute_mask is Masked.compute_mask:
            return masks[0]
        return graph.computed(self, inputs, masks[0])  # type: ignore[arg-type]
