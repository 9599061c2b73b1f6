"""How often a function calls Python."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

__all__ = ["python_calls"]


def python_calls(function: Callable[..., Any], *arguments: Any, **options: Any) -> int:
    """How many functions in Python are called, in this thread, while this one runs."""
    found = 0

    def count(frame: Any, event: str, argument: Any) -> None:
        nonlocal found
        found += event == "call"

    sys.setprofile(count)
    try:
        function(*arguments, **options)
    finally:
        sys.setprofile(None)
    return found
