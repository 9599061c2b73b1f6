"""What a layer of the user's own must not give, and what it cannot have: errors that name it, and nothing trained."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest

FLOAT = {"dtype": "float64"}


def layer_with(**methods):
    """A layer of class Wrong with these methods, for rows of 5 numbers."""
    kept = {
        "build": lambda self, shape: setattr(self, "w", self.add_weight((5,), "ones")),
        "compute_output_shape": lambda self, shape: tuple(shape),
        "forward": lambda self, x, training=False: x * self.w,
        "backward": lambda self, dy: (dy * self.w, [dy.sum(axis=0)]),
    }
    found = {name: method for name, method in (kept | methods).items() if method is not None}
    return type("Wrong", (gs.layers.Layer,), found)(name="wrong", **FLOAT)


SHAPE = r"must have shape \(8, 5\); it has"
NUMBERS = r"forward\(\) must be an array of numbers"
WRONG = {
    "forward of another shape": ({"forward": lambda self, x: x[:, :2]}, ValueError, SHAPE),
    "forward of fewer rows": ({"forward": lambda self, x: x[:1]}, ValueError, SHAPE),
    "forward of words": ({"forward": lambda self, x: np.array(["a"])}, TypeError, NUMBERS),
    "forward of nothing": ({"forward": lambda self, x: None}, TypeError, NUMBERS),
    "call of another shape": ({"forward": None, "call": lambda self, x: x[:, :2]}, ValueError, SHAPE),
    "no backward": ({"backward": None}, NotImplementedError, r"must define backward\(dy\)"),
    "no gradients": ({"backward": lambda self, dy: dy}, ValueError, "each of its 1 trainable weights; it gave 0"),
    "too many": ({"backward": lambda self, dy: (dy, [dy[0]] * 2)}, ValueError, "each of its 1 .* it gave 2"),
    "no pair": ({"backward": lambda self, dy: (dy, dy, dy)}, TypeError, "dx, or a pair"),
    "no list": ({"backward": lambda self, dy: (dy, dy[0])}, TypeError, "dx, or a pair"),
    "dx of another shape": ({"backward": lambda self, dy: (dy[:, :2], [dy[0]])}, ValueError, "dx .* " + SHAPE),
    "no dx": ({"backward": lambda self, dy: (None, [dy[0]])}, TypeError, "dx that backward"),
    "gradient's shape": ({"backward": lambda self, dy: (dy, [dy])}, ValueError, r"gradient of 'weight' .* \(5,\)"),
    "x is written to": ({"forward": lambda self, x: np.multiply(x, 2, out=x)}, ValueError, "read-only"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_results_are_refused_by_the_layer_s_name(case):
    methods, error, words = WRONG[case]
    before, after = gs.layers.Dense(5, **FLOAT), gs.layers.Dense(1, **FLOAT)
    norm = gs.layers.BatchNormalization(**FLOAT)  # its averages too are as they were
    model = gs.Sequential([gs.Input((5,)), before, norm, layer_with(**methods), after])
    model.compile("adam", "mse")
    at_first = model.get_weights()
    with pytest.raises(error, match=words) as caught:
        model.fit(np.ones((8, 5)), np.ones((8, 1)), verbose=0)
    assert "'wrong'" in str(caught.value) or "read-only" in words
    for weight, kept in zip(model.weights, at_first, strict=True):
        np.testing.assert_array_equal(weight, kept)
    assert model.optimizer.iterations == 0


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"shape": (0,)}, ValueError, r"shape\[0\]"),
        ({"shape": "a"}, TypeError, "shape"),
        ({"initializer": "zeroes"}, ValueError, "initializer"),
        ({"initializer": lambda shape, dtype: np.ones(3)}, ValueError, r"must give an array of shape \(2, 2\)"),
        ({"trainable": 1}, TypeError, "trainable"),
        ({"name": ""}, TypeError, "name"),
        ({"name": "a/b"}, TypeError, "slash"),
        ({"regularizer": "l7"}, ValueError, "regularizer"),
        ({"shape": (), "regularizer": "l2"}, ValueError, "an array of one axis or more"),
        ({"shape": (2, 2, 2), "constraint": "max_norm"}, ValueError, "all but the last of a kernel of 3 dimensions"),
        ({"constraint": "max"}, ValueError, "constraint"),
        ({"shape": (), "constraint": "max_norm"}, ValueError, "an array of one axis or more"),
    ],
)
def test_weights_that_cannot_be_added(arguments, error, words):
    layer = layer_with(build=lambda self, shape: self.add_weight(**({"shape": (2, 2)} | arguments)))
    with pytest.raises(error, match=words):
        layer.build((None, 5))
    assert not layer.built
    assert layer.weights == []


def test_a_layer_without_a_way_back_is_refused_before_anything_begins():
    model, begun = gs.Sequential([gs.Input((5,)), gs.layers.Dense(5, **FLOAT), layer_with(backward=None)]), []
    model.compile("adam", "mse")
    with pytest.raises(NotImplementedError, match=r"layer 'wrong' must define backward"):
        model.fit(
            np.ones((8, 5)), np.ones((8, 5)), callbacks=[gs.callbacks.LambdaCallback(on_train_begin=begun.append)]
        )
    assert begun == []
    assert model.evaluate(np.ones((8, 5)), np.ones((8, 5)), verbose=0) >= 0


def test_other_refusals():
    with pytest.raises(TypeError, match=r"must define forward\(\) to add weights"):
        gs.layers.Dense(3).add_weight((2,))
    layer = layer_with()
    layer.build((None, 5))
    with pytest.raises(ValueError, match="is built"):
        layer.add_weight((2,))

    class Forgot(gs.layers.Layer):
        def __init__(self):
            pass

        def forward(self, x):
            return x

    with pytest.raises(TypeError, match=r"layer 0 must call super\(\).__init__\(\)"):
        gs.Sequential([Forgot()])
    holder = layer_with(build=lambda self, shape: setattr(self, "inner", [gs.layers.Dense(3)]))
    with pytest.raises(TypeError, match=r"must not hold other layers.*'inner'"):
        holder.build((None, 5))
    model = gs.Sequential([gs.Input((5,)), layer_with(), gs.layers.Dense(3, "softmax", **FLOAT)])
    model.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match=r"y\[1\] is 3"):
        model.fit(np.ones((2, 5)), np.array([0, 3]), verbose=0)
