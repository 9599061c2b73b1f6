"""Each argument of `fit`, `evaluate`, `predict`, `train_on_batch` and `compile` wrong in turn: type, value, length.

A TypeError or ValueError names the argument; nothing is trained, drawn or counted, and no callback has written a file.
"""

from __future__ import annotations

import inspect
import re

import gradstep as gs
import numpy as np
import pytest
from gradstep import callbacks, seeds
from probe import counters
from training import classifier, clusters, snapshot

X, Y = clusters(40)
NAN = float("nan")
BATCHES = [(X, Y)]


class NoCallback:
    """Has the hooks, but is none."""

    def on_epoch_end(self, epoch, logs=None):
        raise AssertionError


# By method and argument: what is given for it, and what else is given.
COUNT = [(0, {}), (-3, {}), (2.5, {}), ("many", {}), (True, {}), ([1], {})]
LIMIT = [(0, {}), (-1, {}), (1.5, {}), ("all", {}), (True, {})]
SIZE = [(0, {}), (-8, {}), (8.0, {}), ("half", {}), (True, {}), ([8], {})]
VERBOSE = [(3, {}), (-1, {}), ("loud", {}), (1.0, {}), ([1], {})]
ROWS_X = [
    (None, {}),
    (X.astype(str), {}),
    (X + 0j, {}),
    (X[:39], {}),
    (X[:, :19], {}),
    (X[:0], {}),
    (X[0], {}),
    ({"a": X}, {}),
]
ROWS_Y = [
    (None, {}),
    ("labels", {}),
    (Y[:39], {}),
    (Y + 4, {}),
    (Y - 9, {}),
    (Y + 0.5, {}),
    (np.eye(4)[Y], {}),
    (Y * NAN, {}),
]
WEIGHTS = [
    (np.ones(39), {}),
    (np.ones((40, 2)), {}),
    (np.where(np.arange(40) == 3, NAN, 1.0), {}),
    (np.full(40, np.inf), {}),
    ("balanced", {}),
    ({0: 1.0}, {}),
    (np.ones(40, complex), {}),
]
CLASSES = [
    ([1.0, 2.0], {}),
    ("balanced", {}),
    ({"cat": 1.0}, {}),
    ({0: "1"}, {}),
    ({0: NAN}, {}),
    ({0.5: 1.0}, {}),
    ({0: 1.0}, {"sample_weight": np.ones(40)}),
]
CALLBACKS = [(3, {}), ("stop", {}), ([callbacks.EarlyStopping], {}), ([NoCallback()], {}), ([None], {}), ({"a": 1}, {})]

WRONG = {
    "fit": {
        "x": [*ROWS_X, (iter([]), {"y": None}), (iter([(X, Y, None, None)]), {"y": None}), (iter([(X,)]), {"y": None})],
        "y": [*ROWS_Y, (Y, {"x": iter(BATCHES)})],
        "batch_size": [*SIZE, (8, {"x": iter(BATCHES), "y": None})],
        "epochs": [(-1, {}), (1.5, {}), ("3", {}), (None, {}), (True, {})],
        "verbose": VERBOSE,
        "callbacks": CALLBACKS,
        "validation_split": [(1.0, {}), (-0.1, {}), (NAN, {}), ("0.2", {}), (None, {}), (0.999, {})],
        "validation_data": [
            (X, {}),
            ((X,), {}),
            ((X, Y, None, None), {}),
            ("split", {}),
            ((X, Y[:39]), {}),
            ((X[:, :3], Y), {}),
            ((X, Y, np.ones(39)), {}),
            ((X[:0], Y[:0]), {}),
            (iter([]), {}),
        ],
        "shuffle": [("batch", {}), (1, {}), (None, {})],
        "class_weight": CLASSES,
        "sample_weight": [*WEIGHTS, (np.ones(40), {"x": iter(BATCHES), "y": None})],
        "initial_epoch": [(-1, {}), (0.5, {}), ("0", {}), (None, {})],
        "steps_per_epoch": LIMIT,
        "validation_steps": LIMIT,
        "validation_batch_size": SIZE,
        "validation_freq": [(0, {}), (1.5, {}), ("each", {}), ([0], {}), ([1.5], {}), (None, {})],
        "seed": [(-1, {}), (2**32, {}), (1.5, {}), ("x", {}), (True, {})],
        "distribution": [("all", {}), (2, {}), (gs.distribution.DataParallel, {})],
    },
    "evaluate": {
        "x": ROWS_X,
        "y": ROWS_Y,
        "batch_size": SIZE,
        "verbose": VERBOSE,
        "sample_weight": WEIGHTS,
        "steps": LIMIT,
        "callbacks": CALLBACKS,
        "return_dict": [(1, {}), ("yes", {}), (None, {})],
    },
    "predict": {
        "x": [(None, {}), (X.astype(str), {}), (X[:, :19], {}), (X[0], {}), (iter([]), {})],
        "batch_size": SIZE,
        "verbose": VERBOSE,
        "steps": LIMIT,
        "callbacks": CALLBACKS,
    },
    "train_on_batch": {
        "x": ROWS_X,
        "y": ROWS_Y,
        "sample_weight": WEIGHTS,
        "class_weight": CLASSES,
        "return_dict": [(1, {}), ("yes", {})],
    },
    "compile": {
        "optimizer": [("adm", {}), (3, {}), (gs.optimizers.Adam, {}), ({"adam": 1}, {}), (None, {})],
        "loss": [("mze", {}), (3, {}), (gs.losses.MeanSquaredError, {}), (["mse", 3], {})],
        "loss_weights": [("much", {}), ([1.0, 2.0], {}), ({"c": 1.0}, {}), (np.nan, {}), (1.0, {"loss": None})],
        "metrics": [
            ("accuracy", {}),
            (["acuracy"], {}),
            ([3], {}),
            ([gs.losses.Huber], {}),
            (["mae", "mae"], {}),
            (["accuracy"], {"loss": None}),
            (gs.metrics.AUC(), {}),
        ],
        "weighted_metrics": [("accuracy", {}), (["acuracy"], {}), ([None], {}), (["mae"], {"loss": None})],
        "run_eagerly": [(True, {}), (1, {}), ("no", {})],
        "steps_per_execution": [(0, {}), (1.5, {}), ("all", {})],
        "jit_compile": [("yes", {}), (1, {})],
        "auto_scale_loss": [(None, {}), (1, {})],
    },
}
CASES = [
    pytest.param(method, name, value, more, id=f"{method}-{name}-{i}")
    for method, arguments in WRONG.items()
    for name, values in arguments.items()
    for i, (value, more) in enumerate(values)
]


@pytest.mark.parametrize("method", WRONG)
def test_no_argument_is_left_out(method):
    parameters = inspect.signature(getattr(gs.Sequential, method)).parameters.values()
    named = [each.name for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD and each.name != "self"]
    assert list(WRONG[method]) == named


def test_there_are_as_many_as_were_promised():
    assert sum(len(values) for values in [*WRONG["fit"].values(), *WRONG["compile"].values()]) >= 60


def everything(model):
    """What a refused call leaves as it was."""
    kept = [snapshot(model), counters(model), model.metrics_names]
    objects = [model.optimizer, model.loss, model.history, model.stop_training]
    drawn = np.random.get_state()
    return kept, list(map(id, objects)), [drawn[1].tobytes(), drawn[2]], seeds._shared.__getstate__()


@pytest.mark.parametrize("trained", [False, True], ids=["new", "trained"])
@pytest.mark.parametrize(("method", "name", "value", "more"), CASES)
def test_refused_by_name_and_nothing_done(method, name, value, more, trained, tmp_path):
    model = classifier(hidden=(4,))
    if trained:
        model.fit(X, Y, verbose=0)
    writers = [
        callbacks.CSVLogger(tmp_path / "log.csv"),
        callbacks.ModelCheckpoint(tmp_path / "model"),
        callbacks.BackupAndRestore(tmp_path / "backup"),
    ]
    data = {"x": X, "y": Y} if method in ("fit", "evaluate", "train_on_batch") else {"x": X}
    given = {"loss": "mse"} if method == "compile" else data
    if method == "fit":
        given = {"verbose": 0, "callbacks": writers, **given}
    before = everything(model)
    with pytest.raises((TypeError, ValueError)) as error:
        getattr(model, method)(**{**given, name: value, **more})
    said = str(error.value)
    assert re.search(rf"\b{name}\b", said), said
    assert everything(model) == before
    assert list(tmp_path.iterdir()) == []
    model.fit(X, Y, verbose=0)
    assert model.optimizer.iterations == (4 if trained else 2)
