"""Files, configs and clones keep identity: what occurs in several places of a model, at any level, is one object again.

Models are drawn at random, of layers and models that occur inside and beside others.
"""

from __future__ import annotations

import pickle

import gradstep as gs
import numpy as np
import pytest
from gradstep import optimizers
from keras_runs import keras_says
from own_layers import NumpyDense
from random_graphs import OWN, SEEDS, drawn

RULES = [
    lambda: optimizers.Adam(0.01, use_ema=True),
    lambda: optimizers.SGD(optimizers.schedules.CosineDecay(0.05, 20), momentum=0.9, global_clipnorm=1.0),
    lambda: optimizers.MultiOptimizer({"*/kernel": optimizers.Adam(0.01), "*": optimizers.SGD(0.1)}),
    lambda: optimizers.Lookahead(optimizers.Adam(0.01), sync_period=3),
]


def trained(seed):
    """A model in the midst of training; every second one has layers in NumPy."""
    gs.utils.set_random_seed(seed)
    model, arguments, x, y = drawn(gs, seed, own=seed % 2 == 1, drops=True)
    model.compile(RULES[seed % len(RULES)](), **arguments)
    model.fit(x, y, batch_size=4, epochs=2, verbose=0)
    return model, x, y


def structure(model, known=None):
    """Every object at every level, with a number for each that is another."""
    known = {} if known is None else known
    operations = [*[tensor.node.operation for tensor in model.inputs], *model.layers]
    return [
        (type(one).__name__, one.name, known.setdefault(id(one), len(known)))
        + ((structure(one, known),) if hasattr(one, "layers") else ())
        for one in operations
    ]


def outputs(model, x):
    found = model.predict(x, verbose=0)
    return list(found.values()) if isinstance(found, dict) else found if isinstance(found, list) else [found]


def check_same(model, other, x):
    assert structure(other) == structure(model)
    assert other.weight_names == model.weight_names
    assert all((a == b).all() for a, b in zip(other.weights, model.weights, strict=True))
    assert all((a == b).all() for a, b in zip(outputs(other, x), outputs(model, x), strict=True))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_file_gives_the_same_model_which_trains_on_to_the_bit(seed, tmp_path):
    model, x, y = trained(seed)
    model.save(tmp_path / "model")
    again = gs.models.load_model(tmp_path / "model", custom_objects=OWN)
    check_same(model, again, x)
    assert again.get_config() == model.get_config()
    options = {"batch_size": 4, "epochs": 3, "initial_epoch": 2, "verbose": 0}
    assert again.fit(x, y, **options).history == model.fit(x, y, **options).history
    check_same(model, again, x)


@pytest.mark.parametrize("seed", SEEDS)
def test_configs_and_clones(seed):
    model, x, _ = trained(seed)
    copies = [
        type(model).from_config(model.get_config(), OWN),
        gs.models.model_from_json(model.to_json(), OWN),
        gs.models.clone_model(model),
    ]
    for copy in copies:
        assert copy.get_config() == model.get_config()
        assert not any(np.shares_memory(a, b) for a, b in zip(copy.weights, model.weights, strict=True))
        copy.set_weights(model.get_weights())
        check_same(model, copy, x)


@pytest.mark.parametrize("seed", SEEDS)
def test_pickles(seed):
    model, x, _ = trained(seed)
    check_same(model, pickle.loads(pickle.dumps(model)), x)


def test_pickles_tell_layers_of_one_own_class_apart():
    """Which they hold by reference, and not by name: one is there once, the other in two places."""
    i, j = gs.Input((2,)), gs.Input((2,))
    once, twice = NumpyDense(2), NumpyDense(3)
    h = once(i)
    model = gs.Model(i, gs.layers.Add()([twice(h), gs.Model(j, twice(j))(h)]))
    check_same(model, pickle.loads(pickle.dumps(model)), np.ones((3, 2)))


def autoencoder(own_input):
    i = gs.Input((5,), name="i")
    encoder = gs.Model(i, gs.layers.Dense(2, name="code")(i), name="encoder")
    z = gs.Input((2,), name="z")
    decoder = gs.Model(z, gs.layers.Dense(5, name="back")(z), name="decoder")
    start = i if own_input else gs.Input((5,), name="other")
    return gs.Model(start, decoder(encoder(start)), name="whole")


@pytest.mark.parametrize("own_input", [True, False])
def test_an_autoencoder_on_the_encoders_own_input(own_input, tmp_path):
    model = autoencoder(own_input)
    model.save(tmp_path / "model")
    again = gs.models.load_model(tmp_path / "model")
    check_same(model, again, np.ones((3, 5)))
    assert (again.input is again.get_layer("encoder").input) == own_input


def test_a_number_that_is_none_is_refused():
    words = autoencoder(True).get_config()
    words["layers"][0]["shared_object_id"] = "1"
    with pytest.raises(ValueError, match="shared_object_id must be an int; got '1'"):
        gs.Model.from_config(words)


def test_calls_in_turns_are_read_in_a_time_that_grows_with_them():
    """Each call of one layer waits for one of the other: nothing is asked about each of them again and again."""
    i = tensor = gs.Input((2,))
    a, b = gs.layers.Dense(2, name="a"), gs.layers.Dense(2, name="b")
    for _ in range(1000):
        tensor = b(a(tensor))
    words = gs.Model(i, tensor).get_config()
    words["layers"].reverse()
    assert gs.Model.from_config(words).get_config()["output_layers"] == ["b", 999, 0]


@pytest.fixture(scope="module")
def keras(tmp_path_factory):
    """For each seed a file of Keras, its outputs, and what it makes of a config of ours."""
    folder = tmp_path_factory.mktemp("keras")
    pytest.importorskip("h5py")
    for seed in SEEDS[::3]:
        (folder / f"{seed}.json").write_text(drawn(gs, seed).model.to_json())
    return folder, keras_says(
        """
from random_graphs import drawn
answer = {}
for seed in data["seeds"]:
    model, _, x, _ = drawn(keras, seed)
    model.save(f"{data['folder']}/{seed}.keras")
    outputs = model.predict(x, verbose=0)
    again = keras.models.model_from_json(open(f"{data['folder']}/{seed}.json").read())
    answer[seed] = {
        "outputs": outputs,
        "names": [layer.name for layer in again.layers],
        "shapes": [list(tensor.shape) for tensor in again.outputs],
    }
""",
        backend="torch",
        folder=str(folder),
        seeds=list(SEEDS[::3]),
    )


@pytest.mark.peers
@pytest.mark.parametrize("seed", SEEDS[::3])
def test_files_of_keras_and_configs_for_it(seed, keras):
    folder, said = keras
    theirs = said[str(seed)]
    model, _, x, _ = drawn(gs, seed)
    read = gs.models.load_model(folder / f"{seed}.keras")
    assert structure(read) == structure(model)
    flat = theirs["outputs"]
    flat = list(flat.values()) if isinstance(flat, dict) else flat if len(model.outputs) > 1 else [flat]
    for output, other in zip(outputs(read, x), flat, strict=True):
        np.testing.assert_allclose(output, np.array(other).reshape(output.shape), rtol=1e-5, atol=1e-5)
    assert theirs["names"] == [layer.name for layer in model.layers]
    assert theirs["shapes"] == [list(tensor.shape) for tensor in model.outputs]


def test_the_draws_have_what_they_are_for():
    """Objects at several levels, and models in models in models."""
    several = deep = 0
    for seed in range(60):
        model = drawn(gs, seed).model
        text = model.to_json()
        several += "shared_object_id" in text
        deep += any(path.count("/") >= 3 for path in model.weight_names)
    assert several >= 15
    assert deep >= 10
