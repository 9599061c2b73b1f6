"""Models of every kind of layer, and data for them: what is exported gives the same predictions."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import gradstep as gs
import numpy as np
from gradstep import layers

ROWS = 5


def of(*stack: Any, row: tuple[int, ...] = (6,)) -> Callable[[], Any]:
    """Makes a model of layers in a row."""
    return lambda: gs.Sequential([gs.Input(row), *(layer() for layer in stack)])


def _table(model: Any) -> Any:
    """Moving statistics that are not 0 and 1."""
    random = np.random.default_rng(1)
    for layer in model.layers:
        for name in ("moving_mean", "moving_variance", "gamma", "beta", "alpha"):
            if getattr(layer, name, None) is not None and hasattr(getattr(layer, name), "shape"):
                array = getattr(layer, name)
                array[...] = random.uniform(0.5, 1.5, array.shape)
    return model


def _adapted() -> Any:
    layer = layers.Normalization()
    layer.adapt(3 + 2 * np.random.default_rng(0).normal(size=(20, 6)))
    return layer


def _merged(merge: Callable[[], Any], other: tuple[int, ...] = (4, 3)) -> Any:
    x, z = gs.Input((4, 3), name="left"), gs.Input(other, name="right")
    return gs.Model([x, z], merge()([layers.Dense(3, "tanh")(x), z]))


def _two_outputs() -> Any:
    x = gs.Input((6,))
    h = layers.Dense(5, "relu")(x)
    return gs.Model(x, [layers.Dense(2, "softmax", name="kind")(h), layers.Dense(1, name="price")(1 - h / 2)])


def _attention(layer: Callable[[], Any], **options: Any) -> Any:
    x, z = gs.Input((4, 6), name="query"), gs.Input((5, 6), name="value")
    return gs.Model([x, z], layer()(x, z, **options))


def _pair(layer: Callable[[], Any], **options: Any) -> Any:
    x, z = gs.Input((4, 6), name="query"), gs.Input((5, 6), name="value")
    masked = layers.Masking(0.0)(z)
    return gs.Model([x, z], layer()([x, masked], **options))


def _states(cell: Any) -> Any:
    x = gs.Input((4, 6))
    y, *states = cell(3, return_sequences=True, return_state=True)(x)
    return gs.Model(x, layers.Concatenate()([cell(3)(y, initial_state=states), *states]))


def _masked_states(cell: Any) -> Any:
    x, h = gs.Input((5, 3), name="steps"), gs.Input((3,), name="h")
    states = [h, h] if cell is layers.LSTM else [h]
    y = cell(3, return_sequences=True)(layers.Masking(0.0)(x), initial_state=states)
    return gs.Model([x, h], y)


def _convolved_states() -> Any:
    x, h = gs.Input((3, 2, 5, 4), name="steps"), gs.Input((3, 5, 4), name="h")
    layer = layers.ConvLSTM2D(3, 3, padding="same", return_state=True, go_backwards=True, **first())
    return gs.Model([x, h], list(layer(x, initial_state=[h, h])))


def _masked(*stack: Any) -> Callable[[], Any]:
    return of(lambda: layers.Masking(0.0), *stack, row=(5, 3))


def _nested() -> Any:
    inner = gs.Sequential([gs.Input((6,)), layers.Dense(5, "tanh"), layers.Dropout(0.5), layers.Dense(6)])
    x = gs.Input((6,))
    return gs.Model(x, layers.Add()([inner(inner(x)), x]))


def _text() -> Any:
    ids = gs.Input((7,), dtype="int32")
    h = layers.Embedding(11, 4, mask_zero=True)(ids)
    return gs.Model(ids, layers.Dense(2, "sigmoid")(layers.GlobalAveragePooling1D()(h)))


def _images() -> Any:
    return [
        layers.Conv2D(4, 3, padding="same", activation="relu"),
        layers.BatchNormalization(),
        layers.MaxPooling2D(),
        layers.Conv2D(3, 2, strides=2),
        layers.Flatten(),
        layers.Dense(3, "softmax"),
    ]


PIECEWISE = ["relu", "relu6", "leaky_relu", "hard_sigmoid", "sparse_sigmoid", "hard_tanh", "hard_shrink", "soft_shrink"]
SMOOTH = [
    "elu",
    "celu",
    "selu",
    "sigmoid",
    "log_sigmoid",
    "tanh",
    "tanh_shrink",
    "exponential",
    "softplus",
    "squareplus",
]
SMOOTH += ["sparse_plus", "softsign", "gelu", "silu", "hard_silu", "mish", "softmax", "log_softmax", "sparsemax"]
ACTIVATIONS = [*PIECEWISE, *SMOOTH]


def _activations() -> Any:
    x = gs.Input((6,))
    settings: list[Any] = [
        partial(gs.activations.relu, negative_slope=0.1, max_value=1.0, threshold=0.2),
        partial(gs.activations.gelu, approximate=True),
        partial(gs.activations.threshold, threshold=0.1, default_value=0.5),
    ]
    each = [layers.Activation(activation)(x) for activation in [*ACTIVATIONS, *settings]]
    return gs.Model(x, layers.Concatenate()(each))


image, video, steps = (8, 7, 4), (5, 6, 4, 2), (9, 4)
first = partial(dict, data_format="channels_first")
L = layers
CASES: dict[str, Callable[[], Any]] = {
    "dense": of(lambda: L.Dense(5, "relu"), lambda: L.Dense(3, "softmax", use_bias=False)),
    "dense_of_sequences": of(lambda: L.Dense(5, "gelu"), row=(3, 4)),
    "float64": lambda: gs.Sequential([gs.Input((6,), dtype="float64"), L.Dense(3, "tanh", dtype="float64")]),
    "activations": _activations,
    "activation_layers": of(L.ReLU, L.LeakyReLU, L.ELU, L.PReLU, lambda: L.Softmax(axis=1), row=(3, 4)),
    "softmax_of_two_axes": of(lambda: L.Softmax(axis=(1, 3)), row=(3, 4, 2)),
    "prelu_shared": of(lambda: L.PReLU("glorot_uniform", shared_axes=[1]), row=(3, 4)),
    "nothing_in_inference": of(
        lambda: L.Dropout(0.5),
        lambda: L.GaussianNoise(1.0),
        lambda: L.GaussianDropout(0.3),
        lambda: L.AlphaDropout(0.3),
        lambda: L.ActivityRegularization(0.1),
        L.Identity,
        lambda: L.Dense(2, activity_regularizer="l2"),
    ),
    "spatial_dropout": of(lambda: L.SpatialDropout1D(0.5), row=(3, 4)),
    "batch_normalization": lambda: _table(of(L.BatchNormalization, lambda: L.Dense(3))()),
    "batch_normalization_of_an_axis": lambda: _table(of(lambda: L.BatchNormalization(axis=1), row=(3, 4))()),
    "layer_normalization": lambda: _table(
        of(L.LayerNormalization, lambda: L.LayerNormalization(axis=(1, 2)), row=(3, 4))()
    ),
    "other_normalizations": of(
        lambda: L.GroupNormalization(2), L.RMSNormalization, lambda: L.UnitNormalization(axis=1), row=(3, 4)
    ),
    "normalization": of(_adapted, lambda: L.Rescaling(0.5, 0.1)),
    "normalization_inverted": of(
        lambda: L.Normalization(mean=[1.0, 2, 3], variance=[4.0, 1, 2], invert=True), row=(3,)
    ),
    "convolution": of(lambda: L.Conv1D(6, 3, padding="causal", dilation_rate=2), lambda: L.Conv1D(4, 2, 2), row=steps),
    "images": lambda: _table(gs.Sequential([gs.Input((8, 8, 3)), *_images()])),
    "images_channels_first": of(
        lambda: L.Conv2D(4, 3, groups=2, activation="softmax", **first()),
        lambda: L.AveragePooling2D(2, padding="same", **first()),
        lambda: L.GlobalMaxPooling2D(**first()),
        row=(4, 8, 7),
    ),
    "grouped": of(lambda: L.Conv2D(6, (3, 2), strides=(2, 1), padding="same", groups=2, activation="tanh"), row=image),
    "video": of(
        lambda: L.Conv3D(3, 2, padding="same"), lambda: L.MaxPooling3D((2, 2, 1)), L.GlobalAveragePooling3D, row=video
    ),
    "transposed": of(lambda: L.Conv2DTranspose(3, 3, strides=2, padding="same", activation="relu"), row=(4, 5, 2)),
    "transposed_steps": of(lambda: L.Conv1DTranspose(3, 2, strides=3), lambda: L.Conv1DTranspose(2, 3), row=(4, 2)),
    "transposed_channels_first": of(
        lambda: L.Conv2DTranspose(3, 4, strides=2, output_padding=1, **first()), row=(2, 4, 5)
    ),
    "depthwise": of(lambda: L.DepthwiseConv2D(3, depth_multiplier=2, padding="same"), row=image),
    "depthwise_steps": of(lambda: L.DepthwiseConv1D(3, strides=2), row=steps),
    "separable": of(lambda: L.SeparableConv2D(5, 3, depth_multiplier=2, activation="relu"), row=image),
    "separable_channels_first": of(lambda: L.SeparableConv1D(5, 3, padding="same", **first()), row=(4, 9)),
    "pooling": of(lambda: L.MaxPooling2D(3, 2, "same"), lambda: L.AveragePooling2D((2, 1)), row=image),
    "pooling_steps": of(
        lambda: L.AveragePooling1D(3, 2, "same"), lambda: L.GlobalMaxPooling1D(keepdims=True), row=steps
    ),
    "moves": of(
        lambda: L.Permute((2, 1)), lambda: L.Reshape((2, 6, 1)), lambda: L.ZeroPadding2D((1, 2)), L.Flatten, row=(3, 4)
    ),
    "moves_of_images": of(
        lambda: L.UpSampling2D((2, 3)),
        lambda: L.Cropping2D(((1, 2), (0, 3))),
        lambda: L.Permute((3, 1, 2)),
        row=(4, 3, 2),
    ),
    "moves_of_steps": of(lambda: L.RepeatVector(3), lambda: L.UpSampling1D(2), lambda: L.Cropping1D((1, 2))),
    "parts": lambda: (lambda x: gs.Model(x, x[:, ::-1, 1:]))(gs.Input((4, 3))),
    "resized": of(lambda: L.Resizing(5, 9), lambda: L.UpSampling2D(2, interpolation="bilinear"), row=(4, 6, 2)),
    "resized_nearest": of(lambda: L.Resizing(5, 3, "nearest", **first()), row=(2, 4, 6)),
    "random_images": of(
        lambda: L.RandomFlip(),
        lambda: L.RandomRotation(0.1),
        lambda: L.RandomZoom(0.1),
        lambda: L.RandomCrop(3, 4),
        lambda: L.CenterCrop(2, 2),
        row=(4, 6, 2),
    ),
    "add": lambda: _merged(L.Add),
    "subtract": lambda: _merged(L.Subtract),
    "multiply_stretched": lambda: _merged(L.Multiply, (1, 3)),
    "average": lambda: _merged(L.Average),
    "maximum": lambda: _merged(L.Maximum),
    "minimum": lambda: _merged(L.Minimum),
    "concatenate": lambda: _merged(lambda: L.Concatenate(axis=1), (2, 3)),
    "dot": lambda: _merged(lambda: L.Dot(axes=2), (5, 3)),
    "cosine": lambda: _merged(lambda: L.Dot(axes=(1, 2), normalize=True), (5, 4)),
    "two_outputs": _two_outputs,
    "nested": _nested,
    "shared_layer": lambda: (lambda x, f: gs.Model(x, f(f(x))))(gs.Input((6,)), L.Dense(6, "tanh")),
    "embedding": of(lambda: L.Embedding(11, 4), L.Flatten, lambda: L.Dense(2), row=(7,)),
    "text": _text,
    "simple_rnn": of(lambda: L.SimpleRNN(4, return_sequences=True), lambda: L.SimpleRNN(3, "relu"), row=steps),
    "lstm": of(
        lambda: L.LSTM(4, return_sequences=True, go_backwards=True), lambda: L.LSTM(3, use_bias=False), row=steps
    ),
    "gru": of(lambda: L.GRU(4, return_sequences=True), lambda: L.GRU(3, reset_after=False, dropout=0.5), row=steps),
    "lstm_states": lambda: _states(L.LSTM),
    "einsum": of(lambda: L.EinsumDense("abc,cde->adbe", (2, None, 4), "softmax", "de"), row=(5, 3)),
    "cells": of(lambda: L.RNN([L.LSTMCell(4), L.GRUCell(3)]), row=(5, 3)),
    "gru_states": lambda: _states(L.GRU),
    "bidirectional": of(
        lambda: L.Bidirectional(L.LSTM(4, return_sequences=True)),
        lambda: L.Bidirectional(L.GRU(3), merge_mode="mul"),
        row=steps,
    ),
    "conv_bidirectional": of(
        lambda: L.Bidirectional(L.ConvLSTM2D(3, (3, 2), padding="same", return_sequences=True)),
        lambda: L.Bidirectional(L.ConvLSTM2D(2, 3, use_bias=False), merge_mode="sum"),
        row=(3, 6, 5, 2),
    ),
    "conv_lstm": of(
        lambda: L.ConvLSTM2D(3, (3, 2), padding="same", return_sequences=True),
        lambda: L.ConvLSTM2D(2, 3, strides=2, use_bias=False),
        row=(3, 6, 5, 2),
    ),
    "conv_lstm_steps": of(lambda: L.ConvLSTM1D(3, 2, dilation_rate=2, return_sequences=True), row=(3, 7, 2)),
    "conv_lstm_video": of(lambda: L.ConvLSTM3D(2, 2), row=(2, 4, 3, 3, 2)),
    "conv_lstm_states": _convolved_states,
    "conv_lstm_masked": of(
        lambda: L.Masking(0.0),
        lambda: L.TimeDistributed(L.Reshape((4, 2))),
        lambda: L.ConvLSTM1D(2, 3, return_sequences=True, zero_output_for_mask=True),
        row=(4, 8),
    ),
    "masked_states": lambda: _masked_states(L.LSTM),
    "masked_gru_states": lambda: _masked_states(L.GRU),
    "masked_lstm": _masked(lambda: L.LSTM(4, return_sequences=True), lambda: L.LSTM(3)),
    "masked_gru": _masked(lambda: L.GRU(4, return_sequences=True, zero_output_for_mask=True), lambda: L.SimpleRNN(3)),
    "masked_bidirectional": _masked(lambda: L.Bidirectional(L.LSTM(4), merge_mode="ave")),
    "masked_pooling": _masked(lambda: L.Dense(4), L.GlobalAveragePooling1D),
    "masked_softmax": _masked(lambda: L.BatchNormalization(), lambda: L.LSTM(2, return_sequences=True)),
    "time_distributed": of(
        lambda: L.TimeDistributed(L.Conv1D(3, 2)),
        lambda: L.TimeDistributed(gs.Sequential([L.Flatten(), L.Dense(2)])),
        row=(3, 4, 2),
    ),
    "multi_head_attention": lambda: _attention(lambda: L.MultiHeadAttention(2, 3, value_dim=4, output_shape=5)),
    "multi_head_attention_causal": lambda: _attention(
        lambda: L.MultiHeadAttention(2, 3, use_bias=False), use_causal_mask=True
    ),
    "multi_head_attention_masked": lambda: (
        lambda x, z: gs.Model([x, z], L.MultiHeadAttention(2, 3)(x, L.Masking()(z)))
    )(gs.Input((4, 6), name="query"), gs.Input((5, 6), name="value")),
    "multi_head_attention_axes": of(lambda: _SelfAttention(), row=(3, 4, 2)),
    "attention": lambda: _pair(lambda: L.Attention(use_scale=True), use_causal_mask=True),
    "attention_concat": lambda: _pair(lambda: L.Attention(score_mode="concat", use_scale=True)),
    "additive_attention": lambda: _pair(L.AdditiveAttention),
}


class _SelfAttention:
    """Attention of an input along its second axis of steps, in a row of layers."""

    def __new__(cls) -> Any:
        x = gs.Input((3, 4, 2))
        return gs.Model(x, L.MultiHeadAttention(2, 3, attention_axes=2)(x, x))


def case(name: str) -> tuple[Any, list[np.ndarray]]:
    """A model with drawn weights, and data for each of its inputs: with steps that are masked, and ids."""
    gs.utils.set_random_seed(7)
    model = CASES[name]()
    for weight in model.weights:
        if weight.ndim == 1 and not weight.any():
            weight[...] = np.random.default_rng(2).normal(size=weight.shape) / 4
    return model, data_for(model)


def data_for(model: Any) -> list[np.ndarray]:
    """Rows for each input of a model."""
    random = np.random.default_rng(5)
    has_ids = any(type(layer).__name__ == "Embedding" for layer in model.layers)
    found = []
    for tensor in model.inputs:
        row = tuple(tensor.shape[1:])
        if has_ids:
            found.append(random.integers(0, 11, (ROWS, *row)).astype(tensor.dtype))
            continue
        x = random.normal(size=(ROWS, *row)).astype(tensor.dtype)
        if len(row) == 2:  # of each row other steps
            x[random.random((ROWS, row[0])) < 0.3] = 0
        found.append(x)
    return found


def predicted(model: Any, data: list[np.ndarray]) -> list[np.ndarray]:
    """Predictions, one for each output."""
    made = model.predict(data if len(data) > 1 else data[0], verbose=0)
    return list(made) if isinstance(made, list) else [made]
