"""Models: layers in a row, and their training; and models from files, texts and other models."""

from ..saving.loading import clone_model, load_model, model_from_json
from ..saving.whole import save_model
from .sequential import Sequential

__all__ = ["Sequential", "clone_model", "load_model", "model_from_json", "save_model"]
