"""What the histograms count."""

from __future__ import annotations

import re

import gradstep as gs
import numpy as np
import pytest
from gradstep import layers, plot
from pictures import X, Y, legend, three_layers

pytest.importorskip("matplotlib")


@pytest.fixture
def deep():
    return three_layers()


def counted(panel):
    return sorted(int(one.get_data().values.sum()) for one in panel.patches)


def test_histograms_count_every_weight(deep):
    figure = plot.histograms(deep)
    assert [panel.get_title(loc="left") for panel in figure.axes] == ["first", "second", "last"]
    assert [counted(panel) for panel in figure.axes] == [[8, 16], [5, 40], [3, 15]]
    assert legend(figure) == ["kernel", "bias"]
    assert figure.axes[-1].get_xlabel() == "weight"
    assert figure.get_supylabel() == "how many a bin"


def test_histograms_of_gradients(deep, tmp_path):
    deep.layers[2].trainable = False
    deep.compile("sgd", "mse")
    before = deep.get_weights()
    figure = plot.histograms(deep, X, np.zeros((60, 3)), path=tmp_path / "h.svg")
    values, sizes = figure.axes[::2], figure.axes[1::2]
    assert [counted(panel) for panel in sizes] == [[8, 16], [5, 40], []]
    assert [panel.get_title(loc="right") for panel in sizes] == ["", "", "not trained"]
    assert all(panel.get_xscale() == "log" and panel.get_yscale() == "log" for panel in sizes)
    assert all(panel.get_xscale() == "linear" for panel in values)
    assert sizes[-1].get_xlabel() == "|gradient| of the loss"
    assert "<svg" in (tmp_path / "h.svg").read_text()
    for mine, was in zip(deep.get_weights(), before, strict=True):
        np.testing.assert_array_equal(mine, was)


def test_zeros_and_infinities_are_said(deep):
    deep.layers[0].kernel[:] = 0
    deep.layers[0].kernel[0, :3] = np.inf
    deep.layers[1].kernel[:] = 0
    figure = plot.histograms(deep, X, np.zeros((60, 3)))
    assert figure.axes[0].get_title(loc="right") == "3 not finite"
    deep.layers[0].kernel[:] = 0
    figure = plot.histograms(deep, X, np.zeros((60, 3)))
    assert figure.axes[1].get_title(loc="right") == "100% are 0"


def test_twenty_layers():
    pairs = [(layers.Dense(4), layers.BatchNormalization()) for _ in range(10)]
    figure = plot.histograms(gs.Sequential([gs.Input((4,)), *(layer for pair in pairs for layer in pair)]))
    assert len(figure.axes) == 20
    assert legend(figure) == ["kernel", "bias", "gamma", "beta", "moving_mean", "moving_variance"]
    looks = {
        (handle.get_linestyle(), handle.get_edgecolor() if hasattr(handle, "get_edgecolor") else handle.get_color())
        for handle in figure.legends[0].legend_handles
    }
    assert len(looks) == 6


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model": gs.Sequential([layers.Dense(1)])}, "model must be built and have layers with weights; got"),
        ({"model": 3}, "model must be built and have layers with weights; got an int"),
        ({"x": X}, "x and y must come together"),
        ({"y": Y}, "x and y must come together"),
        ({"x": X, "y": Y[:4]}, "x and y must have the same number of rows"),
    ],
)
def test_wrong_arguments_of_histograms(deep, settings, message):
    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        plot.histograms(**({"model": deep} | settings))


def test_layers_of_models_in_the_model():
    x = gs.Input((2,))
    inner = gs.Sequential([gs.Input((2,)), layers.Dense(4, name="a"), layers.Dense(3, name="b")], name="inner")
    model = gs.Model(x, layers.Dense(1, name="last")(layers.Concatenate()([inner(x), x])))
    model.compile("sgd", "mse")
    figure = plot.histograms(model, X, Y)
    assert [panel.get_title(loc="left") for panel in figure.axes[::2]] == ["inner/a", "inner/b", "last"]
    for panels in (figure.axes[::2], figure.axes[1::2]):
        assert [counted(panel) for panel in panels] == [[4, 8], [3, 12], [1, 5]]
