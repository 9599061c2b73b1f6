"""Warnings of what can be computed, but is most likely a mistake: of targets, activations, frozen layers."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator

import gradstep as gs
import numpy as np
import pytest
from gradstep import layers, losses

LOSSES = {name: cls for name, cls in vars(losses).items() if isinstance(cls, type) and issubclass(cls, losses.Loss)}
OF_LOGITS = [name for name, cls in LOSSES.items() if "from_logits" in inspect.signature(cls).parameters]
BOUNDED = [name for name, cls in LOSSES.items() if cls.target_range != losses.Loss.target_range]


@pytest.fixture(autouse=True)
def warned() -> Iterator[list[warnings.WarningMessage]]:
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        yield seen


def small(loss: object, outputs: int = 2, activation: str | None = "sigmoid") -> gs.Sequential:
    model = gs.Sequential([gs.Input((3,)), layers.Dense(outputs, activation)])
    model.compile("sgd", loss)
    return model


def test_which_losses_have_bounds() -> None:
    assert {"BinaryCrossentropy", "BinaryFocalCrossentropy", "Poisson", "Hinge"} <= set(BOUNDED)
    assert "MeanSquaredError" not in BOUNDED


@pytest.mark.parametrize("name", BOUNDED)
def test_targets_that_a_loss_is_not_for(name: str, warned: list[warnings.WarningMessage]) -> None:
    low, high = LOSSES[name].target_range
    x, inside = np.ones((4, 3)), np.full((4, 2), 0.5)
    model = small(LOSSES[name]())
    model.fit(x, inside, verbose=0)
    model.evaluate(x, inside, verbose=0)
    assert not warned
    outside = inside.copy()
    outside[2, 1] = low - 0.5 if np.isfinite(low) else high + 0.5
    model.fit(x, outside, verbose=0)
    model.evaluate(x, outside, verbose=0)
    assert [str(one.message) for one in warned] == [str(warned[0].message)] * 2
    assert f"y has numbers from {outside.min():g} to {outside.max():g}" in str(warned[0].message)


def test_targets_of_one_of_several_outputs(warned: list[warnings.WarningMessage]) -> None:
    i = gs.Input((3,))
    a, b = layers.Dense(1, "sigmoid", name="a")(i), layers.Dense(1, name="b")(i)
    model = gs.Model(i, [a, b])
    model.compile("sgd", {"a": "binary_crossentropy", "b": "mse"})
    model.fit(np.ones((4, 3)), [np.ones((4, 1)), np.full((4, 1), 7.0)], verbose=0)
    assert not warned
    model.fit(np.ones((4, 3)), [np.full((4, 1), 7.0), np.ones((4, 1))], verbose=0)
    assert "y['a'] has numbers from 7 to 7" in str(warned[0].message)


@pytest.mark.parametrize("loss", [name for name, cls in LOSSES.items() if cls.categorical])
def test_classes_for_a_single_output(loss: str, warned: list[warnings.WarningMessage]) -> None:
    y = np.zeros(4, int) if LOSSES[loss].labels else np.zeros((4, 1))
    small(LOSSES[loss](), outputs=1).fit(np.ones((4, 3)), y, verbose=0)
    assert "single output" in str(warned[0].message)


@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.Dense(1, "softmax"),
        lambda: layers.Dense(1, "log_softmax"),
        lambda: layers.Dense(1, "sparsemax"),
        lambda: gs.Sequential([layers.Dense(1), layers.Softmax()]),
        lambda: gs.Sequential([layers.Dense(1), layers.Activation("softmax")]),
    ],
)
def test_activations_of_a_row_of_one_number(make: object, warned: list[warnings.WarningMessage]) -> None:
    layer = make()
    layer.build((None, 3))
    assert len(warned) == 1
    assert "use 'sigmoid'" in str(warned[0].message)
    constant = layer(np.random.default_rng(0).normal(size=(5, 3)))
    assert len(np.unique(constant)) == 1
    assert f"always gives {constant[0, 0]:g}" in str(warned[0].message)


def test_trainable_changed_after_compile(warned: list[warnings.WarningMessage]) -> None:
    model = gs.Sequential([gs.Input((3,)), layers.Dense(2), layers.Dense(1)])
    model.compile("sgd", "mse")
    x, y = np.ones((4, 3)), np.ones(4)
    model.fit(x, y, verbose=0)
    assert not warned
    model.layers[0].trainable = False
    before = model.layers[0].get_weights()
    model.fit(x, y, verbose=0)
    assert ["after compile()" in str(one.message) for one in warned] == [True]
    assert not np.array_equal(before[0], model.layers[0].kernel)  # as compiled
    model.compile("sgd", "mse")
    before = model.layers[0].get_weights()
    model.fit(x, y, verbose=0)
    assert len(warned) == 1
    assert np.array_equal(before[0], model.layers[0].kernel)


@pytest.mark.parametrize("loss", OF_LOGITS)
@pytest.mark.parametrize("last", ["sigmoid", "softmax", None, "tanh", np.tanh])
def test_logits_and_probabilities(loss: str, last: object, warned: list[warnings.WarningMessage]) -> None:
    y = np.zeros(4, int) if LOSSES[loss].labels else np.tile([0.0, 1.0], (4, 1))
    for of_logits in (False, True):
        small(LOSSES[loss](from_logits=of_logits), activation=last).fit(np.ones((4, 3)), y, verbose=0)
    wanted = {"sigmoid": ["it is applied twice"], "softmax": ["it is applied twice"], None: ["is of probabilities"]}
    found = [str(one.message) for one in warned]
    assert len(found) == len(wanted.get(last, []))
    assert all(part in text for part, text in zip(wanted.get(last, []), found, strict=True))
    if last is None:
        assert f"activation={'softmax' if LOSSES[loss].categorical else 'sigmoid'!r}" in found[0]


def test_where_the_last_activation_is(warned: list[warnings.WarningMessage]) -> None:
    x, y = np.ones((4, 3)), np.tile([0.0, 1.0], (4, 1))
    inner = gs.Sequential([gs.Input((3,)), layers.Dense(2, name="inner")])
    i = gs.Input((3,))
    trunk = gs.Model(i, [layers.Dense(2, "softmax")(i), layers.Dense(2, name="second")(i)])
    ends = {
        "inner": gs.Sequential([gs.Input((3,)), inner]),
        "second": gs.Model(i, trunk(i)[1]),
        None: gs.Sequential([gs.Input((3,)), layers.Dense(2, "softmax"), layers.Activation("linear")]),
    }
    for name, model in ends.items():
        model.compile("sgd", "categorical_crossentropy")
        model.fit(x, y, verbose=0)
        assert [f"layer {name!r} ends without an activation" in str(one.message) for one in warned] == [True] * bool(
            name
        )
        warned.clear()
    steps = gs.Sequential([gs.Input((5, 3)), layers.TimeDistributed(layers.Dense(2, name="each"))])
    steps.compile("sgd", "categorical_crossentropy")
    steps.fit(np.ones((4, 5, 3)), np.tile([0.0, 1.0], (4, 5, 1)), verbose=0)
    assert "layer 'each' ends without an activation" in str(warned[0].message)
