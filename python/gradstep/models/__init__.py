"""Models: layers in a row or in a graph, and their training; and models from files, texts and other models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .functional import Model
from .sequential import Sequential

if TYPE_CHECKING:
    from ..saving.loading import clone_model, load_model, model_from_json
    from ..saving.whole import save_model

__all__ = ["Model", "Sequential", "clone_model", "load_model", "model_from_json", "save_model"]


def __getattr__(name: str) -> Any:
    """Load what reads and writes when it is asked for."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from ..saving.loading import clone_model, load_model, model_from_json
    from ..saving.whole import save_model

    for member in (clone_model, load_model, model_from_json, save_model):
        globals()[member.__name__] = member
    return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
