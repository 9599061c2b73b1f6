"""MultiOptimizer: equal to its optimizers by hand; all of them step, or none."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradstep.optimizers import SGD, Adam, Lookahead, MultiOptimizer


def model(dtype="f8"):
    rng = np.random.default_rng(0)
    return {
        "dense": {"kernel": rng.standard_normal((5, 4)).astype(dtype), "bias": rng.standard_normal(4).astype(dtype)},
        "out": [rng.standard_normal((4, 3)).astype(dtype), {"bias": rng.standard_normal(3).astype(dtype)}],
    }


def like(tree, number):
    if isinstance(tree, dict):
        return {key: like(value, number) for key, value in tree.items()}
    if isinstance(tree, list):
        return [like(value, number) for value in tree]
    return np.full_like(tree, number)


def test_multi_steps_each_by_the_first_that_matches(dtype):
    one, other = model(dtype), model(dtype)
    multi = MultiOptimizer({"*/bias": SGD(0.5, momentum=0.9), "out/0": Adam(0.1), "*": Adam(0.01)})
    biases, kernel, out = SGD(0.5, momentum=0.9), Adam(0.01), Adam(0.1)
    bound = multi.bind(one)
    for step in range(4):
        grads = like(one, step - 1.5)
        (bound if step % 2 else multi).step(*([grads] if step % 2 else [one, grads]))
        biases.step(
            [other["dense"]["bias"], other["out"][1]["bias"]], [grads["dense"]["bias"], grads["out"][1]["bias"]]
        )
        kernel.step(other["dense"]["kernel"], grads["dense"]["kernel"])
        out.step(other["out"][0], grads["out"][0])
    for key in ("kernel", "bias"):
        assert one["dense"][key].tobytes() == other["dense"][key].tobytes()
    assert one["out"][0].tobytes() == other["out"][0].tobytes()
    assert one["out"][1]["bias"].tobytes() == other["out"][1]["bias"].tobytes()
    assert multi.iterations == 4
    state = multi.state_dict()
    for i, single in enumerate([biases, out, kernel]):
        for key, value in single.state_dict().items():
            assert state.pop(f"optimizers.{i}.{key}").tobytes() == value.tobytes()
    assert not state


def test_multi_names_what_no_pattern_matches_and_forgets_it():
    params = model()
    multi = MultiOptimizer({"*bias": SGD(), "*kernel": Adam()})
    with pytest.raises(
        ValueError, match=r"parameters\['out'\]\[0\] has the name 'out/0', which matches none of .*bias"
    ):
        multi.bind(params)
    assert len(multi._core) == 0
    assert [len(optimizer._core) for optimizer in multi._each] == [0, 0]
    multi.step(params["dense"], like(params["dense"], 1.0))
    with pytest.raises(ValueError, match="parameter has the name ''"):
        multi.step(params["out"][0], np.ones((4, 3)))
    assert MultiOptimizer({"": SGD(0.5)}).step(params["out"][0], np.ones((4, 3))) is None
    # Known arrays keep theirs, whatever they are called.
    multi.step([params["dense"]["bias"]], [np.ones(4)])
    assert [optimizer.iterations for optimizer in multi._each] == [2, 1]


def test_an_error_of_one_stops_all():
    for last, grads, error in [
        (Adam(on_nonfinite="raise"), [np.ones(3), np.array([1, np.inf])], FloatingPointError),
        (Adam(), [np.ones(3), np.ones(3)], ValueError),
        (Lookahead(Adam(on_nonfinite="raise")), [np.ones(3), np.array([1, np.nan])], FloatingPointError),
        (Adam(gs.optimizers.schedules.Lambda(lambda step: -1.0)), [np.ones(3), np.ones(2)], ValueError),
    ]:
        w, v = np.ones(3), np.ones(2)
        multi = MultiOptimizer({"0": SGD(), "1": last})
        with pytest.raises(error):
            multi.step([w, v], grads)
        assert (w == 1).all()
        assert multi.iterations == len(multi._core) == len(last._core) == 0


def test_arrays_of_different_optimizers_must_not_overlap_either():
    base = np.ones(6)
    multi = MultiOptimizer({"0": SGD(), "1": Adam()})
    with pytest.raises(ValueError, match=r"parameters\[1\] overlaps parameters\[0\]"):
        multi.bind([base, base[2:4]])
    multi.bind([base[:3], base[3:]])
    with pytest.raises(ValueError, match="must not overlap a parameter"):
        multi.step([base[:3], base[3:]], [base[3:], np.ones(3)])
    assert (base == 1).all()


def test_the_rate_of_a_multi_is_that_of_the_last_and_scales_all():
    multi = MultiOptimizer({"a": SGD(0.5), "b": Adam(0.2), "*": SGD(0.1)})
    assert multi.learning_rate == 0.1
    multi.learning_rate = 0.05
    assert [optimizer.learning_rate for optimizer in multi.optimizers.values()] == [0.25, 0.1, 0.05]
    for value, error in [(-1.0, ValueError), (float("nan"), ValueError), ("a", TypeError)]:
        with pytest.raises(error):
            multi.learning_rate = value
    with pytest.raises(AttributeError, match="weight_decay belongs to each optimizer"):
        multi.weight_decay = 0.1
    with pytest.raises(AttributeError, match="no attribute 'beta_1'"):
        _ = multi.beta_1
