"""Scalers: scikit-learn's numbers, chunks, layers, and what they refuse."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import gradstep as gs
import numpy as np
import pytest
from gradstep import scalers

DRAW = np.random.default_rng(0)
X = np.concatenate(
    [DRAW.normal(size=(97, 4)) * [1.0, 1e3, 1e-3, 0.0] + [0.0, 1e6, 1.0, 5.5], DRAW.exponential(size=(97, 1))], 1
)
NEW = X[:10] * 1.5

MADE: dict[str, tuple[str, dict[str, Any]]] = {
    "standard": ("StandardScaler", {}),
    "standard, mean alone": ("StandardScaler", {"with_std": False}),
    "standard, deviation alone": ("StandardScaler", {"with_mean": False}),
    "min-max": ("MinMaxScaler", {}),
    "min-max to a range": ("MinMaxScaler", {"feature_range": (-1, 3)}),
    "min-max, clipped": ("MinMaxScaler", {"clip": True}),
    "robust": ("RobustScaler", {}),
    "robust, other quantiles": ("RobustScaler", {"quantile_range": (10.0, 95.0)}),
    "robust, median alone": ("RobustScaler", {"with_scaling": False}),
    "robust, range alone": ("RobustScaler", {"with_centering": False}),
    "rows, l1": ("Normalizer", {"norm": "l1"}),
    "rows, l2": ("Normalizer", {"norm": "l2"}),
    "rows, max": ("Normalizer", {"norm": "max"}),
}


def new(name: str) -> Any:
    kind, options = MADE[name]
    return getattr(scalers, kind)(**options)


@pytest.mark.parametrize("name", MADE)
def test_equal_to_scikit_learn(name: str) -> None:
    theirs = getattr(pytest.importorskip("sklearn.preprocessing"), MADE[name][0])(**MADE[name][1]).fit(X)
    ours = new(name).fit(X)
    np.testing.assert_allclose(ours.transform(NEW), theirs.transform(NEW), rtol=1e-9, atol=1e-9)
    for attribute in ("mean_", "var_", "data_min_", "data_max_", "min_", "center_"):
        if hasattr(theirs, attribute) and hasattr(ours, attribute) and getattr(theirs, attribute) is not None:
            np.testing.assert_allclose(getattr(ours, attribute), getattr(theirs, attribute), rtol=1e-9, atol=1e-12)
    if "rows" not in name:
        np.testing.assert_allclose(ours.inverse_transform(NEW), theirs.inverse_transform(NEW), rtol=1e-9)
        if "clip" not in name:
            np.testing.assert_allclose(ours.inverse_transform(ours.transform(NEW)), NEW, rtol=1e-9)
    assert ours.get_feature_names_out().tolist() == ["x0", "x1", "x2", "x3", "x4"]


@pytest.mark.parametrize("name", MADE)
def test_chunks_are_the_whole(name: str) -> None:
    whole, chunks = new(name).fit(X), new(name)
    for begin, end in ((0, 1), (1, 40), (40, 41), (41, 97)):
        chunks.partial_fit(X[begin:end])
    np.testing.assert_allclose(chunks.transform(NEW), whole.transform(NEW), rtol=1e-9, atol=1e-9)
    chunks.fit(X)  # which forgets the chunks
    assert (chunks.transform(NEW) == whole.transform(NEW)).all()


@pytest.mark.parametrize("name", MADE)
def test_float32_is_kept_and_copies_are_equal(name: str) -> None:
    scaler = new(name).fit(X.astype("float32"))
    made = scaler.transform(NEW.astype("float32"))
    assert made.dtype == np.float32
    assert scaler.transform(NEW).dtype == np.float64
    assert scaler.transform((NEW * 0).astype(int)).dtype == np.float64
    for again in (pickle.loads(pickle.dumps(scaler)), copy.deepcopy(scaler)):
        assert (again.transform(NEW) == scaler.transform(NEW)).all()
        again.partial_fit(X * 2)
    assert (scaler.transform(NEW.astype("float32")) == made).all()
    base = pytest.importorskip("sklearn.base")
    unfitted = base.clone(scaler)
    assert unfitted.get_params() == scaler.get_params()
    with pytest.raises(ValueError, match="is not fitted"):
        unfitted.get_feature_names_out()


@pytest.mark.parametrize("name", [name for name in MADE if name not in ("min-max, clipped", "rows, l1", "rows, max")])
@pytest.mark.parametrize("theirs", [False, True])
def test_layers_do_the_same(name: str, theirs: bool, tmp_path: Any) -> None:
    x = X[:, [0, 1, 4]]
    scaler = new(name)
    if theirs:
        scaler = getattr(pytest.importorskip("sklearn.preprocessing"), MADE[name][0])(**MADE[name][1])
    scaler.fit(x)
    layer = scalers.as_layer(scaler, dtype="float64")
    np.testing.assert_allclose(layer(NEW[:, [0, 1, 4]]), scaler.transform(NEW[:, [0, 1, 4]]), rtol=1e-9, atol=1e-9)
    model = gs.Sequential([gs.Input((3,)), layer, gs.layers.Dense(2, dtype="float64")])
    model.save(tmp_path / "model")
    again = gs.saving.load_model(tmp_path / "model")
    assert (again.predict(x) == model.predict(x)).all()
    if not theirs and "rows" not in name:
        back = scaler.as_layer(invert=True, dtype="float64")
        np.testing.assert_allclose(back(layer(x)), x, rtol=1e-9)


def test_the_largest_absolute_value_of_scikit_learn() -> None:
    theirs = pytest.importorskip("sklearn.preprocessing").MaxAbsScaler().fit(X[:, :2])
    layer = scalers.as_layer(theirs, dtype="float64")
    np.testing.assert_allclose(layer(NEW[:, :2]), theirs.transform(NEW[:, :2]), rtol=1e-9)


def test_quantiles_of_a_sample() -> None:
    rows = np.random.default_rng(1).permutation(20_000)[:, None].astype(float)
    scaler = scalers.RobustScaler(sample_size=2000)
    for part in np.array_split(rows, 7):
        scaler.partial_fit(part)
    assert scaler.n_samples_seen_ == 20_000
    assert abs(scaler.center_[0] - 10_000) < 4 * 20_000 * 0.5 / 2000**0.5
    assert abs(scaler.scale_[0] - 10_000) < 4 * 20_000 * 0.62 / 2000**0.5
    early = sum(
        scalers.RobustScaler(sample_size=50, seed=s).fit(rows)._seen_rows.tolist().count([rows[3, 0]])
        for s in range(400)
    )
    assert 0 <= early <= 6  # 1 is expected: each row is as likely as all others


def test_pipelines_and_targets() -> None:
    pipeline = pytest.importorskip("sklearn.pipeline")
    linear = pytest.importorskip("sklearn.linear_model")
    y = X[:, 0] + X[:, 1]
    pipe = pipeline.make_pipeline(scalers.StandardScaler(), linear.Ridge())
    other = pipeline.make_pipeline(pytest.importorskip("sklearn.preprocessing").StandardScaler(), linear.Ridge())
    np.testing.assert_allclose(pipe.fit(X, y).predict(NEW), other.fit(X, y).predict(NEW), rtol=1e-9)
    assert pipe.set_params(standardscaler__with_mean=False)[0].with_mean is False


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: scalers.StandardScaler().transform(X), ValueError, "this StandardScaler is not fitted"),
        (lambda: scalers.StandardScaler().fit(X[0]), ValueError, r"must have the shape \(rows, features\); got \(5,\)"),
        (lambda: scalers.StandardScaler().fit(X[:0]), ValueError, "at least one row and one feature"),
        (lambda: scalers.StandardScaler().fit([[1.0, np.nan]]), ValueError, r"x\[0, 1\] is nan"),
        (lambda: scalers.StandardScaler().fit(X).transform(X[:, :2]), ValueError, "x must have 5 features"),
        (lambda: scalers.StandardScaler(with_mean=1), TypeError, "with_mean must be True or False"),
        (lambda: scalers.StandardScaler().set_params(mean=1), ValueError, "has no parameter 'mean'"),
        (lambda: scalers.MinMaxScaler((1, 0)), ValueError, "low below high; got"),
        (lambda: scalers.MinMaxScaler(3), TypeError, "must be a pair of numbers; got an int"),
        (lambda: scalers.RobustScaler(quantile_range=(-1, 50)), ValueError, r"must lie in \[0, 100\]"),
        (lambda: scalers.Normalizer("l3"), ValueError, "norm must be one of l1, l2, max"),
        (lambda: scalers.Normalizer().inverse_transform(X), TypeError, "has no inverse"),
        (lambda: scalers.Normalizer("l1").as_layer(), ValueError, "as_layer needs norm='l2'"),
        (lambda: scalers.MinMaxScaler(clip=True).fit(X).as_layer(), ValueError, "as_layer needs clip=False"),
        (lambda: scalers.StandardScaler().as_layer(), TypeError, "scaler must be a fitted StandardScaler"),
        (lambda: scalers.StandardScaler().fit(X * 1e-9).as_layer(), ValueError, "scales of at least 1e-07"),
    ],
)  # fmt: skip
def test_errors(call: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        call()


def test_an_error_leaves_what_was_fitted() -> None:
    scaler = scalers.StandardScaler().fit(X)
    for wrong in (X[:, :2], [[np.inf] * 5], "x"):
        with pytest.raises((TypeError, ValueError)):
            scaler.partial_fit(wrong)
        if np.shape(wrong) != (97, 2):
            with pytest.raises((TypeError, ValueError)):
                scaler.fit(wrong)
    assert (scaler.mean_ == scalers.StandardScaler().fit(X).mean_).all()
    assert scaler.n_samples_seen_ == 97
    assert scaler.fit(X[:, :2]).n_features_in_ == 2


def test_sparse_matrices_are_refused() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(TypeError, match="x must be a dense array"):
        scalers.StandardScaler().fit(sparse.csr_array(X))
