"""Schedules give the numbers that their formulas give, and are saved, made and refused as they should."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from gradstep import optimizers, plot
from gradstep.optimizers import schedules as s
from gradstep.optimizers.schedules.registry import classes

# A schedule of every class, with no argument at its default that has one, and its formula for one step, in the
# standard library's math.
CASES = {
    "Constant": (s.Constant(0.3), lambda t: 0.3),
    "StepDecay": (s.StepDecay(0.3, 7, 0.8), lambda t: 0.3 * 0.8 ** (t // 7)),
    "MultiStep": (s.MultiStep(0.3, [5, 6, 30], 0.8), lambda t: 0.3 * 0.8 ** sum(t >= m for m in (5, 6, 30))),
    "PiecewiseConstantDecay": (
        s.PiecewiseConstantDecay([5, 6, 30], [0.3, 0.1, 0.2, 0.0], "mine"),
        lambda t: 0.3 if t <= 5 else 0.1 if t <= 6 else 0.2 if t <= 30 else 0.0,
    ),
    "ExponentialDecay": (s.ExponentialDecay(0.3, 7, 0.8, name="mine"), lambda t: 0.3 * 0.8 ** (t / 7)),
    "ExponentialDecay-staircase": (s.ExponentialDecay(0.3, 7, 0.8, True), lambda t: 0.3 * 0.8 ** (t // 7)),
    "InverseTimeDecay": (s.InverseTimeDecay(0.3, 7, 0.8, name="mine"), lambda t: 0.3 / (1 + 0.8 * t / 7)),
    "InverseTimeDecay-staircase": (s.InverseTimeDecay(0.3, 7, 0.8, True), lambda t: 0.3 / (1 + 0.8 * (t // 7))),
    "PolynomialDecay": (
        s.PolynomialDecay(0.3, 31, 0.01, 1.7, name="mine"),
        lambda t: 0.29 * (1 - min(t, 31) / 31) ** 1.7 + 0.01,
    ),
    "PolynomialDecay-cycle": (
        s.PolynomialDecay(0.3, 31, 0.01, 1.7, True),
        lambda t: 0.29 * (1 - t / (31 * max(1, math.ceil(t / 31)))) ** 1.7 + 0.01,
    ),
    "Linear": (s.Linear(0.3, 0.1, 31), lambda t: 0.3 - 0.2 * min(t, 31) / 31),
    "InverseSquareRoot": (
        s.InverseSquareRoot(0.3, 7),
        lambda t: 0.3 * 7**0.5 * min((t + 1) ** -0.5, (t + 1) * 7**-1.5),
    ),
    "InverseSquareRoot.noam": (
        s.InverseSquareRoot.noam(512, 7, 2.0),
        lambda t: 2 * 512**-0.5 * min((t + 1) ** -0.5, (t + 1) * 7**-1.5),
    ),
    "CosineDecay": (
        s.CosineDecay(0.3, 31, 0.1),
        lambda t: 0.3 * (0.9 * 0.5 * (1 + math.cos(math.pi * min(t, 31) / 31)) + 0.1),
    ),
    "CosineDecay-warmup": (
        s.CosineDecay(0.05, 31, 0.1, "mine", 0.3, 11),
        lambda t: (
            0.05 + 0.25 * t / 11 if t < 11 else 0.3 * (0.9 * 0.5 * (1 + math.cos(math.pi * min(t - 11, 31) / 31)) + 0.1)
        ),
    ),
    # Periods [0, 5), [5, 15), [15, 35), [35, 75), [75, 155).
    "CosineDecayRestarts": (
        s.CosineDecayRestarts(0.3, 5, 2.0, 0.7, 0.1, "mine"),
        lambda t: restarts(t, [0, 5, 15, 35, 75, 155]),
    ),
    "CosineDecayRestarts-equal": (
        s.CosineDecayRestarts(0.3, 5, 1.0, 0.7, 0.1),
        lambda t: restarts(t, list(range(0, 205, 5))),
    ),
    "CyclicalLR": (s.CyclicalLR(0.1, 0.3, 4, 7), lambda t: 0.1 + 0.2 * triangle(t)),
    "CyclicalLR-even": (s.CyclicalLR(0.1, 0.3, 5), lambda t: 0.1 + 0.2 * (1 - abs(t % 10 - 5) / 5)),
    "CyclicalLR-triangular2": (
        s.CyclicalLR(0.1, 0.3, 4, 7, "triangular2"),
        lambda t: 0.1 + 0.2 * triangle(t) / 2 ** (t // 11),
    ),
    "CyclicalLR-exp_range": (
        s.CyclicalLR(0.1, 0.3, 4, 7, "exp_range", 0.97),
        lambda t: 0.1 + 0.2 * triangle(t) * 0.97**t,
    ),
    "CyclicalLR.momentum": (s.CyclicalLR(0.1, 0.3, 4, 7).momentum(0.6, 0.9), lambda t: 0.9 - 0.3 * triangle(t)),
    # Highest at 0.25 * 40 - 1 = 9, over at 39.
    "OneCycle": (
        s.OneCycle(0.3, 40, 0.25, "cos", 10.0, 100.0),
        lambda t: cosine(0.03, 0.3, t / 9) if t <= 9 else cosine(0.3, 0.0003, min((t - 9) / 30, 1)),
    ),
    "OneCycle-linear-three_phase": (
        s.OneCycle(0.3, 40, 0.25, "linear", 10.0, 100.0, True),
        lambda t: (
            0.03 + 0.27 * t / 9
            if t <= 9
            else 0.3 - 0.27 * (t - 9) / 9
            if t <= 18
            else 0.03 - 0.0297 * min((t - 18) / 21, 1)
        ),
    ),
    "OneCycle.momentum": (
        s.OneCycle(0.3, 40, 0.25, "linear").momentum(0.6, 0.9),
        lambda t: 0.9 - 0.3 * t / 9 if t <= 9 else 0.6 + 0.3 * min((t - 9) / 30, 1),
    ),
    "Warmup": (
        s.Warmup(s.StepDecay(0.3, 7, 0.8), 11, 0.05),
        lambda t: 0.05 + 0.25 * t / 11 if t < 11 else 0.3 * 0.8 ** ((t - 11) // 7),
    ),
    "Sequential": (
        s.Sequential([s.Linear(0.3, 0.1, 20), s.Constant(0.2), s.StepDecay(0.1, 7, 0.8)], [10, 13]),
        lambda t: 0.3 - 0.01 * t if t < 10 else 0.2 if t < 13 else 0.1 * 0.8 ** ((t - 13) // 7),
    ),
    "PerEpoch": (s.PerEpoch(s.Linear(0.3, 0.1, 10), 9), lambda t: 0.3 - 0.02 * min(t // 9, 10)),
    "Lambda": (s.Lambda(lambda step: 1 / (step + 1)), lambda t: 1 / (t + 1)),
}
STEPS = range(150)


def restarts(t, begins):
    i = sum(t >= begin for begin in begins) - 1
    share = (t - begins[i]) / (begins[i + 1] - begins[i])
    return 0.3 * (0.9 * 0.7**i * 0.5 * (1 + math.cos(math.pi * share)) + 0.1)


def triangle(t):
    return t % 11 / 4 if t % 11 <= 4 else (11 - t % 11) / 7


def cosine(start, end, share):
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2


@pytest.fixture(params=CASES)
def schedule(request):
    return CASES[request.param][0]


def test_every_class_is_here():
    assert {type(schedule).__name__ for schedule, _ in CASES.values()} == set(classes())
    assert set(s.__all__) == {*classes(), "LearningRateSchedule", "serialize", "deserialize"}


@pytest.mark.parametrize("name", CASES)
def test_equals_its_formula(name):
    schedule, formula = CASES[name]
    # A few operations in double each way; 1 - t/s near the end of a fall cancels, hence the absolute part.
    np.testing.assert_allclose(schedule(np.arange(150)), [formula(t) for t in STEPS], rtol=1e-14, atol=1e-16)


def test_many_steps_and_one_give_the_same_bits(schedule):
    together = schedule(np.arange(1000))
    assert together.dtype == np.float64
    assert together.shape == (1000,)
    assert together.tolist() == [schedule(t) for t in range(1000)]
    assert type(schedule(3)) is float
    assert type(schedule(np.int32(3))) is float
    assert schedule(np.int32(3)) == schedule(3) == schedule(np.array(3))
    assert schedule(np.arange(6, dtype=np.uint8).reshape(2, 3)[:, ::-1]).tolist() == [
        [together[2], together[1], together[0]],
        [together[5], together[4], together[3]],
    ]
    assert schedule(np.array([], int)).shape == schedule([]).shape == (0,)
    # Any part of an epoch, begun anywhere: the resumed run has the rates of the one that was never stopped.
    for first in (1, 7, 255, 256, 993):
        assert schedule(np.arange(first, 1000)).tolist() == together[first:].tolist()


@pytest.mark.parametrize("step", [True, "1", None, np.array([1j]), lambda: 1])
def test_a_step_is_a_number(schedule, step):
    with pytest.raises(TypeError, match="step must be a real number"):
        schedule(step)


def test_a_step_is_not_negative(schedule):
    with pytest.raises(ValueError, match="step must be at least 0; got -3"):
        schedule(np.array([0, -3]))


@pytest.mark.parametrize("name", [name for name in CASES if name != "Lambda"])
def test_round_trips(name):
    schedule = CASES[name][0]
    config = json.loads(json.dumps(schedule.get_config()))
    again = type(schedule).from_config(config)
    assert again == schedule
    assert repr(again) == repr(schedule)
    assert again.get_config() == config
    assert s.deserialize(json.loads(json.dumps(s.serialize(schedule)))) == schedule
    assert again(np.arange(150)).tolist() == schedule(np.arange(150)).tolist()
    assert (
        eval(repr(s.Warmup(again, 3)), vars(s)).rates(np.arange(9)).tolist()
        == s.Warmup(again, 3).rates(np.arange(9)).tolist()
    )


def test_nobody_changes_a_schedule(schedule):
    """Its values are made ahead; a change would hold from some later step."""
    for name in schedule._arguments():
        with pytest.raises(AttributeError):
            setattr(schedule, name, 0.1)


def test_keras_signatures():
    """Keras 3's arguments in its order, with its defaults and names."""
    assert s.CosineDecay(0.1, 10).get_config() == {
        "initial_learning_rate": 0.1, "decay_steps": 10, "alpha": 0.0, "name": "CosineDecay", "warmup_target": None,
        "warmup_steps": 0,
    }  # fmt: skip
    assert s.CosineDecayRestarts(0.1, 10).get_config() == {
        "initial_learning_rate": 0.1, "first_decay_steps": 10, "t_mul": 2.0, "m_mul": 1.0, "alpha": 0.0,
        "name": "SGDRDecay",
    }  # fmt: skip
    assert s.ExponentialDecay(0.1, 10, 0.9).get_config() == {
        "initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.9, "staircase": False,
        "name": "ExponentialDecay",
    }  # fmt: skip
    assert s.InverseTimeDecay(0.1, 10, 0.9).get_config() == {
        "initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.9, "staircase": False,
        "name": "InverseTimeDecay",
    }  # fmt: skip
    assert s.PiecewiseConstantDecay([1], [1, 2]).get_config() == {
        "boundaries": [1], "values": [1, 2], "name": "PiecewiseConstant",
    }  # fmt: skip
    assert s.PolynomialDecay(0.1, 10).get_config() == {
        "initial_learning_rate": 0.1, "decay_steps": 10, "end_learning_rate": 0.0001, "power": 1.0, "cycle": False,
        "name": "PolynomialDecay",
    }  # fmt: skip


def test_restarts_come_at_their_step():
    """Where the logarithm of the formula is a little below a whole number, it is still the next period."""
    for ratio, first in [(2.0, 1), (3.0, 1), (2.0, 1000), (5.0, 3), (1.5, 16)]:
        schedule, begin = s.CosineDecayRestarts(1.0, first, ratio), 0.0
        for period in range(12 if ratio < 5 else 8):
            if begin == int(begin):
                assert schedule(int(begin)) == 1.0, (ratio, first, period)
            begin += first * ratio**period


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: s.Constant(-0.1), ValueError, "learning_rate must be at least 0 and finite; got -0.1"),
        (lambda: s.Constant(math.nan), ValueError, "learning_rate must be at least 0 and finite; got nan"),
        (lambda: s.Constant("0.1"), TypeError, "learning_rate must be a real number"),
        (lambda: s.StepDecay(0.1, 0), ValueError, "decay_steps must be above 0 and finite; got 0"),
        (lambda: s.StepDecay(0.1, 1, -1), ValueError, "decay_rate must be at least 0"),
        (lambda: s.ExponentialDecay(0.1, 0, 0.5), ValueError, "decay_steps must be above 0"),
        (lambda: s.ExponentialDecay(0.1, 1, 0.5, 1), TypeError, "staircase must be True or False; got 1"),
        (lambda: s.ExponentialDecay(0.1, 1, 0.5, name=3), TypeError, "name must be a str; got an int"),
        (lambda: s.InverseTimeDecay(0.1, -1, 0.5), ValueError, "decay_steps must be above 0"),
        (lambda: s.PolynomialDecay(0.1, 0), ValueError, "decay_steps must be above 0"),
        (lambda: s.PolynomialDecay(0.1, 1, power=-1), ValueError, "power must be at least 0"),
        (lambda: s.Linear(0.1, 0.1, 0), ValueError, "decay_steps must be above 0"),
        (lambda: s.CosineDecay(0.1, 0), ValueError, "decay_steps must be above 0"),
        (lambda: s.CosineDecay(0.1, 1, warmup_steps=5), ValueError, "warmup_steps need a warmup_target"),
        (lambda: s.CosineDecayRestarts(0.1, 1, 0.5), ValueError, "t_mul must be at least 1"),
        (lambda: s.MultiStep(0.1, [3, 3]), ValueError, r"milestones must rise; milestones\[0\] is 3 and"),
        (lambda: s.MultiStep(0.1, 3), TypeError, "milestones must be a list; got an int"),
        (lambda: s.PiecewiseConstantDecay([1], [1]), ValueError, "got 1 values and 1 boundary"),
        (lambda: s.PiecewiseConstantDecay([1], [1, math.nan]), ValueError, r"values\[1\] must be finite"),
        (lambda: s.InverseSquareRoot(0.1, 0), ValueError, "warmup_steps must be at least 1"),
        (lambda: s.CyclicalLR(0.1, 0.2, mode="square"), ValueError, "mode must be one of triangular, .*'square'"),
        (lambda: s.CyclicalLR(0.1, 0.2, gamma=0.9), ValueError, "gamma is for mode 'exp_range' only"),
        (lambda: s.CyclicalLR(0.1, 0.2, 0), ValueError, "step_size_up must be above 0"),
        (
            lambda: s.CyclicalLR(0.1, 0.2).momentum(0.5, 1.5),
            ValueError,
            "max_momentum must be at least 0 and at most 1",
        ),
        (lambda: s.OneCycle(0.1, 0), ValueError, "total_steps must be at least 1"),
        (lambda: s.OneCycle(0.1, 9, 1.5), ValueError, "pct_start must be at least 0 and at most 1"),
        (lambda: s.OneCycle(0.1, 9, 0.6, three_phase=True), ValueError, "pct_start must be at least 0 and at most 0.5"),
        (lambda: s.OneCycle(0.1, 9, anneal_strategy="sin"), ValueError, "anneal_strategy must be one of"),
        (lambda: s.Warmup(0.1, 9), TypeError, "schedule must be a LearningRateSchedule; got 0.1, a float"),
        (lambda: s.Warmup(s.Constant(1), 1.5), TypeError, "warmup_steps must be a whole number"),
        (lambda: s.Sequential([s.Constant(1)], [5]), ValueError, "got 1 schedule and 1 milestone"),
        (lambda: s.Sequential([s.Constant(1), 2], [5]), TypeError, r"schedules\[1\] must be a LearningRateSchedule"),
        (lambda: s.PerEpoch(s.Constant(1), 0), ValueError, "steps_per_epoch must be at least 1"),
        (lambda: s.Lambda(0.1), TypeError, "function must take a step"),
        (lambda: s.Lambda(lambda step: "x")(0), TypeError, r"function\(step\) must be a real number"),
    ],
)
def test_refusals(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_a_rate_below_zero_is_refused_at_its_step():
    """Keras takes values of any sign; what no step can take is refused there, and the weights stay."""
    optimizer = optimizers.SGD(s.PiecewiseConstantDecay([1], [1.0, -1.0]))
    weights = np.ones(3)
    for _ in range(2):
        optimizer.step([weights], [np.ones(3)])
    with pytest.raises(ValueError, match="got -1 from its schedule at step 2"):
        optimizer.step([weights], [np.ones(3)])
    assert weights.tolist() == [-1.0] * 3


def test_short_one_cycles():
    """Phases without width, or with a fraction of a step, as PyTorch has them."""
    assert s.OneCycle(1.0, 1, final_div_factor=2.0)(0) == 0.02
    assert s.OneCycle(1.0, 4, pct_start=0.25)(0) == 1.0
    assert s.OneCycle(1.0, 5, pct_start=1.0)(4) == 1.0
    assert np.isfinite(s.OneCycle(1.0, 3, pct_start=0.0)(np.arange(9))).all()


class Own(s.LearningRateSchedule):
    def __init__(self, start):
        self.start = start

    def __call__(self, step):
        return self.start / (step + 1) if step < 5 else 0.0

    def get_config(self):
        return {"start": self.start}


class OwnRates(s.LearningRateSchedule):
    def rates(self, steps):
        return 0.3 / (steps + 1)


class Doubled(s.CosineDecay):
    def __call__(self, step):
        return 2 * super().__call__(step)


def test_schedules_of_the_users_own():
    assert s.Warmup(Own(0.3), 2)(np.arange(5)).tolist() == [0.0, 0.15, 0.3, 0.15, 0.09999999999999999]
    assert OwnRates()(2) == 0.3 / 3
    assert s.PerEpoch(OwnRates(), 2)([0, 1, 2]).tolist() == [0.3, 0.3, 0.15]
    # The override counts wherever the schedule is used.
    assert s.Sequential([Doubled(0.3, 10), s.Constant(1.0)], [5])([0, 4]).tolist() == [
        0.6,
        2 * s.CosineDecay(0.3, 10)(4),
    ]
    w, optimizer = np.ones(1), optimizers.SGD(Doubled(0.25, 10))
    optimizer.step(w, np.ones(1))
    assert w[0] == 0.5


def test_schedules_of_the_users_own_say_what_they_lack():
    class Empty(s.LearningRateSchedule):
        pass

    class Wide(s.LearningRateSchedule):
        def rates(self, steps):
            return np.ones(3)

    with pytest.raises(NotImplementedError, match=r"Empty must define __call__\(step\) or rates\(steps\)"):
        Empty()(1)
    with pytest.raises(NotImplementedError, match=r"Empty must define get_config\(\)"):
        Empty().get_config()
    with pytest.raises(ValueError, match=r"Wide.rates must give shape \(1,\), as the steps; got \(3,\)"):
        Wide()(1)


def test_names_in_a_file_run_no_foreign_code():
    saved = json.loads(json.dumps(s.serialize(s.Warmup(Own(0.5), 3))))
    with pytest.raises(ValueError, match=r"schedule must be one of .*; got 'Own'"):
        s.deserialize(saved)
    again = s.deserialize(saved, {"Own": Own})
    assert again(np.arange(9)).tolist() == s.Warmup(Own(0.5), 3)(np.arange(9)).tolist()
    with pytest.raises(NotImplementedError, match="Lambda holds a function"):
        s.serialize(s.Lambda(float))
    for config in [{}, {"class_name": "Constant"}]:
        with pytest.raises(ValueError, match="config has no key"):
            s.deserialize(config)
    with pytest.raises(TypeError, match="config must be a dict"):
        s.deserialize(None)


def test_plot(tmp_path):
    shown = s.Warmup(s.CyclicalLR(0.0001, 0.02, 13, 7), 9)
    pytest.importorskip("matplotlib")
    figure = plot.learning_rate(shown, 50, tmp_path / "rate.png")
    (panel,) = figure.axes
    (line,) = panel.lines
    assert line.get_xdata().tolist() == list(range(50))
    assert line.get_ydata().tolist() == shown(np.arange(50)).tolist()
    assert (panel.get_xlabel(), panel.get_ylabel(), panel.get_title()) == ("step", "learning rate", "Warmup")
    assert (tmp_path / "rate.png").stat().st_size > 1000
    for schedule, steps, error in [(0.1, 5, TypeError), (shown, 0, ValueError), (shown, 1.5, TypeError)]:
        with pytest.raises(error, match=r"schedule must be a Learn|steps must be"):
            plot.learning_rate(schedule, steps)
