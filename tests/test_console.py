"""Whatever standard output is, nothing that prints fails, and text goes where it can be written."""

from __future__ import annotations

import io
import sys

import gradstep as gs
import numpy as np
import pytest
from gradstep import callbacks
from gradstep.console import show, terminal_width
from training import classifier, clusters

X, Y = clusters(40)


class WriteOnly:
    """As a logger that somebody put in the place of standard output."""

    def __init__(self):
        self.text = ""

    def write(self, text):
        self.text += text


class Flushing(WriteOnly):
    def flush(self):
        pass


class Full(WriteOnly):
    """A disk without room, a pipe without a reader."""

    def write(self, text):
        raise BrokenPipeError(32, "Broken pipe")


class Odd(WriteOnly):
    """Says that it is a terminal, and is none."""

    def isatty(self):
        return True


def closed():
    stream = io.StringIO()
    stream.close()
    return stream


def closed_file(tmp_path):
    file = open(tmp_path / "out.txt", "w")  # noqa: SIM115
    file.close()
    return file


def ascii_only():
    return io.TextIOWrapper(io.BytesIO(), encoding="ascii", write_through=True)


STREAMS = {
    "none": lambda tmp_path: None,
    "closed": lambda tmp_path: closed(),
    "closed file": closed_file,
    "write only": lambda tmp_path: WriteOnly(),
    "write and flush": lambda tmp_path: Flushing(),
    "full": lambda tmp_path: Full(),
    "no terminal": lambda tmp_path: Odd(),
    "nothing": lambda tmp_path: object(),
    "ascii": lambda tmp_path: ascii_only(),
}
MODEL = classifier()


def trained(**more):
    return classifier().fit(X, Y, epochs=2, validation_split=0.5, **more)


SAYING = {
    "fit": lambda folder: trained(),
    "fit, verbose 2": lambda folder: trained(verbose=2),
    "callbacks": lambda folder: trained(
        verbose=0,
        callbacks=[
            callbacks.ModelCheckpoint(folder / "a.gradstep", "loss", verbose=1, save_best_only=True),
            callbacks.EarlyStopping("loss", verbose=1, restore_best_weights=True),
            callbacks.ReduceLROnPlateau("loss", verbose=1, patience=0, min_delta=9.0),
            callbacks.LearningRateScheduler(lambda epoch: 0.1, verbose=1),
            callbacks.Diagnose(),
        ],
    ),
    "not a number": lambda folder: classifier().fit(
        np.full_like(X, np.nan), Y, verbose=0, callbacks=[callbacks.TerminateOnNaN()]
    ),
    "evaluate": lambda folder: MODEL.evaluate(X, Y),
    "predict": lambda folder: MODEL.predict(X),
    "summary": lambda folder: MODEL.summary(),
    "unicode summary": lambda folder: gs.Sequential([gs.Input((2,)), gs.layers.Dense(1, name="día")]).summary(),
    "show_config": lambda folder: gs.show_config(),
}


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("call", SAYING)
def test_nothing_fails_and_text_goes_where_it_can(call, stream, tmp_path, monkeypatch):
    out = STREAMS[stream](tmp_path)
    monkeypatch.setattr(sys, "stdout", out)
    try:
        SAYING[call](tmp_path)
    finally:
        monkeypatch.undo()
    if isinstance(out, WriteOnly) and not isinstance(out, Full):
        assert out.text.strip()
        assert out.text.endswith("\n")
    if stream == "ascii":
        assert out.buffer.getvalue().strip()
        assert ("d?a" in out.buffer.getvalue().decode()) == ("unicode" in call)


@pytest.mark.parametrize("stream", STREAMS)
def test_the_demo_too(stream, tmp_path, monkeypatch):
    pytest.importorskip("sklearn")
    from gradstep.demo import run

    monkeypatch.setattr(sys, "stdout", STREAMS[stream](tmp_path))
    run(1, str(tmp_path / "curves.png"), 0)


def test_a_function_of_lines_is_the_user_s():
    lines = []
    MODEL.summary(print_fn=lines.append)
    assert lines[0].startswith("Model:")
    with pytest.raises(ZeroDivisionError):
        MODEL.summary(print_fn=lambda line: 1 / 0)


def test_errors_of_a_stream_of_one_s_own_are_its_owner_s(monkeypatch):
    class Wrong(WriteOnly):
        def write(self, text):
            raise KeyError(text)

    monkeypatch.setattr(sys, "stdout", Wrong())
    with pytest.raises(KeyError):
        show("a")


def test_the_width_of_what_is_no_terminal():
    assert terminal_width(None) is None
    assert terminal_width(closed()) is None
    assert terminal_width(Odd()) == 80


def test_nobody_is_asked_where_nothing_can_be_shown(tmp_path, monkeypatch):
    MODEL.save(tmp_path / "a.gradstep")
    monkeypatch.setattr(sys, "stdin", Odd())
    for out in (None, closed()):
        monkeypatch.setattr(sys, "stdout", out)
        with pytest.raises(FileExistsError):
            MODEL.save(tmp_path / "a.gradstep", overwrite=False)
