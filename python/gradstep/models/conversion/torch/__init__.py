"""Modules of PyTorch as models, and models as modules of PyTorch."""

from .reader import from_torch
from .writer import to_torch

__all__ = ["from_torch", "to_torch"]
