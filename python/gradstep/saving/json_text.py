"""JSON, read with bounds: nothing in a file makes a reader take more memory or stack than its size allows."""

from __future__ import annotations

from typing import Any

__all__ = ["dumps", "loads"]

DIGITS = 20  # of an int of 64 bits, with its sign
LEAST, MOST = -(2**63), 2**64 - 1


def dumps(value: Any) -> str:
    """JSON in ASCII, the same bytes for the same value; of floats, the same bits come back."""
    import json

    return json.dumps(value, separators=(",", ":"))


def loads(text: bytes | str, name: str) -> Any:
    """Parse JSON.

    Raises
    ------
    ValueError
        It is no JSON, a key stands twice in an object, an int has more than 64 bits, or it is nested too deeply.
    """
    import json

    try:
        decoded = text.decode("utf-8") if isinstance(text, bytes) else text
        return json.loads(decoded, object_pairs_hook=_unique, parse_int=_int)
    except RecursionError:
        raise ValueError(f"{name} must be JSON of reasonable depth; it is nested too deeply.") from None
    except ValueError as error:
        raise ValueError(f"{name} must be JSON in UTF-8: {error}") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object.")
    return found


def _int(digits: str) -> int:
    number = int(digits) if len(digits) <= DIGITS else None
    if number is None or not LEAST <= number <= MOST:
        raise ValueError(f"an int of {len(digits)} digits has more than 64 bits.")
    return number
