"""A learning rate that is a function without arguments, as Keras's optimizers take one."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradstep import optimizers


class Counted:
    """A rate, and how often it was asked for."""

    def __init__(self):
        self.asked = 0

    def __call__(self):
        self.asked += 1
        return 0.1


def square(x):
    return ((x - 2) ** 2).sum()


def slope(x):
    return 2 * (x - 2)


@pytest.mark.parametrize(
    "make",
    [
        lambda rate: {"method": "sgd", "learning_rate": rate},
        lambda rate: {"method": "adam", "learning_rate": rate},
        lambda rate: {"method": optimizers.SGD(rate, momentum=0.5)},
        lambda rate: {"method": optimizers.Lookahead(optimizers.SGD(rate))},
        lambda rate: {"method": gs.minimizers.OpenAIES(optimizer=optimizers.Adam(rate)), "seed": 0},
    ],
)
def test_minimize(make):
    rate = Counted()
    found, expected = (gs.minimize(square, np.zeros(2), jac=slope, maxiter=40, **make(one)) for one in (rate, 0.1))
    assert rate.asked
    assert np.array_equal(found.x, expected.x)
    assert found.nit == expected.nit


def test_minimize_many():
    def squares(X, rows):
        return ((X - 2) ** 2).sum(axis=1), 2 * (X - 2)

    rate, x = Counted(), np.zeros((5, 2))
    both = [gs.minimize_many(squares, x, jac=True, method=optimizers.SGD(one), maxiter=30) for one in (rate, 0.1)]
    assert rate.asked
    assert np.array_equal(both[0].x, both[1].x)


def test_the_optimizer_itself_is_left_as_it_was():
    optimizer = optimizers.Adam(Counted())
    gs.minimize(square, np.zeros(2), jac=slope, method=optimizer, maxiter=3)
    assert optimizer.iterations == 0
    with pytest.raises(NotImplementedError, match="is a function, which cannot be saved"):
        optimizer.get_config()
