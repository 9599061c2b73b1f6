"""Names and arguments of Keras's that plain scripts use: they are there, and do what they say."""

from __future__ import annotations

import copy
import pickle

import gradstep as gs
import numpy as np
import pytest
from gradstep import layers

X, Y = np.random.default_rng(0).normal(size=(20, 3)), np.random.default_rng(1).normal(size=20)


def made() -> gs.Sequential:
    stack = [gs.Input((3,)), layers.Dense(4, "tanh", name="a"), layers.BatchNormalization(name="n"), layers.Dense(1)]
    return gs.Sequential(stack)


# -- weights -----------------------------------------------------------------------------------------------------------


def test_lists_of_variables() -> None:
    model = made()
    for thing in (model, *model.layers):
        for name in ("", "trainable_", "non_trainable_"):
            ours, keras = getattr(thing, f"{name}weights"), getattr(thing, f"{name}variables")
            assert [id(one) for one in ours] == [id(one) for one in keras]


def test_weights_know_their_names() -> None:
    model = made()
    model.compile("adam", "mse")
    model.fit(X, Y, verbose=0)
    names = ["a/kernel", "a/bias", "n/gamma", "n/beta", "n/moving_mean", "n/moving_variance"]
    assert [weight.path for weight in model.weights][:6] == names
    assert model.layers[0].kernel.name == "kernel"
    assert model.weights[0] is model.layers[0].kernel


def test_a_weight_is_an_array() -> None:
    weight = made().layers[0].kernel
    assert type(weight * 2) is type(weight @ weight.T) is type(weight == 1) is np.ndarray
    assert type(weight.sum()) is np.float32
    assert repr(weight).startswith("array(")
    same = weight
    same += 1
    assert same is weight
    assert same.name == "kernel"
    for copied in (copy.deepcopy(weight), pickle.loads(pickle.dumps(weight)), weight.numpy()):
        assert np.array_equal(copied, weight)
        assert not np.shares_memory(copied, weight)


def test_assigning_a_weight() -> None:
    weight = made().layers[0].kernel
    weight.assign(np.full((3, 4), 2))
    assert (weight == 2).all()
    with pytest.raises(ValueError, match=r"value has shape \(4, 3\); the weight has shape \(3, 4\)"):
        weight.assign(np.zeros((4, 3)))
    with pytest.raises(TypeError, match="value must be an array of real numbers"):
        weight.assign("no")
    assert (weight == 2).all()


# -- compile -----------------------------------------------------------------------------------------------------------


class Seen(gs.callbacks.Callback):
    def __init__(self) -> None:
        super().__init__()
        self.batches: list[tuple[str, int]] = []

    def on_train_batch_begin(self, batch: int, logs: object = None) -> None:
        self.batches.append(("begin", batch))

    def on_train_batch_end(self, batch: int, logs: object = None) -> None:
        self.batches.append(("end", batch))

    on_test_batch_begin, on_test_batch_end = on_train_batch_begin, on_train_batch_end


def test_steps_per_execution() -> None:
    once, several, seen = made(), made(), Seen()
    several.set_weights(once.get_weights())
    once.compile("adam", "mse")
    several.compile("adam", "mse", steps_per_execution=3)
    once.fit(X, Y, 4, shuffle=False, verbose=0)
    several.fit(X, Y, 4, shuffle=False, verbose=0, callbacks=[seen])
    wanted = [("begin", 0), ("end", 2), ("begin", 3), ("end", 4)]
    assert seen.batches == wanted
    assert all(np.array_equal(a, b) for a, b in zip(once.weights, several.weights, strict=True))
    seen.batches.clear()
    several.evaluate(X, Y, 4, verbose=0, callbacks=[seen])
    assert seen.batches == wanted
    again = made()
    again.compile_from_config(several.get_compile_config())
    assert again.get_compile_config()["steps_per_execution"] == 3


@pytest.mark.parametrize(
    ("argument", "value", "error"),
    [
        ("run_eagerly", True, ValueError),
        ("run_eagerly", 1, TypeError),
        ("steps_per_execution", 0, ValueError),
        ("steps_per_execution", 1.5, TypeError),
        ("jit_compile", "yes", TypeError),
        ("auto_scale_loss", None, TypeError),
    ],
)
def test_arguments_of_compile_are_checked(argument: str, value: object, error: type[Exception]) -> None:
    with pytest.raises(error, match=argument):
        made().compile("sgd", "mse", **{argument: value})


def test_arguments_of_keras_that_change_nothing() -> None:
    one, other = made(), made()
    other.set_weights(one.get_weights())
    one.compile("sgd", "mse")
    other.compile("sgd", "mse", run_eagerly=False, jit_compile=True, auto_scale_loss=False)
    for model in (one, other):
        model.fit(X, Y, shuffle=False, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(one.weights, other.weights, strict=True))


# -- metrics -----------------------------------------------------------------------------------------------------------


def test_metrics_of_a_model() -> None:
    model, given = made(), gs.metrics.R2Score(name="r2")
    model.compile("sgd", "mse", metrics=["mae", given])
    assert [metric.name for metric in model.metrics] == model.metrics_names == ["loss", "mae", "r2"]
    scores = model.evaluate(X, Y, verbose=0)
    assert [metric.result() for metric in model.metrics] == pytest.approx(scores, rel=1e-6)
    assert model.metrics[2] is given
    scores = model.train_on_batch(X, Y)
    assert [metric.result() for metric in model.metrics] == pytest.approx(scores, rel=1e-6)


def test_metrics_of_several_outputs() -> None:
    i = gs.Input((3,))
    model = gs.Model(i, [layers.Dense(1, name="p")(i), layers.Dense(1, name="q")(i)])
    given = gs.metrics.MeanAbsoluteError(name="far")
    model.compile("sgd", "mse", metrics={"p": ["mae"], "q": [given]})
    scores = model.evaluate(X, [Y, Y], verbose=0)
    assert [metric.name for metric in model.metrics if metric is not given] == ["loss", "p_loss", "q_loss", "p_mae"]
    assert model.metrics[-1] is given
    assert [metric.result() for metric in model.metrics] == pytest.approx(scores, rel=1e-6)


# -- symbolic tensors, backend -----------------------------------------------------------------------------------------


def test_arithmetic_of_symbolic_tensors() -> None:
    a, b = gs.Input((2,)), gs.Input((2,))
    x, y = np.array([[1.0, -2.0]], np.float32), np.array([[0.5, 4.0]], np.float32)
    forms = {
        "a + b": lambda a, b: a + b,
        "a - b": lambda a, b: a - b,
        "a * b": lambda a, b: a * b,
        "-a": lambda a, b: -a + 0 * b,
        "a + 2": lambda a, b: (a + 2) * b,
        "2 - a": lambda a, b: (2 - a) * b,
        "a - 2": lambda a, b: (a - np.float64(2)) * b,
        "3 * a": lambda a, b: 3 * a * b,
        "a / 4": lambda a, b: a / 4 - b,
    }
    for name, form in forms.items():
        assert np.array_equal(gs.Model([a, b], form(a, b))([x, y]), form(x, y)), name


@pytest.mark.parametrize("form", ["a / b", "a + 'x'", "a * True", "1 / a", "a ** 0.5"])
def test_arithmetic_that_is_refused(form: str) -> None:
    a, b = gs.Input((2,)), gs.Input((2,))
    with pytest.raises(TypeError, match=r"SymbolicTensor|must be whole, 1 to 8"):
        eval(form, {"a": a, "b": b})


def test_backend() -> None:
    assert gs.backend.floatx() == "float32"
    gs.backend.clear_session()
    assert layers.Dense(1).name == "dense"


# -- data --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float64", "float32", "bool", "int8"])
def test_class_weight_of_unique_labels(dtype: str) -> None:
    y = np.array([0, 1, 0, 1, 0, 0, 0, 1]).astype(dtype)
    found = []
    for keys in (np.unique(y), np.unique(y).tolist(), [0, 1]):
        model = gs.Sequential([gs.Input((1,)), layers.Dense(1, "sigmoid", kernel_initializer="ones")])
        model.compile("sgd", "binary_crossentropy")
        weights = dict(zip(keys, [1.0, 3.0], strict=True))
        found.append(model.fit(np.arange(8.0)[:, None], y, class_weight=weights, verbose=0).history["loss"])
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("key", [0.5, "a", np.nan, None])
def test_class_weight_of_what_is_no_class(key: object) -> None:
    model = gs.Sequential([gs.Input((1,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(TypeError, match="a class in class_weight"):
        model.fit(np.ones((2, 1)), np.ones(2), class_weight={key: 1.0}, verbose=0)


class Changing(gs.utils.PyDataset):
    """Batches whose number changes from epoch to epoch."""

    def __init__(self, step: int, hook: str, workers: int = 1) -> None:
        super().__init__(workers)
        self.count, self.step, self.asked, self.epochs = 3, step, 0, []
        setattr(self, hook, self.change)
        if hook != "on_epoch_end":
            self.on_epoch_end = self.note

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        assert index < self.count
        self.asked += 1
        return np.ones((2, 1)), np.ones(2)

    def note(self) -> None:
        self.epochs.append(self.asked)
        self.asked = 0

    def change(self) -> None:
        if self.asked:
            self.note()
        self.count += self.step


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("step", [-1, 1])
def test_datasets_that_change_their_length(step: int, shuffle: bool, workers: int) -> None:
    data, model = Changing(step, "on_epoch_end", workers), gs.Sequential([gs.Input((1,)), layers.Dense(1)])
    data.asked = -1  # batch 0 is looked at before the first epoch
    model.compile("sgd", "mse")
    model.fit(data, epochs=3, shuffle=shuffle, verbose=0)
    assert data.epochs == [3, 3 + step, 3 + 2 * step]


def test_a_dataset_that_ran_empty_ends_training() -> None:
    data, model = Changing(-3, "on_epoch_end"), gs.Sequential([gs.Input((1,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.warns(UserWarning, match="ran out before epoch 2 of 3"):
        history = model.fit(data, epochs=3, verbose=0)
    assert history.epoch == [0]


def test_data_by_the_names_of_the_only_input_and_output() -> None:
    row = gs.Sequential([gs.Input((3,), name="x"), layers.Dense(1, name="y")])
    for model in (row, gs.Model(row.input, row.output)):
        model.compile("sgd", "mse")
        model.fit({"x": X}, {"y": Y}, sample_weight={"y": np.ones(20)}, verbose=0)
        assert np.array_equal(model.predict({"x": X}, verbose=0), model.predict(X, verbose=0))
        assert model.evaluate({"x": X}, Y, verbose=0) == model.evaluate(X, Y, verbose=0)
        with pytest.raises(ValueError, match="x must be by the names x; got 'z'"):
            model.fit({"z": X}, Y, verbose=0)
        with pytest.raises(ValueError, match="y must be by the names y; got 'x'"):
            model.fit(X, {"x": Y}, verbose=0)


class Table:
    """What a data frame shows of itself."""

    def __init__(self, columns: dict[str, np.ndarray]) -> None:
        self._columns, self.columns = columns, list(columns)

    def __getitem__(self, name: str) -> np.ndarray:
        return self._columns[name]


def test_a_table_with_a_column_for_each_input() -> None:
    a, b = gs.Input((1,), name="a"), gs.Input((1,), name="b")
    model = gs.Model([a, b], a - 2 * b)
    table = {"b": X[:, 0], "a": X[:, 1]}
    frames = [Table(table)]
    try:
        import pandas
    except ImportError:
        pass
    else:
        frames.append(pandas.DataFrame(table))
    for frame in frames:
        assert np.array_equal(model.predict(frame, verbose=0), model.predict(table, verbose=0))
    with pytest.raises(ValueError, match="x must be by the names a, b; got 'c'"):
        model.predict(Table(table | {"c": Y}), verbose=0)
    with pytest.raises(ValueError, match="x must have data for input 'b'"):
        model.predict(Table({"a": Y}), verbose=0)
