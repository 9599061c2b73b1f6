"""A Cython module compiled against the installed .pxd, and a Numba function, take the same steps as the optimizers."""

from __future__ import annotations

import ctypes
import importlib.util
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import gradstep
import numpy as np
import pytest
from gradstep import _core
from gradstep.cython import optimizers as steps
from variants import OPTIMIZERS, other

N, STEPS = 1003, 5

RULES = {name: rule for name, rule in _core.rules().items() if not (rule["measures"] or rule["matrices"])}
BY_RULE = {make()._core.rule: make for make in OPTIMIZERS.values()}


def expected(rule: str, dtype: str, values: dict[str, float]) -> tuple[np.ndarray, np.ndarray]:
    """The parameter and its state (slots, n) after some steps of gradstep.optimizers."""
    w = np.linspace(-1, 1, N).astype(dtype)
    optimizer = BY_RULE[rule](**values)
    bound = optimizer.bind(w)
    for t in range(1, STEPS + 1):
        bound.step(gradient(t, dtype))
    state = optimizer.state_dict()
    return w, np.array([state[f"0.{slot}"] for slot in steps.slots(rule)]).reshape(-1, N)


def gradient(t: int, dtype: str) -> np.ndarray:
    return np.cos(np.arange(N) * t).astype(dtype)


def start(rule: str, dtype: str, values: dict[str, float]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Parameter, state and values for the C functions."""
    starts = steps.starts(rule, list(values.values()))
    assert tuple(starts) == steps.slots(rule)
    state = np.repeat(np.array(list(starts.values()), dtype), N).reshape(-1, N)
    return np.linspace(-1, 1, N).astype(dtype), state, np.array(list(values.values()))


def varied(rule: str) -> dict[str, float]:
    return {name: other(BY_RULE[rule](), name) for name in steps.fields(rule)}


def test_rules_by_name():
    for name, rule in RULES.items():
        assert list(steps.fields(name).items()) == [field[:2] for field in rule["fields"]]
        assert steps.slots(name) == rule["slots"]
    assert [list(_core.rules())[steps.rule_index(name)] for name in RULES] == list(RULES)
    assert "Lamb" not in RULES
    for ask in (steps.rule_index, steps.fields, steps.slots):
        with pytest.raises(ValueError, match=r"name must be one of SGD, .*; got 'Lamb'"):
            ask("Lamb")
        with pytest.raises(ValueError, match=r"name must be one of SGD, .*; got 'adam'"):
            ask("adam")
        with pytest.raises(TypeError):
            ask(3)
    with pytest.raises(ValueError, match=r"name must be one of SGD, .*; got 'adam'"):
        steps.starts("adam", [])
    with pytest.raises(ValueError, match=r"values must be 3 numbers, as fields\('Adagrad'\); got 1\."):
        steps.starts("Adagrad", [0.1])


MODULE = """
# cython: language_level=3
from gradstep.cython.optimizers cimport find_rule, step_float32, step_float64

def find(bytes name):
    return find_rule(name)

def step(int rule, double[::1] values, long long t, w, g, state):
    cdef float[::1] w4, g4
    cdef float[:, ::1] state4
    cdef double[::1] w8, g8
    cdef double[:, ::1] state8
    cdef int found
    if w.dtype == "f4":
        w4, g4, state4 = w, g, state
        with nogil:
            found = step_float32(rule, &values[0], t, &w4[0], &g4[0],
                                 &state4[0, 0] if state4.shape[0] else NULL, w4.shape[0])
    else:
        w8, g8, state8 = w, g, state
        with nogil:
            found = step_float64(rule, &values[0], t, &w8[0], &g8[0],
                                 &state8[0, 0] if state8.shape[0] else NULL, w8.shape[0])
    return found
"""


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory):
    """The module above, made as a user would make it: Cython, then the C compiler."""
    pytest.importorskip("Cython")
    compiler = next(filter(None, map(shutil.which, ["cc", "gcc", "clang"])), None)
    if compiler is None:
        pytest.skip("no C compiler")
    folder = tmp_path_factory.mktemp("user")
    pyx, c = folder / "user_steps.pyx", folder / "user_steps.c"
    library = folder / ("user_steps" + sysconfig.get_config_var("EXT_SUFFIX"))
    pyx.write_text(MODULE)
    # Cython finds an installed .pxd by itself; an editable install lies outside its search path.
    package = Path(gradstep.__file__).parent.parent
    subprocess.run([sys.executable, "-m", "cython", "-3", "-I", package, pyx, "-o", c], check=True, cwd=folder)
    include = sysconfig.get_paths()["include"]
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", f"-I{include}", c, "-o", library], check=True)
    spec = importlib.util.spec_from_file_location("user_steps", library)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("vary", [False, True], ids=["defaults", "other values"])
def test_cython_takes_the_same_steps(compiled, rule, dtype, vary):
    values = varied(rule) if vary else steps.fields(rule)
    w, state, numbers = start(rule, dtype.name, values)
    index = compiled.find(rule.encode())
    assert index == steps.rule_index(rule)
    for t in range(1, STEPS + 1):
        assert compiled.step(index, numbers, t, w, gradient(t, dtype.name), state) == 0
    end, moments = expected(rule, dtype.name, values)
    assert w.tobytes() == end.tobytes()
    assert state.tobytes() == moments.tobytes()


def test_cython_refuses_without_writing(compiled, dtype):
    assert compiled.find(b"adam") == compiled.find(b"Lamb") == -1
    w, state, numbers = start("Adam", dtype.name, steps.fields("Adam"))
    before, g, adam = w.tobytes() + state.tobytes(), gradient(1, dtype.name), steps.rule_index("Adam")
    for rule, values, t in [
        (-1, numbers, 1),
        (len(_core.rules()), numbers, 1),
        (list(_core.rules()).index("Lamb"), numbers, 1),
        (adam, numbers, 0),
        (adam, numbers, -1),
        (adam, np.array([np.nan, 0.9, 0.999, 1e-7]), 1),
        (adam, np.array([0.1, 1.0, 0.999, 1e-7]), 1),
    ]:
        assert compiled.step(rule, values, t, w, g, state) == -1
        assert w.tobytes() + state.tobytes() == before


@pytest.mark.parametrize("rule", RULES)
def test_numba_takes_the_same_steps(rule, dtype):
    numba = pytest.importorskip("numba")
    from numba.extending import get_cython_function_address

    real = ctypes.POINTER({"float32": ctypes.c_float, "float64": ctypes.c_double}[dtype.name])
    signature = ctypes.CFUNCTYPE(
        ctypes.c_int, ctypes.c_int, ctypes.POINTER(ctypes.c_double), ctypes.c_int64, real, real, real, ctypes.c_size_t
    )
    step = signature(get_cython_function_address("gradstep.cython.optimizers", f"step_{dtype.name}"))

    @numba.njit
    def descend(index, values, w, gradients, state):
        for t in range(len(gradients)):
            failed = step(index, values.ctypes, t + 1, w.ctypes, gradients[t].ctypes, state.ctypes, w.size)
            if failed:
                return failed
        return 0

    values = varied(rule)
    w, state, numbers = start(rule, dtype.name, values)
    gradients = np.array([gradient(t, dtype.name) for t in range(1, STEPS + 1)])
    assert descend(steps.rule_index(rule), numbers, w, gradients, state) == 0
    end, moments = expected(rule, dtype.name, values)
    assert w.tobytes() == end.tobytes()
    assert state.tobytes() == moments.tobytes()
    assert descend(-1, numbers, w, gradients, state) == -1
