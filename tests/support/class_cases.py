"""Every class of the package that can be made by itself, with the arguments that it cannot be made without."""

from __future__ import annotations

import inspect
from typing import Any

import gradstep as gs
import numpy as np
from gradstep.optimizers import schedules

L, S = gs.layers, schedules


def half(step: int) -> float:
    return 0.5


def squared(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    return (y_true - y_pred) ** 2, 2 * (y_pred - y_true)


# Arguments of the classes that cannot be made without.
ARGUMENTS: dict[Any, tuple[Any, ...]] = {
    gs.losses.LossFunctionWrapper: (squared,),
    gs.metrics.IoU: (3, [0, 1]),
    gs.metrics.MeanIoU: (3,),
    gs.metrics.MeanMetricWrapper: (gs.losses.mean_squared_error,),
    gs.metrics.OneHotIoU: (3, [0, 1]),
    gs.metrics.OneHotMeanIoU: (3,),
    gs.metrics.PrecisionAtRecall: (0.5,),
    gs.metrics.RecallAtPrecision: (0.5,),
    gs.metrics.SensitivityAtSpecificity: (0.5,),
    gs.metrics.SpecificityAtSensitivity: (0.5,),
    S.Constant: (0.1,),
    S.CosineDecay: (0.1, 10),
    S.CosineDecayRestarts: (0.1, 10),
    S.CyclicalLR: (0.1, 0.2, 10),
    S.ExponentialDecay: (0.1, 10, 0.5),
    S.InverseSquareRoot: (0.1, 10),
    S.InverseTimeDecay: (0.1, 10, 0.5),
    S.Lambda: (half,),
    S.Linear: (0.1, 0.2, 10),
    S.MultiStep: (0.1, [3, 5]),
    S.OneCycle: (0.1, 10),
    S.PerEpoch: (S.Constant(0.1), 3),
    S.PiecewiseConstantDecay: ([3, 5], [0.3, 0.2, 0.1]),
    S.PolynomialDecay: (0.1, 10),
    S.Sequential: ([S.Constant(0.1), S.Constant(0.2)], [3]),
    S.StepDecay: (0.1, 10),
    S.Warmup: (S.Constant(0.1), 3),
    gs.callbacks.BackupAndRestore: ("folder",),
    gs.callbacks.CSVLogger: ("file",),
    gs.callbacks.LearningRateScheduler: (half,),
    gs.callbacks.ModelCheckpoint: ("file",),
    L.Activation: ("relu",),
    L.CategoryEncoding: (4,),
    L.Discretization: ([0.0, 1.0],),
    **dict.fromkeys((L.HashedCrossing, L.Hashing), (3,)),
    L.AveragePooling1D: (2,),
    L.AveragePooling2D: (2,),
    L.AveragePooling3D: (2,),
    **dict.fromkeys((L.Conv1D, L.Conv2D, L.Conv3D), (2, 2)),
    **dict.fromkeys((L.Conv1DTranspose, L.Conv2DTranspose, L.Conv3DTranspose), (2, 2)),
    **dict.fromkeys((L.DepthwiseConv1D, L.DepthwiseConv2D), (2,)),
    **dict.fromkeys((L.SeparableConv1D, L.SeparableConv2D), (2, 2)),
    L.AlphaDropout: (0.5,),
    L.Dense: (3,),
    L.EinsumDense: ("...x,xy->...y", 3),
    L.Dot: (1,),
    L.Dropout: (0.5,),
    L.GaussianDropout: (0.5,),
    L.GaussianNoise: (0.5,),
    L.GetItem: (":",),
    L.Lambda: (np.tanh,),
    L.GroupNormalization: (2,),
    L.Bidirectional: ({"class_name": "LSTM", "config": {"units": 3}},),
    **dict.fromkeys((L.ConvLSTM1D, L.ConvLSTM2D, L.ConvLSTM3D), (2, 2)),
    L.GRU: (3,),
    **dict.fromkeys((L.GRUCell, L.LSTMCell, L.SimpleRNNCell), (3,)),
    L.InputLayer: ((3,),),
    L.LSTM: (3,),
    L.Permute: ((1,),),
    L.RepeatVector: (2,),
    L.Rescaling: (0.5,),
    L.SimpleRNN: (3,),
    L.SpatialDropout1D: (0.5,),
    L.SpatialDropout2D: (0.5,),
    L.SpatialDropout3D: (0.5,),
    L.Reshape: ((4, 1),),
    **dict.fromkeys((L.CenterCrop, L.RandomCrop, L.Resizing), (2, 2)),
    L.RandomRotation: (0.1,),
    L.RandomTranslation: (0.2, 0.2),
    L.RandomZoom: (0.2,),
    L.Embedding: (4, 3),
    L.MultiHeadAttention: (2, 3),
}
MODULES = (gs.losses, gs.metrics, gs.initializers, gs.regularizers, gs.constraints, schedules, gs.callbacks, L)
BASES = {"Callback", "Constraint", "Initializer", "Layer", "LearningRateSchedule", "Loss", "Metric", "Regularizer"}
OF_ONE_TRIAL = {"OptunaPruning"}  # which Optuna owns and does not copy
OF_ONE_RUN = {"MLflowLogger", "TqdmProgress", "WandbLogger"}  # theirs is tried in tests/callbacks
# What a callback needs to be made.
LIBRARIES = {"MLflowLogger": "mlflow", "TensorBoard": "tensorboard", "TqdmProgress": "tqdm", "WandbLogger": "wandb"}
CLASSES = [
    cls
    for module in MODULES
    for cls in (getattr(module, name) for name in module.__all__)
    if inspect.isclass(cls) and cls.__name__ not in BASES | OF_ONE_TRIAL
]


def made(cls: Any) -> Any:
    if cls is L.TimeDistributed:
        return cls(L.Dense(3))
    if cls is L.RNN:
        return cls(L.LSTMCell(3))
    if cls is L.StackedRNNCells:
        return cls([L.LSTMCell(3), L.GRUCell(2)])
    return cls(*ARGUMENTS.get(cls, ()))
