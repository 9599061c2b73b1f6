"""Sparse text: from raw reviews to a score
========================================

TF-IDF in a CSR matrix, a linear SVM by SGD, and a small network on the matrix.

`python examples/sparse_text.py review_polarity.tar.gz` reads the 2,000 movie reviews of Pang and Lee (2004) in the
archive they come in, and takes every fifth for the test; without it some are made up. It needs scikit-learn.
"""

import sys
import tarfile
from time import perf_counter

import gradstep as gs
import numpy as np
from gradstep.sklearn import SGDClassifier
from sklearn.feature_extraction.text import TfidfVectorizer

GOOD, BAD = "moving clever warm honest bold", "dull clumsy cold false tired"


def read(archive: str) -> tuple[list[str], np.ndarray]:
    """Reviews in `.../pos/*.txt` and `.../neg/*.txt` of an archive, in the order of their names; and which are good."""
    found = []
    with tarfile.open(archive) as files:
        for member in files:
            if member.name.endswith(".txt") and ("/pos/" in member.name or "/neg/" in member.name):
                text = files.extractfile(member).read().decode("latin-1")
                found.append((member.name.rpartition("/")[2], text, "/pos/" in member.name))
    found.sort()
    return [text for _, text, _ in found], np.array([label for _, _, label in found], int)


def made_up(count: int) -> tuple[list[str], np.ndarray]:
    """Reviews of many rare words, and a few that say something."""
    draw = np.random.default_rng(0)
    labels = draw.integers(0, 2, count)
    texts = []
    for label in labels:
        words = [f"w{number}" for number in draw.zipf(1.3, 60) % 5000]
        words += draw.choice((GOOD if label else BAD).split(), 3).tolist()
        words += draw.choice((BAD if label else GOOD).split(), 1).tolist()
        texts.append(" ".join(draw.permutation(words)))
    return texts, labels


def main(archive: str = "", epochs: int = 5) -> None:
    """Read, count words, train twice, test."""
    gs.utils.set_random_seed(0)
    begin = perf_counter()
    texts, y = read(archive) if archive else made_up(1500)
    test = np.arange(len(texts)) % 5 == 0
    vectorizer = TfidfVectorizer(sublinear_tf=True, min_df=2, dtype=np.float32)
    x_train = vectorizer.fit_transform([text for text, out in zip(texts, test, strict=True) if not out])
    x_test = vectorizer.transform([text for text, out in zip(texts, test, strict=True) if out])
    rows, columns = x_train.shape
    share = x_train.nnz / rows / columns
    print(f"{rows} reviews for training, {columns} words, {100 * share:.2f} % of the matrix is not 0")
    print(f"from text to matrix: {perf_counter() - begin:.2f} s")

    start = perf_counter()
    svm = SGDClassifier(alpha=1e-4, random_state=0).fit(x_train, y[~test])
    print(f"SGDClassifier: accuracy {svm.score(x_test, y[test]):.3f}, {perf_counter() - start:.2f} s")
    words = vectorizer.get_feature_names_out()
    order = np.argsort(svm.coef_[0])
    print(f"  worst words: {', '.join(words[order[:5]])}; best words: {', '.join(words[order[:-6:-1]])}")

    start = perf_counter()
    layers = gs.layers
    model = gs.Sequential([layers.Dense(16, "relu"), layers.Dropout(0.3), layers.Dense(1, activation="sigmoid")])
    model.compile(gs.optimizers.Adam(0.003), "binary_crossentropy", metrics=["accuracy"])
    model.fit(x_train, y[~test], batch_size=32, epochs=epochs, verbose=0)  # the zeros of the matrix cost nothing
    _, accuracy = model.evaluate(x_test, y[test], verbose=0)
    print(f"network: accuracy {accuracy:.3f}, {perf_counter() - start:.2f} s")
    print(f"all of it: {perf_counter() - begin:.2f} s")


if __name__ == "__main__":
    main(*sys.argv[1:2], *map(int, sys.argv[2:3]))
