"""Losses of estimators, by scikit-learn's names or ours."""

from __future__ import annotations

import copy
from typing import Any

from .. import losses

__all__ = ["gives_logits", "is_sparse", "resolve_loss"]


def resolve_loss(given: Any, log_loss: str | None) -> Any:
    """A loss object or function; log_loss: what scikit-learn's name stands for."""
    if isinstance(given, str) and given == "log_loss" and log_loss is not None:
        given = log_loss
    return losses.get(copy.deepcopy(given) if isinstance(given, losses.Loss) else given)


def gives_logits(loss: Any) -> bool:
    """Whether the loss takes logits in place of probabilities."""
    return bool(getattr(loss, "from_logits", False))


def is_sparse(loss: Any) -> bool:
    """Whether the loss takes numbers of classes."""
    return "sparse" in type(loss).__name__.lower() or "sparse" in str(getattr(loss, "name", "")).lower()
