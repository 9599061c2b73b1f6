"""Damaged files of every format: an error that names the file, in little memory and time, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from children import said
from fuzzing import FORMATS

MEMORY = 50 * 2**20  # bytes beyond those that the process had when it had read a good file
# A text of JSON has no numbers: the model that it describes is made, of any size that the process may have.
DRAWN = ("JSON", "JSON, bits")


def reports(first: int, count: int, folder: Path) -> dict[str, Any]:
    """Of every format, in one process, whose memory is limited."""
    program = f"""
import json, fuzzing
print(json.dumps({{name: fuzzing.report(name, {first}, {count}, {str(folder)!r}) for name in fuzzing.FORMATS}}))
"""
    found: dict[str, Any] = json.loads(said(program).splitlines()[-1])
    return found


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    return reports(0, 40, tmp_path_factory.mktemp("fuzz"))


def check(name: str, found: dict[str, Any]) -> None:
    assert not found["wrong"], "the same again: tests/support/fuzzing.py, damaged(format, number)"
    assert name in DRAWN or found["peak"] <= MEMORY
    assert found["came"]["ValueError"] >= 10  # the damage is felt


@pytest.mark.parametrize("name", FORMATS)
def test_damaged_files(few, name):
    check(name, few[name])


@pytest.mark.acceptance
def test_many_damaged_files(tmp_path):
    for name, found in reports(1000, 500, tmp_path).items():
        check(name, found)
