"""SGD's own: a flag that changes the state is another rule."""

from __future__ import annotations

import numpy as np
import pytest
from gradstep.optimizers import SGD


@pytest.mark.parametrize(
    ("momentum", "nesterov", "slots"),
    [(0.0, False, []), (0.0, True, []), (0.5, False, ["0.velocity"]), (0.5, True, ["0.velocity"])],
)
def test_state_only_with_momentum(momentum, nesterov, slots):
    optimizer = SGD(0.1, momentum, nesterov)
    optimizer.bind(np.ones(3))
    assert [key for key in optimizer.state_dict() if "." in key] == slots
    assert (optimizer.learning_rate, optimizer.momentum, optimizer.nesterov) == (0.1, momentum, nesterov)


def test_nesterov_without_momentum_is_plain():
    plain, nesterov = np.ones(5), np.ones(5)
    SGD(0.1).step(plain, plain * 3)
    SGD(0.1, nesterov=True).step(nesterov, nesterov * 3)
    assert plain.tobytes() == nesterov.tobytes()
    assert SGD.from_config(SGD(nesterov=True).get_config()).nesterov


def test_momentum_can_change_but_not_begin():
    optimizer = SGD(1.0, momentum=0.5)
    w = np.zeros(1)
    optimizer.step(w, np.ones(1))
    optimizer.momentum = 0.0
    optimizer.step(w, np.ones(1))
    assert w[0] == -2
    plain = SGD()
    plain.momentum = 0.0
    with pytest.raises(ValueError, match=r"momentum must stay 0 in an SGD made without it; got 0\.5"):
        plain.momentum = 0.5
    for bad, error in [
        (1.5, ValueError),
        (-0.1, ValueError),
        (np.nan, ValueError),
        ("0.5", TypeError),
        (True, TypeError),
    ]:
        for optimizer in (plain, SGD(momentum=0.5)):
            before = optimizer.momentum
            with pytest.raises(error, match="momentum must"):
                optimizer.momentum = bad
            assert optimizer.momentum == before
        with pytest.raises(error, match="momentum must"):
            SGD(momentum=bad)


def test_nesterov_must_be_a_bool():
    with pytest.raises(TypeError, match="nesterov must be True or False; got 1"):
        SGD(nesterov=1)
    with pytest.raises(AttributeError):
        SGD().nesterov = True


def test_a_changed_rate_acts_on_later_gradients_only():
    optimizer, w = SGD(1.0, momentum=1.0), np.zeros(1)
    optimizer.step(w, np.ones(1))
    optimizer.learning_rate = 0.0
    optimizer.step(w, np.ones(1))
    assert w[0] == -2  # PyTorch's form would stand still
