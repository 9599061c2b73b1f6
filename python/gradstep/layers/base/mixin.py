"""The base of mixins for layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .layer import Layer as LayerMixin
else:
    # A mixin has no bases: it stands before `Layer` among the bases of a class. Type checkers see it as the layer that
    # it is a part of.
    LayerMixin = object

__all__ = ["LayerMixin"]
