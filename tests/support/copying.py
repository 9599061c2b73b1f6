"""The ways to copy an object: pickle, `copy` and joblib."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

__all__ = ["WAYS"]

WAYS: dict[str, Callable[[Any], Any]] = {
    **{f"pickle {n}": lambda thing, n=n: pickle.loads(pickle.dumps(thing, n)) for n in (2, pickle.HIGHEST_PROTOCOL)},
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
}
