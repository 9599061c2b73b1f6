"""The learning rates of an optimizer, which may be made of others."""

from __future__ import annotations

from typing import Any

__all__ = ["log_rates", "rated"]


def rated(optimizer: Any) -> list[tuple[str, Any]]:
    """The optimizers that have a rate of their own, with a name where there are several."""
    if optimizer is None:
        raise ValueError("the model has no optimizer: call compile(optimizer=..., loss=...) first.")
    several = optimizer._parts()
    if not several:
        return [("", optimizer)]
    names = [each.name for each in several]
    return [
        (name if names.count(name) == 1 else f"{name}_{i}", each)
        for i, (name, each) in enumerate(zip(names, several, strict=True))
    ]


def log_rates(optimizer: Any, logs: Any) -> None:
    """Add the rates to the logs, by Keras's names."""
    if logs is not None:
        for name, each in rated(optimizer):
            logs[f"learning_rate_{name}" if name else "learning_rate"] = float(each.learning_rate)
