"""The built package: what importing it costs and changes, which kernels it has, what it asks for."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import gradstep as gs
import numpy as np
import pytest
from gradstep import _core

# All that import may load: small, and most of it loaded by Python or NumPy anyway. Not dataclasses, inspect, argparse.
LIGHT = {
    "__future__",
    "collections",
    "contextlib",
    "copy",
    "dataclasses",
    "errno",
    "math",
    "mmap",
    "numbers",
    "numpy",
    "operator",
    "os",
    "sys",
    "threading",
    "time",
    "typing",
}


def python(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a fresh interpreter, away from this one's modules."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("GRADSTEP_")} | environment
    command = [sys.executable, *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)


def said(program: str, **environment: str) -> str:
    done = python("-c", program, **environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


# -- import ------------------------------------------------------------------------------------------------------------


def test_import_loads_only_gradstep_and_light_modules() -> None:
    program = """
import importlib.util, json, sys, numpy  # an editable install looks for our modules by it
before = set(sys.modules)
import gradstep
print(json.dumps(sorted(set(sys.modules) - before)))
"""
    loaded = json.loads(said(program))
    foreign = {name for name in loaded if name.split(".")[0] != "gradstep"}
    assert "gradstep._core" in loaded
    assert {name.split(".")[0] for name in foreign} <= LIGHT
    assert not [name for name in loaded if name.startswith(("gradstep.demo", "gradstep.plot", "gradstep.__main__"))]


def test_import_leaves_the_environment_as_it_was() -> None:
    program = "import os; before = dict(os.environ); import gradstep; print(dict(os.environ) == before)"
    assert said(program) == "True"


def test_arithmetic_of_others_stays_as_it_was() -> None:
    """Subnormal numbers live before and after import, and after calls on one thread and on several."""
    program = """
import numpy as np
def alive():
    tiny = np.full(64, 2e-38, np.float32)
    return bool((tiny * np.float32(0.25) > 0).all() and (tiny.astype(np.float64) * 1e-275 > 0).all())
print(alive())
import gradstep as gs
print(alive())
for threads in 1, 2:
    gs.set_num_threads(threads)
    w = np.ones(3_000_000, np.float32)
    gs.optimizers.Adam().step(w, w.copy())
    print(alive())
"""
    assert said(program).split() == ["True"] * 4


# -- instruction sets --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("isa", _core.build_info()["isas"])
def test_every_instruction_set_can_be_forced(isa: str) -> None:
    program = """
import gradstep as gs, numpy as np
w = np.linspace(-1, 1, 1001, dtype=np.float32)
opt = gs.optimizers.Adam(learning_rate=0.1)
for _ in range(3):
    opt.step(w, 2 * w)
print(gs._core.build_info()["isa"], w.tobytes().hex())
"""
    used, bits = said(program, GRADSTEP_ISA=isa).split()
    assert used == isa
    w = np.linspace(-1, 1, 1001, dtype=np.float32)
    opt = gs.optimizers.Adam(learning_rate=0.1)
    for _ in range(3):
        opt.step(w, 2 * w)
    assert bytes.fromhex(bits) == w.tobytes()


def test_a_wrong_instruction_set_is_refused() -> None:
    done = python("-c", "import gradstep", GRADSTEP_ISA="x86-64-v9")
    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert re.fullmatch(r"ImportError: GRADSTEP_ISA must be .*; got x86-64-v9\.", last)
    assert all(isa in last for isa in _core.build_info()["isas"])


def test_an_empty_instruction_set_is_none() -> None:
    used = said("import gradstep; print(gradstep._core.build_info()['isa'])", GRADSTEP_ISA="")
    assert used == _core.build_info()["isas"][-1]


# -- what it says of itself --------------------------------------------------------------------------------------------


def test_show_config_says_what_a_bug_report_needs(capsys: pytest.CaptureFixture[str]) -> None:
    gs.show_config()
    text = capsys.readouterr().out
    info = _core.build_info()
    for fact in (gs.__version__, info["compiler"], info["isa"], *info["isas"], str(info["openmp"]), np.__version__):
        assert fact in text
    assert re.search(rf"^threads\s+{gs.get_num_threads()}\b", text, flags=re.MULTILINE)
    assert re.search(r"^OpenMP .*(gomp|omp)", text, flags=re.MULTILINE)
    assert "CUDA" in text


def test_info_command_prints_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    gs.show_config()
    done = python("-m", "gradstep", "info")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[0] == capsys.readouterr().out.split("\n")[0]
    assert "instruction set" in done.stdout


def test_metadata_asks_for_numpy_alone() -> None:
    try:
        metadata = importlib.metadata.distribution("gradstep")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("gradstep is imported from the source tree, not installed")
    needed = [line for line in metadata.requires or [] if "extra ==" not in line]
    assert [re.split(r"[\s<>=!~;]", line)[0] for line in needed] == ["numpy"]
    assert metadata.version == gs.__version__ == _core.build_info()["version"]
    package = Path(gs.__file__).parent  # the source tree, if the install is editable
    assert all((package / name).is_file() for name in ("py.typed", "cython/optimizers.pxd"))


# -- names -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", *(n for n in gs.__all__ if type(getattr(gs, n)) is type(gs))])
def test_dir_lists_what_a_module_is_for(name: str) -> None:
    module = getattr(gs, name) if name else gs
    if name in ("backend", "config", "utils"):  # one file each
        assert set(module.__all__) <= set(dir(module))
    else:
        assert dir(module) == sorted(module.__all__)
