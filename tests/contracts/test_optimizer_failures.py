"""A step that fails leaves every byte of arrays, state, hyperparameters and counter as it was."""

from __future__ import annotations

import re

import numpy as np
import pytest
from snapshot import everything
from variants import other


def arrays() -> list[np.ndarray]:
    return [np.linspace(-1, 1, n).reshape(shape) for n, shape in [(6, (2, 3)), (5, (5,)), (1, ())]]


def good_gradients() -> list[np.ndarray]:
    return [np.ones((2, 3)), np.ones(5), np.ones(())]


# What is wrong with the last two gradients, and what the message must say.
BAD_GRADIENTS = {
    "shape": (1, lambda p: np.ones(4), ValueError, r"gradients\[1\] has shape \(4,\); its parameter has shape \(5,\)"),
    "column": (1, lambda p: np.ones((5, 1)), ValueError, r"gradients\[1\] has shape \(5, 1\)"),
    "one too many axes": (2, lambda p: np.ones(1), ValueError, r"gradients\[2\] has shape \(1,\)"),
    "dtype": (1, lambda p: np.ones(5, "f4"), TypeError, r"gradients\[1\] is float32; its parameter is float64"),
    "integers": (
        1,
        lambda p: np.ones(5, int),
        TypeError,
        r"gradients\[1\] must be float32, float64, float16 or bfloat16.*int64",
    ),
    "foreign byte order": (
        1,
        lambda p: np.ones(5, np.dtype("f8").newbyteorder()),
        TypeError,
        r"gradients\[1\] must be",
    ),
    "masked": (1, lambda p: np.ma.ones(5), TypeError, r"gradients\[1\] must be an array without a mask"),
    "list": (1, lambda p: [1.0] * 5, TypeError, r"gradients\[1\] must be an array or None; got a list of 5"),
    "number": (2, lambda p: 1.0, TypeError, r"gradients\[2\] must be an array or None; got a float"),
    "text": (2, lambda p: "g", TypeError, r"gradients\[2\] must be an array or None; got a str"),
    "part of another": (1, lambda p: p[0].ravel()[:5], ValueError, r"gradients\[1\] must not overlap a parameter"),
}


@pytest.mark.grid("new", case=BAD_GRADIENTS, when=["first step", "later step"])
def test_a_bad_gradient_changes_nothing(new, case, when):
    """Sampled: each mistake with each family of rules, at each of the steps; --grid has all."""
    known = when == "later step"
    at, make, error, message = BAD_GRADIENTS[case]
    optimizer, params = new(), arrays()
    if known:
        optimizer.step(params, good_gradients())
    before = everything(optimizer, *params)
    grads = good_gradients()
    grads[at] = make(params)
    with pytest.raises(error, match=f"^{message}"):
        optimizer.step(params, grads)
    assert everything(optimizer, *params) == before
    # The arrays of a first step that failed are as if never seen: views of them may be parameters.
    if not known:
        optimizer.step([params[0][0], params[0][1]], [np.ones(3)] * 2)
    else:
        optimizer.step(params, good_gradients())


@pytest.mark.grid("new", case=BAD_GRADIENTS)
def test_a_bad_gradient_changes_nothing_in_bound_arrays(new, case):
    """Sampled: each mistake with each family of rules; --grid has all."""
    at, make, error, _ = BAD_GRADIENTS[case]
    optimizer, params = new(), arrays()
    bound, nested = optimizer.bind(params), optimizer.bind({"x": params[:2], "y": {"z": params[2]}})
    bound.step(good_gradients())
    before = everything(optimizer, *params)
    grads = good_gradients()
    grads[at] = make(params)
    with pytest.raises(error, match=rf"^gradients\[{at}\] "):
        bound.step(grads)
    with pytest.raises(error, match=r"^gradients\['[xy]'\]\[.*\] "):
        nested.step({"x": grads[:2], "y": {"z": grads[2]}})
    assert everything(optimizer, *params) == before
    bound.step(good_gradients())
    assert optimizer.iterations == 2


def test_a_failed_first_step_forgets_only_the_new_arrays(new):
    optimizer, (a, b, c) = new(), arrays()
    optimizer.step(a, np.ones((2, 3)))
    before = everything(optimizer, a, b, c)
    with pytest.raises(ValueError, match=r"gradients\[2\]"):
        optimizer.step([a, b, c], [np.ones((2, 3)), np.ones(5), np.ones(7)])
    with pytest.raises(ValueError, match=r"gradients\[0\]"):
        optimizer.step([a, b, c], [np.ones(1), np.ones(5), np.ones(())])
    assert everything(optimizer, a, b, c) == before
    optimizer.step([b[:2], b[2:], a], [np.ones(2), np.ones(3), np.ones((2, 3))])
    assert optimizer.iterations == 2


def test_a_lone_array_is_named_without_a_number(new):
    with pytest.raises(ValueError, match=r"^gradient has shape \(2,\); its parameter has shape \(3,\)\."):
        new().step(np.ones(3), np.ones(2))
    with pytest.raises(ValueError, match=r"^parameter must be writable"):
        new().step(np.broadcast_to(1.0, 3), np.ones(3))


def test_arrays_that_overlap_are_refused(new):
    base = np.ones((6, 6))
    pairs = [
        (base, base),
        (base, base[2]),
        (base[:, 0], base[0]),
        (base[:4], base[3:]),
        (base[::2], base[2]),
        (base, base.T),
        (base.ravel(), base),
    ]
    for first, second in pairs:
        optimizer = new()
        with pytest.raises(ValueError, match=r"^parameters\[1\] overlaps parameters\[0\]"):
            optimizer.bind([first, second])
        optimizer.bind(first)
        if first is not second:
            with pytest.raises(ValueError, match=r"^parameter must not overlap another parameter"):
                optimizer.step(second, np.ones_like(second))
        assert len(optimizer._core) == 1
    assert (base == 1).all()
    # Interleaved, but without a common element: the even and the odd rows.
    optimizer = new()
    optimizer.step([base[::2], base[1::2], base[0:0]], [np.ones((3, 6)), np.ones((3, 6)), np.ones((0, 6))])
    assert optimizer.iterations == 1


def test_a_known_array_given_twice_is_refused(new):
    optimizer, w = new(), np.ones(3)
    optimizer.step(w, np.ones(3))
    before = everything(optimizer, w)
    with pytest.raises(ValueError, match=r"parameters\[1\] is parameters\[0\] again"):
        optimizer.step([w, w], [np.ones(3)] * 2)
    with pytest.raises(ValueError, match=r"parameters\[1\] is parameters\[0\] again"):
        optimizer.step([w, w[:]], [np.ones(3)] * 2)
    assert everything(optimizer, w) == before


class Tensor:
    """Lends memory that may be exchanged, as ``tensor.data = ...`` does in PyTorch."""

    def __init__(self, data: np.ndarray) -> None:
        self.data = data

    @property
    def __array_interface__(self):
        return self.data.__array_interface__


CHANGES = {
    "grown": lambda w: w.resize(4000, refcheck=False),
    "shrunk": lambda w: w.resize(5, refcheck=False),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_resized_array_is_refused(new, change):
    w, other, g = np.ones(1000), np.ones(3), np.ones(1000)
    optimizer = new()
    bound = optimizer.bind([w, other])
    bound.step([g, np.ones(3)])
    before = everything(optimizer, other)
    CHANGES[change](w)
    kept = w.copy()
    for grads in (g, np.ones_like(w)):
        with pytest.raises(ValueError, match="resized, reshaped or reallocated"):
            optimizer.step(w, grads)
        with pytest.raises(ValueError, match=r"^parameters\[0\] must stay .* resized, reshaped or reallocated"):
            bound.step([grads, np.ones(3)])
    assert everything(optimizer, other) == before
    assert w.tobytes() == kept.tobytes()
    optimizer.step(other, np.ones(3))


def test_a_reallocated_array_is_refused(new):
    w = Tensor(np.ones(10))
    optimizer = new()
    optimizer.step(w, np.ones(10))
    first, w.data = w.data, np.ones(10)
    before = everything(optimizer, first, w.data)
    with pytest.raises(ValueError, match="resized, reshaped or reallocated"):
        optimizer.step(w, np.ones(10))
    assert everything(optimizer, first, w.data) == before
    w.data = first
    optimizer.step(w, np.ones(10))
    assert optimizer.iterations == 2


def test_a_state_that_does_not_fit_changes_nothing(new):
    optimizer, params = new(), arrays()
    optimizer.step(params, good_gradients())
    before = everything(optimizer, *params)
    good = optimizer.state_dict()
    fewer = new()
    fewer.step(arrays()[:2], good_gradients()[:2])
    slot = [key for key in good if key.startswith("0.") and key != "0.step"]
    *others, last = [key for key in good if key in optimizer._fields()]
    changed = {name: np.array(other(optimizer, name)) for name in others}
    cases = [
        (TypeError, "state must be a dict", [good]),
        (ValueError, "state has no key 'iterations'", {}),
        (ValueError, "state has the key 'x', unknown to", {**good, "x": np.ones(1)}),
        (
            TypeError,
            r"state\['iterations'\] has dtype float64; it must be int64",
            {**good, "iterations": np.array(1.0)},
        ),
        (ValueError, r"state\['iterations'\] must be at least 0; got -1", {**good, "iterations": np.array(-1)}),
        (ValueError, r"state\['iterations'\] has shape \(1,\)", {**good, "iterations": np.array([1])}),
        (ValueError, "learning_rate must be .* got -1", {**good, "learning_rate": np.array(-1.0)}),
        (ValueError, f"{last} must be", {**good, **changed, last: np.array(np.nan)}),
        (ValueError, "learning_rate must be .* got nan", {**good, "learning_rate": np.array(np.nan)}),
        (TypeError, r"state\['learning_rate'\] must be an array", {**good, "learning_rate": 0.1}),
    ]
    if slot:
        shape = good[slot[0]].shape
        cases += [
            (ValueError, r"state has no key '2\..*It holds 3 arrays", fewer.state_dict()),
            (
                ValueError,
                rf"state\['{slot[0]}'\] has shape \(7,\); it must be {re.escape(str(shape))}",
                {**good, slot[0]: np.ones(7)},
            ),
            (TypeError, rf"state\['{slot[0]}'\] has dtype float32", {**good, slot[0]: np.ones(shape, "f4")}),
        ]
    for error, message, state in cases:
        with pytest.raises(error, match=f"^{message}"):
            optimizer.load_state_dict(state)
        assert everything(optimizer, *params) == before
