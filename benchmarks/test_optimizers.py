"""Small sizes of the cases about optimizers: every contestant of ours checks, and the checks refuse what is wrong."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import harness
import numpy as np
import pytest
import report
import run
from cases import forms, options, rules, sparse, state, step, streams
from rivals import gradstep as ours

RULES = {problem["variant"]: problem for problem in rules.problems([2_000])}
CHUNKS = Path(__file__).parents[1] / "csrc" / "update" / "chunks.hpp"
needs_compiler = pytest.mark.skipif(
    not (shutil.which("c++") or shutil.which("g++")), reason="limits.cpp needs a C++ compiler"
)


CONTESTANTS = [(case, form) for case in (options, state, sparse) for form in ours.CASES[case.NAME]]


@pytest.mark.parametrize("name", RULES)
def test_every_rule(name: str) -> None:
    problem = json.loads(json.dumps(RULES[name]))  # as a rival's process gets it
    contestant = ours.Rules(problem)
    rules.check(contestant.checked(), rules.oracle(problem))
    first, gradient = rules.inputs(problem)
    assert np.array_equal(contestant.grad, gradient), "the timed steps have the gradient of the problem"
    contestant.run()
    assert not np.array_equal(contestant.w, first)


def test_every_rule_moves_so_far_that_its_check_can_see_it() -> None:
    for problem in RULES.values():
        with pytest.raises(ArithmeticError, match="oracle"):
            rules.check(rules.sampled(problem, rules.inputs(problem)[0]), rules.oracle(problem))


def test_rules_are_told_from_each_other() -> None:
    """Under another's oracle a result is refused."""
    chosen = ("SGD", "SGD-nesterov", "Adam", "AdamW", "Nadam", "RAdam", "Yogi", "AdaBelief", "Lion", "Signum")
    results = {name: ours.Rules(RULES[name]).checked() for name in chosen}
    for name, result in results.items():
        for other in results.keys() - {name}:
            with pytest.raises(ArithmeticError, match="oracle"):
                rules.check(result, rules.oracle(RULES[other]))


def test_streams_of_a_rule() -> None:
    """Adam reads w, g, m, v and writes w, m, v; AMSGrad has one array more."""
    assert rules.limits(RULES["Adam"], 2)["sweep"] == ["sweep:4:3", 2_000, 2]
    assert rules.limits(RULES["Adam"], 2)["sweep, 1 thread"] == ["sweep:4:3", 2_000, 1]
    assert rules.limits(RULES["SGD"], 1)["sweep"] == ["sweep:2:1", 2_000, 1]
    assert rules.limits(RULES["Adam-amsgrad"], 1)["sweep"] == ["sweep:5:4", 2_000, 1]


def test_divisions_and_roots_of_a_rule() -> None:
    """Adam has one of each, Ftrl two roots, SGD none, and of powers nothing is said."""
    dividers = {name: rules.limits(problem, 2).get("divider") for name, problem in RULES.items()}
    assert dividers["Adam"] == ["divider:1:1", 2_000, 2]
    assert dividers["Ftrl"] == ["divider:1:2", 2_000, 2]
    assert dividers["Adamax"] == ["divider:1:0", 2_000, 2]
    assert dividers["SGD"] is dividers["Ftrl-power"] is dividers["Lamb"] is None
    assert {*rules.DIVIDER, *rules.WITHOUT_FLOOR} <= {problem["rule"] for problem in RULES.values()}
    assert int(re.search(r"parallel_size = ([\d']+)", CHUNKS.read_text())[1].replace("'", "")) == streams.SECOND_THREAD


def test_the_floor_of_a_rule() -> None:
    """The slower of sweep and divider, on one thread where a step stays on one."""
    adam, n = RULES["Adam"], streams.SECOND_THREAD
    small, large = ({**adam, "shape": [size]} for size in (100_000, n))
    measured = {"sweep": 1.0, "sweep, 1 thread": 3.0, "divider": 2.0, "divider, 1 thread": 4.0}
    assert rules.over_floor(small, 6.0, measured) == 1.5
    assert rules.over_floor(large, 6.0, measured) == 3.0
    assert rules.over_floor(large, 6.0, {"sweep": 1.0, "sweep, 1 thread": 3.0}) is None
    assert rules.columns(small, 6.0, None, measured)["x floor"] == "1.50"
    assert rules.limit_columns(small, None, measured)["limit: divider"].keys() == {"us/step", "ns/element"}
    (row,) = rules.summary([result_of(small, {"gradstep: bound": 8.0}, {"sweep": 1.0, "divider": 2.0})]).values()
    assert row["ours / floor"] == "**2.00** (> 1.5)"


def test_other_forms_are_of_rules_that_exist_and_differ() -> None:
    by_rule = {problem["rule"]: problem for problem in RULES.values()}
    assert set(forms.OTHERS) <= set(by_rule)
    for rule in forms.OTHERS:
        start, own, *others = rules.oracle(by_rule[rule])
        assert others
        for other in others:
            with pytest.raises(ArithmeticError):
                rules.check(other, np.stack([start, own]))


def test_rules_are_told_apart_by_what_an_element_depends_on() -> None:
    class Normed:
        def step(self, w: np.ndarray, g: np.ndarray) -> None:
            w -= g / np.linalg.norm(g)

    assert not rules.elementwise(Normed)
    assert RULES["Adam"]["elementwise"]


@pytest.mark.parametrize(("case", "form"), CONTESTANTS, ids=lambda p: p if isinstance(p, str) else p.NAME)
def test_form(benchmark: Any, case: Any, form: str) -> None:
    problem = case.problems([4_000])[0]
    contestant = ours.CASES[case.NAME][form](problem)
    case.check(contestant.checked(), case.oracle(problem)[form])
    benchmark.group = f"{case.NAME} {problem['name']}"
    benchmark.pedantic(contestant.run, rounds=3, warmup_rounds=1)


@pytest.mark.parametrize("form", [form for form in options.OPTIONS if form not in ("plain", "on_nonfinite")])
def test_an_option_that_is_ignored_is_refused(form: str) -> None:
    problem = options.problems([1_000])[0]
    plain = ours.CASES["options"]["plain"](problem).checked()
    with pytest.raises(ArithmeticError, match="oracle"):
        options.check(plain, options.oracle(problem)[form])


def test_state_that_is_too_coarse_is_refused() -> None:
    """Adam whose second moment has two bits."""
    problem = state.problems([1_000])[0]
    expected = state.oracle(problem)["int8"]
    result = state.inputs(problem)[0].astype(np.float64)
    result += (expected[0] - result) * np.random.default_rng(0).choice([0.7, 1.4], len(result))
    with pytest.raises(ArithmeticError, match="on average"):
        state.check(result, expected)


def test_lazy_steps_are_not_dense_ones() -> None:
    problem = sparse.problems([4_000])[0]
    expected = sparse.oracle(problem)
    for form, other in (("dense", "SparseAdam, lazy"), ("SparseAdam, lazy", "dense")):
        with pytest.raises(ArithmeticError, match="oracle"):
            sparse.check(expected[form], expected[other])


def test_duplicate_rows_are_summed() -> None:
    problem = {"rows": 8, "touched": 3}
    dense = sparse.within_sample(problem, np.array([1, 5, 1]), np.ones((3, sparse.COLUMNS), np.float32))
    assert dense[:, 0].tolist() == [0, 2, 0, 0, 0, 1, 0, 0]


def result_of(problem: dict[str, Any], seconds: dict[str, float], limits: dict[str, float], **more: Any) -> Any:
    both = {**limits, **{f"{name}, 1 thread": 2 * s for name, s in limits.items()}}
    return {"problem": problem, "seconds": seconds, "limits": both, "errors": {}, **more}


def test_tables_say_what_was_missed() -> None:
    adam = {**RULES["Adam"], "name": "Adam", "shape": [rules.ELEMENTS]}
    yogi = {**RULES["Yogi"], "name": "Yogi", "shape": [rules.ELEMENTS]}
    found = [
        result_of(adam, {"gradstep: bound": 2e-3, "torch: fused": 1e-3, "optax: jit": 2e-3}, {"sweep": 1e-3}),
        result_of(yogi, {"gradstep: bound": 1e-3, "torch: default": 3e-3, "optax: jit": 1.2e-3}, {"sweep": 1e-3}),
    ]
    rows = rules.summary(found)
    assert rows["Adam"]["ours / sweep"] == "**2.00** (> 1.1)"
    assert rows["Adam"]["torch: fused / ours"] == "**0.50** (< 1)"
    assert rows["Adam"]["optax: jit / ours"] == "1.00"  # asked of the rules that PyTorch does not fuse
    assert rows["Yogi"]["ours / sweep"] == "1.00"
    assert rows["Yogi"]["torch: default / ours"] == "**3.00** (< 4)"
    assert rows["Yogi"]["optax: jit / ours"] == "**1.20** (< 1.3)"
    assert "**0.50** (< 1)" in report.summary(rules, found)

    found = [result_of(step.problems([1_000])[0], {"gradstep: bound": 1e-6, "torch: fused": 9e-6}, {"sweep": 1e-6})]
    assert step.summary(found)["1 x 1,000"]["torch: fused / ours"] == "**9.00** (< 10)"

    limits = {"sweep": 7e-3, "one read": 1e-3, "sweep with one more array": 9e-3}
    seconds = {"gradstep: plain": 7e-3, "gradstep: global_clipnorm": 8e-3, "gradstep: on_nonfinite": 7.7e-3}
    rows = options.summary([result_of({"name": "n", "elements": 10}, seconds, limits)])
    assert rows == {
        "global_clipnorm": {"n: x plain": "1.143", "n: asked": "1.143"},
        "on_nonfinite": {"n: x plain": "1.100", "n: asked": "1.030"},
    }

    seconds = {"gradstep: float32": 3e-3, "gradstep: int8": 2e-3, "gradstep: bfloat16": 3e-3}
    facts = {"gradstep: int8": {state.BYTES: 2.03}, "gradstep: bfloat16": {state.BYTES: 4.0}}
    limits = {"sweep": 1e-3, "w and g alone": 1e-3}
    (found,) = [result_of(state.problems()[0], seconds, limits, facts=facts)]
    assert [list(row.values()) for row in state.summary([found]).values()] == [
        ["**1.00** (< 1.2)", "4.000"],
        ["1.50", "2.030"],
    ]
    assert report.problem_rows(state, found)["gradstep: int8"][state.BYTES] == "2.03"
    assert streams.fastest({"sweep": 3.0, "sweep, 1 thread": 2.0}) == 2.0


def test_a_rival_without_the_rule_takes_no_part(monkeypatch: pytest.MonkeyPatch) -> None:
    rival = object.__new__(harness.Rival)
    rival.variant = "bound"
    monkeypatch.setattr(rival, "ask", lambda line: {"absent": "PyTorch has no fused Lion."}, raising=False)
    assert rival.check(rules, RULES["Lion"], np.zeros(1)) is False
    assert rival.error is None


@needs_compiler
def test_the_command(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """run.py over these cases, with sweeps of every kind of traffic."""
    out = tmp_path / "results.json"
    for name, count, only in (("rules", 3, ["Adam,", "SGD"]), ("options", 1, ["1 x"]), ("sparse", 1, ["20,000"])):
        results = run.main([name, "--quick", "--rivals", "gradstep", "--only", *only, "--json", str(out)])
        assert len(results["cases"][name]) >= count
        assert json.loads(out.read_text()) == results
        assert all(all(s > 0 for s in problem["limits"].values()) for problem in results["cases"][name])
        assert report.markdown(results)
    assert "ours / sweep" in capfd.readouterr().out


@needs_compiler
def test_sweeps_that_there_are_not_are_refused(tmp_path: Path) -> None:
    with harness.Limits(harness.compile_limits(tmp_path), 1) as machine:
        assert min(machine.measure(["sweep:1:0", 100, 1], 0.001)) > 0
        assert min(machine.measure(["sweep:8:8", 100, 3], 0.001)) > 0
        for kind in ("sweep:9:1", "sweep:2:3", "sweep:0:0"):
            with pytest.raises(RuntimeError, match=kind):
                machine.measure([kind, 100, 1], 0.001)
