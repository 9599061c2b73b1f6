"""``python -m gradstep info | demo``, in processes of their own."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import gradstep as gs
import pytest


def gradstep(*arguments, cwd):
    return subprocess.run(
        [sys.executable, "-m", "gradstep", *arguments], cwd=cwd, capture_output=True, text=True, timeout=300
    )


def test_demo(tmp_path):
    pytest.importorskip("sklearn")
    pytest.importorskip("matplotlib")
    folder = tmp_path / "with a space"
    folder.mkdir()
    result = gradstep("demo", cwd=folder)
    assert result.returncode == 0, result.stderr
    assert "1258 rows to train on, 269 to validate, 270 to test" in result.stdout
    epochs = re.findall(r"^Epoch +(\d+)/30 .* loss .* accuracy .* val_loss .* val_accuracy ", result.stdout, re.M)
    assert epochs == [str(i) for i in range(1, 31)]
    accuracy = float(re.search(r"^test accuracy: (\d\.\d{4})$", result.stdout, re.M)[1])
    assert accuracy >= 0.97
    assert "gradstep-demo.png" in result.stdout
    assert (folder / "gradstep-demo.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_demo_with_options(tmp_path):
    pytest.importorskip("sklearn")
    pytest.importorskip("matplotlib")
    result = gradstep("demo", "--epochs", "1", "--output", "curves.svg", "--seed", "3", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("Epoch") == 1
    assert "<svg" in (tmp_path / "curves.svg").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--epochs", "0"], "argument --epochs: must be at least 1; got 0"),
        (["--epochs", "x"], "argument --epochs: invalid"),
        (["--epochs", "1", "--output", "no/such/folder.png"], "gradstep demo: .*no/such/folder.png"),
    ],
)
def test_demo_with_wrong_options(tmp_path, arguments, message):
    pytest.importorskip("sklearn")
    pytest.importorskip("matplotlib")
    result = gradstep("demo", *arguments, cwd=tmp_path)
    assert result.returncode != 0
    assert re.search(message, result.stderr)
    assert "Traceback" not in result.stderr


def test_missing_extras_are_named(monkeypatch, tmp_path):
    from gradstep import callbacks, demo

    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(ImportError, match=re.escape("pip install 'gradstep[sklearn]'")):
        demo.digits()
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    history = callbacks.History()
    history.on_epoch_end(0, {"loss": 1.0})
    with pytest.raises(ImportError, match=re.escape("pip install 'gradstep[plot]'")):
        history.plot(tmp_path / "curves.png")


def test_info(tmp_path):
    result = gradstep("info", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    for word in ("gradstep", "compiler", "instruction set", "threads", "OpenMP", "NumPy"):
        assert word in result.stdout


def test_no_command(tmp_path):
    result = gradstep(cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    for word in ("info", "demo", "train", "evaluate", "predict", "experiments", "bench", "--version"):
        assert word in result.stdout


def test_version(tmp_path):
    assert gradstep("--version", cwd=tmp_path).stdout == f"gradstep {gs.__version__}\n"


def test_an_unknown_command(tmp_path):
    result = gradstep("trian", cwd=tmp_path)
    assert result.returncode == 2
    assert "invalid choice: 'trian'" in result.stderr


def test_console_script(tmp_path):
    """What `pip install` makes of pyproject.toml."""
    script = Path(sys.prefix) / "bin" / "gradstep"
    if not script.exists():
        pytest.skip("gradstep is not installed in this environment")
    shown = subprocess.run([script, "--version"], cwd=tmp_path, capture_output=True, text=True)
    assert shown.stdout == f"gradstep {gs.__version__}\n"
    assert "usage: gradstep " in subprocess.run([script], cwd=tmp_path, capture_output=True, text=True).stdout


def test_bench(tmp_path):
    result = gradstep("bench", "--rounds", "1", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert len(re.findall(r"^one step .* [\d,]+\.\d us$", result.stdout, re.M)) == 3
    assert "benchmarks/run.py" in result.stdout
