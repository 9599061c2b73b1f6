"""Random state: seeds of threads, models and fits; the same numbers beside other threads as alone."""

from __future__ import annotations

import pickle
import random
import threading
from concurrent.futures import ThreadPoolExecutor

import gradstep as gs
import numpy as np
import pytest
from gradstep import layers, seeds
from probe import key

X = np.random.default_rng(0).normal(size=(40, 4))


def stack() -> list[gs.Layer]:
    return [
        gs.Input((4,)),
        layers.Dense(5, "tanh"),
        layers.Dropout(0.3),
        layers.GaussianNoise(0.1),
        layers.Dense(1, kernel_initializer="he_normal"),
    ]


def trained(model: gs.Sequential, **arguments: int) -> bytes:
    model.compile("adam", "mse")
    model.fit(X, X[:, 0], epochs=2, batch_size=8, verbose=0, **arguments)
    return b"".join(weight.tobytes() for weight in model.weights)


def seeded(seed: int) -> bytes:
    gs.utils.set_random_seed(seed)
    return trained(gs.Sequential(stack()))


@pytest.fixture(autouse=True)
def generators() -> object:
    """Python's and NumPy's own generators as they were."""
    ours, numpys = random.getstate(), np.random.get_state()
    yield
    random.setstate(ours)
    np.random.set_state(numpys)


def test_threads_that_seed_get_what_they_get_alone() -> None:
    alone = {seed: seeded(seed) for seed in range(10)}
    turn = [seed for _ in range(8) for seed in range(10)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(seeded, turn))
    assert [alone[seed] for seed in turn] == found


def test_a_seed_of_another_thread_leaves_the_main_thread_alone() -> None:
    gs.utils.set_random_seed(3)
    expected = [seeds.fresh_key() for _ in range(4)]
    gs.utils.set_random_seed(3)
    found = [seeds.fresh_key()]
    other = threading.Thread(target=seeded, args=(99,))
    other.start()
    found += [seeds.fresh_key() for _ in range(3)]
    other.join()
    assert found == expected


def test_threads_without_a_seed_share_the_main_thread_s_and_draw_no_key_twice() -> None:
    gs.utils.set_random_seed(3)
    expected = {seeds.fresh_key() for _ in range(4000)}
    gs.utils.set_random_seed(3)
    with ThreadPoolExecutor(4) as pool:
        found = {key for keys in pool.map(lambda _: [seeds.fresh_key() for _ in range(1000)], range(4)) for key in keys}
    assert found == expected


def test_seed_of_a_model() -> None:
    first, second, other = (trained(gs.Sequential(stack(), seed=seed)) for seed in (1, 1, 2))
    assert first == second != other
    gs.utils.set_random_seed(5)
    before = seeds.fresh_key()
    gs.utils.set_random_seed(5)
    gs.Sequential([gs.Input((4,)), layers.Dense(5)], seed=1)
    assert seeds.fresh_key() == before  # the model drew from its own
    late = gs.Sequential(seed=1)
    for layer in stack():
        late.add(layer)
    assert trained(late) == first


def test_seed_of_a_model_leaves_seeds_of_layers_alone() -> None:
    make = lambda seed: gs.Sequential(  # noqa: E731
        [gs.Input((4,)), layers.Dense(3, kernel_initializer=gs.initializers.HeNormal(seed=7))], seed=seed
    )
    assert np.array_equal(make(1).layers[0].kernel, make(2).layers[0].kernel)
    drop = layers.Dropout(0.5, seed=4)
    before = key(drop)
    gs.Sequential([gs.Input((4,)), drop, layers.Dense(1)], seed=9)
    assert key(drop) == before


def test_layers_that_are_built_keep_what_they_draw() -> None:
    first = gs.Sequential(stack())
    keys, kernel = [key(layer) for layer in first.layers[1:3]], first.layers[0].kernel.copy()
    gs.Sequential([gs.Input((4,)), *first.layers], seed=3)
    assert [key(layer) for layer in first.layers[1:3]] == keys
    assert np.array_equal(first.layers[0].kernel, kernel)


def test_seed_of_a_functional_model_is_that_of_its_shuffles() -> None:
    def made(seed: int | None) -> bytes:
        gs.utils.set_random_seed(1)
        i = gs.Input((4,))
        outputs = layers.Dense(1)(layers.Dense(3, "relu")(i))
        gs.utils.set_random_seed(random.randrange(2**32))
        return trained(gs.Model(i, outputs, seed=seed))

    random.seed(0)
    assert made(5) == made(5) != made(6)


def test_seed_of_fit() -> None:
    def made(seed: int | None) -> bytes:
        gs.utils.set_random_seed(1)
        return trained(gs.Sequential([gs.Input((4,)), layers.Dense(1)]), **({} if seed is None else {"seed": seed}))

    assert made(5) == made(5) != made(6)
    assert made(None) == made(None) != made(5)


@pytest.mark.parametrize(
    ("seed", "error"), [(-1, ValueError), (2**32, ValueError), (1.5, TypeError), (True, TypeError)]
)
def test_wrong_seeds(seed: object, error: type[Exception]) -> None:
    model = gs.Sequential(stack())
    model.compile("sgd", "mse")
    for use in (lambda: gs.Sequential(stack(), seed=seed), lambda: model.fit(X, X[:, 0], seed=seed, verbose=0)):
        with pytest.raises(error, match="seed must be"):
            use()


def test_copies_and_files_go_on_alike(tmp_path: object) -> None:
    model = gs.Sequential(stack(), seed=11)
    model.compile("adam", "mse")
    model.save(tmp_path / "m.gradstep")
    others = [gs.models.load_model(tmp_path / "m.gradstep"), pickle.loads(pickle.dumps(model))]
    gs.utils.set_random_seed(77)
    expected = trained_as_is(model)
    assert [trained_as_is(other) for other in others] == [expected] * 2


def trained_as_is(model: gs.Sequential) -> bytes:
    model.fit(X, X[:, 0], epochs=2, batch_size=8, verbose=0)
    return b"".join(weight.tobytes() for weight in model.weights)


def test_layers_of_a_model_within_a_model_follow_its_seed() -> None:
    def made() -> bytes:
        inner = gs.Sequential([layers.Dense(5), layers.Dropout(0.5)])
        return trained(gs.Sequential([gs.Input((4,)), inner, layers.Dense(1)], seed=4))

    assert made() == made()
