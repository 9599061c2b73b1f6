"""`Model.lr_find`: what it says, and that nothing of the model or the program is another afterwards."""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path
from typing import Any

import gradstep as gs
import numpy as np
import pytest
from gradstep import layers

X = np.random.default_rng(0).normal(size=(160, 3)).astype("float32")
Y = (X @ [[1.0], [-2.0], [3.0]]).astype("float32")


def new(optimizer: Any = "adam", trained: bool = True) -> gs.Sequential:
    """With all that training moves: weights, state, statistics of a normalization, numbers of dropout."""
    gs.utils.set_random_seed(3)
    model = gs.Sequential(
        [gs.Input((3,)), layers.Dense(8), layers.BatchNormalization(), layers.Dropout(0.2), layers.Dense(1)]
    )
    model.compile(optimizer, "mse", metrics=["mae"])
    if trained:
        model.fit(X, Y, batch_size=32, epochs=2, verbose=0)
    return model


def saved(model: gs.Model, path: Path) -> bytes:
    gs.saving.Checkpoint(model).save(path / "run")
    return (path / "run").read_bytes()


class Batches(gs.utils.PyDataset):
    """Batches of which one does something else."""

    def __init__(self, number: int, instead: Any) -> None:
        super().__init__()
        self.number, self.instead, self.asked = number, instead, 0

    def __len__(self) -> int:
        return 5

    def __getitem__(self, index: int) -> Any:
        self.asked += 1
        if self.asked == self.number:
            self.instead()
        return X[index * 32 :][:32], Y[index * 32 :][:32]


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def fail() -> None:
    raise OSError("the disk is gone")


SWEEPS: dict[str, tuple[Any, type[BaseException] | None]] = {
    "arrays": (lambda model: model.lr_find(X, Y), None),
    "batches": (lambda model: model.lr_find(Batches(0, fail)), None),
    "diverging": (lambda model: model.lr_find(X, Y, start=1.0, stop=1e6), None),
    "an error": (lambda model: model.lr_find(Batches(12, fail)), OSError),
    "Ctrl-C": (lambda model: model.lr_find(Batches(12, interrupt)), KeyboardInterrupt),
    "wrong data": (lambda model: model.lr_find(X, Y[:9]), ValueError),
}


@pytest.mark.parametrize("name", SWEEPS)
@pytest.mark.parametrize("trained", [True, False])
def test_all_is_the_same_bytes_afterwards(name: str, trained: bool, tmp_path: Path) -> None:
    sweep, error = SWEEPS[name]
    model = new(trained=trained)
    random.seed(1)
    np.random.seed(1)
    before, history, views = saved(model, tmp_path), model.history, model.weights
    if error is None:
        assert len(sweep(model).losses) >= 5
    else:
        handler = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            with pytest.raises(error):
                sweep(model)
        finally:
            signal.signal(signal.SIGINT, handler)
    assert saved(model, tmp_path) == before
    assert model.history is history
    assert all(a is b for a, b in zip(model.weights, views, strict=True))
    assert (random.random(), np.random.random()) == (0.13436424411240122, 0.417022004702574)

    # What is drawn, named and trained next is that of a program without the sweep.
    drawn = gs.initializers.GlorotUniform()((2, 2)), layers.Dense(2).name.rpartition("_")[0]
    model.fit(X, Y, batch_size=32, epochs=2, verbose=0)
    again = new(trained=trained)
    assert (gs.initializers.GlorotUniform()((2, 2)) == drawn[0]).all()
    again.fit(X, Y, batch_size=32, epochs=2, verbose=0)
    assert [w.tobytes() for w in again.weights] == [w.tobytes() for w in model.weights]


def test_a_model_without_weights_stays_without() -> None:
    gs.utils.set_random_seed(0)
    model = gs.Sequential([layers.Dense(1)])
    model.compile("sgd", "mse")
    found = model.lr_find(X, Y)
    assert not model.built
    assert found.suggestion is not None
    model.fit(X, Y, epochs=1, verbose=0)
    gs.utils.set_random_seed(0)
    other = gs.Sequential([layers.Dense(1)])
    other.compile("sgd", "mse")
    other.fit(X, Y, epochs=1, verbose=0)
    assert (other.weights[0] == model.weights[0]).all()


def test_the_same_call_finds_the_same() -> None:
    model = new()
    first, second = model.lr_find(X, Y), model.lr_find(X, Y)
    assert first.losses.tobytes() == second.losses.tobytes()
    assert first.suggestion == second.suggestion
    assert first.rates[0] == pytest.approx(1e-7)
    assert "suggestion" in repr(first)


@pytest.mark.parametrize(
    "optimizer",
    [
        lambda: gs.optimizers.SGD(0.01, momentum=0.9),
        lambda: gs.optimizers.Lookahead("adam"),
        lambda: gs.optimizers.SAM("sgd"),
        lambda: gs.optimizers.MultiOptimizer({"*bias": gs.optimizers.SGD(0.1), "*": gs.optimizers.Adam(0.01)}),
    ],
)
def test_apply_sets_the_rate(optimizer: Any) -> None:
    model = new(optimizer(), trained=False)
    found = model.lr_find(X, Y, apply=True)
    assert found.suggestion is not None
    assert float(model.optimizer.learning_rate) == pytest.approx(found.suggestion)


def test_sparse_tables_weights_and_several_inputs() -> None:
    a, b = gs.Input((2,), name="a"), gs.Input((1,), name="b")
    model = gs.Model({"a": a, "b": b}, layers.Dense(1)(layers.Concatenate()([a, b])))
    model.compile("sgd", "mse")
    parts = {"a": X[:, :2], "b": X[:, 2:]}
    plain = model.lr_find(parts, Y, steps=40)
    weighted = model.lr_find(parts, Y, steps=40, sample_weight=np.linspace(0, 2, len(X)))
    assert plain.suggestion is not None
    assert (plain.losses[:20] != weighted.losses[:20]).all()
    assert len(model.lr_find(((parts, Y) for _ in range(9)), steps=9).losses) == 9


def test_no_descent_has_a_reason_and_no_number() -> None:
    model = new("sgd")
    with pytest.warns(UserWarning, match="lr_find set no learning rate: the loss does not fall"):
        found = model.lr_find(X, Y, start=1e-12, stop=1e-10, apply=True)
    assert (found.suggestion, found.steep, found.valley, found.minimum) == (None,) * 4
    assert float(model.optimizer.learning_rate) == pytest.approx(0.01)
    assert "no suggestion" in repr(found)
    found = model.lr_find(X, np.full_like(Y, np.nan))
    assert found.suggestion is None
    assert "the loss of the first batch is nan" in found.reason
    high = model.lr_find(X, Y, start=1e4, stop=1e9)
    assert high.suggestion is None
    assert "lower start" in high.reason
    with pytest.warns(UserWarning, match="data ran out"):
        short = model.lr_find(iter([(X, Y)] * 7))
    assert "where the data ended" in short.reason


DATA = ["iris", "wine", "breast_cancer", "digits", "diabetes"]


@pytest.mark.parametrize("optimizer", ["SGD", "Adam"])
def test_training_gets_where_the_best_rate_of_a_grid_gets(optimizer: str) -> None:
    """Within 10 % of the loss on held-out rows that the best of 0.1, 0.01, 0.001 and 0.0001 reaches, on 4 of 5 sets."""
    datasets = pytest.importorskip("sklearn.datasets")

    def built(x: np.ndarray, classes: int, rate: float = 0.01) -> gs.Sequential:
        gs.utils.set_random_seed(0)
        last = layers.Dense(classes, "softmax") if classes else layers.Dense(1)
        model = gs.Sequential([gs.Input(x.shape[1:]), layers.Dense(16, "relu"), last])
        loss = "sparse_categorical_crossentropy" if classes else "mse"
        model.compile(getattr(gs.optimizers, optimizer)(rate), loss)
        return model

    close = []
    for name in DATA:
        x, y = getattr(datasets, f"load_{name}")(return_X_y=True)
        x = (x - x.mean(axis=0)) / np.maximum(x.std(axis=0), 1e-9)
        classes = 0 if name == "diabetes" else len(np.unique(y))
        y = y if classes else (y - y.mean()) / y.std()
        train, test = gs.utils.split(x, y, (0.7, 0.3), seed=0)

        def reached(rate: float, train: Any = train, test: Any = test, classes: int = classes) -> float:
            model, epochs = built(train[0], classes, rate), 10 if len(train[0]) > 1000 else 40
            return min(model.fit(*train, epochs=epochs, verbose=0, validation_data=test).history["val_loss"])

        found = built(x, classes).lr_find(*train).suggestion
        assert found is not None, name
        close.append(reached(found) <= 1.1 * min(map(reached, (0.1, 0.01, 0.001, 0.0001))))
    assert sum(close) >= 4, dict(zip(DATA, close, strict=True))


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"start": 0}, ValueError, "0 < start < stop; got 0 and 10.0"),
        ({"start": 1, "stop": 0.1}, ValueError, "got 1 and 0.1"),
        ({"stop": float("nan")}, ValueError, "got 1e-07 and nan"),
        ({"steps": 4}, ValueError, "steps must be at least 5"),
        ({"smooth": 1}, ValueError, "smooth must be at least 0 and below 1; got 1"),
        ({"stop_factor": 1}, ValueError, "stop_factor must be above 1; got 1"),
        ({"apply": 1}, TypeError, "apply must be True or False"),
    ],
)
def test_arguments(arguments: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        new(trained=False).lr_find(X, Y, **arguments)


def test_a_rate_that_follows_a_schedule_is_refused() -> None:
    model = new(gs.optimizers.SGD(gs.optimizers.schedules.CosineDecay(0.1, 100)))
    with pytest.raises(TypeError, match="lr_find sets the learning rate, so it must be a number"):
        model.lr_find(X, Y)


def test_the_plot_shows_the_suggestion() -> None:
    pytest.importorskip("matplotlib")
    found = new("sgd", trained=False).lr_find(X, Y)
    panel = found.plot().axes[0]
    assert panel.get_xscale() == "log"
    assert panel.get_title() == f"suggestion: {found.suggestion:.2g}"
    words = [text.get_text() for text in panel.get_legend().get_texts()]
    assert words[:3] == ["loss of a batch", "smoothed", f"suggestion: {found.suggestion:.2g}"]
    low, high = panel.get_ylim()
    assert low < found.losses.min()
    assert high < 3 * found.losses[0]  # although it diverged
