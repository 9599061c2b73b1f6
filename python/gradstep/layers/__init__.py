"""Layers, by Keras's names. A layer called on an array computes at once: ``Dense(3)(x)``."""

from typing import TYPE_CHECKING

from ..hints import complete
from ..preprocessing.lookups import IntegerLookup, StringLookup
from ..preprocessing.text_vectorization import TextVectorization
from .activation import ELU, Activation, LeakyReLU, ReLU, Softmax
from .activity_regularization import ActivityRegularization
from .attention import Attention
from .average_pooling import AveragePooling1D, AveragePooling2D, AveragePooling3D
from .base import Layer
from .batch_normalization import BatchNormalization
from .bidirectional import Bidirectional
from .conv import Conv1D, Conv2D, Conv3D
from .conv_transpose import Conv1DTranspose, Conv2DTranspose, Conv3DTranspose
from .cropping import Cropping1D, Cropping2D, Cropping3D
from .dense import Dense
from .depthwise_conv import DepthwiseConv1D, DepthwiseConv2D
from .dropout import AlphaDropout, Dropout
from .elementwise import Add, Average, Maximum, Minimum, Multiply, Subtract
from .embedding import Embedding
from .flatten import Flatten
from .get_item import GetItem
from .global_pooling import (
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalAveragePooling3D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    GlobalMaxPooling3D,
)
from .gru import GRU
from .identity import Identity
from .input import Input, InputLayer
from .lambda_layer import Lambda
from .lstm import LSTM
from .masking import Masking
from .max_pooling import MaxPooling1D, MaxPooling2D, MaxPooling3D
from .merged import add, average, concatenate, dot, maximum, minimum, multiply, subtract
from .merging import Concatenate, Dot
from .multi_head_attention import MultiHeadAttention
from .noise import GaussianDropout, GaussianNoise
from .normalization import Normalization
from .permute import Permute
from .prelu import PReLU
from .random_image import RandomCrop, RandomFlip, RandomRotation, RandomTranslation, RandomZoom
from .repeat_vector import RepeatVector
from .rescaling import Rescaling
from .reshape import Reshape
from .resizing import CenterCrop, Resizing
from .row_normalizations import GroupNormalization, LayerNormalization, RMSNormalization, UnitNormalization
from .separable_conv import SeparableConv1D, SeparableConv2D
from .simple_rnn import SimpleRNN
from .spatial_dropout import SpatialDropout1D, SpatialDropout2D, SpatialDropout3D
from .time_distributed import TimeDistributed
from .up_sampling import UpSampling1D, UpSampling2D, UpSampling3D
from .zero_padding import ZeroPadding1D, ZeroPadding2D, ZeroPadding3D

__all__ = [
    "ELU",
    "GRU",
    "LSTM",
    "Activation",
    "ActivityRegularization",
    "Add",
    "AlphaDropout",
    "Attention",
    "Average",
    "AveragePooling1D",
    "AveragePooling2D",
    "AveragePooling3D",
    "BatchNormalization",
    "Bidirectional",
    "CenterCrop",
    "Concatenate",
    "Conv1D",
    "Conv1DTranspose",
    "Conv2D",
    "Conv2DTranspose",
    "Conv3D",
    "Conv3DTranspose",
    "Cropping1D",
    "Cropping2D",
    "Cropping3D",
    "Dense",
    "DepthwiseConv1D",
    "DepthwiseConv2D",
    "Dot",
    "Dropout",
    "Embedding",
    "Flatten",
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
    "Identity",
    "Input",
    "InputLayer",
    "IntegerLookup",
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
    "Softmax",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
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

if not TYPE_CHECKING:  # which is to know what there is
    __getattr__ = complete(__name__, globals(), "layer")
