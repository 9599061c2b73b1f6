"""Linear models at several rates: rows are read once for all, and members have the bits of single fits."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from typing import Any

import gradstep as gs
import numpy as np
import pytest
from gradstep import _core, layers
from training import snapshot

RNG = np.random.default_rng(15)
ROWS, FEATURES = 75, 21  # whole numbers neither of batches nor of vectors
X = RNG.normal(size=(ROWS, FEATURES))
LABELS = RNG.integers(0, 3, ROWS)
VALUES = X @ RNG.normal(size=FEATURES) / 4 + RNG.normal(size=ROWS) / 9
SIDES = (VALUES > 0).astype("float64")
# Last layer, loss, targets.
LOSSES: dict[str, tuple[Any, Any, np.ndarray]] = {
    "mse": (lambda: layers.Dense(1), "mse", VALUES),
    "mae": (lambda: layers.Dense(1), "mae", VALUES),
    "huber": (lambda: layers.Dense(1, use_bias=False), "huber", VALUES),
    "hinge": (lambda: layers.Dense(1), "hinge", 2 * SIDES - 1),
    "log_cosh": (lambda: layers.Dense(1, "tanh"), "log_cosh", VALUES),
    "binary_crossentropy": (lambda: layers.Dense(1, "sigmoid"), "binary_crossentropy", SIDES),
    "crossentropy": (lambda: layers.Dense(3, "softmax"), "sparse_categorical_crossentropy", LABELS),
}


@pytest.fixture
def together(monkeypatch: Any) -> Any:
    """How many passes were made together with others', so far."""
    made: list[Any] = []
    plain = _core.Passes

    def recorded(*args: Any) -> Any:
        made.append(plain(*args))
        return made[-1]

    monkeypatch.setattr(_core, "Passes", recorded)
    return lambda: sum(one.together for one in made)


@contextlib.contextmanager
def floatx(dtype: str) -> Iterator[None]:
    """The type of numbers within a block."""
    before = gs.config.floatx()
    gs.config.set_floatx(dtype)
    try:
        yield
    finally:
        gs.config.set_floatx(before)


def linear(kind: str, dtype: str = "float32", optimizer: Any = "sgd", **of_dense: Any) -> Any:
    layer, loss, y = LOSSES[kind]
    last = layer()
    for name, value in of_dense.items():
        setattr(last, name, value)
    model = gs.Sequential([gs.Input((FEATURES,), dtype=dtype), last], seed=4)
    model.compile(optimizer, loss, metrics=["mae"] if kind == "mse" else None)
    return model, X.astype(dtype), y if kind == "crossentropy" else y.astype(dtype)


def singles(model: Any, x: Any, y: Any, rates: Any, **fit: Any) -> list[Any]:
    found = []
    for rate in rates:
        one = copy.deepcopy(model)
        one.optimizer.learning_rate = rate
        one.fit(x, y, verbose=0, **fit)
        found.append(one)
    return found


def assert_same(members: Any, each: list[Any]) -> None:
    for member, single in zip(members, each, strict=True):
        assert snapshot(member) == snapshot(single)
        assert member.history.history == single.history.history


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("count", [1, 3, 8, 32])
@pytest.mark.parametrize("kind", LOSSES)
def test_members_are_single_fits(kind: str, count: int, dtype: str, together: Any) -> None:
    with floatx(dtype):
        model, x, y = linear(kind, dtype)
        rates = np.geomspace(1e-3, 0.3, count).tolist()
        fit: dict[str, Any] = {"batch_size": 16, "epochs": 3}
        result = gs.fit_many(model, count, x, y, learning_rate=rates, threads=1, **fit)
        assert result.weights[0][0].dtype == dtype
        assert together() == (3 * count if count > 1 else 0)
        assert_same(result.models, singles(model, x, y, rates, **fit))


@pytest.mark.parametrize("optimizer", ["adam", "adagrad", "momentum", "clipped", "decayed"])
def test_optimizers_and_threads(optimizer: str, together: Any) -> None:
    made = {
        "momentum": gs.optimizers.SGD(momentum=0.9, nesterov=True),
        "clipped": gs.optimizers.SGD(clipvalue=0.1),
        "decayed": gs.optimizers.AdamW(weight_decay=0.1),
    }
    model, x, y = linear("mse", optimizer=made.get(optimizer, optimizer))
    rates = [1e-3, 0.1, 0.02, 0.5, 1.0]
    for threads in (1, 2, 3):
        result = gs.fit_many(model, 5, x, y, learning_rate=rates, batch_size=10, epochs=2, threads=threads)
        assert_same(result.models, singles(model, x, y, rates, batch_size=10, epochs=2))
    assert together() > 0


@pytest.mark.parametrize(("features", "batch"), [(1, 4), (3, 1), (16, 2), (37, 3), (40, 17), (600, 300), (19, 290)])
@pytest.mark.parametrize("units", [1, 2, 3, 8])
def test_sizes(features: int, batch: int, units: int, together: Any) -> None:
    """Of vectors, of blocks of rows, and of products that are made in blocks of the depth."""
    x, y = RNG.normal(size=(310, features)).astype("float32"), RNG.normal(size=(310, units)).astype("float32")
    model = gs.Sequential([gs.Input((features,)), layers.Dense(units)], seed=1)
    model.compile(gs.optimizers.SGD(momentum=0.5), "mse", metrics=["mae"])
    rates = np.geomspace(1e-4, 1e-2, 5).tolist()
    result = gs.fit_many(model, 5, x, y, learning_rate=rates, batch_size=batch, epochs=2, threads=1)
    assert together() == 10
    assert_same(result.models, singles(model, x, y, rates, batch_size=batch, epochs=2))


@pytest.mark.parametrize("kind", ["binary_crossentropy", "crossentropy"])
def test_weights_of_rows_and_metrics(kind: str, together: Any) -> None:
    model, x, y = linear(kind)
    model.compile("sgd", LOSSES[kind][1], metrics=["accuracy"])
    weights, rates = RNG.uniform(0.1, 2, ROWS), [0.01, 0.1, 0.5]
    fit: dict[str, Any] = {"batch_size": 16, "epochs": 2, "sample_weight": weights}
    result = gs.fit_many(model, 3, x, y, learning_rate=rates, threads=1, **fit)
    assert_same(result.models, singles(model, x, y, rates, **fit))
    assert together() > 0


def test_invalid_labels_are_refused_before_a_step(together: Any) -> None:
    model, x, y = linear("crossentropy")
    y = y.copy()
    y[40] = 3
    with pytest.raises(ValueError, match="3"):
        gs.fit_many(model, 3, x, y, learning_rate=[0.01, 0.1, 0.5], threads=1)


def test_penalties_validation_and_early_stopping(together: Any) -> None:
    model, x, y = linear("mse")
    rates = [1e-3, 0.05, 0.2]
    stop = gs.callbacks.EarlyStopping("val_loss", patience=1, restore_best_weights=True)
    held = X[:20].astype("float32"), VALUES[:20].astype("float32")
    given = {"batch_size": 16, "epochs": 30, "validation_data": held}
    result = gs.fit_many(model, 3, x, y, learning_rate=rates, early_stopping=stop, threads=1, **given)
    assert len(set(result.epochs.tolist())) > 1
    assert together() > 0
    for member, rate in zip(result.models, rates, strict=True):
        single = copy.deepcopy(model)
        single.optimizer.learning_rate = rate
        own = copy.deepcopy(stop)
        single.fit(x, y, verbose=0, callbacks=[own], **given)
        assert snapshot(member) == snapshot(single)


def test_penalties_go_alone(together: Any) -> None:
    model, x, y = linear("mse", kernel_regularizer=gs.regularizers.L1L2(0.01, 0.02))
    rates = [1e-3, 0.05, 0.2]
    result = gs.fit_many(model, 3, x, y, learning_rate=rates, batch_size=16, epochs=3, threads=1)
    assert together() == 0
    assert_same(result.models, singles(model, x, y, rates, batch_size=16, epochs=3))


def test_a_rate_that_diverges_disturbs_no_other(together: Any) -> None:
    model, x, y = linear("mse")
    rates = [0.01, 1e30, 0.05, 1e4]
    result = gs.fit_many(model, 4, x, y, learning_rate=rates, batch_size=8, epochs=4, threads=1)
    assert together() == 16
    assert not np.isfinite(result.scores[1])
    good = singles(model, x, y, [0.01, 0.05], batch_size=8, epochs=4)
    assert_same(result.models[::2], good)


def test_what_refuses_a_step_ends_the_others_after_whole_steps() -> None:
    model, x, y = linear("mse", optimizer=gs.optimizers.SGD(on_nonfinite="raise"))
    with pytest.raises((ArithmeticError, ValueError, RuntimeError), match="member 1: "):
        gs.fit_many(model, 3, x, y, learning_rate=[0.01, 1e30, 0.02], epochs=9, threads=1)


def test_other_orders_and_wide_layers_go_alone(together: Any) -> None:
    model, x, y = linear("mse")
    gs.fit_many(model, 3, x, y, seeds=[0, 1, 2], threads=1)
    wide = gs.Sequential([gs.Input((FEATURES,)), layers.Dense(64), layers.Dense(1)], seed=0)
    wide.compile("sgd", "mse")
    gs.fit_many(wide, 3, x, y, learning_rate=[0.1, 0.2, 0.3], threads=1)
    assert together() == 0
    result = gs.fit_many(model, 3, x, y, seeds=[0, 1, 2], shuffle=False, threads=1)
    assert together() == 3
    assert len({w[0].tobytes() for w in result.weights}) == 3


def test_rows_of_whole_numbers_and_narrow_networks(together: Any) -> None:
    images = RNG.integers(0, 255, (50, 12)).astype("uint8")
    model = gs.Sequential(
        [gs.Input((12,)), layers.Rescaling(1 / 255), layers.Dense(2, "relu"), layers.Dense(1)], seed=0
    )
    model.compile("adam", "mse")
    plain = gs.Sequential([gs.Input((12,)), layers.Dense(1)], seed=0)
    plain.compile("adam", "mse")
    y = RNG.normal(size=50).astype("float32")
    for one in (model, plain):
        result = gs.fit_many(one, 3, images, y, learning_rate=[1e-3, 0.01, 0.1], epochs=2, batch_size=16)
        assert_same(result.models, singles(one, images, y, [1e-3, 0.01, 0.1], epochs=2, batch_size=16))
    assert together() > 0


def test_folds_share_rows(together: Any) -> None:
    model, x, y = linear("binary_crossentropy")
    first, second = (np.arange(25, 75), np.arange(25)), (np.arange(50), np.arange(50, 75))
    folds = [first, second, (first[0].copy(), first[1])]
    rates = [0.01, 0.1, 0.05]
    result = gs.fit_many(model, 3, x, y, learning_rate=rates, folds=folds, epochs=2, batch_size=16, threads=1)
    for member, rate, (train, test) in zip(result.models, rates, folds, strict=True):
        single = copy.deepcopy(model)
        single.optimizer.learning_rate = rate
        held = x[test], y[test]
        single.fit(x[train], y[train], batch_size=16, epochs=2, verbose=0, validation_data=held)
        assert snapshot(member) == snapshot(single)
    assert together() == 4  # two epochs of two members
