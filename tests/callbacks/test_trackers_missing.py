"""Callbacks of libraries that are not installed."""

from __future__ import annotations

import sys

import gradstep as gs
import pytest


@pytest.mark.parametrize(
    ("name", "module", "extra"),
    [("MLflowLogger", "mlflow", "mlflow"), ("TqdmProgress", "tqdm.auto", "tqdm"), ("WandbLogger", "wandb", "wandb")],
)
def test_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch, name: str, module: str, extra: str) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=rf"{name} needs \w+: pip install 'gradstep\[{extra}\]'"):
        getattr(gs.callbacks, name)()
