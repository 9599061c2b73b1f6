"""Layers, by Keras's names. A layer called on an array computes at once: ``Dense(3)(x)``."""

from typing import TYPE_CHECKING

from ..hints import complete
from ..preprocessing.hashing import HashedCrossing, Hashing
from ..preprocessing.lookups import IntegerLookup, StringLookup
from ..preprocessing.text_vectorization import TextVectorization
from .attention.additive_attention import AdditiveAttention
from .attention.attention import Attention
from .attention.multi_head_attention import MultiHeadAttention
from .base.layer import Layer
from .convolution.conv import Conv1D, Conv2D, Conv3D
from .convolution.conv_transpose import Conv1DTranspose, Conv2DTranspose, Conv3DTranspose
from .convolution.depthwise_conv import DepthwiseConv1D, DepthwiseConv2D
from .convolution.separable_conv import SeparableConv1D, SeparableConv2D
from .core.activation import ELU, Activation, LeakyReLU, ReLU, Softmax
from .core.dense import Dense
from .core.einsum_dense import EinsumDense
from .core.embedding import Embedding
from .core.identity import Identity
from .core.input import Input, InputLayer
from .core.lambda_layer import Lambda
from .core.masking import Masking
from .core.prelu import PReLU
from .core.time_distributed import TimeDistributed
from .merging.elementwise import Add, Average, Maximum, Minimum, Multiply, Subtract
from .merging.merged import add, average, concatenate, dot, maximum, minimum, multiply, subtract
from .merging.merging import Concatenate, Dot
from .normalization.batch_normalization import BatchNormalization
from .normalization.row_normalizations import (
    GroupNormalization,
    LayerNormalization,
    RMSNormalization,
    UnitNormalization,
)
from .pooling.average_pooling import AveragePooling1D, AveragePooling2D, AveragePooling3D
from .pooling.global_pooling import (
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalAveragePooling3D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    GlobalMaxPooling3D,
)
from .pooling.max_pooling import MaxPooling1D, MaxPooling2D, MaxPooling3D
from .preprocessing.category_encoding import CategoryEncoding
from .preprocessing.discretization import Discretization
from .preprocessing.normalization import Normalization
from .preprocessing.random_image import RandomCrop, RandomFlip, RandomRotation, RandomTranslation, RandomZoom
from .preprocessing.rescaling import Rescaling
from .preprocessing.resizing import CenterCrop, Resizing
from .recurrent.bidirectional import Bidirectional
from .recurrent.cells import GRUCell, LSTMCell, SimpleRNNCell
from .recurrent.conv_lstm import ConvLSTM1D, ConvLSTM2D, ConvLSTM3D
from .recurrent.gru import GRU
from .recurrent.lstm import LSTM
from .recurrent.rnn import RNN
from .recurrent.simple_rnn import SimpleRNN
from .recurrent.stacked_cells import StackedRNNCells
from .regularization.activity_regularization import ActivityRegularization
from .regularization.dropout import AlphaDropout, Dropout
from .regularization.noise import GaussianDropout, GaussianNoise
from .regularization.spatial_dropout import SpatialDropout1D, SpatialDropout2D, SpatialDropout3D
from .reshaping.cropping import Cropping1D, Cropping2D, Cropping3D
from .reshaping.flatten import Flatten
from .reshaping.get_item import GetItem
from .reshaping.permute import Permute
from .reshaping.repeat_vector import RepeatVector
from .reshaping.reshape import Reshape
from .reshaping.up_sampling import UpSampling1D, UpSampling2D, UpSampling3D
from .reshaping.zero_padding import ZeroPadding1D, ZeroPadding2D, ZeroPadding3D

__all__ = [
    "ELU",
    "GRU",
    "LSTM",
    "RNN",
    "Activation",
    "ActivityRegularization",
    "Add",
    "AdditiveAttention",
    "AlphaDropout",
    "Attention",
    "Average",
    "AveragePooling1D",
    "AveragePooling2D",
    "AveragePooling3D",
    "BatchNormalization",
    "Bidirectional",
    "CategoryEncoding",
    "CenterCrop",
    "Concatenate",
    "Conv1D",
    "Conv1DTranspose",
    "Conv2D",
    "Conv2DTranspose",
    "Conv3D",
    "Conv3DTranspose",
    "ConvLSTM1D",
    "ConvLSTM2D",
    "ConvLSTM3D",
    "Cropping1D",
    "Cropping2D",
    "Cropping3D",
    "Dense",
    "DepthwiseConv1D",
    "DepthwiseConv2D",
    "Discretization",
    "Dot",
    "Dropout",
    "EinsumDense",
    "Embedding",
    "Flatten",
    "GRUCell",
    "GaussianDropout",
    "GaussianNoise",
    "GetItem",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalAveragePooling3D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "GlobalMaxPooling3D",
    "GroupNormalization",
    "HashedCrossing",
    "Hashing",
    "Identity",
    "Input",
    "InputLayer",
    "IntegerLookup",
    "LSTMCell",
    "Lambda",
    "Layer",
    "LayerNormalization",
    "LeakyReLU",
    "Masking",
    "MaxPooling1D",
    "MaxPooling2D",
    "MaxPooling3D",
    "Maximum",
    "Minimum",
    "MultiHeadAttention",
    "Multiply",
    "Normalization",
    "PReLU",
    "Permute",
    "RMSNormalization",
    "RandomCrop",
    "RandomFlip",
    "RandomRotation",
    "RandomTranslation",
    "RandomZoom",
    "ReLU",
    "RepeatVector",
    "Rescaling",
    "Reshape",
    "Resizing",
    "SeparableConv1D",
    "SeparableConv2D",
    "SimpleRNN",
    "SimpleRNNCell",
    "Softmax",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
    "StackedRNNCells",
    "StringLookup",
    "Subtract",
    "TextVectorization",
    "TimeDistributed",
    "UnitNormalization",
    "UpSampling1D",
    "UpSampling2D",
    "UpSampling3D",
    "ZeroPadding1D",
    "ZeroPadding2D",
    "ZeroPadding3D",
    "add",
    "average",
    "concatenate",
    "dot",
    "maximum",
    "minimum",
    "multiply",
    "subtract",
]

# Keras's second names: MaxPool2D is MaxPooling2D.
_SECOND_NAMES = {
    f"{short}{axes}D{end}": f"{name}{axes}D{end}"
    for short, name, ends in (
        ("MaxPool", "MaxPooling", ("",)),
        ("AvgPool", "AveragePooling", ("",)),
        ("GlobalMaxPool", "GlobalMaxPooling", ("",)),
        ("GlobalAvgPool", "GlobalAveragePooling", ("",)),
        ("Convolution", "Conv", ("", "Transpose")),
        ("SeparableConvolution", "SeparableConv", ("",)),
    )
    for axes in (1, 2, 3)
    for end in ends
    if f"{name}{axes}D{end}" in __all__
}

if not TYPE_CHECKING:  # which is to know what there is
    __getattr__ = complete(__name__, globals(), "layer", _SECOND_NAMES)
