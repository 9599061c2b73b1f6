"""The pages of the reference: one for each public name, written from `__all__` when the documentation is built.

`public_modules` reads the source alone, so that a test can compare it with the package where Sphinx is not installed.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

HERE = Path(__file__).parent
PACKAGE = HERE.parent / "python" / "gradstep"
PAGES = HERE / "api"
# `gradstep.minimize` is the function; the package of this name holds what it is made of.
NOT_MODULES = {"gradstep.minimize"}
# A name that several modules have is described in the first of them, in alphabetical order, but rather not in these.
LAST = ("gradstep", "gradstep.backend")


def public_modules() -> dict[str, list[str]]:
    """The public names of each public module, by the module's full name."""
    found = {"gradstep": all_of(PACKAGE / "__init__.py")}
    for package in sorted(PACKAGE.glob("*/__init__.py")):
        if not package.parent.name.startswith("_") and all_of(package):
            found[f"gradstep.{package.parent.name}"] = all_of(package)
    for parent in list(found):
        for name in found[parent]:
            for path in files_of(f"{parent}.{name}"):
                found[f"{parent}.{name}"] = all_of(path)
    return dict(sorted((name, names) for name, names in found.items() if names and name not in NOT_MODULES))


def files_of(module: str) -> list[Path]:
    """The file of a public module, or nothing. Files in folders are none: functions have their names."""
    base = PACKAGE.joinpath(*module.split(".")[1:])
    places = [base / "__init__.py"] + [base.with_suffix(".py")] * (base.parent == PACKAGE)
    return [path for path in places if path.exists()]


def all_of(path: Path) -> list[str]:
    """`__all__` of a file; empty where there is none."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and any(ast.unparse(target) == "__all__" for target in node.targets):
            return list(ast.literal_eval(node.value))
    return []


def entries() -> Iterator[tuple[str, str]]:
    """Each public name that is not a module itself, with the module that has it."""
    modules = public_modules()
    for module, names in modules.items():
        for name in names:
            if f"{module}.{name}" not in modules:
                yield module, name


def page_of(module: str, name: str) -> str:
    """The page of a name, without its ending. Class `Hinge` and function `hinge` are two files on every system."""
    names = public_modules()[module]
    twin = name.islower() and any(other != name and other.lower() == name for other in names)
    return f"{module}.{name}" + ("_function" if twin else "")


# -- what needs the package --------------------------------------------------------------------------------------------


def member(module: str, name: str) -> Any:
    """What a public name stands for."""
    return getattr(importlib.import_module(module), name)


def described_in() -> dict[int, tuple[str, str]]:
    """For each object with several public names, by its id, the one under which it is described."""
    order = sorted(entries(), key=lambda entry: (LAST[::-1].index(entry[0]) if entry[0] in LAST else -1, entry))
    found: dict[int, tuple[str, str]] = {}
    for module, name in order:
        found.setdefault(id(member(module, name)), (module, name))
    return found


def members_of(cls: type, public: set[type]) -> list[str]:
    """Public methods and attributes of a class, without those that a public base class has."""
    elsewhere = {base for parent in cls.__mro__[1:] if parent in public for base in parent.__mro__}
    names: list[str] = []
    for base in cls.__mro__:
        if base.__module__.partition(".")[0] == "gradstep" and base not in elsewhere:
            names += [
                name
                for name, value in vars(base).items()
                if not name.startswith("_")
                and isinstance(value, (property, classmethod, staticmethod)) | inspect.isfunction(value)
                and inspect.getdoc(getattr(cls, name))
            ]
    return sorted(set(names))


def title(text: str) -> str:
    return f"{text}\n{'=' * len(text)}\n"


def page(module: str, name: str, home: dict[int, tuple[str, str]], public: set[type]) -> str:
    """The page of one name."""
    thing, full = member(module, name), f"{module}.{name}"
    heading = title(full)
    first = home[id(thing)]
    callable_thing = inspect.isclass(thing) or inspect.isroutine(thing)
    if callable_thing and first != (module, name):
        other = ".".join(first)
        return (
            f"{heading}\n.. py:data:: {full}\n   :noindex:\n\n   Another name of :py:obj:`{other}`.\n{example(thing)}"
        )
    if inspect.isclass(thing):
        bases = [".".join(home[id(base)]) for base in thing.__mro__[1:] if base in public]
        text = f"{heading}\n.. autoclass:: {full}\n   :members: {', '.join(members_of(thing, public))}\n"
        if not members_of(thing, public):
            text = f"{heading}\n.. autoclass:: {full}\n"
        if thing.__name__ != name:  # which Sphinx would take for an alias
            text = f"{heading}\n{spelled_out(thing, full, members_of(thing, public))}"
        return text + (f"\n   Methods of its base class: :py:class:`{bases[0]}`.\n" if bases else "")
    if inspect.isroutine(thing):
        return f"{heading}\n.. autofunction:: {full}\n"
    return f"{heading}\n.. py:data:: {full}\n\n   {summary(thing, name)}\n{example_of_value(thing, name)}"


def spelled_out(cls: type, full: str, members: list[str]) -> str:
    """A class under a name that is not its own, as `autoclass` shows others."""
    from sphinx.ext.napoleon import Config, NumpyDocstring

    sections = [("State", "params_style"), ("Warns", "params_style")]
    settings = Config(napoleon_use_ivar=True, napoleon_use_rtype=False, napoleon_custom_sections=sections)
    lines = NumpyDocstring(inspect.getdoc(cls) or "", settings, what="class").lines()
    module, _, name = full.rpartition(".")
    given = inspect.signature(cls)
    arguments = [argument.replace(annotation=argument.empty) for argument in given.parameters.values()]
    plain = given.replace(parameters=arguments, return_annotation=given.empty)
    text = f".. py:currentmodule:: {module}\n\n.. py:class:: {name}{plain}\n\n" + "".join(
        f"   {line}".rstrip() + "\n" for line in lines
    )
    for member in members:
        kind = "property" if isinstance(inspect.getattr_static(cls, member), property) else "method"
        text += f"\n   .. auto{kind}:: {full}.{member}\n"
    return text


def example(thing: Any) -> str:
    """The examples of a docstring, as a part of a page."""
    found = re.search(
        r"^Examples\n-+\n(.*?)(?=^\S[^\n]*\n-{3,}\n|\Z)", inspect.getdoc(thing) or "", re.DOTALL | re.MULTILINE
    )
    return "" if found is None else f"\n.. rubric:: Examples\n\n{found[1].strip()}\n"


def example_of_value(thing: Any, name: str) -> str:
    """What Python shows of a value: a version, or a problem at its start."""
    if name == "__version__":
        text = f">>> import gradstep\n>>> gradstep.__version__\n{thing!r}"
    else:
        text = f">>> import gradstep as gs\n>>> p = gs.problems.{name}\n"
        text += f">>> float(p(p.start)), p.fun\n({float(thing(thing.start))!r}, {thing.fun!r})"
    return f"\n.. rubric:: Examples\n\n{text}\n"


def summary(thing: Any, name: str) -> str:
    """One line on what a name stands for, from its docstring."""
    if name == "__version__":
        return "The version, a str."
    if not (inspect.isclass(thing) or inspect.isroutine(thing) or isinstance(thing, ModuleType)):
        kind = type(thing)
        return (
            f"A :py:class:`~{kind.__module__}.{kind.__name__}`: its value at ``start`` {thing.start}, and its minima."
        )
    return " ".join((inspect.getdoc(thing) or "").split("\n\n")[0].split())


def kind_of(thing: Any) -> str:
    """The heading under which a name is listed in a long module: of layers the folder that they are in."""
    parts = getattr(thing, "__module__", "").split(".")
    return parts[1 if parts[1] != "layers" else 2].capitalize() if len(parts) > 2 else ""


def module_page(module: str, names: list[str], modules: dict[str, list[str]]) -> str:
    """The page of a module: what it is, and a table of its names."""
    rows: dict[str, list[str]] = {}
    for name in sorted(names, key=lambda text: (text.lower(), text)):
        if f"{module}.{name}" in modules:
            rows.setdefault("Modules", []).append(f"   * - :doc:`{module}.{name} <{module}.{name}>`")
            thing: Any = importlib.import_module(f"{module}.{name}")
        else:
            thing = member(module, name)
            kind = kind_of(thing) if module == "gradstep.layers" else ""
            rows.setdefault(kind, []).append(f"   * - :doc:`{name} <{page_of(module, name)}>`")
        rows["Modules" if f"{module}.{name}" in modules else kind][-1] += f"\n     - {summary(thing, name)}"
    parts = [title(module), f".. automodule:: {module}\n   :no-members:\n"]
    for kind in sorted(rows):
        if kind:
            parts.append(f"{kind}\n{'-' * len(kind)}\n")
        parts.append(".. list-table::\n   :widths: 30 70\n   :class: api\n\n" + "\n".join(rows[kind]) + "\n")
    pages = [
        f"{name} <{page_of(module, name)}>"
        for name in sorted(names, key=str.lower)
        if f"{module}.{name}" not in modules
    ]
    parts.append(".. toctree::\n   :hidden:\n\n" + "\n".join(f"   {one}" for one in pages) + "\n")
    return "\n".join(parts)


def index(modules: dict[str, list[str]]) -> str:
    """The first page of the reference."""
    rows = [
        f"   * - :doc:`{module}`\n     - {summary(importlib.import_module(module), module)}"
        for module in modules
        if module != "gradstep"
    ]
    return "\n".join(
        [
            title("API reference"),
            "Every public name has a page. ``gs`` stands for ``gradstep``; the top of the package has the names in\n"
            ":doc:`gradstep`, the others are in its modules.\n",
            ".. list-table::\n   :widths: 30 70\n   :class: api\n\n" + "\n".join(rows) + "\n",
            ".. toctree::\n   :hidden:\n\n" + "\n".join(f"   {module}" for module in modules) + "\n",
        ]
    )


def write() -> None:
    """Write all pages, and leave those that are the same as they were, so that a second build is quick."""
    modules, home = public_modules(), described_in()
    public = {member(*place) for place in home.values() if inspect.isclass(member(*place))}
    texts = {
        f"{module}.{name}" + page_of(module, name)[len(f"{module}.{name}") :]: page(module, name, home, public)
        for module, name in entries()
    }
    texts |= {module: module_page(module, names, modules) for module, names in modules.items()}
    texts["index"] = index(modules)
    PAGES.mkdir(exist_ok=True)
    for old in PAGES.iterdir():
        if old.name.removesuffix(".rst") not in texts:
            old.unlink()
    for name, text in texts.items():
        path = PAGES / f"{name}.rst"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
