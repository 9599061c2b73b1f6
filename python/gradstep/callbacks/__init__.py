"""Callbacks: what is called at the turns of a training run, by Keras's names."""

from .base import Callback
from .history import History
from .progress import ProgbarLogger

__all__ = ["Callback", "History", "ProgbarLogger"]
