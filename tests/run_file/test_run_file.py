"""``gradstep train``, ``evaluate`` and ``predict``: real files and real processes."""

from __future__ import annotations

import csv
import json
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import gradstep as gs
import numpy as np
import pytest
from gradstep.run_file.running import evaluate, predict, train
from gradstep.run_file.section import RunFileError

if sys.version_info < (3, 11):
    pytest.importorskip("tomli")

EXAMPLES = Path(__file__).parents[2] / "examples"

TABLE = """
[data]
file = "houses.csv"
target = "price"
categories = ["place"]
ignore = ["id"]
missing = "mean"
target_scaling = "standard"

[[model.layers]]
type = "Dense"
units = 8
activation = "relu"

[[model.layers]]
type = "Dense"
units = 1

[compile]
optimizer = { name = "Adam", learning_rate = 0.02 }
loss = "mse"

[fit]
epochs = 30
"""


@pytest.fixture
def houses(tmp_path):
    """A run on made-up houses, whose price depends on size and place."""
    draw = np.random.default_rng(0)
    rows = []
    for i in range(300):
        size, place = draw.uniform(40, 200), draw.choice(["hill", "town", "sea, far"])
        price = 1000 * size + {"hill": 0, "town": 50_000, "sea, far": 100_000}[place] + draw.normal(0, 2000)
        rows.append([i, "" if i % 50 == 7 else f"{size:.2f}", place, f"{price:.0f}"])
    with open(tmp_path / "houses.csv", "w", newline="") as file:
        csv.writer(file).writerows([["id", "size", "place", "price"], *rows])
    (tmp_path / "run.toml").write_text(TABLE)
    return tmp_path


def gradstep(*arguments, cwd):
    return subprocess.run(
        [sys.executable, "-m", "gradstep", *map(str, arguments)], cwd=cwd, capture_output=True, text=True, timeout=120
    )


def edited(folder, old, new):
    """The run file with a change."""
    text = (folder / "run.toml").read_text()
    assert old in text
    (folder / "run.toml").write_text(text.replace(old, new, 1))
    return str(folder / "run.toml")


def test_the_example_from_csv_to_predictions(tmp_path):
    for name in ("diabetes.toml", "patients.csv"):
        shutil.copy(EXAMPLES / name, tmp_path)
    found = gradstep("train", "diabetes.toml", cwd=tmp_path)
    assert found.returncode == 0, found.stderr
    assert "rows to train on" in found.stdout
    assert re.search(r"^Epoch +1/60 .*val_loss", found.stdout, re.M)
    accuracy = float(re.search(r"^test: .*accuracy (0\.\d+)", found.stdout, re.M)[1])
    assert accuracy > 0.68
    output = tmp_path / "diabetes-output"
    assert {"model.gradstep", "preparation.json", "history.csv", "scores.json"} <= {p.name for p in output.iterdir()}
    scored = gradstep("evaluate", "diabetes.toml", cwd=tmp_path)
    assert float(re.search(r"accuracy (0\.\d+)", scored.stdout)[1]) == accuracy
    found = gradstep("predict", "diabetes.toml", "patients.csv", "--output", "answers.csv", cwd=tmp_path)
    assert found.returncode == 0, found.stderr
    answers = list(csv.DictReader((tmp_path / "answers.csv").read_text().splitlines()))
    patients = list(csv.DictReader((tmp_path / "patients.csv").read_text().splitlines()))
    assert len(answers) == len(patients)
    assert np.mean([a["prediction"] == p["diabetes"] for a, p in zip(answers, patients, strict=True)]) > 0.7
    one = answers[0]
    assert float(one["probability of 0"]) + float(one["probability of 1"]) == pytest.approx(1, abs=1e-5)


def test_numbers_words_and_gaps(houses, capsys):
    train(str(houses / "run.toml"))
    assert (houses / "run-output" / "model.gradstep").is_file()
    scores = evaluate(str(houses / "run.toml"), str(houses / "houses.csv"))
    assert scores["mean error of price"] < 15_000  # of prices from 40,000 to 300,000
    (houses / "new.csv").write_text("place,size\nhill,100\nsea, far,100\n".replace("sea, far", '"sea, far"'))
    capsys.readouterr()
    predict(str(houses / "run.toml"), str(houses / "new.csv"))
    lines = capsys.readouterr().out.split()
    assert lines[0] == "prediction"
    assert float(lines[2]) - float(lines[1]) == pytest.approx(100_000, abs=20_000)
    model = gs.saving.load_model(houses / "run-output" / "model.gradstep")
    assert model.input_shape == (None, 4)  # size, and three places


def test_the_saved_model_takes_raw_columns(houses):
    train(edited(houses, 'categories = ["place"]\nignore = ["id"]', 'ignore = ["id", "place"]'))
    model = gs.saving.load_model(houses / "run-output" / "model.gradstep")
    small, large = model.predict(np.array([[50.0], [150.0]]), verbose=0)[:, 0]
    assert large - small > 1  # of a target with deviation 1


def test_a_table_without_header_and_classes_of_words(tmp_path, capsys):
    draw = np.random.default_rng(1)
    lines = []
    for _ in range(200):
        kind = draw.integers(3)
        lines.append(f"{kind + draw.normal(0, 0.1):.3f},{'abc'[kind]},{draw.normal():.3f}")
    (tmp_path / "table.csv").write_text("\n".join(lines))
    (tmp_path / "run.toml").write_text(
        '[data]\nfile = "table.csv"\ntarget = 2\n[[model.layers]]\ntype = "Dense"\nunits = 3\nactivation = "softmax"\n'
        '[compile]\noptimizer = { name = "Adam", learning_rate = 0.1 }\nloss = "sparse_categorical_crossentropy"\n'
        'metrics = ["accuracy"]\n[fit]\nepochs = 20\n'
    )
    train(str(tmp_path / "run.toml"))
    assert json.loads((tmp_path / "run-output" / "scores.json").read_text())["accuracy"] > 0.95
    (tmp_path / "new.csv").write_text("0.01,0\n2.02,0\n")
    capsys.readouterr()
    predict(str(tmp_path / "run.toml"), str(tmp_path / "new.csv"))
    answers = capsys.readouterr().out.splitlines()
    assert answers[0] == "prediction,probability of a,probability of b,probability of c"
    assert [line[0] for line in answers[1:]] == ["a", "c"]


def test_arrays(tmp_path, capsys):
    draw = np.random.default_rng(0)
    y = draw.integers(0, 2, 120)
    x = (draw.normal(size=(120, 4, 4)) + 2 * y[:, None, None]).astype(np.float32)
    np.savez(tmp_path / "images.npz", x=x, y=y)
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", y)
    model = (
        '[[model.layers]]\ntype = "Flatten"\n[[model.layers]]\ntype = "Dense"\nunits = 2\nactivation = "softmax"\n'
        '[compile]\nloss = "sparse_categorical_crossentropy"\noptimizer = "sgd"\nmetrics = ["accuracy"]\n'
    )
    for name, data in (("a", 'file = "images.npz"'), ("b", 'x = "x.npy"\ny = "y.npy"')):
        (tmp_path / f"{name}.toml").write_text(f"[data]\n{data}\n{model}")
        train(str(tmp_path / f"{name}.toml"))
    one, other = ((tmp_path / f"{name}-output" / "scores.json").read_text() for name in "ab")
    assert one == other
    assert json.loads(one)["accuracy"] > 0.8
    capsys.readouterr()
    predict(str(tmp_path / "a.toml"), str(tmp_path / "x.npy"))
    assert len(capsys.readouterr().out.splitlines()) == 121
    assert evaluate(str(tmp_path / "b.toml"), str(tmp_path / "images.npz"))["accuracy"] > 0.8


def test_more_epochs_by_resume_are_those_of_one_run(houses):
    one = edited(houses, "epochs = 30", "epochs = 6")
    train(one)
    whole = gs.saving.load_model(houses / "run-output" / "model.gradstep").get_weights()
    shutil.rmtree(houses / "run-output")
    train(edited(houses, "epochs = 6", "epochs = 2"))
    train(edited(houses, "epochs = 2", "epochs = 6"), resume=True)
    resumed = gs.saving.load_model(houses / "run-output" / "model.gradstep").get_weights()
    assert all((a == b).all() for a, b in zip(whole, resumed, strict=True))
    log = (houses / "run-output" / "history.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in log] == ["epoch", "0", "1", "2", "3", "4", "5"]


@pytest.mark.parametrize(("sent", "status"), [(signal.SIGKILL, -9), (signal.SIGINT, 130)])
def test_a_process_that_ends_in_mid_training_resumes_bit_for_bit(houses, sent, status):
    path = edited(houses, "epochs = 30", "epochs = 1000000")
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "gradstep", "train", "run.toml"],
            cwd=houses,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
    finally:
        signal.signal(signal.SIGINT, handler)
    output, deadline = houses / "run-output", time.monotonic() + 60
    while not (output / "backup" / "latest.gradstep").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(sent)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == status
    assert b"Traceback" not in errors
    assert (b"--resume" in errors) == (sent == signal.SIGINT)
    epochs = len((output / "history.csv").read_text().splitlines()) + 20
    edited(houses, "epochs = 1000000", f"epochs = {epochs}")
    train(path, resume=True)
    resumed = gs.saving.load_model(output / "model.gradstep").get_weights()
    log = (output / "history.csv").read_text().splitlines()[1:]
    assert [int(line.split(",")[0]) for line in log] == list(range(epochs))
    shutil.rmtree(output)
    train(path)
    whole = gs.saving.load_model(output / "model.gradstep").get_weights()
    assert all((a == b).all() for a, b in zip(whole, resumed, strict=True))


def test_an_unfinished_training_is_not_lost(houses):
    train(edited(houses, "epochs = 30", "epochs = 2"))
    (houses / "run-output" / "training.unfinished").write_text("")  # as a killed process leaves it
    found = gradstep("train", "run.toml", cwd=houses)
    assert found.returncode == 1
    assert "--resume" in found.stderr
    assert "--restart" in found.stderr
    assert gradstep("train", "run.toml", "--resume", cwd=houses).returncode == 0
    assert not (houses / "run-output" / "training.unfinished").exists()
    with pytest.raises(RunFileError, match=r"run\.toml: \[model\] has changed"):
        train(edited(houses, "units = 8", "units = 9"), resume=True)
    train(str(houses / "run.toml"), restart=True)
    shutil.rmtree(houses / "run-output")
    with pytest.raises(ValueError, match="no training to resume"):
        train(str(houses / "run.toml"), resume=True)


@pytest.mark.peers
def test_callbacks_write_into_the_output_folder(houses):
    pytest.importorskip("tensorboardX")
    with open(houses / "run.toml", "a") as file:
        file.write('[[callbacks]]\ntype = "TensorBoard"\n[[callbacks]]\ntype = "ModelCheckpoint"\n')
        file.write('filepath = "best/{epoch:02d}.gradstep"\n')
    train(edited(houses, "epochs = 30", "epochs = 2"))
    assert (houses / "run-output" / "logs" / "train").is_dir()
    assert (houses / "run-output" / "best" / "02.gradstep").is_file()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[data]", "[data", r"run\.toml: not valid TOML"),
        ('target = "price"', "", r"run\.toml:2: \[data\] must have the key 'target'"),
        ('target = "price"', 'target = "prize"', r"run\.toml:4: \[data\] target there is no column 'prize'"),
        ('target = "price"', "target = 9", r"run\.toml:4: \[data\] target there is no column 9 .* it has 4"),
        ('"houses.csv"', '"house.csv"', r"run\.toml:3: \[data\] file must be a file"),
        ('missing = "mean"', 'missing = "men"', r"run\.toml:7: \[data\] missing must be one of .* Did you mean 'mean'"),
        ('missing = "mean"', 'mising = "mean"', r"run\.toml:7: \[data\] mising is not a key .* Did you mean 'missing'"),
        ('missing = "mean"', "missing = 3", r"run\.toml:7: \[data\] missing must be one of"),
        ('missing = "mean"\n', "", r"houses\.csv:9: column 'size' has no value"),
        ('categories = ["place"]', "categories = []", r"houses\.csv:2: column 'place' must hold numbers; it has"),
        (
            'type = "Dense"',
            'type = "Dens"',
            r"run\.toml:11: \[\[model\.layers\]\] 1 type must be .* Did you mean 'Dense'",
        ),
        ("units = 8", "units = 0", r"run\.toml:12: \[\[model\.layers\]\] 1 units of Dense"),
        ("units = 8", "unit = 8", r"run\.toml:12: \[\[model\.layers\]\] 1 unit of Dense: .* Did you mean 'units'"),
        ("units = 1", "units = 2", r"run\.toml:15: \[\[model\.layers\]\] 2 is the last layer and must have 1 outputs"),
        ('loss = "mse"', 'loss = "mze"', r"run\.toml:21: \[compile\] loss is not usable"),
        ('name = "Adam"', 'name = "Adm"', r"run\.toml:20: \[compile\] optimizer is not usable"),
        ("epochs = 30", "epochs = 0", r"run\.toml:24: \[fit\] epochs must be a whole number of at least 1; got 0"),
        ("epochs = 30", "epochs = true", r"run\.toml:24: \[fit\] epochs must be a whole number"),
        ("epochs = 30", "epocs = 30", r"run\.toml:24: \[fit\] epocs is not a key .* Did you mean 'epochs'"),
        ("[fit]", "[fitt]", r"run\.toml:23: fitt is not a key of a run file. Did you mean 'fit'"),
        ("[fit]", "[data.split]\ntest = 1.5\n[fit]", r"run\.toml:24: \[data\.split\] test must be a share"),
        (
            'loss = "mse"',
            'loss = "binary_crossentropy"',
            r"run\.toml:8: \[data\] target_scaling is for targets that are num",
        ),
    ],
)
def test_errors_name_the_line(houses, old, new, message):
    path = edited(houses, old, new)
    with pytest.raises(ValueError, match=message):
        train(path)
    assert not (houses / "run-output").exists()


def test_errors_of_tables_name_the_line(houses):
    (houses / "houses.csv").write_text("id,size,place,price\n1,2,hill,3\n2,3,hill\n")
    with pytest.raises(ValueError, match=r"houses\.csv:3: a row must have 4 cells, as the first line; it has 3"):
        train(str(houses / "run.toml"))
    (houses / "houses.csv").write_text("")
    with pytest.raises(ValueError, match=r"houses\.csv has no rows"):
        train(str(houses / "run.toml"))


@pytest.mark.parametrize(
    ("shift", "scale", "message"),
    [(1.7e9, 100, r"column 'size' .* around 1\.7e\+09 .* Subtract"), (0, 1e-9, r"spread of 2\.\S+e-10; scaling needs")],
)
def test_columns_that_float32_does_not_hold_are_refused(houses, shift, scale, message):
    rows = [f"{i},{shift + scale * (i % 10) / 10},hill,{i}" for i in range(40)]
    (houses / "houses.csv").write_text("\n".join(["id,size,place,price", *rows]))
    with pytest.raises(ValueError, match=message):
        train(str(houses / "run.toml"))


def test_commands_without_a_model_or_file(houses):
    for arguments, message in (
        (("train", "no.toml"), "no.toml"),
        (("evaluate", "run.toml"), "gradstep train"),
        (("predict", "run.toml", "houses.csv"), "gradstep train"),
    ):
        found = gradstep(*arguments, cwd=houses)
        assert found.returncode == 1
        assert message in found.stderr
        assert "Traceback" not in found.stderr
