"""Models with layers of the user's own between the engine's: they are as good as any."""

from __future__ import annotations

import json

import gradstep as gs
import numpy as np
import pytest
from gradients import difference, numeric_gradient
from own_layers import Counting, Double, NumpyDense, Seen
from probe import calls, draw_as_in_call, is_fed_in_python, rekey

FLOAT = {"dtype": "float64"}
# The same sums in another order, of some hundred numbers of size 1, over a few steps.
CLOSE = {"rtol": 1e-12, "atol": 1e-12}


def model_of(kind, optimizer="adam", loss="sparse_categorical_crossentropy", seed=0, **compiled):
    """Two models that compute the same, of `Dense` or `NumpyDense` in the middle, with the same weights."""
    gs.utils.set_random_seed(seed)
    middle = kind(6, kernel_regularizer="l2", kernel_constraint=gs.constraints.MaxNorm(1.0), name="middle", **FLOAT)
    model = gs.Sequential(
        [
            gs.Input((5,)),
            gs.layers.Dense(
                8, "relu", name="first", kernel_regularizer=gs.regularizers.L1(0.1, proximal=True), **FLOAT
            ),
            gs.layers.Dropout(0.25, seed=3, name="dropout", **FLOAT),
            gs.layers.BatchNormalization(name="norm", **FLOAT),
            middle,
            gs.layers.Activation("tanh", name="function", **FLOAT),
            gs.layers.Dense(3, "softmax", name="last", **FLOAT),
        ],
        name="model",
    )
    random = np.random.default_rng(seed)
    model.set_weights([0.1 + random.random(w.shape) for w in model.weights])
    model.compile(optimizer() if callable(optimizer) else optimizer, loss, **compiled)
    return model


def data(rows=50, seed=0):
    random = np.random.default_rng(seed)
    return random.normal(size=(rows, 5)), random.integers(0, 3, rows), random.random(rows)


def same(first, second):
    for a, b in zip(first, second, strict=True):
        np.testing.assert_allclose(a, b, **CLOSE)


OPTIMIZERS = {
    "SGD": lambda: gs.optimizers.SGD(0.1, momentum=0.9, nesterov=True),
    "Adam, all options": lambda: gs.optimizers.AdamW(
        gs.optimizers.schedules.ExponentialDecay(0.01, 3, 0.9),
        weight_decay=0.1,
        global_clipnorm=0.5,
        gradient_accumulation_steps=2,
        use_ema=True,
        ema_overwrite_frequency=3,
    ),
    "Lamb": lambda: gs.optimizers.Lamb(0.01),
    "Prodigy": lambda: gs.optimizers.Prodigy(),
    "Muon": lambda: gs.optimizers.Muon(0.01),
    "SAM": lambda: gs.optimizers.SAM("adam"),
    "Lookahead": lambda: gs.optimizers.Lookahead("sgd", sync_period=2),
    "MultiOptimizer": lambda: gs.optimizers.MultiOptimizer(
        {"*bias": gs.optimizers.SGD(0.1), "*": gs.optimizers.Adam(0.01)}
    ),
    "ScheduleFreeSGD": lambda: gs.optimizers.ScheduleFreeSGD(0.1),
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_training_equals_that_of_the_engine(optimizer):
    x, y, weights = data()
    found = []
    for kind in (gs.layers.Dense, NumpyDense):
        model = model_of(
            kind, OPTIMIZERS[optimizer], metrics=["accuracy"], weighted_metrics=["sparse_categorical_crossentropy"]
        )
        gs.utils.set_random_seed(9)
        history = model.fit(x, y, 8, 4, 0, sample_weight=weights, validation_split=0.2, shuffle=True).history
        scores = model.evaluate(x, y, verbose=0, sample_weight=weights)
        batch = model.train_on_batch(x[:9], y[:9], weights[:9])
        found.append((history, scores, batch, model.weights, model.predict(x, 7, 0)))
    assert list(found[0][0]) == list(found[1][0])
    same(found[0][0].values(), found[1][0].values())
    for first, second in zip(found[0][1:3], found[1][1:3], strict=True):
        np.testing.assert_allclose(first, second, **CLOSE)
    same(found[0][3], found[1][3])
    np.testing.assert_allclose(found[0][4], found[1][4], **CLOSE)


@pytest.mark.parametrize("loss", ["own", "masked", "binary_crossentropy", "categorical_hinge", "dice"])
def test_losses_equal_those_in_the_engine(loss):
    x, y, weights = data()
    targets = np.eye(3)[y]
    if loss == "masked":
        targets, chosen = np.where(y == 1, -1, y), gs.losses.SparseCategoricalCrossentropy(ignore_class=-1)
    elif loss == "own":

        def chosen(y_true, y_pred):
            return ((y_pred - y_true) ** 4).sum(axis=-1), 4 * (y_pred - y_true) ** 3

    else:
        chosen = loss
    found = []
    for kind in (gs.layers.Dense, NumpyDense):
        model = model_of(kind, "sgd", chosen)
        value, gradients = model.value_and_grad(x, targets, weights)
        found.append((value, gradients, model.train_on_batch(x, targets, weights), model.weights))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-12)
    same(found[0][1], found[1][1])
    assert found[0][2] == pytest.approx(found[1][2], rel=1e-12)
    same(found[0][3], found[1][3])


def test_gradients_equal_central_differences():
    x, y, _ = data(8)
    model = model_of(NumpyDense)
    model.layers[0].kernel_regularizer = gs.regularizers.L1(0.1)  # no step cuts it off
    model.compile("sgd", "sparse_categorical_crossentropy")
    _, gradients = model.value_and_grad(x, y)
    number = calls(model)

    def loss():
        draw_as_in_call(model, number - 1)  # the same numbers are dropped
        return model.value_and_grad(x, y)[0]

    for weight, gradient in zip(model.trainable_weights, gradients, strict=True):
        assert difference(gradient, numeric_gradient(loss, weight)) <= 1e-7


@pytest.mark.parametrize("frozen", ["first", "middle", "last"])
def test_layers_that_are_not_trained(frozen):
    x, y, _ = data()
    found = []
    for kind in (gs.layers.Dense, NumpyDense):
        model = model_of(kind)
        layer = next(layer for layer in model.layers if layer.name == frozen)
        layer.trainable = False
        model.compile("adam", "sparse_categorical_crossentropy")
        before = layer.get_weights()
        model.fit(x, y, epochs=2, verbose=0, shuffle=False)
        for weight, kept in zip(layer.weights, before, strict=True):
            np.testing.assert_array_equal(weight, kept)
        found.append(model.weights)
    same(*found)


@pytest.mark.parametrize("optimizer", ["sgd", lambda: gs.optimizers.SAM("sgd")])
@pytest.mark.parametrize("kind", [gs.layers.Dense, NumpyDense])
def test_nothing_to_train(kind, optimizer):
    x, y, _ = data()
    model = model_of(kind, optimizer)
    model.trainable = False
    model.compile(optimizer() if callable(optimizer) else optimizer, "sparse_categorical_crossentropy")
    before = model.get_weights()
    assert np.isfinite(model.fit(x, y, epochs=2, verbose=0).history["loss"]).all()
    for weight, kept in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(weight, kept)


def test_inputs_of_any_kind():
    x, y, _ = data()
    model = model_of(NumpyDense)
    expected = model.predict(x, verbose=0)
    for given in (x.tolist(), np.asfortranarray(x), [x]):
        np.testing.assert_array_equal(model.predict(given, verbose=0), expected)
    small = (20 * np.abs(x)).astype(np.uint8)
    np.testing.assert_array_equal(model.predict(small, verbose=0), model.predict(small.astype(float), verbose=0))
    history = model.fit(((x[i : i + 10], y[i : i + 10]) for i in range(0, 50, 10)), verbose=0).history
    assert len(history["loss"]) == 1


def test_first_last_and_alone():
    """Own layers at the ends of a model, one after the other, with shapes of their own, and nothing of the engine's."""
    gs.utils.set_random_seed(1)
    model = gs.Sequential([gs.Input((3,)), Counting(**FLOAT), NumpyDense(4, **FLOAT)])
    model.compile("sgd", "mse")
    x, y = np.ones((5, 3)), np.zeros((5, 4))
    losses = model.fit(x, y, epochs=3, verbose=0).history["loss"]
    assert losses[2] < losses[0]
    assert model.layers[0].seen == 15  # rows of training, and of no prediction
    assert [w.shape for w in model.non_trainable_weights] == [()]


def test_a_batch_that_is_seen_twice_moves_statistics_once():
    gs.utils.set_random_seed(1)
    model = gs.Sequential([gs.Input((3,)), NumpyDense(4, **FLOAT), Seen(**FLOAT)])
    model.compile(gs.optimizers.SAM("sgd"), "mse")
    model.fit(np.ones((5, 3)), np.zeros((5, 4)), epochs=3, verbose=0)
    assert model.layers[1].seen == 15


class Same(np.ndarray):
    """A subclass of NumPy's arrays."""


FORMS = {
    "in columns": np.asfortranarray,
    "a list": np.ndarray.tolist,
    "a subclass": lambda array: array.view(Same),
    "every second number": lambda array: array.repeat(2, axis=-1)[:, ::2],
    "another dtype": lambda array: array.astype("f8"),
    "a read-only array": lambda array: np.frombuffer(array.tobytes(), "f4").reshape(array.shape),
}


@pytest.mark.parametrize("form", FORMS)
def test_what_a_layer_gives_may_have_any_form(form):
    """To the same bits as an array that the engine reads as it is."""
    trained = []
    for change in (np.array, FORMS[form]):
        methods = {
            "forward": lambda self, x, change=change: change(x * 2),
            "backward": lambda self, dy, change=change: change(dy * 2),
        }
        gs.utils.set_random_seed(0)
        own = type("Own", (gs.layers.Layer,), methods)()
        model = gs.Sequential([gs.Input((5,)), gs.layers.Dense(4, "relu"), own, gs.layers.Dense(3)])
        model.compile("adam", gs.losses.SparseCategoricalCrossentropy(from_logits=True))
        x, y, _ = data(16)
        model.fit(x, y, batch_size=6, epochs=2, verbose=0)
        trained.append([*model.get_weights(), model.predict(x, verbose=0)])
    for one, other in zip(*trained, strict=True):
        np.testing.assert_array_equal(one, other)


def test_shapes_are_found_by_a_trial():
    gs.config.set_floatx("float64")
    try:
        model = gs.Sequential([gs.Input((3,)), Double(), gs.layers.Dense(2), Double()])
    finally:
        gs.config.set_floatx("float32")
    assert [layer.output_shape for layer in model.layers] == [(None, 6), (None, 2), (None, 4)]
    model.compile("sgd", "mse")
    x, y = np.random.default_rng(0).normal(size=(6, 3)), np.zeros((6, 4))
    _, gradients = model.value_and_grad(x, y)
    for weight, gradient in zip(model.weights, gradients, strict=True):
        assert difference(gradient, numeric_gradient(lambda: model.test_on_batch(x, y), weight)) <= 1e-7


def test_files_and_configs(tmp_path):
    x, y, _ = data()
    ours = {"NumpyDense": NumpyDense, "Counting": Counting, "Double": Double}
    model = model_of(NumpyDense, OPTIMIZERS["Adam, all options"])
    model.fit(x, y, epochs=2, verbose=0)
    model.save(tmp_path / "model.gradstep")
    loaded = gs.models.load_model(tmp_path / "model.gradstep", custom_objects=ours)
    assert [type(layer).__name__ for layer in loaded.layers] == [type(layer).__name__ for layer in model.layers]
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))
    on = {"epochs": 5, "initial_epoch": 2, "verbose": 0}
    assert loaded.fit(x, y, **on).history == model.fit(x, y, **on).history
    for first, second in zip(model.weights, loaded.weights, strict=True):
        np.testing.assert_array_equal(first, second)

    model.save_weights(tmp_path / "weights.safetensors")
    other = model_of(NumpyDense, seed=4)
    kernel = other.layers[3].kernel
    other.load_weights(tmp_path / "weights.safetensors")
    assert other.layers[3].kernel is kernel
    np.testing.assert_array_equal(other.predict(x, verbose=0), model.predict(x, verbose=0))

    with pytest.raises(ValueError, match="NumpyDense"):
        gs.models.load_model(tmp_path / "model.gradstep")
    again = gs.models.model_from_json(model.to_json(), custom_objects=ours)
    assert json.loads(again.to_json()) == json.loads(model.to_json())
    assert gs.models.clone_model(model).layers[3].kernel.shape == kernel.shape


def test_a_run_that_was_interrupted_goes_on(tmp_path):
    """In another model, whose Dropout and shuffles are told what to draw."""
    x, y, _ = data()
    through, broken, again = (model_of(NumpyDense, OPTIMIZERS["Adam, all options"]) for _ in range(3))
    rekey(again, 77)

    def stop(epoch, logs):
        if epoch == 2:
            raise InterruptedError

    gs.utils.set_random_seed(8)
    expected = through.fit(x, y, 8, 4, 0).history["loss"]
    gs.utils.set_random_seed(8)
    backup = gs.callbacks.BackupAndRestore(tmp_path / "backup")
    with pytest.raises(InterruptedError):
        broken.fit(x, y, 8, 4, 0, callbacks=[gs.callbacks.LambdaCallback(on_epoch_end=stop), backup])
    gs.utils.set_random_seed(1000)
    assert again.fit(x, y, 8, 4, 0, callbacks=[backup]).history["loss"] == expected[2:]
    for first, second in zip(through.weights, again.weights, strict=True):
        np.testing.assert_array_equal(first, second)


def test_layers_without_arguments_keep_their_names_in_files(tmp_path):
    """Their constructors do not take `name` or `dtype`; configs have them all the same."""
    gs.config.set_floatx("float64")
    try:

        class Bare(gs.layers.Layer):
            def __init__(self, factor):
                super().__init__()
                self.factor = factor

            def build(self, input_shape):
                self.w = self.add_weight((input_shape[-1],))

            def forward(self, x):
                return self.factor * x * self.w

        model = gs.Sequential([gs.Input((3,)), Bare(2), Bare(3)])
    finally:
        gs.config.set_floatx("float32")
    model.save(tmp_path / "model.gradstep")
    loaded = gs.models.load_model(tmp_path / "model.gradstep", custom_objects={"Bare": Bare})
    assert [(a.name, a.dtype, a.factor) for a in loaded.layers] == [(a.name, "float64", a.factor) for a in model.layers]
    np.testing.assert_array_equal(loaded(np.ones((1, 3))), model(np.ones((1, 3))))


def test_summary_and_callbacks(tmp_path):
    x, y, _ = data()
    model, lines = model_of(NumpyDense, "sgd"), []
    model.summary(print_fn=lines.append)
    assert any("NumpyDense" in line and "54" in line for line in lines)
    diagnose, stop = gs.callbacks.Diagnose(), gs.callbacks.EarlyStopping("loss", patience=1, restore_best_weights=True)
    saved = gs.callbacks.ModelCheckpoint(tmp_path / "m.gradstep", monitor="loss", save_best_only=True)
    model.fit(x, y, epochs=3, verbose=0, callbacks=[diagnose, stop, saved])
    assert "middle" in diagnose.snapshots[0].layers
    assert (tmp_path / "m.gradstep").exists()


def test_plain_models_still_run_in_the_engine():
    model = model_of(gs.layers.Dense)
    assert not is_fed_in_python(model, *data()[:2])


def test_no_weight_changes_before_all_layers_have_gone_back():
    """Those of layers behind too, whose gradients are there before a layer in NumPy is asked."""
    seen = []

    class Looks(gs.layers.Layer):
        def compute_output_shape(self, input_shape):
            return input_shape

        def forward(self, x, training=False):
            seen.append([w.copy() for w in model.weights])
            return x * 2

        def backward(self, dy):
            seen.append([w.copy() for w in model.weights])
            return dy * 2

    gs.utils.set_random_seed(0)
    dense = [gs.layers.Dense(4, "relu", **FLOAT) for _ in range(2)]
    model = gs.Sequential(
        [gs.Input((5,)), dense[0], Looks(**FLOAT), dense[1], Looks(**FLOAT), gs.layers.Dense(3, **FLOAT)]
    )
    model.compile("adam", gs.losses.SparseCategoricalCrossentropy(from_logits=True))
    x, y, _ = data(16)
    model.fit(x, y, batch_size=8, epochs=1, verbose=0)
    assert len(seen) == 8
    for step in (seen[:4], seen[4:]):
        for weights in step[1:]:
            for weight, before in zip(weights, step[0], strict=True):
                np.testing.assert_array_equal(weight, before)
    assert all((a != b).any() for a, b in zip(seen[0], seen[4], strict=True))
