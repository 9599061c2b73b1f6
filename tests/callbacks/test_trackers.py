"""Callbacks for tqdm, MLflow and Weights & Biases, beside those libraries."""

from __future__ import annotations

import io

import gradstep as gs
import numpy as np
import pytest

pytestmark = pytest.mark.peers

X = np.random.default_rng(0).normal(size=(40, 3))
Y = X @ [1.0, -2.0, 3.0]


def fitted(callback, epochs=3):
    gs.utils.set_random_seed(0)
    model = gs.Sequential([gs.Input((3,)), gs.layers.Dense(1)])
    model.compile(gs.optimizers.SGD(0.01), "mse")
    return model.fit(X, Y, validation_split=0.25, epochs=epochs, verbose=0, callbacks=[callback]).history


def test_a_bar_of_tqdm_counts_epochs():
    pytest.importorskip("tqdm")
    file = io.StringIO()
    history = fitted(gs.callbacks.TqdmProgress("three", file=file))
    last = file.getvalue().split("\r")[-1]
    assert last.startswith("three: 100%")
    assert "3/3" in last
    assert f"val_loss={history['val_loss'][-1]:.3g}" in last


def test_mlflow_gets_every_epoch(tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    mlflow.set_tracking_uri(f"file://{tmp_path}")
    experiment = mlflow.set_experiment("tests").experiment_id
    history = fitted(gs.callbacks.MLflowLogger("first"))
    assert mlflow.active_run() is None
    client = mlflow.tracking.MlflowClient()
    (run,) = client.search_runs([experiment])
    assert run.data.tags["mlflow.runName"] == "first"
    assert run.data.params["optimizer"] == "SGD"
    assert run.data.params["optimizer_learning_rate"] == "0.01"
    kept = client.get_metric_history(run.info.run_id, "val_loss")
    assert [(metric.step, metric.value) for metric in kept] == list(enumerate(history["val_loss"]))


def test_an_active_run_of_mlflow_is_used_and_left_open(tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    mlflow.set_tracking_uri(f"file://{tmp_path}")
    mlflow.set_experiment("tests")
    with mlflow.start_run() as run:
        fitted(gs.callbacks.MLflowLogger())
        assert mlflow.active_run().info.run_id == run.info.run_id
    assert mlflow.tracking.MlflowClient().get_run(run.info.run_id).data.metrics.keys() == {"loss", "val_loss"}


def test_a_run_of_wandb_gets_every_epoch(tmp_path):
    wandb = pytest.importorskip("wandb")
    with wandb.init(mode="offline", dir=str(tmp_path), settings=wandb.Settings(silent=True)) as run:
        history = fitted(gs.callbacks.WandbLogger(run))
        assert run.config["optimizer"] == "SGD"
        assert run.summary["epoch"] == 2
        assert run.summary["val_loss"] == history["val_loss"][-1]


def test_wandb_must_have_a_run():
    pytest.importorskip("wandb")
    with pytest.raises(RuntimeError, match=r"WandbLogger needs a run: call wandb\.init\(\) before fit\(\)"):
        fitted(gs.callbacks.WandbLogger())
    with pytest.raises(TypeError, match=r"run must be what wandb\.init\(\) gives; got an int"):
        gs.callbacks.WandbLogger(3)
