"""Problems of training, and how to detect them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

__all__ = ["SYMPTOMS", "Finding", "LayerSnapshot", "Snapshot"]


class Finding(NamedTuple):
    """One thing that goes wrong.

    Attributes
    ----------
    kind : str
    epoch : int
        After which it was seen, counted from 0.
    layer : str or None
        The layer that it is about; None for all.
    words, advice : str
        What is seen, and what to try.
    """

    kind: str
    epoch: int
    layer: str | None
    words: str
    advice: str

    def __str__(self) -> str:
        where = f", layer {self.layer}" if self.layer else ""
        return f"Epoch {self.epoch + 1}{where}: {self.words}. Try {self.advice}."


class LayerSnapshot(NamedTuple):
    """A layer at one moment: units that give 0 for all rows; norms of weights, gradients, and the epoch's changes."""

    dead: int = 0
    units: int = 0
    numbers: int = 0
    weight: float = 0.0
    gradient: float = 0.0
    update: float = 0.0


class Snapshot(NamedTuple):
    """The model at the end of an epoch (-1: before training): the epoch's loss, that of the sample, the layers."""

    epoch: int
    loss: float
    sample: float
    constant: bool  # the outputs are the same for all rows
    layers: dict[str, LayerSnapshot]

    @property
    def learning(self) -> dict[str, LayerSnapshot]:
        """The layers with weights that are trained, in order."""
        return {name: layer for name, layer in self.layers.items() if layer.numbers}


Snapshots = Sequence[Snapshot]
SOME, TINY, HUGE = 0.25, 1e-3, 100.0


def divergence(snapshots: Snapshots, patience: int, rate: float) -> Iterator[Finding]:
    now, start = snapshots[-1], snapshots[0].sample
    lower = f"a learning rate of {rate / 10:.2g} or less, inputs and targets of size 1 or so, and clipnorm=1"
    if not math.isfinite(now.loss):
        yield Finding("divergence", now.epoch, None, f"the loss is {now.loss:g}", lower)
    elif len(snapshots) > 2 and now.loss > snapshots[-2].loss and now.loss > 2 * start > 0:
        words = f"the loss rises: it is {now.loss:.3g} after {start:.3g} before training"
        yield Finding("divergence", now.epoch, None, words, lower)


def oscillation(snapshots: Snapshots, patience: int, rate: float) -> Iterator[Finding]:
    losses = [snapshot.loss for snapshot in snapshots[1:]][-9:]
    if len(losses) < 9 or not all(map(math.isfinite, losses)):
        return
    changes = [b - a for a, b in pairwise(losses)]
    turns = sum(a * b < 0 for a, b in pairwise(changes))
    size, mean = sum(map(abs, changes)) / 8, sum(losses) / 9
    # Beside the loss before training a small tremble of a small loss is nothing.
    enough = size >= 0.1 * abs(mean) and not size < 0.02 * abs(snapshots[0].sample)
    if turns >= 5 and enough and abs(losses[-1] - losses[0]) < 2 * size:
        words = f"the loss goes up and down: by {size:.2g} from epoch to epoch, around {mean:.3g}"
        advice = f"a learning rate of {rate / 3:.2g}, or one that falls, and larger batches"
        yield Finding("oscillation", snapshots[-1].epoch, None, words, advice)


def plateau(snapshots: Snapshots, patience: int, rate: float) -> Iterator[Finding]:
    now, start = snapshots[-1], snapshots[0].sample
    losses = [snapshot.loss for snapshot in snapshots[1:]]
    recent, earlier = losses[-patience:], losses[:-patience]
    if not earlier or not all(map(math.isfinite, losses)) or list(oscillation(snapshots, patience, rate)):
        return
    before, best = min(earlier), min(recent)
    if best < before - 0.01 * abs(before) or before <= 0 or now.loss > 2 * start:
        return
    if now.constant:
        words = f"the loss stays at {best:.3g}: the model gives the same output for every row"
        advice = "another learning rate, other initial weights, and inputs of size 1 or so"
    elif best > 0.5 * start:
        moved = max((layer.update / layer.weight for layer in now.learning.values() if layer.weight), default=math.nan)
        words = f"the loss stays at {best:.3g}, after {start:.3g} before training"
        advice = "another learning rate, more units, and inputs of size 1 or so"
        if moved < 1e-3:
            words += f"; an epoch changes the weights by {100 * moved:.2g} %"
            advice = f"a learning rate of {10 * rate:.2g} or more"
    else:
        return
    yield Finding("plateau", now.epoch, None, words, advice)


def dead_units(snapshots: Snapshots, patience: int, rate: float) -> Iterator[Finding]:
    for name, layer in snapshots[-1].layers.items():
        before = snapshots[-2].layers.get(name)
        if before is not None and min(layer.dead, before.dead) >= max(SOME * layer.units, 1):
            words = f"{layer.dead} of {layer.units} units give 0 for every row: they do not learn any more"
            advice = "a smaller learning rate, biases that begin at 0, or leaky_relu or elu in place of relu"
            yield Finding("dead_units", snapshots[-1].epoch, name, words, advice)


def vanishing_gradients(snapshots: Snapshots, patience: int, rate: float) -> Iterator[Finding]:
    # A model that has learned needs no gradients; and where units are dead nothing comes through: they are the reason.
    learned = not 0.05 * snapshots[0].sample <= snapshots[-1].loss <= 2 * snapshots[0].sample  # or is lost
    if learned or not snapshots[-2].learning or list(dead_units(snapshots, patience, rate)):
        return
    for name in snapshots[-1].learning:
        shares = [_share_of_last(snapshot, name) for snapshot in snapshots[-2:]]
        if max(shares) < TINY:
            words = f"its gradients are {shares[-1]:.1g} of those of the last layer: it hardly learns"
            advice = "relu in place of sigmoid or tanh, he_normal initial weights, fewer layers, or normalization"
            yield Finding("vanishing_gradients", snapshots[-1].epoch, name, words, advice)
            return  # those behind it are the same trouble


def exploding_gradients(snapshots: Snapshots, patience: int, rate: float) -> Iterator[Finding]:
    for name, layer in snapshots[-1].learning.items():
        before = snapshots[-2].learning.get(name)
        if before is None or not math.isfinite(layer.weight):
            continue
        if not math.isfinite(layer.gradient):
            words = "its gradients are not finite, though its weights are"
        elif min(_explosion(layer), _explosion(before)) > 1:
            words = f"its gradients have norm {layer.gradient:.2g}, its weights {layer.weight:.2g}"
        else:
            continue
        advice = "smaller initial weights, inputs and targets of size 1 or so, and clipnorm=1"
        yield Finding("exploding_gradients", snapshots[-1].epoch, name, words, advice)
        return


def _share_of_last(snapshot: Snapshot, name: str) -> float:
    """Root mean square of a layer's gradients, over that of the last layer."""
    *_, last = snapshot.learning.values()
    layer = snapshot.learning[name]
    if not last.gradient or not math.isfinite(last.gradient):
        return math.inf  # nothing to compare with
    return layer.gradient / math.sqrt(layer.numbers) / (last.gradient / math.sqrt(last.numbers))


def _explosion(layer: LayerSnapshot) -> float:
    return layer.gradient / (HUGE * max(layer.weight, 1))


Symptom = Callable[[Snapshots, int, float], Iterator[Finding]]
SYMPTOMS: tuple[Symptom, ...] = (
    divergence,
    oscillation,
    plateau,
    dead_units,
    vanishing_gradients,
    exploding_gradients,
)
