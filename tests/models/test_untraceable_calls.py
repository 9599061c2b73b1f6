"""What `call` of a model or layer must not do: errors that name it and say what to write instead."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradstep import layers
from subclassed import classes, data_of

MADE = classes(gs)


def model_with(call, **attributes):
    def start(self):
        gs.Model.__init__(self, name="wrong")
        self.dense = layers.Dense(3)
        for name, value in attributes.items():
            setattr(self, name, value)

    return type("Wrong", (gs.Model,), {"__init__": start, "call": call})()


WRONG = {
    "numpy": (lambda self, x: np.exp(self.dense(x)), TypeError, r"call\(\) of Wrong 'wrong' .*numpy.exp .*Activation"),
    "numpy's function": (lambda self, x: np.concatenate([x, x]), TypeError, r"numpy.concatenate .*layers.Concatenate"),
    "method": (lambda self, x: self.dense(x).mean(), AttributeError, "cannot be traced: a symbolic tensor has no mean"),
    "branch": (lambda self, x: x if self.dense(x) > 0 else -x, TypeError, "cannot be traced.*compare.*forward"),
    "truth": (lambda self, x: x if self.dense(x) else -x, TypeError, "cannot be traced.*neither true nor false"),
    "loop": (lambda self, x: next(iter(x)), TypeError, "cannot be traced.*no numbers to go through"),
    "number": (lambda self, x: 3, TypeError, "must return symbolic tensors.*an int"),
    "nothing": (lambda self, x: None, TypeError, "must return symbolic tensors"),
    "new layer": (lambda self, x: layers.Dense(3)(x), ValueError, "must not make layer 'dense.*has weights.*attribute"),
    "new dropout": (lambda self, x: layers.Dropout(0.5)(self.dense(x)), ValueError, "must not make.*draws"),
    "training": (
        lambda self, x, training: self.dense(x) if training else x,
        ValueError,
        "must do the same for training=True and False",
    ),
    "always in training": (lambda self, x: self.dense(x, training=True), ValueError, "predict and evaluate never"),
    "two arguments": (lambda self, x, y: self.dense(x), TypeError, "one argument.*needs 'y' too"),
    "identity": (lambda self, x: x, ValueError, "a layer or operation between inputs and outputs"),
    "nested outputs": (
        lambda self, x: {"a": [self.dense(x)]},
        TypeError,
        "outputs must be symbolic tensors.*a list of 1",
    ),
    "loss": (lambda self, x: self.add_loss(x), NotImplementedError, r"must not use add_loss\(\): activity_regularizer"),
    "power": (lambda self, x: self.dense(x) ** 0.5, TypeError, r"cannot be traced.*\*\*"),
    "weight of a layer": (lambda self, x: self.dense(x) + self.dense.bias, TypeError, "one of another layer"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_traced(case):
    call, error, words = WRONG[case]
    model = model_with(call)
    with pytest.raises(error, match=words):
        model.predict(np.ones((2, 3)), verbose=0)
    assert not model.built


def test_loops_of_keras_are_refused_where_nothing_calls_them():
    class Loops(MADE["MLP"]):
        def train_step(self, data):
            raise AssertionError("fit does not call it")

    model, (x, y) = Loops(), data_of("MLP")
    model.compile("adam", "mse")
    with pytest.raises(NotImplementedError, match=r"train_step\(\) of Loops: .*value_and_grad"):
        model.fit(x, y, verbose=0)


def test_other_refusals():
    with pytest.raises(AttributeError, match="weights of a model's own lie in a layer"):
        MADE["MLP"]().add_weight((3,))
    x = gs.Input((3,))
    y, both = layers.Dense(2)(x), type("Both", (gs.Model,), {"call": lambda self, x: x})
    with pytest.raises(TypeError, match="both"):
        both(x, y)

    class Late(layers.Layer):
        def call(self, x):
            return x @ self.add_weight((3, 3))

    with pytest.raises(ValueError, match=r"weights are added in build\(\)"):
        gs.Sequential([gs.Input((3,)), Late(), layers.Dense(1)])

    class Twins(layers.Layer):
        def __init__(self):
            super().__init__()
            self.a, self.b = layers.Dense(2, name="same"), layers.Dense(2, name="same")

        def call(self, x):
            return self.a(x) + self.b(x)

    with pytest.raises(ValueError, match="two are called 'same'"):
        Twins()(gs.Input((3,)))


def test_a_call_in_numpy_without_layers_computes_as_before():
    class Wave(layers.Layer):
        def call(self, x):
            return np.sin(x)

    x = np.linspace(0, 1, 6).reshape(2, 3)
    model = gs.Sequential([gs.Input((3,)), Wave()])
    np.testing.assert_allclose(model.predict(x, verbose=0), np.sin(x), rtol=1e-6)
    model.add(layers.Dense(1))
    model.compile("sgd", "mse")
    model.fit(x, x[:, :1], verbose=0)  # nothing before it is trained
    model = gs.Sequential([gs.Input((3,)), layers.Dense(3), Wave()])
    model.compile("sgd", "mse")
    with pytest.raises(NotImplementedError, match="must define backward"):
        model.fit(x, x, verbose=0)
