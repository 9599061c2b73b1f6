"""Samples of grids of cases keep what they promise."""

from __future__ import annotations

import re
from itertools import combinations

import pytest
from children import said
from grids import pairwise, whole
from hypothesis import given, settings
from hypothesis import strategies as st
from variants import OPTIMIZERS, family


def pairs(rows, kinds=None):
    """All that meets in some row."""
    seen = [[(kinds or {}).get(at, lambda value: value)(value) for at, value in enumerate(row)] for row in rows]
    return {(i, row[i], j, row[j]) for row in seen for i, j in combinations(range(len(row)), 2)}


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.integers(1, 7), min_size=1, max_size=5))
def test_every_two_values_of_two_axes_meet(sizes):
    axes = {str(i): [(i, value) for value in range(size)] for i, size in enumerate(sizes)}
    rows = pairwise(axes)
    assert pairs(rows) == pairs(whole(axes))
    assert {value for row in rows for value in row} == {value for axis in axes.values() for value in axis}
    assert set(rows) <= set(whole(axes))
    assert len(set(rows)) == len(rows)
    assert pairwise(axes) == rows


@pytest.mark.parametrize(
    ("sizes", "most"), [((54, 4, 3, 2), 216), ((54, 4, 2, 2), 216), ((54, 6, 3), 330), ((31, 12, 2), 372)]
)
def test_about_as_many_rows_as_the_two_longest_axes_make(sizes, most):
    assert len(pairwise({str(i): range(size) for i, size in enumerate(sizes)})) <= most


def test_kinds_meet_the_values_of_the_other_axes():
    axes = {"new": list(OPTIMIZERS), "kind": range(42), "known": [False, True]}
    rows = pairwise(axes, {"new": family})
    kinds = {0: family}
    assert pairs(rows, kinds) == pairs(whole(axes), kinds)
    assert {row[0] for row in rows} == set(OPTIMIZERS)
    assert len(rows) < len(whole(axes)) / 5


@pytest.mark.grid(a="ab", b=[1, 2], c=[None, OSError])
def test_rows_of_the_marker(dtype, a, b, c):
    assert (a in "ab", b in (1, 2), c in (None, OSError)) == (True, True, True)


def test_the_marker_samples_and_an_option_runs_the_whole_grid():
    program = "import pytest; pytest.main(['--collect-only', '-q', '-p', 'no:xdist', '-k', 'rows_of_the', {!r}, {!r}])"
    few, all_of_them = (
        re.findall(r"test_rows_of_the_marker\[(.*)\]", said(program.format(__file__, option)))
        for option in ("-rN", "--grid")
    )
    assert len(all_of_them) == len(set(all_of_them)) == 16
    assert set(few) < set(all_of_them)
    assert len(few) < 8
    assert pairs([case.split("-") for case in few]) == pairs([case.split("-") for case in all_of_them])
    assert "float32-a-1-None" in all_of_them
