"""Optimizers: Keras's names over update rules in C++. Each steps NumPy arrays in place, or trains a model."""

from typing import TYPE_CHECKING

from ..hints import complete
from . import schedules
from .adabelief import AdaBelief
from .adadelta import Adadelta
from .adafactor import Adafactor
from .adagrad import Adagrad
from .adam import Adam
from .adamax import Adamax
from .adamw import AdamW
from .adan import Adan
from .ademamix import AdEMAMix
from .asgd import ASGD
from .base.bound import Bound
from .base.optimizer import Optimizer
from .diagonalnaturalgradient import DiagonalNaturalGradient
from .ftrl import Ftrl
from .kfac import KFAC
from .lamb import Lamb
from .lars import Lars
from .lion import Lion
from .lookahead import Lookahead
from .multi import MultiOptimizer
from .muon import Muon
from .nadam import Nadam
from .novograd import NovoGrad
from .prodigy import Prodigy
from .radam import RAdam
from .registry import deserialize, get, serialize
from .rmsprop import RMSprop
from .rprop import Rprop
from .sam import SAM
from .schedulefreeadamw import ScheduleFreeAdamW
from .schedulefreesgd import ScheduleFreeSGD
from .sgd import SGD
from .signum import Signum
from .yogi import Yogi

__all__ = [
    "ASGD",
    "KFAC",
    "SAM",
    "SGD",
    "AdEMAMix",
    "AdaBelief",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Adan",
    "Bound",
    "DiagonalNaturalGradient",
    "Ftrl",
    "Lamb",
    "Lars",
    "Lion",
    "Lookahead",
    "MultiOptimizer",
    "Muon",
    "Nadam",
    "NovoGrad",
    "Optimizer",
    "Prodigy",
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

if not TYPE_CHECKING:  # which is to know what there is
    __getattr__ = complete(__name__, globals(), "optimizer")
