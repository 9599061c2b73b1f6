"""Bidirectional is two layers, one of which begins at the end."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradients import difference, numeric_gradient
from gradstep import layers
from probe import draw_as_in_call
from recurrent_cases import spread_weights
from threads import same_at_any_number_of_threads

MODES = ["concat", "sum", "ave", "mul", None]
MERGES = {
    "concat": lambda a, b: np.concatenate([a, b], -1),
    "sum": np.add,
    "ave": lambda a, b: (a + b) / 2,
    "mul": np.multiply,
    None: lambda a, b: [a, b],
}
MASK = np.array([[0, 0, 1, 1], [1, 0, 1, 0], [0, 0, 0, 0], [1, 1, 1, 1]] * 5, bool)


def two_layers(layer, x, **options):
    """What the layer gives, by its two layers alone."""
    first, second = layer.forward_layer, layer.backward_layer
    if "initial_state" in options:
        states = options.pop("initial_state")
        half = len(states) // 2
        ways = [{"initial_state": states[:half]}, {"initial_state": states[half:]}]
    else:
        ways = [{}, {}]
    f, b = first(x, **options, **ways[0]), second(x, **options, **ways[1])
    (f, *f_states), (b, *b_states) = (f, b) if layer.return_state else ([f], [b])
    merged = MERGES[layer.merge_mode](f, b[:, ::-1] if layer.return_sequences else b)
    merged = merged if isinstance(merged, list) else [merged]
    return [*merged, *f_states, *b_states]


def all_of(made):
    return made if isinstance(made, list) else [made]


def check_values_and_gradients(layer, x, random, options):
    """Values as the two layers give them alone; gradients as central differences."""
    made = layer(x, training=True, **options)
    dys = [random.normal(size=each.shape) for each in all_of(made)]
    dx, gradients = layer.backward(dys if len(dys) > 1 else dys[0])
    expected = two_layers(layer, x, **options)
    assert len(expected) == len(dys)
    for each, other in zip(all_of(made), expected, strict=True):
        np.testing.assert_allclose(each, other, rtol=0, atol=1e-15)

    def value():
        return float(sum((each * dy).sum() for each, dy in zip(all_of(layer(x, **options)), dys, strict=True)))

    arrays = [x, *options.get("initial_state", [])]
    dxs = dx if "initial_state" in options else [dx]
    for array, gradient in [*zip(arrays, dxs, strict=True), *zip(layer.weights, gradients, strict=True)]:
        assert difference(gradient, numeric_gradient(value, array)) <= 1e-7


@pytest.mark.grid(
    mode=MODES, kind=["LSTM", "GRU", "SimpleRNN"], sequences=[True, False], states=[True, False], masked=[True, False]
)
def test_values_and_gradients(mode, kind, sequences, states, masked):
    random = np.random.default_rng(3)
    one = getattr(layers, kind)(3, return_sequences=sequences, return_state=states, dtype="float64")
    layer = layers.Bidirectional(one, mode)
    x = random.normal(size=(20, 4, 2))
    layer.build(x.shape)
    spread_weights(layer, random)
    options = {"mask": MASK} if masked else {}
    if states:
        options["initial_state"] = [random.normal(size=(20, 3)) for _ in range(4 if kind == "LSTM" else 2)]
    check_values_and_gradients(layer, x, random, options)


def test_two_kinds_of_other_sizes():
    """A backward layer of the user's own, in a model that is trained, on any number of threads."""

    def trained():
        gs.utils.set_random_seed(1)
        second = layers.GRU(40, go_backwards=True, return_sequences=True, dropout=0.2)
        first = layers.LSTM(30, return_sequences=True, recurrent_dropout=0.3)
        layer = layers.Bidirectional(first, backward_layer=second)
        row = [layer, layers.Bidirectional(layers.SimpleRNN(9), "sum"), layers.Dense(1)]
        model = gs.Sequential([gs.Input((6, 5)), *row])
        model.compile("adam", "mse")
        random = np.random.default_rng(0)
        x, y = random.normal(size=(70, 6, 5)), random.normal(size=(70, 1))
        model.fit(x, y, batch_size=40, epochs=3, verbose=0)
        np.testing.assert_array_equal(layer.forward_layer.kernel, layer.weights[0])
        assert layer.output_shape == (None, 6, 70)
        return model.get_weights()

    same_at_any_number_of_threads(trained)


def test_dropout_differs_between_directions():
    layer = layers.Bidirectional(layers.GRU(5, dropout=0.5), None, dtype="float32")
    layer.build((None, 1, 4))
    layer.backward_layer.set_weights(layer.forward_layer.get_weights())
    draw_as_in_call(layer, 1)
    one, other = layer(np.ones((30, 1, 4)), training=True)
    assert not np.array_equal(one, other)
    draw_as_in_call(layer, 1)
    for again, before in zip(layer(np.ones((30, 1, 4)), training=True), (one, other), strict=True):
        np.testing.assert_array_equal(again, before)


def test_files_and_configs(tmp_path):
    inputs = gs.Input((4, 2))
    second = layers.LSTM(3, go_backwards=True, return_sequences=True, activation="relu")
    hidden = layers.Bidirectional(layers.LSTM(3, return_sequences=True), "mul", backward_layer=second)(inputs)
    outputs = layers.Bidirectional(layers.GRU(2, return_state=True), None)(hidden)
    model = gs.Model(inputs, outputs)
    x = np.random.default_rng(0).normal(size=(5, 4, 2)).astype(np.float32)
    model.save(tmp_path / "model.gradstep")
    again = gs.models.load_model(tmp_path / "model.gradstep")
    for one, other in zip(again.predict(x, verbose=0), model.predict(x, verbose=0), strict=True):
        np.testing.assert_array_equal(one, other)
    assert [layer.get_config() for layer in again.layers] == [layer.get_config() for layer in model.layers]


def test_weights_at_the_start():
    drawn = layers.Bidirectional(layers.SimpleRNN(3))
    drawn.build((None, 4, 2))
    given = layers.Bidirectional(layers.SimpleRNN(3), weights=drawn.get_weights())
    given.build((None, 4, 2))
    for one, other in zip(given.weights, drawn.weights, strict=True):
        np.testing.assert_array_equal(one, other)
    assert given.weight_names[3] == "backward_kernel"


# A layer that convolves, the shape of a step, and arguments of the layer that runs backward, if it is no copy.
CONVOLUTIONS = {
    "images": (layers.ConvLSTM2D, 2, (3, 4, 2), {"padding": "same"}, None),
    "first": (layers.ConvLSTM2D, 2, (2, 3, 4), {"data_format": "channels_first"}, None),
    "signals": (layers.ConvLSTM1D, 3, (6, 2), {"strides": 2}, {"activation": "gelu"}),
    "volumes": (layers.ConvLSTM3D, 2, (2, 3, 2, 1), {}, None),
}


@pytest.mark.grid(
    mode=MODES, case=list(CONVOLUTIONS), sequences=[True, False], states=[True, False], masked=[True, False]
)
def test_layers_that_convolve(mode, case, sequences, states, masked):
    random = np.random.default_rng(4)
    kind, size, step, options, other = CONVOLUTIONS[case]
    options = {**options, "return_sequences": sequences, "return_state": states, "dtype": "float64"}
    filters = 5 if mode in ("concat", None) else 3
    backward = None if other is None else kind(filters, size, **options | other, go_backwards=True)
    layer = layers.Bidirectional(kind(3, size, **options), mode, backward_layer=backward)
    x = random.normal(size=(5, 4, *step))
    layer.build(x.shape)
    spread_weights(layer, random)
    options = {"mask": MASK[:5]} if masked else {}
    if states:
        options["initial_state"] = [random.normal(size=(5, *row)) for row in layer._state_rows(x.shape)]
    check_values_and_gradients(layer, x, random, options)


def test_layers_that_convolve_in_models(tmp_path):
    """On any number of threads, between layers that convolve; and in files."""
    random, models = np.random.default_rng(0), []
    x, y = random.normal(size=(40, 3, 6, 7, 2)), random.normal(size=(40, 1))

    def trained():
        gs.utils.set_random_seed(1)
        both = layers.Bidirectional(layers.ConvLSTM2D(5, 3, padding="same", return_sequences=True, dropout=0.2))
        row = [both, layers.Bidirectional(layers.ConvLSTM2D(4, 3), "ave"), layers.MaxPooling2D(2)]
        model = gs.Sequential([gs.Input((3, 6, 7, 2)), *row, layers.Flatten(), layers.Dense(1)])
        model.compile("adam", "mse")
        model.fit(x, y, batch_size=33, epochs=2, verbose=0)
        assert both.output_shape == (None, 3, 6, 7, 10)
        models.append(model)
        return model.get_weights()

    same_at_any_number_of_threads(trained)
    model = models[0]
    model.save(tmp_path / "model.gradstep")
    again = gs.models.load_model(tmp_path / "model.gradstep")
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))
    assert [layer.get_config() for layer in again.layers] == [layer.get_config() for layer in model.layers]


def test_steps_that_a_mask_leaves_out_give_zeros():
    """As in Keras, with return_sequences, whatever the layers' zero_output_for_mask was."""
    x = np.random.default_rng(0).normal(size=(20, 4, 2))
    layer = layers.Bidirectional(layers.GRU(3, return_sequences=True))
    y = layer(x, mask=MASK)
    assert not y[~MASK].any()
    assert y[MASK].all()
    assert layer.forward_layer.zero_output_for_mask
    last = layers.Bidirectional(layers.GRU(3, zero_output_for_mask=True))
    assert last(x, mask=MASK)[0].all()
    assert not last.backward_layer.zero_output_for_mask


def test_sequences_of_one_step():
    """Their output has an axis of steps, too."""
    row = [layers.Bidirectional(layers.LSTM(3, return_sequences=True)), layers.LSTM(2)]
    model = gs.Sequential([gs.Input((1, 4)), *row])
    assert model.predict(np.ones((5, 1, 4)), verbose=0).shape == (5, 2)


def test_bad_pairs():
    with pytest.raises(TypeError, match="layer must be an LSTM, a GRU, a SimpleRNN or a ConvLSTM; got a Dense"):
        layers.Bidirectional(layers.Dense(3))
    with pytest.raises(ValueError, match="must not have the same go_backwards"):
        layers.Bidirectional(layers.GRU(3), backward_layer=layers.GRU(3))
    with pytest.raises(ValueError, match="must have the same return_sequences"):
        layers.Bidirectional(layers.GRU(3), backward_layer=layers.GRU(3, go_backwards=True, return_sequences=True))
    with pytest.raises(ValueError, match="merged by 'sum' must have the same units"):
        layers.Bidirectional(layers.GRU(3), "sum", backward_layer=layers.GRU(4, go_backwards=True))
    with pytest.raises(ValueError, match="must both convolve along the same number of axes, or neither; got GRU and C"):
        layers.Bidirectional(layers.GRU(3), backward_layer=layers.ConvLSTM1D(3, 1, go_backwards=True))
    signals = layers.ConvLSTM1D(3, 1)
    first = layers.ConvLSTM1D(3, 1, data_format="channels_first", go_backwards=True)
    with pytest.raises(ValueError, match="must have the same data_format"):
        layers.Bidirectional(signals, backward_layer=first)
    shorter = layers.Bidirectional(signals, backward_layer=layers.ConvLSTM1D(4, 2, go_backwards=True))
    with pytest.raises(ValueError, match=r"shape but for the last axis; got rows of shape \(8, 3\) and \(7, 4\)"):
        shorter(np.zeros((1, 2, 8, 1)))
    with pytest.raises(ValueError, match=r"must get inputs of shape \(rows, steps, places, channels\)"):
        layers.Bidirectional(layers.ConvLSTM1D(3, 1))(np.zeros((2, 3, 4)))
    with pytest.raises(ValueError, match="merge_mode must be one of"):
        layers.Bidirectional(layers.GRU(3), "max")
    built = layers.GRU(3)
    built.build((None, 4, 2))
    with pytest.raises(ValueError, match="layer must not be built"):
        layers.Bidirectional(built)
