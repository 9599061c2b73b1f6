"""Sentiment of reviews
====================

Whether a review is a good one: words as numbers, an embedding of them, and an LSTM that reads them in order.

`python examples/sentiment.py 2000 6 txt_sentoken` reads the reviews `pos/*.txt` and `neg/*.txt` of a folder instead of
some that are made up.
"""

import sys
from pathlib import Path

import gradstep as gs
import numpy as np

GOOD, BAD = ["wonderful", "touching", "funny", "great", "clever"], ["boring", "awful", "flat", "silly", "dull"]
THINGS = ["plot", "cast", "music", "ending", "film", "dialogue"]


def reviews(count: int) -> tuple[list[str], np.ndarray]:
    """Made-up reviews of a few sentences, in which "not" turns a word around; and whether they are good."""
    draw = np.random.default_rng(0)
    texts, labels = [], draw.integers(0, 2, count)
    for label in labels:
        said = []
        for _ in range(draw.integers(2, 5)):
            turned = draw.uniform() < 0.4
            word = draw.choice(GOOD if bool(label) != turned else BAD)
            said.append(f"The {draw.choice(THINGS)} was {'not ' * turned}{word}.")
        texts.append(" ".join(said))
    return texts, labels


def read(folder: str, count: int) -> tuple[list[str], np.ndarray]:
    """Reviews in files."""
    paths = sorted(Path(folder).glob("[pn][oe][sg]/*.txt"))
    chosen = np.random.default_rng(0).permutation(len(paths))[:count]
    texts = [paths[i].read_text(encoding="utf-8", errors="replace") for i in chosen]
    return texts, np.array([paths[i].parent.name == "pos" for i in chosen], int)


def main(count: int = 1500, epochs: int = 6, folder: str = "") -> None:
    """Train, test, and show what it makes of sentences, and which words it puts where."""
    gs.utils.set_random_seed(0)
    texts, labels = read(folder, count) if folder else reviews(count)
    border = len(texts) * 4 // 5
    vectorize = gs.layers.TextVectorization(max_tokens=8000, output_sequence_length=300 if folder else 20)
    vectorize.adapt(texts[:border])
    x = vectorize(texts)
    print(f"{len(texts)} reviews, {vectorize.vocabulary_size()} words; the first: {texts[0][:60]!r} -> {x[0, :8]} ...")

    layers = gs.layers
    model = gs.Sequential(
        [
            gs.Input(x.shape[1:], dtype="int32"),
            layers.Embedding(vectorize.vocabulary_size(), 16, mask_zero=True, name="words"),  # 0 is padding
            layers.LSTM(24),
            layers.Dropout(0.3),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(gs.optimizers.Adam(0.005), "binary_crossentropy", metrics=["accuracy"])
    data = x[:border], labels[:border, None]
    history = model.fit(*data, epochs=epochs, validation_data=(x[border:], labels[border:, None]), verbose=0).history
    for epoch in range(epochs):
        losses, rates = history["loss"][epoch], history["val_accuracy"][epoch]
        print(f"epoch {epoch + 1}: loss {losses:.3f}, accuracy of reviews not seen {rates:.3f}")
    asked = ["The film was wonderful.", "The film was not wonderful.", "The plot was not dull. The cast was clever."]
    print()
    for text, p in zip(asked, model.predict(vectorize(asked), verbose=0)[:, 0], strict=True):
        print(f"{text:45s} good with probability {p:.2f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]), *sys.argv[3:])
