"""The house as CONTRIBUTING.md has it: what may include what, what objects export, which words are not used."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CSRC = ROOT / "csrc"
PACKAGE = ROOT / "python" / "gradstep"
CPP = sorted(path for path in CSRC.rglob("*") if path.suffix in {".hpp", ".cpp", ".cu"})
PYTHON = sorted(PACKAGE.rglob("*.py"))
FILES = [
    *CPP,
    *PYTHON,
    *sorted(PACKAGE.rglob("*.py[xi]")),
    *sorted((ROOT / "tests").rglob("*.py")),
    *sorted((ROOT / "examples").rglob("*.py")),
    *sorted(path for path in (ROOT / "benchmarks").rglob("*") if path.suffix in {".py", ".cpp"}),
]

# What stands on a line may use only what stands on the lines above it.
CPP_FLOORS = (
    ("core",),
    ("optimizers", "activations"),
    ("losses",),
    ("kernels",),
    ("runtime",),
    ("update", "linear", "minimize"),
    ("graph",),
    ("layers",),
    ("train",),
    ("bindings",),
)
PYTHON_FLOORS = (
    ("_core",),
    ("_engine", "console", "delayed_interrupt", "hints", "notebook", "references", "seeds"),
    ("checks",),
    ("distribution",),
    ("optimizers",),
    ("cython", "torch"),
    ("config", "described", "naming", "plot"),
    ("minimize",),
    ("minimizers", "problems"),
    ("activations", "callbacks", "constraints", "initializers", "losses", "preprocessing", "regularizers"),
    ("metrics", "layers", "data"),
    ("trainers",),
    ("saving",),
    ("export",),
    ("many",),
    ("tune",),
    ("models", "scalers", "utils"),
    ("sklearn",),
    ("backend", "demo", "experiments", "quick_bench", "run_file"),
    ("commands",),
    ("__init__", "__main__"),
)
# Of joblib its workers alone, by the name that the user gives; nothing is loaded.
COMPUTES_WITH = {"tune/workers.py": {"joblib"}}
RUNS_CODE = {"pickle", "marshal", "shelve", "dill", "joblib", "importlib", "ctypes"}


def floors(plan: tuple[tuple[str, ...], ...]) -> dict[str, int]:
    return {name: height for height, names in enumerate(plan) for name in names}


def code(path: Path) -> str:
    """C++ without comments and string literals."""
    text = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)
    return re.sub(r"//[^\n]*", "", re.sub(r'(?<!#include )"(?:\\.|[^"\\\n])*"', '""', text))


def test_there_is_something_to_check() -> None:
    assert len(CPP) > 30
    assert len(PYTHON) > 20
    assert {path.relative_to(CSRC).parts[0] for path in CPP} == set(floors(CPP_FLOORS))


# -- who uses whom -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", CPP, ids=lambda path: str(path.relative_to(CSRC)))
def test_no_include_goes_up(path: Path) -> None:
    height = floors(CPP_FLOORS)
    own = path.relative_to(CSRC).parts[0]
    for target in re.findall(r'^\s*#\s*include\s+"([^"]+)"', path.read_text(), flags=re.MULTILINE):
        assert (CSRC / target).is_file(), f"{target} is not a file below csrc/; includes are written from there."
        folder = target.split("/")[0]
        allowed = folder == own or height[folder] < height[own]
        assert allowed, f"{own}/ stands below {folder}/ and must not include {target}."


@pytest.mark.parametrize("path", CPP, ids=lambda path: str(path.relative_to(CSRC)))
def test_threads_and_python_each_have_one_place(path: Path) -> None:
    folder, text = path.relative_to(CSRC).parts[0], code(path)
    if folder != "runtime":
        found = re.search(r"#\s*include\s*<(omp\.h|thread|mutex|pthread\.h|future)>", text)
        assert not found, f"{found[0]}: only runtime/ has threads."
        found = re.search(r"#\s*pragma\s+omp\s+(?!simd|declare)\w+", text)
        assert not found, f"{found[0]}: only runtime/ has threads."
        found = re.search(r"cpuid|__builtin_cpu_\w+", text)
        assert not found, f"{found[0]}: only runtime/ asks which CPU this is."
    if folder != "bindings":
        found = re.search(r"#\s*include\s*[<\"](pybind11/|Python\.h|numpy/)|\bpybind11::|\bPyObject\b", text)
        assert not found, f"{found[0]}: only bindings/ knows Python."
    found = re.search(r"#\s*include\s*<\w*intrin\.h>|#\s*include\s*<arm_neon\.h>|\b_mm\d*_\w+\(", text)
    assert not found, f"{found[0]}: SIMD comes from plain loops and vector types."


def relative_imports(path: Path) -> Iterator[str]:
    """The modules of gradstep, by the first part of their name, that a file imports anywhere in it."""
    inside = path.relative_to(PACKAGE).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = inside[: len(inside) - (node.level - 1)]
            for name in [node.module] if node.module else [alias.name for alias in node.names]:
                yield [*base, *name.split(".")][0]
        elif isinstance(node, ast.ImportFrom | ast.Import):
            names = [node.module] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            assert not any(str(name).split(".")[0] == "gradstep" for name in names), "imports within are relative."


@pytest.mark.parametrize("path", PYTHON, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_import_goes_up(path: Path) -> None:
    height = floors(PYTHON_FLOORS)
    own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    assert own in height, f"gradstep.{own} is new: give it a line in PYTHON_FLOORS."
    for target in relative_imports(path):
        assert target in height, f"gradstep.{target} is new: give it a line in PYTHON_FLOORS."
        assert target == own or height[target] < height[own], f"{own} stands below {target} and must not import it."


def imports_at_once(path: Path) -> set[Path]:
    """The files of the package that importing a file imports, not within functions or for types alone."""
    inside, found = path.relative_to(PACKAGE).parts[:-1], set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ImportFrom) and node.level:
            base = PACKAGE.joinpath(*inside[: len(inside) - (node.level - 1)], *(node.module or "").split("."))
            for place in [base / alias.name for alias in node.names]:
                each = place.with_suffix(".py"), place / "__init__.py", base.with_suffix(".py")
                found |= {file for file in each if file.exists()} or {base / "__init__.py"} - {PACKAGE / "__init__.py"}
    return found - {path}


def test_no_imports_go_in_a_circle() -> None:
    waiting = {path: imports_at_once(path) for path in PYTHON}
    while free := [path for path, needed in waiting.items() if not needed & waiting.keys()]:
        for path in free:
            del waiting[path]
    assert not waiting, "each of these files waits for others of them, or imports what does"


def longest_chain(cls: type) -> list[type]:
    """A class of the package and the longest way up through its bases that are of the package."""
    chains = [longest_chain(base) for base in cls.__bases__ if base.__module__.split(".")[0] == "gradstep"]
    return [cls, *max(chains, key=len, default=[])]


def test_no_class_has_more_than_three_bases_deep() -> None:
    """Of four classes in a row nobody knows which has the method; mixins lie side by side instead."""
    deep = []
    for path in PYTHON:
        names = [part for part in path.relative_to(PACKAGE.parent).with_suffix("").parts if part != "__init__"]
        if names[-1] == "__main__":
            continue
        try:
            module = importlib.import_module(".".join(names))
        except ImportError as error:
            if "pip install 'gradstep[" in str(error):  # an extra that is not here
                continue
            raise
        own = [cls for cls in vars(module).values() if inspect.isclass(cls) and cls.__module__ == module.__name__]
        deep += [chain for chain in map(longest_chain, own) if len(chain) > 4]
    assert not [" -> ".join(cls.__name__ for cls in chain) for chain in deep]


def test_every_rule_has_its_mirror() -> None:
    """csrc/optimizers/adam.hpp, python/gradstep/optimizers/adam.py: the same names, and one list in C++."""
    rules = {path.stem for path in (CSRC / "optimizers").glob("*.hpp")} - {"all", "every", "curvature"}
    listed = set(re.findall(r'#include "optimizers/(\w+)\.hpp"', (CSRC / "optimizers" / "all.hpp").read_text()))
    assert rules == listed
    assert rules <= {path.stem for path in (PACKAGE / "optimizers").glob("*.py")}


def test_what_tests_share_is_in_support() -> None:
    """A module that pytest does not run is a helper; one place for them is one entry on the path."""
    elsewhere = {ROOT / "tests" / "support", ROOT / "tests" / "keras_scripts"}
    modules = [path for path in (ROOT / "tests").rglob("*.py") if not elsewhere & set(path.parents)]
    assert not [path for path in modules if not path.name.startswith("test_") and path.name != "conftest.py"]
    assert not list((ROOT / "tests" / "support").rglob("test_*.py")), "pytest runs them all the same"


# What a model keeps for itself, and the classes that compute.
BEHIND_MODELS = {"_executor", "_trainer", "_evaluator", "_data", "_guard", "_key", "_ready", "_kept", "_last_call"}
BEHIND_MODELS |= {"_eager", "_nodes", "_rekey", "_has_many", "_pack_outputs"}
ENGINES = {"Network", "TrainLoop", "ForwardBackward", "Executor", "EagerExecutor", "RunWithMetrics", "RunOverBatches"}


def test_one_probe_sees_behind_models() -> None:
    """An engine that is built anew changes tests/support/probe.py, and no test."""
    found = []
    for path in (ROOT / "tests").rglob("*.py"):
        if path in {ROOT / "tests" / "support" / "probe.py", Path(__file__)}:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute):
                owner = ast.unparse(node.value)
                behind = node.attr in BEHIND_MODELS and owner != "self"
                if behind or (node.attr in ENGINES and owner.endswith("_core")):
                    found.append(f"{path.relative_to(ROOT)}:{node.lineno} {owner}.{node.attr}")
            elif isinstance(node, ast.ImportFrom) and re.match(
                r"gradstep\.(models|trainers|layers)\.", node.module or ""
            ):
                found += [f"{path.relative_to(ROOT)}:{node.lineno} {a.name}" for a in node.names if a.name in ENGINES]
    assert not found


# -- what is built -----------------------------------------------------------------------------------------------------


def test_kernel_objects_export_one_table_each() -> None:
    """A weak inline function compiled for AVX-512 may be the one the linker keeps for all: a crash on older CPUs."""
    objects = sorted(ROOT.glob("build/*/CMakeFiles/kernels_*.dir/**/*.o"))
    if not objects:
        pytest.skip("there is no build directory (pip install . leaves one)")
    nm = shutil.which("nm")
    assert nm, "nm comes with every C++ compiler"
    for path in objects:
        listing = subprocess.run([nm, "-C", "--defined-only", path], capture_output=True, text=True, check=True).stdout
        symbols = [line.split(maxsplit=2)[1:] for line in listing.splitlines()]
        shared = [name for kind, name in symbols if kind.isupper() or kind in "uvw"]
        assert len(shared) == 1, f"{path}: {shared}"
        assert re.fullmatch(r"gs::\w+Table const& gs::\w+_table<gs::\w+>\(\)", shared[0]), f"{path}: {shared}"


def test_no_flag_changes_arithmetic() -> None:
    """-ffast-math, as older GCC links it, makes every library of the process flush subnormals to zero."""
    for path in (ROOT / "CMakeLists.txt", ROOT / "pyproject.toml", *CPP):
        text = re.sub(r"(#|//)[^\n]*", "", path.read_text()) if path.suffix != ".toml" else path.read_text()
        found = re.search(r"-ffast-math|-Ofast|-funsafe-math|-march=native|float_control|optimize\(", text)
        assert not found, f"{path}: {found[0]}"


# -- words -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_are_short_and_finished(path: Path) -> None:
    text = path.read_text()
    lines = text.splitlines()
    assert len(lines) <= 400, f"{len(lines)} lines; a file is one idea."
    assert text == "" or text.endswith("\n")
    assert not [number for number, line in enumerate(lines, 1) if line != line.rstrip()], "trailing blanks"
    if path.suffix in {".hpp", ".cpp"}:
        assert path.stem not in {"util", "utils", "utilities", "helpers", "misc", "common"}
    if path == Path(__file__):
        return  # it names the words
    found = re.search(r"\b(FIXME|XXX|HACK)\b|\bTODO\b(?! ?\(?#\d)|\w_impl\b|\w_v2\b|utils\.hpp", text)
    assert not found, f"{found[0]}: finish it, or name the issue."


@pytest.mark.parametrize("path", PYTHON, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_the_package_runs_no_foreign_code(path: Path) -> None:
    """No pickle, marshal, eval or exec, and no import by a computed name: loading a file can never run one."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names]
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            banned = RUNS_CODE & {name.split(".")[0] for name in names}
            banned -= COMPUTES_WITH.get(str(path.relative_to(PACKAGE)), set())
            assert not banned, f"line {node.lineno}: imports {banned}"
        elif isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else ""
            assert name not in {"eval", "exec", "compile", "__import__"}, f"line {node.lineno}: calls {name}"
            if any(keyword.arg == "allow_pickle" for keyword in node.keywords):
                pytest.fail(f"line {node.lineno}: allow_pickle")


def test_readme_has_the_two_commands() -> None:
    readme = (ROOT / "README.md").read_text()
    assert "make demo" in readme
    assert "make test" in readme
