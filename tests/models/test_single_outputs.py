"""A model whose one output, or input, was given in a list."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradstep import layers


@pytest.mark.parametrize("outputs", [list, tuple])
def test_a_list_of_one_output_gives_that_one_as_in_keras(outputs, tmp_path):
    """``np.argmax(model.predict(x), axis=1)`` would take another axis of a list."""
    x = gs.Input((6,))
    h = layers.Dense(2, name="h")(x)
    plain, listed = gs.Model(x, h), gs.Model([x], outputs([h]))
    data, y = np.ones((3, 6)), np.ones((3, 2))
    assert np.array_equal(listed.predict(data, verbose=0), plain.predict(data, verbose=0))
    assert listed.predict_on_batch([data]).shape == listed(data).shape == listed(data, training=True).shape == (3, 2)
    dx, _ = listed.backward(np.ones((3, 2)))
    assert (dx.shape, listed.output_shape, listed.input_shape) == ((3, 6), (None, 2), (None, 6))
    assert (listed.input, listed.output) == ([x], [h])
    for loss, metrics, target in (
        ("mse", ["mae"], y),
        (["mse"], [["mae"]], [y]),
        ({"h": "mse"}, {"h": "mae"}, {"h": y}),
    ):
        listed.compile("sgd", loss, metrics=metrics)
        assert sorted(listed.fit([data], target, verbose=0).history) == ["loss", "mae"]
    listed.save(tmp_path / "m.gradstep")
    again = gs.models.load_model(tmp_path / "m.gradstep")
    assert np.array_equal(again.predict(data, verbose=0), listed.predict(data, verbose=0))
