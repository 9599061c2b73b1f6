"""Models and layers as texts, and made again from them."""

from __future__ import annotations

import inspect
import json

import gradstep as gs
import numpy as np
import pytest
from gradstep import initializers, layers, losses, optimizers
from gradstep.optimizers import schedules

LAYERS = {
    "dense": lambda: layers.Dense(3, "relu", kernel_initializer=initializers.HeNormal(seed=3)),
    "dense without bias": lambda: (
        layers.Dense(3, use_bias=False, dtype="float64", kernel_initializer="orthogonal")
        if hasattr(initializers, "Orthogonal")
        else layers.Dense(3, use_bias=False, dtype="float64")
    ),
    "scaled": lambda: layers.Dense(2, kernel_initializer=initializers.VarianceScaling(2.0, "fan_out", "uniform", 1)),
    "constant": lambda: layers.Dense(2, bias_initializer=initializers.Constant(0.25)),
    "activation": lambda: layers.Activation("softplus", name="soft"),
    "dropout": lambda: layers.Dropout(0.3, seed=4),
    "dropout without seed": lambda: layers.Dropout(0.3),
    "flatten": lambda: layers.Flatten(),
    "rescaling": lambda: layers.Rescaling(1 / 3, offset=-0.1),
}


def through_json(config):
    return json.loads(json.dumps(config))


@pytest.mark.parametrize("make", LAYERS.values(), ids=LAYERS)
def test_layers_are_made_again(make):
    layer = make()
    config = through_json(layer.get_config())
    again = type(layer).from_config(config)
    assert again.get_config() == layer.get_config()
    assert again.name == layer.name
    assert again.dtype == layer.dtype
    assert {"name", "dtype"} <= set(config)
    if config.get("kernel_initializer", {}).get("config", {}).get("seed") is not None:
        layer.build((None, 4))
        again.build((None, 4))
        assert (layer.kernel == again.kernel).all()


BESIDE = ("Layer", "Input", "InputLayer", "Hashing", "HashedCrossing", "IntegerLookup", "StringLookup")
BESIDE += ("TextVectorization",)
NAMES = [n for n in layers.__all__ if n[0].isupper() and n not in BESIDE]
NEEDED = {"units": 3, "activation": "relu", "rate": 0.5, "scale": 2.0, "target_shape": (2, 2), "axes": 1}
NEEDED |= {"stddev": 0.5, "function": gs.activations.relu, "dims": (1,), "n": 2, "key": ":"}
NEEDED |= {"filters": 4, "kernel_size": 3, "pool_size": 2, "height": 2, "width": 2, "factor": 0.1, "height_factor": 0.1}
NEEDED |= {
    "width_factor": 0.1,
    "input_dim": 5,
    "output_dim": 2,
    "num_heads": 2,
    "key_dim": 3,
    "equation": "ab,bc->ac",
    "output_shape": 3,
    "num_tokens": 4,
}


def made(name, **options):
    """A layer of this class with the arguments that it must have."""
    cls = getattr(layers, name)
    if name in ("Bidirectional", "TimeDistributed"):
        return cls(layers.LSTM(3), **options)
    if name == "Discretization":
        return cls([0.0], **options)
    if name in ("RNN", "StackedRNNCells"):
        return cls([layers.LSTMCell(3)], **options)
    parameters = inspect.signature(cls).parameters.items()
    return cls(**{key: NEEDED[key] for key, given in parameters if given.default is given.empty}, **options)


@pytest.mark.parametrize("name", NAMES)
def test_every_layer_has_each_argument_in_its_config(name):
    arguments = inspect.signature(getattr(layers, name)).parameters
    passing = {"input_shape", "weights"} | ({"input_dim"} if name != "Embedding" else set())  # of which it is a size
    assert set(made(name).get_config()) == set(arguments) - passing


@pytest.mark.parametrize("name", NAMES)
def test_every_layer_may_be_frozen(name):
    """Those without weights too: Keras writes trainable=False into the files of all layers of a frozen model."""
    layer = made(name, trainable=False)
    assert not layer.trainable
    config = through_json(layer.get_config())
    again = type(layer).from_config(config | {"function": layer.function} if name == "Lambda" else config)
    assert not again.trainable
    assert again.get_config() == layer.get_config()


def example() -> gs.Sequential:
    row = [
        gs.Input((2, 3)),
        layers.Flatten(name="flat"),
        layers.Rescaling(0.5, name="half"),
        layers.Dense(4, "tanh", name="first", kernel_initializer=initializers.Constant(0.1)),
        layers.Dropout(0.25, seed=1, name="drop"),
        layers.Dense(2, name="last"),
        layers.Activation("softmax", name="out"),
    ]
    return gs.Sequential(row, name="example")


def test_models_are_made_again():
    model = example()
    text = model.to_json()
    again = gs.models.model_from_json(text)
    assert again.to_json() == text
    assert again.name == "example"
    assert again.optimizer is None
    assert [repr(layer) for layer in again.layers] == [repr(layer) for layer in model.layers]
    again.set_weights(model.get_weights())
    x = np.random.default_rng(0).random((5, 2, 3))
    assert (again.predict(x, verbose=0) == model.predict(x, verbose=0)).all()
    assert gs.Sequential.from_config(through_json(model.get_config())).to_json() == text


def test_models_of_unknown_input():
    model = gs.Sequential([layers.Dense(2)])
    again = gs.models.model_from_json(model.to_json())
    assert not again.built
    with pytest.raises(ValueError, match="not built"):
        model.save("nowhere")
    with pytest.raises(ValueError, match="not built"):
        model.save_weights("nowhere")
    with pytest.raises(ValueError, match="not built"):
        model.load_weights("nowhere")


def test_clones_have_weights_of_their_own():
    model = example()
    clone = gs.models.clone_model(model)
    assert clone.to_json() == model.to_json()
    assert not np.shares_memory(clone.weights[0], model.weights[0])
    model.weights[0][...] = 9.0
    assert (clone.weights[0] == np.float32(0.1)).all()

    def plain(layer):
        return layers.Dense(4, name="first") if isinstance(layer, layers.Dense) and layer.units == 4 else copy(layer)

    def copy(layer):
        return type(layer).from_config(layer.get_config())

    assert gs.models.clone_model(model, plain).layers[2].activation is gs.activations.linear
    with pytest.raises(TypeError, match="model must be"):
        gs.models.clone_model(3)
    with pytest.raises(TypeError, match="clone_function"):
        gs.models.clone_model(model, 3)
    with pytest.raises(TypeError, match="must be a Layer"):
        gs.models.clone_model(model, lambda layer: None)
    same = gs.models.clone_model(model, lambda layer: layer)
    assert all(a is b for a, b in zip(same.layers, model.layers, strict=True))


# -- compile -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("optimizer", "loss", "metrics"),
    [
        ("adam", "mse", None),
        (optimizers.SGD(schedules.CosineDecay(0.1, 10), nesterov=True, momentum=0.9), "mae", ["mse"]),
        (optimizers.Lookahead("adam"), losses.CategoricalCrossentropy(from_logits=True), ["accuracy"]),
    ],
)
def test_compile_configs(optimizer, loss, metrics):
    model = example()
    with pytest.raises(ValueError, match="must be compiled"):
        model.get_compile_config()
    model.compile(optimizer, loss, metrics=metrics)
    config = through_json(model.get_compile_config())
    other = example()
    other.compile_from_config(config)
    assert other.get_compile_config() == model.get_compile_config()
    assert type(other.loss) is type(model.loss)
    assert other.loss.get_config() == model.loss.get_config()
    assert other.metrics_names == model.metrics_names
    assert repr(other.optimizer) == repr(model.optimizer)
    with pytest.raises(TypeError, match="config must be a dict"):
        other.compile_from_config(3)


# -- what a program hands over -----------------------------------------------------------------------------------------


class Doubled(layers.Rescaling):
    def __init__(self, scale=2.0, offset=0.0, **options):
        super().__init__(scale, offset, **options)


class Halving(schedules.LearningRateSchedule):
    def __init__(self, start):
        self.start = start

    def __call__(self, step):
        return self.start / 2**step

    def get_config(self):
        return {"start": self.start}


def halves(shape, dtype=None):
    return np.full(shape, 0.5, dtype)


def custom() -> gs.Sequential:
    model = gs.Sequential([gs.Input((2,)), Doubled(name="two"), layers.Dense(1, kernel_initializer=halves)])
    model.compile(optimizers.SGD(Halving(0.1)), "mse")
    return model


OBJECTS = {"Doubled": Doubled, "Halving": Halving, "halves": halves}


def test_custom_objects(tmp_path):
    model = custom()
    model.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0)
    model.save(tmp_path / "model")
    loaded = gs.models.load_model(tmp_path / "model", custom_objects=OBJECTS)
    assert type(loaded.layers[0]) is Doubled
    assert loaded.layers[1].kernel_initializer is halves
    assert loaded.optimizer.learning_rate == model.optimizer.learning_rate
    assert all(map(np.array_equal, loaded.weights, model.weights))
    with gs.saving.custom_object_scope(OBJECTS):
        gs.models.load_model(tmp_path / "model")
    assert not set(OBJECTS) & set(gs.saving.get_custom_objects())
    for missing in OBJECTS:
        objects = {name: thing for name, thing in OBJECTS.items() if name != missing}
        with pytest.raises(ValueError, match=missing):
            gs.models.load_model(tmp_path / "model", objects)
    with pytest.raises(TypeError, match="custom_objects must be a dict"):
        gs.models.load_model(tmp_path / "model", custom_objects=[Doubled])


def test_registered_objects():
    gs.saving.register_keras_serializable("tests")(Doubled)
    try:
        text = gs.Sequential([gs.Input((2,)), Doubled()]).to_json()
        assert "tests>Doubled" in text
        assert type(gs.models.model_from_json(text).layers[0]) is Doubled
    finally:
        del gs.saving.get_custom_objects()["tests>Doubled"]
    with pytest.raises(ValueError, match="get_config"):
        gs.saving.register_keras_serializable()(Terse)


class Terse:
    pass


def test_what_has_no_name_cannot_be_written(tmp_path):
    start = lambda shape, dtype=None: np.ones(shape, dtype)  # noqa: E731
    model = gs.Sequential([gs.Input((2,)), layers.Dense(1, kernel_initializer=start, name="d")])
    with pytest.raises(TypeError, match="kernel_initializer of <Dense d"):
        model.save(tmp_path / "model")
    assert list(tmp_path.iterdir()) == []
    model.save_weights(tmp_path / "weights")


@pytest.mark.parametrize("text", ["", "[]", "{", '{"class_name": "Sequential"}', "[" * 100_000])
def test_texts_of_no_model(text):
    with pytest.raises((TypeError, ValueError)):
        gs.models.model_from_json(text)
    with pytest.raises(TypeError, match="json_string must be a str"):
        gs.models.model_from_json(b"")


def test_metrics_of_all_kinds(tmp_path):
    from gradstep import metrics

    def share(y_true, y_pred):
        return np.abs(y_pred - y_true).mean(axis=-1)

    def made():
        model = gs.Sequential([gs.Input((2,)), layers.Dense(1, "sigmoid", kernel_initializer="ones")])
        chosen = ["accuracy", metrics.AUC(num_thresholds=10, curve="PR", name="area"), share]
        model.compile("adam", losses.BinaryCrossentropy(), metrics=chosen, weighted_metrics=["mse"])
        return model

    model = made()
    model.save(tmp_path / "model")
    loaded = gs.models.load_model(tmp_path / "model", {"share": share})
    assert loaded.metrics_names == model.metrics_names
    x, y = np.eye(2), np.array([0.0, 1.0])
    assert loaded.evaluate(x, y, verbose=0) == model.evaluate(x, y, verbose=0)
    with pytest.raises(ValueError, match="share"):
        gs.models.load_model(tmp_path / "model")


@pytest.mark.parametrize("name", sorted({cls.__name__ for cls in losses.registry.table().values()}))
def test_every_loss_is_made_again(name):
    cls = getattr(losses, name)
    model = gs.Sequential([gs.Input((2,)), layers.Dense(2, "softmax")])
    model.compile("adam", cls())
    config = through_json(model.get_compile_config())
    model.compile_from_config(config)
    assert type(model.loss) is cls
    assert model.get_compile_config() == config
