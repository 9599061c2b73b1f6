"""Damaged files of every format: an error that names the file, in little memory and time, and nothing else."""

from __future__ import annotations

import json
import os

import pytest
from children import said
from fuzzing import FORMATS

MEMORY = 50 * 2**20  # bytes beyond those that the process had when it had read a good file


def check(name: str, first: int, count: int, folder: str) -> dict[str, int]:
    """In a process of its own, whose memory is limited; gives how often what came."""
    program = f"import json, fuzzing; print(json.dumps(fuzzing.report({name!r}, {first}, {count}, {folder!r})))"
    found = json.loads(said(program).splitlines()[-1])
    assert not found["wrong"], "the same again: tests/fuzzing.py, damaged(format, number)"
    assert found["peak"] <= MEMORY
    return found["came"]


@pytest.mark.parametrize("name", FORMATS)
def test_damaged_files(name, tmp_path):
    came = check(name, 0, 40, str(tmp_path))
    assert came["ValueError"] >= 10  # the damage is felt
    assert os.path.exists(tmp_path / "number")


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMATS)
def test_many_damaged_files(name, tmp_path):
    check(name, 1000, 1000, str(tmp_path))
