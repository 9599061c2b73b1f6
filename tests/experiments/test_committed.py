"""The results under docs/experiments: all of them, of ten seeds, with pages that follow from the JSON."""

from __future__ import annotations

import re
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


def test_the_page_on_choosing_an_optimizer_says_what_was_measured():
    text = (FOLDER.parent / "choosing.md").read_text(encoding="utf-8")
    rows = {row.label: row for row in read(str(FOLDER), "optimizers").rows}
    table = re.findall(r"^\| `([^`]+)` \| ([\d.]+) \| ([\d.]+) % \| ([\d.]+) \| ([\d.]+) % \|$", text, re.MULTILINE)
    assert len(table) > 4
    for name, *cells in table:
        row = rows["momentum" if "momentum" in name else name]
        said = [f"{row.mean('rate'):.2g}", f"{100 * row.mean('accuracy'):.1f}"]
        said += [f"{row.mean('default_rate'):.2g}", f"{100 * row.mean('default_accuracy'):.1f}"]
        assert cells == said, name


def test_index_lists_all():
    found = [(experiment, read(str(FOLDER), name)) for name, experiment in ALL.items()]
    assert (FOLDER / "README.md").read_text(encoding="utf-8") == index(found)
