"""The base of mixins for layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .layer import Layer as LayerMixin
else:
    # A mixin stands before `Layer` among the bases of a class, and has none of its own; type checkers may take it for
    # the layer that it will be part of.
    LayerMixin = object

__all__ = ["LayerMixin"]
