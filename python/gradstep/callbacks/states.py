"""State of callbacks as JSON has it, bit for bit."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

__all__ = ["loaded", "plain"]

ARRAY = "array"
NUMBERS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def plain(value: Any) -> Any:
    """A value as strict JSON has it: numbers that are not finite as texts; arrays too: type, shape, bytes."""
    if isinstance(value, np.ndarray) and value.ndim:
        from base64 import b64encode

        shape = "x".join(map(str, value.shape))
        return f"{ARRAY} {value.dtype.str} {shape} {b64encode(value.tobytes()).decode()}"
    if isinstance(value, (np.generic, np.ndarray)):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, (list, tuple)):
        return [plain(element) for element in value]
    return value


def loaded(value: Any) -> Any:
    """Inverse of `plain`. ValueError for the damaged text of an array."""
    if isinstance(value, str) and value.startswith(f"{ARRAY} "):
        from base64 import b64decode

        try:
            _, dtype, shape, text = value.split(" ")
            numbers = np.frombuffer(b64decode(text, validate=True), np.dtype(dtype))
            return numbers.reshape([int(size) for size in shape.split("x")]).copy()
        except (ValueError, TypeError) as error:
            raise ValueError(f"state must hold arrays as state_dict() writes them; {value[:40]!r}: {error}.") from None
    if isinstance(value, str):
        return NUMBERS.get(value, value)
    if isinstance(value, list):
        return [loaded(element) for element in value]
    return value
