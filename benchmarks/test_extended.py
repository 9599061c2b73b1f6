"""The case `extended`: that its rows train as the oracle does, and are set against what is asked."""

from __future__ import annotations

import pytest
from cases import extended
from rivals import gradstep as ours

(PROBLEM,) = extended.problems(quick=True)


@pytest.fixture(scope="module")
def expected() -> dict[str, object]:
    return extended.oracle(PROBLEM)


@pytest.mark.parametrize("form", extended.FORMS)
def test_rows(form: str, expected: dict[str, object]) -> None:
    contestant = ours.CASES["extended"][form](PROBLEM)
    extended.check(contestant.checked(), expected[form])
    contestant.run()


def test_the_oracle_tells_the_forms_apart(expected: dict[str, object]) -> None:
    for form in (extended.SAM, extended.LOOKAHEAD):
        with pytest.raises(ArithmeticError, match="oracle"):
            extended.check(expected[form], expected[extended.PLAIN])


def test_summary() -> None:
    times = {extended.PLAIN: 1e-4, extended.SAM: 2e-4, extended.LAYER: 1.5e-4, extended.WORK: 2e-5}
    result = {"problem": PROBLEM, "seconds": {f"gradstep: {form}": seconds for form, seconds in times.items()}}
    assert extended.summary([result]) == {
        "SAM, over plain; asked 2.1": {"batch 32": "2.000"},
        "NumPy layer, us over plain and its work; asked 30": {"batch 32": "30.0"},
    }
