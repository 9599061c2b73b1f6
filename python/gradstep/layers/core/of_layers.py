"""What layers of this package have in common whose method `call` combines layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...described import arguments_of, check_unsettled
from ..base.mixin import LayerMixin

__all__ = ["OfLayers"]


class OfLayers(LayerMixin):
    """Mixin, before `Layer` among the bases, of this package's layers whose method `call` combines layers."""

    _combines_layers = True

    def __setattr__(self, name: str, value: Any) -> None:
        check_unsettled(self, name)
        super().__setattr__(name, value)

    @property
    def weights(self) -> list[np.ndarray]:
        """List of the weights, in Keras's order. Writing to one changes the layer."""
        found = super().weights
        for weight, name in zip(found, self.weight_names, strict=True):
            vars(weight)["path"] = f"{self.name}/{name}"
        return found

    def get_config(self) -> dict[str, Any]:
        """Config of the object: the arguments of its constructor as numbers, strings, lists and dicts."""
        return arguments_of(self, self._passing)
