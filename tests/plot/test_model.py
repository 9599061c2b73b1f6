"""The picture of a model: boxes that name its layers, and arrows between those that are connected."""

from __future__ import annotations

import gradstep as gs
import pytest
from gradstep import layers
from gradstep.plot.boxes import _levels

pytest.importorskip("matplotlib")


def towers():
    x, z = gs.Input((6,), name="left"), gs.Input((4,), name="right")
    inner = gs.Sequential([gs.Input((5,)), layers.Dense(3, "relu"), layers.Dense(5)], name="inner")
    h = layers.Dense(5, "tanh", name="first", trainable=False)(x)
    return gs.Model([x, z], layers.Concatenate(name="both")([inner(h), layers.Dense(2)(z), h]))


def words(figure):
    return [text.get_text() for text in figure.axes[0].texts if text.get_text()]


def arrows(figure):
    return sum(text.get_text() == "" for text in figure.axes[0].texts)


def test_each_call_has_a_box_and_each_input_an_arrow(tmp_path):
    figure = gs.utils.plot_model(towers(), tmp_path / "model.png", dpi=50)
    assert words(figure) == ["InputLayer", "InputLayer", "Dense", "Sequential", "Dense", "Concatenate"]
    assert arrows(figure) == 6
    assert (tmp_path / "model.png").read_bytes()[:4] == b"\x89PNG"
    assert figure._repr_png_()[:4] == b"\x89PNG"


def test_what_is_written_in_the_boxes():
    shown = dict.fromkeys(
        ["show_shapes", "show_dtype", "show_layer_names", "show_layer_activations", "show_trainable"], True
    )
    found = words(gs.utils.plot_model(towers(), None, expand_nested=True, **shown))
    assert "Sequential" not in found
    begin = found.index("first")
    assert found[begin - 1 : begin + 5] == [
        "Dense",
        "first",
        "activation: tanh",
        "(None, 6) → (None, 5)",
        "float32",
        "not trainable",
    ]
    assert "(None, 5), (None, 2), (None, 5) → (None, 12)" in found


@pytest.mark.parametrize("rankdir", ["TB", "LR"])
def test_boxes_do_not_overlap(rankdir):
    figure = gs.utils.plot_model(towers(), None, show_shapes=True, rankdir=rankdir)
    boxes = [patch.get_bbox() for patch in figure.axes[0].patches if hasattr(patch, "get_boxstyle")]
    assert len(boxes) == 6
    for k, one in enumerate(boxes):
        assert not any(one.overlaps(other) for other in boxes[:k])
    wide, high = figure.get_size_inches()
    assert all(0 <= box.x0 < box.x1 <= wide and 0 <= box.y0 < box.y1 <= high for box in boxes)


def test_an_arrow_over_levels_goes_beside_the_boxes_between():
    levels, ways = _levels(4, [(0, 1), (1, 2), (2, 3), (0, 3)])
    assert [len(level) for level in levels] == [1, 2, 2, 1]
    assert [len(way) for way in ways] == [2, 2, 2, 4]


def test_what_it_refuses():
    with pytest.raises(TypeError, match="model must be a Sequential or a Model; got an int"):
        gs.utils.plot_model(3)
    with pytest.raises(ValueError, match="rankdir must be"):
        gs.utils.plot_model(towers(), None, rankdir="BT")
