"""Training LSTM layers on sequences: one over the outputs of another."""

from __future__ import annotations

from typing import Any

from . import recurrent
from .recurrent import RIVALS, check, columns, limit_columns, limits, oracle

__all__ = ["RIVALS", "check", "columns", "limit_columns", "limits", "oracle"]

NAME = "stacked"
TITLE = "two LSTM 128, one over the other, over 100 steps of 64 numbers, Dense 1, squared error, Adam, float32"
ONE_THREAD = RIVALS


def problems(sizes: list[int] | None = None, quick: bool = False) -> list[dict[str, Any]]:
    """A problem for each batch size."""
    return recurrent.problems("two LSTM", sizes, quick)
