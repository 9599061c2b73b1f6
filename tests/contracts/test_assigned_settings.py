"""An argument of a layer's constructor that is assigned later holds from then on, or is refused: never neither."""

from __future__ import annotations

import inspect
from importlib.util import find_spec
from typing import Any

import gradstep as gs
import numpy as np
import pytest
from gradstep.described import serialize
from gradstep.layers.base.settings import settings_of
from probe import draw_as_in_call, draw_the_same
from tangent_cases import CASES, made
from training import clusters

L = gs.layers
# Values to try, of any argument: the constructor says which of them it takes.
VALUES: tuple[Any, ...] = (0.25, 0, 1, 2, True, False, "tanh", "linear", "valid", "zeros", "l2", "max_norm", (2, 2))


def packed(values: list[Any]) -> Any:
    return values[0] if len(values) == 1 else values


def outputs(model: Any, x: list[np.ndarray]) -> list[np.ndarray]:
    """What comes out in inference and in training, with the same draws."""
    found = [model.predict_on_batch(packed(x))]
    draw_as_in_call(model, 7)
    return [*found, model(packed(x), training=True)]


def copied(model: Any, changed: Any = None, **settings: Any) -> Any:
    """An equal model; or one of which a layer was made with other settings."""

    def copy(layer: Any) -> Any:
        own = settings if layer is changed else {}
        if isinstance(layer, (L.TimeDistributed, L.Bidirectional, L.RNN, L.EinsumDense)):
            return type(layer).from_config(layer.get_config())
        return type(layer)(**settings_of(layer) | {"name": layer.name} | own)

    again = gs.models.clone_model(model, clone_function=copy)
    again.set_weights(model.get_weights())
    draw_the_same(again, model)
    return again


def words(value: Any) -> Any:
    """A setting as files have it, or a lambda itself."""
    try:
        return serialize(value)
    except TypeError:
        return value


def others(layer: Any, name: str) -> list[Any]:
    """Values, other than the layer's, that the constructor takes."""
    given, found = settings_of(layer), []
    for value in VALUES:
        try:
            other = type(layer)(**given | {name: value})
        except (TypeError, ValueError):
            continue
        if words(settings_of(other)[name]) != words(given[name]):
            found.append(value)
    return found[:2]


def settable(model: Any) -> list[tuple[str, str]]:
    """Settings of layers that the engine computes, layer by layer."""
    return [
        (layer.name, name)
        for layer in model.layers
        if not isinstance(
            layer,
            (gs.Model, gs.Sequential, L.InputLayer, L.TimeDistributed, L.Bidirectional, L.RNN, L.EinsumDense, L.Lambda),
        )
        and type(layer).__module__.startswith("gradstep.")
        for name in sorted(settings_of(layer).keys() - {"dtype", "seed"})
        if not name.endswith("initializer")
    ]


@pytest.mark.filterwarnings("ignore:.*of one number")
@pytest.mark.parametrize("name", CASES)
def test_an_assigned_setting_holds_or_is_refused(name):
    model, x, _ = made(name, np.random.default_rng(len(name)))
    for layer_name, setting in settable(model):
        for value in others(model.get_layer(layer_name), setting):
            tried = copied(model)
            layer, before = tried.get_layer(layer_name), outputs(copied(tried), x)
            try:
                setattr(layer, setting, value)
            except (AttributeError, TypeError, ValueError):
                assert all(map(np.array_equal, outputs(tried, x), before))  # as it was
                continue
            wanted = copied(model, model.get_layer(layer_name), **{setting: value})
            draw_the_same(wanted, tried)
            assert words(getattr(layer, setting)) == words(getattr(wanted.get_layer(layer_name), setting))
            found = outputs(tried, x)
            assert all(map(np.array_equal, found, outputs(wanted, x))), (layer_name, setting, value)


@pytest.mark.parametrize(
    ("layer", "setting", "value"),
    [
        (L.Dense(3), "units", 4),
        (L.Dense(3), "use_bias", False),
        (L.BatchNormalization(), "axis", 1),
        (L.Reshape((2, 3)), "target_shape", (3, 2)),
        (L.LSTM(3), "return_sequences", True),
        (L.TimeDistributed(L.Dense(2)), "layer", L.Dense(3)),
        (L.Bidirectional(L.LSTM(3)), "merge_mode", "sum"),
        (L.Dense(3), "dtype", "float64"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_what_decides_shapes_is_refused(layer, setting, value):
    x = np.ones((2, 3, 2) if not isinstance(layer, L.Reshape) else (2, 6), np.float32)
    before, present = layer(x), getattr(layer, setting)
    with pytest.raises((AttributeError, ValueError), match=f"{setting} of layer .* holds for good"):
        setattr(layer, setting, value)
    assert getattr(layer, setting) is present
    assert np.array_equal(layer(x), before)


def small(*layers: Any) -> gs.Sequential:
    gs.utils.set_random_seed(1)
    model = gs.Sequential([gs.Input((20,)), *layers, L.Dense(4, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def test_models_compute_with_it_at_once_and_go_on_training():
    x, y = clusters(60)
    model = small(L.Dense(8, "relu"), L.Dropout(0.5, seed=1))
    outer = gs.Model(model.inputs, model.layers[0].output)  # another model of the same layer
    model.fit(x, y, verbose=0)
    bound = [weight.__array_interface__["data"][0] for weight in model.weights]
    expected = np.tanh(x @ model.layers[0].kernel + model.layers[0].bias)
    model.layers[0].activation = gs.activations.tanh
    model.layers[1].rate = 0.0
    assert np.allclose(outer.predict(x, verbose=0), expected, atol=1e-6)
    again = gs.models.clone_model(model)
    again.set_weights(model.get_weights())
    assert np.array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))
    assert np.array_equal(model(x, training=True), model.predict(x, verbose=0))  # nothing is dropped
    assert [weight.__array_interface__["data"][0] for weight in model.weights] == bound
    steps = model.optimizer.iterations
    model.fit(x, y, verbose=0)
    assert model.optimizer.iterations == 2 * steps  # the optimizer goes on with its state


def test_a_callback_that_lowers_the_rate_of_dropout():
    x, y = clusters(60)
    rates = []

    class Lower(gs.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.model.layers[0].rate = 0.0 if epoch else 0.9
            rates.append(self.model.layers[0].rate)

    model, plain = small(L.Dropout(0.9, seed=1)), small(L.Dropout(0.9, seed=1))
    model.fit(x, y, epochs=2, shuffle=False, verbose=0, callbacks=[Lower()])
    plain.fit(x, y, epochs=1, shuffle=False, verbose=0)
    plain.layers[0].rate = 0.0
    plain.fit(x, y, epochs=1, shuffle=False, verbose=0)
    assert rates == [0.9, 0.0]
    assert all(map(np.array_equal, model.get_weights(), plain.get_weights()))


def test_a_model_is_written_as_it_computes(tmp_path):
    x, y = clusters(60)
    model = small(L.Dense(8, "relu"), L.BatchNormalization())
    model.fit(x, y, verbose=0)
    model.layers[0].activation = "elu"
    model.layers[1].epsilon = 0.5
    names = ("m.keras", "m.gradstep") if find_spec("h5py") else ("m.gradstep",)
    for name in names:
        model.save(tmp_path / name)
        assert np.array_equal(gs.models.load_model(tmp_path / name).predict(x, verbose=0), model.predict(x, verbose=0))


def test_layers_within_wrappers_tell_the_model():
    x = np.random.default_rng(0).normal(size=(4, 5, 3)).astype(np.float32)
    inner = L.Dense(2, "relu")
    model = gs.Sequential([gs.Input((5, 3)), L.TimeDistributed(inner)])
    before = model.predict(x, verbose=0)
    inner.activation = "linear"
    after = model.predict(x, verbose=0)
    assert np.array_equal(before, np.maximum(after, 0))
    assert not np.array_equal(before, after)


def test_weights_are_not_replaced_but_written():
    layer = L.Dense(2, kernel_initializer="ones")
    layer.build((None, 3))
    kernel = layer.kernel
    layer.kernel *= 2  # in place
    layer.kernel -= 1.5
    assert layer.kernel is kernel
    assert np.array_equal(kernel, np.full((3, 2), 0.5))
    with pytest.raises(AttributeError, match=r"kernel of layer .* write into it, layer.kernel\[\.\.\.\] = values"):
        layer.kernel = np.zeros((3, 2))
    kernel.assign_add(np.ones((3, 2)))
    kernel.assign_sub(np.full((3, 2), 0.5))
    assert np.array_equal(kernel.value, np.ones((3, 2)))
    assert type(kernel.value) is np.ndarray
    assert np.shares_memory(kernel.value, kernel)
    with pytest.raises(ValueError, match=r"value has shape \(2,\)|could not be broadcast"):
        kernel.assign_add(np.ones((4, 2)))
    with pytest.raises(AttributeError, match="output_shape of layer"):
        layer.output_shape = (3,)


def test_before_the_build_every_setting_may_change():
    x = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    layer = L.Dense(2)
    layer.units = 5
    layer.activation = lambda x: 2 * x
    layer.activity_regularizer = "l2"
    layer.dtype = "float64"
    y = layer(x)
    assert y.shape == (4, 5)
    assert y.dtype == np.float64
    assert np.allclose(y, 2 * (x @ layer.kernel))
    assert isinstance(layer.activity_regularizer, gs.regularizers.L2)
    drop = L.Dropout(0.5)
    with pytest.raises(ValueError, match="rate must be in"):
        drop.rate = 7
    with pytest.raises(TypeError, match="units must be a whole number"):
        L.Dense(2).units = "a"
    assert drop.rate == 0.5


SETTLED = [
    (cls, name)
    for module in (gs.metrics, gs.regularizers, gs.constraints)
    for cls in (getattr(module, one) for one in module.__all__)
    if inspect.isclass(cls) and cls not in (gs.metrics.Metric, gs.regularizers.Regularizer, gs.constraints.Constraint)
    for name in inspect.signature(cls).parameters
    if name not in ("name", "dtype", "args", "kwargs", "fn")
]
NEEDED = {
    "num_classes": 3,
    "target_class_ids": [0, 1],
    "fn": gs.losses.mean_squared_error,
    "recall": 0.5,
    "precision": 0.5,
    "sensitivity": 0.5,
    "specificity": 0.5,
}


@pytest.mark.parametrize(("cls", "name"), SETTLED, ids=lambda one: getattr(one, "__name__", one))
def test_what_is_read_once_cannot_be_assigned(cls, name):
    """A metric, regularizer or constraint is made anew instead; a layer takes a new regularizer at once."""
    needed = {key: NEEDED[key] for key, one in inspect.signature(cls).parameters.items() if one.default is one.empty}
    thing = cls(**needed)
    present = getattr(thing, name)
    with pytest.raises(AttributeError, match=f"{name} of {cls.__name__} holds for good|has no setter|can't set"):
        setattr(thing, name, 0.5)
    assert getattr(thing, name) is present


def test_a_new_regularizer_counts_at_once():
    x = np.ones((4, 3), np.float32)
    model = gs.Sequential([gs.Input((3,)), L.Dense(1, kernel_initializer="ones", kernel_regularizer="l2")])
    model.compile("sgd", "mse")
    plain = model.evaluate(x, x @ model.layers[0].kernel, verbose=0)
    model.layers[0].kernel_regularizer = gs.regularizers.L2(1.0)
    assert (plain, model.evaluate(x, x @ model.layers[0].kernel, verbose=0)) == pytest.approx((0.03, 3.0))


def test_bound_arrays_have_no_hyperparameters():
    bound = gs.optimizers.SGD(0.1).bind(np.ones(1))
    with pytest.raises(AttributeError, match=r"is set on the optimizer: bound.optimizer.learning_rate = "):
        bound.learning_rate = 0.5
