"""The progress bar in a real terminal, and lines in a pipe."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import time

import gradstep as gs
import pytest
from gradstep.callbacks.progress import Bar, folded, logs_parts, say, seconds_text
from training import classifier, clusters

LINE = r"Epoch {}/2  [\d.]+ s  loss [\d.]+ +accuracy [\d.]+ +val_loss [\d.]+ +val_accuracy [\d.]+"

PROGRAM = """
import sys
import numpy as np, gradstep as gs
from gradstep import layers
x = np.random.default_rng(0).normal(size=(6000, 784)).astype("float32")
y = np.arange(6000) % 10
model = gs.Sequential([layers.Dense(256, "relu"), layers.Dense(256, "relu"), layers.Dense(10, "softmax")])
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
gs.set_num_threads(1)
model.fit(x, y, batch_size=4, epochs=2, validation_split=0.2, verbose=VERBOSE)
"""


def in_terminal(program: str, columns: int) -> str:
    """What a program writes to a terminal of that width."""
    pty = pytest.importorskip("pty")
    import fcntl
    import struct
    import termios

    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen([sys.executable, "-c", program], stdout=child, stderr=child, stdin=child)
    os.close(child)
    out = b""
    while True:
        try:
            chunk = os.read(parent, 65536)
        except OSError:  # the other end is closed
            break
        if not chunk:
            break
        out += chunk
    os.close(parent)
    assert process.wait() == 0, out.decode()
    return out.decode()


def screen(text: str, columns: int) -> list[str]:
    """The lines that stay, as a terminal without any other control characters would show them."""
    lines = []
    for line in text.split("\n"):
        shown: list[str] = []
        for part in line.split("\r"):
            shown[: len(part)] = part
        lines.append("".join(shown).rstrip())
    return lines


@pytest.mark.parametrize("columns", [120, 40])
def test_live_bar_in_a_terminal(columns):
    out = in_terminal(PROGRAM.replace("VERBOSE", "'auto'"), columns)
    pictures = [p for p in re.split("[\r\n]", out) if "[" in p]
    assert len(pictures) >= 4, out
    assert all(len(p.rstrip()) < columns for p in pictures)
    assert any("=" in p for p in pictures)
    if columns == 120:
        assert any(
            re.search(r"\d+/1200  loss [\d.]+ +accuracy [\d.]+ +ETA [\d.]+ s +[\d,.]+ batches/s", p) for p in pictures
        )
    assert not re.search(r"[\x00-\x09\x0b\x0c\x0e-\x1f]", out)  # \r and \n only
    left = screen(out, columns)
    assert len(left) == (3 if columns == 120 else 9)
    half = len(left) // 2
    assert re.fullmatch(LINE.format(1), re.sub(" {3,}", "  ", "".join(left[:half])))
    assert re.fullmatch(LINE.format(2), re.sub(" {3,}", "  ", "".join(left[half:-1])))
    assert left[-1] == ""


LOGS = dict.fromkeys(("loss", "accuracy", "sparse_top_k_categorical_accuracy", "a" * 70), 0.25)
LOGS |= {f"val_{name}": 1e-9 for name in LOGS}


@pytest.mark.parametrize("count", range(9))
def test_no_line_of_an_epoch_is_wider_than_the_terminal(count):
    """And every number is there, in order; on one line where it fits."""
    head, logs = "Epoch  8/10  0.57 s", dict(list(LOGS.items())[:count])
    for columns in range(39, 260):
        for indent in (0, 9, len(head)):
            lines = folded(head, logs, columns, indent)
            assert max(map(len, lines)) <= columns
            assert " ".join(lines).split()[5::2] == [f"{v:.4f}" if v == 0.25 else "1.00e-09" for v in logs.values()]
            whole = f"{head}{''.join(logs_parts(logs))}".rstrip()
            assert (lines == [whole]) == (len(whole) <= columns)
            assert all(line.startswith(" " * indent) for line in lines[1:])


def test_lines_of_an_epoch_in_narrow_and_wide_terminals():
    for columns in (60, 80, 200):
        out = in_terminal(PROGRAM.replace("VERBOSE", "1"), columns)
        left = screen(out, columns)
        assert len(left) == (3 if columns == 200 else 5)
        assert max(map(len, left)) < columns
        if columns == 80:
            assert re.fullmatch(r"Epoch 1/2  [\d.]+ s  loss [\d.]+ +accuracy [\d.]+", left[0])
            assert re.fullmatch(r" +val_loss [\d.]+ +val_accuracy [\d.]+", left[1])
            assert left[0].index("  loss") == left[1].index("  val_loss")


def test_verbose_2_in_a_terminal_draws_no_bar():
    out = in_terminal(PROGRAM.replace("VERBOSE", "2"), 120)
    assert "[" not in out
    assert out.count("Epoch") == 2


@pytest.mark.parametrize("verbose", ["'auto'", "1", "2"])
def test_lines_in_a_pipe(verbose):
    out = subprocess.run(
        [sys.executable, "-c", PROGRAM.replace("VERBOSE", verbose)], capture_output=True, text=True, check=True
    ).stdout
    lines = out.splitlines()
    assert len(lines) == 2
    assert re.fullmatch(LINE.format(1), lines[0].rstrip())
    assert re.fullmatch(LINE.format(2), lines[1].rstrip())
    assert "\r" not in out


def test_silence(capsys):
    x, y = clusters(40)
    model = classifier()
    model.fit(x, y, verbose=0)
    model.evaluate(x, y, verbose=0)
    model.predict(x, verbose=0)
    assert capsys.readouterr() == ("", "")


def test_evaluate_and_predict_say_a_line(capsys):
    x, y = clusters(40)
    model = classifier()
    model.evaluate(x, y)
    model.predict(x)
    lines = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"Evaluation  [\d.]+ s  loss [\d.]+ +accuracy [\d.]+", lines[0])
    assert re.fullmatch(r"Prediction  [\d.]+ s", lines[1])


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_an_epoch_cut_short_ends_its_line():
    stream = Terminal()
    bar = Bar("Epoch 1/1", 10, stream=stream)
    bar.draw(3)
    bar.close()
    bar.close()
    bar.draw(4)
    assert stream.getvalue().endswith("\n")
    assert stream.getvalue().count("\n") == 1


def test_a_bar_not_drawn_yet_leaves_nothing():
    stream = Terminal()
    Bar("Epoch 1/1", 10, stream=stream).close()
    assert stream.getvalue() == ""


def test_a_bar_steps_aside_for_words(monkeypatch):
    stream = Terminal()
    monkeypatch.setattr(sys, "stdout", stream)
    bar = Bar("Epoch 1/1", 10)
    bar.draw(3)
    say("early")
    bar.draw(4)
    bar.finish()
    say("late")
    left = screen(stream.getvalue(), 80)
    assert left[0] == "early"
    assert left[1].startswith("Epoch 1/1  0.0")
    assert left[2:] == ["late", ""]


class Notebook(io.StringIO):
    """As the standard output of a notebook: no terminal, but \\r begins the line again."""


Notebook.__module__ = "ipykernel.iostream"


def test_a_bar_in_a_notebook(monkeypatch):
    stream = Notebook()
    monkeypatch.setattr(sys, "stdout", stream)
    x, y = clusters(40)
    each = gs.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: time.sleep(0.06))
    classifier().fit(x, y, batch_size=8, epochs=2, callbacks=[each])
    pictures = re.split("[\r\n]", stream.getvalue())
    assert sum("[===" in picture for picture in pictures) >= 2
    assert max(map(len, pictures)) < 80
    assert not re.search(r"[\x00-\x09\x0b\x0c\x0e-\x1f]", stream.getvalue())
    assert [line[:9] for line in screen(stream.getvalue(), 80)] == ["Epoch 1/2", "Epoch 2/2", ""]


def test_a_bar_of_unknown_length():
    stream = Terminal()
    bar = Bar("Epoch 1/1", None, stream=stream)
    bar.draw(3, {"loss": 0.5})
    bar.finish({"loss": 0.25})
    first, *_, last, end = re.split("[\r\n]", stream.getvalue().lstrip("\r"))
    assert re.fullmatch(r"Epoch 1/1 3  loss 0.5000  [\d,.]+ batches/s", first)
    assert re.fullmatch(r"Epoch 1/1  [\d.]+ s  loss 0.2500", last.rstrip())
    assert end == ""


def test_texts():
    assert [seconds_text(s) for s in (0.123, 9.99, 12.3, 185, 7200)] == ["0.12 s", "9.99 s", "12 s", "3:05", "2:00:00"]
    assert "".join(logs_parts({"loss": 0.25, "small": 1e-5, "nan": float("nan"), "zero": 0.0})).split() == [
        "loss", "0.2500", "small", "1.00e-05", "nan", "nan", "zero", "0.0000",
    ]  # fmt: skip
    assert logs_parts(None) == []
