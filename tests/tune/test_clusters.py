"""Searches of ours and of scikit-learn on local clusters of Dask and Ray, through joblib: the table of one process."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

import gradstep as gs
import numpy as np
import pytest
from gradstep import tune
from peers import needs

pytestmark = pytest.mark.peers

X = np.random.default_rng(0).normal(size=(60, 3)).astype("float32")
Y = (X @ [1.0, -2.0, 3.0] > 0).astype(int)
SPACE = {"rate": np.geomspace(1e-3, 1, 10).tolist(), "units": [2, 4]}  # 20 settings, 2 folds: 40 fits
OPTIONS = {"cv": 2, "epochs": 2, "metric": "accuracy", "batch_size": 10}


def build(rate: float, units: int) -> gs.Sequential:
    model = gs.Sequential([gs.Input((3,)), gs.layers.Dense(units, "relu"), gs.layers.Dense(1, "sigmoid")])
    model.compile(gs.optimizers.Adam(rate), "binary_crossentropy", metrics=["accuracy"])
    return model


def told(result: tune.SearchResult) -> str:
    return repr([(trial.settings, trial.runs) for trial in result])


@pytest.fixture(scope="module")
def here() -> str:
    return told(tune.grid(build, SPACE, X, Y, **OPTIONS))


def searched(n_jobs: int) -> str:
    """What scikit-learn's grid of our classifier finds: 20 settings, 2 folds, in the backend of joblib in use."""
    from gradstep.sklearn import MLPClassifier
    from sklearn.model_selection import GridSearchCV

    grid = {"learning_rate_init": SPACE["rate"], "hidden_layer_sizes": [(2,), (4,)]}
    network = MLPClassifier(max_iter=2, batch_size=10, random_state=0)
    found = GridSearchCV(network, grid, cv=2, n_jobs=n_jobs).fit(X, Y)
    scores = [found.cv_results_[f"split{fold}_test_score"].tolist() for fold in range(2)]
    return repr((found.best_params_, scores, [w.tobytes() for w in found.best_estimator_.coefs_]))


@pytest.fixture(scope="module")
def searched_here() -> str:
    needs("sklearn")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # two epochs are few
        return searched(1)


@pytest.fixture
def paths(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers find this module where this process has it."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    monkeypatch.setenv("PYTHONPATH", ":".join(entry for entry in sys.path if entry))


@pytest.mark.filterwarnings("ignore")  # of the cluster's own
def test_a_dask_cluster_gives_the_table_of_one_process(here: str, searched_here: str, paths: Any) -> None:
    needs("distributed", "joblib")
    import joblib
    from distributed import Client, LocalCluster

    with LocalCluster(2, threads_per_worker=1, dashboard_address=None, silence_logs=50) as cluster, Client(cluster):
        assert told(tune.grid(build, SPACE, X, Y, workers="dask", **OPTIONS)) == here
        with joblib.parallel_config("dask"):
            assert searched(2) == searched_here


@pytest.mark.acceptance
@pytest.mark.filterwarnings("ignore")
def test_a_ray_cluster_gives_the_table_of_one_process(here: str, searched_here: str, paths: Any) -> None:
    needs("ray", "joblib")
    import joblib
    import ray
    from ray.util.joblib import register_ray

    register_ray()
    ray.init(num_cpus=2, include_dashboard=False, configure_logging=False)
    try:
        assert told(tune.grid(build, SPACE, X, Y, workers="ray", **OPTIONS)) == here
        with joblib.parallel_config("ray"):
            assert searched(2) == searched_here
    finally:
        ray.shutdown()
