"""The losses and metrics that `compile` is given, for one output or several, and how they become one loss."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import losses
from ..losses.base import Loss
from ..metrics.base import Metric
from ..metrics.registry import streaming
from ..optimizers.base import real
from .custom import shaped_loss
from .measured import Measures
from .named import by_name, each_by_name

__all__ = ["Objectives", "loss_of_one", "metrics_of_one"]


def loss_of_one(loss: Any, loss_weights: Any, names: Sequence[str]) -> Loss | None:
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


def metrics_of_one(metrics: Any, what: str, names: Sequence[str]) -> Any:
    """The list of metrics of a model of one output."""
    if isinstance(metrics, Mapping):
        metrics = by_name(metrics, names, what)[0]
        return metrics if metrics is None or isinstance(metrics, (list, tuple)) else [metrics]
    if isinstance(metrics, (list, tuple)) and len(metrics) == 1 and isinstance(metrics[0], (list, tuple)):
        return metrics[0]
    return metrics


class Objectives:
    """The losses and metrics of a model of several outputs.

    Parameters
    ----------
    outputs : sequence of str
        Their names.
    loss, loss_weights, metrics, weighted_metrics
        As `compile` takes them.

    Attributes
    ----------
    losses : list of Loss or None
        One for each output.
    factors : list of float
        What each counts for.

    Raises
    ------
    TypeError, ValueError
        As `compile` does.
    """

    def __init__(self, outputs: Sequence[str], loss: Any, loss_weights: Any, metrics: Any, weighted: Any) -> None:
        self.outputs = list(outputs)
        self.losses = self._take_losses(loss)
        self.counted = [i for i, one in enumerate(self.losses) if one is not None]
        self.factors = self._take_factors(loss_weights)
        plain = self._each_of(metrics, "metrics")
        self.measures = [
            Measures(plain[i], more, self.losses[i] or losses.MeanSquaredError())
            for i, more in enumerate(self._each_of(weighted, "weighted_metrics"))
        ]
        if not self.counted and any(measures.all for measures in self.measures):
            raise ValueError("metrics need a loss: it says what the targets are.")
        own = [id(one.given) for each in self.measures for one in each.all if isinstance(one.given, Metric)]
        if len(set(own)) < len(own):
            raise ValueError("metrics of outputs must differ: each metric gathers numbers of its own.")
        self._made: dict[tuple[int, int, str], Metric] = {}  # for names that the engine would know
        for name, count in Counter(self.names).items():
            if count > 1:
                raise ValueError(f"losses and metrics of outputs must differ in their names; got {name!r} again.")

    def _take_losses(self, loss: Any) -> list[Loss | None]:
        if isinstance(loss, (list, tuple)) or (isinstance(loss, Mapping) and "class_name" not in loss):
            each = each_by_name(loss, self.outputs, "loss", "a loss, or None,")
        else:
            each = [loss] * len(self.outputs)
        chosen = [None if one is None else losses.get(one) for one in each]
        for one in chosen:
            if one is not None:
                one._specification()
        if loss is not None and not any(one is not None for one in chosen):
            raise ValueError("loss must be a loss for at least one output; all are None.")
        return chosen

    def _take_factors(self, given: Any) -> list[float]:
        if given is None:
            return [1.0] * len(self.outputs)
        if isinstance(given, Mapping):
            each = [1.0 if one is None else one for one in by_name(given, self.outputs, "loss_weights")]
        else:
            each = each_by_name(given, self.outputs, "loss_weights", "a number")
        if not self.counted:
            raise ValueError("loss_weights need a loss to weigh.")
        return [_factor(f"loss_weights of {name!r}", one) for name, one in zip(self.outputs, each, strict=True)]

    def _each_of(self, given: Any, what: str) -> list[Any]:
        """The metrics of each output, as lists."""
        if given is None:
            return [[]] * len(self.outputs)
        if isinstance(given, Mapping):
            each = by_name(given, self.outputs, what)
        else:
            each = each_by_name(given, self.outputs, what, "one, a list or None")
        return [[] if one is None else one if isinstance(one, (list, tuple)) else [one] for one in each]

    @property
    def names(self) -> list[str]:
        """What the logs have beside "loss", in order."""
        return [name for name, _ in self._named()]

    @property
    def directions(self) -> dict[str, bool | None]:
        """Whether each of these is better when larger; None: it does not say."""
        return dict(self._named())

    def _named(self) -> Iterator[tuple[str, bool | None]]:
        """Each name in the logs beside "loss", and its direction."""
        if self.split:
            yield from ((f"{self.outputs[i]}_loss", False) for i in self.counted)
        prefixes = [f"{name}_" for name in self.outputs] if len(self.outputs) > 1 else [""]
        for prefix, own in zip(prefixes, self.measures, strict=True):
            yield from ((f"{prefix}{name}", direction) for name, direction in own.directions.items())

    @property
    def objects(self) -> dict[str, Metric]:
        """The metrics that `compile` was given as objects, by their names in the logs."""
        prefixes = [f"{name}_" for name in self.outputs] if len(self.outputs) > 1 else [""]
        each = zip(prefixes, self.measures, strict=True)
        return {f"{prefix}{name}": metric for prefix, own in each for name, metric in own.objects.items()}

    @property
    def split(self) -> bool:
        """Whether the logs have the losses of the outputs beside their sum."""
        return len(self.counted) > 1

    @property
    def judges(self) -> list[Loss | None]:
        """For each output what says how targets look: its loss, or for metrics alone the squared error; or None."""
        return [
            loss or (losses.MeanSquaredError() if measures.all else None)
            for loss, measures in zip(self.losses, self.measures, strict=True)
        ]

    def of_batch(
        self, ys: Sequence[np.ndarray | None], outputs: Sequence[np.ndarray], weights: Sequence[np.ndarray | None]
    ) -> tuple[float, list[float], list[np.ndarray | None]]:
        """Loss of a batch, without penalties; those of outputs; by each the slope (rows, n), or None."""
        total, each = 0.0, []
        slopes: list[np.ndarray | None] = [None] * len(outputs)
        for i in self.counted:
            loss, y, factor = self.losses[i], ys[i], self.factors[i]
            assert loss is not None
            assert y is not None
            rows, row = len(outputs[i]), outputs[i].shape[1:]
            value, slope = shaped_loss(loss, y, outputs[i].reshape(rows, -1), weights[i], row)
            total += factor * value
            each.append(value)
            slopes[i] = slope if factor == 1 else slope.dtype.type(factor) * slope
        return total, each, slopes

    def metrics_for(self, ys: Sequence[np.ndarray | None], shapes: Sequence[tuple[int, ...]], dtype: str) -> list[Fed]:
        """Every metric with its output, made for targets like these."""
        found = []
        for i, (measures, judge, y) in enumerate(zip(self.measures, self.judges, ys, strict=True)):
            if judge is None or y is None or not measures.all:
                continue
            shares = measures.share_out(judge, y, tuple(shapes[i]), dtype, weights=False)
            for place, (engine, metric, weighted) in enumerate(shares):
                if metric is None:
                    metric = self._made.setdefault((i, place, engine), streaming(engine))
                found.append(Fed(i, metric, weighted))
        return found


class Fed(NamedTuple):
    """A metric of an output."""

    output: int
    metric: Metric
    weighted: bool  # whether sample weights count


def _factor(name: str, value: Any) -> float:
    if isinstance(value, str):
        raise TypeError(f"{name} must be a real number; got {value!r}. Metrics come after it: metrics=[{value!r}].")
    factor = real(name, value)
    if not math.isfinite(factor):
        raise ValueError(f"{name} must be finite; got {value}.")
    return factor
