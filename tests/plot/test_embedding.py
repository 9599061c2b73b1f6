"""Where the outputs of a layer are drawn."""

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


def test_principal_components_of_a_layer(deep):
    decomposition = pytest.importorskip("sklearn.decomposition")
    hidden = np.tanh(np.tanh(X @ deep.layers[0].kernel) @ deep.layers[1].kernel)
    wanted = decomposition.PCA(2).fit_transform(hidden)
    for layer in (None, "second", 1, -2):
        figure = plot.embedding(deep, X, Y, layer=layer, method="pca")
        panel = figure.axes[0]
        drawn = np.concatenate([one.get_offsets() for one in panel.collections])
        wanted_here = np.concatenate([wanted[Y == 0], wanted[Y == 1]])
        np.testing.assert_allclose(drawn, wanted_here, atol=1e-4)
        assert panel.get_title() == "PCA of the 5 outputs of layer 'second'"
        assert re.fullmatch(r"component 1 \(\d+% of the variance\)", panel.get_xlabel())
        assert legend(figure) == ["class 0", "class 1"]


def test_layers_work_as_in_predictions():
    """No dropout, the moving averages, bytes as the model takes them."""
    pytest.importorskip("sklearn")
    images, model = np.random.default_rng(1).integers(0, 255, (40, 3, 4), np.uint8), gs.Sequential()
    for layer in (layers.Rescaling(1 / 255), layers.Flatten(), layers.BatchNormalization(), layers.Dropout(0.5)):
        model.add(layer)
    model.add(layers.Dense(2))
    model.compile("adam", "mse")
    model.fit(images, np.zeros((40, 2)), epochs=3, verbose=0)
    wanted = model.predict(images, verbose=0)
    figure = plot.embedding(model, images, np.zeros(40), layer=-1, method="pca")
    drawn = figure.axes[0].collections[0].get_offsets()
    distances = [np.linalg.norm(points[:, None] - points, axis=-1) for points in (drawn, wanted)]
    np.testing.assert_allclose(*distances, atol=1e-5)  # PCA of two numbers turns them


def test_neighbours_stay_together(deep, tmp_path):
    pytest.importorskip("sklearn")
    threads = pytest.importorskip("threadpoolctl")
    with threads.threadpool_limits(1):  # its pool is slow on busy cores
        figures = [plot.embedding(deep, X, Y, seed=seed, path=tmp_path / "t.png") for seed in (1, 1)]
        least = plot.embedding(deep, X[:3], Y[:3], layer="last")  # fewer rows than its neighbourhoods have
    assert least.axes
    first, second = (figure.axes[0].collections[0].get_offsets() for figure in figures)
    np.testing.assert_array_equal(first, second)
    assert figures[0].axes[0].get_xlabel() == "t-SNE 1 (no unit)"
    assert (tmp_path / "t.png").stat().st_size > 1000


def test_a_scale_of_targets(deep):
    pytest.importorskip("sklearn")
    figure = plot.embedding(deep, X, X[:, 0], method="pca")
    assert figure.axes[1].get_ylabel() == "target"
    np.testing.assert_array_equal(figure.axes[0].collections[0].get_array(), X[:, 0])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model": 3}, "model must be a model with layers; got an int"),
        ({"layer": "third"}, "layer must be one of first, second, last; got 'third'"),
        ({"layer": 3}, "layer must be from -3 to 2; got 3"),
        ({"layer": 1.0}, "layer must be a name or an index; got a float"),
        ({"method": "umap"}, "method must be one of tsne, pca; got 'umap'"),
        ({"seed": -1}, "seed must be at least 0"),
        ({"X": X[:2], "y": Y[:2]}, "X must have shape (rows, ...), with at least 3 rows; its shape is (2, 2)"),
        ({"y": Y[:2]}, "y must have a label for each of 60 rows"),
    ],
)
def test_wrong_arguments_of_the_embedding(deep, settings, message):
    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        plot.embedding(**({"model": deep, "X": X, "y": Y} | settings))


def test_layers_of_any_model():
    pytest.importorskip("sklearn")
    x = gs.Input((2,))
    hidden = layers.Dense(3, "tanh", name="hidden")(x)
    model = gs.Model(x, [layers.Dense(1)(layers.Concatenate(name="both")([hidden, x])), layers.Dense(2)(hidden)])
    figure = plot.embedding(model, X, Y, layer="both", method="pca")
    assert figure.axes[0].get_title() == "PCA of the 5 outputs of layer 'both'"
    both = np.hstack([np.tanh(X @ model.get_layer("hidden").kernel), X])
    drawn = np.concatenate([one.get_offsets() for one in figure.axes[0].collections])
    ordered = np.concatenate([both[Y == 0], both[Y == 1]])
    spread = np.linalg.svd(ordered - ordered.mean(0), compute_uv=False)[:2]
    np.testing.assert_allclose(np.linalg.norm(drawn, axis=0), spread, rtol=1e-4)
