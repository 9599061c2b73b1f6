"""The losses and metrics that `compile` is given, for one output or several, and how they become one loss."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from .. import losses
from ..checks import check_float
from ..data.names import by_name, each_by_name
from ..losses.base import Loss
from ..losses.native import NativeLoss
from ..metrics.base import Metric
from .output_metrics import MetricUse, OutputMetrics

__all__ = ["LossesAndMetrics", "beside"]


def _loss_of_one(loss: Any, loss_weights: Any, names: Sequence[str]) -> Loss | None:
    """The loss of a model of one output, of this name, if it is known."""
    for given, what in ((loss, "loss"), (loss_weights, "loss_weights")):
        if isinstance(given, (list, tuple)) and len(given) != 1:
            raise ValueError(f"{what} must be one, for the model has one output; got {len(given)}.")
    if isinstance(loss, (list, tuple)):
        loss = loss[0]
    elif isinstance(loss, Mapping) and not ("class_name" in loss and "config" in loss):
        loss = by_name(loss, names, "loss", "must have a loss for")[0]
    if isinstance(loss_weights, (list, tuple)):
        loss_weights = loss_weights[0]
    elif isinstance(loss_weights, Mapping):
        loss_weights = by_name(loss_weights, names, "loss_weights", "must have a number for")[0]
    chosen = None if loss is None else losses.get(loss)
    if chosen is not None:
        chosen._specification()
    if loss_weights is None:
        return chosen
    factor = _factor("loss_weights", loss_weights)
    if chosen is None:
        raise ValueError("loss_weights need a loss to weigh.")
    from copy import copy

    chosen = copy(chosen)
    chosen._factor = factor
    return chosen


def _metrics_of_one(metrics: Any, what: str, names: Sequence[str]) -> Any:
    """The list of metrics of a model of one output."""
    if isinstance(metrics, Mapping):
        metrics = by_name(metrics, names, what)[0]
        return metrics if metrics is None or isinstance(metrics, (list, tuple)) else [metrics]
    if isinstance(metrics, (list, tuple)) and len(metrics) == 1 and isinstance(metrics[0], (list, tuple)):
        return metrics[0]
    return metrics


class Targets(NamedTuple):
    """Targets and sample weights of the outputs, for the compiled core."""

    values: list[np.ndarray | None]
    weights: list[np.ndarray | None]
    masks: list[np.ndarray | None]


class LossesAndMetrics:
    """The losses and metrics of a model's outputs.

    Parameters
    ----------
    outputs : sequence of str
        Their names.
    losses : list of Loss or None
        One for each output.
    factors : list of float
        What each counts for.
    metrics_of : list of OutputMetrics
        What else is measured of each.
    """

    def __init__(
        self,
        outputs: Sequence[str],
        losses: list[Loss | None],
        factors: list[float],
        metrics_of: list[OutputMetrics],
    ) -> None:
        self.outputs, self.losses, self.factors, self.metrics_of = list(outputs), losses, factors, metrics_of
        self.counted = [i for i, one in enumerate(losses) if one is not None]
        if not self.counted and any(own.all for own in metrics_of):
            raise ValueError("metrics need a loss, which defines the form of the targets.")
        own = [id(one.given) for each in metrics_of for one in each.all if isinstance(one.given, Metric)]
        if len(set(own)) < len(own):
            raise ValueError("metrics of outputs must differ: each metric accumulates its own values.")
        # Whether what the logs have beside "loss" is better when larger, in order; None: it does not say.
        self.directions: dict[str, bool | None] = dict(self._named())
        self.names = list(self.directions)
        # Names in the logs, as the engine counts: "loss", those of several outputs, and the metrics of each.
        self.log_names = ["loss", *self.names]
        # The same in Keras's order, which is that of the list that `evaluate` gives.
        self.listed = self.log_names
        self.loss = next((one for one in losses if one is not None), None)  # the first that there is
        for name, count in Counter(name for name, _ in self._named()).items():
            if count > 1:
                raise ValueError(f"losses and metrics of outputs must differ in their names; got {name!r} again.")

    @classmethod
    def of_one(
        cls, names: Sequence[str], loss: Any, loss_weights: Any, metrics: Any, weighted: Any
    ) -> LossesAndMetrics:
        """Of a model of one output, whose name is not known yet if there is none; arguments as `compile` takes them.

        Raises
        ------
        TypeError, ValueError
            As `compile` does.
        """
        chosen = _loss_of_one(loss, loss_weights, names)
        plain, more = _metrics_of_one(metrics, "metrics", names), _metrics_of_one(weighted, "weighted_metrics", names)
        return cls(["output"], [chosen], [1.0], [OutputMetrics(plain, more, chosen)])

    @classmethod
    def of_all(
        cls, names: Sequence[str], loss: Any, loss_weights: Any, metrics: Any, weighted: Any, by_key: bool = False
    ) -> LossesAndMetrics:
        """Of a model of these outputs; arguments as `compile` takes them. Raises as `of_one` does.

        by_key: whether outputs are in a dict.
        """
        chosen = _take_losses(names, loss)
        plain, more = _each_of(names, metrics, "metrics"), _each_of(names, weighted, "weighted_metrics")
        each = zip(plain, more, chosen, strict=True)
        metrics_of = [OutputMetrics(first, second, one or losses.MeanSquaredError()) for first, second, one in each]
        made = cls(names, chosen, _take_factors(names, loss_weights, chosen), metrics_of)
        order = list(loss) if by_key and isinstance(loss, Mapping) and "class_name" not in loss else names
        found = [f"{name}_loss" for name in order if f"{name}_loss" in made.names]
        others = [name for name in made.names if name not in found]
        made.listed = ["loss", *found, *(sorted(others) if len(names) > 1 else others)]
        return made

    def _named(self) -> Iterator[tuple[str, bool | None]]:
        """Each name in the logs beside "loss", and its direction."""
        if self.split:
            yield from ((f"{self.outputs[i]}_loss", False) for i in self.counted)
        prefixes = [f"{name}_" for name in self.outputs] if len(self.outputs) > 1 else [""]
        for prefix, own in zip(prefixes, self.metrics_of, strict=True):
            yield from ((f"{prefix}{name}", direction) for name, direction in own.directions.items())

    @property
    def objects(self) -> dict[str, Metric]:
        """The metrics that `compile` was given as objects, by their names in the logs."""
        prefixes = [f"{name}_" for name in self.outputs] if len(self.outputs) > 1 else [""]
        each = zip(prefixes, self.metrics_of, strict=True)
        return {f"{prefix}{name}": metric for prefix, own in each for name, metric in own.objects.items()}

    @property
    def split(self) -> bool:
        """Whether the logs have the losses of the outputs beside their sum."""
        return len(self.counted) > 1

    @property
    def target_losses(self) -> list[Loss | None]:
        """For each output what says how targets look: its loss, or for metrics alone the squared error; or None."""
        return [
            loss or (losses.MeanSquaredError() if metrics_of.all else None)
            for loss, metrics_of in zip(self.losses, self.metrics_of, strict=True)
        ]

    def specifications(
        self,
        ys: Sequence[np.ndarray | None],
        rows: Sequence[tuple[int, ...]],
        weights: Sequence[np.ndarray | None],
    ) -> list[dict[str, Any] | Callable[..., Any] | None]:
        """Loss of each output for the compiled core: a specification, a Python function, or None.

        ys, weights: targets, and what rows count for; rows: shape of a row of each output.
        """
        found: list[dict[str, Any] | Callable[..., Any] | None] = []
        for loss, factor, y, row, counts in zip(self.losses, self.factors, ys, rows, weights, strict=True):
            spec = None if loss is None else loss._specification()
            if loss is None or y is None:
                found.append(None)
            elif spec is None or not isinstance(loss, NativeLoss) or (len(row) > 1 and loss.axis != -1):
                found.append(partial(_of_batch, loss, factor, y, counts, row))
            else:
                found.append(spec | {"factor": factor * loss._factor})
        return found

    def targets(
        self,
        ys: Sequence[np.ndarray | None],
        rows: Sequence[tuple[int, ...]],
        weights: Sequence[np.ndarray | None],
    ) -> Targets:
        """The data in flat form; of outputs with several vectors per row, targets and weights of each."""
        found = Targets([], [], [])
        for loss, y, row, counts in zip(self.losses, ys, rows, weights, strict=True):
            one: tuple[np.ndarray | None, np.ndarray | None, np.ndarray | None]
            if loss is None or y is None:
                one = y, None, None
            elif len(row) == 1:
                one = y, counts, loss._mask(y)
            else:
                flat, parts = flat_targets(y), math.prod(row[:-1])
                each = None if counts is None else of_vectors(counts, parts)
                one = flat, each, loss._mask(flat.ravel())
            for to, value in zip(found, one, strict=True):
                to.append(value)
        return found

    def uses(
        self,
        ys: Sequence[np.ndarray | None],
        rows: Sequence[tuple[int, ...]],
        dtype: str,
        weighted: Sequence[bool],
    ) -> list[MetricUse]:
        """Who metrics_of what, in the order of `names`; weighted: whether rows of an output have weights."""
        found = [MetricUse("loss", None, False, i) for i in self.counted] if self.split else []
        for i, (metrics_of, loss, y) in enumerate(zip(self.metrics_of, self.target_losses, ys, strict=True)):
            if loss is not None and y is not None and metrics_of.all:
                found += metrics_of.uses(loss, y, tuple(rows[i]), dtype, weighted[i], i)
        return found


def of_vectors(weights: np.ndarray, parts: int) -> np.ndarray:
    """Weights of rows, or of each vector of a row already, as those of the vectors: (rows * parts,)."""
    return weights.ravel() if weights.ndim > 1 else np.repeat(weights, parts)


def flat_targets(y: np.ndarray) -> np.ndarray:
    """Targets (rows, ...) as (rows, numbers); labels, one a row, as (rows,)."""
    return y.reshape(-1) if y.size == len(y) and y.dtype.kind == "i" else y.reshape(len(y), -1)


def _of_batch(
    loss: Loss,
    factor: float,
    targets: np.ndarray,
    weights: np.ndarray | None,
    row: tuple[int, ...],
    which: np.ndarray,
    outputs: np.ndarray,
    mask: np.ndarray | None,
) -> tuple[float, float, np.ndarray]:
    """Of rows of the data and outputs (rows, n): what a loss adds to that of the batch, the loss, and its gradient.

    mask (rows, vectors of a row): which of them count.
    """
    value, gradient = shaped_loss(loss, targets[which], outputs, None if weights is None else weights[which], row, mask)
    return factor * value, value, gradient if factor == 1 else gradient.dtype.type(factor) * gradient


def beside(weights: np.ndarray, axes: int) -> np.ndarray:
    """Weights with as many axes as numbers of the vectors (rows, ...) have, which they multiply."""
    return weights.reshape(*weights.shape, *[1] * (axes - weights.ndim))


def shaped_loss(
    loss: Loss,
    targets: np.ndarray,
    outputs: np.ndarray,
    weights: np.ndarray | None,
    row: tuple[int, ...],
    mask: np.ndarray | None = None,
) -> tuple[float, np.ndarray]:
    """Value of a loss, and its gradient (rows, n) by outputs (rows, n), whose rows it sees in the shape `row`."""
    if mask is not None:
        mask = mask.reshape(len(mask), *row[:-1])
    if len(row) == 1:
        return loss._of_batch(targets, outputs, weights, mask)
    spread = None if weights is None else beside(weights, len(row))
    value, gradient = loss._of_batch(targets, outputs.reshape(-1, *row), spread, mask)
    return value, gradient.reshape(outputs.shape)


def _factor(name: str, value: Any) -> float:
    if isinstance(value, str):
        raise TypeError(f"{name} must be a real number; got {value!r}. Metrics come after it: metrics=[{value!r}].")
    factor = check_float(name, value)
    if not math.isfinite(factor):
        raise ValueError(f"{name} must be finite; got {value}.")
    return factor


def _take_losses(names: Sequence[str], loss: Any) -> list[Loss | None]:
    if isinstance(loss, (list, tuple)) or (isinstance(loss, Mapping) and "class_name" not in loss):
        each = each_by_name(loss, names, "loss", "a loss, or None,")
    else:
        each = [loss] * len(names)
    chosen = [None if one is None else losses.get(one) for one in each]
    for one in chosen:
        if one is not None:
            one._specification()
    if loss is not None and not any(one is not None for one in chosen):
        raise ValueError("loss must be a loss for at least one output; all are None.")
    return chosen


def _take_factors(names: Sequence[str], given: Any, chosen: Sequence[Loss | None]) -> list[float]:
    if given is None:
        return [1.0] * len(names)
    if isinstance(given, Mapping):
        each = [1.0 if one is None else one for one in by_name(given, names, "loss_weights")]
    else:
        each = each_by_name(given, names, "loss_weights", "a number")
    if all(one is None for one in chosen):
        raise ValueError("loss_weights need a loss to weigh.")
    return [_factor(f"loss_weights of {name!r}", one) for name, one in zip(names, each, strict=True)]


def _each_of(names: Sequence[str], given: Any, what: str) -> list[Any]:
    """The metrics of each output, as lists."""
    if given is None:
        return [[]] * len(names)
    if isinstance(given, Mapping):
        each = by_name(given, names, what)
    else:
        each = each_by_name(given, names, what, "one, a list or None")
    return [[] if one is None else one if isinstance(one, (list, tuple)) else [one] for one in each]
