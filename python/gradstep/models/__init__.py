"""Models: layers in a row, and their training."""

from .sequential import Sequential

__all__ = ["Sequential"]
