"""What is in the figures: data, axes, legends; and what is refused. Not their pixels."""

from __future__ import annotations

import re
import sys

import gradstep as gs
import numpy as np
import pytest
from gradstep import layers, plot

pytest.importorskip("matplotlib")

random = np.random.default_rng(0)
X = random.normal(size=(60, 2))
Y = (X[:, 0] > 0).astype(int)


class Says:
    """A model that computes what it is told."""

    def __init__(self, predict):
        self.predict = predict


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def contours(panel):
    """The levels of all lines that are drawn."""
    return sorted(
        float(level)
        for drawn in panel.collections
        if hasattr(drawn, "levels") and not drawn.filled
        for level in drawn.levels
    )


def test_the_package_imports_no_matplotlib():
    import subprocess

    code = "import sys, gradstep, gradstep.plot; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


# -- history -----------------------------------------------------------------------------------------------------------


def test_many_metrics_are_in_rows():
    history = {name: [3.0, 2.0] for name in ("loss", "out_accuracy", "auc", "recall", "learning_rate")}
    history["val_loss"] = [4.0, 3.0]
    figure = plot.plot_history(history, [0, 1])
    assert [panel.get_ylabel() for panel in figure.axes] == [
        "loss (mean over rows)",
        "out_accuracy (share of rows)",
        "auc",
        "recall",
        "learning rate",
    ]
    columns = {round(panel.get_subplotspec().colspan.start) for panel in figure.axes}
    assert columns == {0, 1, 2}
    assert figure.axes[4].get_legend() is None
    for panel in figure.axes:
        assert panel.get_xlabel() == "epoch"
        assert panel.lines[0].get_xdata().tolist() == [1, 2]


def test_learning_rates_of_many_sizes_have_a_logarithmic_axis():
    rates = {"learning_rate": [0.1, 0.01, 0.001]}
    assert plot.plot_history(rates, [0, 1, 2]).axes[0].get_yscale() == "log"
    assert plot.plot_history({"learning_rate": [0.1, 0.05, 0.0]}, [0, 1, 2]).axes[0].get_yscale() == "linear"


def test_a_validation_now_and_then_is_drawn_where_it_was():
    history = gs.callbacks.History()
    history.on_train_begin()
    for epoch in range(2, 8):
        history.on_epoch_end(epoch, {"loss": 1.0 / epoch} | ({"val_loss": 2.0 / epoch} if epoch % 3 == 2 else {}))
    assert len(history.history["val_loss"]) == 2  # as Keras's
    again = gs.callbacks.History()
    again.load_state_dict(history.state_dict())
    for one in (history, again):
        training, validation = one.plot().axes[0].lines
        assert training.get_xdata().tolist() == [3, 4, 5, 6, 7, 8]
        assert validation.get_xdata().tolist() == [3, 6]
        assert validation.get_ydata().tolist() == [1.0, 0.4]
        assert validation.get_marker() == "s"
    assert again.state_dict() == history.state_dict()


def test_history_refuses_curves_that_do_not_fit():
    history = gs.callbacks.History()
    history.on_epoch_end(0, {"loss": 1.0})
    history.history["val_loss"] = [1.0, 2.0]
    with pytest.raises(ValueError, match=r"history\['val_loss'\] has 2 values for 1 epochs"):
        history.plot()
    wrong = {"epoch": [0, 1], "history.loss": [1.0]}
    with pytest.raises(ValueError, match=r"state\['history.loss'\] must have a number for each of its epochs"):
        history.load_state_dict(wrong)
    assert history.epoch == [0]


def test_one_epoch_is_a_mark():
    (line,) = plot.plot_history({"loss": [1.0]}, [0]).axes[0].lines
    assert line.get_marker() == "o"


# -- decision boundary -------------------------------------------------------------------------------------------------


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


# -- embedding ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def deep():
    gs.utils.set_random_seed(0)
    names = ("first", "second", "last")
    sizes = (8, 5, 3)
    model = gs.Sequential(
        [gs.Input((2,)), *(layers.Dense(n, "tanh", name=name) for n, name in zip(sizes, names, strict=True))]
    )
    model.compile("sgd", "mse")
    return model


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
        ({"model": 3}, "model must be a Sequential with layers; got an int"),
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


# -- histograms --------------------------------------------------------------------------------------------------------


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
        ({"x": X, "y": Y[:4]}, "x and y must have as many rows"),
    ],
)
def test_wrong_arguments_of_histograms(deep, settings, message):
    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        plot.histograms(**({"model": deep} | settings))


# -- extras ------------------------------------------------------------------------------------------------------------


def test_missing_extras_are_named(deep, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.decomposition", None)
    with pytest.raises(ImportError, match=re.escape("embeddings need scikit-learn: pip install 'gradstep[sklearn]'")):
        plot.embedding(deep, X, Y, method="pca")
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    for draw in (
        lambda: plot.embedding(deep, X, Y),
        lambda: plot.histograms(deep),
        lambda: plot.decision_boundary(deep, X, Y),
        lambda: plot.learning_rate(gs.optimizers.schedules.CosineDecay(0.1, 5), 5),
    ):
        with pytest.raises(ImportError, match=re.escape("plots need matplotlib: pip install 'gradstep[plot]'")):
            draw()
