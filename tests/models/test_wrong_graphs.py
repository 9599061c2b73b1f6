"""What functional models refuse: graphs, arguments of compile, data; nothing is trained then."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradstep import layers
from training import snapshot

X, A, B = np.zeros((6, 4)), np.zeros((6, 2)), np.zeros(6, int)
SPARSE = "sparse_categorical_crossentropy"


def model():
    gs.utils.set_random_seed(1)
    x, z = gs.Input((4,), name="x"), gs.Input((3,), name="z")
    h = layers.Concatenate(name="both")([layers.Dense(5, "relu", name="h")(x), z])
    made = gs.Model([x, z], [layers.Dense(2, name="a")(h), layers.Dense(3, "softmax", name="b")(h)], name="m")
    made.compile("adam", ["mse", SPARSE])
    return made


def of_config(change):
    config = model().get_config()
    change(config)
    return gs.Model.from_config(config)


def history(config, layer, call, place):
    """Where an argument comes from, in a config."""
    (words,) = (words for words in config["layers"] if words["name"] == layer)
    argument = words["inbound_nodes"][call]["args"][0]
    (argument[0] if isinstance(argument, list) else argument)["config"]["keras_history"] = place


P, Q = gs.Input((4,), name="i"), gs.Input((4,), name="j")
GRAPHS = {
    "training": (lambda: layers.Dropout(0.5)(P, training=True), ValueError, "training must be left out.*got True"),
    "training of another kind": (
        lambda: layers.Add()([P, Q], training="no"),
        TypeError,
        "training must be True or False",
    ),
    "training of a model": (lambda: model()([P, Q], training=True), ValueError, "training must be left out"),
    "no outputs": (lambda: gs.Model(P), TypeError, "Model takes inputs and outputs"),
    "subclass": (
        type("Own", (gs.Model,), {"__init__": lambda self: gs.Model.__init__(self)}),
        TypeError,
        "method call",
    ),
    "a shape": (lambda: gs.Model((4,), layers.Dense(1)(P)), TypeError, "inputs must be symbolic tensors.*0 is an int"),
    "a layer": (lambda: gs.Model(P, layers.Dense(1)), TypeError, "outputs must be symbolic tensors.*Dense"),
    "nothing": (lambda: gs.Model(P, []), ValueError, "outputs must be at least one"),
    "disconnected": (lambda: gs.Model(P, layers.Dense(1)(Q)), ValueError, "depend on the inputs alone; one needs 'j'"),
    "half": (lambda: gs.Model(P, layers.Add()([P, Q])), ValueError, "one needs 'j' too"),
    "from within": (
        lambda: gs.Model(layers.Dense(4, name="k")(P), Q),
        ValueError,
        "inputs must be of Input.*'k' gives",
    ),
    "twice": (lambda: gs.Model([P, P], layers.Dense(1)(P)), ValueError, "inputs must differ; 'i' is among them twice"),
    "same names": (
        lambda: gs.Model(P, [layers.Dense(1, name="q")(P), layers.Dense(1, name="q")(P)]),
        ValueError,
        "layers must have different names; two are called 'q'",
    ),
    "no layer": (lambda: gs.Model(P, P), ValueError, "must have a layer between its inputs and outputs"),
    "dtypes": (
        lambda: gs.Model(P, layers.Dense(1, dtype="float64")(layers.Dense(2)(P))),
        ValueError,
        "layers of a model must have one dtype",
    ),
    "other rows": (lambda: gs.Sequential([gs.Input((3,)), layers.Dense(1)])(P), ValueError, r"rows of shape \(4,\)"),
    "other shape": (lambda: gs.Model(P, layers.Dense(1)(P))(gs.Input((3,))), ValueError, r"has shape \(None, 4\)"),
    "too many": (lambda: gs.Model(P, layers.Dense(1)(P), name="m")([P, Q]), ValueError, "'m' must get 1 inputs; got 2"),
    "list": (lambda: layers.Dense(1, name="d")([P, Q]), ValueError, "'d' must get one input; got a list of 2"),
    "half a list": (lambda: layers.Add()([P, X]), TypeError, "must be symbolic tensors.*number 1 is"),
    "layer of arrays": (lambda: gs.Sequential([layers.Dense(2)(P)]), TypeError, "layer 0 must be a Layer"),
    "a circle": (
        lambda: of_config(lambda config: history(config, "h", 0, ["b", 0, 0])),
        ValueError,
        "connected without a circle, to layers that are there; a, b, both, h are not",
    ),
    "no such layer": (
        lambda: of_config(lambda config: history(config, "h", 0, ["w", 0, 0])),
        ValueError,
        "layer 'h' takes what layer 'w' gives, which is not there",
    ),
    "no such output": (
        lambda: of_config(lambda config: history(config, "a", 0, ["both", 0, 1])),
        ValueError,
        "takes output 1 of layer 'both', which has 1",
    ),
    "no place": (lambda: of_config(lambda config: history(config, "a", 0, "both")), ValueError, "got 'both'"),
    "no outputs in a config": (
        lambda: of_config(lambda config: config.update(output_layers=[["both", 3, 0]])),
        ValueError,
        r"output_layers has \['both', 3, 0\], which no layer gives",
    ),
    "no layers in a config": (lambda: of_config(lambda config: config.pop("layers")), TypeError, "a dict with layers"),
    "called otherwise": (
        lambda: of_config(lambda config: config["layers"][1]["inbound_nodes"][0].update(kwargs={"training": True})),
        ValueError,
        "called with training=True",
    ),
    "lookup": (
        lambda: model().get_layer("q"),
        ValueError,
        "name must be that of a layer, x, h, z, both, a, b; got 'q'",
    ),
    "lookup of both": (lambda: model().get_layer("a", 1), ValueError, "one of them; got 'a' and 1"),
    "lookup beyond": (lambda: model().get_layer(index=9), ValueError, "index must be below 6"),
}


@pytest.mark.parametrize("case", GRAPHS)
def test_no_model(case):
    call, error, message = GRAPHS[case]
    with pytest.raises(error, match=message):
        call()


COMPILE = {
    "a loss too few": ({"loss": ["mse"]}, ValueError, "loss must have a loss, or None, for each of a, b; got 1"),
    "loss of another": ({"loss": {"a": "mse", "c": "mse"}}, ValueError, "loss must be by the names a, b; got 'c'"),
    "loss missing": ({"loss": {"b": SPARSE}}, ValueError, "loss must have a loss, or None, for 'a'; it has 'b'"),
    "loss unknown": ({"loss": ["mse", "mze"]}, ValueError, "loss must be one of .*; got 'mze'"),
    "no loss at all": ({"loss": [None, None]}, ValueError, "a loss for at least one output"),
    "a weight too few": (
        {"loss_weights": [1.0]},
        ValueError,
        "loss_weights must have a number for each of a, b; got 1",
    ),
    "one weight": ({"loss_weights": 0.5}, TypeError, "loss_weights must be a list or dict"),
    "weight of another": ({"loss_weights": {"c": 1.0}}, ValueError, "loss_weights must be by the names a, b; got 'c'"),
    "weight a word": ({"loss_weights": [1.0, "x"]}, TypeError, "loss_weights of 'b' must be a real number"),
    "weight infinite": ({"loss_weights": [1.0, np.inf]}, ValueError, "loss_weights of 'b' must be finite"),
    "weights of nothing": ({"loss": None, "loss_weights": [1.0, 1.0]}, ValueError, "need a loss"),
    "metrics too few": (
        {"metrics": ["mae"]},
        ValueError,
        "metrics must have one, a list or None for each of a, b; got 1",
    ),
    "metrics of another": ({"metrics": {"c": "mae"}}, ValueError, "metrics must be by the names a, b; got 'c'"),
    "metrics a word": ({"metrics": "mae"}, TypeError, "metrics must be a list or dict"),
    "metric unknown": ({"metrics": {"a": "mea"}}, ValueError, "got 'mea'"),
    "metric twice": ({"metrics": {"a": ["mae", "mae"]}}, ValueError, "got 'mae' again"),
    "one metric of two": ({"metrics": [[gs.metrics.AUC(name="q")]] * 2}, ValueError, "accumulates its own values"),
    "metrics without loss": ({"loss": None, "metrics": ["mae", None]}, ValueError, "metrics need a loss"),
    "targets of another kind": ({"metrics": {"b": "mae"}}, ValueError, "'mae' takes rows of numbers"),
}


@pytest.mark.parametrize("case", COMPILE)
def test_compile_refused(case):
    arguments, error, message = COMPILE[case]
    made = model()
    kept = made.optimizer, made.loss, made.metrics_names
    with pytest.raises(error, match=message):
        made.compile(**{"optimizer": "sgd", "loss": ["mse", SPARSE]} | arguments)
    assert (made.optimizer, made.loss, made.metrics_names) == kept


Z = np.zeros((6, 3))
FIT = {
    "x an array": ((X, [A, B]), {}, TypeError, "x must be a list or dict, with an array for each of x, z"),
    "x too few": (([X], [A, B]), {}, ValueError, "x must have an array for each of x, z; got 1"),
    "x missing": (({"x": X}, [A, B]), {}, ValueError, "x must have data for input 'z'; it has 'x'"),
    "x unknown": (({"x": X, "z": Z, "w": Z}, [A, B]), {}, ValueError, "x must be by the names x, z; got 'w'"),
    "x of another shape": (([X, X], [A, B]), {}, ValueError, r"x\['z'\] has shape \(6, 4\)"),
    "x of other rows": (
        ([X, Z[1:]], [A, B]),
        {},
        ValueError,
        "the same number of rows for each input; got {'x': 6, 'z': 5}",
    ),
    "x no numbers": (([X, "z"], [A, B]), {}, TypeError, r"x\['z'\] must be an array of real numbers"),
    "no rows": (([X[:0], Z[:0]], [A[:0], B[:0]]), {}, ValueError, "x must have at least one row"),
    "no y": (([X, Z],), {}, ValueError, "y must be targets; got None"),
    "y an array": (([X, Z], A), {}, TypeError, "y must be a list or dict, with targets for each of a, b"),
    "y too few": (([X, Z], [A]), {}, ValueError, "y must have targets for each of a, b; got 1"),
    "y missing": (([X, Z], {"a": A}), {}, ValueError, "y must have targets for output 'b'"),
    "y unknown": (([X, Z], {"a": A, "c": B}), {}, ValueError, "y must be by the names a, b; got 'c'"),
    "y of another shape": (([X, Z], [X, B]), {}, ValueError, r"y\['a'\] has shape \(6, 4\)"),
    "y of other rows": (
        ([X, Z], [A[1:], B]),
        {},
        ValueError,
        r"y\['a'\] must have the same number of rows as x; got 5 and 6",
    ),
    "no such class": (([X, Z], [A, B + 3]), {}, ValueError, r"y\['b'\].*is 3; labels must be in \[0, 3\)"),
    "weights of another": (
        ([X, Z], [A, B]),
        {"sample_weight": {"c": B}},
        ValueError,
        "sample_weight must be by the names",
    ),
    "weights too many": (([X, Z], [A, B]), {"sample_weight": [B, B, B]}, ValueError, "for each of a, b; got 3"),
    "weights of other rows": (
        ([X, Z], [A, B]),
        {"sample_weight": [None, np.ones(5)]},
        ValueError,
        r"sample_weight\['b'\] must have a number for each of 6 rows",
    ),
    "classes": (([X, Z], [A, B]), {"class_weight": {0: 2.0}}, ValueError, "class_weight is for models of one output"),
    "validation": (
        ([X, Z], [A, B]),
        {"validation_data": ([X, Z], [A])},
        ValueError,
        r"validation_data\[1\] must have targets for each of a, b",
    ),
}


@pytest.mark.parametrize("case", FIT)
def test_fit_refused(case):
    data, more, error, message = FIT[case]
    made = model()
    made.fit([X, Z], [A, B], verbose=0)
    before = snapshot(made)
    with pytest.raises(error, match=message):
        made.fit(*data, verbose=0, **more)
    assert snapshot(made) == before


def test_a_model_of_one_output_takes_what_keras_takes():
    """Of loss, weights and metrics a list of one, or a dict by its name; others are refused."""
    made = gs.Sequential([gs.Input((4,)), layers.Dense(2, name="d")])
    for loss, metrics in ((["mse"], [["mae"]]), ({"d": "mse"}, {"d": "mae"}), ("mse", ["mae"])):
        made.compile("sgd", loss, metrics=metrics)
        assert made.metrics_names == ["loss", "mae"]
    for arguments, message in (
        ({"loss": ["mse", "mae"]}, "loss must be one, for the model has one output; got 2"),
        ({"loss": {"e": "mse"}}, "loss must be by the names d; got 'e'"),
        ({"loss": "mse", "loss_weights": [1, 2]}, "loss_weights must be one"),
        ({"loss_weights": 2.0}, "loss_weights need a loss"),
    ):
        with pytest.raises(ValueError, match=message):
            made.compile("sgd", **arguments)


@pytest.mark.parametrize("cls", ["Dense", "Input", "Sequential", "Model"])
def test_a_name_with_a_slash_is_refused(cls):
    """``a/b`` is a layer b of a model a in the names of weights: two of them were one, and a weight was lost."""
    x = gs.Input((2,))
    makes = {
        "Dense": lambda name: gs.layers.Dense(1, name=name),
        "Input": lambda name: gs.Input((2,), name=name),
        "Sequential": lambda name: gs.Sequential([], name=name),
        "Model": lambda name: gs.Model(x, gs.layers.Dense(1)(x), name=name),
    }
    with pytest.raises(ValueError, match=r"name must have no '/', which stands between names in those of weights"):
        makes[cls]("a/b")
    assert gs.metrics.Mean(name="train/loss").name == "train/loss"  # as TensorBoard groups curves
