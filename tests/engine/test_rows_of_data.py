"""Products that read rows of a data set where they lie: more of them than a near cache holds, of any type."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest

ROWS, WIDTH = 700, 203


def trained(x: np.ndarray, batch_size: int, threads: int = 1) -> list[np.ndarray]:
    """The weights after two epochs on x in a shuffled order; a batch is fetched in parts, and its last one is short."""
    gs.utils.set_random_seed(3)
    before = gs.get_num_threads()
    gs.set_num_threads(threads)
    try:
        model = gs.Sequential([gs.layers.Dense(65, activation="relu"), gs.layers.Dense(3, activation="softmax")])
        model.compile(gs.optimizers.SGD(1e-4), "sparse_categorical_crossentropy")
        model.fit(x, np.arange(len(x)) % 3, batch_size=batch_size, epochs=2, verbose=0)
    finally:
        gs.set_num_threads(before)
    return model.get_weights()


@pytest.mark.parametrize("batch_size", [190, 640])
@pytest.mark.parametrize("kind", [np.uint8, np.int32, np.int64, np.float64])
def test_numbers_of_any_type_are_those_in_float32(isa: str, kind: type, batch_size: int) -> None:
    x = np.random.default_rng(0).integers(0, 200, (ROWS, WIDTH)).astype(kind)
    expected = trained(x.astype(np.float32), batch_size)
    for got, wanted in zip(trained(x, batch_size), expected, strict=True):
        assert np.array_equal(got, wanted)


@pytest.mark.parametrize("batch_size", [190, 640])
def test_threads_change_no_bits(isa: str, batch_size: int) -> None:
    x = np.random.default_rng(1).standard_normal((ROWS, WIDTH), np.float32)
    expected = trained(x, batch_size)
    for threads in (2, 3):
        for got, wanted in zip(trained(x, batch_size, threads), expected, strict=True):
            assert np.array_equal(got, wanted)


def test_a_gradient_is_the_sum_over_all_rows(isa: str) -> None:
    x = np.random.default_rng(2).integers(0, 9, (ROWS, WIDTH)).astype(np.uint8)
    model = gs.Sequential([gs.layers.Dense(4, use_bias=False)])
    model.compile("sgd", "mse")
    y = np.random.default_rng(3).integers(-4, 5, (ROWS, 4)).astype(np.float32)
    model.build((None, WIDTH))
    model.set_weights([np.zeros((WIDTH, 4), np.float32)])
    _, (gradient,) = model.value_and_grad(x, y)
    expected = x.astype(np.float64).T @ (-2 / 4 / ROWS * y)
    assert np.allclose(gradient, expected, rtol=1e-5, atol=1e-4)
