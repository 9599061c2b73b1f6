"""A character LSTM that writes
============================

A network that writes: an LSTM learns which character follows, and then goes on by itself.

`python examples/characters.py 200000 10 tinyshakespeare.txt` reads the first characters of a file instead of sentences
that are made up.
"""

import sys

import gradstep as gs
import numpy as np

LENGTH = 48  # characters of a sample


def sentences(count: int) -> str:
    """English of few words."""
    draw = np.random.default_rng(0)
    nouns, verbs = ["the cat", "a dog", "the old king", "my friend", "a bird"], ["sees", "likes", "follows", "calls"]
    places = ["in the garden", "on the hill", "at night", "by the sea"]
    made = ""
    for _ in range(count // 25 + 1):
        subject, thing = draw.choice(nouns, 2, replace=False)
        made += f"{subject} {draw.choice(verbs)} {thing} {draw.choice(places)}.\n".capitalize()
    return made[:count]


def main(characters: int = 40000, epochs: int = 8, path: str = "", units: int = 96) -> None:
    """Train, and show what it writes after some epochs."""
    gs.utils.set_random_seed(0)
    if path:
        with open(path, encoding="utf-8") as file:
            text = file.read(characters)
    else:
        text = sentences(characters)
    letters = sorted(set(text))
    ids = np.array([letters.index(letter) for letter in text], np.int32)
    rows = (len(ids) - 1) // LENGTH
    x, y = ids[: rows * LENGTH].reshape(rows, LENGTH), ids[1 : rows * LENGTH + 1].reshape(rows, LENGTH)
    border = rows - rows // 10

    layers = gs.layers
    model = gs.Sequential(
        [
            gs.Input((LENGTH,), dtype="int32"),
            layers.Embedding(len(letters), 32),
            layers.LSTM(units, return_sequences=True),
            layers.Dense(len(letters), activation="softmax"),
        ]
    )
    model.compile(gs.optimizers.Adam(0.005, clipnorm=1.0), "sparse_categorical_crossentropy")
    common = np.bincount(ids, minlength=len(letters)) / len(ids)
    print(f"{len(text)} characters, {len(letters)} different; guessing by how common each is costs ", end="")
    print(f"{-(common * np.log(common)).sum():.2f} nats a character\n")
    draw = np.random.default_rng(1)

    def written(count: int, temperature: float = 0.7) -> str:
        found = list(x[0])
        for _ in range(count):
            p = np.log(model(np.array([found[-LENGTH:]], np.int32))[0, -1]) / temperature
            p = np.exp(p - p.max(), dtype=float)
            found.append(int(draw.choice(len(letters), p=p / p.sum())))
        return "".join(letters[i] for i in found[LENGTH:])

    for begin in range(0, epochs, max(epochs // 3, 1)):
        end = min(begin + max(epochs // 3, 1), epochs)
        history = model.fit(
            x[:border],
            y[:border],
            initial_epoch=begin,
            epochs=end,
            validation_data=(x[border:], y[border:]),
            verbose=0,
        ).history
        print(f"epoch {end}: {history['loss'][-1]:.3f} nats, of text not seen {history['val_loss'][-1]:.3f}")
        print("  " + written(160).replace("\n", "\n  ") + "\n")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]), *sys.argv[3:])
