"""Checks the built documentation, without network: `python docs/check_site.py build/docs`.

Every link within the site leads to a page and a place on it, every public name has a page with its docstring, an
example and the names of its arguments, and a search for "learning rate" finds the page about it.
"""

from __future__ import annotations

import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import api_pages

# The words of a search, as the index has them (English stems), and the pages that it must find.
SEARCHES = {("learn", "rate"): "tuning", ("minim",): "minimize", ("resum",): "saving"}


class Page(HTMLParser):
    """The links and the names of places of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.places: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for key, value in attrs:
            if key in ("href", "src") and value:
                self.links.append(value)
            elif key in ("id", "name") and value:
                self.places.add(value)


def broken_links(site: Path) -> list[str]:
    """Links within the site that lead nowhere, each with its page."""
    pages = {path.resolve(): Page(path) for path in site.rglob("*.html") if "_static" not in path.parts}
    found = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc or link in ("#", ""):
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            place = unquote(parts.fragment)
            missing = not target.exists() or (place and target in pages and place not in pages[target].places)
            if missing:
                found.append(f"{path.relative_to(site.resolve())}: {link}")
    return found


def stubs(site: Path) -> list[str]:
    """Public names without a page, or with one that has no description."""
    found = []
    for module, name in api_pages.entries():
        path = site / "api" / f"{api_pages.page_of(module, name)}.html"
        body = re.search(r"<dd>(.*)</dd>", path.read_text(encoding="utf-8"), re.DOTALL) if path.exists() else None
        if body is None or not re.sub(r"<[^>]*>|\s", "", body[1]):
            found.append(f"{module}.{name}")
    return found


def without_example(site: Path) -> list[str]:
    """Public names whose page has no example: a prompt of Python."""
    found = []
    for module, name in api_pages.entries():
        path = site / "api" / f"{api_pages.page_of(module, name)}.html"
        if path.exists() and 'class="gp"' not in path.read_text(encoding="utf-8"):
            found.append(f"{module}.{name}")
    return found


def without_arguments(site: Path) -> list[str]:
    """Public names whose page has `*args` in place of arguments; PyTorch's classes say so where PyTorch is missing."""
    found = []
    for module, name in api_pages.entries():
        path = site / "api" / f"{api_pages.page_of(module, name)}.html"
        head = (
            re.search(r"<dt class=\"sig .*?</dt>", path.read_text(encoding="utf-8"), re.DOTALL)
            if path.exists()
            else None
        )
        if head and "(*args," in re.sub(r"<[^>]*>|\s", "", head[0]) and module != "gradstep.torch":
            found.append(f"{module}.{name}")
    return found


def found_by(site: Path, words: tuple[str, ...]) -> set[str]:
    """The pages that a search finds: those that have all words in their text or title."""
    text = (site / "searchindex.js").read_text(encoding="utf-8")
    index = json.loads(text[text.index("(") + 1 : text.rindex(")")])
    every = []
    for word in words:
        numbers: set[int] = set()
        for terms in (index["terms"], index["titleterms"]):
            entry = terms.get(word, [])
            numbers |= {entry} if isinstance(entry, int) else set(entry)
        every.append(numbers)
    return {index["docnames"][number] for number in set.intersection(*every)}


def main(site: Path) -> int:
    problems = [f"broken link in {link}" for link in broken_links(site)]
    problems += [f"nothing about {name}" for name in stubs(site)]
    problems += [f"no example of {name}" for name in without_example(site)]
    problems += [f"no names of the arguments of {name}" for name in without_arguments(site)]
    problems += [
        f"a search for {' '.join(words)!r} does not find {page}"
        for words, page in SEARCHES.items()
        if page not in found_by(site, words)
    ]
    for problem in problems:
        print(problem)
    pages = len(list(site.rglob("*.html")))
    print(f"{pages} pages, {len(list(api_pages.entries()))} public names, {len(problems)} problems")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
