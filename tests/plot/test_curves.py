"""The curves of a history; and what a figure needs."""

from __future__ import annotations

import re
import sys

import gradstep as gs
import pytest
from gradstep import layers, plot
from pictures import X, Y, three_layers

pytest.importorskip("matplotlib")


def test_the_package_imports_no_matplotlib():
    import subprocess

    code = "import sys, gradstep, gradstep.plot; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


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


def test_validation_freq_of_fit():
    model = gs.Sequential([layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["mae"])
    history = model.fit(X, Y, epochs=7, validation_split=0.2, validation_freq=3, initial_epoch=1, verbose=0)
    for panel in history.plot().axes:
        training, validation = panel.lines
        assert training.get_xdata().tolist() == [2, 3, 4, 5, 6, 7]
        assert validation.get_xdata().tolist() == [3, 6]


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


@pytest.fixture
def deep():
    return three_layers()


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


def test_what_fit_returns_is_a_history():
    history = gs.callbacks.History()
    history.on_train_begin()
    for epoch in range(3, 6):
        history.on_epoch_end(epoch, {"loss": 1.0 / epoch})
    assert plot.plot_history(history).axes[0].lines[0].get_xdata().tolist() == [4, 5, 6]
    assert plot.plot_history(history.history).axes[0].lines[0].get_xdata().tolist() == [1, 2, 3]


def test_runs_are_drawn_beside_each_other():
    short, long = gs.callbacks.History(), gs.callbacks.History()
    for one, epochs in ((short, 2), (long, 4)):
        one.on_train_begin()
        for epoch in range(epochs):
            one.on_epoch_end(epoch, {"loss": 1.0, "learning_rate": 0.1**epoch, "val_loss": 2.0})
    figure = plot.plot_history({"short": short, "long": long, "by hand": {"loss": [3.0, 2.0], "auc": [0.5, 0.6]}})
    loss, rate, auc = figure.axes
    assert [panel.get_ylabel() for panel in (loss, rate, auc)] == ["loss (mean over rows)", "learning rate", "auc"]
    assert [text.get_text() for text in loss.get_legend().get_texts()] == ["short", "long", "by hand", "validation"]
    assert [text.get_text() for text in auc.get_legend().get_texts()] == ["by hand"]
    assert [len(line.get_xdata()) for line in loss.lines] == [2, 2, 4, 4, 2, 0]
    assert loss.lines[0].get_color() == loss.lines[1].get_color() != loss.lines[2].get_color()
    assert loss.lines[1].get_linestyle() == "--"
    assert rate.get_yscale() == "log"


@pytest.mark.parametrize(
    ("history", "epochs", "error", "said"),
    [
        (3, None, TypeError, "history must be a History, or a dict"),
        ([1.0, 0.5], None, TypeError, "history must be a History, or a dict"),
        ({}, None, ValueError, "at least one epoch"),
        (gs.callbacks.History(), None, ValueError, "at least one epoch"),
        ({"a": {}}, None, ValueError, "at least one epoch"),
        ({"loss": [1.0, 2.0]}, [0], ValueError, "2 values for 1 epochs"),
        ({"a": {"loss": [1.0]}}, [0], ValueError, "epochs must be None"),
        ({"a": {"loss": [1.0]}, "b": 3}, None, TypeError, "history must be a History, or a dict"),
    ],
)
def test_no_history(history, epochs, error, said):
    with pytest.raises(error, match=said):
        plot.plot_history(history, epochs)
