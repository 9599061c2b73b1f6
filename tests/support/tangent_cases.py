"""Models around each layer, for the tests of Jacobian-vector and Gauss-Newton products."""

from __future__ import annotations

import gradstep as gs
import numpy as np
from gradstep import layers as L
from rearranged_cases import CASES as REARRANGED
from recurrent_cases import CELLS, CELLS_ALONE
from window_cases import CONVOLUTIONS, POOLS, needed

__all__ = ["CASES", "made", "not_tangent"]

# Bases; what stands before models, and cells, which have cases as `RNN`: it has no numbers that move.
NOT_TANGENT = {*CELLS_ALONE, "Input", "InputLayer", "Layer", "IntegerLookup", "StringLookup", "TextVectorization"}
NOT_TANGENT |= {"CategoryEncoding", "Discretization", "HashedCrossing", "Hashing"}
FIRST = {"data_format": "channels_first"}


def not_tangent(name: str) -> bool:
    return name in NOT_TANGENT


def alone(make, *row):
    """A layer on rows of one shape."""
    return lambda: gs.Sequential([gs.Input(row), make()])


def merged(make, *rows):
    """A layer on several inputs."""

    def model():
        inputs = [gs.Input(row) for row in rows]
        return gs.Model(inputs, make()(inputs))

    return model


def masked(make, steps=4, width=3):
    """A layer on sequences of which some steps do not count."""
    return lambda: gs.Sequential([gs.Input((steps, width)), L.Masking(0.0), make()])


def attended(make, masks=False):
    def model():
        query, value = gs.Input((3, 4)), gs.Input((5, 4))
        q, v = (L.Masking(0.0)(one) for one in (query, value)) if masks else (query, value)
        return gs.Model([query, value], make(q, v))

    return model


def with_weights(layer):
    """What a layer of attention gives, and the weights of its means, side by side."""
    given = (lambda q, v: ([q, v],)) if layer._takes_list else lambda q, v: (q, v)
    return attended(
        lambda q, v: L.Concatenate()([L.Flatten()(one) for one in layer(*given(q, v), return_attention_scores=True)])
    )


def along_an_axis():
    x = gs.Input((3, 2, 4))
    return gs.Model(x, L.MultiHeadAttention(2, 3, attention_axes=1)(x, x))


class Scale(L.Layer):
    """A custom layer with a jvp."""

    def build(self, input_shape):
        self.w = self.add_weight((input_shape[-1],), "ones", name="w")

    def forward(self, x, training=False):
        self.x = x
        return x**2 * self.w

    def backward(self, dy):
        return 2 * dy * self.x * self.w, [(dy * self.x**2).sum(axis=0)]

    def jvp(self, dx, dws):
        return 2 * self.x * dx * self.w + self.x**2 * dws[0]


@gs.saving.register_keras_serializable("cases")
class Leaky(L.Layer):
    """A custom cell."""

    state_size = 3

    def build(self, input_shape):
        self.w = self.add_weight((input_shape[-1], 3), name="w")

    def call(self, inputs, states):
        h = 0.7 * states[0] + inputs @ self.w
        return h * h, [h]


def rnn(cell, **options):
    kind, arguments = CELLS[cell]
    return getattr(L, kind)(3, **arguments, **options)


CASES = {
    "Activation": alone(lambda: L.Activation("gelu"), 6),
    "Activation of log_softmax": alone(lambda: L.Activation("log_softmax"), 6),
    "Activation of softmax": alone(lambda: L.Activation("softmax"), 2, 6),
    "Activation of sparsemax": alone(lambda: L.Activation("sparsemax"), 6),
    "ActivityRegularization": alone(lambda: L.ActivityRegularization(0.1, 0.2), 6),
    "AlphaDropout": alone(lambda: L.AlphaDropout(0.4), 6),
    "Dense": alone(lambda: L.Dense(3, "tanh"), 6),
    "Dense of log_softmax": alone(lambda: L.Dense(3, "log_softmax"), 2, 6),
    "Dense without bias": alone(lambda: L.Dense(3, "silu", use_bias=False), 2, 6),
    "Dense with a custom activation": alone(lambda: L.Dense(3, np.tanh), 6),
    "Dropout": alone(lambda: L.Dropout(0.4), 6),
    "ELU": alone(lambda: L.ELU(0.7), 6),
    "Flatten": alone(lambda: L.Flatten(), 2, 3),
    "GaussianDropout": alone(lambda: L.GaussianDropout(0.3), 6),
    "GaussianNoise": alone(lambda: L.GaussianNoise(0.3), 6),
    "GroupNormalization": alone(lambda: L.GroupNormalization(3), 2, 6),
    "Identity": alone(lambda: L.Identity(), 6),
    "Lambda": alone(lambda: L.Lambda(lambda x: x * np.tanh(x)), 6),
    "LayerNormalization": alone(lambda: L.LayerNormalization(), 6),
    "LayerNormalization of two axes": alone(lambda: L.LayerNormalization(axis=[1, 2]), 3, 4),
    "LeakyReLU": alone(lambda: L.LeakyReLU(0.2), 6),
    "Normalization": alone(lambda: L.Normalization(mean=0.3, variance=2.0), 6),
    "Normalization of an axis": alone(lambda: L.Normalization(axis=1, mean=[0.3, 1.0], variance=[2.0, 1.0]), 2, 3),
    "PReLU": alone(lambda: L.PReLU("random_normal"), 6),
    "PReLU of shared axes": alone(lambda: L.PReLU("random_normal", shared_axes=[2]), 3, 4),
    "RMSNormalization": alone(lambda: L.RMSNormalization(), 6),
    "ReLU": alone(lambda: L.ReLU(max_value=2.0, negative_slope=0.1, threshold=0.05), 6),
    "Rescaling": alone(lambda: L.Rescaling(0.5, 0.1), 6),
    "Reshape": alone(lambda: L.Reshape((3, 2)), 6),
    "Softmax": alone(lambda: L.Softmax(), 6),
    "Softmax of an axis": alone(lambda: L.Softmax(axis=1), 3, 4),
    "UnitNormalization": alone(lambda: L.UnitNormalization(), 6),
    "BatchNormalization": alone(lambda: L.BatchNormalization(), 6),
    "BatchNormalization of an axis": alone(lambda: L.BatchNormalization(axis=1), 2, 3),
    "BatchNormalization without scale": alone(lambda: L.BatchNormalization(scale=False, center=False), 6),
    "BatchNormalization with a mask": masked(L.BatchNormalization),
    "custom layer": alone(Scale, 6),
    "Add": merged(L.Add, (3,), (3,), (3,)),
    "Average": merged(L.Average, (2, 3), (1, 3)),
    "Subtract": merged(L.Subtract, (3,), (3,)),
    "Multiply": merged(L.Multiply, (3,), (3,), (3,)),
    "Multiply of other shapes": merged(L.Multiply, (2, 3), (1, 3)),
    "Maximum": merged(L.Maximum, (3,), (3,), (3,)),
    "Minimum": merged(L.Minimum, (2, 3), (1, 3)),
    "Concatenate": merged(lambda: L.Concatenate(axis=1), (2, 3), (1, 3)),
    "Dot": merged(lambda: L.Dot(1), (3,), (3,)),
    "Dot of matrices": merged(lambda: L.Dot((2, 1)), (2, 3), (3, 4)),
    "Dot of unit vectors": merged(lambda: L.Dot((1, 2), normalize=True), (3, 2), (4, 3)),
    "SpatialDropout1D": alone(lambda: L.SpatialDropout1D(0.4), 4, 3),
    "SpatialDropout2D": alone(lambda: L.SpatialDropout2D(0.4), 2, 3, 3),
    "SpatialDropout3D": alone(lambda: L.SpatialDropout3D(0.4), 2, 2, 2, 3),
    "RandomCrop": alone(lambda: L.RandomCrop(3, 4), 5, 6, 2),
    "RandomFlip": alone(lambda: L.RandomFlip(), 3, 4, 2),
    "RandomRotation": alone(lambda: L.RandomRotation(0.2, fill_mode="constant", fill_value=0.7), 4, 5, 2),
    "RandomTranslation": alone(lambda: L.RandomTranslation(0.3, 0.2, fill_mode="nearest"), 4, 5, 2),
    "RandomZoom": alone(lambda: L.RandomZoom(0.3), 4, 5, 2),
    "CenterCrop": alone(lambda: L.CenterCrop(2, 3), 4, 5, 2),
    "Resizing": alone(lambda: L.Resizing(6, 3), 4, 5, 2),
    "Masking": masked(lambda: L.Dense(2)),
    "GetItem": alone(lambda: L.GetItem((slice(None), slice(None, None, 2))), 5, 2),
    "Embedding": alone(lambda: L.Embedding(7, 3), 4),
    "Embedding that masks": lambda: gs.Sequential([gs.Input((4,)), L.Embedding(7, 3, mask_zero=True), L.LSTM(2)]),
    "TimeDistributed": alone(lambda: L.TimeDistributed(L.Dense(2, "tanh")), 3, 4),
    "GlobalAveragePooling1D with a mask": masked(L.GlobalAveragePooling1D),
    "MaxPooling of overlaps": alone(lambda: L.MaxPooling2D(3, strides=2, padding="same"), 5, 4, 2),
    "MaxPooling of large windows": alone(lambda: L.GlobalMaxPooling2D(), 17, 17, 2),
    "Conv2D and pool": lambda: gs.Sequential(
        [gs.Input((6, 6, 2)), L.Conv2D(3, 3, activation="relu"), L.MaxPooling2D(2), L.Flatten(), L.Dense(2)]
    ),
    "Conv1D that is causal": alone(lambda: L.Conv1D(2, 2, padding="causal", dilation_rate=2, activation="silu"), 6, 3),
    "Conv2D in groups": alone(lambda: L.Conv2D(4, 3, groups=2, padding="same", activation="tanh"), 4, 4, 2),
    "Conv2D of many": alone(lambda: L.Conv2D(70, 3), 3, 3, 70),  # whose gradient is made apart
    "Attention": attended(lambda q, v: L.Attention(use_scale=True)([q, v])),
    "Attention with masks": attended(lambda q, v: L.Attention(dropout=0.3)([q, v]), True),
    "MultiHeadAttention": attended(lambda q, v: L.MultiHeadAttention(2, 3, value_dim=2, dropout=0.2)(q, v)),
    "MultiHeadAttention with masks": attended(
        lambda q, v: L.MultiHeadAttention(2, 3, use_bias=False)(q, v, use_causal_mask=True), True
    ),
    "MultiHeadAttention along an axis": along_an_axis,
    "MultiHeadAttention and its weights": lambda: with_weights(L.MultiHeadAttention(2, 3, dropout=0.2))(),
    "Attention and its weights": lambda: with_weights(L.Attention(use_scale=True, dropout=0.2))(),
    "AdditiveAttention and its weights": lambda: with_weights(L.AdditiveAttention())(),
    "Attention, concat": attended(lambda q, v: L.Attention(True, "concat", dropout=0.3)([q, v])),
    "AdditiveAttention": attended(lambda q, v: L.AdditiveAttention()([q, v])),
    "AdditiveAttention with masks": attended(
        lambda q, v: L.AdditiveAttention(use_scale=False)([q, v], use_causal_mask=True), True
    ),
}
CASES |= {
    f"{name} layer": alone(lambda kind=kind, o=o: getattr(L, kind)(**o), *row)
    for name, (kind, o, row, _) in REARRANGED.items()
}
CASES |= {
    f"{name}{kind}": alone(lambda name=name, o=o: getattr(L, name)(**needed(name), **o), *row)
    for name in [*CONVOLUTIONS, *POOLS]
    for dims in [int(name[name.index("D") - 1] if "Depthwise" not in name else name[-2])]
    for kind, o, row in [
        ("", {}, (*(5, 4, 4)[:dims], 2)),
        (
            " first",
            FIRST | ({"padding": "same", "activation": "gelu"} if name in CONVOLUTIONS else {}),
            (2, *(5, 4, 4)[:dims]),
        ),
    ]
}
CASES |= {cell: alone(lambda cell=cell: rnn(cell), 4, 3) for cell in CELLS}
CASES |= {
    f"{cell} that drops": alone(
        lambda cell=cell: rnn(
            cell, dropout=0.3, recurrent_dropout=0.3, return_sequences=True, go_backwards=True, use_bias=False
        ),
        4,
        3,
    )
    for cell in CELLS
}
CASES |= {
    f"{cell} with a mask": masked(lambda cell=cell: rnn(cell, return_sequences=True))
    for cell in ("LSTM", "GRU", "SimpleRNN")
}
CASES |= {
    "EinsumDense": alone(lambda: L.EinsumDense("abc,cde->abde", (None, 2, 3), "gelu", "de"), 4, 3),
    "EinsumDense of part": alone(lambda: L.EinsumDense("abcd,bde->aec", (2, 3), "tanh", "e"), 2, 3, 4),
    "RNN of a stack": masked(lambda: L.RNN([L.LSTMCell(2), L.GRUCell(3)], return_sequences=True)),
    "RNN of a custom cell": masked(lambda: L.RNN(Leaky(), return_sequences=True)),
}
CASES |= {
    f"Bidirectional {mode}": masked(
        lambda mode=mode: L.Bidirectional(L.LSTM(2, return_sequences=True), merge_mode=mode)
    )
    for mode in ("concat", "sum", "mul", "ave")
}
CASES |= {
    "ConvLSTM1D": alone(lambda: L.ConvLSTM1D(2, 2, padding="same", return_sequences=True), 3, 4, 2),
    "ConvLSTM2D": alone(lambda: L.ConvLSTM2D(2, 2, activation="gelu", go_backwards=True), 3, 3, 4, 2),
    "ConvLSTM2D first": alone(
        lambda: L.ConvLSTM2D(2, 2, strides=2, use_bias=False, dropout=0.3, recurrent_dropout=0.3, **FIRST), 3, 2, 4, 4
    ),
    "Bidirectional ConvLSTM2D": alone(lambda: L.Bidirectional(L.ConvLSTM2D(2, 2, return_sequences=True)), 3, 3, 4, 2),
    "Bidirectional ConvLSTM1D first": alone(
        lambda: L.Bidirectional(L.ConvLSTM1D(2, 2, padding="same", dropout=0.3, **FIRST), merge_mode="mul"), 3, 2, 4
    ),
    "ConvLSTM3D": alone(lambda: L.ConvLSTM3D(2, 2, recurrent_activation="hard_sigmoid"), 2, 2, 3, 2, 2),
}


def made(name, random, rows=5):
    """A model of a case in float64 without a weight of 0, and data; and whether the data can move."""
    gs.utils.set_random_seed(len(name))
    before = gs.config.floatx()
    gs.config.set_floatx("float64")
    try:
        model = CASES[name]()
    finally:
        gs.config.set_floatx(before)
    for weight in model.weights:
        if any(weight is one for one in model.trainable_weights):
            inputs = weight.size // weight.shape[-1] if weight.ndim > 1 else 1
            size = 0.2 if "softplus" in name else 0.6  # a state that grows from step to step has large derivatives
            weight[...] = size * random.normal(size=weight.shape) / np.sqrt(max(inputs, 1))
        else:
            weight[...] = random.uniform(0.5, 1.5, weight.shape)
    shapes = model.input_shape if isinstance(model.input_shape, list) else [model.input_shape]
    if "Embedding" in name:
        return model, [random.integers(0, 7, (rows, *shapes[0][1:])).astype(np.float64)], False
    x = [random.normal(size=(rows, *shape[1:])) for shape in shapes]
    if "mask" in name.lower():
        for one in x:
            one[0, 1] = one[1, -1] = one[2, :2] = 0
    return model, x, True
