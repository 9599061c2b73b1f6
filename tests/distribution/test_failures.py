"""What becomes of the others when one process fails, and how training goes on."""

from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path

import pytest
import team_script
from gradstep import _core
from mpi import PATIENCE, mpiexec, ran
from peers import needs

pytestmark = pytest.mark.peers


@pytest.fixture(autouse=True)
def _with_mpi() -> None:
    needs("mpi4py")


def broken(ranks: int, how: str, folder: Path, *more: str, within: float = 5) -> str:
    """What a run said that ended by a fault, within so many seconds of it, or it is an AssertionError."""
    call = mpiexec(ranks, team_script.__file__, how, str(folder), *more)
    done = subprocess.run(**call, capture_output=True, timeout=PATIENCE, check=False)
    ended = time.time()
    assert done.returncode != 0, done.stdout
    assert ended - float((folder / "broken").read_text()) < within
    return f"{done.stdout}{done.stderr}"


@pytest.mark.parametrize("more", [(), ("partial",)], ids=["whole state", "state in parts"])
def test_a_killed_process_ends_all_and_any_number_goes_on_to_the_same_bits(
    more: tuple[str, ...], tmp_path: Path
) -> None:
    broken(4, "kill", tmp_path, *more, within=10)
    said = ran(2, team_script.__file__, "none", str(tmp_path), *more)
    whole = tmp_path / "whole"
    whole.mkdir()
    expected = team_script.train("none", whole)
    assert re.findall("has (.*)", said) == [expected] * 2
    # Files were written by one process. The one that was killed may have been ahead of the last backup.
    tables = [(folder / "table.csv").read_text().splitlines() for folder in (tmp_path, whole)]
    assert set(tables[0]) == set(tables[1])
    assert len(tables[0]) <= len(tables[1]) + 1
    assert not (tmp_path / "backup").exists()
    assert (tmp_path / "best.gradstep").exists()


@pytest.mark.parametrize(
    ("how", "words"), [("raise", "KeyError: 'a fault of rank one'"), ("exit", "an end of rank one")]
)
def test_an_exception_of_one_process_ends_all_with_its_words(how: str, words: str, tmp_path: Path) -> None:
    said = broken(2, how, tmp_path)
    assert "rank 1 of 2 failed, and ends all" in said
    assert words in said


def test_drift_is_an_error_with_rank_and_epoch(tmp_path: Path) -> None:
    said = broken(2, "drift", tmp_path)
    assert "RuntimeError: the weights after epoch 3" in said
    assert "rank 1" in said


DIFFERENT = {
    "weights": ("gs.utils.set_random_seed(team.rank)", "seeds of shuffles and layers"),
    "epochs": ("epochs = 1 + team.rank", "the first and last epoch"),
    "shards": ("gs.distribution.DataParallel(shards=2 + 2 * team.rank)", "shards must be the same in all processes"),
    "files": ("team.parts(f'{folder}/{team.rank}*.npy')", "the lengths of the files"),
}


@pytest.mark.parametrize("what", DIFFERENT)
def test_processes_that_differ_are_told_so(what: str, tmp_path: Path) -> None:
    line, words = DIFFERENT[what]
    for rank in range(2):
        (tmp_path / f"{rank}.npy").write_bytes(b"")
    script = tmp_path / "train.py"
    script.write_text(
        "import numpy as np, gradstep as gs, sys\n"
        f"folder, epochs = {str(tmp_path)!r}, 1\n"
        "gs.utils.set_random_seed(0)\n"
        "team = gs.distribution.DataParallel(shards=2)\n"
        "for rank in range(2): np.save(f'{folder}/{rank}.npy', np.zeros((4 + rank, 2)))\n"
        "team.numbers_of_all(np.zeros((1, 1)))\n"
        f"{line}\n"
        "model = gs.Sequential([gs.Input((2,)), gs.layers.Dropout(0.1), gs.layers.Dense(1)])\n"
        "model.compile('sgd', 'mse')\n"
        "model.fit(np.ones((8, 2)), np.ones(8), batch_size=4, epochs=epochs, verbose=0, distribution=team)\n"
    )
    done = subprocess.run(**mpiexec(2, script), capture_output=True, timeout=PATIENCE, check=False)
    assert words in done.stderr
    assert done.returncode != 0


def test_processes_with_different_instruction_sets_are_refused(tmp_path: Path) -> None:
    isas = _core.build_info()["isas"]
    if len(isas) < 2:
        pytest.skip("this build, or this processor, has one instruction set")
    script = tmp_path / "train.py"
    script.write_text("import gradstep as gs\ngs.distribution.DataParallel(shards=2)\n")
    call = mpiexec(1, script)
    one, other = ([*call["args"][:3], "-env", "GRADSTEP_ISA", isa, *call["args"][3:]] for isa in (isas[0], isas[-1]))
    done = subprocess.run(
        **(call | {"args": [*one, ":", *other[1:]]}), capture_output=True, timeout=PATIENCE, check=False
    )
    assert done.returncode != 0
    assert f"rank 0 has {isas[0]}, rank 1 {isas[-1]}" in done.stderr
    assert "Set GRADSTEP_ISA=" in done.stderr
