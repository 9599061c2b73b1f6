"""Callbacks, by Keras's names: hooks of training, evaluation and prediction."""

from typing import TYPE_CHECKING

from ..hints import complete
from .backup_and_restore import BackupAndRestore
from .base import Callback
from .callback_list import CallbackList
from .csv_logger import CSVLogger
from .diagnose import Diagnose
from .early_stopping import EarlyStopping
from .history import History
from .lambda_callback import LambdaCallback
from .learning_rate_scheduler import LearningRateScheduler
from .model_checkpoint import ModelCheckpoint
from .optuna_pruning import OptunaPruning
from .progress import ProgbarLogger
from .reduce_lr_on_plateau import ReduceLROnPlateau
from .swap_ema_weights import SwapEMAWeights
from .tensorboard import TensorBoard
from .terminate_on_nan import TerminateOnNaN
from .trackers import MLflowLogger, TqdmProgress, WandbLogger

__all__ = [
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "Diagnose",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "MLflowLogger",
    "ModelCheckpoint",
    "OptunaPruning",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "SwapEMAWeights",
    "TensorBoard",
    "TerminateOnNaN",
    "TqdmProgress",
    "WandbLogger",
]

if not TYPE_CHECKING:  # which is to know what there is
    __getattr__ = complete(__name__, globals(), "callback")
