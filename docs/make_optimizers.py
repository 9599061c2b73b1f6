"""Writes docs/optimizers.md from the optimizers themselves: `python docs/make_optimizers.py`. A test runs it, too.

The rules are those of the registry and of tests/support/variants.py, the state is what an optimizer has after a step,
and the words are those of the docstrings.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
PAGE = HERE / "optimizers.md"
# reStructuredText's mathematics and code, and line ends, as Markdown.
MARKUP = ((r":math:`([^`]*)`", r"$\1$"), (r"``([^`]*)``", r"`\1`"), (r"\s+", " "))
HEAD = """# Optimizers

What each rule keeps, reads and writes. The table follows from the classes (`python docs/make_optimizers.py`); their
docstrings say more.

*State* is what is kept for each array of parameters. *Bytes* are those of the state of one float32 parameter;
`state_dtype` makes them fewer. *Arrays* are those that a step reads and writes, each as large as the parameters, its
gradient among them: what a step costs where memory is the limit.
"""


def variants() -> dict[str, Callable[..., Any]]:
    """Every optimizer, and every flag of one that is another rule, by name."""
    support = str(HERE.parent / "tests" / "support")
    if support not in sys.path:
        sys.path.append(support)
    from variants import OPTIMIZERS

    return OPTIMIZERS


def plain(text: str) -> str:
    """A piece of a docstring as Markdown, in one line."""
    for pattern, replacement in MARKUP:
        text = re.sub(pattern, replacement, text)
    return text.strip()


def sections(cls: type) -> dict[str, str]:
    """The docstring of a class by the titles of its sections; what comes first is under ''."""
    parts = re.split(r"^(\w[\w ]*)\n-+\n", inspect.cleandoc(cls.__doc__ or ""), flags=re.MULTILINE)
    return {"": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


def differences(cls: type) -> list[str]:
    """The paragraphs of the notes that speak of Keras and PyTorch, without the end of a sentence around equations."""
    paragraphs = [plain(p) for p in sections(cls)["Notes"].split("\n\n")]
    return [re.sub(r"^[a-z].*?\. (?=[A-Z`])", "", p) for p in paragraphs if "Keras" in p or "PyTorch" in p]


def origin(cls: type) -> str:
    """Whose names and form a class has: Keras's, else PyTorch's, else the paper's."""
    text = " ".join(differences(cls))
    if not re.search(r"Keras has no|Neither Keras", text):
        return "Keras"
    return "paper" if re.search(r"PyTorch has no|nor PyTorch", text) else "PyTorch"


def row(make: Callable[..., Any]) -> list[str]:
    """A rule's cells."""
    w, optimizer = np.ones((64, 64), np.float32), make()
    optimizer.step(w, w.copy())
    state = {name[2:]: array for name, array in optimizer.state_dict().items() if name.startswith("0.")}
    full = sum(array.size == w.size for array in state.values())
    chosen = make.keywords if isinstance(make, partial) else {}
    call = type(optimizer).__name__ + (f"({', '.join(f'{k}={v!r}' for k, v in chosen.items())})" if chosen else "")
    size = sum(array.nbytes for array in state.values()) / w.size
    slots = ", ".join(
        f"`{name}`" if array.size == w.size else f"`{name}` {array.shape}" for name, array in state.items()
    )
    form = "PyTorch" if chosen.get("dialect") == "torch" else origin(type(optimizer))
    return [f"`{call}`", form, slots or "none", f"{size:.3g}", f"{2 + full} + {1 + full}"]


def page() -> str:
    """The whole page."""
    makes = variants()
    kinds = {type(make()).__name__: type(make()) for make in makes.values()}
    order = sorted(makes, key=lambda name: (type(makes[name]()).__name__.lower(), list(makes).index(name)))
    lines = [HEAD]
    lines.append("| optimizer | names and form of | state | bytes | arrays read + written |")
    lines.append("| --- | --- | --- | ---: | ---: |")
    lines += [f"| {' | '.join(row(makes[name]))} |" for name in order]
    lines.append("\n## How each differs from Keras and PyTorch")
    for name in sorted(kinds, key=str.lower):
        parts = sections(kinds[name])
        references = [plain(text) for text in parts["References"].split("\n\n") if text.strip()]
        what = plain(parts[""].strip().split("\n\n")[0])
        lines += [f"\n### {name}", f"\n{what}", *(f"\n{text}" for text in differences(kinds[name]))]
        lines.append("\n" + "\n".join(f"- {reference}" for reference in references))
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
