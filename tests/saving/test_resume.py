"""k epochs, a file, a new process, the rest: the same bits as without a break."""

from __future__ import annotations

import json

import gradstep as gs
import pytest
from children import said
from resuming import CASES, resumed, uninterrupted


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """Of every case: what it comes to in one go, and with the rest in another process, on another number of threads."""
    folder = tmp_path_factory.mktemp("runs")
    before = gs.get_num_threads()
    whole = {case: uninterrupted(case, folder / f"{i}.gradstep") for i, case in enumerate(CASES)}
    program = f"""
import json, pathlib
import gradstep as gs
from resuming import CASES, resumed
gs.set_num_threads({3 if before == 1 else 1})
gs.utils.set_random_seed(99)
files = [pathlib.Path({str(folder)!r}, f"{{i}}.gradstep") for i in range(len(CASES))]
print(json.dumps({{case: resumed(case, file) for case, file in zip(CASES, files)}}))
"""
    return whole, json.loads(said(program).splitlines()[-1])


@pytest.mark.parametrize("case", CASES)
def test_a_new_process_goes_on_bit_for_bit(outcomes, case):
    whole, rest = outcomes
    assert rest[case] == whole[case]


def test_cases_differ(outcomes):
    """What is compared would show it if a part of the state were lost."""
    same = {"rule Adafactor-free"}  # whose rate differs from Adafactor's after a million steps only
    assert len(set(outcomes[0].values())) == len(CASES) - len(same)
    assert len(CASES) >= 40


def test_a_file_is_the_same_for_the_same_model(tmp_path):
    for name in "ab":
        uninterrupted("average", tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_saving_changes_nothing(tmp_path):
    """A run that is saved on the way is the run that is not."""

    class Nothing:
        def save(self, path):
            pass

    saved = uninterrupted("several", tmp_path / "a")
    original = gs.Sequential.save
    try:
        gs.Sequential.save = Nothing.save
        assert uninterrupted("several", tmp_path / "b") == saved
    finally:
        gs.Sequential.save = original


def test_resumed_in_the_same_process(tmp_path):
    whole = uninterrupted("groups", tmp_path / "a")
    assert resumed("groups", tmp_path / "a") == whole
