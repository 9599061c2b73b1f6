"""Models whose layers are connected in any way: gradients, data by name, what they share, and what is refused."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradients import difference, numeric_gradient
from gradstep import layers
from graphs import GRAPHS, arrays
from probe import draw_as_in_call, first_output


def compiled(name, **more):
    gs.utils.set_random_seed(2)
    make, arguments = GRAPHS[name]
    model = make(gs)
    model.compile(**{"optimizer": gs.optimizers.Adam(0.01)} | arguments | more)
    return model


@pytest.mark.parametrize("name", GRAPHS)
def test_gradients_are_central_differences(name):
    """Through shared and merging layers, models in models, penalties, weights of rows and of losses."""
    model, (x, y, weights) = compiled(name), arrays(name)
    names = model.metrics_names

    def loss():
        draw_as_in_call(model, 0)
        return model.value_and_grad(x, y, weights)[0]

    value, gradients = model.value_and_grad(x, y, weights)
    assert names[0] == "loss"
    assert len(gradients) == len(model.trainable_weights)
    for weight, gradient in zip(model.trainable_weights, gradients, strict=True):
        assert gradient.shape == weight.shape
        assert difference(gradient, numeric_gradient(loss, weight)) <= 1e-6
    assert loss() == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize("name", ["mixed", "siamese"])
def test_loops_of_ones_own(name):
    """A call in training and `backward` give what `value_and_grad` does."""
    model, (x, y, _) = compiled(name, loss="mse", loss_weights=None, metrics=None), arrays(name)
    if name == "mixed":
        y = {"a": y["a"], "b": np.eye(3)[y["b"]]}
    value, gradients = model.value_and_grad(x, y)
    outputs = model(x, training=True)
    each = list(outputs.values()) if isinstance(outputs, dict) else [outputs]
    known = list(y.values()) if isinstance(y, dict) else [y]
    slopes = [2 * (output - target) / target.size for output, target in zip(each, known, strict=True)]
    losses = [np.mean((output - target) ** 2) for output, target in zip(each, known, strict=True)]
    assert sum(losses) + sum(model.losses) == pytest.approx(value, rel=1e-12)
    dxs, found = model.backward(dict(zip(model.output_names, slopes, strict=True)) if name == "mixed" else slopes[0])
    for gradient, other in zip(found, gradients, strict=True):
        np.testing.assert_allclose(gradient, other, rtol=1e-9, atol=1e-12)
    array = next(iter(x.values())) if isinstance(x, dict) else x[0]
    dx = next(iter(dxs.values())) if isinstance(dxs, dict) else dxs[0]

    def loss():
        draw_as_in_call(model, 0)
        return model.value_and_grad(x, y)[0]

    assert difference(dx, numeric_gradient(loss, array)) <= 1e-6
    with pytest.raises(RuntimeError, match="must be called with training=True"):
        model.backward(slopes[0])


def row(of, **names):
    tensor = x = gs.Input((6,))
    for layer in of:
        tensor = layer(tensor)
    return gs.Model(x, tensor, **names)


def some_layers():
    gs.utils.set_random_seed(4)
    return [
        layers.Dense(16, "relu", kernel_regularizer="l2"),
        layers.BatchNormalization(),
        layers.Dropout(0.2),
        layers.Dense(3, "softmax"),
    ]


@pytest.mark.parametrize("optimizer", ["adam", gs.optimizers.Lookahead])
def test_layers_in_a_row_are_a_sequential(optimizer):
    """The same engine, and the same bits."""
    random = np.random.default_rng(0)
    x, y = random.normal(size=(70, 6)).astype("float32"), random.integers(0, 3, 70)
    pair = [row(some_layers()), gs.Sequential([gs.Input((6,)), *some_layers()])]
    histories = []
    for model in pair:
        gs.utils.set_random_seed(5)
        made = optimizer if isinstance(optimizer, str) else optimizer(gs.optimizers.Adam())
        model.compile(made, "sparse_categorical_crossentropy", loss_weights=0.7, metrics=["accuracy"])
        histories.append(model.fit(x, y, epochs=3, verbose=0, validation_split=0.2).history)
    assert histories[0] == histories[1]
    assert all((a == b).all() for a, b in zip(pair[0].weights, pair[1].weights, strict=True))
    assert (pair[0].predict(x, verbose=0) == pair[1].predict(x, verbose=0)).all()


def test_around_a_layer():
    x = gs.Input((6,))
    h = layers.Dense(6)(x)
    plain, around = gs.Model(x, h), gs.Model(x, layers.Add()([x, h]))
    data = np.ones((3, 6))
    assert around.predict(data, verbose=0) == pytest.approx(data + plain.predict(data, verbose=0))


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "mean_with_sample_weight"])
@pytest.mark.parametrize("loss", [gs.losses.Huber, gs.losses.CosineSimilarity, gs.losses.Dice])
def test_the_loss_of_a_sequential_counts_for_its_weight(loss, reduction):
    """Loss and gradients, but not the penalties; with weights of the rows too."""
    random = np.random.default_rng(1)
    x, y, rows = random.normal(size=(9, 4)), random.random((9, 3)), random.random(9)
    gs.utils.set_random_seed(1)
    model = gs.Sequential([gs.Input((4,)), layers.Dense(3, "sigmoid", kernel_regularizer="l2", dtype="float64")])
    found = []
    for factor in (None, 2.5, [2.5], {model.layers[0].name: 2.5}):
        model.compile("sgd", loss(reduction=reduction), loss_weights=factor)
        found.append(model.value_and_grad(x, y, rows))
    penalty = sum(model.losses)
    kernel = 2 * 0.01 * model.weights[0]
    for value, gradients in found[1:]:
        assert value - penalty == pytest.approx(2.5 * (found[0][0] - penalty), rel=1e-12)
        np.testing.assert_allclose(gradients[0] - kernel, 2.5 * (found[0][1][0] - kernel), rtol=1e-9, atol=1e-14)
    own = gs.losses.get(lambda y_true, y_pred: ((y_pred - y_true).sum(axis=-1), np.ones_like(y_pred)))
    model.compile("sgd", own, loss_weights=3.0)
    assert model.evaluate(x, y, verbose=0) == pytest.approx(3 * own(y, model.predict(x, verbose=0)) + penalty, rel=1e-6)


# -- data by name ------------------------------------------------------------------------------------------------------


def test_data_as_lists_dicts_and_batches():
    x, y, _ = arrays("mixed")
    weights = {"a": np.linspace(0, 1, 21), "b": None}
    ways = {
        "dicts": (x, y, weights),
        "other order": (dict(reversed(x.items())), dict(reversed(y.items())), weights),
        "lists": (list(x.values()), list(y.values()), list(weights.values())),
        "tuples": (tuple(x.values()), tuple(y.values()), tuple(weights.values())),
    }
    results = {}
    for way, data in ways.items():
        model = compiled("mixed")
        model.fit(*data[:2], sample_weight=data[2], batch_size=8, epochs=2, shuffle=False, verbose=0)
        results[way] = [*model.evaluate(*data[:2], sample_weight=data[2], verbose=0), *model.predict(data[0])["a"][0]]

    def parts():
        for i in range(0, 21, 8):
            part = slice(i, i + 8)
            yield ({k: v[part] for k, v in x.items()}, {k: v[part] for k, v in y.items()}, {"a": weights["a"][part]})

    model = compiled("mixed")
    model.fit((each for _ in range(2) for each in parts()), steps_per_epoch=3, epochs=2, verbose=0)
    results["generator"] = [*model.evaluate(parts(), verbose=0), *model.predict(x, batch_size=5)["a"][0]]
    for way, found in results.items():
        assert found == pytest.approx(results["dicts"], rel=1e-9), way


def test_parts_of_the_rows():
    """Validation, limits, callbacks a batch, and no rows at all."""
    x, y, _ = arrays("mixed")
    seen = []
    each = gs.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(sorted(logs)))
    watch = gs.callbacks.Callback()
    watch.on_predict_batch_end = lambda batch, logs=None: seen.append(sorted(logs["outputs"]))
    model = compiled("mixed")
    model.fit(x, y, validation_split=0.3, batch_size=4, verbose=0, callbacks=[each], class_weight=None)
    names = ["a_loss", "a_mae", "b_accuracy", "b_loss", "loss"]
    assert seen == [sorted([*names, *(f"val_{name}" for name in names)])]
    found = model.predict(x, batch_size=4, steps=2, verbose=0)
    assert {name: output.shape for name, output in found.items()} == {"a": (8, 2), "b": (8, 3)}
    none = model.predict({name: array[:0] for name, array in x.items()}, verbose=0)
    assert [output.shape for output in none.values()] == [(0, 2), (0, 3)]
    alone = model.predict_on_batch(x)
    assert (alone["a"][:8] == found["a"]).all()
    assert model.train_on_batch(x, y, return_dict=True).keys() == set(names)


def test_sample_weights_of_an_output():
    """One array is for every output; None in a list or dict leaves an output without."""
    x, y, _ = arrays("two heads")
    rows = np.linspace(0.1, 2, 21)
    model = compiled("two heads", loss_weights=None, metrics=None, weighted_metrics=None)
    plain = model.evaluate(x, y, verbose=0, return_dict=True)
    both = model.evaluate(x, y, sample_weight=rows, verbose=0, return_dict=True)
    first = model.evaluate(x, y, sample_weight=[rows, None], verbose=0, return_dict=True)
    assert first["a_loss"] == both["a_loss"] != plain["a_loss"]
    assert first["b_loss"] == plain["b_loss"] != both["b_loss"]
    model = compiled("two heads", metrics=[["mae"], None], weighted_metrics=[["mae"], None])
    plain = model.evaluate(x, y, verbose=0, return_dict=True)
    given = model.evaluate(x, y, sample_weight=rows, verbose=0, return_dict=True)
    assert given["a_mae"] == plain["a_mae"] == plain["a_weighted_mae"] != given["a_weighted_mae"]


# -- what models share -------------------------------------------------------------------------------------------------


def test_models_of_the_same_layers():
    """Training one is training the other, also where a Sequential has the layers, and where it gets more of them."""
    gs.utils.set_random_seed(1)
    x = np.random.default_rng(0).normal(size=(30, 5)).astype("float32")
    base = gs.Sequential([gs.Input((5,)), layers.Dense(4, "tanh"), layers.Dense(3)])
    first = gs.Model(base.inputs, base.layers[0].output)
    tail = layers.Dense(2)
    second = gs.Model(base.inputs[0], tail(base.outputs[0]))
    before = first.predict(x, verbose=0)
    second.compile("adam", "mse")
    second.fit(x, np.ones((30, 2)), verbose=0)
    after = first.predict(x, verbose=0)
    assert (before != after).any()
    np.testing.assert_allclose(after, np.tanh(x @ base.weights[0] + base.weights[1]), rtol=1e-5, atol=1e-6)
    base.add(layers.Dense(1))
    base.compile("adam", "mse")
    base.fit(x, np.zeros((30, 1)), verbose=0)
    np.testing.assert_allclose(second.weights[0], base.weights[0], rtol=0)
    assert (first.predict(x, verbose=0) != after).any()


def test_a_model_in_another_keeps_what_is_not_trainable():
    """As two that play against each other are trained: the judge by itself, and held still within the other."""
    gs.utils.set_random_seed(3)
    maker = gs.Sequential([gs.Input((2,)), layers.Dense(6, "relu"), layers.Dense(3)])
    judge = gs.Sequential([gs.Input((3,)), layers.Dense(4, "relu"), layers.Dense(1, "sigmoid")])
    judge.compile("adam", "binary_crossentropy")
    judge.trainable = False
    noise = gs.Input((2,))
    both = gs.Model(noise, judge(maker(noise)))
    both.compile("adam", "binary_crossentropy")
    assert len(both.trainable_weights) == 4
    kept, made = judge.get_weights(), maker.get_weights()
    z = np.random.default_rng(0).normal(size=(16, 2))
    both.train_on_batch(z, np.ones((16, 1)))
    assert all((a == b).all() for a, b in zip(judge.weights, kept, strict=True))
    assert any((a != b).any() for a, b in zip(maker.weights, made, strict=True))
    made = maker.get_weights()
    judge.train_on_batch(maker.predict(z, verbose=0), np.zeros((16, 1)))
    assert any((a != b).any() for a, b in zip(judge.weights, kept, strict=True))
    assert all((a == b).all() for a, b in zip(maker.weights, made, strict=True))
    assert both.layers == [both.layers[0], maker, judge]
    both.summary(print_fn=lambda line: None)


def test_looking_up():
    model = compiled("mixed")
    assert model.get_layer("gate") is model.get_layer(index=model.layers.index(model.get_layer("gate")))
    assert (model.input_names, model.output_names) == (["x", "z"], ["a", "b"])
    assert model.output_shape == {"a": (None, 2), "b": (None, 3)}
    assert model.output == {"a": model.get_layer("a").output, "b": model.get_layer("b").output}
    assert model.input == model.inputs
    row = gs.Sequential([gs.Input((4,), dtype="float64", name="i"), layers.Dense(3), layers.Dense(2)])
    half = gs.Model(inputs=row.input, outputs=row.layers[0].output)
    assert (half.input, half.output.shape, row.output.shape) == (row.input, (None, 3), (None, 2))
    assert (row.input.name, row.input.dtype) == ("i", "float64")
    assert model.input_shape == [(None, 4), (None, 3)]
    siamese = compiled("siamese")
    twice = siamese.get_layer("twice")
    assert twice.output is first_output(twice)  # the first of three, as in Keras
    with pytest.raises(ValueError, match="'d' has no output: it was not called with a symbolic tensor"):
        _ = layers.Dense(1, name="d").output
    assert siamese.get_layer("apart").output.shape == (None, 4)
    assert siamese.get_layer("apart").input[1].name == "twice"
    assert siamese.weight_names == ["twice/kernel", "twice/bias", "same/kernel", "same/bias"]


def test_a_symbolic_tensor_has_no_numbers():
    x = gs.Input((3,))
    for use in (np.asarray, len, bool, list, lambda tensor: 1 / tensor, lambda tensor: np.ones(3) * tensor):
        with pytest.raises(TypeError):
            use(x)
    assert (x.ndim, x.shape, x.dtype) == (2, (None, 3), "float32")


def test_callbacks_see_what_they_see_of_others(tmp_path):
    """`Diagnose` looks at every layer, and changes no bit; backups, checkpoints and early stopping work by output."""
    x, y, _ = arrays("mixed")
    plain, watched = compiled("mixed"), compiled("mixed")
    diagnose = gs.callbacks.Diagnose(verbose=0)
    stop = gs.callbacks.EarlyStopping("val_a_loss", patience=1, restore_best_weights=True)
    rest = [
        gs.callbacks.BackupAndRestore(tmp_path / "backup"),
        gs.callbacks.ModelCheckpoint(tmp_path / "best", monitor="b_loss", save_best_only=True),
        gs.callbacks.ReduceLROnPlateau("b_accuracy", patience=5, mode="max"),
    ]
    for model, callbacks in ((plain, [stop]), (watched, [diagnose, stop, *rest])):
        gs.utils.set_random_seed(9)
        model.fit(x, y, epochs=5, validation_split=0.3, verbose=0, callbacks=callbacks)
    assert plain.history.history == {k: v for k, v in watched.history.history.items() if k != "learning_rate"}
    assert all((a == b).all() for a, b in zip(plain.weights, watched.weights, strict=True))
    look = diagnose.snapshots[-1].layers
    assert {"u", "v", "norm", "gated", "a", "b"} <= set(look)
    assert look["u"].gradient > 0 < look["u"].update
    assert gs.models.load_model(tmp_path / "best").output_names == ["a", "b"]


def test_models_in_a_row():
    """As an encoder and a decoder: a Sequential of both is one of their layers, over the same weights."""
    gs.utils.set_random_seed(1)
    x = np.random.default_rng(0).normal(size=(30, 6)).astype("float32")
    parts = some_layers()
    encoder = gs.Sequential(parts[:2], name="encoder")  # of no shape yet
    code = gs.Input((16,))
    decoder = gs.Model(code, parts[3](parts[2](code)), name="decoder")
    both = gs.Sequential([encoder, decoder], name="both")
    assert not both.built
    flat = gs.Sequential([gs.Input((6,)), *some_layers()])
    logs = []
    for model in (flat, both):
        model.build((None, 6))
        model.compile("adam", "sparse_categorical_crossentropy")
        gs.utils.set_random_seed(5)
        logs.append(model.fit(x, np.arange(30) % 3, epochs=2, verbose=0).history)
    assert logs[0]["loss"] != logs[1]["loss"]  # other numbers were drawn
    both.set_weights(flat.get_weights())
    assert (both.predict(x, verbose=0) == flat.predict(x, verbose=0)).all()
    assert (decoder.predict(encoder.predict(x, verbose=0), verbose=0) == both.predict(x, verbose=0)).all()
    assert both.weight_names[0] == f"encoder/{parts[0].name}/kernel"
    assert both.layers == [encoder, decoder]
    both.pop()
    assert both.output_shape == (None, 16)
    around = gs.Input((16,))
    skip = gs.Model(around, layers.Add()([around, layers.Dense(16)(around)]))
    both.add(skip)
    inner = skip.predict(encoder.predict(x, verbose=0), verbose=0)
    np.testing.assert_allclose(both.predict(x, verbose=0), inner, rtol=1e-6)


def test_models_that_are_no_layers():
    x = gs.Input((4,))
    several = gs.Model(x, [layers.Dense(2)(x), layers.Dense(3)(x)], name="several")
    for row, message in (
        ([several], "only models with one input and one output .* 'several' has 1 inputs and 2 outputs"),
        ([gs.Input((3,)), gs.Model(x, layers.Dense(2)(x), name="m")], r"rows of shape \(3,\); model 'm' takes \(4,\)"),
        ([gs.Sequential(name="none")], "model 'none' cannot be added as a layer: it has no layers"),
    ):
        with pytest.raises(ValueError, match=message):
            gs.Sequential(row)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "float16", "float64"])
def test_inputs_of_data_that_is_converted(dtype, tmp_path):
    x = np.array([[0, 1, 1], [1, 0, 1]]).astype(dtype)
    start = gs.Input(batch_shape=(None, 3), dtype=dtype, name="x")
    assert (start.dtype, start.shape) == (dtype, (None, 3))
    model = gs.Model(start, layers.Dense(2, name="y", dtype="float64")(start))
    assert (model.predict(x) == model.predict(x.astype("float64"))).all()
    model.save(tmp_path / "model")
    again = gs.models.load_model(tmp_path / "model")
    assert again.input.dtype == dtype
    assert (again.predict(x) == model.predict(x)).all()
    row = gs.Sequential([gs.Input(batch_shape=(8, 3), dtype=dtype), layers.Dense(2)])
    assert row.predict(x).shape == (2, 2)


def test_inputs_that_are_refused():
    for arguments, error, match in (
        ({}, ValueError, "a shape or a batch_shape, one of them; got None and None"),
        ({"shape": (3,), "batch_shape": (None, 3)}, ValueError, "one of them"),
        ({"batch_shape": (None,)}, ValueError, r"batch_shape must be \(None, ...\)"),
        ({"batch_shape": (None, 0)}, ValueError, r"batch_shape\[1\]"),
        ({"batch_shape": ("a", 3)}, TypeError, r"batch_shape\[0\]"),
        ({"shape": (3,), "dtype": "complex64"}, ValueError, "dtype must be one of"),
    ):
        with pytest.raises(error, match=match):
            gs.Input(**arguments)


def test_calls_of_a_shared_layer_are_in_keras_order():
    """Calls of a shared layer run in Keras 3's order: here the longer branch first, though it was merged second."""
    a, b = gs.Input((2,)), gs.Input((2,))
    shared = layers.BatchNormalization(momentum=0.5)
    model = gs.Model([a, b], layers.Add()([layers.ReLU()(shared(a)), layers.ReLU()(layers.ReLU()(shared(b)))]))
    model.compile("sgd", "mse")
    model.fit([np.full((4, 2), 1.0), np.full((4, 2), 8.0)], np.zeros((4, 2)), batch_size=4, verbose=0)
    moving_mean = shared.get_weights()[2]
    assert moving_mean.tolist() == [2.5, 2.5]  # 8, then 1; Keras 3.15 has the same
