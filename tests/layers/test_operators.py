"""Operators on symbolic tensors make layers that compute what NumPy does, have Keras's names, and are in files."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from keras_runs import keras_says

ROW = (3, 4)
# What is written, of two tensors or arrays of one shape.
FORMS = {
    "h + i": lambda h, i: h + i,
    "h - i": lambda h, i: h - i,
    "h * i": lambda h, i: h * i,
    "h + 2": lambda h, i: h + 2,
    "2 + h": lambda h, i: 2 + h,
    "h - 1": lambda h, i: h - 1,
    "1 - h": lambda h, i: 1 - h,
    "2 * h": lambda h, i: 2 * h,
    "h / 4": lambda h, i: h / 4,
    "-h": lambda h, i: -h,
    "h[:, :2]": lambda h, i: h[:, :2],
    "h[:, 1]": lambda h, i: h[:, 1],
    "h[..., -1]": lambda h, i: h[..., -1],
    "h[:, ::-1, 1:-1]": lambda h, i: h[:, ::-1, 1:-1],
    "h[:, None]": lambda h, i: h[:, None],
    "h[:, 1, ..., ::2]": lambda h, i: h[:, 1, ..., ::2],
    "all": lambda h, i: (h - i) * i[:, :1] + (1 - h[..., 0:1]) * 2,
}


def data():
    random = np.random.default_rng(0)
    return [random.normal(size=(5, *ROW)).astype(np.float32) for _ in range(2)]


@pytest.mark.parametrize("name", FORMS)
def test_value_and_files(name, tmp_path):
    h, i = gs.Input(ROW), gs.Input(ROW)
    outputs = FORMS[name](h, i)
    both = "i" in name or name == "all"
    model, xs = (gs.Model([h, i], outputs), data()) if both else (gs.Model(h, outputs), data()[0])
    expected = FORMS[name](*data())
    assert outputs.shape == (None, *expected.shape[1:])
    np.testing.assert_allclose(model.predict(xs, verbose=0), expected, rtol=1e-6, atol=1e-6)
    model.save(tmp_path / "model.gradstep")
    loaded = gs.models.load_model(tmp_path / "model.gradstep")
    assert [layer.name for layer in loaded.layers] == [layer.name for layer in model.layers]
    np.testing.assert_array_equal(loaded.predict(xs, verbose=0), model.predict(xs, verbose=0))


@pytest.mark.peers
def test_names_are_those_of_keras():
    """And shapes."""
    gs.backend.clear_session()
    h, i = gs.Input(ROW), gs.Input(ROW)
    ours = [[tensor.node.operation.name, list(tensor.shape)] for tensor in (form(h, i) for form in FORMS.values())]
    forms = list(FORMS)[:-1]
    said = keras_says(
        """
keras.backend.clear_session()
h, i = keras.Input((3, 4)), keras.Input((3, 4))
answer = []
for form in data["forms"]:
    tensor = eval(form)
    answer.append([tensor._keras_history.operation.name, tensor.shape])
""",
        forms=forms,
    )
    assert ours[:-1] == said


REFUSED = {
    "h / i": "true_divide of .* must be with a number; got a SymbolicTensor",
    "h * True": "multiply of .* must be with a number or a SymbolicTensor; got a bool",
    "h + 'x'": "add of .* must be with a number or a SymbolicTensor; got a str",
    "h * x": "multiply of .* must be with a number or a SymbolicTensor; got one array",
    "1 / h": "SymbolicTensor",
    "h ** 0.5": "1 to 8; got 0.5",
    "h @ i": "SymbolicTensor",
    "h[:, 1.5]": r"key\[1\] must be an int, a slice, None or '...'; got a float",
    "h[:, True]": r"key\[1\] must be an int, a slice",
    "h[:, x]": r"key\[1\] must be a whole number",
    "h[:, 'a']": r"key\[1\] must be a slice",
    "h[0]": "must begin with ':', for all rows.* got \\(0,\\)",
    "h[:2]": "must begin with ':', for all rows",
    "h[..., 0, 0, 0]": "must get inputs of 4 axes or more, that of the rows among them",
    "h[:, 0, 0, 0]": "must get inputs of 4 axes or more",
    "h[:, 0, 0]": "must leave an axis beside the rows",
    "h[:, 2:2]": "must leave an axis beside the rows, and something of each",
    "h[:, 5]": "index 5 is out of bounds",
    "h[..., ...]": "'...' at most once",
    "h[:, ::0]": r"key\[1\] must not have a step of 0",
}


@pytest.mark.parametrize("form", REFUSED)
def test_refused(form):
    with pytest.raises((TypeError, ValueError, IndexError), match=REFUSED[form]):
        eval(form, {"h": gs.Input(ROW), "i": gs.Input(ROW), "x": np.ones(4)})


def test_key_in_every_form():
    """As NumPy has it, and as files have it."""
    x = data()[0]
    forms = [(":", "1:", "::-2"), [slice(None), slice(1, None), slice(None, None, -2)], ["...", "1:", "::-2"]]
    for key in forms:
        layer = gs.layers.GetItem(key)
        np.testing.assert_array_equal(layer(x), x[:, 1:, ::-2])
        again = gs.layers.GetItem.from_config(layer.get_config())
        assert again.key == layer.key


@pytest.mark.parametrize("exponent", [1, 2, 3, 8])
def test_whole_powers_are_products(exponent):
    h = gs.Input(ROW)
    model = gs.Model(h, gs.layers.Activation("linear")(h**exponent))
    x = data()[0]
    expected = x
    for _ in range(exponent - 1):
        expected = expected * x
    np.testing.assert_array_equal(model.predict(x, verbose=0), expected)


def test_constants_beside_tensors_in_the_call_of_a_model(tmp_path):
    class Shifted(gs.Model):
        def __init__(self, **options):
            super().__init__(**options)
            self.dense, self.place = gs.layers.Dense(4), np.arange(4.0)

        def call(self, x):
            return self.dense(np.full(4, 2.0) * x + self.place) - np.ones(4)

    x = data()[0]
    model = Shifted()
    y = model.predict(x, verbose=0)
    kernel, bias = model.get_weights()
    np.testing.assert_allclose(y, (2 * x + np.arange(4)) @ kernel + bias - 1, rtol=1e-5, atol=1e-5)
    model.compile("sgd", "mse")
    model.fit(x, y, verbose=0)
    model.save(tmp_path / "m.gradstep")
    again = gs.models.load_model(tmp_path / "m.gradstep", custom_objects={"Shifted": Shifted})
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))
