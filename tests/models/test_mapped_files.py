"""Training on mapped files, in the order of their rows, in any, and in blocks."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradstep.data import mapped
from training import classifier, clusters, snapshot

ROWS, WIDTH = 3000, 16


@pytest.fixture
def small(monkeypatch):
    """Every file is a large one, of which no page is kept; blocks of 64 rows, and windows of 4 blocks."""
    monkeypatch.setattr(mapped, "LARGE", 1)
    monkeypatch.setattr(mapped, "MOST", -(1 << 40))
    monkeypatch.setattr(mapped, "BLOCK", 64 * WIDTH * 4)
    monkeypatch.setattr(mapped, "WINDOW", 4 * 64 * WIDTH * 4)


def trained(x, y, **options):
    model = classifier(WIDTH)
    history = model.fit(x, y, **{"batch_size": 32, "epochs": 3, "verbose": 0} | options)
    return snapshot(model), history.history


def file_of(path, x, mode):
    np.save(path, x)
    return np.load(path, mmap_mode=mode)


@pytest.mark.parametrize("mode", ["r", "r+", "c"])
@pytest.mark.parametrize("shuffle", [True, False, "blocks"])
def test_a_mapped_file_is_trained_on_as_an_array(small, tmp_path, mode, shuffle):
    x, y = clusters(ROWS, WIDTH)
    given = file_of(tmp_path / "x.npy", x, mode)
    assert (mapped.mapping_of(np.asarray(given)) is None) == (mode == "c")
    options = {"shuffle": shuffle, "validation_split": 0.2}
    assert trained(given, y, **options) == trained(x, y, **options)


def test_what_was_written_into_a_copy_or_a_file_stays(small, tmp_path):
    """Pages that hold changes: of a private copy they would be lost."""
    x, y = clusters(ROWS, WIDTH)
    wanted = trained(x + 1, y)
    for mode in ("c", "r+"):
        given = file_of(tmp_path / f"{mode[0]}.npy", x, mode)
        given += 1
        assert trained(given, y) == wanted
        np.testing.assert_array_equal(given, x + 1)


def test_scores_outputs_and_several_inputs(small, tmp_path):
    x, y = clusters(ROWS, WIDTH)
    given = file_of(tmp_path / "x.npy", x, "r")
    model = classifier(WIDTH)
    np.testing.assert_array_equal(model.predict(given, verbose=0), model.predict(x, verbose=0))
    assert model.evaluate(given, y, verbose=0) == model.evaluate(x, y, verbose=0)
    found = []
    for one in (x, given):
        gs.utils.set_random_seed(1)
        a, b = gs.Input((WIDTH,)), gs.Input((WIDTH,))
        joined = gs.Model([a, b], gs.layers.Dense(1)(gs.layers.Add()([a, b])))
        joined.compile("adam", "mse")
        joined.fit([one, 2 * x], y, verbose=0, shuffle="blocks")
        found.append(snapshot(joined))
    assert found[0] == found[1]


def test_orders_of_blocks():
    order = mapped.in_blocks(lambda number, count: np.random.default_rng(number).permutation(count), 1000)
    block, window = mapped.BLOCK // 1000, mapped.WINDOW // 1000
    rows = order(3, 100_000)
    np.testing.assert_array_equal(np.sort(rows), np.arange(100_000))
    for i in range(0, 100_000, window):
        part = rows[i : i + window]
        assert len(np.unique(part // block)) <= window // block + 3  # two that are cut, and the short last one
        assert (np.diff(part) == 1).mean() < 0.01  # mixed
    assert (order(4, 100_000) != rows).any()
    np.testing.assert_array_equal(order(3, 100_000), rows)


def test_blocks_are_of_arrays():
    x, y = clusters(64)
    model = classifier()
    with pytest.raises(ValueError, match="shuffle must be True or False where x gives batches; got 'blocks'"):
        model.fit(iter([(x, y)]), shuffle="blocks", verbose=0)
    with pytest.raises(ValueError, match="shuffle must be True, False or 'blocks'; got 'block'"):
        model.fit(x, y, shuffle="block", verbose=0)
