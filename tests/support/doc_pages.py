"""The Markdown pages that users read: their code, run as they would run it, and their links."""

from __future__ import annotations

import ast
import doctest
import io
import re
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
# What the extra `test` installs; a page that imports anything else needs a peer.
INSTALLED = {"gradstep", "matplotlib", "numba", "numpy", "scipy", "sklearn"} | set(sys.stdlib_module_names)
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def blocks(page: Path) -> list[tuple[str, str, int]]:
    """Language, text and first line of each fenced block; the language `setup` is in a comment that is not shown."""
    text = page.read_text(encoding="utf-8")
    found = re.finditer(r"^(?:```(\w+)\n(.*?)^```|<!-- (setup)\n(.*?)^-->)$", text, re.MULTILINE | re.DOTALL)
    return [(one[1] or one[3], one[2] if one[1] else one[4], text.count("\n", 0, one.start()) + 2) for one in found]


def code(page: Path) -> list[tuple[str, str, int]]:
    """The blocks that are Python."""
    return [block for block in blocks(page) if block[0] in {"python", "pycon", "setup"}]


def needs_peers(page: Path) -> bool:
    text = "\n".join(text for _, text, _ in code(page))
    return not set(re.findall(r"^\s*(?:>>> |\.\.\. )?(?:import|from) (\w+)", text, re.MULTILINE)) <= INSTALLED


def run(page: Path) -> None:
    """Run a page's blocks in turn; what comments behind a print, or below it, say is compared with what it prints."""
    names: dict[str, Any] = {"__name__": "__main__"}
    for language, text, line in code(page):
        if language == "pycon":
            run_session(text, names, f"{page.name}:{line}")
        else:
            run_script(text, names, page, line)


def run_session(text: str, names: dict[str, Any], where: str) -> None:
    test = doctest.DocTestParser().get_doctest(text, {}, where, where, 0)
    test.globs = names  # a copy would forget what a session defines
    said: list[str] = []
    failed = doctest.DocTestRunner(optionflags=FLAGS).run(test, out=said.append, clear_globs=False).failed
    assert not failed, "".join(said)


def run_script(text: str, names: dict[str, Any], page: Path, line: int) -> None:
    lines, tree = text.splitlines(), ast.parse(text)
    ends = [statement.end_lineno or 0 for statement in tree.body]
    begins = [statement.lineno - 1 for statement in tree.body]
    for statement, begin, end, after in zip(tree.body, begins, ends, [*begins[1:], None], strict=True):
        printed = io.StringIO()
        module = ast.increment_lineno(ast.Module([statement], []), line - 1)  # errors name the line of the page
        with redirect_stdout(printed):
            exec(compile(module, page.name, "exec"), names)
        claims = re.findall(r"^\s*print\(.*\)  # (.*)$", "\n".join(lines[begin:end]), re.MULTILINE)
        if "print(" in lines[end - 1]:
            claims += [text[2:] for text in lines[end:after] if text.startswith("# ")]
        if claims:
            want, got = "\n".join(claims) + "\n", printed.getvalue()
            right = doctest.OutputChecker().check_output(want, got, FLAGS)
            assert right, f"{page.name}:{line + end - 1} says {want!r}; it prints {got!r}"


# -- links -------------------------------------------------------------------------------------------------------------


def links(page: Path) -> list[str]:
    """Targets of the links that are not to other sites."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return [target for target in re.findall(r"\]\(([^)\s]+)\)", text) if not re.match(r"\w+:", target)]


def anchors(page: Path) -> set[str]:
    """What GitHub and the documentation make of headings."""
    titles = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


def broken(page: Path) -> list[str]:
    """The links of a page that lead nowhere."""
    found = []
    for link in links(page):
        target, _, anchor = link.partition("#")
        path = (page.parent / target).resolve() if target else page
        made = path.parent.name in {"api", "auto_examples", "made"}  # when the site is built
        if not made and (not path.exists() or (anchor and anchor not in anchors(path))):
            found.append(link)
    return found


def in_toctrees() -> set[str]:
    """The pages below docs/ that some toctree lists."""
    names = {path.stem for path in (ROOT / "docs").glob("*.md")}
    listed: set[str] = set()
    for page in (ROOT / "docs").glob("*.md"):
        for tree in re.findall(
            r"^```\{toctree\}\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
        ):
            for entry in tree.split():
                pattern = re.escape(entry).replace(r"\*", ".*")
                listed |= {name for name in names if re.fullmatch(pattern, name)}
    return listed
