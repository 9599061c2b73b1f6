"""`OptunaPruning` where Optuna is not installed."""

from __future__ import annotations

import sys

import gradstep as gs
import pytest


def test_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ImportError, match=r"OptunaPruning needs Optuna: pip install 'gradstep\[optuna\]'"):
        gs.callbacks.OptunaPruning(None)
