"""Data-parallel training of one model by several processes (extra `mpi`), with the same bits for any number of them.

``mpiexec -n 4 python -m gradstep train.py`` runs a script in four processes, the *ranks*, which may be on several
machines. Each computes the gradients of its part of every batch; all take the same step.
"""

from typing import TYPE_CHECKING

from ..hints import missing
from .active import distribution, set_distribution
from .data_parallel import DataParallel
from .parts import Part

__all__ = ["DataParallel", "Part", "distribution", "set_distribution"]


def __dir__() -> list[str]:
    return sorted(__all__)


if not TYPE_CHECKING:  # which is to know what there is
    __getattr__ = missing(__name__, __all__, "name for several processes")
