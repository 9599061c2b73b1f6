"""Each example, run as its reader runs it, at a small size: what it prints is what it claims."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tarfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
SCRIPTS = sorted(path.stem for path in EXAMPLES.glob("*.py") if path.stem != "data")


# As if they were not installed.
ALONE = """
import runpy, sys
for name in ("sklearn", "scipy", "pandas", "matplotlib", "tensorboardX", "tensorboard", "h5py"):
    sys.modules[name] = None
sys.argv = sys.argv[1:]
sys.path[0] = sys.argv[0].rpartition("/")[0]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def shown(name, *sizes, alone=False):
    """What an example prints."""
    run = ["-c", ALONE] if alone else []
    command = [sys.executable, "-W", "error", *run, str(EXAMPLES / f"{name}.py"), *map(str, sizes)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    return result.stdout


def numbers(line):
    return [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?(?:e-?\d+)?", line)]


def row(text, begin):
    """The numbers of the line that begins so, behind that."""
    (line,) = [line for line in text.splitlines() if line.strip().startswith(begin)]
    return numbers(line.strip()[len(begin) :])


def test_pendulum():
    text = shown("pendulum", 120, 60, 60)
    table = {name: row(text, name) for name in ("then l-bfgs", "then bfgs", "then levenberg-marquardt", "Adam alone")}
    begin, alone = table["Adam alone"][:2]
    for name in ("then bfgs", "then levenberg-marquardt"):
        assert table[name][0] == begin
        assert table[name][1] < 0.5 * alone
    assert table["then l-bfgs"][1] < 0.5 * begin


def test_many_models():
    text = shown("many_models", 300, 4, 5, 15)
    assert text.startswith("20 models of ")
    mean, least, most, together = row(text, "new rows: a model with rate")[1:5]
    assert least <= mean <= most
    assert together < mean
    table = [
        numbers(line) for line in text.splitlines() if re.match(r" +[\d.]+(e-\d+)? +[\d.]+ +[\d.]+ +[\d.]+$", line)
    ]
    assert len(table) == 4
    assert all(best <= median <= worst for _, best, median, worst in table)
    assert len(row(text, "the best one:")) == 2


def test_batch_sizes():
    text = shown("batch_sizes", 500, 10)
    table = {name: row(text, name) for name in ("batch  ", "mini-batch", "stochastic")}
    steps = [values[-5] for values in table.values()]
    assert steps == [10, 160, 5000]
    first, last, accuracy = ([values[column] for values in table.values()] for column in (-3, -2, -1))
    assert all(end < begin for begin, end in zip(first, last, strict=True))
    assert last == sorted(last, reverse=True)
    assert accuracy[2] > 0.9


def test_compare_optimizers():
    text = shown("compare_optimizers", 300, 15, 100)
    names = ["SGD ", "SGD, momentum", "SGD, Nesterov", "Adagrad", "RMSprop", "Adam "]
    ravine, first, last = zip(*(row(text, name) for name in names), strict=True)
    assert max(ravine) < 0.1  # of 200.5
    assert ravine[2] < ravine[1] < ravine[0]
    assert all(end < begin for begin, end in zip(first, last, strict=True))
    assert last[1] < last[0]


def test_schedules():
    text = shown("schedules", 300, 10)
    rates = {name: row(text, name) for name in ("constant", "cosine", "cycles", "one cycle", "step decay")}
    assert len(set(rates["constant"][:5])) == 1
    assert rates["cosine"][:5] == sorted(rates["cosine"][:5], reverse=True)
    assert rates["cycles"][1] > 10 * rates["cycles"][2]
    assert rates["one cycle"][0] < rates["one cycle"][1] > rates["one cycle"][4]
    losses = [float(loss) for loss in re.findall(r"loss (\d\.\d+)", text)]
    assert len(losses) == 8
    assert max(losses) < 0.4


def test_find_learning_rate():
    text = shown("find_learning_rate", 600, 6)
    table = {name: row(text, name) for name in ("grid", "random", "halving", "lr_find", "Prodigy")}
    rates, steps, losses = ([values[column] for values in table.values()] for column in range(3))
    assert all(1e-4 <= rate <= 3 for rate in rates)
    assert steps[3] <= 100 < steps[2] < steps[0] / 2
    assert max(losses) < 1.0  # log(10) is 2.3
    assert losses[2] <= 1.5 * losses[0]


def test_grid_search():
    text = shown("grid_search", 200, 15)
    lines = [line.split() for line in text.splitlines()[1:9]]
    means = [float(line[3]) for line in lines]
    assert means == sorted(means, reverse=True)
    best = re.search(r"best: \{'units': (\d+), 'learning_rate': ([\d.]+), 'activation': '(\w+)'\}", text)
    assert lines[0][:3] == list(best.groups())
    assert row(text, "on new data:")[0] > 0.85


@pytest.mark.parametrize("alone", [False, True])
def test_stop_early(alone):
    text = shown("stop_early", 150, 200, alone=alone)
    stopped, epochs, best = row(text, "stopped after")
    assert stopped == best + 15 < epochs
    first, lowest, last = row(text, "validation loss:")
    assert lowest < first
    assert lowest < last
    assert row(text, "restored model:") == row(text, "loaded file:") == [lowest]
    assert row(text, "lines of the log:") == [stopped + 1]
    board = not alone and (find_spec("tensorboardX") or find_spec("tensorboard"))
    assert f"for TensorBoard:  {'train, validation' if board else 'nothing'}" in text


def test_digits():
    text = shown("digits", 3000, 4)
    assert row(text, "Total params:")[0] == 242
    assert len(re.findall(r"^Epoch \d/4", text, re.MULTILINE)) == 4
    loss, accuracy = row(text, "test loss")[:2]
    assert accuracy > 0.9
    assert loss < 0.4
    table = [[int(n) for n in line.replace(".", "0").split()[1:]] for line in text.splitlines()[-10:]]
    assert sum(map(sum, table)) == 450
    assert sum(table[i][i] for i in range(10)) == round(450 * accuracy)


def test_diabetes():
    text = shown("diabetes", 600, 30)
    plain, balanced = (row(text, name) for name in ("none", "balanced"))
    accuracy, recall, precision, auc = plain
    assert accuracy > 0.68
    assert balanced[1] > recall
    assert balanced[2] < precision
    assert min(auc, balanced[3]) > 0.7
    assert row(text, "glucose: x")[0] > 1.5


def test_autoencoder():
    text = shown("autoencoder", 1200, 9)
    losses = [numbers(line)[2] for line in text.splitlines() if line.startswith("epoch")]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.6 * row(text, "the mean image instead:")[0]
    assert sum("@" in line for line in text.splitlines()) > 10
    assert row(text, "codes of") == [200, 24]


def test_reinforce():
    text = shown("reinforce", 40, 10)
    returns = [numbers(line)[1] for line in text.splitlines() if line.startswith("update")]
    assert returns[0] < 0
    assert returns[-1] > 0.4
    maze = [line.split() for line in text.splitlines()[-5:]]
    place, moves = (0, 0), 0
    while maze[place[0]][place[1]] != "G":  # the way that the arrows show
        down, right = {"^": (-1, 0), ">": (0, 1), "v": (1, 0), "<": (0, -1)}[maze[place[0]][place[1]]]
        place, moves = (place[0] + down, place[1] + right), moves + 1
        assert moves <= 12


def test_two_outputs():
    text = shown("two_outputs", 2000, 5)
    assert {"trunk[0][0],", "digit[0][0]"} <= set(text.split())
    assert row(text, "test digit_accuracy:")[0] > 0.8
    assert row(text, "test ink_mae:")[0] < 0.4 * row(text, "ink, off by without a network:")[0]
    loss, digit, ink = (row(text, f"test {name}:")[0] for name in ("loss", "digit_loss", "ink_loss"))
    assert abs(loss - (digit + 10 * ink)) < 2e-3  # of what is rounded to four places


def test_own_layer():
    text = shown("own_layer", 400, 20)
    assert row(text, "gradient against central differences: off by")[0] < 1e-8
    first, _, last, _ = row(text, "loss:")
    assert last < 0.8 * first
    assert row(text, "accuracy on new points:")[0] > 0.85
    assert "predicts the same: True" in text


def test_gan():
    text = shown("gan", 1500)
    off = [numbers(line)[3] for line in text.splitlines()[1:7]]
    assert off[-1] < 0.2
    eighths = row(text, "points in each eighth of the ring:")
    assert sum(eighths) == 1000
    assert min(eighths) > 30


def test_cnn():
    text = shown("cnn", 1500, 3)
    losses = [numbers(line)[1] for line in text.splitlines() if line.startswith("epoch")]
    assert losses == sorted(losses, reverse=True)
    assert row(text, "test accuracy")[0] > 0.93


def test_transfer():
    text = shown("transfer", 1500, 25, 4)
    scratch, frozen, tuned = (row(text, name)[0] for name in ("from scratch", "frozen trunk, new head", "fine-tuned"))
    assert min(frozen, tuned) > scratch > 0.7
    assert row(text, "frozen trunk, new head")[1:] == [4005, 8805]


def test_denoise():
    text = shown("denoise", 600, 4)
    noise, guess = (row(text, f"mean squared error of the {name}:")[0] for name in ("noise", "guess"))
    assert guess < noise / 2


def test_ensemble():
    text = shown("ensemble", 1000, 4, 5)
    members = [row(text, f"member {i}:") for i in range(1, 5)]
    errors, loss = row(text, "the mean:")
    assert errors < np.mean([one[0] for one in members])
    assert loss < np.mean([one[1] for one in members])
    assert "weights: the same" in text


def test_forecast():
    text = shown("forecast", 800, 8)
    ours, before, year = (row(text, name)[0] for name in ("LSTM", "the month before", "mean of a year"))
    assert ours < before < year
    assert text.splitlines()[-1].count("-") == 71


def test_characters():
    text = shown("characters", 20000, 6)
    losses = [numbers(line) for line in text.splitlines() if line.startswith("epoch")]
    assert losses[-1][2] < 0.6 < row(text, f"{20000} characters,")[1]
    assert "The old king" in text


def test_minimize():
    text = shown("minimize", 300, alone=True)
    assert "parabola: x = 0.7116. maxiter = 500" in text
    runs = {line[:24].strip(): line[24:].split() for line in text.splitlines()[2:]}
    failed = {name for name, words in runs.items() if words[0] == "not"}
    assert failed == {"adam", "saddle", "steps, l-bfgs"}
    assert "-0.5" in runs["saddle, escaped"]


def test_curve_fits():
    text = shown("curve_fits", 300, 10, alone=True)
    assert "300 curves: 300 solved in" in text
    assert row(text, "lifetimes:")[0] < 0.03
    assert numbers(text.splitlines()[2])[-1] < 1e-6
    errors = [abs(row(text, f"loss {loss} ")[0] - 1) for loss in ("linear", "soft_l1", "cauchy")]
    assert errors[0] > 3 * max(errors[1:])
    assert text.count("solved") == 4


def test_valley():
    text = shown("valley", 300, alone=True)
    ends = {line[:20].strip(): line.split()[-1] for line in text.splitlines()[:4]}
    assert ends == {"gradient descent": "maxiter", "momentum": "maxiter", "conjugate gradients": "gtol", "bfgs": "gtol"}
    assert "matplotlib is not installed" in text


def test_gpt():
    text = shown("gpt", 24000, 6)
    losses = [numbers(line)[2] for line in text.splitlines() if line.startswith("epoch")]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 1.0
    lines = text.splitlines()[-7:-1]
    assert sum(bool(re.fullmatch(r"\d\+\d=\d+\.", line)) for line in lines) >= 5


def test_sentiment():
    text = shown("sentiment", 1500, 7)
    assert [numbers(line)[2] for line in text.splitlines() if line.startswith("epoch")][-1] > 0.95
    good, bad, turned = (numbers(line)[0] for line in text.splitlines()[-3:])
    assert good > 0.9 > 0.5 > bad
    assert turned > 0.9


def test_sparse_text():
    pytest.importorskip("sklearn")
    text = shown("sparse_text")
    assert row(text, "1200 reviews for training,")[0] > 1000
    shares = [row(text, name)[0] for name in ("SGDClassifier: accuracy", "network: accuracy")]
    assert min(shares) > 0.85
    worst, best = (set(words.split(", ")) for words in re.findall(r"words: ([\w, ]+)", text))
    assert len(worst & {"dull", "clumsy", "cold", "false", "tired"}) >= 4
    assert len(best & {"moving", "clever", "warm", "honest", "bold"}) >= 4


def test_sparse_text_reads_an_archive(tmp_path):
    pytest.importorskip("sklearn")
    for label, word in (("pos", "bold"), ("neg", "dull")):
        (tmp_path / "texts" / label).mkdir(parents=True)
        for i in range(30):
            (tmp_path / "texts" / label / f"cv{i:03d}.txt").write_text(f"a {word} film about w{i % 7} and w{i % 5}")
    archive = tmp_path / "reviews.tar.gz"
    with tarfile.open(archive, "w:gz") as file:
        file.add(tmp_path / "texts", "texts")
    text = shown("sparse_text", archive, 60)
    assert row(text, "48 reviews for training,")[0] == 12
    assert row(text, "SGDClassifier: accuracy")[0] == row(text, "network: accuracy")[0] == 1.0


def test_online():
    text = shown("online", 450, alone=True)
    fixed, online, scaled = (row(text, name) for name in ("first tenth alone", "all of it  ", "all of it, scaled"))
    assert fixed[0] > 85
    assert max(fixed[1:]) < 80
    assert online[1] > fixed[1] + 10
    assert scaled[3] > fixed[3] + 20
    assert scaled[2] < scaled[3]  # it had to learn anew after the jump


def test_kmeans():
    text = shown("kmeans", 1200, 30, alone=True)
    for name in ("pixels: mean squared distance", "codes: mean squared distance"):
        begin, *after = row(text, name)[0:1] + row(text, name)[1::2]
        assert max(after) < 0.8 * begin
        assert after[-1] <= after[0]
    shares = [numbers(line)[1] for line in text.splitlines() if "groups" in line]
    assert min(shares) > 60


# -- form --------------------------------------------------------------------------------------------------------------


def test_all_examples_are_run_and_listed():
    tests = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    listed = re.findall(r"^\| `(\w+)\.py` \|", (EXAMPLES / "README.md").read_text(), re.MULTILINE)
    assert set(SCRIPTS) <= tests
    assert sorted(listed) == sorted([*SCRIPTS])


@pytest.mark.parametrize("name", [*SCRIPTS, "data"])
def test_an_example_is_short_and_needs_numpy_alone(name):
    text = (EXAMPLES / f"{name}.py").read_text()
    assert len(text.splitlines()) <= 90
    tree = ast.parse(text)
    title, line, *_ = ast.get_docstring(tree).splitlines() if name != "data" else ("", "")
    assert line == "=" * len(title)  # for the gallery of the documentation
    imported = {
        alias.name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in ([ast.alias(node.module)] if isinstance(node, ast.ImportFrom) else node.names)
    }
    more = {"sklearn"} if name == "sparse_text" else set()
    assert imported <= {"gradstep", "numpy", "data"} | more | sys.stdlib_module_names
