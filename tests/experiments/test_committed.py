"""The results under docs/experiments: all of them, of ten seeds, with pages that follow from the JSON."""

from __future__ import annotations

from pathlib import Path

import pytest
from gradstep.experiments.registry import experiments
from gradstep.experiments.report import index, page, read

FOLDER = Path(__file__).parents[2] / "docs" / "experiments"
ALL = experiments()


@pytest.mark.parametrize("name", ALL)
def test_page_follows_from_the_numbers(name):
    result = read(str(FOLDER), name)
    assert result.seeds >= 10
    assert not result.small
    for row in result.rows:
        for column in result.columns:
            assert len(row.values.get(column.key, [0])) in (1, result.seeds)
    text = (FOLDER / f"{name}.md").read_text(encoding="utf-8")
    assert text == page(ALL[name], result), f"run `gradstep experiments --redraw --output docs/experiments {name}`"
    assert (FOLDER / f"{name}.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_index_lists_all():
    found = [(experiment, read(str(FOLDER), name)) for name, experiment in ALL.items()]
    assert (FOLDER / "README.md").read_text(encoding="utf-8") == index(found)
