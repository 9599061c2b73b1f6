"""Trained models equal recorded hashes, on each instruction set and at any number of threads."""

from __future__ import annotations

import pytest
from golden import COMPILER, THREADS, bits, recorded
from golden_models import MODELS
from gradstep import _core

RECORDED = recorded()
BUILD = _core.build_info()
# Which products and sums become one operation is the compiler's choice: another one, or one that does not optimize, as
# for the sanitizers, may choose otherwise. x86-64-v2 has no such operation.
FREE = BUILD["debug"] or not BUILD["compiler"].startswith(COMPILER)
ISAS = [isa for isa in BUILD["isas"] if isa == "x86-64-v2" or not FREE]


def test_every_model_is_recorded():
    """For the instruction sets that wheels are built for."""
    assert list(RECORDED) == list(MODELS)
    assert {tuple(each) for each in RECORDED.values()} == {("x86-64-v2", "x86-64-v3", "x86-64-v4")}


@pytest.mark.parametrize("name", MODELS)
def test_bits(name):
    expected = {isa: RECORDED[name][isa] for isa in ISAS if isa in RECORDED[name]}
    if not expected:
        pytest.skip(f"no bits are recorded for {', '.join(BUILD['isas'])} of {BUILD['compiler']}")
    for threads in THREADS:
        try:
            found = {isa: bits(name, isa, threads) for isa in expected}
        except ModuleNotFoundError as missing:
            pytest.skip(f"could not import {missing.name}")
        assert found == expected, f"at {threads} threads; see tests/support/golden.py"
