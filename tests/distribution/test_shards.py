"""A step made of shards is the step of the whole batch but for rounding; and what cannot be split is refused."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradstep as gs
import numpy as np
import pytest
import team_cases
from children import command, said
from team_cases import CASES, TWO, Case
from threads import same_at_any_number_of_threads

DataParallel = gs.distribution.DataParallel
# Sums of some hundred float32 numbers in another order, over two steps.
CLOSE = {"rtol": 2e-4, "atol": 2e-5}


def masked() -> gs.Model:
    layers = gs.layers
    return gs.Sequential(
        [gs.Input((5,)), layers.Embedding(12, 4, mask_zero=True), layers.GRU(5, return_sequences=True), layers.Dense(3)]
    )


EACH_WORD = np.stack([team_cases.Y] * 5, 1)
LOGITS = gs.losses.SparseCategoricalCrossentropy(from_logits=True)
WHOLE = {
    **{name: CASES[name] for name in CASES if name not in ("some steps", "held out")},
    "masked": Case(masked, x=team_cases.TOKENS, y=EACH_WORD, loss=LOGITS),
    "sum of masked": Case(
        masked,
        x=team_cases.TOKENS,
        y=EACH_WORD,
        loss=gs.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="sum"),
        optimizer=lambda: gs.optimizers.SGD(1e-3),
    ),
    "ignored class": Case(
        loss=gs.losses.SparseCategoricalCrossentropy(ignore_class=1), y=np.where(team_cases.Y == 1, 1, team_cases.Y)
    ),
    "loss in Python": Case(
        loss=lambda t, y: (((y - t) ** 2).mean(1), 2 * (y - t) / y.shape[1]), y=np.eye(3)[team_cases.Y]
    ),
}


@pytest.mark.parametrize("shards", [1, 8])
@pytest.mark.parametrize("name", WHOLE)
def test_batches_of_all_rows_train_as_without_shards(name: str, shards: int) -> None:
    """Draws of Dropout too: they follow from the rows' numbers."""
    case, same = WHOLE[name], {"batch_size": "full", "shuffle": False}
    plain, history = case.train(None, **same)
    model, found = case.train(DataParallel(shards=shards), **same)
    assert found.keys() == history.keys()
    for key in history:
        np.testing.assert_allclose(found[key], history[key], rtol=1e-4, err_msg=key)
    for weight, expected in zip(model.weights, plain.weights, strict=True):
        np.testing.assert_allclose(weight, expected, **CLOSE)


def test_gradients_in_shards_are_those_of_the_batch() -> None:
    gs.utils.set_random_seed(0)
    model = gs.Sequential([gs.Input((6,)), gs.layers.Dense(8, "tanh"), gs.layers.Dense(3, "softmax")])
    model.compile(loss=team_cases.SPARSE)
    for rows in (3, 8, 21):
        batch = team_cases.X[:rows], team_cases.Y[:rows], team_cases.WEIGHTS[:rows]
        value, gradients = DataParallel(shards=8).value_and_grad(model, *batch)
        expected, wanted = model.value_and_grad(*batch)
        assert value == pytest.approx(expected, rel=1e-5)
        for gradient, other in zip(gradients, wanted, strict=True):
            np.testing.assert_allclose(gradient, other, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("shards", [1, 8])
def test_statistics_are_those_of_the_whole_batch(shards: int) -> None:
    gs.utils.set_random_seed(0)
    models = [gs.Sequential([gs.Input((6,)), gs.layers.BatchNormalization(), gs.layers.Dense(3)]) for _ in range(2)]
    models[1].set_weights(models[0].get_weights())
    found = []
    for model, team in zip(models, (None, DataParallel(shards=shards)), strict=True):
        model.compile("sgd", "mse")
        batch = team_cases.X[:21] * 3 + 5, np.eye(3)[team_cases.Y[:21]]
        found.append(team.value_and_grad(model, *batch) if team else model.value_and_grad(*batch))
    assert found[1][0] == pytest.approx(found[0][0], rel=1e-5)
    for gradient, other in zip(found[1][1], found[0][1], strict=True):
        np.testing.assert_allclose(gradient, other, rtol=1e-4, atol=1e-6)
    for weight, other in zip(models[1].weights, models[0].weights, strict=True):
        np.testing.assert_allclose(weight, other, rtol=1e-6)
    moving = models[1].layers[0].moving_mean
    np.testing.assert_allclose(moving, 0.01 * (team_cases.X[:21] * 3 + 5).mean(0), rtol=1e-5)


def test_a_failure_in_the_midst_of_a_batch_moves_no_statistics() -> None:
    def fails(t: np.ndarray, y: np.ndarray) -> Any:
        raise KeyError("a fault")

    case = Case(team_cases.normalized, x=team_cases.PIXELS, loss=fails)
    gs.utils.set_random_seed(3)
    model = case.model()
    before = [weight.copy() for weight in model.weights]
    model.compile("sgd", fails)
    with pytest.raises(KeyError, match="a fault"):
        model.fit(case.x, case.y, batch_size=16, verbose=0, distribution=DataParallel(shards=8))
    assert all(np.array_equal(weight, old) for weight, old in zip(model.weights, before, strict=True))


def test_bfloat16_gradients_train_nearly_as_others() -> None:
    plain, history = CASES["dense"].train(DataParallel(shards=4))
    model, found = CASES["dense"].train(DataParallel(shards=4, gradient_dtype="bfloat16"))
    assert team_cases.hashed(model, found) != team_cases.hashed(plain, history)
    np.testing.assert_allclose(found["loss"], history["loss"], rtol=2e-2)


def test_fit_uses_the_distribution_that_was_set() -> None:
    case = CASES["dense"]
    team = DataParallel(shards=8)
    expected = team_cases.hashed(*case.train(team))
    gs.distribution.set_distribution(team)
    try:
        assert gs.distribution.distribution() is team
        assert team_cases.hashed(*case.train(None)) == expected
    finally:
        gs.distribution.set_distribution(None)
    assert team_cases.hashed(*case.train(None)) != expected


def test_threads_change_no_bits() -> None:
    case = CASES["large batch"]
    same_at_any_number_of_threads(lambda: team_cases.hashed(*case.train(DataParallel(shards=4))), (1, 3))


def test_parts_of_files_train_as_one_array(tmp_path: Path) -> None:
    for i, (begin, end) in enumerate([(0, 40), (40, 41), (41, team_cases.ROWS)]):
        np.save(tmp_path / f"x-{i}.npy", team_cases.X[begin:end])
        np.save(tmp_path / f"y-{i}.npy", team_cases.Y[begin:end])
    team, case = DataParallel(shards=4), CASES["dense"]
    expected = team_cases.hashed(*case.train(team))
    parts = [team.parts(str(tmp_path / f"{name}-*.npy")) for name in "xy"]
    assert len(parts[0]) == team_cases.ROWS
    assert team_cases.hashed(*Case(x=parts[0], y=parts[1], metrics=["accuracy"]).train(team)) == expected


def test_parts_must_fit(tmp_path: Path) -> None:
    team = DataParallel(shards=4)
    with pytest.raises(FileNotFoundError, match="no file matches"):
        team.parts(str(tmp_path / "x-*.npy"))
    np.save(tmp_path / "x-0.npy", np.zeros((8, 6), "f4"))
    np.save(tmp_path / "x-1.npy", np.zeros((8, 5), "f4"))
    with pytest.raises(ValueError, match="one shape and dtype"):
        team.parts(str(tmp_path / "x-*.npy"))
    part = team.parts(str(tmp_path / "x-0.npy"))
    with pytest.raises(ValueError, match="same number of rows"):
        Case(x=part, y=team_cases.Y).train(team)
    with pytest.raises(ValueError, match="validation_split"):
        Case(x=part, y=team_cases.Y[:8], validation_split=0.5).train(team)


class OwnNormalization(gs.layers.BatchNormalization):
    """Is computed in NumPy, where nobody knows what is to be summed."""

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        return x - self.moving_mean


def normalized() -> gs.Model:
    return gs.Sequential([gs.Input((6,)), OwnNormalization(), gs.layers.Dense(3, "softmax")])


def stateful() -> gs.Model:
    return gs.Sequential([gs.Input((5, 1), batch_size=16), gs.layers.LSTM(3, stateful=True), gs.layers.Dense(3)])


def batches() -> Any:
    yield team_cases.X, team_cases.Y


PENALIZED = Case(lambda: team_cases.dense(kernel_regularizer="l2"), loss=CASES["sum"].loss)
REFUSED: dict[str, tuple[Case, str]] = {
    "own statistics": (Case(normalized), "OwnNormalization.*every process sees a part only"),
    "curvature": (Case(optimizer="kfac"), "curvature of a whole batch"),
    "SAM": (Case(optimizer=lambda: gs.optimizers.SAM("sgd")), "SAM needs two passes"),
    "method": (Case(optimizer="lbfgs", batch_size=None), "l-bfgs.*cannot train with a distribution"),
    "batches": (Case(x=batches(), y=None, batch_size=None), "arrays"),
    "whole loss": (Case(loss="dice", y=np.eye(3)[team_cases.Y]), "rows of loss 'dice'"),
    "penalized sum": (PENALIZED, "regularizer"),
    "two losses": (Case(**(TWO | {"loss": [CASES["sum"].loss, "mse"]})), "sum_over_batch_size"),
    "batch size": (Case(batch_size=12), "batch_size must be a multiple of the 8 shards"),
    "few rows": (Case(x=team_cases.X[:7], y=team_cases.Y[:7]), "a row for each of 8 shards"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_split_is_refused_before_anything_is_changed(name: str) -> None:
    case, words = REFUSED[name]
    with pytest.raises(ValueError, match=words):
        case.train(DataParallel(shards=8))


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: DataParallel(shards=6), ValueError, "power of two"),
        (lambda: DataParallel(shards=0), ValueError, "shards"),
        (lambda: DataParallel(gradient_dtype="float16"), ValueError, "gradient_dtype must be one of bfloat16"),
        (lambda: DataParallel(gradient_dtype=np.float16), TypeError, "gradient_dtype must be a name"),
        (lambda: DataParallel(overlap="yes"), TypeError, "overlap must be True or False"),
        (lambda: DataParallel(comm="world"), TypeError, "communicator of mpi4py"),
        (lambda: gs.distribution.set_distribution("all"), TypeError, "must be a DataParallel or None"),
        (lambda: CASES["dense"].train("all"), TypeError, "must be a DataParallel or None"),
    ],
)
def test_arguments_that_cannot_be(make: Callable[[], Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        make()


def test_mpi4py_is_loaded_by_several_processes_alone() -> None:
    program = "import sys, gradstep as gs; gs.distribution.DataParallel(); print('mpi4py' in sys.modules)"
    assert said(program) == "False"


def test_several_processes_without_mpi4py_learn_of_the_extra() -> None:
    program = "import sys; sys.modules['mpi4py'] = None; import gradstep as gs; gs.distribution.DataParallel()"
    child = command(program)
    child["env"] = {**child["env"], "PMI_SIZE": "2", "PMI_RANK": "0"}
    done = subprocess.run(**child, capture_output=True, check=False)
    assert "pip install 'gradstep[mpi]'" in done.stderr
    assert done.returncode == 1
    assert os.environ.get("PMI_SIZE") is None
