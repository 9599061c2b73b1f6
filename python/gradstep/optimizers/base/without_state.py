"""Optimizers of the same settings, for a run of their own."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from ...references import by_reference

if TYPE_CHECKING:
    from .optimizer import Optimizer

__all__ = ["without_state"]


def without_state(optimizer: Optimizer) -> Optimizer:
    """An equal optimizer that has not stepped anything; rates that are functions are the same functions."""
    with by_reference() as references:
        config = optimizer.get_config()
    return type(optimizer).from_config(copy.deepcopy(config), references)
