"""Models trained by a team of processes: what they come to, as hashes. As a script it prints those of all cases."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import gradstep as gs
import numpy as np

ROWS, INPUTS, CLASSES = 90, 6, 3  # no multiple of a batch: the last one is short, and its shards differ
rng = np.random.default_rng(5)
X = rng.normal(size=(ROWS, INPUTS)).astype("float32")
Y = rng.integers(0, CLASSES, ROWS)
WEIGHTS = rng.uniform(0, 2, ROWS)
SPARED = np.where(np.arange(ROWS) < 30, 0, WEIGHTS)  # which leaves shards without a weight
PIXELS = rng.normal(size=(ROWS, 6, 6, 1)).astype("float32")
TOKENS = rng.integers(0, 12, (ROWS, 5))
TARGETS = X @ rng.normal(size=(INPUTS, 2)).astype("float32")
SPARSE = "sparse_categorical_crossentropy"


def dense(**options: Any) -> gs.Model:
    """A classifier with Dropout."""
    layers = gs.layers
    return gs.Sequential(
        [
            gs.Input((INPUTS,)),
            layers.Dense(16, "relu", **options),
            layers.Dropout(0.3),
            layers.Dense(CLASSES, "softmax"),
        ]
    )


def convolutional() -> gs.Model:
    """A convolution, pooling, a row normalization."""
    layers = gs.layers
    return gs.Sequential(
        [
            gs.Input((6, 6, 1)),
            layers.Conv2D(4, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.LayerNormalization(),
            layers.Dense(CLASSES, "softmax"),
        ]
    )


def branched() -> gs.Model:
    """An embedding, a recurrent layer, two inputs and two outputs."""
    layers = gs.layers
    words, numbers = gs.Input((5,), name="words"), gs.Input((INPUTS,), name="numbers")
    read = layers.LSTM(6)(layers.Embedding(12, 4)(words))
    both = layers.Concatenate()([read, layers.Dense(5, "tanh")(numbers)])
    return gs.Model(
        [words, numbers], [layers.Dense(CLASSES, "softmax", name="kind")(both), layers.Dense(2, name="size")(both)]
    )


def normalized() -> gs.Model:
    """Statistics of the whole batch, of the channels of pixels and of numbers, one of them without gamma and beta."""
    layers = gs.layers
    return gs.Sequential(
        [
            gs.Input((6, 6, 1)),
            layers.Conv2D(4, 3, use_bias=False),
            layers.BatchNormalization(momentum=0.8),
            layers.Activation("relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(8, use_bias=False),  # whose gradient would be rounding alone
            layers.BatchNormalization(scale=False, center=False),
            layers.Dropout(0.2),
            layers.Dense(CLASSES, "softmax"),
        ]
    )


def normalized_words() -> gs.Model:
    """Statistics of the vectors that are not masked."""
    layers = gs.layers
    return gs.Sequential(
        [
            gs.Input((5,)),
            layers.Embedding(12, 4, mask_zero=True),
            layers.BatchNormalization(),
            layers.GRU(5),
            layers.Dense(CLASSES, "softmax"),
        ]
    )


def wide(normalized: bool = False) -> gs.Model:
    """Layers of a mebibyte of weights and more, each of which is a bucket; with statistics of the batch in between."""
    layers, width = gs.layers, 512
    between = [layers.BatchNormalization()] if normalized else []
    return gs.Sequential(
        [
            gs.Input((INPUTS,)),
            layers.Dense(width, "relu"),
            *between,
            layers.Dense(width, "relu"),
            layers.Dropout(0.2),
            layers.Dense(width + 1, "tanh"),  # no multiple of the processes
            *(layers.BatchNormalization() for _ in between),
            layers.Dense(CLASSES, "softmax"),
        ]
    )


def wide_and_branched() -> gs.Model:
    """A wide layer that is called twice, and one whose gradient is there before that of a layer behind it."""
    layers, x = gs.layers, gs.Input((INPUTS,))
    shared, short = layers.Dense(512, "relu"), layers.Dense(600, "tanh")
    low = layers.Dense(512, "relu")(x)
    both = layers.Add()([shared(shared(low)), layers.Dense(512)(short(low))])
    return gs.Model(x, layers.Dense(CLASSES, "softmax")(both))


class Failing(gs.metrics.Metric):
    """Fails in all processes, when the gradients of a batch are under way."""

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        raise ZeroDivisionError

    def result(self) -> float:
        return 0.0

    def reset_state(self) -> None:
        pass


class Case:
    """How a model is trained: `fit` with these arguments, beside those that all have."""

    def __init__(
        self,
        model: Callable[[], gs.Model] = dense,
        optimizer: Any = "adam",
        loss: Any = SPARSE,
        x: Any = X,
        y: Any = Y,
        metrics: Any = None,
        **fit: Any,
    ) -> None:
        self.model, self.optimizer, self.loss, self.x, self.y, self.metrics, self.fit = (
            *(model, optimizer, loss, x, y, metrics),
            fit,
        )

    def train(self, team: Any, **more: Any) -> tuple[gs.Model, dict[str, list[float]]]:
        """The model and its history after training by a team, or without any."""
        gs.utils.set_random_seed(3)
        model = self.model()
        optimizer = self.optimizer() if callable(self.optimizer) else self.optimizer
        model.compile(optimizer, self.loss, metrics=self.metrics() if callable(self.metrics) else self.metrics)
        options = {"batch_size": 16, "epochs": 2, "verbose": 0} | self.fit | more
        return model, model.fit(self.x, self.y, distribution=team, **options).history


SGD, ADAM, clipped = gs.optimizers.SGD, gs.optimizers.Adam, partial(gs.optimizers.Adam, 0.01)
TWO = {"x": [TOKENS, X], "y": [Y, TARGETS], "loss": [SPARSE, "mse"], "model": branched}

CASES: dict[str, Case] = {
    "dense": Case(metrics=["accuracy"]),
    "convolutional": Case(convolutional, x=PIXELS, metrics=["accuracy"]),
    "branched": Case(**TWO, metrics=[["accuracy"], ["mae"]]),
    "batch normalization": Case(normalized, x=PIXELS, metrics=["accuracy"]),
    "normalized, shards without rows": Case(normalized, x=PIXELS, batch_size=8),  # of the last batch, also the first
    "normalized words": Case(normalized_words, x=TOKENS),
    "normalized and weighted": Case(normalized, x=PIXELS, sample_weight=SPARED),
    "in order": Case(shuffle=False),
    "large batch": Case(batch_size=64),
    "all rows": Case(batch_size="full"),
    "some steps": Case(steps_per_epoch=3, epochs=3),
    "sample weights": Case(sample_weight=WEIGHTS, metrics=["accuracy"]),
    "class weights": Case(class_weight={0: 2.0, 2: 0.5}),
    "held out": Case(validation_split=0.2),
    "sum": Case(),
    "mean of weights": Case(sample_weight=WEIGHTS),
    "accumulation": Case(optimizer=partial(clipped, gradient_accumulation_steps=3)),
    "global norm": Case(optimizer=partial(clipped, global_clipnorm=0.1)),
    "norm": Case(optimizer=partial(clipped, clipnorm=0.1)),
    "value": Case(optimizer=partial(clipped, clipvalue=0.01)),
    "average": Case(optimizer=partial(clipped, use_ema=True)),
    "schedule": Case(optimizer=lambda: ADAM(gs.optimizers.schedules.ExponentialDecay(0.1, 5, 0.5))),
    "lookahead": Case(optimizer=lambda: gs.optimizers.Lookahead("adam", sync_period=3)),
    "constraint": Case(partial(dense, kernel_constraint="non_neg")),
    "penalty": Case(partial(dense, kernel_regularizer="l2")),
    "metrics in Python": Case(
        metrics=lambda: [
            gs.metrics.SparseTopKCategoricalAccuracy(2, name="top"),
            gs.metrics.MeanIoU(3, name="iou", sparse_y_pred=False),
        ]
    ),
}
CASES["sum"].loss = gs.losses.SparseCategoricalCrossentropy(reduction="sum")
CASES["normalized and weighted"].loss = gs.losses.SparseCategoricalCrossentropy(reduction="mean_with_sample_weight")
CASES["mean of weights"].loss = gs.losses.SparseCategoricalCrossentropy(reduction="mean_with_sample_weight")


# Models with several buckets of gradients, by themselves: they take longer.
WIDE: dict[str, Case] = {
    "wide": Case(wide, metrics=["accuracy"]),
    "wide, normalized": Case(partial(wide, True)),
    "wide, normalized, shards without rows": Case(partial(wide, True), batch_size=8),
    "wide, normalized and weighted": Case(partial(wide, True), sample_weight=SPARED),
    "wide, branched": Case(wide_and_branched),
    "wide, accumulation": Case(wide, optimizer=partial(clipped, gradient_accumulation_steps=3)),
    "wide, global norm": Case(wide, optimizer=partial(clipped, global_clipnorm=0.1)),
    "wide, a loss in Python": Case(
        wide, y=np.eye(CLASSES)[Y], loss=lambda t, y: (((y - t) ** 2).mean(1), 2 * (y - t) / y.shape[1])
    ),
}
WIDE["wide, normalized and weighted"].loss = CASES["mean of weights"].loss

# What shard_optimizer=True takes, beside the optimizers that move each number by itself.
PARTIAL = (
    "dense",
    "convolutional",
    "batch normalization",
    "branched",
    "accumulation",
    "value",
    "average",
    "schedule",
    "penalty",
)


def elementwise() -> dict[str, Callable[..., Any]]:
    """Every optimizer that moves elements by themselves."""
    from variants import OPTIMIZERS, moves_elements

    return {name: make for name, make in OPTIMIZERS.items() if moves_elements(make)}


def hashed(model: gs.Model, history: dict[str, list[float]]) -> str:
    """Bits of weights and history."""
    return hashed_arrays(model.weights, history)


def hashed_arrays(arrays: list[np.ndarray], history: dict[str, list[float]]) -> str:
    """Bits of arrays and numbers."""
    import hashlib

    digest = hashlib.sha256(repr({name: [float(v).hex() for v in values] for name, values in history.items()}).encode())
    for array in arrays:
        digest.update(array.tobytes())
    return digest.hexdigest()[:16]


def results(**options: Any) -> Iterator[tuple[str, str]]:
    """The name of each case, and its hash; options of the team: with any of them not of all cases. overlap: of wide
    models."""
    team = gs.distribution.DataParallel(shards=8, **options)
    if "overlap" in options:
        for name, case in WIDE.items():
            if not (team.shard_optimizer and name == "wide, global norm"):
                yield name, hashed(*case.train(team, epochs=1))
        with suppress(ZeroDivisionError):
            Case(wide, metrics=lambda: [Failing()]).train(team)
        yield "after a failure", hashed(*WIDE["wide"].train(team, epochs=1))
        model = wide()
        model.compile(loss=SPARSE)
        value, gradients = team.value_and_grad(model, X[:20], Y[:20])
        yield "own loop", hashed_arrays(gradients, {"loss": [value]})
        return
    for name, case in CASES.items():
        if not options or name in PARTIAL:
            yield name, hashed(*case.train(team))
    for name, make in elementwise().items() if team.gradient_dtype is None else ():
        yield f"optimizer {name}", hashed(*Case(optimizer=make).train(team, epochs=1, steps_per_epoch=2))
    if options:
        return
    gs.utils.set_random_seed(3)
    model = dense()
    model.compile(loss=SPARSE)
    stepped = ADAM().bind(model.trainable_weights)
    for i in range(0, 60, 20):
        value, gradients = team.value_and_grad(model, X[i : i + 20], Y[i : i + 20], WEIGHTS[i : i + 20])
        stepped.step(gradients)
    yield "own loop", hashed(model, {"loss": [value]})


if __name__ == "__main__":
    found = dict(results(**json.loads(sys.argv[1] if len(sys.argv) > 1 else "{}")))
    ranks = gs.distribution.DataParallel().comm
    everywhere = [found] if ranks is None else ranks.allgather(found)
    assert all(other == found for other in everywhere)
    if ranks is None or ranks.rank == 0:
        json.dump(found, sys.stdout)
