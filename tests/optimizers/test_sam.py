"""SAM: equal to the oracle, and over every rule to what one would do by hand."""

from __future__ import annotations

import numpy as np
import pytest
from gradstep.optimizers import SAM, SGD, Adam
from reference.wrappers import sam
from snapshot import everything
from vectors import draws, strided

N = 20_011  # more than two blocks


def quadratic(scale):
    return lambda params: [scale * w for w in params]


@pytest.mark.parametrize("adaptive", [False, True])
def test_sam_equals_the_oracle(dtype, adaptive):
    start = [draws(dtype, n)[0] for n in (9000, 5)]
    scales = [np.linspace(0.1, 3, len(w)).astype(dtype) for w in start]
    end = sam(
        [w.astype("f8") for w in start],
        lambda params: [s.astype("f8") * w for s, w in zip(scales, params, strict=True)],
        20, 0.1, 0.9, 0.5, adaptive,
    )  # fmt: skip
    optimizer = SAM(SGD(0.1, momentum=0.9), rho=0.5, adaptive=adaptive)
    for _ in range(20):
        optimizer.step(start, lambda params: [s * w for s, w in zip(scales, params, strict=True)])
    for w, expected in zip(start, end, strict=True):
        # Gradients follow the weights here, so roundings of one step grow a little in the next.
        np.testing.assert_allclose(w, expected, rtol=0, atol=60 * np.finfo(dtype).eps * np.abs(expected).max())


@pytest.mark.parametrize("lay", [lambda w: w, strided], ids=["side by side", "strided"])
def test_sam_steps_from_where_it_was_over_every_rule(new, dtype, lay):
    w, gradients = draws(dtype, N)
    start, v, w = w.copy(), w.copy(), lay(w)
    one, other = SAM(new(), rho=0.5), new()
    for i in range(0, 6, 2):
        one.first_step(w, lay(gradients[i]))
        away = np.linalg.norm(w.astype("f8") - v)
        assert 0.499 < away < 0.501
        one.second_step(w, lay(gradients[i + 1]))
        other.step(v, gradients[i + 1])
        assert np.ascontiguousarray(w).tobytes() == v.tobytes() != start.tobytes()
    assert everything(one.optimizer) == everything(other)


def test_sam_measures_all_arrays_together_and_leaves_those_without_a_gradient():
    a, b, c = np.zeros(1), np.zeros((1, 1)), np.ones(2)
    optimizer = SAM(SGD(1.0), rho=10.0)
    optimizer.first_step([a, b, c], [np.full(1, 3.0), np.full((1, 1), -4.0), None])
    np.testing.assert_array_equal([a[0], b[0, 0], *c], [6, -8, 1, 1])
    optimizer.second_step([a, b, c], [np.zeros(1), np.zeros((1, 1)), np.ones(2)])
    np.testing.assert_array_equal([a[0], b[0, 0], *c], [0, 0, 0, 0])


def test_sam_stays_where_the_gradient_is_zero_and_takes_large_ones():
    w = np.ones(3)
    optimizer = SAM(SGD(0.5))
    optimizer.step(w, lambda w: np.zeros(3))
    assert (w == 1).all()
    w, optimizer = np.ones(3, "f4"), SAM(SGD(0.5), rho=3.0)
    optimizer.first_step(w, np.full(3, 1e30, "f4"))  # squares are beyond float32, not beyond double
    np.testing.assert_allclose(w, 1 + 3 / np.sqrt(3), rtol=1e-6)


def test_a_step_of_sam_that_fails_changes_nothing():
    def run(fail, error, match):
        w, v = np.ones(3), np.ones(2)
        optimizer = SAM(Adam(on_nonfinite="raise"))
        optimizer.step(w, lambda w: 2 * w)
        before = everything(optimizer, w, v)
        calls = []

        def gradients(params):
            calls.append(params)
            return fail(params, len(calls))

        with pytest.raises(error, match=match):
            optimizer.step([w, v], gradients)
        assert everything(optimizer, w, v) == before
        assert len(optimizer._core) == 1
        optimizer.step([w, v], quadratic(2))

    def raising(params, call):
        if call == 2:
            raise ZeroDivisionError("mine")
        return quadratic(2)(params)

    run(raising, ZeroDivisionError, "mine")
    run(lambda params, call: [2 * params[0], np.ones(3 - (call == 1))], ValueError, r"gradients\[1\] has shape \(3,\)")
    run(lambda params, call: [2 * params[0], np.ones(3)], ValueError, r"gradients\[1\] has shape")
    run(lambda params, call: [2 * params[0], np.full(2, [1.0, np.nan][call - 1])], FloatingPointError, "must be finite")
    run(lambda params, call: [2 * params[0]], ValueError, "gradients has length 1")


def test_halves_of_sam_must_alternate():
    w, v = np.ones(3), np.ones(2)
    optimizer = SAM(SGD())
    with pytest.raises(RuntimeError, match="second_step must follow first_step"):
        optimizer.second_step(w, w.copy())
    optimizer.first_step([w, v], [np.ones(3), np.ones(2)])
    with pytest.raises(RuntimeError, match="first_step must be followed by second_step"):
        optimizer.first_step(w, np.ones(3))
    with pytest.raises(ValueError, match="parameters must be those of the first_step"):
        optimizer.second_step(w, np.ones(3))
    with pytest.raises(RuntimeError, match="a state is that after a whole step"):
        optimizer.state_dict()
    optimizer.second_step([w, v], [np.zeros(3), np.zeros(2)])
    assert (w == 1).all()
    for refused in (lambda: optimizer.step(w, np.ones(3)), lambda: optimizer.apply_gradients([(w, w)])):
        with pytest.raises(TypeError, match=r"gradients|function"):
            refused()
