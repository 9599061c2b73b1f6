"""Arguments of an optimizer's constructor; `given` is its ``locals()``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .hyperparameters import fields_of

__all__ = ["arguments"]


def arguments(rule: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments for the constructor of `Optimizer`: those of them that are fields of the rule, by name."""
    fields = fields_of(rule)[0]
    own = {name: value for name, value in given.items() if name in fields}
    return {"rule": rule, "name": given["name"], "options": given["options"], **own}
