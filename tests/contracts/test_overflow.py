"""Finite weights and gradients make finite steps, whatever their size; where they cannot, a guard refuses the step."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradstep import _core
from snapshot import everything
from variants import OPTIMIZERS

SHAPE = (3, 4)
SPIKE = np.where(np.arange(12).reshape(SHAPE) == 5, 1.0, 1e-30)
# Gradients of steps among usual ones. The squares of those of the first three overflow, of the last two vanish.
SIZES = {
    "f4": {
        "huge": [1e30, 1e30],
        "largest": [3.4e38, 1.0],
        "spike": [1e30 * SPIKE],
        "tiny": [1e-30] * 5,
        "sub": [1e-42],
    },
    "f8": {
        "huge": [1e200, 1e200],
        "largest": [1.7e308, 1.0],
        "spike": [1e230 * SPIKE],
        "tiny": [1e-300],
        "sub": [1e-310],
    },
}
TURNS = {"f4": [3.4e38, -3.4e38, 3.4e38], "f8": [1.7e308, -1.7e308, 1.7e308]}
# Keras's own forms have nan where squares overflow: an infinite accumulator over itself, infinite means over theirs.
NAN_AS_KERAS = ("Ftrl", "Adafactor")
# Sums of gradients that are next to the largest number overflow, as in Keras and PyTorch; the authors of Adan add two.
SUMS = ("Muon", "Adan", "SGD-nesterov-torch")
STORED = [("f4", None), ("f8", None), ("f4", "int8"), ("f4", "bfloat16")]

stored = pytest.mark.parametrize(("kind", "storage"), STORED, ids=lambda x: str(x))


def make(name, storage, **options):
    rule = _core.rules()[OPTIMIZERS[name]()._core.rule]
    if storage and rule["matrices"]:
        pytest.skip("its state has shapes of its own")
    return OPTIMIZERS[name](**options, **({"state_dtype": storage} if storage else {}))


def weights(kind):
    return np.linspace(-1, 1, 12, dtype=kind).reshape(SHAPE)


def gradients(kind, size):
    """The steps of a size between 0.5 before and 100 times 0.5 after."""
    steps = [0.5, *(TURNS[kind] if size == "turns" else SIZES[kind][size]), *[0.5] * 100]
    return [np.resize(np.asarray(g, kind), SHAPE) for g in steps]


@stored
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_weights_stay_finite(name, kind, storage):
    for size in SIZES[kind]:
        if name.startswith(NAN_AS_KERAS) or (size == "largest" and name in SUMS):
            continue
        w, optimizer = weights(kind), make(name, storage)
        for g in gradients(kind, size):
            optimizer.step(w, g)
        assert np.isfinite(w).all(), size


def refuses(optimizer, w, g):
    """Whether a step is refused, because it would overflow."""
    try:
        optimizer.step(w, g)
    except FloatingPointError as error:
        return "a step by it overflows" in str(error)
    return False


@stored
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_guard_sees_steps_that_overflow(name, kind, storage):
    for size in [*SIZES[kind], "turns"]:
        w, skipping = weights(kind), make(name, storage, on_nonfinite="skip")
        v, raising = weights(kind), make(name, storage, on_nonfinite="raise")
        for g in gradients(kind, size)[:12]:
            skipping.step(w, g)
            before = everything(raising, v)
            if refuses(raising, v, g):
                assert everything(raising, v) == before
            assert np.isfinite(w).all(), size
            assert v.tobytes() == w.tobytes(), size
        for slot, numbers in raising.state_dict().items():
            if slot.startswith("0.") and numbers.dtype.kind == "f":
                assert np.isfinite(numbers).all(), (size, slot)
                assert ".scale" not in slot or numbers.min() >= 0, (size, slot)


def test_a_step_that_overflows_names_its_gradient_and_moves_no_array():
    w = [np.ones(3, "f4"), np.ones(5, "f4")]
    optimizer = gs.optimizers.Adam(on_nonfinite="raise")
    optimizer.step(w, [np.ones(3, "f4"), np.ones(5, "f4")])
    before = everything(optimizer, *w)
    with pytest.raises(FloatingPointError, match=r"gradients\[1\] must be small enough"):
        optimizer.step(w, [np.ones(3, "f4"), np.full(5, 1e30, "f4")])
    assert everything(optimizer, *w) == before


def test_float16_weights_do_not_leave_their_range_under_a_guard():
    w = np.full(4, 6.5e4, np.float16)
    optimizer = gs.optimizers.SGD(1.0, on_nonfinite="skip")
    for _ in range(20):
        optimizer.step(w, np.full(4, -100, np.float16))
    assert np.isfinite(w).all()
    assert optimizer.skipped_steps > 0


def test_accumulated_gradients_do_not_overflow_under_a_guard():
    w, optimizer = np.zeros(3, "f4"), gs.optimizers.SGD(1e-3, gradient_accumulation_steps=3, on_nonfinite="skip")
    for g in (3e38, 3e38, 1.0, 1.0):
        optimizer.step(w, np.full(3, g, "f4"))
    assert np.isfinite(w).all()
    assert optimizer.skipped_steps == 1
