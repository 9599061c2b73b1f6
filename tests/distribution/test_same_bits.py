"""Weights and history have the same bits for any number of processes."""

from __future__ import annotations

import json
from typing import Any

import pytest
import team_cases
from mpi import ran
from peers import needs

pytestmark = pytest.mark.peers

NAMES = [*team_cases.CASES, *(f"optimizer {name}" for name in team_cases.elementwise()), "own loop"]


@pytest.fixture(scope="module")
def alone() -> dict[str, str]:
    return dict(team_cases.results())


PARTIAL = [*team_cases.PARTIAL, *(name for name in NAMES if name.startswith("optimizer"))]


@pytest.mark.parametrize("ranks", [1, 2, 4, 8])
def test_any_number_of_processes_comes_to_the_bits_of_one(ranks: int, alone: dict[str, str]) -> None:
    needs("mpi4py")
    found = json.loads(ran(ranks, team_cases.__file__))
    assert found.keys() == set(NAMES)
    assert [name for name in NAMES if found[name] != alone[name]] == []


@pytest.mark.parametrize("ranks", [2, 4])
def test_so_do_processes_that_share_out_the_state(ranks: int, alone: dict[str, str]) -> None:
    needs("mpi4py")
    found = json.loads(ran(ranks, team_cases.__file__, json.dumps({"shard_optimizer": True})))
    assert found.keys() == set(PARTIAL)
    assert [name for name in PARTIAL if found[name] != alone[name]] == []


@pytest.fixture(scope="module")
def rounded() -> dict[str, str]:
    return dict(team_cases.results(gradient_dtype="bfloat16"))


@pytest.mark.parametrize("spread", [False, True], ids=["whole state", "state in parts"])
@pytest.mark.parametrize("ranks", [2, 4, 8])
def test_so_do_processes_that_send_bfloat16(ranks: int, spread: bool, rounded: dict[str, str]) -> None:
    needs("mpi4py")
    options = {"gradient_dtype": "bfloat16", "shard_optimizer": spread}
    found = json.loads(ran(ranks, team_cases.__file__, json.dumps(options)))
    assert found == rounded


@pytest.fixture(scope="module")
def wide() -> dict[str, dict[str, str]]:
    return {
        "float32": dict(team_cases.results(overlap=False)),
        "bfloat16": dict(team_cases.results(overlap=False, gradient_dtype="bfloat16")),
    }


@pytest.mark.parametrize(
    ("ranks", "options"),
    [
        (2, {"overlap": False}),
        (2, {"overlap": True}),
        (4, {"overlap": True}),
        (8, {"overlap": True}),
        (4, {"overlap": True, "shard_optimizer": True}),
        (4, {"overlap": True, "gradient_dtype": "bfloat16"}),
        (2, {"overlap": True, "gradient_dtype": "bfloat16", "shard_optimizer": True}),
    ],
    ids=str,
)
def test_so_do_processes_that_send_while_they_compute(
    ranks: int, options: dict[str, Any], wide: dict[str, dict[str, str]]
) -> None:
    needs("mpi4py")
    found = json.loads(ran(ranks, team_cases.__file__, json.dumps(options)))
    alone = wide[options.get("gradient_dtype", "float32")]
    assert len(found) == len(alone) - ("shard_optimizer" in options)
    assert [name for name in found if found[name] != alone[name]] == []
