"""`fit_many`: its result, what it refuses, and what ends it."""

from __future__ import annotations

import re
import sys
import threading
from typing import Any

import gradstep as gs
import numpy as np
import pytest
from gradstep import layers
from interrupts import ctrl_c
from training import snapshot

X = np.random.default_rng(0).normal(size=(60, 4)).astype("float32")
Y = np.sin(X[:, 0])


def made(seed: int | None = 1, optimizer: Any = "adam", loss: Any = "mse") -> gs.Sequential:
    model = gs.Sequential([gs.Input((4,)), layers.Dense(8, "tanh"), layers.Dense(1)], seed=seed)
    model.compile(optimizer, loss)
    return model


@pytest.fixture(scope="module")
def rates() -> Any:
    """Members of which the last one diverges."""
    given = [1e-4, 0.01, 0.03, 1e30]
    return gs.fit_many(made(optimizer="sgd"), 4, X, Y, learning_rate=given, seeds=[3, 1, 2, 0], epochs=5)


def test_the_result(rates: Any, tmp_path: Any) -> None:
    assert len(rates) == len(rates.models) == 4
    assert rates.epochs.tolist() == [5] * 4
    assert set(rates.history) == {"loss"}
    assert rates.history["loss"].shape == (5, 4)
    assert not np.isfinite(rates.scores[3])
    assert rates.best == int(np.argmin(rates.history["loss"][-1][:3]))
    assert [w.tobytes() for w in rates.weights[1]] == [w.tobytes() for w in rates.models[1].get_weights()]
    lines: list[str] = []
    rates.summary(lines.append)
    assert re.match(r"4 models of 49 weights: loss, from [\d.]+ to [\d.]+, median [\d.]+$", lines[0])
    assert lines[1].split() == ["member", "seed", "learning", "rate", "epochs", "loss"]
    assert lines[2].split()[0] == str(rates.best)
    assert lines[-1].split()[:4] == ["3", "0", "1e+30", "5"]
    assert f"of member {rates.best}" in repr(rates)
    assert "<table>" in rates._repr_html_()


def test_predictions() -> None:
    result = gs.fit_many(made(), 3, X, Y, epochs=2)
    each = result.predict(X, reduce=None)
    assert (each.shape, each.dtype) == ((3, 60, 1), np.float32)
    assert all((each[i] == result.models[i].predict(X, verbose=0)).all() for i in range(3))
    mean = result.predict(X)
    assert mean.dtype == np.float32
    assert (mean == each.astype(np.float64).mean(axis=0).astype(np.float32)).all()
    with pytest.raises(ValueError, match="reduce must be 'mean' or None; got 'max'"):
        result.predict(X, reduce="max")


def test_the_picture(rates: Any, tmp_path: Any) -> None:
    pytest.importorskip("matplotlib")
    figure = rates.plot(tmp_path / "rates.png")
    assert (tmp_path / "rates.png").stat().st_size > 0
    left, right = figure.axes
    assert right.get_xlabel() == "learning rate"
    assert right.get_xscale() == "log"
    assert f"best, member {rates.best}" in [line.get_label() for line in left.get_lines()]
    assert figure.get_suptitle().startswith("1 of 4 members")
    assert len(gs.fit_many(made(), 2, X, Y, epochs=2).plot().axes) == 1


def test_many_members_have_a_short_table() -> None:
    result = gs.fit_many(made(), 24, X, Y)
    lines: list[str] = []
    result.summary(lines.append)
    assert (len(lines), lines[-1]) == (23, "and 4 more")


def test_lines_of_epochs(capsys: Any) -> None:
    stop = gs.callbacks.EarlyStopping("loss", min_delta=10.0)
    gs.fit_many(made(), 3, X, Y, epochs=2, verbose=1)
    gs.fit_many(made(), 3, X, Y, epochs=5, verbose=2, early_stopping=stop)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert re.match(r"Epoch 1/2: loss [\d.]+ to [\d.]+, mean [\d.]+; 3 of 3 members go on$", lines[0])
    assert lines[3].startswith("Epoch 2/5: ")
    assert lines[3].endswith("; 0 of 3 members go on")


def test_no_epoch() -> None:
    model = made()
    result = gs.fit_many(model, 2, X, Y, learning_rate=[0.1, 0.2], epochs=0)
    assert result.history == {}
    assert [w.tobytes() for w in result.weights[1]] == [w.tobytes() for w in model.weights]
    with pytest.raises(ValueError, match="no member has a finite loss"):
        _ = result.best


# What, and what is said.
WRONG: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"K": 0}, ValueError, "K must be at least 1; got 0"),
    ({"model": "model"}, TypeError, "model must be a Model or Sequential; got a str"),
    ({"model": gs.Sequential([gs.Input((4,)), layers.Dense(1)])}, ValueError, "the model must be compiled"),
    ({"model": made(optimizer="lbfgs")}, TypeError, 'must have an optimizer that steps batch by batch; "l-bfgs"'),
    ({"x": iter([])}, TypeError, "x must be arrays, which all members read"),
    ({"x": X[:, :3]}, ValueError, "x has shape (60, 3); the model takes (rows, 4)"),
    ({"y": Y[:5]}, ValueError, "x and y must have the same number of rows; got 60 and 5"),
    ({"learning_rate": 0.1}, TypeError, "learning_rate must be a list of K = 3 entries, one for each member"),
    ({"learning_rate": [0.1, 0.2]}, ValueError, "learning_rate must have K = 3 entries, one for each member; got 2"),
    ({"learning_rate": [0.1, 0.2, -1]}, ValueError, "learning_rate[2] must be a number in [0, inf); got -1"),
    ({"learning_rate": [0.1, 0.2, "x"]}, TypeError, "learning_rate[2]"),
    ({"seeds": [0, 1]}, ValueError, "seeds must have K = 3 entries, one for each member; got 2"),
    ({"seeds": [0, 1, 1.5]}, TypeError, "seeds[2]: seed must be a whole number (int); got 1.5"),
    ({"seeds": [0, 1, -1]}, ValueError, "seeds[2]: seed must be at least 0; got -1"),
    ({"seeds": [0, 1, None]}, TypeError, "seeds[2] must be a whole number (int); got None"),
    ({"folds": [([0], [1])]}, ValueError, "folds must have K = 3 entries, one for each member; got 1"),
    ({"folds": [([0], [1])] * 2 + [([0], [60])]}, ValueError, "folds[2]: test must be row numbers from 0 to 59"),
    ({"folds": [([0], [1])] * 2 + [([], [1])]}, ValueError, "folds[2]: train must be row numbers, one or more"),
    ({"folds": [([0], [1])] * 3, "validation_data": (X, Y)}, ValueError, "validation_data must be None where folds"),
    ({"initial_weights": [[], [], []]}, ValueError, "member 0: "),
    ({"validation_data": X}, TypeError, "validation_data must be (x, y) or (x, y, sample_weight)"),
    ({"validation_data": (X, Y[:3])}, ValueError, "validation_data[0] and validation_data[1] must have the same"),
    ({"early_stopping": 3}, TypeError, "early_stopping must be an EarlyStopping of gradstep.callbacks; got an int"),
    (
        {"early_stopping": gs.callbacks.EarlyStopping()},
        ValueError,
        "early_stopping monitors 'val_loss'; the logs have loss. Give validation_data or folds",
    ),
    ({"sample_weight": np.ones(3)}, ValueError, "sample_weight must have a number for each of 60 rows"),
    ({"batch_size": 0}, ValueError, "batch_size must be"),
    ({"epochs": -1}, ValueError, "epochs must be at least 0; got -1"),
    ({"threads": 0}, ValueError, "threads must be at least 1; got 0"),
    ({"shuffle": "yes"}, TypeError, "shuffle must be"),
    ({"verbose": 7}, ValueError, "verbose must be"),
]


@pytest.mark.parametrize(("given", "error", "message"), WRONG)
def test_what_cannot_be_is_refused(given: dict[str, Any], error: type[Exception], message: str) -> None:
    model = made()
    before = snapshot(model)
    with pytest.raises(error, match=re.escape(message)):
        gs.fit_many(**{"model": model, "K": 3, "x": X, "y": Y} | given)
    assert snapshot(model) == before


def test_sparse_data() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(TypeError, match=r"x must be dense: all members read it where it lies; give x.toarray\(\)"):
        gs.fit_many(made(), 2, sparse.csr_matrix(X), Y)


# -- in the middle -----------------------------------------------------------------------------------------------------


def test_a_member_that_fails_is_named() -> None:
    model = made(optimizer=gs.optimizers.SGD(0.1, on_nonfinite="raise"))
    with pytest.raises(FloatingPointError, match=r"^member 1: gradient"):
        gs.fit_many(model, 3, X, Y, learning_rate=[0.01, 1e30, 0.02], seeds=[1, 2, 3], epochs=50, threads=2)
    gs.fit_many(model, 3, X, Y, epochs=2)
    for batch_size in (32, "full"):  # also in the last step of an epoch
        with pytest.raises(FloatingPointError, match=r"^member 0: gradient"):
            gs.fit_many(model, 1, X, Y, learning_rate=[1e30], batch_size=batch_size, epochs=3)


def test_a_loss_in_python_that_fails() -> None:
    calls = []

    def loss(y_true: np.ndarray, y_pred: np.ndarray) -> Any:
        calls.append(len(y_true))
        if len(calls) == 5:
            raise ArithmeticError("enough")
        return ((y_pred - y_true) ** 2).mean(axis=-1), 2 * (y_pred - y_true)

    model = made(loss=loss)
    before = snapshot(model)
    with pytest.raises(ArithmeticError, match="member 1: enough"):
        gs.fit_many(model, 2, X, Y, learning_rate=[0.1, 0.2], batch_size=20)
    assert snapshot(model) == before


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("stops", [False, True])
def test_ctrl_c(threads: int, stops: bool) -> None:
    """Members that would train for hours end after a step; the model is as it was, and trains."""
    model = made()
    before = snapshot(model)
    rows = np.tile(X, (5000, 1))
    stop = gs.callbacks.EarlyStopping("loss", patience=10**6) if stops else None
    with ctrl_c():
        gs.fit_many(model, 5, rows, rows[:, 0], epochs=10**4, threads=threads, early_stopping=stop)
    assert snapshot(model) == before
    assert np.isfinite(gs.fit_many(model, 5, X, Y, epochs=2).history["loss"]).all()
    model.fit(X, Y, verbose=0)


def test_from_several_threads_at_once() -> None:
    """A second team of threads works alone, to the same bits."""
    model, found = made(), {}

    def work(number: int) -> None:
        found[number] = gs.fit_many(model, 6, X, Y, seeds=range(6), epochs=20, threads=3)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in found.values():
        assert [snapshot(one) for one in result.models] == [snapshot(one) for one in found[0].models]
