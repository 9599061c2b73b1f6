"""Sequences, windows and folders of images as data for `fit`."""

import gradstep as gs
import numpy as np
import pytest
from gradstep.utils import image_dataset_from_directory, pad_sequences, timeseries_dataset_from_array
from PIL import Image

RAGGED = [[1], [2, 3], [4, 5, 6], []]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [  # Keras 3.15's
        ({}, [[0, 0, 1], [0, 2, 3], [4, 5, 6], [0, 0, 0]]),
        ({"maxlen": 2}, [[0, 1], [2, 3], [5, 6], [0, 0]]),
        ({"padding": "post"}, [[1, 0, 0], [2, 3, 0], [4, 5, 6], [0, 0, 0]]),
        ({"maxlen": 2, "truncating": "post"}, [[0, 1], [2, 3], [4, 5], [0, 0]]),
        ({"value": 7, "maxlen": 4}, [[7, 7, 7, 1], [7, 7, 2, 3], [7, 4, 5, 6], [7, 7, 7, 7]]),
    ],
)
def test_padded(arguments: dict, expected: list) -> None:
    padded = pad_sequences(RAGGED, **arguments)
    assert padded.tolist() == expected
    assert padded.dtype == np.int32


def test_padded_rows_of_numbers_and_strings() -> None:
    padded = pad_sequences([np.ones((2, 3)), np.ones((1, 3))], dtype="float32")
    assert padded.shape == (2, 2, 3)
    assert padded[1].tolist() == [[0, 0, 0], [1, 1, 1]]
    assert pad_sequences([["a"], ["b", "c"]], dtype=object, value="").tolist() == [["", "a"], ["b", "c"]]


@pytest.mark.parametrize(
    ("sequences", "arguments", "error", "message"),
    [
        ([1, 2], {}, TypeError, r"sequences\[0\] must be a sequence"),
        ([[1]], {"padding": "left"}, ValueError, "padding must be one of pre, post"),
        ([[1]], {"value": "x"}, ValueError, "dtype=object"),
        ([np.ones((1, 2)), np.ones((1, 3))], {}, ValueError, "must have one shape"),
    ],
)
def test_what_cannot_be_padded(sequences, arguments, error, message) -> None:
    with pytest.raises(error, match=message):
        pad_sequences(sequences, **arguments)


SERIES = np.arange(30.0)


@pytest.mark.parametrize(("begin", "end"), [(0, 30), (5, 20)])
@pytest.mark.parametrize(("stride", "rate"), [(1, 1), (3, 2)])
@pytest.mark.parametrize("size", [4, None])
def test_windows(begin, end, stride, rate, size) -> None:
    given = {"sequence_stride": stride, "sampling_rate": rate, "batch_size": size}
    given |= {"start_index": begin, "end_index": end} if begin else {}
    data = timeseries_dataset_from_array(SERIES, 2 * SERIES, 4, **given)
    starts = list(range(begin, end - 3 * rate, stride))
    windows = [SERIES[i : i + 4 * rate : rate] for i in starts]
    if size is None:
        assert len(data) == len(starts)
        each = [data[i] for i in range(len(data))]
    else:
        assert len(data) == -(-len(starts) // size)
        each = [(x, y) for i in range(len(data)) for x, y in zip(*data[i], strict=True)]
    np.testing.assert_array_equal([x for x, _ in each], windows)
    np.testing.assert_array_equal([y for _, y in each], [2 * i for i in starts])


def test_shuffled_windows_are_all_there_in_every_epoch() -> None:
    orders = []
    for seed in (1, 1, 2):
        data = timeseries_dataset_from_array(SERIES, None, 3, batch_size=8, shuffle=True, seed=seed)
        firsts = [np.concatenate([data[i][:, 0] for i in range(len(data))])]
        data.on_epoch_end()
        firsts.append(np.concatenate([data[i][:, 0] for i in range(len(data))]))
        assert all(sorted(first) == list(range(28)) for first in firsts)
        assert firsts[0].tolist() != firsts[1].tolist()
        orders.append(firsts[0].tolist())
    assert orders[0] == orders[1] != orders[2]


def test_a_forecast_is_learned() -> None:
    wave = np.sin(np.arange(400) / 5).astype("float32")[:, None]
    data = timeseries_dataset_from_array(wave[:-1], wave[8:], 8, batch_size=32, shuffle=True, seed=0)
    model = gs.Sequential([gs.Input((8, 1)), gs.layers.Flatten(), gs.layers.Dense(1)], seed=0)
    model.compile(gs.optimizers.Adam(0.02), "mse")
    assert model.fit(data, epochs=30, verbose=0).history["loss"][-1] < 1e-3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sequence_length": 31}, "must have steps for a window"),
        ({"sequence_length": 2, "start_index": 9, "end_index": 9}, "rising"),
        ({"sequence_length": 2, "sampling_rate": 0}, "sampling_rate must be at least 1"),
    ],
)
def test_windows_that_cannot_be(arguments, message) -> None:
    with pytest.raises(ValueError, match=message):
        timeseries_dataset_from_array(SERIES, None, **arguments)


# -- images ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def photos(tmp_path):
    """Two folders of images of one color each: the number of the image, in class order."""
    for label, name in enumerate(("cats", "dogs")):
        (tmp_path / name).mkdir()
        for i in range(5):
            number = 5 * label + i
            Image.new("RGB", (12, 8), (number, 2 * number, 3 * number)).save(tmp_path / name / f"{i}.png")
    (tmp_path / "cats" / "notes.txt").write_text("no image")
    return tmp_path


def test_images_and_their_labels(photos) -> None:
    data = image_dataset_from_directory(photos, image_size=(4, 6), batch_size=4, shuffle=False, verbose=False)
    assert data.class_names == ["cats", "dogs"]
    assert len(data) == 3
    assert [path.rpartition("/")[2] for path in data.file_paths[:2]] == ["0.png", "1.png"]
    images, labels = data[1]
    assert images.dtype == np.float32
    assert images.shape == (4, 4, 6, 3)
    assert labels.tolist() == [0, 1, 1, 1]
    np.testing.assert_array_equal(images[:, 1, 2], [[n, 2 * n, 3 * n] for n in range(4, 8)])


@pytest.mark.parametrize(
    ("mode", "expected"), [("categorical", [[1, 0], [0, 1]]), ("binary", [[0], [1]]), ("int", [0, 1])]
)
def test_forms_of_labels(photos, mode, expected) -> None:
    data = image_dataset_from_directory(
        photos, label_mode=mode, batch_size=10, image_size=2, shuffle=False, verbose=False
    )
    _, labels = data[0]
    assert labels[[0, -1]].tolist() == expected


def test_parts_do_not_overlap(photos, capsys) -> None:
    given = {"validation_split": 0.3, "seed": 3, "image_size": 2, "batch_size": None}
    both = image_dataset_from_directory(photos, subset="both", **given)
    assert "Found 10 files of 2 classes." in capsys.readouterr().out
    one = image_dataset_from_directory(photos, subset="validation", **given)
    paths = [set(part.file_paths) for part in both]
    assert [len(part) for part in paths] == [7, 3]
    assert not paths[0] & paths[1]
    assert set(one.file_paths) == paths[1]


@pytest.mark.parametrize(("option", "shape"), [("crop_to_aspect_ratio", 8), ("pad_to_aspect_ratio", 12)])
def test_proportions(tmp_path, option, shape) -> None:
    pixels = np.zeros((8, 12, 3), np.uint8)
    pixels[:, 2:10] = 100  # the square in the middle
    Image.fromarray(pixels).save(tmp_path / "x.png")
    given = {"labels": None, "image_size": shape, "interpolation": "nearest", "verbose": False, option: True}
    found = image_dataset_from_directory(tmp_path, **given)[0][0, :, :, 0]
    assert found.shape == (shape, shape)
    assert (found == 100).mean() == (1 if shape == 8 else 64 / 144)


def test_a_model_learns_from_a_folder(photos) -> None:
    data = image_dataset_from_directory(
        photos, image_size=4, color_mode="grayscale", batch_size=5, seed=1, verbose=False
    )
    layers = [gs.Input((4, 4, 1)), gs.layers.Rescaling(1 / 20), gs.layers.Flatten(), gs.layers.Dense(1, "sigmoid")]
    model = gs.Sequential(layers, seed=1)
    model.compile(gs.optimizers.Adam(0.1), "binary_crossentropy", metrics=["accuracy"])
    assert model.fit(data, epochs=40, verbose=0).history["accuracy"][-1] == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"label_mode": "ints"}, "label_mode must be one of"),
        ({"validation_split": 0.2}, "given together"),
        ({"validation_split": 0.2, "subset": "training"}, "seed must be given"),
        ({"class_names": ["birds"]}, "class_names must be folders"),
        ({"labels": [1, 2]}, "one for each of 10 files"),
        ({"crop_to_aspect_ratio": True, "pad_to_aspect_ratio": True}, "only one of"),
    ],
)
def test_folders_that_are_refused(photos, arguments, message) -> None:
    with pytest.raises(ValueError, match=message):
        image_dataset_from_directory(photos, verbose=False, **arguments)
