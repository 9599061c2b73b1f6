"""Models of sequences for `golden`: recurrence, lookups, attention, and layers that are called more than once."""

from __future__ import annotations

from collections.abc import Callable

import gradstep as gs
import numpy as np
from golden_numbers import DROPS, ROWS, Trained, dense, labels, trained, whole
from gradstep import layers

__all__ = ["SEQUENCES"]

STEPS, FEATURES, WORDS = 7, 5, 19


def sequences() -> np.ndarray:
    """Of numbers in [-2, 2]; some steps are 0."""
    x = whole(-64, 65, ROWS, STEPS, FEATURES, seed=20) / 32
    return (x * (whole(0, 4, ROWS, STEPS, 1, seed=21) > 0)).astype(np.float32)


def ids() -> np.ndarray:
    return whole(0, WORDS, ROWS, STEPS, seed=22).astype(np.int32)


def of_sequences(*members: layers.Layer) -> Trained:
    return trained(gs.Sequential([gs.Input((STEPS, FEATURES)), *members, dense(3)]), sequences())


def of_ids(*members: layers.Layer) -> Trained:
    row = [gs.Input((STEPS,), dtype="int32"), layers.Embedding(WORDS, 8, mask_zero=True), *members]
    model = gs.Sequential([*row, dense(4, "softmax")])
    return trained(model, ids(), labels(4), loss="sparse_categorical_crossentropy")


def attending() -> Trained:
    x = gs.Input((STEPS,), dtype="int32")
    h = layers.Embedding(WORDS, 8, mask_zero=True)(x)
    h = layers.Add()([h, layers.MultiHeadAttention(2, 4, dropout=0.25, **DROPS)(h, h, use_causal_mask=True)])
    h = layers.LayerNormalization()(h)
    h = layers.Attention(use_scale=True)([h, h])
    model = gs.Model(x, dense(4, "softmax")(layers.GlobalAveragePooling1D()(h)))
    return trained(model, ids(), labels(4), loss="sparse_categorical_crossentropy")


def in_steps() -> Trained:
    """A model at each step, whose dropout draws apart in each."""
    inner = gs.Sequential([layers.LayerNormalization(), layers.Dropout(0.25, **DROPS), dense(4, "relu")])
    return of_sequences(layers.TimeDistributed(inner), layers.Flatten())


SEQUENCES: dict[str, Callable[[], Trained]] = {
    "LSTM": lambda: of_sequences(layers.LSTM(13, return_sequences=True), layers.LSTM(17, dropout=0.25, **DROPS)),
    "LSTM of masked steps": lambda: of_sequences(layers.Masking(), layers.LSTM(9, recurrent_dropout=0.5, **DROPS)),
    "GRU": lambda: of_sequences(layers.GRU(17, return_sequences=True), layers.GRU(13, reset_after=False)),
    "SimpleRNN": lambda: of_sequences(layers.SimpleRNN(17, go_backwards=True)),
    "Bidirectional": lambda: of_sequences(layers.Bidirectional(layers.LSTM(6), merge_mode="sum")),
    "Embedding": lambda: of_ids(layers.GlobalAveragePooling1D()),
    "Embedding and GRU": lambda: of_ids(layers.GRU(9)),
    "attention": attending,
    "TimeDistributed": in_steps,
}
