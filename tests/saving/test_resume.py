"""k epochs, a file, a new process, the rest: the same bits as without a break."""

from __future__ import annotations

import json
import pickle

import gradstep as gs
import pytest
from children import said
from copying import WAYS
from resuming import CASES, CopyOnce, gone_on, resumed, uninterrupted


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """Of every case: what it comes to in one go, and with the rest in another process, on another number of threads."""
    folder = tmp_path_factory.mktemp("runs")
    before = gs.get_num_threads()
    whole = {}
    for i, case in enumerate(CASES):
        hook = CopyOnce(
            {"file": lambda model, i=i: model.save(folder / f"{i}.gradstep"), "bytes": pickle.dumps, **WAYS}
        )
        whole[case] = uninterrupted(case, hook), {way: gone_on(case, hook.copies[way]) for way in WAYS}
        (folder / f"{i}.pickle").write_bytes(hook.copies["bytes"])
    program = f"""
import json, pathlib
import gradstep as gs
from resuming import CASES, resumed
gs.set_num_threads({3 if before == 1 else 1})
gs.utils.set_random_seed(99)
print(json.dumps({{
    case: [resumed(case, pathlib.Path({str(folder)!r}, f"{{i}}.{{kind}}")) for kind in ("gradstep", "pickle")]
    for i, case in enumerate(CASES)
}}))
"""
    return whole, json.loads(said(program).splitlines()[-1])


@pytest.mark.parametrize("case", CASES)
def test_a_new_process_goes_on_bit_for_bit(outcomes, case):
    """From a file, and from a pickle."""
    whole, rest = outcomes
    assert rest[case] == [whole[case][0]] * 2


@pytest.mark.parametrize("case", CASES)
def test_a_copy_goes_on_bit_for_bit(outcomes, case):
    whole, copies = outcomes[0][case]
    assert copies == dict.fromkeys(WAYS, whole)


def test_cases_differ(outcomes):
    """What is compared would show it if a part of the state were lost."""
    same = {"rule Adafactor-free"}  # whose rate differs from Adafactor's after a million steps only
    assert len({whole for whole, _ in outcomes[0].values()}) == len(CASES) - len(same)
    assert len(CASES) >= 40


def saved_to(path):
    return CopyOnce({"file": lambda model: model.save(path)})


def test_a_file_is_the_same_for_the_same_model(tmp_path):
    for name in "ab":
        uninterrupted("average", saved_to(tmp_path / name))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_saving_changes_nothing(tmp_path):
    """A run that is saved on the way is the run that is not."""

    class Nothing:
        def save(self, path):
            pass

    saved = uninterrupted("several", saved_to(tmp_path / "a"))
    original = gs.Sequential.save
    try:
        gs.Sequential.save = Nothing.save
        assert uninterrupted("several", saved_to(tmp_path / "b")) == saved
    finally:
        gs.Sequential.save = original


def test_resumed_in_the_same_process(tmp_path):
    whole = uninterrupted("groups", saved_to(tmp_path / "a"))
    assert resumed("groups", tmp_path / "a") == whole
