"""Every class can be pickled and copied: a copy is equal, goes on as the original does, and changes nothing of it."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable
from functools import partial
from typing import Any

import gradstep as gs
import numpy as np
import pytest
from class_cases import CLASSES, LIBRARIES, OF_ONE_RUN, L, half, made
from copying import WAYS
from recurrent_cases import CELLS_ALONE, RECURRENT
from training import classifier, clusters


def words(thing: Any) -> str | None:
    """Its arguments; None of what holds a function."""
    try:
        return json.dumps(thing.get_config(), default=repr)
    except (AttributeError, NotImplementedError, TypeError):
        return None


def cases(classes: list[Any], name: Callable[[Any], str]) -> list[Any]:
    """Those that need a library of the extra `peers` are marked so."""
    return [pytest.param(cls, id=name(cls), marks=[pytest.mark.peers] * (cls.__name__ in LIBRARIES)) for cls in classes]


def need(cls: Any) -> None:
    if cls.__name__ in LIBRARIES:
        pytest.importorskip(LIBRARIES[cls.__name__])


@pytest.mark.parametrize("cls", cases(CLASSES, lambda cls: f"{cls.__module__.split('.')[1]}.{cls.__name__}"))
def test_a_copy_is_equal(cls):
    need(cls)
    thing = made(cls)
    for way in WAYS.values():
        again = way(thing)
        assert type(again) is cls
        assert again is not thing
        assert words(again) == words(thing)
        assert set(vars(again)) == set(vars(thing))


SHAPED = [cls for cls in CLASSES if cls.__module__.startswith("gradstep.layers") and cls is not L.InputLayer]
OF_IMAGES = (
    *(L.RandomFlip, L.RandomTranslation, L.RandomRotation, L.RandomZoom),
    *(L.RandomCrop, L.CenterCrop, L.Resizing),
)
OF_SEQUENCES = (L.AdditiveAttention, L.Attention, L.MultiHeadAttention, L.TimeDistributed)
MERGING = (L.Add, L.Average, L.Concatenate, L.Dot, L.Maximum, L.Minimum, L.Multiply, L.Subtract)
SINGLE = [cls for cls in SHAPED if cls not in MERGING and cls.__name__ not in CELLS_ALONE]


def called(layer: Any, x: np.ndarray, times: int) -> list[bytes]:
    """What comes out, forward and backward, of calls in training; random numbers are part of it."""
    found = []
    for _ in range(times):
        if isinstance(layer, L.MultiHeadAttention):
            y = layer(x, x, training=True)
        elif isinstance(layer, (L.AdditiveAttention, L.Attention)):
            y = layer([x, x], training=True)
        else:
            y = layer(x, training=True)
        dx, dws = layer.backward(np.ones_like(y))
        found += [array.tobytes() for array in (y, *(dx if isinstance(dx, list) else [dx]), *dws, *layer.weights)]
    return found


def rows_for(cls: Any) -> np.ndarray:
    """What a layer of this class can be called with."""
    numbered = re.search(r"(\d)D(Transpose)?$", cls.__name__)
    steps = cls.__name__.startswith("ConvLSTM")
    axes = (
        int(numbered[1]) + steps
        if numbered
        else 2
        if cls in OF_IMAGES
        else cls.__name__ in RECURRENT or cls in OF_SEQUENCES
    )
    x = np.random.default_rng(0).normal(size=(5, *[4] * axes, 4)).astype(np.float32)
    if cls in (L.CategoryEncoding, L.Embedding):
        x = np.abs(3 * x).astype("int32") % 4
    return x


@pytest.mark.parametrize("cls", SINGLE, ids=lambda cls: cls.__name__)
def test_a_layer_goes_on(cls):
    x = rows_for(cls)
    layer = made(cls)
    called(layer, x, 2)
    copies = [way(layer) for way in WAYS.values()]
    expected = called(layer, x, 2)
    for again in copies:
        assert called(again, x, 2) == expected
        before = layer.get_weights()
        for weight in again.weights:
            weight += 1
        assert all(map(np.array_equal, layer.get_weights(), before))
        assert not any(np.may_share_memory(one, other) for one in layer.weights for other in again.weights)


@pytest.mark.parametrize("cls", SINGLE, ids=lambda cls: cls.__name__)
def test_weights_of_a_layer_know_their_names(cls):
    layer = made(cls)
    called(layer, rows_for(cls), 1)
    assert [weight.name for weight in layer.weights] == [name.rpartition("/")[2] for name in layer.weight_names]
    assert [weight.path for weight in layer.weights] == [f"{layer.name}/{name}" for name in layer.weight_names]
    assert len({weight.path for weight in layer.weights}) == len(layer.weights)


def test_a_layer_of_a_model_is_free_when_copied():
    model = classifier()
    for way in WAYS.values():
        again = way(model.layers[0])
        gs.Sequential([gs.Input((20,)), again])
        assert not np.may_share_memory(again.kernel, model.layers[0].kernel)
    shared = gs.Sequential([model.layers[0]])  # which itself it is not
    assert shared.layers[0].kernel is model.layers[0].kernel


METRICS = [cls for cls in CLASSES if issubclass(cls, gs.metrics.Metric)]


@pytest.mark.parametrize("cls", METRICS, ids=lambda cls: cls.__name__)
def test_a_metric_goes_on(cls):
    random = np.random.default_rng(0)
    metric = made(cls)
    flat = any(word in cls.__name__ for word in ("IoU", "Sparse"))
    kind = (2, 6) if not flat or "OneHot" in cls.__name__ else (2, 1)
    batches = [
        np.eye(3)[random.integers(0, 3, (2, 6))] if kind == (2, 6) else random.integers(0, 3, (2, 6)) for _ in "ab"
    ]

    def update(which: Any, batch: np.ndarray) -> None:
        if cls in (gs.metrics.Mean, gs.metrics.Sum):
            which.update_state(batch[0])
            return
        y = batch[1]
        if "Sparse" in cls.__name__:
            y = np.eye(3)[y] * 0.8 + 0.05
        which.update_state(batch[0], y)

    update(metric, batches[0])
    copies, before = [way(metric) for way in WAYS.values()], np.asarray(metric.result()).tolist()
    for again in copies:
        assert np.array_equal(again.result(), before, equal_nan=True)
        update(again, batches[1])
        assert np.array_equal(metric.result(), before, equal_nan=True)  # nothing is shared
    update(metric, batches[1])
    for again in copies:
        assert np.array_equal(again.result(), metric.result(), equal_nan=True)


CALLBACKS: dict[str, Callable[[Any], Any]] = {
    "BackupAndRestore": lambda folder: gs.callbacks.BackupAndRestore(folder / "backup"),
    "CSVLogger": lambda folder: gs.callbacks.CSVLogger(folder / "log"),
    "LearningRateScheduler": lambda folder: gs.callbacks.LearningRateScheduler(half),
    "LambdaCallback": lambda folder: gs.callbacks.LambdaCallback(on_epoch_end=print_nothing),
    "ModelCheckpoint": lambda folder: gs.callbacks.ModelCheckpoint(folder / "best"),
    "TensorBoard": lambda folder: gs.callbacks.TensorBoard(folder / "logs"),
    "SwapEMAWeights": lambda folder: gs.callbacks.SwapEMAWeights(),
}


def print_nothing(epoch: int, logs: Any) -> None:
    pass


WATCHERS = [cls for cls in CLASSES if issubclass(cls, gs.callbacks.Callback) and cls.__name__ not in OF_ONE_RUN]


@pytest.mark.parametrize("cls", cases(WATCHERS, lambda cls: cls.__name__))
def test_a_callback_goes_on_after_a_fit(cls, tmp_path):
    """With the model that it watched, and what it found."""
    need(cls)
    x, y = clusters(40)
    model = classifier(optimizer=gs.optimizers.Adam(use_ema=True))
    callback = CALLBACKS.get(cls.__name__, lambda folder: cls())(tmp_path)
    options = {"verbose": 0, "batch_size": 10, "validation_split": 0.5, "callbacks": [callback]}
    model.fit(x, y, epochs=2, **options)
    for name, way in WAYS.items():
        again = way(callback)
        assert again.state_dict() == callback.state_dict()
        assert again.params == callback.params
        if name == "copy":
            assert again.model is callback.model
            continue
        assert again.model is not model
        assert all(map(np.array_equal, again.model.weights, model.weights))
        again.model.fit(x, y, epochs=1, **options | {"callbacks": [again]})


@pytest.mark.parametrize("cls", [c for c in CLASSES if issubclass(c, gs.losses.Loss)], ids=lambda cls: cls.__name__)
def test_a_loss_is_the_same_function(cls):
    loss = made(cls)
    y = np.random.default_rng(0).dirichlet(np.ones(3), 5)
    t = np.arange(5) % 3 if loss.labels else np.eye(3)[np.arange(5) % 3]
    if cls is gs.losses.CTC:
        y, t = y[None], np.array([[1, 2, 1]])
    assert [way(loss)(t, y) for way in WAYS.values()] == [loss(t, y)] * len(WAYS)


@pytest.mark.parametrize(
    "cls",
    [cls for cls in CLASSES if issubclass(cls, gs.initializers.Initializer)],
    ids=lambda cls: cls.__name__,
)
def test_an_initializer_draws_the_same(cls):
    seeded = partial(cls, seed=3) if "seed" in inspect.signature(cls).parameters else partial(made, cls)
    initializer = seeded()
    for way in WAYS.values():
        assert np.array_equal(way(initializer)((4, 4)), initializer((4, 4)))
