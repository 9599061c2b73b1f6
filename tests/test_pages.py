"""The pages of the documentation: their code runs and prints what they say, their links lead somewhere."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import re

import gradstep as gs
import pytest
from doc_pages import PAGES, ROOT, broken, code, in_toctrees, needs_peers, run, run_script

DOCS = ROOT / "docs"
WITH_CODE = [
    pytest.param(page, id=page.stem, marks=[pytest.mark.peers] if needs_peers(page) else [])
    for page in PAGES
    if code(page)
]


def loaded(name):
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def api():
    return loaded("api_pages")


# -- pages -------------------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of Keras on PyTorch
@pytest.mark.parametrize("page", WITH_CODE)
def test_code_of_a_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    threads = gs.get_num_threads()
    run(page)
    assert gs.get_num_threads() == threads


def test_a_wrong_claim_is_found(tmp_path):
    run_script("print(1 + 1)  # 2\nfor i in range(2):\n    print(i)\n# 0\n# 1\n", {}, tmp_path, 1)
    for wrong in ("print(1 + 1)  # 3\n", "print(1)\n# 2\n", "for i in range(2):\n    print(i)\n# 0\n# 2\n"):
        with pytest.raises(AssertionError, match="it prints"):
            run_script(wrong, {}, tmp_path, 1)


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CONTRIBUTING.md"], ids=lambda page: page.stem)
def test_links_lead_somewhere(page):
    assert not broken(page)


def test_every_page_is_in_the_table_of_contents():
    assert {page.stem for page in DOCS.glob("*.md")} - in_toctrees() == {"index"}


def test_readme_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150


@pytest.mark.parametrize("page", ["from-keras", "from-pytorch", "from-sklearn", "from-scipy"])
def test_pages_for_users_of_others_have_the_same_parts(page):
    titles = re.findall(r"^## (.*)$", (DOCS / f"{page}.md").read_text(), re.MULTILINE)
    assert titles == ["The same", "Different", "Missing"]


def missing_in_keras():
    text = (DOCS / "from-keras.md").read_text().partition("## Missing")[2]
    return re.findall(r"`keras\.([\w.]+)`", text)


@pytest.mark.parametrize("name", missing_in_keras())
def test_what_is_said_to_be_missing_is_missing(name):
    thing = gs
    *way, last = name.split(".")
    for part in way:
        thing = getattr(thing, part)
    assert not hasattr(thing, last)


@pytest.mark.peers
@pytest.mark.parametrize("name", missing_in_keras())
def test_what_is_said_to_be_missing_is_in_keras(name):
    thing = pytest.importorskip("keras")
    for part in name.split("."):
        thing = getattr(thing, part)


# -- the reference -----------------------------------------------------------------------------------------------------


def test_every_public_name_has_a_page(api):
    """Of every module that users import; and no two pages are one file where case does not count."""
    modules = api.public_modules()
    assert {"gradstep", "gradstep.layers", "gradstep.optimizers.schedules", "gradstep.torch"} <= modules.keys()
    for name in gs.__all__:
        member = getattr(gs, name)
        assert inspect.ismodule(member) == (f"gradstep.{name}" in modules), name
    for module in modules.keys() - {"gradstep.torch"}:
        assert modules[module] == list(importlib.import_module(module).__all__)
    pages = [api.page_of(*entry).lower() for entry in api.entries()]
    assert len(pages) == len(set(pages)) > 400


def test_every_public_name_has_an_example(api):
    """In its docstring, where the reference shows it; those of gradstep.torch need PyTorch."""
    without = []
    for module, name in api.entries():
        if module == "gradstep.torch" and importlib.util.find_spec("torch") is None:
            continue
        member = api.member(module, name)
        if (inspect.isclass(member) or inspect.isroutine(member)) and ">>>" not in (inspect.getdoc(member) or ""):
            without.append(f"{module}.{name}")
    assert not without
