"""Dropout: what is drawn, and from what it follows."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradients import difference, numeric_gradient
from probe import draw_as_in_epoch, layers_of_engine, pass_gradients
from reference.random import dropped, philox
from threads import same_at_any_number_of_threads

KEY = 0x0123456789ABCDEF


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [  # known answers of the authors' own distribution
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((2**32 - 1,) * 4, (2**32 - 1,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_the_oracle_gives_known_answers(counter, key, expected):
    assert tuple(int(word) for word in philox(counter, key)) == expected


def kept(n, rate, rows, dtype="float64", number=0, key=KEY):
    """The square of what each number is multiplied by: forward and backward, through a layer that changes nothing."""
    layers = [
        {"kind": "dropout", "rate": rate, "key": key},
        {"kind": "dense", "units": n, "use_bias": False, "activation": "linear"},
    ]
    network = layers_of_engine(n, layers, dtype)
    network.parameters[1][0][...] = np.eye(n)
    x = np.ones((rows, n), dtype)
    _, _, dx = pass_gradients(network, gs.losses.MeanSquaredError(), x, np.zeros((rows, n), dtype), number)
    return dx * (rows * n / 2)


@pytest.mark.parametrize("rate", [0.0, 0.25, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("n", [1, 3, 4, 5, 64, 65, 200])
def test_numbers_are_kept_as_the_oracle_says(n, rate, isa):
    for number in (0, 7, 2**31 + 5):
        expected = dropped(range(9), n, rate, KEY, number) ** 2
        np.testing.assert_allclose(kept(n, rate, 9, number=number), expected, rtol=1e-12)


def test_about_the_rate_is_dropped_and_columns_and_rows_do_not_agree():
    drawn = kept(1000, 0.3, 1000) > 0
    # A million draws: five standard deviations of the mean are 0.0023.
    assert abs(drawn.mean() - 0.7) < 0.0023
    # Of a row or a column: a thousand draws, and the worst of a thousand such means.
    assert np.abs(drawn.mean(axis=0) - 0.7).max() < 0.08
    assert np.abs(drawn.mean(axis=1) - 0.7).max() < 0.08
    assert np.abs(np.corrcoef(drawn[:50])[np.triu_indices(50, 1)]).max() < 0.2


def test_another_key_pass_or_row_draws_other_numbers():
    base = kept(400, 0.5, 2)
    assert (base == kept(400, 0.5, 2)).all()
    for other in (kept(400, 0.5, 2, number=1), kept(400, 0.5, 2, key=KEY + 1), base[::-1]):
        assert 0.35 < (base != other).mean() < 0.65


@pytest.mark.parametrize("first", [True, False], ids=["before Dense", "after Dense"])
def test_gradients_equal_central_differences_of_the_same_draw(first):
    random = np.random.default_rng(2)
    dense = {"kind": "dense", "units": 6, "use_bias": True, "activation": "tanh"}
    drop = {"kind": "dropout", "rate": 0.4, "key": KEY}
    layers = [drop, dense, dense] if first else [dense, drop, dense]
    network = layers_of_engine(5, layers, "float64")
    weights = [weight for layer in network.parameters for weight in layer]
    for weight in weights:
        weight[...] = random.normal(size=weight.shape)
    x, y = random.normal(size=(7, 5)), random.normal(size=(7, 6))

    def run():
        return pass_gradients(network, gs.losses.MeanSquaredError(), x, y, 3)

    _, gradients, dx = run()
    flat = [gradient for layer in gradients for gradient in layer]
    for at, gradient in [*zip(weights, flat, strict=True), (x, dx)]:
        assert difference(gradient, numeric_gradient(lambda: run()[0], at)) <= 1e-7


def test_in_inference_nothing_is_dropped():
    x = np.random.default_rng(0).normal(size=(20, 6)).astype(np.float32)
    for layers in ([gs.layers.Dropout(0.5), gs.layers.Dense(3)], [gs.layers.Dense(3), gs.layers.Dropout(0.5)]):
        model = gs.Sequential(layers)
        model.compile(loss="mse")
        dense = next(layer for layer in layers if isinstance(layer, gs.layers.Dense))
        y = model(x)
        np.testing.assert_array_equal(y, dense(x))
        np.testing.assert_array_equal(gs.layers.Dropout(0.5)(x), x)
        assert model.evaluate(x, y, verbose=0) == 0


def trained(seed=1, epochs=3, layer_seed=None, batch=32):
    """Weights and history of a network with shuffling and two dropouts."""
    gs.utils.set_random_seed(seed)
    random = np.random.default_rng(0)
    x, y = random.normal(size=(500, 150)), random.integers(0, 5, 500)
    model = gs.Sequential(
        [
            gs.layers.Dropout(0.2, seed=layer_seed),
            gs.layers.Dense(200, "relu"),
            gs.layers.Dropout(0.5, seed=layer_seed),
            gs.layers.Dense(5, "softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x, y, batch_size=batch, epochs=epochs, verbose=0).history
    return [*model.get_weights(), np.array(list(history.values()))]


def same(a, b):
    return all((x == y).all() for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("batch", [32, 500])
def test_same_bits_on_any_number_of_threads(batch):
    same_at_any_number_of_threads(lambda: trained(batch=batch), (1, 2, 3, 8, 16))


def test_what_is_drawn_follows_from_the_seeds():
    base = trained()
    assert same(base, trained())
    assert not same(base, trained(seed=2))
    assert not same(base, trained(layer_seed=5))
    assert same(trained(layer_seed=5), trained(layer_seed=5))


def test_epochs_and_lone_batches_draw_anew():
    gs.utils.set_random_seed(0)
    # Without weights to move, the loss of an epoch depends on its draw alone.
    model = gs.Sequential([gs.Input((50,)), gs.layers.Dropout(0.5), gs.layers.Dense(1, kernel_initializer="ones")])
    model.compile(gs.optimizers.SGD(learning_rate=0.0), "mse")
    x, y = np.ones((8, 50)), np.zeros(8)
    losses = model.fit(x, y, epochs=4, verbose=0, shuffle=False).history["loss"]
    losses += model.fit(x, y, epochs=2, verbose=0).history["loss"]
    losses += [model.train_on_batch(x, y), model.train_on_batch(x, y), model.value_and_grad(x, y)[0]]
    assert len(set(losses)) == len(losses)


def test_rows_draw_the_same_in_any_order():
    gs.utils.set_random_seed(0)
    model = gs.Sequential([gs.Input((50,)), gs.layers.Dropout(0.5, seed=3), gs.layers.Dense(1, use_bias=False)])
    model.compile(gs.optimizers.SGD(learning_rate=0.0), "mse")
    x, y = np.random.default_rng(0).normal(size=(40, 50)), np.zeros(40)
    shuffled = model.fit(x, y, epochs=1, verbose=0, shuffle=True).history["loss"]
    draw_as_in_epoch(model, 0)
    in_order = model.fit(x, y, epochs=1, verbose=0, shuffle=False, batch_size=7).history["loss"]
    # The same forty losses, summed in another order.
    np.testing.assert_allclose(shuffled, in_order, rtol=1e-6)


@pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan")])
def test_a_rate_beyond_its_range_is_refused(rate):
    with pytest.raises(ValueError, match=r"rate must be in \[0, 1\]"):
        gs.layers.Dropout(rate)
