"""The table of a model's layers."""

from __future__ import annotations

import re

import gradstep as gs
import numpy as np
import pytest
from gradstep import layers


def table(model, **settings):
    lines = []
    model.summary(print_fn=lines.append, **settings)
    return lines


def mixed():
    """Two layers that are trained, one that is not, one without weights."""
    return gs.Sequential(
        [
            gs.Input((8, 8)),
            layers.Flatten(name="flat"),
            layers.Dense(1000, name="wide"),
            layers.BatchNormalization(name="norm", trainable=False),
            layers.Dense(2, name="out"),
        ],
        name="mine",
    )


def test_summary():
    assert table(mixed(), line_length=60) == [
        'Model: "mine"',
        "=" * 60,
        "Layer (type)               Output Shape              Param #",
        "=" * 60,
        "flat (Flatten)             (None, 64)                      0",
        "wide (Dense)               (None, 1000)               65,000",
        "norm (BatchNormalization)  (None, 1000)                4,000",
        "out (Dense)                (None, 2)                   2,002",
        "=" * 60,
        " Total params: 71,002 (277.35 KB)",
        " Trainable params: 67,002 (261.73 KB)",
        " Non-trainable params: 4,000 (15.62 KB)",
    ]


def test_which_layers_are_trained():
    lines = table(mixed(), show_trainable=True, line_length=90)
    assert lines[2].split()[-1] == "Trainable"
    assert [line.split()[-1] for line in lines[4:8]] == ["-", "Y", "N", "Y"]
    assert max(map(len, lines)) == 90


def test_the_optimizer_counts_once_it_was_used():
    model = mixed()
    model.compile("adam", "mse")
    before = table(model)
    model.train_on_batch(np.zeros((4, 8, 8)), np.zeros((4, 2)))
    assert table(model)[-4:] == [
        f" Total params: {71_002 + 2 * 67_002:,} (800.80 KB)",
        *before[-2:],
        " Optimizer params: 134,004 (523.45 KB)",
    ]


def test_long_names_go_on_in_the_next_line():
    name = "_".join(["encoder"] * 12)
    model = gs.Sequential([gs.Input((3,)), layers.Dense(10**6, name=name), layers.Dense(1, name="out")])
    for length in (50, 76):
        lines = table(model, line_length=length)
        assert max(map(len, lines)) == length
        column = int(0.45 * length) - 2
        text = "".join(line[:column].rstrip() for line in lines[4:-5])
        assert text == f"{name}(Dense)"
        assert "4,000,000" in lines[4]


def test_it_fits_the_terminal(monkeypatch):
    for columns, width in ((60, 56), (80, 76), (300, 88)):
        monkeypatch.setenv("COLUMNS", str(columns))
        assert max(map(len, table(mixed()))) == width
        assert max(map(len, table(mixed(), show_trainable=True))) == min(columns - 4, 100)


def test_only_ascii_and_print(capsys):
    mixed().summary()
    assert capsys.readouterr().out.isascii()


def test_a_model_without_weights_yet():
    lines = table(gs.Sequential([layers.Dense(3, name="first"), layers.Dense(1, name="last")]), line_length=60)
    assert lines[4] == "first (Dense)              ?                     0 (unbuilt)"
    assert lines[-3:] == [f" {kind} params: 0 (0.00 B)" for kind in ("Total", "Trainable", "Non-trainable")]


@pytest.mark.parametrize(
    ("span", "shown"),
    [
        (("wide", "norm"), ["wide", "norm"]),
        (("norm", "wide"), ["wide", "norm"]),
        (("out", "out"), ["out"]),
        ((".*a", "w"), ["flat", "wide"]),
    ],
)
def test_a_range_of_layers(span, shown):
    lines = table(mixed(), layer_range=span)
    assert [line.split()[0] for line in lines[4:-4]] == shown
    assert lines[-3:] == table(mixed())[-3:]


@pytest.mark.parametrize("columns", [0, 1, 10, 40, 60])
def test_a_narrow_terminal_is_no_error(columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    for model in (mixed(), connected(gs)):
        for options in ({}, {"show_trainable": True}, {"expand_nested": True}):
            assert table(model, **options)[-3:] == table(model, line_length=200, **options)[-3:]


def test_positions():
    header = table(mixed(), line_length=80, positions=[0.5, 0.9, 1.0])[2]
    assert (header.index("Output"), header.index("Param"), len(header)) == (40, 73, 80)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"line_length": 0}, "line_length must be at least 1"),
        ({"line_length": 20}, "line_length must leave 6 characters to each column"),
        ({"positions": [0.5, 1.0]}, "positions must be 3 numbers above 0 that rise to 1"),
        ({"positions": [0.5, 0.4, 1.0]}, "positions must be 3 numbers"),
        ({"positions": [0.5, 0.6, 0.9]}, "positions must be 3 numbers"),
        ({"layer_range": ("wide",)}, "layer_range must be two names of layers"),
        ({"layer_range": ("wide", "deep")}, "layer_range must name layers of the model, flat, wide, norm, out"),
        ({"show_trainable": "yes"}, "show_trainable must be"),
        ({"print_fn": 3}, "print_fn must be a function of a line; got an int"),
    ],
)
def test_wrong_arguments(settings, message, capsys):
    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        mixed().summary(**settings)
    assert capsys.readouterr().out == ""


def connected(library):
    """A shared layer, a model in the model, two inputs and two outputs."""
    x, z = (library.Input((4,), name=name) for name in "xz")
    shared = library.layers.Dense(8, "tanh", name="shared")
    inner = library.Sequential(
        [library.Input((8,)), library.layers.Dense(5, name="in1"), library.layers.Dense(2, name="in2")], name="inner"
    )
    h, g = shared(x), shared(z)
    both = library.layers.Concatenate(name="both")([h, g, inner(h)])
    outputs = [library.layers.Dense(1, name="price")(both), library.layers.Dense(3, "softmax", name="kind")(both)]
    return library.Model([x, z], outputs, name="net")


def test_what_layers_are_connected_to():
    lines = table(connected(gs), line_length=110, expand_nested=True, show_trainable=True)
    rows = [re.split(r"\s{2,}", line.strip()) for line in lines[4:-4]]
    assert lines[2].split("  ")[0] == "Layer (type)"
    assert rows == [
        ["x (InputLayer)", "(None, 4)", "0", "-", "-"],
        ["shared (Dense)", "(None, 8)", "40", "x[0][0], z[0][0]", "Y"],
        ["z (InputLayer)", "(None, 4)", "0", "-", "-"],
        ["inner (Sequential)", "(None, 2)", "57", "shared[0][0]", "Y"],
        ["in1 (Dense)", "(None, 5)", "45", "-", "Y"],
        ["in2 (Dense)", "(None, 2)", "12", "-", "Y"],
        ["both (Concatenate)", "(None, 18)", "0", "shared[0][0],", "-"],
        ["shared[1][0],"],
        ["inner[0][0]"],
        ["price (Dense)", "(None, 1)", "19", "both[0][0]", "Y"],
        ["kind (Dense)", "(None, 3)", "57", "both[0][0]", "Y"],
    ]
    assert lines[8].startswith("   in1")
    assert "in1 (Dense)" not in "".join(table(connected(gs)))


def test_a_model_of_layers_in_a_row_has_no_such_column():
    x = gs.Input((4,), name="x")
    model = gs.Model(x, layers.Dense(1, name="last")(layers.Dense(3, name="first")(x)))
    lines = table(model, line_length=60)
    assert [line.split()[0] for line in lines[4:-4]] == ["x", "first", "last"]
    assert "Connected" not in lines[2]


def test_a_layer_called_twice_in_a_row_shows_it():
    x, twice = gs.Input((4,), name="x"), layers.Dense(4, name="twice")
    lines = table(gs.Model(x, twice(twice(x))), line_length=100)
    assert lines[2].endswith("Connected to")
    assert lines[5].split()[-2:] == ["x[0][0],", "twice[0][0]"]


def test_a_way_around_a_layer_shows():
    x = gs.Input((4,), name="x")
    lines = table(gs.Model(x, layers.Add()([layers.Dense(4, name="inner")(x), x])), line_length=100)
    assert lines[2].endswith("Connected to")
    assert lines[6].split()[-2:] == ["inner[0][0],", "x[0][0]"]


def in_a_row(library):
    return library.Sequential(
        [
            library.Input((20,)),
            library.layers.Dense(300, name="a"),
            library.layers.BatchNormalization(name="b"),
            library.layers.Dropout(0.5, name="c"),
            library.layers.Dense(7, trainable=False, name="d"),
        ],
        name="same",
    )


@pytest.mark.peers
@pytest.mark.parametrize("build", [in_a_row, connected])
def test_as_keras_counts(build, monkeypatch):
    keras = pytest.importorskip("keras")
    monkeypatch.setenv("COLUMNS", "300")  # Keras cuts off what does not fit
    ours, theirs = [], []
    for library, texts in ((gs, ours), (keras, theirs)):
        build(library).summary(250, print_fn=texts.append, expand_nested=True, show_trainable=True)
    drawn = re.sub("[│┃┏┓┡┩└┘├┤━─┳╇┬┴┼]", " ", "\n".join(theirs))
    assert "\n".join(ours).replace("=", " ").split() == drawn.split()
