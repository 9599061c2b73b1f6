"""A small GPT
===========

A small GPT: attention to the characters before, in blocks with shortcuts, and what it writes after training.

`python examples/gpt.py 400000 6 tinyshakespeare.txt` reads the first characters of a file instead of sums that are made
up. Brown et al., "Language models are few-shot learners", 2020.
"""

import sys
from pathlib import Path

import gradstep as gs
import numpy as np

LENGTH, WIDTH, HEADS, BLOCKS = 48, 64, 4, 2


def sums(count: int) -> str:
    """Lines such as `7+5=12.`, of which all but the result is chance."""
    draw = np.random.default_rng(0)
    lines = [f"{a}+{b}={a + b}.\n" for a, b in draw.integers(0, 10, (count // 6 + 1, 2))]
    return "".join(lines)[:count]


def network(letters: int) -> gs.Model:
    """For each character, which may follow."""
    layers = gs.layers
    characters, places = (
        gs.Input((LENGTH,), dtype="int32", name="characters"),
        gs.Input((LENGTH,), dtype="int32", name="places"),
    )
    h = layers.Embedding(letters, WIDTH)(characters) + layers.Embedding(LENGTH, WIDTH)(places)
    for _ in range(BLOCKS):
        seen = layers.LayerNormalization()(h)
        h = h + layers.MultiHeadAttention(HEADS, WIDTH // HEADS)(seen, seen, use_causal_mask=True)
        wide = layers.Dense(4 * WIDTH, activation="gelu")(layers.LayerNormalization()(h))
        h = h + layers.Dense(WIDTH)(wide)
    return gs.Model([characters, places], layers.Dense(letters, "softmax")(layers.LayerNormalization()(h)))


def main(characters: int = 60000, epochs: int = 8, path: str = "") -> None:
    """Train, and let it write."""
    gs.utils.set_random_seed(0)
    text = Path(path).read_text(encoding="utf-8")[:characters] if path else sums(characters)
    letters = sorted(set(text))
    ids = np.array([letters.index(letter) for letter in text], np.int32)
    starts = np.arange(0, len(ids) - LENGTH - 1, LENGTH // 2)
    window = starts[:, None] + np.arange(LENGTH)
    places = np.broadcast_to(np.arange(LENGTH, dtype=np.int32), window.shape).copy()
    border = len(starts) * 9 // 10
    model = network(len(letters))
    steps = epochs * (border // 32 + 1)
    rate = gs.optimizers.schedules.CosineDecay(0.0, steps, warmup_target=0.003, warmup_steps=steps // 10)
    model.compile(gs.optimizers.AdamW(rate, weight_decay=0.01, clipnorm=1.0), "sparse_categorical_crossentropy")
    print(f"{model.count_params():,} weights, {len(letters)} characters")
    x, y = ids[window], ids[window + 1]
    data = {"characters": x[:border], "places": places[:border]}, y[:border]
    rest = {"characters": x[border:], "places": places[border:]}, y[border:]
    history = model.fit(*data, epochs=epochs, validation_data=rest, verbose=0).history
    for epoch in range(epochs):
        losses = history["loss"][epoch], history["val_loss"][epoch]
        print("epoch {}: {:.3f} nats a character, of text not seen {:.3f}".format(epoch + 1, *losses))

    draw, found = np.random.default_rng(1), list(x[border])
    for _ in range(240 if path else 70):
        p = model({"characters": np.array([found[-LENGTH:]], np.int32), "places": places[:1]})[0, -1]
        p = np.exp(np.log(p.astype(float)) / (0.8 if path else 0.2))
        found.append(int(draw.choice(len(letters), p=p / p.sum())))
    print("\n" + "".join(letters[i] for i in found[LENGTH:]))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]), *sys.argv[3:])
