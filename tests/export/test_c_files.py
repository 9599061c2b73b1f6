"""Models as C files: compiled without a warning, they give the predictions."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from typing import Any

import gradstep as gs
import numpy as np
import pytest
from export_cases import CASES, case, predicted
from gradstep.export.lowering import KINDS, program_of
from gradstep.export.program import Program
from own_layers import NumpyDense

CC = shutil.which("cc")
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Wshadow", "-Wconversion", "-Wno-sign-conversion"]
needs_a_compiler = pytest.mark.skipif(CC is None, reason="there is no C compiler")


def compiled(folder: Any, names: list[str]) -> ctypes.CDLL:
    sources = [str(folder / f"{name}.c") for name in names]
    library = folder / "models.so"
    command = [CC, "-std=c99", "-O0", *WARNINGS, "-shared", "-fPIC", "-o", library, *sources, "-lm"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[:4000]
    return ctypes.CDLL(str(library))


def run(library: ctypes.CDLL, source: str, name: str, model: Any, data: list[np.ndarray]) -> list[np.ndarray]:
    """What the C function gives for some rows."""
    wanted = predicted(model, data)
    made = [np.full_like(y, np.nan) for y in wanted]
    given = [np.ascontiguousarray(x, model.dtype) for x in data]
    size = int(source.split(f"{name.upper()}_SCRATCH ")[2].split()[0])
    scratch = np.full(size + 1, 7.0, model.dtype)
    pointers = [array.ctypes.data_as(ctypes.c_void_p) for array in (*given, *made, scratch)]
    getattr(library, f"{name}_predict")(ctypes.c_size_t(len(data[0])), *pointers)
    assert scratch[-1] == 7.0
    return made


@needs_a_compiler
def test_every_layer_gives_its_predictions_in_c(tmp_path):
    models = {name: case(name) for name in CASES}
    for name, (model, _) in models.items():
        model.export_c(tmp_path / f"{name}.c", name=name)
    library = compiled(tmp_path, list(models))
    wrong = []
    for name, (model, data) in models.items():
        made = run(library, (tmp_path / f"{name}.c").read_text(), name, model, data)
        for y, wanted in zip(made, predicted(model, data), strict=True):
            far = np.abs(y - wanted).max()
            if not far <= 1e-6 * max(1, np.abs(wanted).max()):
                wrong.append(f"{name}: {far}")
    assert not wrong


def test_every_kind_of_layer_is_among_the_models(monkeypatch):
    seen = set()
    for kind, write in KINDS.items():
        monkeypatch.setitem(KINDS, kind, lambda call, write=write: seen.add(call.spec["kind"]) or write(call))
    for name in CASES:
        assert isinstance(program_of(case(name)[0], "C"), Program)
    assert seen == set(KINDS)


@needs_a_compiler
def test_it_is_the_standard_library_alone(tmp_path):
    model, _ = case("images")
    model.export_c(tmp_path / "images.c", name="images")
    lines = (tmp_path / "images.c").read_text().splitlines()
    assert [line for line in lines if line.startswith("#include")] == [
        "#include <math.h>",
        "#include <stddef.h>",
        "#include <string.h>",
    ]


def test_what_it_refuses(tmp_path):
    path = tmp_path / "model.c"
    own = gs.Sequential([gs.Input((3,)), NumpyDense(2, name="mine")])
    with pytest.raises(ValueError, match=r"layer 'mine', a NumpyDense, must be one of this package to be written as C"):
        own.export_c(path)
    stateful = gs.Sequential([gs.Input((4, 3), batch_size=2), gs.layers.LSTM(2, stateful=True, name="memory")])
    with pytest.raises(ValueError, match="layer 'memory', a LSTM, must not be stateful to be written as C"):
        stateful.export_c(path)
    model = gs.Sequential([gs.Input((3,)), gs.layers.Dense(2)])
    with pytest.raises(ValueError, match="name must be an identifier of C; got '3 d'"):
        model.export_c(path, name="3 d")
    with pytest.raises(TypeError, match="name must be a str; got an int"):
        model.export_c(path, name=3)
    model.layers[0].kernel[0, 0] = np.nan
    with pytest.raises(ValueError, match="weights must be finite to be written as C; those of dense"):
        model.export_c(path)
    with pytest.raises(ValueError, match="built"):
        gs.Sequential([gs.layers.Dense(2)]).export_c(path)
    assert not path.exists()


def test_an_old_file_stays_without_overwrite(tmp_path):
    (tmp_path / "model.c").write_text("old")
    with pytest.raises(FileExistsError):
        case("dense")[0].export_c(tmp_path / "model.c", overwrite=False)
    assert (tmp_path / "model.c").read_text() == "old"


def test_export_by_keras_name(tmp_path):
    model, _ = case("dense")
    model.export_c(tmp_path / "one.c", name="net")
    model.name = "net"
    model.export(tmp_path / "two.c")
    model.export(tmp_path / "three.txt", format="c")
    texts = {(tmp_path / name).read_text() for name in ("one.c", "two.c", "three.txt")}
    assert len(texts) == 1
    with pytest.raises(ValueError, match=r"filepath must end in \.onnx or \.c where no format is given; got .*\.bin"):
        model.export(tmp_path / "model.bin")
    with pytest.raises(ValueError, match='format must be "onnx" or "c"; got \'tf_saved_model\''):
        model.export(tmp_path / "model", format="tf_saved_model")
    with pytest.raises(TypeError, match="filepath must be a str or a path; got an int"):
        model.export(3)
