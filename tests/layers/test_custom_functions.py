"""Functions of one's own as activations and layers: values, derivatives, what is refused, files."""

from __future__ import annotations

from functools import partial

import gradstep as gs
import numpy as np
import pytest
from gradients import difference, numeric_gradient
from gradstep import layers
from gradstep.activations import custom, dual

X = np.array([[0.3, 0.75, 1.2], [0.15, 0.6, 2.5]])


# -- dual numbers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in dual.PARTIALS if hasattr(np, name)])
def test_derivatives_of_numpy_functions(name: str) -> None:
    function = getattr(np, name)
    x = {"arccosh": 1 + X, "arcsin": X / 3, "arccos": X / 3, "arctanh": X / 3}.get(name, X)
    forms = [function] if function.nin == 1 else [lambda v: function(v, 1.7 * X), lambda v: function(1.7 * X, v)]
    forms += [] if function.nin == 1 else [lambda v: function(v + 0.1, np.sin(v)), lambda v: function(v, 2.0)]
    for form in forms:
        value, slope = custom.value_and_derivative(form, x)
        assert np.array_equal(value, form(x))
        step = 1e-6
        assert np.abs(slope - (form(x + step) - form(x - step)) / (2 * step)).max() < 1e-7


@pytest.mark.parametrize("name", [name for name in dual.PARTIALS if not hasattr(np, name)])
def test_derivatives_of_scipy_functions(name: str) -> None:
    function = getattr(pytest.importorskip("scipy.special"), name)
    value, slope = custom.value_and_derivative(function, X)
    assert np.array_equal(value, function(X))
    assert np.abs(slope - (function(X + 1e-6) - function(X - 1e-6)) / 2e-6).max() < 1e-8


OWN = {
    "relu": lambda z: np.maximum(z, 0),
    "leaky_relu": lambda z: np.where(z > 0, z, 0.2 * z),
    "relu6": lambda z: np.clip(z, 0, 6),
    "silu": lambda z: z / (1 + np.exp(-z)),
    "softsign": lambda z: z / (1 + abs(z)),
    "softplus": lambda z: np.logaddexp(z, 0),
    "mish": lambda z: z * np.tanh(np.log1p(np.exp(z))),
    "gelu": partial(lambda z, c: 0.5 * z * (1 + np.tanh(np.sqrt(2 / np.pi) * (z + c * z**3))), c=0.044715),
    "tanh": lambda z: (np.tanh(z), 1 - np.tanh(z) ** 2),
    "linear": lambda z: z,
}


@pytest.mark.parametrize("name", OWN)
def test_own_spellings_of_known_activations(name: str) -> None:
    """In a model of float64: predictions, gradients and a fit as with the engine's."""
    random = np.random.default_rng(1)
    x, y = random.normal(size=(20, 4)), random.normal(size=(20, 2))
    models = []
    known = partial(gs.activations.gelu, approximate=True) if name == "gelu" else name
    for activation in (known, OWN[name]):
        gs.utils.set_random_seed(1)
        hidden = [layers.Dense(5, activation, dtype="float64"), layers.Activation(activation, dtype="float64")]
        model = gs.Sequential([gs.Input((4,)), *hidden, layers.Dense(2, dtype="float64")])
        model.compile("adam", "mse")
        models.append(model)
    engine, own = models
    np.testing.assert_allclose(own.predict(x, verbose=0), engine.predict(x, verbose=0), rtol=1e-12)
    for a, b in zip(own.value_and_grad(x, y)[1], engine.value_and_grad(x, y)[1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-14)
    for model in models:
        model.fit(x, y, epochs=2, batch_size=8, shuffle=False, verbose=0)
    np.testing.assert_allclose(own.predict(x, verbose=0), engine.predict(x, verbose=0), rtol=1e-9)
    own.summary(print_fn=lambda *_: None)
    assert own.count_params() == engine.count_params()


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda z: z / z.sum(axis=-1, keepdims=True), "must be elementwise"),
        (lambda z: np.sum(z), "numpy.sum is not known"),
        (lambda z: np.add.reduce(z), "numpy.add.reduce"),
        (lambda z: z[:, :1], "not subscriptable"),
        (lambda z: z > 0, "has no derivative"),
        (lambda z: np.asarray(z) * 2, "operators and NumPy's elementwise functions alone"),
        (lambda z: np.spacing(z), "numpy.spacing, as it uses it, is not known"),
        (lambda z: None, "has no derivative"),
        (3.5, "a name or a function; got a float"),
        (layers.Dense, "a name or a function"),
    ],
)
def test_functions_without_a_known_derivative(function: object, message: str) -> None:
    for make in (lambda: layers.Dense(2, function), lambda: layers.Activation(function)):
        with pytest.raises(TypeError, match=message):
            make()


def test_of_a_pair_the_derivative_is_taken() -> None:
    straight = lambda z: (np.round(z.value if isinstance(z, dual.Dual) else z), np.ones(z.shape))  # noqa: E731
    layer = layers.Activation(straight, dtype="float64")
    assert np.array_equal(layer(X, training=True), np.round(X))
    assert np.array_equal(layer.backward(np.full(X.shape, 2.0))[0], np.full(X.shape, 2.0))


def bend(z: np.ndarray) -> np.ndarray:
    return z + 0.1 * np.sin(z)


def test_files_have_the_name(tmp_path: object) -> None:
    model = gs.Sequential([gs.Input((3,)), layers.Dense(2, bend), layers.Lambda(bend)])
    model.compile("adam", "mse")
    model.fit(X, X[:, :2], verbose=0)
    model.save(tmp_path / "m.gradstep")
    with pytest.raises(ValueError, match="custom_objects"):
        gs.models.load_model(tmp_path / "m.gradstep")
    other = gs.models.load_model(tmp_path / "m.gradstep", custom_objects={"bend": bend})
    for each in (model, other):
        each.fit(X, X[:, :2], epochs=2, verbose=0)
    assert np.array_equal(model.predict(X, verbose=0), other.predict(X, verbose=0))
    nameless = gs.Sequential([gs.Input((3,)), layers.Dense(2, lambda z: z * 2)])
    with pytest.raises(TypeError, match="got a lambda: define it with def"):
        nameless.to_json()


def test_a_custom_object_by_name() -> None:
    with gs.saving.custom_object_scope({"bend": bend}):
        assert layers.Dense(2, "bend").activation is bend


# -- Lambda ------------------------------------------------------------------------------------------------------------


def test_lambda_with_a_gradient() -> None:
    gs.utils.set_random_seed(2)
    share = layers.Lambda(
        lambda x, power: x**power / (x**power).sum(axis=1, keepdims=True),
        arguments={"power": 2},
        gradient=lambda x, dy, power: shares_back(x, dy),
        dtype="float64",
    )
    model = gs.Sequential([gs.Input((3,)), layers.Dense(4, dtype="float64"), share, layers.Dense(1, dtype="float64")])
    model.compile("sgd", "mse")
    y = np.array([[1.0], [2.0]])
    _, gradients = model.value_and_grad(X, y)
    for weight, gradient in zip(model.weights, gradients, strict=True):
        assert difference(gradient, numeric_gradient(lambda: model.value_and_grad(X, y)[0], weight)) <= 1e-7


def shares_back(x: np.ndarray, dy: np.ndarray) -> np.ndarray:
    squares = x**2
    total = squares.sum(axis=1, keepdims=True)
    return 2 * x * (dy - (dy * squares).sum(axis=1, keepdims=True) / total) / total


def test_lambda_of_another_shape_in_front_needs_no_gradient() -> None:
    layer = layers.Lambda(lambda x: np.concatenate([x, x[:, :1] * x[:, 1:2]], axis=1))
    model = gs.Sequential([gs.Input((3,)), layer, layers.Dense(1)])
    model.compile("adam", "mse")
    model.fit(X, X[:, 0], verbose=0)
    assert layer.output_shape == (None, 4)


def test_lambda_without_a_gradient_is_refused_where_it_is_needed() -> None:
    model = gs.Sequential(
        [gs.Input((3,)), layers.Dense(3), layers.Lambda(lambda x: x[:, :2], name="cut"), layers.Dense(1)]
    )
    model.compile("adam", "mse")
    before = model.get_weights()
    with pytest.raises(TypeError, match="layer 'cut' needs gradient="):
        model.fit(X, X[:, 0], verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.weights, strict=True))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"function": 3}, "function must be a function; got an int"),
        ({"function": bend, "gradient": "no"}, "gradient must be a function"),
        ({"function": bend, "arguments": [1]}, "arguments must be a dict"),
        ({"function": bend, "output_shape": "x"}, r"output_shape\[0\]"),
    ],
)
def test_wrong_arguments(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        layers.Lambda(**arguments)


# -- penalties of outputs, rows of length 1 ----------------------------------------------------------------------------


@pytest.mark.parametrize("penalty", ["l1", gs.regularizers.L1L2(0.1, 0.3)])
def test_activity_regularizer_is_part_of_the_loss(penalty: object) -> None:
    gs.utils.set_random_seed(5)
    hidden = layers.Dense(4, "tanh", activity_regularizer=penalty)
    model = gs.Sequential([gs.Input((3,)), hidden, layers.Dense(1)])
    model.compile("sgd", "mse")
    y = np.array([1.0, 2.0])
    z = hidden(X)
    plain = float(((model.predict(X, verbose=0)[:, 0] - y) ** 2).mean())
    expected = plain + gs.regularizers.get(penalty)(z) / 2
    assert model.evaluate(X, y, verbose=0) == pytest.approx(expected, rel=1e-6)
    assert model.value_and_grad(X, y)[0] == pytest.approx(expected, rel=1e-6)
    assert model.fit(X, y, verbose=0).history["loss"] == pytest.approx([expected], rel=1e-6)


def test_a_proximal_activity_regularizer_is_refused() -> None:
    with pytest.raises(ValueError, match="must not be proximal"):
        layers.Dense(2, activity_regularizer=gs.regularizers.L1(0.1, proximal=True))


def test_unit_normalization_of_any_size() -> None:
    layer = layers.UnitNormalization()
    for size in (1e-30, 1e-10, 1.0, 1e30):
        rows = layer(np.array([[3.0, 4.0]], np.float32) * np.float32(size))
        np.testing.assert_allclose(rows, [[0.6, 0.8]] if size > 1e-6 else [[3e6 * size, 4e6 * size]], rtol=1e-6)
    assert layers.UnitNormalization(axis=(1, 2))(np.ones((1, 2, 2)))[0].tolist() == [[0.5, 0.5], [0.5, 0.5]]
    for axis in (0, (), (0, 1)):
        with pytest.raises(ValueError, match="axis"):
            layers.UnitNormalization(axis=axis)
    with pytest.raises(ValueError, match="axis must be an axis"):
        layers.UnitNormalization(axis=2)(np.ones((1, 2)))


# -- against Keras -----------------------------------------------------------------------------------------------------


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_losses_and_outputs_are_keras_s() -> None:
    keras = pytest.importorskip("keras")
    y = np.array([1.0, 2.0])
    found = []
    for library, options in ((gs, {}), (keras, {})):
        ls = library.layers
        stack = [
            ls.Dense(4, activity_regularizer=library.regularizers.L1L2(0.1, 0.2), kernel_initializer="ones"),
            ls.ActivityRegularization(l1=0.3, l2=0.1),
            ls.Identity(),
            ls.UnitNormalization(),
            ls.Dense(1, kernel_initializer="ones"),
        ]
        model = library.Sequential([library.Input((3,)), *stack], **options)
        model.compile(library.optimizers.SGD(0.1), "mse")
        losses = model.fit(X, y, epochs=3, batch_size=1, shuffle=False, verbose=0).history["loss"]
        found.append((losses, model.evaluate(X, y, verbose=0), model.predict(X, verbose=0)))
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-5)
