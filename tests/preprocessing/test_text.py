"""Texts and categories as numbers: recorded numbers of Keras 3.15 on TensorFlow 2.21, and what is refused."""

import pickle

import gradstep as gs
import numpy as np
import pytest

DOCUMENTS = ["The cat sat on the mat.", "A dog, a cat & a bird!", "mat mat MAT; bird's nest", "", "zebra"]
ASKED = "cat unknown mat"
WORDS = ["a", "b", "a", "c", "b", "a"]

# Arguments; the vocabulary learned from DOCUMENTS; the row of ASKED.
VECTORIZED = {
    "int": (
        {},
        ["", "[UNK]", "mat", "a", "the", "cat", "zebra", "sat", "on", "nest", "dog", "birds", "bird"],
        [5, 1, 2, 0, 0, 0],
    ),
    "few": ({"max_tokens": 6}, ["", "[UNK]", "mat", "a", "the", "cat"], [5, 1, 2, 0, 0, 0]),
    "cut": ({"max_tokens": 5, "output_sequence_length": 2}, ["", "[UNK]", "mat", "a", "the"], [1, 1]),
    "as it is": (
        {"max_tokens": 6, "standardize": None},
        ["", "[UNK]", "mat", "cat", "a", "zebra"],
        [3, 1, 2, 0, 0, 0, 0],
    ),
    "multi_hot": ({"max_tokens": 5, "output_mode": "multi_hot"}, ["[UNK]", "mat", "a", "the", "cat"], [1, 1, 0, 0, 1]),
    "padded": (
        {"max_tokens": 4, "output_mode": "count", "pad_to_max_tokens": True},
        ["[UNK]", "mat", "a", "the"],
        [2, 1, 0, 0],
    ),
}


@pytest.mark.parametrize("case", VECTORIZED)
def test_texts_as_keras(case: str) -> None:
    arguments, vocabulary, row = VECTORIZED[case]
    vectorize = gs.layers.TextVectorization(**arguments)
    vectorize.adapt(DOCUMENTS)
    assert vectorize.get_vocabulary() == vocabulary
    found = vectorize([*DOCUMENTS, ASKED])
    assert found[-1].tolist() == row
    assert found.dtype == (np.int64 if vectorize.output_mode == "int" else np.float32)
    assert vectorize(ASKED).tolist() == [number for number in row if number] if "int" in case else True
    again = gs.layers.TextVectorization.from_config(vectorize.get_config())
    np.testing.assert_array_equal(again([*DOCUMENTS, ASKED]), found)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(vectorize))([*DOCUMENTS, ASKED]), found)


def test_inverse_document_frequencies() -> None:
    """ln(1 + documents / (1 + documents with it)); of what is not known, the mean of the others'."""
    lookup = gs.layers.StringLookup(output_mode="tf_idf")
    lookup.adapt([["a", "a", "b"], ["a", "c"]])
    assert lookup.get_vocabulary() == ["[UNK]", "a", "c", "b"]
    a, c, b = np.log(1 + 2 / 3), np.log(2.0), np.log(2.0)
    expected = [[(a + b + c) / 3, 2 * a, 0, 0], [0, 0, c, b]]
    np.testing.assert_allclose(lookup([["a", "a", "x"], ["b", "c", "b"][:3]])[0], expected[0], rtol=1e-6)
    np.testing.assert_allclose(lookup([["b", "c"]]), [[0, 0, c, b]], rtol=1e-6)


def test_ngrams_and_splits_of_the_users_own() -> None:
    pairs = gs.layers.TextVectorization(ngrams=(2,))
    pairs.adapt(["a b a b"])
    assert pairs.get_vocabulary(include_special_tokens=False) == ["a b", "b a"]
    parts = gs.layers.TextVectorization(standardize=str.upper, split=lambda text: text.split("|"))
    parts.adapt(iter([["x|y", "x"], ["x"]]))
    assert parts.get_vocabulary() == ["", "[UNK]", "X", "Y"]
    assert gs.layers.TextVectorization(split=None, vocabulary=["a b", "c"])(["c", "A b!", "z"]).tolist() == [3, 2, 1]


@pytest.mark.parametrize(
    ("arguments", "row"),
    [
        ({}, [[1, 2], [3, 0]]),
        ({"mask_token": "a"}, [[0, 2], [3, 1]]),
        ({"max_tokens": 3}, [[1, 2], [0, 0]]),
        ({"output_mode": "multi_hot"}, [[0, 1, 1, 0], [1, 0, 0, 1]]),
        ({"output_mode": "count", "mask_token": "a"}, [[0, 1, 0], [1, 0, 1]]),
    ],
)
def test_strings_as_keras(arguments: dict, row: list) -> None:
    lookup = gs.layers.StringLookup(**arguments)
    lookup.adapt(WORDS)
    assert lookup(np.array([["a", "b"], ["c", "zz"]])).tolist() == row
    assert gs.layers.StringLookup.from_config(lookup.get_config())([["a", "b"], ["c", "zz"]]).tolist() == row


def test_there_and_back() -> None:
    forth = gs.layers.StringLookup(vocabulary=["x", "y"])
    back = gs.layers.StringLookup(vocabulary=forth.get_vocabulary(), invert=True)
    assert back(forth(["y", "x", "?"])).tolist() == ["y", "x", "[UNK]"]
    assert gs.layers.IntegerLookup(vocabulary=[12, 36])([[36, 7]]).tolist() == [[2, 0]]


def test_a_file_of_words(tmp_path) -> None:
    (tmp_path / "words.txt").write_text("x\nä\n", encoding="utf-8")
    assert gs.layers.StringLookup(vocabulary=str(tmp_path / "words.txt"))(["ä"]).tolist() == [2]


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: gs.layers.StringLookup()(["a"]), ValueError, "no vocabulary"),
        (lambda: gs.layers.StringLookup(vocabulary=["a", "a"]), ValueError, "each token once"),
        (lambda: gs.layers.StringLookup(vocabulary=["a"], num_oov_indices=0)(["b"]), ValueError, "known tokens"),
        (lambda: gs.layers.StringLookup(vocabulary=["a", "b"], max_tokens=2), ValueError, "at most max_tokens"),
        (lambda: gs.layers.StringLookup(vocabulary=[1]), TypeError, "must be str"),
        (lambda: gs.layers.StringLookup(output_mode="ints"), ValueError, "output_mode must be one of"),
        (lambda: gs.layers.StringLookup(vocabulary=["a"], output_mode="tf_idf"), ValueError, "idf_weights must be"),
        (lambda: gs.layers.TextVectorization(split="words"), ValueError, "split must be one of"),
        (lambda: gs.layers.TextVectorization(output_mode="count", output_sequence_length=3), ValueError, "is for"),
        (lambda: gs.layers.TextVectorization(vocabulary=["a"])([3]), TypeError, "texts must be str"),
        (
            lambda: gs.Sequential([gs.layers.TextVectorization()]),
            TypeError,
            r"before a model: fit\(layer\(texts\), y\)",
        ),
    ],
)
def test_what_is_refused(make, error, message) -> None:
    with pytest.raises(error, match=message):
        make()


def test_a_failed_set_changes_nothing() -> None:
    lookup = gs.layers.StringLookup(vocabulary=["a", "b"])
    with pytest.raises(ValueError, match="each token once"):
        lookup.set_vocabulary(["c", "c"])
    assert lookup(["b"]).tolist() == [2]
