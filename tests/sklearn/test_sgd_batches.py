"""What scikit-learn's SGD has not: batches, optimizers, curves."""

from __future__ import annotations

import copy
import pickle
import warnings
from collections.abc import Iterator
from typing import Any

import gradstep as gs
import numpy as np
import pytest
from threads import same_at_any_number_of_threads

sparse = pytest.importorskip("scipy.sparse")
ours = pytest.importorskip("gradstep.sklearn")

RNG = np.random.default_rng(3)
X = RNG.standard_normal((230, 9))
X[RNG.random(X.shape) < 0.4] = 0
TWO = (X @ RNG.standard_normal(9) + 0.5 * RNG.standard_normal(230) > 0).astype(int)
THREE = np.digitize(X @ RNG.standard_normal(9), [-1, 1])
NUMBERS = X @ RNG.standard_normal(9) + 0.3 * RNG.standard_normal(230)
WEIGHTS = RNG.random(230)
ALPHA, ETA = 1e-2, 0.1


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Few epochs are warned of."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def slopes(loss: str, y: np.ndarray, p: np.ndarray) -> np.ndarray:
    if loss == "log_loss":
        return -y / (1 + np.exp(y * p))
    return np.where(y * p <= 1, -y, 0.0) if loss == "hinge" else p - y


def reference(
    loss: str, y: np.ndarray, penalty: str | None, schedule: str, batch: int, epochs: int, average: bool
) -> tuple[np.ndarray, float]:
    """Steps by the mean weighted gradient of batches in order, in plain NumPy."""
    l1 = {"l1": 1.0, "elasticnet": 0.3}.get(penalty or "", 0.0)
    w, b, mean, mean_b = np.zeros(9), 0.0, np.zeros(9), 0.0
    could, received, t = 0.0, np.zeros(9), 0
    for _ in range(epochs):
        for first in range(0, 230, batch):
            t += 1
            rows = slice(first, first + batch)
            g = slopes(loss, y[rows], X[rows] @ w + b) * WEIGHTS[rows] / len(y[rows])
            eta = ETA / t**0.5 if schedule == "invscaling" else ETA
            shrink = 1 if penalty is None else 1 - (1 - l1) * eta * ALPHA
            w, b = shrink * w - eta * (g @ X[rows]), b - eta * g.sum()
            if l1:
                could += l1 * eta * ALPHA
                cut = np.where(
                    w > 0, np.maximum(0, w - could - received), np.where(w < 0, np.minimum(0, w + could - received), w)
                )
                received, w = received + cut - w, cut
            mean, mean_b = mean + (w - mean) / t, mean_b + (b - mean_b) / t
    return (mean, mean_b) if average else (w, b)


@pytest.mark.parametrize("is_sparse", [False, True])
@pytest.mark.parametrize(
    ("loss", "penalty", "schedule", "batch", "average"),
    [
        ("log_loss", "l2", "constant", 32, False),
        ("log_loss", "l1", "invscaling", 50, True),
        ("hinge", "elasticnet", "constant", 7, False),
        ("squared_error", "l2", "invscaling", 1000, True),
        ("squared_error", None, "constant", 100, False),
    ],
)
def test_batches_step_by_the_mean_gradient(
    loss: str, penalty: str | None, schedule: str, batch: int, average: bool, is_sparse: bool
) -> None:
    is_regression = loss == "squared_error"
    model = (ours.SGDRegressor if is_regression else ours.SGDClassifier)(
        loss, penalty=penalty, alpha=ALPHA, l1_ratio=0.3, learning_rate=schedule, eta0=ETA, power_t=0.5, max_iter=4,
        tol=None, shuffle=False, average=average, batch_size=batch,
    )  # fmt: skip
    model.fit(sparse.csr_matrix(X) if is_sparse else X, NUMBERS if is_regression else TWO, sample_weight=WEIGHTS)
    w, b = reference(loss, NUMBERS if is_regression else 2.0 * TWO - 1, penalty, schedule, batch, 4, average)
    # Rounding: sums are in another order.
    np.testing.assert_allclose(model.coef_.ravel(), w, rtol=0, atol=1e-13)
    np.testing.assert_allclose(model.intercept_, [b], rtol=0, atol=1e-13)
    assert model.t_ == 4 * -(-230 // batch) + 1


@pytest.mark.parametrize("kind", ["dense", "sparse", "float32", "optimizer", "early stopping"])
def test_threads_change_no_bit(kind: str) -> None:
    rows = RNG.standard_normal((3000, 80)).astype(np.float32 if kind == "float32" else np.float64)
    y = (rows[:, 0] > 0).astype(int)
    settings: dict[str, Any] = {"loss": "log_loss", "batch_size": 1100, "max_iter": 3, "random_state": 0, "tol": None}
    if kind == "optimizer":
        settings["optimizer"] = "adam"
    if kind == "early stopping":
        settings["early_stopping"] = True

    def fitted() -> tuple[Any, ...]:
        model = ours.SGDClassifier(**settings).fit(sparse.csr_matrix(rows) if kind == "sparse" else rows, y)
        return model.coef_, model.intercept_, model.loss_curve_

    same_at_any_number_of_threads(fitted, (1, 2, 3))


@pytest.mark.parametrize("is_sparse", [False, True])
def test_optimizers_step_the_model(is_sparse: bool) -> None:
    """As a loop of one's own with the same optimizer."""
    data = sparse.csr_matrix(X) if is_sparse else X
    model = ours.SGDClassifier(
        "log_loss", penalty="elasticnet", alpha=ALPHA, l1_ratio=0.3, optimizer=gs.optimizers.Adam(0.05), batch_size=40,
        max_iter=5, tol=None, shuffle=False, average=True,
    ).fit(data, TWO, sample_weight=WEIGHTS)  # fmt: skip
    w, b, mean, t, y = np.zeros(9), np.zeros(1), np.zeros(9), 0, 2.0 * TWO - 1
    optimizer = gs.optimizers.Adam(0.05)
    for _ in range(5):
        for first in range(0, 230, 40):
            rows = slice(first, first + 40)
            g = slopes("log_loss", y[rows], X[rows] @ w + b) * WEIGHTS[rows] / len(y[rows])
            penalty = ALPHA * (0.7 * w + 0.3 * np.sign(w))
            optimizer.step([w, b], [g @ X[rows] + penalty, g.sum(keepdims=True)])
            t += 1
            mean += (w - mean) / t
    np.testing.assert_allclose(model.coef_[0], mean, rtol=0, atol=1e-12)


def test_partial_fit_and_warm_starts_go_on_with_the_optimizer() -> None:
    given: dict[str, Any] = {"optimizer": "adam", "batch_size": 23, "shuffle": False, "tol": None}
    whole = ours.SGDRegressor(**given, max_iter=3).fit(X, NUMBERS)
    parts = ours.SGDRegressor(**given)
    for _ in range(3):
        parts = pickle.loads(pickle.dumps(parts.partial_fit(X, NUMBERS)))
    warm = ours.SGDRegressor(**given, max_iter=2, warm_start=True).fit(X, NUMBERS)
    warm.set_params(max_iter=1).fit(X, NUMBERS)
    for other in (parts, warm):
        assert np.array_equal(other.coef_, whole.coef_)
        assert np.array_equal(other.intercept_, whole.intercept_)
    warm.set_params(warm_start=False, max_iter=3).fit(X, NUMBERS)
    assert np.array_equal(warm.coef_, whole.coef_)


def test_an_overflow_leaves_the_optimizer_as_it_was() -> None:
    model = ours.SGDRegressor(optimizer=gs.optimizers.SGD(0.01, momentum=0.9), random_state=0).partial_fit(X, NUMBERS)
    other = copy.deepcopy(model)
    with pytest.raises(ValueError, match="under-/overflow occurred"):
        model.partial_fit(X * 1e200, NUMBERS)
    assert np.array_equal(model.partial_fit(X, NUMBERS).coef_, other.partial_fit(X, NUMBERS).coef_)


def test_the_optimizer_given_stays_as_it_is() -> None:
    given = gs.optimizers.Adam(0.01)
    ours.SGDClassifier(optimizer=given, random_state=0, max_iter=2).fit(X, THREE)
    assert given.iterations == 0


def test_curves() -> None:
    log_loss = pytest.importorskip("sklearn.metrics").log_loss
    model = ours.SGDClassifier("log_loss", batch_size=230, learning_rate="constant", max_iter=3, tol=None).fit(X, TWO)
    assert model.loss_curve_[0] == pytest.approx(np.log(2), rel=1e-14)
    before = ours.SGDClassifier("log_loss", batch_size=230, learning_rate="constant", max_iter=2, tol=None).fit(X, TWO)
    assert model.loss_curve_[2] == pytest.approx(log_loss(TWO, before.predict_proba(X)), rel=1e-12)
    assert model.validation_loss_curve_ is None

    model = ours.SGDClassifier("log_loss", early_stopping=True, random_state=1, max_iter=4, tol=None).fit(X, TWO)
    split = pytest.importorskip("sklearn.model_selection").StratifiedShuffleSplit(test_size=0.1, random_state=1)
    _, held = next(split.split(X, TWO))
    assert model.validation_loss_curve_.shape == model.loss_curve_.shape == (4,)
    assert model.validation_loss_curve_[-1] == pytest.approx(log_loss(TWO[held], model.predict_proba(X[held])))

    model = ours.SGDClassifier(random_state=0, max_iter=200).fit(X, THREE)
    assert model.loss_curve_.shape == (model.n_iter_, 3)
    ends = np.isfinite(model.loss_curve_).sum(axis=0)
    assert ends.max() == model.n_iter_
    assert np.isfinite(model.loss_curve_[: ends.min()]).all()
    assert ours.Perceptron(max_iter=3).fit(X, TWO).loss_curve_.shape == (3,)


def test_what_goes_together_is_checked() -> None:
    with pytest.raises(ValueError, match=r"eta0 must be 0\.01, its default, where there is an optimizer"):
        ours.SGDClassifier(optimizer="adam", eta0=0.1).fit(X, TWO)
    with pytest.raises(ValueError, match="learning_rate must be 'invscaling', its default"):
        ours.SGDRegressor(optimizer="adam", learning_rate="constant").fit(X, NUMBERS)
    with pytest.raises(ValueError, match="'pa1' only works with batch_size=1"):
        ours.SGDClassifier(learning_rate="pa1", batch_size=10).fit(X, TWO)
    with pytest.raises(ValueError, match="The 'batch_size' parameter of SGDClassifier must be an int in the range"):
        ours.SGDClassifier(batch_size=0).fit(X, TWO)
    with pytest.raises(ValueError, match="adamm"):
        ours.SGDRegressor(optimizer="adamm").fit(X, NUMBERS)
