"""What notebooks show: figures, models and histories, without a line of magic."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import gradstep as gs
import numpy as np
import pytest
from graphs import GRAPHS
from training import classifier, clusters

X, Y = clusters(40)
PNG = b"\x89PNG\r\n\x1a\n"

CELLS = """
import numpy as np, gradstep as gs
model = gs.Sequential([gs.Input((2,)), gs.layers.Dense(1, name="out")], name="small")
model.compile("sgd", "mse")
history = model.fit(np.ones((8, 2)), np.ones(8), epochs=3, verbose=0)
####
history.plot()
####
gs.plot.histograms(model)
####
model
####
history
####
%matplotlib inline
history.plot()
"""


def cells_of(html):
    """The texts of a table, row by row."""
    root = ElementTree.fromstring(html)
    return [["".join(cell.itertext()) for cell in row] for row in root.iter("tr")], "".join(root.itertext())


@pytest.fixture(scope="module")
def outputs():
    """What a real kernel sends for each of the cells."""
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    for needed in ("ipykernel", "matplotlib", "matplotlib_inline"):
        pytest.importorskip(needed)
    sources = CELLS.strip().split("\n####\n")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    return [[output.data for output in cell.outputs if "data" in output] for cell in notebook.cells]


@pytest.mark.peers
def test_a_kernel_shows_figures_models_and_histories(outputs):
    _, history, histograms, model, table, inline = outputs
    for shown in (history, histograms, inline):
        assert [("image/png" in data) for data in shown] == [True]
    assert "out (Dense)" in model[0]["text/html"]
    assert model[0]["text/plain"] == "<Sequential small of 1 layer, 3 params>"
    assert "loss" in table[0]["text/html"]
    assert table[0]["text/plain"].startswith("<History of 3 epochs: loss ")


def test_figures_are_pictures():
    figures = pytest.importorskip("matplotlib.figure")
    import pickle

    history = classifier().fit(X, Y, epochs=3, validation_split=0.25, verbose=0)
    figure = history.plot()
    assert isinstance(figure, figures.Figure)
    assert figure._repr_png_()[:8] == PNG
    assert pickle.loads(pickle.dumps(figure))._repr_png_()[:8] == PNG


@pytest.mark.parametrize("name", GRAPHS)
def test_a_model_is_its_table(name):
    model = GRAPHS[name][0](gs)
    rows, text = cells_of(model._repr_html_())
    connected = ["Connected to"] if len(rows[0]) == 4 else []
    assert rows[0] == ["Layer (type)", "Output Shape", "Param #", *connected]
    assert [row[0] for row in rows[1:]] == [f"{layer.name} ({type(layer).__name__})" for layer in model.layers]
    assert [row[2] for row in rows[1:]] == [f"{layer.count_params():,}" for layer in model.layers]
    assert f"Total params: {model.count_params():,}" in text
    assert repr(model) == (
        f"<Functional {model.name} of {len(model.layers)} layers, {model.count_params():,} params>"
    )  # fmt: skip


def test_what_is_not_built_says_so():
    model = gs.Sequential([gs.layers.Dense(3, name="<b>")], name="a&b")
    assert repr(model) == "<Sequential a&b of 1 layer, not built>"
    rows, text = cells_of(model._repr_html_())
    assert rows[1] == ["<b> (Dense)", "?", "0 (unbuilt)"]
    assert 'Sequential "a&b"' in text
    assert repr(gs.Sequential([], name="none")) == "<Sequential none of 0 layers, not built>"
    assert cells_of(gs.Sequential([])._repr_html_())[0][1:] == []


def test_a_history_is_its_table():
    options = {"epochs": 4, "validation_split": 0.25, "validation_freq": 2, "verbose": 0}
    history = classifier().fit(X, Y, **options)
    rows, _ = cells_of(history._repr_html_())
    assert rows[0] == ["epoch", *history.history]
    assert [row[0] for row in rows[1:]] == ["1", "2", "3", "4"]
    place = rows[0].index("val_loss")
    assert [bool(row[place]) for row in rows[1:]] == [False, True, False, True]
    assert float(rows[4][place]) == pytest.approx(history.history["val_loss"][1], rel=1e-3)
    assert re.fullmatch(r"<History of 4 epochs: loss [\d.]+, accuracy .*>", repr(history))


def test_of_long_histories_both_ends_are_shown():
    history = gs.callbacks.History()
    assert repr(history) == "<History of 0 epochs>"
    assert cells_of(history._repr_html_())[0] == [["epoch"]]
    for epoch in range(1000):
        history.on_epoch_end(epoch, {"loss": 1 / (1 + epoch), "each": np.array([1.0, 2.0])})
    rows, text = cells_of(history._repr_html_())
    assert [row[0] for row in rows[1:]] == [*map(str, range(1, 16)), "...", *map(str, range(986, 1001))]
    assert "1000 epochs" in text
    assert repr(history) == "<History of 1000 epochs: loss 0.001, each [1. 2.]>"


@pytest.mark.parametrize("name", ["Adam", "SGD", "Muon", "Lion", "Lamb", "ScheduleFreeAdamW"])
def test_an_optimizer_is_one_line(name):
    assert re.fullmatch(rf"{name}\(learning_rate=[^\n]*\)", repr(getattr(gs.optimizers, name)()))
