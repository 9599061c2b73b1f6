"""Training runs that are interrupted: what is trained how, and what a run comes to."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import gradstep as gs
import numpy as np
from gradstep import layers, optimizers
from gradstep.optimizers import schedules
from variants import OPTIMIZERS

EPOCHS, SAVED = 4, 2
ROWS, BATCH = 45, 10  # the last batch is short


def optimizer(name: str, **options: Any) -> Callable[[], optimizers.Optimizer]:
    return lambda: getattr(optimizers, name)(**options)


def several() -> optimizers.Optimizer:
    return optimizers.MultiOptimizer({"first/*": optimizers.Adam(0.01, use_ema=True), "*": optimizers.SGD(0.1, 0.9)})


RATES = {
    "cosine": schedules.CosineDecay(0.05, 12, warmup_target=0.1, warmup_steps=3),
    "restarts": schedules.CosineDecayRestarts(0.05, 4),
    "exponential": schedules.ExponentialDecay(0.05, 5, 0.5, staircase=True),
    "one cycle": schedules.OneCycle(0.05, 20),
    "steps": schedules.PiecewiseConstantDecay([3, 11, 17], [0.1, 0.05, 0.02, 0.01]),
    "warm-up": schedules.Warmup(schedules.CyclicalLR(0.01, 0.1, 4), 5),
}

# What takes the steps.
RULES: dict[str, Callable[[], optimizers.Optimizer]] = {
    **{f"rule {name}": make for name, make in OPTIMIZERS.items()},
    **{f"rate {name}": optimizer("SGD", learning_rate=rate, momentum=0.9) for name, rate in RATES.items()},
    "momentum by schedule": optimizer("SGD", learning_rate=0.05, momentum=schedules.Linear(0.5, 0.95, 20)),
    "decay by schedule": optimizer("AdamW", weight_decay=schedules.Linear(0.1, 0.0, 20)),
    "average": optimizer("Adam", use_ema=True, ema_momentum=0.8),
    "average overwrites": optimizer("SGD", learning_rate=0.1, use_ema=True, ema_overwrite_frequency=7),
    "accumulation": optimizer("Adam", gradient_accumulation_steps=4),  # 5 batches an epoch: half a step is saved
    "accumulation, average, clip": optimizer(
        "AdamW", gradient_accumulation_steps=3, use_ema=True, global_clipnorm=0.1, weight_decay=0.1
    ),
    "int8": optimizer("Adam", state_dtype="int8"),
    "int8 momentum": optimizer("SGD", learning_rate=0.05, momentum=0.9, state_dtype="int8", use_ema=True),
    "bfloat16": optimizer("Adam", state_dtype="bfloat16", learning_rate=RATES["cosine"]),
    "skips": optimizer("RMSprop", on_nonfinite="skip", clipvalue=0.01),
    "loss scale": optimizer("Nadam", loss_scale_factor=8.0, clipnorm=0.1),
    "torch": optimizer("Adam", dialect="torch", maximize=True),
    "lookahead": lambda: optimizers.Lookahead(optimizers.Adam(0.01), sync_period=3),
    "lookahead, schedule": lambda: optimizers.Lookahead(optimizers.SGD(RATES["cosine"], 0.9), sync_period=4),
    "sam": lambda: optimizers.SAM(optimizers.SGD(0.05, momentum=0.9), rho=0.1),
    "sam, adaptive": lambda: optimizers.SAM("adam", adaptive=True),
    "sam around lookahead": lambda: optimizers.SAM(optimizers.Lookahead("sgd", sync_period=2)),
    "several": several,
}


def parts(dropout: float, dtype: str) -> gs.Sequential:
    first = layers.Dense(16, "tanh", dtype=dtype, name="first")
    last = layers.Dense(3, "softmax", dtype=dtype, name="last")
    return gs.Sequential(
        [gs.Input((6,), name="x"), first, layers.Dropout(dropout, dtype=dtype, name="drop"), last], name="model"
    )


class CopyOnce(gs.callbacks.Callback):
    """Keeps what some functions make of the model after an epoch, before what `fit` does at its end."""

    def __init__(self, ways: Mapping[str, Callable[[Any], Any]]) -> None:
        super().__init__()
        self.ways, self.copies = ways, {}

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if epoch + 1 == SAVED:
            self.copies = {name: way(self.model) for name, way in self.ways.items()}


# How it is trained, beside the defaults of `model`.
MANNERS: dict[str, dict[str, Any]] = {
    "no shuffle": {"shuffle": False},
    "no dropout": {"dropout": 0.0},
    "float64": {"dtype": "float64"},
    "full batch": {"batch_size": "full"},
    "validation": {"validation_split": 0.2},
    "spared": {"spared": True},
    "groups": {"groups": True},
    "lone batches": {"lone": True},
    "counted anew": {"anew": True},
}
CASES = [*RULES, *MANNERS]


def model(case: str) -> gs.Sequential:
    manner = MANNERS.get(case, {})
    made = parts(manner.get("dropout", 0.3), manner.get("dtype", "float32"))
    rule = RULES.get(case, optimizer("AdamW", learning_rate=0.01, weight_decay=0.1))()
    made.compile(rule, "sparse_categorical_crossentropy", metrics=["accuracy"])
    first, last = made.layers[0], made.layers[2]
    if manner.get("spared"):
        rule.exclude_from_weight_decay([first.kernel], ["bias"])
    if manner.get("groups"):  # the last layer is met first
        slow = {"params": [last.kernel, last.bias], "learning_rate": RATES["cosine"], "clipnorm": 0.1}
        rule.bind([slow, {"params": [first.bias, first.kernel], "weight_decay": 0.0}])
    return made


def train(made: gs.Sequential, case: str, begin: int, end: int, callbacks: Any = None) -> dict[str, list[float]]:
    """The curves of some epochs."""
    random = np.random.default_rng(5)
    x, y = random.standard_normal((ROWS, 6)).astype(np.float32), random.integers(0, 3, ROWS)
    if case == "skips":
        x[7, 2] = np.nan
    lone = MANNERS.get(case, {}).get("lone")
    if lone and begin == 0:
        made.train_on_batch(x[:5], y[:5])
    manner = {key: value for key, value in MANNERS.get(case, {}).items() if key in FIT}
    manner.setdefault("batch_size", BATCH)
    history = made.fit(x, y, verbose=0, initial_epoch=begin, epochs=end, callbacks=callbacks, **manner)
    if lone:
        made.train_on_batch(x[:5], y[:5])
    return history.history


FIT = ("shuffle", "batch_size", "validation_split")


def outcome(made: gs.Sequential, curves: dict[str, list[float]], epochs: int) -> str:
    """A digest of weights, state and the curves' last epochs."""
    digest = hashlib.sha256()
    for weight in made.weights:
        digest.update(weight.tobytes())
    for name, array in sorted(made.optimizer.state_dict().items()):
        digest.update(name.encode() + array.tobytes())
    digest.update(repr({name: curve[-epochs:] for name, curve in sorted(curves.items())}).encode())
    return digest.hexdigest()


def uninterrupted(case: str, hook: gs.callbacks.Callback) -> str:
    """What a run comes to in which a callback keeps the model on the way."""
    gs.utils.set_random_seed(11)
    made = model(case)
    if MANNERS.get(case, {}).get("anew"):
        train(made, case, 0, SAVED, [hook])
        curves = train(made, case, 0, EPOCHS - SAVED)
    else:
        curves = train(made, case, 0, EPOCHS, [hook])
    return outcome(made, curves, EPOCHS - SAVED)


def resumed(case: str, path: Path) -> str:
    """What the rest of a run comes to with the model of a file, or of a pickle."""
    if path.suffix == ".pickle":
        return gone_on(case, pickle.loads(path.read_bytes()))
    return gone_on(case, gs.models.load_model(path))


def gone_on(case: str, made: gs.Sequential) -> str:
    """What the rest of a run comes to."""
    anew = MANNERS.get(case, {}).get("anew")
    curves = train(made, case, 0, EPOCHS - SAVED) if anew else train(made, case, SAVED, EPOCHS)
    return outcome(made, curves, EPOCHS - SAVED)
