"""Files of models, weights and checkpoints. Writing is atomic, and loading never runs code.

A model's file is a zip archive, stored and not compressed: ``config.json`` says what the layers and the training are,
``weights.safetensors`` and ``optimizer.safetensors`` hold the numbers. The last line of the archive's comment is the
SHA-256 of all bytes before it, so that a changed bit anywhere is an error and not another model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..described import custom_object_scope, get_custom_objects, register_keras_serializable
from ..hints import hint_arguments, no_such

if TYPE_CHECKING:
    from .checkpoint import Checkpoint
    from .loading import load_model
    from .model_file import save_model
    from .weights import load_weights, save_weights

__all__ = [
    "Checkpoint",
    "custom_object_scope",
    "get_custom_objects",
    "load_model",
    "load_weights",
    "register_keras_serializable",
    "save_model",
    "save_weights",
]


def __getattr__(name: str) -> Any:
    """Load what reads and writes when it is asked for: most programs do neither."""
    if name not in __all__:
        raise no_such(__name__, __all__, "function of files", name)
    from .checkpoint import Checkpoint
    from .loading import load_model
    from .model_file import save_model
    from .weights import load_weights, save_weights

    for member in (Checkpoint, load_model, load_weights, save_model, save_weights):
        globals()[member.__name__] = member
    hint_arguments(Checkpoint)
    return globals()[name]


def __dir__() -> list[str]:
    return sorted(__all__)
