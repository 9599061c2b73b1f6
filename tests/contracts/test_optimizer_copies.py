"""Copies of every optimizer: after pickle, joblib, deepcopy and copy training goes on, bit for bit, and by itself.

A copy has all that a step depends on, never the original's engine, and steps the arrays that were copied with it.
"""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from gradstep import optimizers
from gradstep.optimizers import schedules
from snapshot import everything
from variants import OPTIMIZERS


def by_pickle(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))


def by_joblib(value: Any) -> Any:
    """Which makes several copies of an array that is there several times."""
    file = BytesIO()
    joblib.dump(value, file)
    file.seek(0)
    return joblib.load(file)


WAYS: dict[str, Callable[[Any], Any]] = {"pickle": by_pickle, "deepcopy": copy.deepcopy}
try:
    import joblib

    WAYS["joblib"] = by_joblib
except ImportError:
    pass
Make = Callable[[], optimizers.Optimizer]


def several() -> optimizers.Optimizer:
    adam = optimizers.Adam(0.01, use_ema=True)
    adam.exclude_from_weight_decay(var_names=["w"])
    return optimizers.MultiOptimizer({"w": adam, "*": optimizers.SGD(0.1, 0.9)})


MADE: dict[str, Make] = {
    **OPTIMIZERS,
    "schedule": lambda: optimizers.SGD(schedules.CosineDecay(0.1, 20), momentum=schedules.Linear(0.5, 0.9, 10)),
    "average": lambda: optimizers.Adam(use_ema=True, ema_overwrite_frequency=3),
    "accumulation": lambda: optimizers.AdamW(gradient_accumulation_steps=2, global_clipnorm=0.1),
    "int8": lambda: optimizers.Adam(state_dtype="int8"),
    "bfloat16": lambda: optimizers.Adam(state_dtype="bfloat16"),
    "skips": lambda: optimizers.Adam(on_nonfinite="skip"),
    "lookahead": lambda: optimizers.Lookahead("adam", sync_period=3),
    "several": several,
    "lookahead of several": lambda: optimizers.Lookahead(several(), sync_period=2),
    "sam": lambda: optimizers.SAM(optimizers.SGD(0.05, momentum=0.9)),
    "sam of lookahead": lambda: optimizers.SAM(optimizers.Lookahead(optimizers.Adam(), sync_period=2), adaptive=True),
}
CASES = list(MADE)


def parameters() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    return {"w": rng.standard_normal((6, 4)).astype(np.float32), "b": rng.standard_normal(4).astype(np.float32)}


def gradients(step: int) -> dict[str, np.ndarray | None]:
    rng = np.random.default_rng(step)
    drawn = {name: rng.standard_normal(array.shape).astype(np.float32) for name, array in parameters().items()}
    return {**drawn, "b": None} if step % 3 == 1 else drawn


def take(optimizer: Any, params: dict[str, np.ndarray], begin: int, end: int) -> None:
    """Some steps; of a bound optimizer, too."""
    bound = not isinstance(optimizer, optimizers.Optimizer)
    for step in range(begin, end):
        grads: Any = gradients(step)
        if isinstance(optimizer.optimizer if bound else optimizer, optimizers.SAM):
            now = grads
            grads = lambda at, now=now: {k: None if g is None else g + at[k] for k, g in now.items()}  # noqa: E731
        optimizer.step(grads) if bound else optimizer.step(params, grads)


@pytest.mark.parametrize("case", CASES)
def test_training_goes_on_bit_for_bit(case):
    optimizer, params = MADE[case](), parameters()
    take(optimizer, params, 0, 4)
    before = everything(optimizer, *params.values())
    ended = []
    for twin in WAYS.values():
        copied = twin({"params": params, "optimizer": optimizer})
        alone = {name: array.copy() for name, array in params.items()}
        for other, copies in ((copied["optimizer"], copied["params"]), (twin(optimizer), alone)):
            take(other, copies, 4, 8)
            ended.append(everything(other, *copies.values()))
            assert everything(optimizer, *params.values()) == before
            assert other.get_config() == optimizer.get_config()
            assert len(other._core) == 2
    take(optimizer, params, 4, 8)
    assert set(ended) == {everything(optimizer, *params.values())}


@pytest.mark.parametrize("case", CASES)
def test_before_its_first_step(case):
    optimizer, params, ended = MADE[case](), parameters(), []
    for twin in WAYS.values():
        other, copies = twin(optimizer), parameters()
        assert type(other) is type(optimizer)
        assert repr(other) == repr(optimizer)
        take(other, copies, 0, 3)
        ended.append(everything(other, *copies.values()))
    take(optimizer, params, 0, 3)
    assert set(ended) == {everything(optimizer, *params.values())}


@pytest.mark.parametrize("case", CASES)
def test_a_shallow_copy_steps_the_same_arrays_with_state_of_its_own(case):
    optimizer, params = MADE[case](), parameters()
    take(optimizer, params, 0, 4)
    other = copy.copy(optimizer)
    kept = {name: array.copy() for name, array in params.items()}
    before = everything(optimizer)
    take(other, params, 4, 8)
    assert everything(optimizer) == before
    ended = everything(other, *params.values())
    for name, array in params.items():
        array[...] = kept[name]
    take(optimizer, params, 4, 8)
    assert everything(optimizer, *params.values()) == ended
    assert len(other._core) == 2


@pytest.mark.parametrize("case", CASES)
def test_bound_optimizers(case):
    optimizer, params, ended = MADE[case](), parameters(), []
    bound = optimizer.bind(params)
    take(bound, params, 0, 4)
    before = everything(optimizer)
    kept = {name: array.copy() for name, array in params.items()}
    for twin in (*WAYS.values(), copy.copy):
        other = twin(bound)
        copies = dict(zip(params, other.arrays, strict=True))
        assert all((copies[name] is array) == (twin is copy.copy) for name, array in params.items())
        take(other, copies, 4, 8)
        ended.append(everything(other.optimizer, *copies.values()))
        assert everything(optimizer) == before
    for name, array in params.items():
        array[...] = kept[name]
    take(bound, params, 4, 8)
    assert set(ended) == {everything(optimizer, *params.values())}


@pytest.mark.parametrize("way", [*WAYS, "copy"])
def test_groups_schedules_exclusions_and_skipped_steps(way):
    optimizer, w, b = optimizers.AdamW(0.1, weight_decay=0.5, on_nonfinite="skip"), np.ones(3), np.ones(2)
    optimizer.exclude_from_weight_decay([b], ["none of them"])
    bound = optimizer.bind(
        [{"params": [w], "learning_rate": schedules.Linear(0.5, 0.0, 9)}, {"params": [b], "beta_1": 0.5}]
    )
    bound.step([[np.ones(3)], [np.full(2, np.nan)]])
    bound.step([[np.ones(3)], [np.ones(2)]])
    other = copy.copy(bound) if way == "copy" else WAYS[way](bound)
    if way == "copy":
        v, c = w.copy(), b.copy()
    for _ in range(3):
        bound.step([[np.ones(3)], [np.ones(2)]])
    if way == "copy":
        after = w.copy(), b.copy()
        w[...], b[...] = v, c
    for _ in range(3):
        other.step([[np.ones(3)], [np.ones(2)]])
    expected = after if way == "copy" else (w, b)
    assert all(np.array_equal(*pair) for pair in zip(other.arrays, expected, strict=True))
    assert other.optimizer.skipped_steps == 1
    assert [dict(group) for group in other.optimizer.groups] == [dict(group) for group in optimizer.groups]
    other.optimizer.exclude_from_weight_decay(var_names=["x"])  # which asks for all of them anew
    other.optimizer.learning_rate = 7.0
    assert optimizer.learning_rate == 0.1
    before = [array.copy() for array in other.arrays]
    other.step([[np.zeros(3)], [np.zeros(2)]])
    assert not np.array_equal(before[0], other.arrays[0])


@pytest.mark.parametrize("kind", ["ScheduleFreeAdamW", "ScheduleFreeSGD"])
@pytest.mark.parametrize("way", WAYS)
def test_between_eval_and_train(kind, way):
    bound = OPTIMIZERS[kind]().bind(parameters())
    take(bound, {}, 0, 3)
    bound.optimizer.eval()
    other = WAYS[way](bound)
    with pytest.raises(RuntimeError, match="call train"):
        take(other, {}, 3, 4)
    for each in (bound, other):
        each.optimizer.train()
        take(each, {}, 3, 5)
    assert everything(other.optimizer, *other.arrays) == everything(bound.optimizer, *bound.arrays)


def test_nothing_but_plain_data_is_pickled():
    import pickletools

    optimizer, params = several(), parameters()
    take(optimizer, params, 0, 2)
    names = {
        argument.split(" ")[0].partition(".")[0]
        for opcode, argument, _ in pickletools.genops(pickle.dumps(optimizer, protocol=3))
        if opcode.name == "GLOBAL"
    }
    assert names <= {"gradstep", "numpy", "copyreg", "collections", "_codecs"}


class Mine(optimizers.SGD):
    """With arguments and attributes of its own."""

    def __init__(self, factor: float) -> None:
        super().__init__(learning_rate=0.1 * factor, momentum=0.9)
        self.factor = factor


@pytest.mark.parametrize("way", WAYS)
def test_classes_of_ones_own(way):
    optimizer, params = Mine(2.0), parameters()
    take(optimizer, params, 0, 2)
    copied = WAYS[way]({"params": params, "optimizer": optimizer})
    take(optimizer, params, 2, 4)
    take(copied["optimizer"], copied["params"], 2, 4)
    assert copied["optimizer"].factor == 2.0
    assert all(np.array_equal(params[name], copied["params"][name]) for name in params)
