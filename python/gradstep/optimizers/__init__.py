"""Optimizers: Keras's names over update rules in C++. Each steps NumPy arrays in place, or trains a model."""

from . import schedules
from .adabelief import AdaBelief
from .adadelta import Adadelta
from .adagrad import Adagrad
from .adam import Adam
from .adamax import Adamax
from .adamw import AdamW
from .adan import Adan
from .ademamix import AdEMAMix
from .asgd import ASGD
from .base import Optimizer
from .bound import Bound
from .ftrl import Ftrl
from .lion import Lion
from .nadam import Nadam
from .radam import RAdam
from .registry import deserialize, get, serialize
from .rmsprop import RMSprop
from .rprop import Rprop
from .schedulefreeadamw import ScheduleFreeAdamW
from .schedulefreesgd import ScheduleFreeSGD
from .sgd import SGD
from .signum import Signum
from .yogi import Yogi

__all__ = [
    "ASGD",
    "SGD",
    "AdEMAMix",
    "AdaBelief",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Adan",
    "Bound",
    "Ftrl",
    "Lion",
    "Nadam",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "Rprop",
    "ScheduleFreeAdamW",
    "ScheduleFreeSGD",
    "Signum",
    "Yogi",
    "deserialize",
    "get",
    "schedules",
    "serialize",
]
