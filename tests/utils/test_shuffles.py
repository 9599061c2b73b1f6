"""The order of rows: NumPy's permutation, made by the compiled core."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradstep import _core, seeds
from probe import training_of


@pytest.mark.parametrize("rows", [0, 1, 2, 3, 4, 5, 31, 32, 33, 127, 1000, 4096, 4097, 100_000])
@pytest.mark.parametrize("part", [0, 3])
def test_numpys_permutation(rows: int, part: int) -> None:
    for key, number in (((0, 0), 0), ((2**64 - 1, 5), 2**32 + 7), ((12, 2**40), 3)):
        order = seeds.shuffled(key, number, rows, part)
        assert order.dtype == np.int64
        assert np.array_equal(order, seeds.generator(key, number, part).permutation(rows))


def test_passes_shuffle_when_they_begin() -> None:
    """A key in place of an order: the same weights; of a subset ids are the places in it."""
    x, y = np.random.default_rng(0).normal(size=(40, 3)).astype("float32"), np.arange(40.0, dtype="float32")
    among = np.arange(5, 37)
    for some in (None, among):
        found = []
        for is_key in (True, False):
            model = gs.Sequential([gs.Input((3,)), gs.layers.Dropout(0.5, seed=1), gs.layers.Dense(1)], seed=2)
            model.compile("sgd", "mse")
            loop = training_of(model, x, y, 8)
            passes = _core.Passes(1, 1)
            for number in range(3):
                if is_key:
                    passes.add(0, loop, some, number, None, (9, 4))
                else:
                    places = seeds.shuffled((9, 4), number, 40 if some is None else len(some))
                    passes.add(0, loop, *((places, number) if some is None else (some[places], number, places)))
            while not passes.run(1.0):
                pass
            found.append([w.tobytes() for w in model.get_weights()])
        assert found[0] == found[1]
    with pytest.raises(ValueError, match="ids must be None where a key is given"):
        passes.add(0, loop, None, 0, np.arange(40), (1, 1))
