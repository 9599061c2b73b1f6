"""The experiments at a small size: they run, they are reproducible, and their sentences follow from the numbers."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("sklearn")
pytest.importorskip("matplotlib")

from gradstep.experiments.command import redraw, run_experiments
from gradstep.experiments.data import Data
from gradstep.experiments.registry import experiments
from gradstep.experiments.report import cell, read, write
from gradstep.experiments.result import Column, Result, Row
from gradstep.experiments.setup import Setup

ALL = experiments()
TIMED = {"batch_size", "architectures"}


def small(name, seeds=2, workers=1):
    return ALL[name].run(Setup(Data(), range(seeds), True, workers))


@pytest.mark.parametrize("name", ALL)
def test_each_runs_and_leaves_json_a_page_and_a_picture(name, tmp_path, capsys):
    run_experiments([name], None, None, True, str(tmp_path))
    assert (tmp_path / f"{name}.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    written = json.loads((tmp_path / f"{name}.json").read_text(), parse_constant=pytest.fail)
    assert written["seeds"] == 2
    assert written["small"] is True
    assert {"processor", "gradstep", "threads", "NumPy", "date"} <= written["machine"].keys()
    result = read(str(tmp_path), name)
    assert len(result.rows) >= 3
    page = (tmp_path / f"{name}.md").read_text()
    assert "A trial" in page
    sentences = ALL[name].findings(result)
    assert len(sentences) >= 2
    for sentence in sentences:
        assert sentence in page
        assert sentence.endswith(".")
        assert "nan" not in sentence
    assert page.count("\n| ") >= len(result.rows)
    assert f"({name}.md)" in (tmp_path / "README.md").read_text()


def test_pages_and_pictures_can_be_made_anew(tmp_path):
    run_experiments(["parabola"], None, None, True, str(tmp_path))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    for name in ("parabola.md", "parabola.png", "README.md"):
        (tmp_path / name).unlink()
    redraw([], str(tmp_path))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


UNTIMED = sorted(ALL.keys() - TIMED)
QUICK = {"momentum", "optimizers"}


@pytest.mark.parametrize("name", [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in UNTIMED])
def test_numbers_are_those_of_the_seeds_at_any_number_of_workers(name):
    one, other = small(name), small(name, workers=2)
    assert one.to_dict() == other.to_dict()


def test_gradient_descent_diverges_past_two_over_L():
    result = small("learning_rate", seeds=3)
    for row in result.rows:
        share = row.settings["share"]
        if share > 1:
            assert row.count("steps") == 0
            assert row.of("excess").min() > 1 or row.count("excess") == 0 or share < 1.05
        elif 0.9 <= share < 0.999:
            assert row.count("steps") == 3
            assert row.of("steps").max() <= row.mean("theory")
    x = Data().houses().x
    x = (x - x.mean(0)) / x.std(0)
    assert result.facts["L"] == pytest.approx(np.linalg.eigvalsh(x.T @ x / len(x))[-1])


def test_the_parabola_stops_at_0_71():
    result = small("parabola")
    assert result.rows[0].mean("article") == pytest.approx(0.7116, abs=1e-4)
    assert result.facts["success"] == 0
    assert result.row("rate 0.334").mean("article") > 50
    assert result.row("rate 0.1667").of("error").max() < 1e-12


def test_momentum_multiplies_the_step():
    for row in small("momentum").rows:
        assert row.mean("step") == pytest.approx(1 / (1 - row.settings["mu"]), rel=1e-6)


def test_bounds_of_theory_hold():
    for row in small("iterations").rows:
        assert row.of("ratio").min() >= 1 - 1e-6


def test_zeros_do_not_train():
    for row in small("initialization").where(kind="zeros"):
        assert row.mean("before") == pytest.approx(np.log(10), rel=1e-4)


def test_cells():
    row = Row("a", {}, {"x": [0.5, 0.7, None], "y": [None, None, None], "z": [2.0, 2.0, 2.0]})
    assert cell(row, Column("x", "", ".1%"), 3) == "60.0% ± 14.1% (2 of 3; else never)"
    assert cell(row, Column("y", "", ".3g", "overflow"), 3) == "overflow"
    assert cell(row, Column("z", "", ".0f"), 3) == "2"


def test_json_has_no_nan(tmp_path):
    result = small("parabola")
    result.rows[0].values["error"] = [float("nan")] * 2
    with pytest.raises(ValueError, match="JSON"):
        write(str(tmp_path), ALL["parabola"], result)
    result = Result("parabola", "", [])
    result.add("r", {}, error=[float("nan"), float("inf"), 1.23456789])
    assert result.rows[0].values["error"] == [None, None, 1.2346]


def test_data_of_a_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"mnist_test\.npz .*pima_diabetes\.csv"):
        Data(str(tmp_path))
    draw = np.random.default_rng(0)
    images, labels = draw.integers(0, 255, (20, 28, 28), np.uint8), np.arange(20, dtype=np.uint8) % 10
    np.savez(tmp_path / "mnist_test.npz", x=images, y=labels)
    (tmp_path / "pima_diabetes.csv").write_text("6,148,72,35,0,33.6,0.627,50,1\n1,85,66,29,0,26.6,0.351,31,0\n")
    (tmp_path / "california_housing.csv").write_text(
        "longitude,total_bedrooms,median_house_value,ocean_proximity\n-122.2,129,452600,NEAR BAY\n-122,,1,INLAND\n"
    )
    data = Data(str(tmp_path))
    assert data.images().x.shape == (20, 28, 28)
    assert data.images().x.max() <= 1
    assert data.patients().y.tolist() == [1, 0]
    assert data.houses().x.tolist() == [[-122.2, 129.0]]
    assert data.digits().x.shape == (1797, 64)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--list"], 0, "learning_rate"),
        (["learning_rat"], 1, "Did you mean 'learning_rate'?"),
        (["--seeds", "0"], 2, "must be at least 1; got 0"),
        (["--data", "nowhere"], 1, "mnist_test.npz"),
    ],
)
def test_command(arguments, code, message, tmp_path):
    command = [sys.executable, "-m", "gradstep", "experiments", *arguments]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert result.returncode == code, result.stderr
    assert message in result.stdout + result.stderr
    assert "Traceback" not in result.stderr
    assert not list(tmp_path.iterdir())


def test_an_import_of_the_package_does_not_load_them():
    code = "import sys, gradstep; print([m for m in sys.modules if 'experiments' in m or 'run_file' in m])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"
