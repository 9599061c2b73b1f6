"""check_grad: whether a gradient is that of its function."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from problems import quadratic, rosenbrock

R = rosenbrock()


def pair(x):
    return R.value(x), R.gradient(x)


def test_check_grad_agrees():
    assert gs.check_grad(R.value, R.gradient, R.start).success
    assert gs.check_grad(pair, True, R.start).success
    res = gs.check_grad(R.value, R.gradient, R.start.astype(np.float32))
    assert res.success


@pytest.mark.parametrize("at", range(3))
def test_check_grad_names_the_component(at):
    q = quadratic(9)

    def wrong(x):
        g = q.gradient(x)
        g[at] *= 1.01
        return g

    res = gs.check_grad(q.value, wrong, q.start)
    assert not res.success
    assert res.worst[0][0] == f"x0[{at}]"
    assert f"x0[{at}]" in res.message
    assert len(res.worst) == 1
    assert res.error == pytest.approx(0.01, rel=0.05)
