"""Optimizers obey schedules: every hyperparameter, every way to take a step. For fit see tests/models."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from gradstep import _core, optimizers
from gradstep.optimizers import schedules as s
from snapshot import everything
from variants import other as other_value


def fields(optimizer):
    return [field[0] for field in _core.rules()[optimizer._core.rule]["fields"]]


def walk(dtype, steps, n=7):
    rng = np.random.default_rng(3)
    return rng.standard_normal(n).astype(dtype), rng.standard_normal((steps, n)).astype(dtype)


def stepper(optimizer, w, way):
    if way == "bound":
        return optimizer.bind(w).step
    return lambda g: optimizer.step(w, g)


# Past the block in which values are made ahead, twice.
STEPS = 600
# Steady ones are made ahead; a function is asked at its step.
SCHEDULES = {
    "formula": s.CyclicalLR(0.001, 0.1, 100, 33),
    "function": s.Lambda(lambda step: 0.1 / (step + 1)),
    "both": s.Warmup(s.Lambda(lambda step: 0.1 / (step + 1)), 10, 0.001),
}


@pytest.mark.grid(way=["bound", "unbound"], schedule=SCHEDULES)
def test_every_step_has_its_rate(new, dtype, way, schedule):
    """Sampled: every two of optimizer, dtype, form of the step and schedule; --grid has all."""
    schedule = SCHEDULES[schedule]
    w, gradients = walk(dtype, STEPS)
    other = w.copy()
    scheduled, by_hand = new(learning_rate=schedule), new(learning_rate=schedule(0))
    step, expected = stepper(scheduled, w, way), stepper(by_hand, other, "bound")
    for t, g in enumerate(gradients):
        assert scheduled.learning_rate == schedule(t)
        by_hand.learning_rate = schedule(t)
        step(g)
        expected(g)
        assert w.tobytes() == other.tobytes(), t


def test_every_hyperparameter_may_follow_one(new, dtype):
    for field in fields(new()):
        if field == "learning_rate_power":
            continue  # it chooses Ftrl's rule
        default = getattr(new(), field)
        if default < 0:
            continue  # Linear's numbers are not
        default = default if math.isfinite(default) else 2.0  # Prodigy's growth_rate
        schedule = s.Linear(default, other_value(new(), field), 20)
        w, gradients = walk(dtype, 30)
        other = w.copy()
        scheduled, by_hand = new(**{field: schedule}), new()
        assert scheduled.schedules == {field: schedule}
        for t, g in enumerate(gradients):
            assert getattr(scheduled, field) == schedule(t)
            setattr(by_hand, field, schedule(t))
            scheduled.step(w, g)
            by_hand.step(other, g)
        assert w.tobytes() == other.tobytes(), field


def test_state_starts_from_the_value_of_its_step():
    optimizer = optimizers.Adagrad(initial_accumulator_value=s.Linear(1.0, 3.0, 2))
    first, second, third = np.ones(1), np.ones(1), np.ones(1)
    optimizer.bind(first)
    optimizer.step(second, np.zeros(1))
    assert [optimizer.state_dict()[f"{i}.accumulator"][0] for i in range(2)] == [1.0, 1.0]
    optimizer.bind(third)
    assert optimizer.state_dict()["2.accumulator"][0] == 2.0


def test_two_dtypes_step_with_one_rate():
    a, b = np.ones(3), np.ones(3, "f4")
    optimizer = optimizers.SGD(s.Linear(0.5, 0.25, 1))
    optimizer.step([a, b], [np.ones(3), np.ones(3, "f4")])
    optimizer.step([a, b], [np.ones(3), np.ones(3, "f4")])
    assert a.tolist() == b.tolist() == [0.25] * 3


@pytest.mark.grid(bad=[-0.1, math.nan, math.inf, -math.inf], at=[0, 3, 256], way=["bound", "unbound"])
def test_a_bad_rate_is_refused_at_its_step_and_changes_nothing(new, bad, at, way):
    """Sampled: every two of optimizer, rate, step and its form; --grid has all."""
    w, gradients = walk("f8", at + 1)

    class Bad(s.LearningRateSchedule):
        def rates(self, steps):
            return np.where(steps == at, bad, 0.01)

    for schedule in [Bad(), s.Lambda(Bad()), s.Warmup(Bad(), 0)]:
        params, optimizer = w.copy(), new(learning_rate=schedule)
        step = stepper(optimizer, params, way) if at or way == "unbound" else optimizer.bind
        for g in gradients[:at]:
            step(g)
        before = everything(optimizer, params)
        with pytest.raises(
            ValueError, match=rf"^learning_rate must be a number in .*from its schedule at step {at}\.$"
        ):
            step(gradients[at])
        assert everything(optimizer, params) == before
        # Past it the schedule is as good as ever.
        optimizer._core.iterations = at + 1
        stepper(optimizer, params, way)(gradients[at])
        assert optimizer.iterations == at + 2


def test_a_value_made_ahead_counts_only_at_its_step():
    """A block of values may hold one that is out of bounds: it is an error of its own step, not before or after."""
    w, optimizer = np.ones(1), optimizers.SGD(0.5, s.PiecewiseConstantDecay([2, 3], [0.5, 1.5, 0.25]))
    bound = optimizer.bind(w)
    for _ in range(3):
        bound.step(np.ones(1))
    before = everything(optimizer, w)
    with pytest.raises(ValueError, match=r"^momentum must be .*; got 1.5 from its schedule at step 3\.$"):
        bound.step(np.ones(1))
    assert everything(optimizer, w) == before
    optimizer.load_state_dict(optimizer.state_dict() | {"iterations": np.array(4)})
    bound.step(np.ones(1))
    assert optimizer.state_dict()["0.velocity"][0] == 0.25 * -0.875 - 0.5
    optimizer.load_state_dict(optimizer.state_dict() | {"iterations": np.array(1)})
    bound.step(np.ones(1))
    assert optimizer.iterations == 2


def test_what_a_schedule_raises_is_raised(new):
    def schedule(step):
        raise KeyError(step)

    w, optimizer = np.ones(3), new(learning_rate=s.Lambda(schedule))
    for _ in range(2):
        with pytest.raises(KeyError):
            optimizer.step(w, np.ones(3))
        assert w.tolist() == [1.0] * 3
        assert optimizer.iterations == len(optimizer._core) == 0


def test_a_schedule_must_not_step_its_own_optimizer():
    w = np.ones(3)

    actions = []

    def schedule(step):
        for action in actions:
            action()
        return 0.1

    optimizer = optimizers.SGD(s.Lambda(schedule))
    bound = optimizer.bind(w)
    for action in [
        lambda: bound.step(np.ones(3)),
        lambda: optimizer.bind(np.ones(2)),
        lambda: setattr(optimizer, "learning_rate", s.Constant(1)),
    ]:
        actions[:] = [action]
        with pytest.raises(RuntimeError, match="in the middle of a step"):
            bound.step(np.ones(3))
        assert w.tolist() == [1.0] * 3
    actions.clear()
    bound.step(np.ones(3))
    assert w.tolist() == [0.9] * 3


def test_assignment_is_as_in_keras(new):
    w, g = np.ones(3), np.ones(3)
    optimizer = new(learning_rate=s.Constant(0.5))
    if optimizer._core.rule.startswith(("Ftrl", "Rprop")):
        return  # whose rate is no step size: at 0 they would not stand still
    optimizer.step(w, g)
    with pytest.raises(TypeError, match="learning_rate follows a schedule and takes another one only"):
        optimizer.learning_rate = 0.1
    assert optimizer.learning_rate == 0.5
    optimizer.learning_rate = s.Constant(0.0)  # from the next step on, though values were made ahead
    assert optimizer.learning_rate == 0.0
    before = w.copy()
    if "velocity" not in _core.rules()[optimizer._core.rule]["slots"]:  # a velocity goes on by itself
        optimizer.step(w, g)
        assert w.tolist() == before.tolist()
    before = w.copy()
    refused = new(learning_rate=s.Constant(0.5))
    with pytest.raises(TypeError):
        refused.step(w, g.astype("f4"))
    bound = refused.bind(w)
    with pytest.raises(TypeError):
        bound.step(g.astype("f4"))  # its values were made, and not used
    refused.learning_rate = s.Constant(0.0)
    bound.step(g)
    assert w.tolist() == before.tolist()
    constant = new()
    constant.learning_rate = s.Constant(0.25)
    assert constant.learning_rate == 0.25
    assert list(constant.schedules) == ["learning_rate"]


def test_momentum():
    rate = s.OneCycle(0.5, 20)
    for nesterov in [False, True]:
        (w, gradients), by_hand = walk("f8", 20), optimizers.SGD(0.1, 0.9, nesterov)
        scheduled, other = optimizers.SGD(rate, momentum=rate.momentum(), nesterov=nesterov), w.copy()
        for t, g in enumerate(gradients):
            by_hand.learning_rate, by_hand.momentum = rate(t), rate.momentum()(t)
            assert scheduled.momentum == by_hand.momentum
            scheduled.step(w, g)
            by_hand.step(other, g)
        assert w.tobytes() == other.tobytes()
    scheduled.momentum = s.Constant(0.5)
    assert scheduled.momentum == 0.5
    with pytest.raises(TypeError, match="momentum follows a schedule"):
        scheduled.momentum = 0.1
    with pytest.raises(ValueError, match="momentum must stay 0 in an SGD made without it"):
        optimizers.SGD().momentum = s.Constant(0.5)
    with pytest.raises(ValueError, match=r"^momentum must be a number in \[0, 1\]; got 2 from its schedule at step 0"):
        optimizers.SGD(momentum=s.Constant(2.0)).step(w, w.copy())


def test_a_changing_schedule_is_asked_at_every_step():
    class Dial(s.LearningRateSchedule):
        value = 0.5

        def __call__(self, step):
            return self.value

    dial, w = Dial(), np.ones(1)
    bound = optimizers.SGD(s.Warmup(dial, 0)).bind(w)
    dial.value = 0.25
    bound.step(np.ones(1))
    dial.value = 0.125
    bound.step(np.ones(1))
    assert w[0] == 0.625


def test_resume_goes_on_bit_for_bit(new, dtype):
    schedule = s.CosineDecay(0.01, 40, warmup_target=0.1, warmup_steps=10)
    w, gradients = walk(dtype, 50)
    through, halfway = w.copy(), w.copy()
    never_stopped, stopped = new(learning_rate=schedule), new(learning_rate=schedule)
    for g in gradients:
        never_stopped.step(through, g)
    for g in gradients[:23]:
        stopped.step(halfway, g)
    state, config = stopped.state_dict(), json.loads(json.dumps(optimizers.serialize(stopped)))
    assert "learning_rate" not in state

    resumed = optimizers.deserialize(config)
    assert resumed.schedules == {"learning_rate": schedule}
    bound = resumed.bind(halfway)
    kept = halfway.copy()
    bound.step(gradients[0])  # values are made ahead from step 0 on; loading goes elsewhere
    halfway[...] = kept
    resumed.load_state_dict(state)
    assert resumed.learning_rate == schedule(23)
    for g in gradients[23:]:
        bound.step(g)
    assert everything(resumed, halfway) == everything(never_stopped, through)


def test_state_and_schedule_must_agree(new):
    fixed, scheduled = new(), new(learning_rate=s.Constant(0.1))
    before = everything(scheduled)
    with pytest.raises(ValueError, match=r"key 'learning_rate', unknown .* A schedule gives learning_rate"):
        scheduled.load_state_dict(fixed.state_dict())
    assert everything(scheduled) == before
    with pytest.raises(ValueError, match="state has no key 'learning_rate'"):
        fixed.load_state_dict(scheduled.state_dict())


def test_config_and_repr(new):
    optimizer = new(learning_rate=s.Warmup(s.Constant(0.1), 5), name="mine")
    config = json.loads(json.dumps(optimizer.get_config()))
    again = type(optimizer).from_config(config)
    assert again.get_config() == config
    assert again.schedules == optimizer.schedules
    assert "learning_rate=Warmup(schedule=Constant(learning_rate=0.1), warmup_steps=5" in repr(optimizer)
    unsaved = new(learning_rate=s.Lambda(abs))
    assert "Lambda(function=<built-in function abs>)" in repr(unsaved)
    with pytest.raises(NotImplementedError, match="Lambda holds a function"):
        unsaved.get_config()


class SAMStep(s.LearningRateSchedule):
    def __call__(self, step):
        return 0.5**step

    def get_config(self):
        return {}


def test_config_with_a_schedule_of_the_users_own():
    saved = optimizers.serialize(optimizers.Adam(SAMStep()))
    with pytest.raises(ValueError, match="got 'SAMStep'"):
        optimizers.deserialize(saved)
    assert optimizers.deserialize(saved, {"SAMStep": SAMStep}).learning_rate == 1.0
