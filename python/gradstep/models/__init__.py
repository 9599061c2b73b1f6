"""Models of layers, their training, and models from files, JSON and other models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..hints import hint_arguments, no_such
from .functional import Model
from .sequential import Sequential

if TYPE_CHECKING:
    from ..saving.loading import clone_model, load_model, model_from_json
    from ..saving.model_file import save_model
    from .conversion.onnx import from_onnx
    from .conversion.torch import from_torch, to_torch

__all__ = [
    "Model",
    "Sequential",
    "clone_model",
    "from_onnx",
    "from_torch",
    "load_model",
    "model_from_json",
    "save_model",
    "to_torch",
]


for model in (Model, Sequential):
    hint_arguments(model, ("__init__", "fit", "evaluate", "predict", "summary", "save", "save_weights", "load_weights"))
del model


def __getattr__(name: str) -> Any:
    """Load what reads and writes when it is asked for."""
    if name not in __all__:
        raise no_such(__name__, __all__, "model or function of models", name)
    from ..saving.loading import clone_model, load_model, model_from_json
    from ..saving.model_file import save_model
    from .conversion.onnx import from_onnx
    from .conversion.torch import from_torch, to_torch

    for member in (clone_model, from_onnx, from_torch, load_model, model_from_json, save_model, to_torch):
        globals()[member.__name__] = member
    return globals()[name]


def __dir__() -> list[str]:
    return sorted(__all__)
