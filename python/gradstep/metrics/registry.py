"""Metrics by name, and what a model's engine computes by itself."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import ModuleType
from typing import Any

from .. import _core, losses
from ..checks import check_choice, describe, snake_case
from ..losses.base import Loss
from ..losses.registry import ALIASES
from . import (
    accuracy,
    at_threshold,
    auc,
    confusion,
    correlation,
    crossentropy,
    fscore,
    iou,
    loss_metrics,
    reduction,
    regression,
)
from .base import Metric
from .reduction import MeanMetricWrapper

__all__ = ["get", "higher_is_better", "resolve", "table"]

MODULES: tuple[ModuleType, ...] = (
    accuracy,
    auc,
    confusion,
    at_threshold,
    correlation,
    crossentropy,
    fscore,
    iou,
    loss_metrics,
    reduction,
    regression,
)
PICKED = ("accuracy", "acc")  # by the targets and outputs of a model, in any case of letters


@cache
def table() -> Mapping[str, type[Metric]]:
    """Every metric of this package by its names: Keras's in small letters, short ones, and the class's."""
    classes: dict[str, type[Metric]] = {
        name: getattr(module, name)
        for module in MODULES
        for name in module.__all__
        if name[0].isupper() and name != "MeanMetricWrapper"
    }
    names = {snake_case(name): cls for name, cls in classes.items()}
    return names | {alias: names[name] for alias, name in ALIASES.items() if name in names} | classes


def get(identifier: Any) -> Metric:
    """Create a metric from a name ("auc", "AUC", "mse"), a class, a function or a metric (returned as it is).

    A dict ``{"class_name": ..., "config": ...}`` makes one with these arguments.

    Raises
    ------
    TypeError
        None of these, or arguments are missing.
    ValueError
        An unknown name.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.metrics.get("mse")
    <MeanSquaredError name=mean_squared_error>
    >>> gs.metrics.get({"class_name": "BinaryAccuracy", "config": {"threshold": 0.25}}).threshold
    0.25
    """
    return named(identifier, "metric")


def named(identifier: Any, what: str) -> Metric:
    """As `get`; what: the argument's name in an error."""
    if isinstance(identifier, Metric):
        if "name" not in vars(identifier):
            raise TypeError(f"{what}: {type(identifier).__name__} must call super().__init__() in its constructor.")
        return identifier
    if isinstance(identifier, str):
        return _made(check_choice(what, identifier, table()), what)
    if isinstance(identifier, dict) and set(identifier) == {"class_name", "config"}:
        return check_choice(f"{what}'s class_name", identifier["class_name"], table()).from_config(identifier["config"])
    if isinstance(identifier, type) and issubclass(identifier, Metric):
        return _made(identifier, what)
    if isinstance(identifier, Loss) or not callable(identifier) or isinstance(identifier, type):
        raise TypeError(
            f"{what} must be a name, a Metric or a function of y_true and y_pred; got {describe(identifier)}."
        )
    return MeanMetricWrapper(identifier, getattr(identifier, "__name__", None))


def _made(cls: type[Metric], what: str) -> Metric:
    try:
        return cls()
    except TypeError as error:
        raise TypeError(f"{what}: {cls.__name__} cannot be made by name alone: {error}") from None


def resolve(metric: str, loss: Loss, outputs: int, what: str = "metrics") -> str:
    """Name of a metric in the compiled core, for a model of this loss and number of outputs; "" if there is none.

    what: the argument's name in an error.

    Raises
    ------
    TypeError
        Not a name.
    ValueError
        An unknown name, or a metric that takes other targets than the loss does.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.metrics.resolve("accuracy", gs.losses.get("sparse_categorical_crossentropy"), 10)
    'sparse_categorical_accuracy'
    >>> gs.metrics.resolve("auc", gs.losses.get("binary_crossentropy"), 1)
    ''
    """
    engine = {name: name for name in _core.metrics()}
    known = {name: cls._engine for name, cls in table().items()}
    if isinstance(metric, str) and metric.lower() in PICKED:
        return picked(loss, outputs)
    name: str = check_choice(what, metric, dict.fromkeys(PICKED, "") | engine | ALIASES | known)
    if name and not fits(name, loss):
        takes = {True: "class numbers", False: "rows of numbers"}
        raise ValueError(
            f"{what} must take the targets of the loss: {metric!r} takes {takes[not loss.labels]}, {loss.name} takes "
            f"{takes[loss.labels]}. 'accuracy' fits either."
        )
    return name


def picked(loss: Loss, outputs: int) -> str:
    """The accuracy that "accuracy" stands for, by loss and number of outputs."""
    if loss.labels:
        return "sparse_categorical_accuracy"
    return "binary_accuracy" if outputs == 1 else "categorical_accuracy"


def fits(name: str, loss: Loss) -> bool:
    """Whether a metric of the engine takes the targets of the loss."""
    own = losses.registry.table().get(name)
    return (own.labels if own else name.startswith("sparse")) == loss.labels


def higher_is_better(name: str) -> bool | None:
    """Whether a metric that `compile` takes by this name is better when larger; None: the metric does not say."""
    if name.lower() in PICKED:
        return True
    cls = table().get(ALIASES.get(name, name))
    return False if cls is None else cls.higher_is_better  # the engine's others are losses


def streaming(engine: str) -> Metric:
    """A metric of what the engine has under this name."""
    cls = table().get(engine)
    return MeanMetricWrapper(getattr(losses, engine), engine) if cls is None else cls()
