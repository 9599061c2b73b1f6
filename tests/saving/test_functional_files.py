"""Functional models in files: ours, with runs that go on to the bit, and Keras's own."""

from __future__ import annotations

import json

import gradstep as gs
import numpy as np
import pytest
from children import said
from gradstep import layers, optimizers
from graphs import GRAPHS, arrays
from keras_runs import keras_says

RULES = {
    "adam": lambda: optimizers.Adam(0.01, use_ema=True),
    "schedule": lambda: optimizers.SGD(optimizers.schedules.CosineDecay(0.05, 20), momentum=0.9, clipnorm=1.0),
    "groups": lambda: optimizers.MultiOptimizer({"twice/*": optimizers.Adam(0.01), "*": optimizers.SGD(0.1)}),
    "around": lambda: optimizers.Lookahead(optimizers.Adam(0.01), sync_period=3),
    "sam": lambda: optimizers.SAM(optimizers.SGD(0.05, momentum=0.9), rho=0.1),
}


def drops(of):
    """Shared layers, models in models, and numbers that are drawn."""
    x = of.Input((4,), name="x")
    twice = of.layers.Dense(4, "tanh", name="twice")
    inner = of.Sequential(
        [of.layers.BatchNormalization(name="norm"), of.layers.Dropout(0.4, name="drop")], name="inner"
    )
    h = of.layers.Add(name="sum")([twice(x), inner(twice(twice(x)))])
    again = of.layers.Dropout(0.2, name="again")(h)
    return of.Model(x, {"a": of.layers.Dense(2, name="a")(again), "b": of.layers.Dense(3, "softmax", name="b")(h)})


def compiled(rule, seed=1):
    gs.utils.set_random_seed(seed)
    model = drops(gs)
    model.compile(
        RULES[rule](),
        {"a": "huber", "b": "sparse_categorical_crossentropy"},
        loss_weights={"b": 0.3},
        metrics={"b": ["accuracy", gs.metrics.SparseTopKCategoricalAccuracy(k=2, name="two")]},
        weighted_metrics=[["mae"], None],
    )
    return model


def data():
    x, (a, b), _ = arrays("two heads")
    return x.astype("float32"), {"a": a, "b": b}


@pytest.mark.parametrize("rule", RULES)
def test_a_run_goes_on(rule, tmp_path):
    """Saved after two epochs, loaded, and two more: the history and the weights of four, to the bit."""
    x, y = data()
    options = {"batch_size": 4, "verbose": 0, "validation_split": 0.2}
    whole = compiled(rule)
    gs.utils.set_random_seed(7)
    whole.fit(x, y, epochs=4, **options)
    half = compiled(rule)
    gs.utils.set_random_seed(7)

    class Save(gs.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                self.model.save(tmp_path / "half")

    history = half.fit(x, y, epochs=4, callbacks=[Save()], **options).history
    again = gs.models.load_model(tmp_path / "half")
    assert [layer.name for layer in again.layers] == [layer.name for layer in whole.layers]
    assert again.get_compile_config() == half.get_compile_config()
    rest = again.fit(x, y, epochs=4, initial_epoch=2, **options).history
    assert {name: curve[2:] for name, curve in history.items()} == rest
    assert all((a == b).all() for a, b in zip(half.weights, again.weights, strict=True))
    assert all((a == b).all() for a, b in zip(half.weights, whole.weights, strict=True))

    other = compiled(rule, seed=99)
    gs.saving.Checkpoint(other).restore(tmp_path / "half")
    other.fit(x, y, epochs=4, initial_epoch=2, **options)
    assert all((a == b).all() for a, b in zip(half.weights, other.weights, strict=True))


def test_in_another_process(tmp_path):
    x, y = data()
    model = compiled("adam")
    model.fit(x, y, epochs=2, verbose=0)
    model.save(tmp_path / "model")
    np.savez(tmp_path / "data.npz", x=x, **y)
    program = f"""
import gradstep as gs, numpy as np
data = np.load({str(tmp_path / "data.npz")!r})
model = gs.models.load_model({str(tmp_path / "model")!r})
logs = model.fit(data["x"], {{"a": data["a"], "b": data["b"]}}, epochs=3, initial_epoch=2, verbose=0).history
print(repr({{name: [float(v).hex() for v in curve] for name, curve in logs.items()}}))
"""
    logs = model.fit(x, y, epochs=3, initial_epoch=2, verbose=0).history
    known = {name: [float(v).hex() for v in curve] for name, curve in logs.items()}
    assert said(program).splitlines()[-1] == repr(known)


def test_configs_clones_and_weights(tmp_path):
    model = compiled("adam")
    x, _ = data()
    copies = {
        "json": gs.models.model_from_json(model.to_json()),
        "config": gs.Model.from_config(model.get_config()),
        "clone": gs.models.clone_model(model),
    }
    model.save_weights(tmp_path / "weights")
    for name, copy in copies.items():
        assert copy.get_config() == model.get_config(), name
        assert copy.weight_names == model.weight_names
        assert copy.weight_names[2:4] == ["inner/norm/gamma", "inner/norm/beta"]
        assert all(not np.shares_memory(a, b) for a, b in zip(copy.weights, model.weights, strict=True))
        copy.load_weights(tmp_path / "weights")
        for output, other in zip(copy.predict(x).values(), model.predict(x).values(), strict=True):
            assert (output == other).all()
    without = gs.Model(model.inputs, model.outputs[0])
    with pytest.raises(ValueError, match="has a weight 'b/kernel'"):
        without.load_weights(tmp_path / "weights")


def test_cloned_by_a_function():
    def other(layer):
        return layers.Dense(3, name="b") if layer.name == "b" else layer.from_config(layer.get_config())

    model = gs.models.clone_model(compiled("adam"), other)
    assert model.get_layer("b").activation is gs.activations.linear
    assert model.get_layer("a").weights[0].shape == (4, 2)


KERAS = """
from graphs import GRAPHS, arrays
import functools
folder = data["folder"]
answer = {}
for name in data["names"]:
    keras.utils.set_random_seed(1)
    model = GRAPHS[name][0](keras)
    model.compile("adam", **GRAPHS[name][1])
    model.save(f"{folder}/{name}.keras")
    model.save_weights(f"{folder}/{name}.weights.h5")
    with open(f"{folder}/{name}.json", "w") as file:
        file.write(model.to_json())
    answer[name] = [np.asarray(w).tolist() for w in model.get_weights()]
"""


@pytest.mark.peers
def test_files_of_keras(tmp_path):
    pytest.importorskip("h5py")
    known = keras_says(KERAS, folder=str(tmp_path), names=list(GRAPHS))
    for name, weights in known.items():
        made = [gs.models.load_model(tmp_path / f"{name}.keras")]
        made.append(gs.models.model_from_json((tmp_path / f"{name}.json").read_text()))
        made.append(GRAPHS[name][0](gs))
        for model in made[1:]:
            model.load_weights(tmp_path / f"{name}.weights.h5")
        for model in made:
            for weight, other in zip(model.weights, weights, strict=True):
                np.testing.assert_allclose(weight, other, rtol=1e-15, err_msg=name)
        x, y, _ = arrays(name)
        own = GRAPHS[name][0](gs)
        own.set_weights([np.array(weight) for weight in weights])
        own.compile("adam", **GRAPHS[name][1])
        assert made[0].evaluate(x, y, verbose=0) == own.evaluate(x, y, verbose=0)


READS = """
answer = {}
for name in data["names"]:
    with open(f"{data['folder']}/{name}.json") as file:
        model = keras.models.model_from_json(file.read())
    model.load_weights(f"{data['folder']}/{name}.weights.h5")
    answer[name] = [[layer.name for layer in model.layers], [np.asarray(w).tolist() for w in model.get_weights()]]
"""


@pytest.mark.peers
def test_keras_reads_ours(tmp_path):
    pytest.importorskip("h5py")
    made = {name: make(gs) for name, (make, _) in GRAPHS.items()}
    for name, model in made.items():
        (tmp_path / f"{name}.json").write_text(model.to_json())
        model.save_weights(tmp_path / f"{name}.weights.h5")
    known = keras_says(READS, folder=str(tmp_path), names=list(made))
    for name, model in made.items():
        names, weights = known[name]
        assert sorted(names) == sorted(layer.name for layer in model.layers)
        for weight, other in zip(model.weights, weights, strict=True):
            np.testing.assert_array_equal(weight, other, err_msg=name)


def test_models_in_a_sequential(tmp_path):
    """Weights, seeds of those that draw, and a run that goes on."""
    gs.utils.set_random_seed(1)
    x, y = np.random.default_rng(0).normal(size=(20, 4)), np.arange(20) % 3
    inner = gs.Sequential([layers.Dense(6, name="first"), layers.Dropout(0.3, name="drop")], name="inner")
    model = gs.Sequential([gs.Input((4,)), inner, layers.Dense(3, "softmax", name="last")])
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x, y, epochs=2, verbose=0)
    model.save(tmp_path / "model")
    again = gs.models.load_model(tmp_path / "model")
    assert again.get_config() == model.get_config()
    runs = [each.fit(x, y, epochs=4, initial_epoch=2, verbose=0).history for each in (model, again)]
    assert runs[0] == runs[1]
    assert gs.models.clone_model(model).weight_names == model.weight_names
    np.testing.assert_array_equal(again.layers[0](x, training=True), model.layers[0](x, training=True))


def test_calls_keep_their_order():
    """Also where the layer's first call is of something that the config has later."""
    gs.utils.set_random_seed(1)
    x = gs.Input((4,))
    late = layers.Dense(4, "tanh", name="late")
    twice = layers.Dense(4, name="twice")
    first, tensor = twice(late(x)), twice(x)
    for name in ("one", "two", "three"):
        tensor = layers.Dense(4, "tanh", name=name)(tensor)
    model = gs.Model(x, layers.Subtract(name="apart")([tensor, first]))
    names = [layer.name for layer in model.layers]
    assert names.index("twice") < names.index("late")
    config = model.get_config()
    # Keras counts the calls of a layer as they were made: here the other way round.
    config["layers"][names.index("twice")]["inbound_nodes"].reverse()
    text = json.dumps(config).replace('["twice", 0, 0]', "other").replace('["twice", 1, 0]', '["twice", 0, 0]')
    again = gs.Model.from_config(json.loads(text.replace("other", '["twice", 1, 0]')))
    again.set_weights(model.get_weights())
    data = np.random.default_rng(0).normal(size=(5, 4))
    assert (again.predict(data, verbose=0) == model.predict(data, verbose=0)).all()
