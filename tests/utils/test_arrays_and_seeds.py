"""gradstep.utils and gradstep.config."""

from __future__ import annotations

import random

import gradstep as gs
import numpy as np
import pytest
from gradstep import utils


def test_set_random_seed_seeds_all():
    def draw():
        return random.random(), np.random.random(), gs.initializers.HeNormal()((3,)).tolist()

    utils.set_random_seed(3)
    first = draw()
    utils.set_random_seed(3)
    assert draw() == first
    for wrong, error in ((-1, ValueError), (2**32, ValueError), (1.0, TypeError), (None, TypeError), (True, TypeError)):
        with pytest.raises(error, match="seed must be"):
            utils.set_random_seed(wrong)


def test_clear_session_counts_names_from_the_first():
    utils.clear_session()
    assert [gs.layers.Dense(1).name for _ in range(2)] == ["dense", "dense_1"]
    utils.clear_session(free_memory=False)
    assert gs.layers.Dense(1).name == "dense"
    assert gs.Sequential().name == "sequential"
    with pytest.raises(TypeError, match="free_memory must be True or False"):
        utils.clear_session(free_memory=1)


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_normalize(order, axis, dtype):
    x = np.random.default_rng(order).normal(size=(4, 3)).astype(dtype)
    x[1] = 0
    got = utils.normalize(x, axis, order)
    assert got.dtype == dtype
    norms = (np.abs(x.astype(float)) ** order).sum(axis) ** (1 / order)
    expected = x / np.expand_dims(np.where(norms == 0, 1, norms), axis)
    np.testing.assert_allclose(got, expected, rtol=8 * float(np.finfo(dtype).eps))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("ab",), TypeError, "x must be an array of real numbers"),
        ((np.ones((2, 2)), 2), ValueError, r"axis must be in \[-2, 2\); got 2"),
        ((3.0,), ValueError, "axis must be"),
        ((np.ones(2), 0.0), TypeError, "axis must be a whole number"),
        ((np.ones(2), 0, 0), ValueError, "order must be at least 1"),
    ],
)
def test_normalize_refuses(arguments, error, message):
    with pytest.raises(error, match=message):
        utils.normalize(*arguments)


def test_names_of_keras_at_the_top():
    """Bases of one's own classes, and what Keras has in two places."""
    assert issubclass(gs.layers.Dense, gs.Layer)
    assert issubclass(gs.losses.Huber, gs.Loss)
    assert issubclass(gs.metrics.AUC, gs.Metric)
    assert issubclass(gs.optimizers.Adam, gs.Optimizer)
    assert issubclass(gs.regularizers.L2, gs.Regularizer)
    assert issubclass(gs.initializers.HeNormal, gs.Initializer)
    assert utils.register_keras_serializable is gs.saving.register_keras_serializable


def test_to_categorical():
    np.testing.assert_array_equal(utils.to_categorical([[1], [0]]), [[0, 1], [1, 0]])
    assert utils.to_categorical([0, 1], 5).shape == (2, 5)
    assert utils.to_categorical(np.zeros((2, 3), int), 4).shape == (2, 3, 4)
    assert utils.to_categorical([0.0, 2.0]).dtype == np.float32
    for wrong, classes, message in (
        ([0, 3], 3, "x must hold class numbers from 0 to 2; it holds 3"),
        ([-1, 0], None, "x must hold class numbers from 0 to 0; it holds -1"),
        ([0.5], None, r"x must hold whole class numbers; x\[0\] is 0.5"),
        ([0], 0, "num_classes must be at least 1; got 0"),
    ):
        with pytest.raises(ValueError, match=message):
            utils.to_categorical(wrong, classes)


def test_split_takes_every_row_once():
    x, y = np.arange(101), -np.arange(101)
    parts = utils.split(x, y, (0.7, 0.15, 0.15), seed=1)
    assert [len(part[0]) for part in parts] == [71, 15, 15]
    assert sorted(np.concatenate([part[0] for part in parts])) == list(range(101))
    for a, b in parts:
        np.testing.assert_array_equal(a, -b)
    again = utils.split(x, y, (0.7, 0.15, 0.15), seed=1)
    other = utils.split(x, y, (0.7, 0.15, 0.15), seed=2)
    np.testing.assert_array_equal(parts[0][0], again[0][0])
    assert (parts[0][0] != other[0][0]).any()
    utils.set_random_seed(5)
    free = utils.split(x, y)[0][0]
    utils.set_random_seed(5)
    np.testing.assert_array_equal(utils.split(x, y)[0][0], free)


def test_split_in_strata():
    y = np.repeat(["a", "b", "c"], [200, 90, 10])
    x = np.arange(300)
    shares = (0.5, 0.3, 0.2)
    for part, share in zip(utils.split(x, y, shares, stratify=y, seed=0), shares, strict=True):
        for name, count in (("a", 200), ("b", 90), ("c", 10)):
            assert abs((part[1] == name).sum() - share * count) <= 1
    assert len({tuple(utils.split(x, y, shares, stratify=y, seed=s)[0][0]) for s in range(3)}) == 3


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((np.zeros(3), np.zeros(4)), {}, r"x and y must have the same number of rows; x has 3, y has shape \(4,\)"),
        ((np.zeros(3), np.zeros(3)), {"stratify": np.zeros(2)}, "x and stratify must have the same number of rows"),
        ((np.zeros(9), np.zeros(9), (0.5, 0.4)), {}, "shares must be numbers above 0 of sum 1"),
        ((np.zeros(9), np.zeros(9), (1.5, -0.5)), {}, "shares must be numbers above 0 of sum 1"),
        ((np.zeros(3), np.zeros(3), (0.9, 0.1)), {}, "every share must get a row"),
    ],
)
def test_split_of_bad_arguments(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        utils.split(*arguments, **options)


def test_config():
    assert gs.config.floatx() == "float32"
    for wrong, error in (("float16", ValueError), (np.float32, TypeError), (None, TypeError)):
        with pytest.raises(error, match="floatx must be"):
            gs.config.set_floatx(wrong)
    assert gs.config.floatx() == "float32"


def test_threads():
    before = gs.get_num_threads()
    gs.set_num_threads(3)
    assert gs.get_num_threads() == 3
    for wrong, error in ((0, ValueError), (-1, ValueError), (1.5, TypeError), ("2", TypeError)):
        with pytest.raises(error, match="threads must be"):
            gs.set_num_threads(wrong)
    assert gs.get_num_threads() == 3
    gs.set_num_threads(before)
