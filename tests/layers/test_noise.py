"""Normal noise: what is drawn, and from what it follows."""

from __future__ import annotations

from statistics import NormalDist

import gradstep as gs
import numpy as np
import pytest
from gradstep import _core, layers
from reference.random import LOW, philox

KEY = 0x0123456789ABCDEF


def drawn(rows: int, n: int, key: int = KEY, number: int = 0) -> np.ndarray:
    """Standard normal numbers, (rows, n): the quantiles of the words that dropout draws too."""
    ids, quarter = np.arange(rows, dtype=np.uint64)[:, None], (n + 3) // 4
    counter = [np.arange(quarter, dtype=np.uint64)[None] + 0 * ids, ids & LOW, 0 * ids, np.uint64(number) + 0 * ids]
    words = np.concatenate(philox(np.broadcast_arrays(*counter), (key & 0xFFFFFFFF, key >> 32)), axis=1)[:, :n]
    return np.vectorize(NormalDist().inv_cdf)((words + 0.5) / 2**32)


def forward(spec: dict[str, object], x: np.ndarray, dtype: str, number: int = 0) -> np.ndarray:
    network = _core.Network(x.shape[1], [spec], dtype)
    return _core.ForwardBackward(network).forward(np.ascontiguousarray(x, dtype), True, number, None, False)


@pytest.mark.parametrize("multiply", [False, True])
@pytest.mark.parametrize("n", [1, 5, 64, 130])
def test_noise_is_what_the_oracle_draws(n: int, multiply: bool, isa: str) -> None:
    x = np.random.default_rng(n).normal(size=(9, n))
    for number in (0, 7):
        z = 0.5 * drawn(9, n, number=number)
        expected = x * (1 + z) if multiply else x + z
        spec = {"kind": "noise", "stddev": 0.5, "multiply": multiply, "key": KEY}
        np.testing.assert_allclose(forward(spec, x, "float64", number), expected, rtol=1e-13, atol=1e-14)
        np.testing.assert_allclose(forward(spec, x, "float32", number), expected, rtol=2e-6, atol=2e-6)


def test_far_tails() -> None:
    """A million draws: the extremes are there, in both dtypes, and the moments are the normal distribution's."""
    zeros = np.zeros((1000, 1000))
    z = forward({"kind": "noise", "stddev": 1.0, "multiply": False, "key": KEY}, zeros, "float64")
    single = forward({"kind": "noise", "stddev": 1.0, "multiply": False, "key": KEY}, zeros, "float32")
    np.testing.assert_allclose(single, z, rtol=3e-6, atol=3e-7)
    assert 4.3 < z.max() < 6.3
    assert -6.3 < z.min() < -4.3
    # Five standard deviations of the mean of z, z^2, z^3, z^4.
    for power, (mean, variance) in enumerate([(0, 1), (1, 2), (0, 15), (3, 96)], 1):
        assert abs((z**power).mean() - mean) < 5 * (variance / z.size) ** 0.5


def test_same_bits_on_every_instruction_set() -> None:
    x = np.random.default_rng(0).normal(size=(40, 33)).astype(np.float32)
    before, found = _core.build_info()["isa"], []
    for isa in _core.build_info()["isas"]:
        _core.set_isa(isa)
        found.append(forward({"kind": "noise", "stddev": 0.3, "multiply": False, "key": 5}, x, "float32").tobytes())
    _core.set_isa(before)
    assert len(set(found)) == 1


@pytest.mark.parametrize("cls", [layers.GaussianNoise, layers.GaussianDropout])
def test_noise_is_for_training_alone_and_new_in_each_call(cls: type[gs.Layer]) -> None:
    layer, x = cls(0.4, seed=1), np.ones((6, 5), np.float32)
    assert np.array_equal(layer(x), x)
    first, second = layer(x, training=True), layer(x, training=True)
    assert not np.array_equal(first, second)
    again = type(layer).from_config(layer.get_config())
    assert np.array_equal(again(x, training=True), first)


def test_gaussian_dropout_has_the_deviation_of_dropout() -> None:
    x = np.ones((2000, 100), np.float32)
    noisy, dropped = layers.GaussianDropout(0.2)(x, training=True), layers.Dropout(0.2)(x, training=True)
    assert noisy.mean() == pytest.approx(1, abs=0.005)
    assert noisy.std() == pytest.approx(dropped.std(), abs=0.01)


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: layers.GaussianNoise(-1.0), ValueError),
        (lambda: layers.GaussianNoise(float("nan")), ValueError),
        (lambda: layers.GaussianNoise("big"), TypeError),
        (lambda: layers.GaussianDropout(1.0), ValueError),
        (lambda: layers.GaussianDropout(0.5, seed=-1), ValueError),
    ],
)
def test_refusals(make: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        make()


def test_training_goes_on_to_the_bit(tmp_path: object) -> None:
    x = np.random.default_rng(0).normal(size=(30, 4))
    model = gs.Sequential([gs.Input((4,)), layers.GaussianNoise(0.5), layers.Dense(3), layers.GaussianDropout(0.2)])
    model.compile("adam", "mse")
    model.fit(x, x[:, :3], epochs=2, verbose=0)
    model.save(tmp_path / "m.gradstep")
    other = gs.models.load_model(tmp_path / "m.gradstep")
    for each in (model, other):
        each.fit(x, x[:, :3], epochs=2, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(model.weights, other.weights, strict=True))
