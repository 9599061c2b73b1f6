"""Pickles and copies of models: independent of the original, and training goes on bit for bit.

Every rule and manner of training is in test_resume.py; here are the kinds of models.
"""

from __future__ import annotations

import inspect
import pickle
import sys
import threading
from typing import Any

import gradstep as gs
import numpy as np
import pytest
from children import said
from copying import WAYS
from graphs import GRAPHS, arrays
from probe import engine_of, key, trained_flags
from training import classifier, clusters

L = gs.layers
ONE, ALL = {"pickle": pickle.dumps}, list(WAYS)


def bits(model: Any) -> list[bytes]:
    state = {} if model.optimizer is None else model.optimizer.state_dict()
    return [array.tobytes() for array in (*model.weights, *state.values())]


def goes_on(model: Any, *data: Any, **options: Any) -> list[Any]:
    """All that further training comes to; the first shuffle of a model follows from the seed."""
    gs.utils.set_random_seed(5)
    history = model.fit(*data, epochs=2, verbose=0, batch_size=5, **options)
    return [history.history, *bits(model)]


def compare(model: Any, *data: Any) -> list[Any]:
    """Copies of a model, after they and it were trained to the same bits, the original last."""
    before, seeds = bits(model), key(model)
    copies = [way(model) for way in WAYS.values()]
    found = [goes_on(again, *data) for again in copies]
    assert (bits(model), key(model)) == (before, seeds)  # nothing of it was changed
    expected = goes_on(model, *data)
    assert expected[1:] != before
    assert all(each == expected for each in found)
    return copies


class Noise(L.Layer):
    """Draws by a generator of its own, which is in no file, and counts; it has no get_config()."""

    def __init__(self, stddev):
        super().__init__(name="noise")
        self.random, self.calls = np.random.default_rng(3), 0
        self.deviation = stddev

    def build(self, input_shape):
        self.scale = self.add_weight(input_shape[1:], "ones", name="scale")

    def forward(self, x, training=False):
        self.calls += training
        self.x = x + self.deviation * self.random.normal(size=x.shape) if training else x
        return self.x * self.scale

    def backward(self, dy):
        return dy * self.scale, [(dy * self.x).sum(axis=0)]


class Momentum(gs.optimizers.SGD):
    """An optimizer of the program's own."""


class Falling(gs.optimizers.schedules.LearningRateSchedule):
    """A schedule of the program's own, without get_config()."""

    def __init__(self, start):
        self.start = start

    def __call__(self, step):
        return self.start / (1 + step)


def error(y_true, y_pred):
    return ((y_true - y_pred) ** 2).mean(axis=-1), 2 * (y_pred - y_true) / y_true.shape[-1]


def largest(y_true, y_pred):
    return np.abs(y_true - y_pred).max(axis=-1)


class Network(gs.Sequential):
    """A model of the program's own, whose constructor takes something else."""

    def __init__(self, units, note):
        self.units = units
        super().__init__([gs.Input((4,)), L.Dense(units, "tanh"), Noise(0.1), L.Dropout(0.3), L.Dense(1)])
        self.note, self._mine = note, {"a": [1, 2]}

    def twice(self, x):
        return 2 * self.predict(x, verbose=0)


X, Y = np.random.default_rng(0).normal(size=(20, 4)), np.ones((20, 1))


@pytest.mark.parametrize("name", GRAPHS)
def test_graphs_go_on(name):
    gs.utils.set_random_seed(1)
    make, settings = GRAPHS[name]
    model, (x, y, w) = make(gs), arrays(name)
    model.compile(gs.optimizers.Adam(0.01, use_ema=True), **settings)
    model.fit(x, y, sample_weight=w, verbose=0)
    for again in compare(model, x, y):
        assert type(again) is gs.Model
        assert again.output_names == model.output_names


def own() -> Network:
    gs.utils.set_random_seed(2)
    model = Network(5, "mine")
    model.compile(Momentum(Falling(0.1), momentum=0.9), error, metrics=[largest, "mae"])
    model.fit(X, Y, verbose=0)
    return model


def test_what_is_of_the_program_goes_on():
    model = own()
    for again in compare(model, X, Y):
        assert type(again) is Network
        assert (again.units, again.note, again._mine) == (5, "mine", {"a": [1, 2]})
        assert again._mine is not model._mine
        assert type(again.optimizer) is Momentum
        assert again.layers[1].calls == model.layers[1].calls
        assert again.layers[1] is not model.layers[1]
        assert np.array_equal(again.twice(X), model.twice(X))


def test_in_a_new_process(tmp_path):
    """A pickle finds classes and functions of the program by import, as every pickle does."""
    model = own()
    (tmp_path / "pickle").write_bytes(pickle.dumps(model))
    expected = [repr(array) for array in goes_on(model, X, Y)]
    program = f"""
import pathlib, pickle, sys
sys.path.insert(0, {str(__file__.rpartition("/")[0])!r})
from {__name__} import X, Y, goes_on
print([repr(each) for each in goes_on(pickle.loads(pathlib.Path({str(tmp_path / "pickle")!r}).read_bytes()), X, Y)])
"""
    assert said(program) == str(expected)


@pytest.mark.parametrize("way", ["deepcopy", "copy"])
def test_functions_without_a_name_are_copied(way):
    """Pickle refuses them by itself; a copy in the same process need not."""
    rate = gs.optimizers.schedules.Lambda(lambda step: 0.1 / (step + 1))
    model = gs.Sequential([gs.Input((4,)), L.Dense(1, kernel_initializer=lambda shape, dtype: np.ones(shape, dtype))])
    model.compile(gs.optimizers.SGD(rate), lambda t, y: error(t, y), metrics=[lambda t, y: largest(t, y)])
    model.fit(X, Y, verbose=0)
    again = WAYS[way](model)
    assert goes_on(again, X, Y)[1:] == goes_on(model, X, Y)[1:]
    with pytest.raises((AttributeError, pickle.PicklingError), match="lambda"):
        pickle.dumps(model)


def test_models_that_are_not_built_or_not_compiled():
    def compiled(model, loss="mse"):
        model.compile("adam", loss)
        return model

    def rows():
        return [L.Dense(3, kernel_initializer="ones"), L.Dropout(0.5), L.Dense(1, kernel_initializer="ones")]

    assert [again.layers for again in (way(gs.Sequential()) for way in WAYS.values())] == [[]] * len(WAYS)
    for again in compare(compiled(gs.Sequential(rows())), X, Y):
        assert again.built
    for again in compare(compiled(gs.Sequential([L.Dense(3), L.Dropout(0.5), L.Dense(1)], seed=7)), X, Y):
        assert again.seed == 7
    bare = gs.Sequential([gs.Input((4,)), *rows()])
    for way in WAYS.values():
        again = way(bare)
        assert again.optimizer is None
        assert np.array_equal(again(X), bare(X))
    compare(compiled(gs.Sequential([gs.Input((4,)), *rows()])), X, Y)
    assert all(way(compiled(bare, None)).loss is None for way in WAYS.values())


@pytest.mark.filterwarnings("ignore:the trainable attribute of layers was changed after compile")
def test_a_layer_frozen_or_thawed_after_compile_is_as_it_was_compiled(tmp_path):
    """It takes a change at the next compile(): so it does when it comes from a file, or is a copy."""
    for trainable in (True, False):
        model = gs.Sequential([gs.Input((4,)), L.Dense(3, trainable=trainable), L.BatchNormalization(), L.Dense(1)])
        model.compile("adam", "mse")
        model.fit(X, Y, verbose=0)
        model.layers[0].trainable = not trainable
        model.save(tmp_path / "model")
        copies = compare(model, X, Y)
        loaded = gs.models.load_model(tmp_path / "model")
        assert goes_on(loaded, X, Y)[1:] == bits(model)
        for again in (*copies, loaded, model):
            assert again.layers[0].trainable is not trainable
            again.compile("adam", "mse")
        assert len({len(trained_flags(again)) for again in (*copies, loaded, model)}) == 1


def test_history_comes_with_its_model():
    x, y = clusters(40)
    model = classifier()
    history = model.fit(x, y, epochs=2, verbose=0)
    for name, way in WAYS.items():
        again = way(history)
        assert (again.history, again.epoch, again.params) == (history.history, history.epoch, history.params)
        assert (again.model is model) == (name == "copy")
        assert all(map(np.array_equal, again.model.weights, model.weights))
        of_model = way(model)
        assert of_model.history.history == history.history
        if name != "copy":  # which copies what the model is, and not what the program keeps with it
            assert of_model.history.model is of_model
        both, other = way((model, history))
        assert other.model is both


def test_a_copy_shares_nothing():
    x, y = clusters(40)
    model = classifier()
    model.fit(x, y, verbose=0)
    before = bits(model)
    for way in WAYS.values():
        again = way(model)
        assert again.optimizer is not model.optimizer
        assert engine_of(again) is not engine_of(model)
        again.fit(x, y, verbose=0)
        again.set_weights([0 * weight for weight in again.weights])
        again.optimizer.learning_rate = 3.0
        assert bits(model) == before


def test_models_have_no_attributes_but_those_of_their_class():
    """What a program adds to a model is copied: of what the package itself adds later, the copy would be wrong."""
    from gradstep.saving.pickling import CARRIED, _names

    x, y = clusters(40)
    model = classifier()
    inputs = gs.Input((20,))
    graph = gs.Model(inputs, [L.Dense(2)(inputs), Noise(0.1)(inputs)])
    graph.compile("sgd", "mse")
    for each, targets in ((model, y), (graph, [np.ones((40, 2)), x])):
        each.fit(x, targets, validation_split=0.5, verbose=0)
        each.evaluate(x, targets, verbose=0)
        each.predict(x, verbose=0)
        each.train_on_batch(x, targets)
        each(x, training=True)
        each.summary(print_fn=lambda text: None)
        each.save_own = None
        assert set(vars(each)) - _names(each) == {"save_own"}
        assert set(CARRIED) - {"_draws"} <= _names(each)  # which models of unknown input have alone


def test_copies_in_threads():
    """Each thread reads its own custom objects."""
    model, found = own(), []
    expected = bits(model)

    def copied():
        for way in WAYS.values():
            found.append(bits(way(model)) == expected)

    threads = [threading.Thread(target=copied) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 4 * len(WAYS)


def test_joblib(tmp_path):
    joblib = pytest.importorskip("joblib")
    model = own()
    joblib.dump(model, tmp_path / "model")
    assert goes_on(joblib.load(tmp_path / "model"), X, Y)[1:] == goes_on(model, X, Y)[1:]


def test_a_model_of_many_layers():
    """Copies do not go from layer to layer by calling themselves."""
    model = gs.Sequential([gs.Input((2,)), *(L.Dense(2, name=f"d{i}") for i in range(100))])
    model.compile("sgd", "mse")
    before, deep = sys.getrecursionlimit(), len(inspect.stack())
    sys.setrecursionlimit(deep + 60)
    try:
        assert [len(way(model).layers) for way in WAYS.values()] == [100] * len(WAYS)
    finally:
        sys.setrecursionlimit(before)
