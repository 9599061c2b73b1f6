"""Makes the benchmarks' own modules importable for pytest, as `python benchmarks/run.py` does."""

import sys
from functools import cache
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import harness


@pytest.fixture(scope="session", autouse=True)
def trials(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The tests time nothing: the program of limits is compiled once, and nobody waits for a machine to rest."""
    once = cache(harness.compile_limits)
    harness.compile_limits = lambda folder: once(tmp_path_factory.getbasetemp())
    harness.PAUSE = 0.0
