"""The learning rates of an optimizer, which may be made of others."""

from __future__ import annotations

from typing import Any

__all__ = ["check_rates", "log_rates", "rate_names", "rated"]


def rated(optimizer: Any) -> list[tuple[str, Any]]:
    """The optimizers with separate learning rates, with a name where there are several."""
    if optimizer is None:
        raise ValueError("the model has no optimizer: call compile(optimizer=..., loss=...) first.")
    if hasattr(optimizer, "_optimizers"):  # a method of minimization, most of which have no rates
        several = optimizer._optimizers()
        if len(several) < 2:
            return [("", each) for each in several]
    else:
        several = optimizer._rated_optimizers()
    if not several:
        return [("", optimizer)]
    names = [each.name for each in several]
    return [
        (name if names.count(name) == 1 else f"{name}_{i}", each)
        for i, (name, each) in enumerate(zip(names, several, strict=True))
    ]


def check_rates(optimizer: Any, who: str) -> None:
    """Refuse a learning rate that cannot be set.

    Raises
    ------
    TypeError
        It follows a schedule of the optimizer, or there is none.
    """
    if not rated(optimizer):
        raise TypeError(f'{who} sets the learning rate; "{optimizer.name}" has none: its line search finds the steps.')
    for _, each in rated(optimizer):
        if "learning_rate" in each.schedules:
            raise TypeError(
                f"{who} sets the learning rate, so it must be a number; learning_rate follows a schedule, "
                f"{each.schedules['learning_rate']!r}."
            )


def rate_names(optimizer: Any) -> list[str]:
    """Names of the values that `log_rates` adds."""
    return [f"learning_rate_{name}" if name else "learning_rate" for name, _ in rated(optimizer)]


def log_rates(optimizer: Any, logs: Any) -> None:
    """Add the rates to the logs, by Keras's names."""
    if logs is not None:
        for name, (_, each) in zip(rate_names(optimizer), rated(optimizer), strict=True):
            logs[name] = float(each.learning_rate)
