"""Training LSTM layers on sequences: one from the beginning and one from the end."""

from __future__ import annotations

from typing import Any

from . import recurrent
from .recurrent import RIVALS, check, columns, limit_columns, limits, oracle

__all__ = ["RIVALS", "check", "columns", "limit_columns", "limits", "oracle"]

NAME = "bilstm"
TITLE = "Bidirectional LSTM 64 over 100 steps of 64 numbers, Dense 1, squared error, Adam, float32"
ONE_THREAD = RIVALS


def problems(sizes: list[int] | None = None, quick: bool = False) -> list[dict[str, Any]]:
    """A problem for each batch size."""
    return recurrent.problems("BiLSTM", sizes, quick)
