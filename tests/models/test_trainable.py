"""Layers that training leaves as they are."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest


def network(trainable, optimizer="adam"):
    gs.utils.set_random_seed(5)
    layers = [gs.layers.Dense(4, "tanh", trainable=flag, dtype="float64") for flag in trainable]
    model = gs.Sequential([gs.Input((3,)), *layers])
    model.compile(optimizer, "mse")
    return model


def data():
    random = np.random.default_rng(0)
    return random.normal(size=(20, 3)), random.normal(size=(20, 4))


@pytest.mark.parametrize("trainable", [(True, False, True), (False, False, True), (False, True, False), (True, True)])
@pytest.mark.parametrize("make", ["adam", "lamb", lambda: gs.optimizers.SAM("sgd")])
def test_only_those_move(trainable, make):
    x, y = data()
    model = network(trainable, make if isinstance(make, str) else make())
    before = model.get_weights()
    _, gradients = model.value_and_grad(x, y)
    _, of_all = network([True] * len(trainable)).value_and_grad(x, y)
    expected = [g for i, g in enumerate(of_all) if trainable[i // 2]]
    assert len(gradients) == len(model.trainable_weights) == 2 * sum(trainable)
    for gradient, other in zip(gradients, expected, strict=True):
        np.testing.assert_array_equal(gradient, other)
    model.fit(x, y, epochs=2, verbose=0)
    for i, (weight, start) in enumerate(zip(model.weights, before, strict=True)):
        assert np.array_equal(weight, start) != trainable[i // 2]
    assert len(model.non_trainable_weights) == 2 * (len(trainable) - sum(trainable))
    assert len(model.weights) == 2 * len(trainable)


def test_a_change_counts_from_the_next_compile():
    x, y = data()
    model = network([True, True])
    model.fit(x, y, verbose=0)
    model.layers[0].trainable = False
    assert len(model.trainable_weights) == 2
    model.compile("adam", "mse")
    frozen, free = model.layers[0].get_weights(), model.layers[1].get_weights()
    model.fit(x, y, verbose=0)
    np.testing.assert_array_equal(model.layers[0].kernel, frozen[0])
    assert (model.layers[1].kernel != free[0]).all()
    model.trainable = False
    assert model.trainable_weights == []
    model.trainable = True
    model.compile("adam", "mse")
    model.fit(x, y, verbose=0)
    assert (model.layers[0].kernel != frozen[0]).all()


def test_what_is_not_trained_has_no_penalty():
    x, y = data()
    model = network([True, True])
    model.layers[0].kernel_regularizer = gs.regularizers.L2(1.0)
    model.layers[0].trainable = False
    model.compile("sgd", "mse")
    assert model.losses == []
    assert model.evaluate(x, y, verbose=0) == network([True, True]).evaluate(x, y, verbose=0)


def test_bad_argument():
    with pytest.raises(TypeError, match="trainable must be True or False; got 1"):
        gs.layers.Dense(2, trainable=1)


def test_saved_and_gone_on_with(tmp_path):
    """A model with weights that no optimizer knows: training goes on bit for bit from a file."""
    x, y = data()

    def made():
        gs.utils.set_random_seed(5)
        options = {"kernel_regularizer": gs.regularizers.L1(0.01, proximal=True), "kernel_constraint": "max_norm"}
        layers = [
            gs.layers.Dense(6, trainable=False),
            gs.layers.BatchNormalization(),
            gs.layers.PReLU(),
            gs.layers.GroupNormalization(-1),
            gs.layers.Dense(4, gs.layers.LeakyReLU(0.1), **options),
        ]
        model = gs.Sequential([gs.Input((3,)), *layers])
        model.compile("adam", "mse")
        return model

    whole = made()
    whole.fit(x, y, epochs=2, verbose=0)
    whole.fit(x, y, epochs=4, initial_epoch=2, verbose=0)
    part = made()
    part.fit(x, y, epochs=2, verbose=0)
    part.save(tmp_path / "model.gradstep")
    loaded = gs.models.load_model(tmp_path / "model.gradstep")
    assert [layer.trainable for layer in loaded.layers] == [False, True, True, True, True]
    loaded.fit(x, y, epochs=4, initial_epoch=2, verbose=0)
    for one, other in zip(whole.weights, loaded.weights, strict=True):
        np.testing.assert_array_equal(one, other)
