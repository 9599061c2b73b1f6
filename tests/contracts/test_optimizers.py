"""What every registered optimizer keeps: one promise a test."""

from __future__ import annotations

import functools
import inspect
import re
from hashlib import sha256
from math import isfinite

import numpy as np
import pytest
from gradstep import _core, optimizers
from gradstep.optimizers.base.defaults import Default
from gradstep.optimizers.base.options import DEFAULTS
from reference.optimizers import ORACLES
from snapshot import everything
from variants import FLAGS, OPTIMIZERS, other

SIZES = [0, 1, 7, 10007]
# Rounding of 20 steps, in units of the last place of the largest number met: every step rounds w once, 10 ULP in all if
# all go one way; the float32 constants of a rule (1 - beta, 1 - rate * decay) are rounded too, and once more each step.
TOLERANCE_ULP = {np.dtype("float64"): 10, np.dtype("float32"): 14}


def draws(n: int, dtype: np.dtype, steps: int = 20, seed: int = 0) -> tuple[np.ndarray, list[np.ndarray]]:
    """A start and the gradients of some steps."""
    rng = np.random.default_rng(seed)
    w = rng.standard_normal(n).astype(dtype)
    return w, [rng.standard_normal(n).astype(dtype) for _ in range(steps)]


def fields(optimizer: optimizers.Optimizer) -> list[str]:
    return [field[0] for field in _core.rules()[optimizer._core.rule]["fields"]]


def slots(optimizer: optimizers.Optimizer) -> tuple[str, ...]:
    return _core.rules()[optimizer._core.rule]["slots"]


def described(optimizer: optimizers.Optimizer) -> dict:
    return _core.rules()[optimizer._core.rule]


def scalars(optimizer: optimizers.Optimizer) -> list[tuple[str, str]]:
    """Names of the numbers that the rule keeps, and their keys in a state of one array."""
    rule = described(optimizer)
    return [(name, name if rule["global_sums"] else f"0.{name}") for name in rule["scalars"]]


def oracle(optimizer: optimizers.Optimizer, w: np.ndarray, gradients: list[np.ndarray]) -> tuple[np.ndarray, dict]:
    values = {field: getattr(optimizer, field) for field in fields(optimizer)}
    with np.errstate(all="ignore"):
        return ORACLES[optimizer._core.rule](w.astype("f8"), [g.astype("f8") for g in gradients], **values)


def test_every_rule_has_an_oracle_and_a_class(new):
    missing = set(_core.rules()) - set(ORACLES)
    assert not missing, f"Add an oracle for {missing} to tests/support/reference/optimizers.py: six lines."
    assert new()._core.rule in ORACLES


def test_every_rule_is_reached_from_a_class():
    missing = set(_core.rules()) - {make()._core.rule for make in OPTIMIZERS.values()}
    assert not missing, f"Add the arguments that lead to {missing} to tests/support/variants.py."


@pytest.mark.grid(n=SIZES, values=["defaults", "other values"])
def test_equals_oracle(new, dtype, n, values):
    """Sampled: every two of optimizer, dtype, size and values; --grid has all."""
    values = {field: other(new(), field) for field in fields(new())} if values == "other values" else {}
    optimizer = new(**values)
    w, gradients = draws(n, dtype)
    end, state = oracle(optimizer, w, gradients)
    for g in gradients:
        optimizer.step(w, g)
    assert optimizer.iterations == len(gradients)
    keys = [*((slot, f"0.{slot}") for slot in slots(optimizer)), *scalars(optimizer)]
    for ours, theirs in [(w, end), *((optimizer.state_dict()[key], state[name]) for name, key in keys)]:
        scale = max(1.0, np.abs(theirs).max(initial=0))
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=TOLERANCE_ULP[dtype] * np.finfo(dtype).eps * scale)


def test_step_is_in_place_and_returns_nothing(new, dtype):
    w, (g, *_) = draws(100, dtype)
    address, start, kept = w.ctypes.data, w.copy(), g.copy()
    assert new().step(w, g) is None
    assert w.ctypes.data == address
    assert (w != start).all()
    assert g.tobytes() == kept.tobytes()


@functools.cache
def on_first_isa(make, dtype: np.dtype) -> bytes:
    before = _core.build_info()["isa"]
    _core.set_isa(_core.build_info()["isas"][0])
    try:
        return run_all_sizes(make, dtype)
    finally:
        _core.set_isa(before)


def run_all_sizes(make, dtype: np.dtype) -> bytes:
    """Every length around the widths of vectors, so that each tail is met; then a long one."""
    found = []
    for n in [*range(70), 10007]:
        optimizer = make()
        w, gradients = draws(n, dtype, steps=4)
        for g in gradients:
            optimizer.step(w, g)
        found.append(everything(optimizer, w))
    return b"".join(found)


def test_same_bits_on_every_isa(new, dtype, isa):
    assert run_all_sizes(new, dtype) == on_first_isa(new, dtype)


@pytest.mark.parametrize("n", [1040, 1500])
def test_same_bits_wherever_an_array_begins(new, dtype, n):
    """A long array is moved from the first cache line on that begins with one of its numbers, the others apart."""
    found = set()
    for first in (0, 1, 4, 15):
        optimizer, room = new(), np.empty(n + 40, dtype)
        begin = -(room.ctypes.data // room.itemsize) % 16 + first
        w, gradients = draws(n, dtype, steps=3)
        array = room[begin : begin + n]
        array[:] = w
        for g in gradients:
            optimizer.step(array, g)
        found.add(everything(optimizer, array))
    assert len(found) == 1


@functools.cache
def large(count: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Pairs of an array and its gradient, past the size from which more than one thread works."""
    rng = np.random.default_rng(1)
    sizes = [1_100_003] if count == 1 else rng.integers(1, 8000, count)
    return [(rng.standard_normal(n, dtype="f4"), rng.standard_normal(n, dtype="f4")) for n in sizes]


@functools.cache
def on_one_thread(make, count: int) -> bytes:
    before = _core.get_num_threads()
    _core.set_num_threads(1)
    try:
        return run_large(make, count)
    finally:
        _core.set_num_threads(before)


def run_large(make, count: int) -> bytes:
    optimizer = make()
    params, grads = [w.copy() for w, _ in large(count)], [g for _, g in large(count)]
    bound = optimizer.bind(params)
    for _ in range(2):
        bound.step(grads)
    return sha256(everything(optimizer, *params)).digest()


@pytest.mark.grid(count=[1, 400])
@pytest.mark.slow
def test_same_bits_on_any_number_of_threads(new, threads, count):
    """Sampled: every two of optimizer, number of threads and number of arrays; --grid has all."""
    assert run_large(new, count) == on_one_thread(new, count)


@pytest.mark.grid(value=[np.nan, np.inf, -np.inf], at=[0, 5, 32, 66])
def test_non_finite_gradients_go_through_and_stay_where_they_are(new, dtype, value, at):
    """Sampled: every two of optimizer, dtype, value and place; --grid has all."""
    w, (g, *_) = draws(67, dtype, steps=1)
    clean, start, clean_g = w.copy(), w.copy(), g.copy()
    g[at] = value
    optimizer = new()
    optimizer.step(w, g)
    new().step(clean, clean_g)
    end, _ = oracle(optimizer, start, [g])
    others = np.arange(67) != at
    if not described(optimizer)["measures"]:  # a norm passes it on
        assert w[others].tobytes() == clean[others].tobytes()
    # What a rule makes of it is the formula's affair: Adam turns inf into nan, Lion takes its sign.
    np.testing.assert_array_equal(np.isnan(w), np.isnan(end))
    np.testing.assert_array_equal(np.isposinf(w), np.isposinf(end))
    np.testing.assert_array_equal(np.isneginf(w), np.isneginf(end))


def test_state_round_trip_goes_on_bit_for_bit(new, dtype):
    starts = [draws(n, dtype)[0] for n in SIZES]
    steps = [[draws(n, dtype, seed=seed)[0] for n in SIZES] for seed in range(10)]
    through = [w.copy() for w in starts]
    never_stopped = new()
    for grads in steps[:5]:
        never_stopped.step(through, grads)
    state, halfway = never_stopped.state_dict(), [w.copy() for w in through]
    for grads in steps[5:]:
        never_stopped.step(through, grads)

    resumed = new()
    bound = resumed.bind(halfway)
    resumed.load_state_dict(state)
    assert resumed.iterations == 5
    for grads in steps[5:]:
        bound.step(grads)
    assert everything(resumed, *halfway) == everything(never_stopped, *through)


def test_state_dict_is_a_copy(new, dtype):
    w, (g, *_) = draws(7, dtype)
    optimizer = new()
    optimizer.step(w, g)
    before = everything(optimizer, w)
    for array in optimizer.state_dict().values():
        array[...] = 3
    assert everything(optimizer, w) == before


def test_signature_defaults_are_the_rules(new):
    optimizer = new()
    parameters = inspect.signature(type(optimizer)).parameters
    own = FLAGS.get(type(optimizer).__name__, set())
    assert set(parameters) - own == {"name", *DEFAULTS, *fields(optimizer)} - own
    other_dialect = getattr(optimizer, "dialect", "keras") != "keras"
    for name, default, *_ in _core.rules()[optimizer._core.rule]["fields"]:
        shown = parameters[name].default
        if name not in own and not (other_dialect and isinstance(shown, Default)):
            assert shown == default, f"{name} differs between Python and C++"


def test_hyperparameters_are_attributes_with_the_rules_bounds(new):
    optimizer = new()
    for name, _, _, low, high, low_open, high_open in _core.rules()[optimizer._core.rule]["fields"]:
        accepted = other(optimizer, name)
        setattr(optimizer, name, accepted)
        assert getattr(optimizer, name) == accepted
        assert optimizer.get_config()[name] == accepted
        refused = [np.nan, np.nextafter(low, -np.inf)] + [np.nextafter(high, np.inf)] * isfinite(high)
        refused += [low] * low_open + [high] * high_open
        for value in refused:
            before = everything(optimizer)
            with pytest.raises(ValueError, match=rf"{name}.*got.*"):
                setattr(optimizer, name, value)
            with pytest.raises(ValueError, match=rf"{name}.*got.*"):
                new(**{name: value})
            assert everything(optimizer) == before
        for value in ["0.1", None, True, 1j, [0.1], np.array([0.1]), lambda step: 0.1]:
            if name == "learning_rate" and callable(value):
                continue  # asked at each step
            with pytest.raises(TypeError, match=f"{name} must be a real number; got "):
                setattr(optimizer, name, value)
            if name == "rms_rate" and value is None:
                continue  # Keras's word for no scale
            with pytest.raises(TypeError, match=f"{name} must be a real number; got "):
                new(**{name: value})


def test_docstring_names_every_field_and_slot(new):
    optimizer = new()
    head, _, rest = inspect.getdoc(type(optimizer)).partition("Raises\n------")
    parameters, _, state = head.partition("State\n-----")  # which a rule may be without
    for name in [*fields(optimizer), "name"]:
        assert f"\n{name} : " in parameters, f"{name} has no entry under Parameters"
    found = {name for names in re.findall(r"^(\S.*?) : ", state, re.MULTILINE) for name in names.split(", ")}
    for slot in [*slots(optimizer), *(name for name, _ in scalars(optimizer))]:
        assert slot in found, f"{slot} is not under State"
    for section in ["Notes\n-----", "References\n----------", "Examples\n--------"]:
        assert section in rest


def test_config_round_trip(new):
    optimizer = new(name="mine")
    for field in fields(optimizer):
        setattr(optimizer, field, other(optimizer, field))
    again = type(optimizer).from_config(optimizer.get_config())
    assert again.get_config() == optimizer.get_config()
    assert again._core.rule == optimizer._core.rule
    assert again.name == "mine"
    through_dict = optimizers.deserialize(optimizers.serialize(optimizer))
    assert type(through_dict) is type(optimizer)
    assert through_dict.get_config() == optimizer.get_config()


def test_bound_equals_unbound(new, dtype):
    w, gradients = draws(1000, dtype)
    params, optimizer = w.copy(), new()
    other, bound = w.copy(), None
    second = new()
    bound = second.bind(other)
    for g in gradients:
        optimizer.step(params, g)
        bound.step(g)
    assert everything(optimizer, params) == everything(second, other)


def test_list_dict_and_separate_arrays_agree(new, dtype):
    starts = [draws(n, dtype)[0] for n in (5, 12, 3)]
    steps = [[draws(n, dtype, seed=seed)[0] for n in (5, 12, 3)] for seed in range(3)]

    def run(shape, step="step"):
        arrays = [w.copy() for w in starts]
        optimizer, tree = new(), shape(arrays)
        bound = optimizer.bind(tree) if step == "bound" else None
        for grads in steps:
            if step == "bound":
                bound.step(shape(grads))
            elif step == "apply_gradients":
                optimizer.apply_gradients(zip(grads, arrays, strict=True))
            elif step == "apply":
                optimizer.apply(shape(grads), tree)
            else:
                optimizer.step(tree, shape(grads))
        return everything(optimizer, *arrays)

    expected = run(list)
    assert run(tuple) == expected
    assert run(lambda a: {"a": a[0], "b": a[1], "c": a[2]}) == expected
    assert run(lambda a: {"x": (a[0],), "y": [{"z": a[1]}, a[2]]}) == expected
    assert run(lambda a: {"x": (a[0],), "y": [{"z": a[1]}, a[2]]}, "bound") == expected
    for step in ["apply", "apply_gradients", "bound"]:
        assert run(list, step) == expected

    if described(new())["global_sums"]:
        return
    arrays, separate = [w.copy() for w in starts], [new() for _ in starts]
    for grads in steps:
        for optimizer, w, g in zip(separate, arrays, grads, strict=True):
            optimizer.step(w, g)
    assert b"".join(w.tobytes() for w in arrays) == expected[: sum(w.nbytes for w in starts)]


def test_none_skips_its_parameter(new, dtype):
    w, (g, *_) = draws(9, dtype)
    skipped, alone = w.copy(), w.copy()
    optimizer, other = new(), new()
    optimizer.step([w, skipped], [g, None])
    other.step(alone, g)
    assert w.tobytes() == alone.tobytes()
    assert skipped.tobytes() == draws(9, dtype)[0].tobytes()
    start = new()
    start.bind(skipped)
    for slot in slots(optimizer):
        assert (optimizer.state_dict()[f"1.{slot}"] == start.state_dict()[f"0.{slot}"]).all()


def test_order_of_the_arrays_does_not_matter(new):
    (a, ga), (b, gb) = ((w, g[0]) for w, g in (draws(4, "f8", seed=1), draws(4, "f8", seed=2)))
    optimizer = new()
    expected, other = [a.copy(), b.copy()], new()
    optimizer.step([a, b], [ga, gb])
    optimizer.step([b, a], [gb, ga])
    for _ in range(2):
        other.step(expected, [ga, gb])
    assert everything(optimizer, a, b) == everything(other, *expected)


def test_the_example_of_the_readme_converges():
    for w in [np.ones(5), np.ones(5, "f4"), np.ones(10)[::2], [np.ones(5), np.ones(3)], {"w": np.ones(5)}]:
        optimizer = optimizers.Adam(learning_rate=0.1)
        arrays = list(w.values()) if isinstance(w, dict) else w if isinstance(w, list) else [w]
        for _ in range(500):
            grads = {"w": 2 * w["w"]} if isinstance(w, dict) else [2 * a for a in w] if isinstance(w, list) else 2 * w
            optimizer.step(w, grads)
        assert max(abs(a).max() for a in arrays) < 1e-6
