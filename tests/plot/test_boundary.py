"""What is in the picture of a plane: regions, borders, points; and what is refused. Not its pixels."""

from __future__ import annotations

import re

import gradstep as gs
import numpy as np
import pytest
from gradstep import layers, plot
from pictures import X, Y, legend

pytest.importorskip("matplotlib")


class Says:
    """A model that computes what it is told."""

    def __init__(self, predict):
        self.predict = predict


def contours(panel):
    """The levels of all lines that are drawn."""
    return sorted(
        float(level)
        for drawn in panel.collections
        if hasattr(drawn, "levels") and not drawn.filled
        for level in drawn.levels
    )


@pytest.mark.parametrize(
    ("predict", "labels", "levels", "words"),
    [
        (lambda p: 1 / (1 + np.exp(-3 * p[:, :1])), Y, [0.1, 0.5, 0.9], ["border, at 0.5", "0.1 and 0.9"]),
        (lambda p: 3 * p[:, 0], 2 * Y - 1, [0.0], ["border, at 0"]),
        (lambda p: 3 * p[:, 0], Y, [0.5], ["border, at 0.5"]),
        (lambda p: (p[:, 0] > 0).astype(int), Y, [0.0, 0.0], ["border"]),
        (lambda p: np.where(p[:, 0] > 0, "yes", "no"), np.where(Y, "yes", "no"), [0.0, 0.0], ["border"]),
    ],
)
def test_two_classes(predict, labels, levels, words, tmp_path):
    path = tmp_path / "plane.png"
    figure = plot.decision_boundary(Says(predict), X, labels, names=("length (m)", "width (m)"), path=path)
    panel = figure.axes[0]
    assert path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert (panel.get_xlabel(), panel.get_ylabel()) == ("length (m)", "width (m)")
    np.testing.assert_allclose(contours(panel), levels)
    assert legend(figure) == [f"class {label}" for label in np.unique(labels)] + words
    drawn = [one for one in panel.collections if not hasattr(one, "levels")]
    for one, label in zip(drawn, np.unique(labels), strict=True):
        np.testing.assert_array_equal(one.get_offsets(), X[labels == label])
    assert len({len(one.get_paths()[0].vertices) for one in drawn}) == 2  # markers differ
    for low, high, column in zip(*np.transpose([panel.get_xlim(), panel.get_ylim()]), X.T, strict=True):
        assert low < column.min()
        assert high > column.max()


def test_the_border_is_where_the_model_has_it():
    figure = plot.decision_boundary(Says(lambda p: 1 / (1 + np.exp(p[:, 1] - 0.3))), X, Y)
    (border,) = [one for one in figure.axes[0].collections if hasattr(one, "levels") and list(one.levels) == [0.5]]
    np.testing.assert_allclose(border.get_paths()[0].vertices[:, 1], 0.3, atol=1e-6)
    figure = plot.decision_boundary(Says(lambda p: p[:, 1]), X, Y, threshold=0.7)
    assert contours(figure.axes[0]) == [0.7]


def test_several_classes():
    labels = np.where(X[:, 0] > 0, 2, np.where(X[:, 1] > 0, 1, 0))
    model = gs.Sequential([layers.Dense(16, "tanh"), layers.Dense(3, "softmax")])
    model.compile(gs.optimizers.Adam(0.05), "sparse_categorical_crossentropy")
    model.fit(X, labels, epochs=60, verbose=0)
    figure = plot.decision_boundary(model, X, labels, resolution=50)
    panel = figure.axes[0]
    assert legend(figure) == ["class 0", "class 1", "class 2", "border", "probability 0.9"]
    (image,) = panel.images
    shades = np.asarray(image.get_array())
    assert shades.shape[:2] == (50, 50)
    grey = np.unique((shades[..., :3] @ [0.2126, 0.7152, 0.0722]).round(6))
    assert len(grey) == 3
    assert np.diff(grey).min() > 0.05
    one_hot = plot.decision_boundary(model, X, np.eye(3)[labels], resolution=50)
    np.testing.assert_array_equal(one_hot.axes[0].images[0].get_array(), image.get_array())


def test_logits_are_shown_as_probabilities():
    for units, loss in ((1, "BinaryCrossentropy"), (2, "SparseCategoricalCrossentropy")):
        model = gs.Sequential([layers.Dense(units, kernel_initializer="ones", bias_initializer="zeros")])
        model.compile(loss=getattr(gs.losses, loss)(from_logits=True))
        model.build((None, 2))
        if units == 2:
            model.layers[0].kernel[:, 0] = 0
        figure = plot.decision_boundary(model, 3 * X, Y)
        np.testing.assert_allclose(contours(figure.axes[0]), [0.1, 0.5, 0.9])
        assert figure.axes[1].get_ylabel() == "probability of class 1"
        (border,) = [one for one in figure.axes[0].collections if hasattr(one, "levels") and list(one.levels) == [0.5]]
        np.testing.assert_allclose(border.get_paths()[0].vertices.sum(1), 0, atol=1e-4)


def test_two_features_of_many():
    table = np.column_stack([X, np.full((60, 2), [5.0, 7.0])])
    seen = []
    model = Says(lambda p: (seen.append(p), 1 / (1 + np.exp(-p[:, 1])))[1])
    figure = plot.decision_boundary(model, table, Y, features=(1, 3), resolution=9)
    assert (figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()) == ("feature 1", "feature 3")
    assert "2 other features held at their means" in figure.axes[0].get_title()
    np.testing.assert_allclose(seen[0][:, 0], X[:, 0].mean(), rtol=1e-12)
    assert (seen[0][:, 2] == 5.0).all()
    assert np.unique(seen[0][:, 1]).size == 9
    plot.decision_boundary(model, table, Y, features=(1, 3), held=[9, 0, 8, 0], resolution=9)
    assert seen[1][0].tolist()[::2] == [9.0, 8.0]


def test_classifiers_of_scikit_learn():
    linear_model = pytest.importorskip("sklearn.linear_model")
    labels = np.where(Y, "up", "down")
    model = linear_model.LogisticRegression(C=100).fit(X, labels)
    figure = plot.decision_boundary(model, X, labels)
    assert figure.axes[1].get_ylabel() == "probability of class up"
    np.testing.assert_allclose(contours(figure.axes[0]), [0.1, 0.5, 0.9])


@pytest.mark.peers
def test_names_of_a_data_frame():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=["a (m)", "b (s)"])
    panel = plot.decision_boundary(Says(lambda p: p[:, 0]), frame, pandas.Series(Y)).axes[0]
    assert (panel.get_xlabel(), panel.get_ylabel()) == ("a (m)", "b (s)")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model": 3}, "model must have a method predict; got an int"),
        ({"X": X[:, 0]}, "X must have shape (rows, features), with at least one row; its shape is (60,)"),
        ({"X": np.where(X[3] == X, np.nan, X)}, "X must be finite; X[3, 0] is nan"),
        ({"y": Y[:5]}, "y must have a label for each of 60 rows of X; its shape is (5,)"),
        ({"X": np.zeros((60, 3))}, "features must name two columns of X, as (0, 1): X has 3"),
        ({"features": (0, 2)}, "features must be two different columns of X, from 0 to 1; got (0, 2)"),
        ({"features": (1, 1)}, "features must be two different columns"),
        ({"held": [1, 2, 3]}, "held must have a number for each of 2 features; its shape is (3,)"),
        ({"names": "ab"}, "names must be two, of the axes; got 'ab'"),
        ({"resolution": 1}, "resolution must be at least 2"),
        ({"y": np.arange(60)}, "a model of one output must tell two classes apart; y has 60"),
        ({"model": Says(lambda p: np.full((len(p), 2), 0.5)), "y": Y + 1}, "y must hold classes that the model knows"),
        ({"model": Says(lambda p: np.zeros(7))}, "model must give scores or a label for each row; for 40000 it gave"),
    ],
)
def test_wrong_arguments_of_the_boundary(settings, message):
    given = {"model": Says(lambda p: p[:, 0]), "X": X, "y": Y} | settings
    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        plot.decision_boundary(**given)
