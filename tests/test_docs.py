"""The pages that are made from the code are those that the code makes."""

import importlib.util
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"


@pytest.fixture(scope="module")
def maker():
    spec = importlib.util.spec_from_file_location("make_optimizers", DOCS / "make_optimizers.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_page_of_optimizers_is_up_to_date(maker):
    page = maker.PAGE.read_text(encoding="utf-8")
    assert page == maker.page(), "run `python docs/make_optimizers.py`"


def test_every_optimizer_says_how_it_differs(maker):
    for make in maker.variants().values():
        cls = type(make())
        assert maker.differences(cls), f"the Notes of {cls.__name__} must say how it differs from Keras and PyTorch."


def test_cells(maker):
    rows = {cells[0]: cells[1:] for cells in map(maker.row, maker.variants().values())}
    assert rows["`Adam`"] == ["Keras", "`m`, `v`", "8", "4 + 3"]
    assert rows["`Adam(amsgrad=True)`"] == ["Keras", "`m`, `v`, `v_hat`", "12", "5 + 4"]
    assert rows["`SGD`"] == ["Keras", "none", "0", "2 + 1"]
    assert rows["`RAdam`"][0] == "PyTorch"
    assert rows["`Signum`"][0] == "paper"


def test_every_example_has_a_thumbnail():
    """A sketch, or the picture that it saves: a script without one is shown like its neighbours."""
    spec = importlib.util.spec_from_file_location("thumbnails", DOCS / "thumbnails.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    scripts = {path.stem: path.read_text(encoding="utf-8") for path in (DOCS.parent / "examples").glob("*.py")}
    pictures = {name for name, text in scripts.items() if ".png" in text}
    assert module.THUMBNAILS.keys() | pictures == scripts.keys() - {"data"}


def test_the_page_of_the_install_lists_the_extras_of_users():
    """And no others: those of developers are of the Makefile."""
    text = (DOCS.parent / "pyproject.toml").read_text(encoding="utf-8")
    section = text.partition("[project.optional-dependencies]")[2].partition("\n[")[0]
    extras = {line.partition(" = ")[0] for line in section.splitlines() if " = " in line}
    listed = re.findall(r"^\| `(\w+)` \|", (DOCS / "install.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(listed) == len(set(listed))
    assert set(listed) == extras - {"bench", "dev", "lint", "peers", "test"}
