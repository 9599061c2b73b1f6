"""A team of processes that train one model, each on its part of every batch."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from .. import _core
from ..checks import check_bool, check_choice, check_int, describe
from .parts import Part, borders, files_of, read_rows
from .tree import RoundedTreeSum, TreeSum

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["DataParallel", "world"]

# What mpiexec, or srun, tells the processes that it starts: how many they are, or that they belong together.
LAUNCHED = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "MPI_LOCALNRANKS")


class DataParallel:
    """Data-parallel training: each process computes gradients of its part of a batch, and all take the same step.

    Parameters
    ----------
    shards : int, default 8
        In how many parts, always the same, a batch is cut: a power of two, and a multiple of the number of processes.
        Results depend on it, and not on the number of processes.
    comm : mpi4py.MPI.Comm, optional
        The processes; by default all that mpiexec started, or this one alone.
    shard_optimizer : bool, default False
        Whether each process keeps the optimizer's state of its part of the weights alone, and steps that part (ZeRO,
        stage 1). The same bits; for rules that move each element by itself, without clipping by norms or constraints.
    gradient_dtype : {None, "bfloat16"}, default None
        In what processes send each other gradients: "bfloat16" halves the bytes, and rounds each sum of the tree to 8
        bits. Weights get other bits than with None, but still the same for any number of processes.
    overlap : bool, optional
        Whether gradients of layers are sent while those of the layers before them are computed. The same bits. None:
        where the processes are on several machines. On one, the core that moves numbers is one that computes.

    Attributes
    ----------
    rank : int
        The number of this process, from 0.
    size : int
        How many processes there are.

    Raises
    ------
    ImportError
        There are several processes, and mpi4py is missing: ``pip install 'gradstep[mpi]'``.
    RuntimeError
        The processes compute with different instruction sets, or different versions of this package.
    TypeError, ValueError
        An argument of a wrong type or out of range; or the processes were given different ones.

    Notes
    -----
    All processes run the same script. The gradient of a batch is the sum of those of its shards, by a tree of pairs
    that does not depend on who computed which shard: weights and logs have the same bits for 1, 2, 4, ... processes.
    They differ in rounding from those of `fit` without a distribution, which sums over the rows of a batch at once.
    `BatchNormalization` takes mean and variance over the whole batch, by the same tree.

    Shard ``i`` has its own rows of the data, ``rows * i // shards`` and those after it, in its own order in each
    epoch; a batch takes as many of each. A process reads the rows of its own shards only.

    Where a process fails, all end: `fit` has no elasticity. `callbacks.BackupAndRestore` goes on with any number of
    processes.

    References
    ----------
    Rajbhandari et al., "ZeRO: Memory Optimizations Toward Training Trillion Parameter Models", SC 2020,
    arXiv:1910.02054.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> team = gs.distribution.DataParallel(shards=4)
    >>> team.rank, team.size
    (0, 1)
    >>> model = gs.Sequential([gs.Input((2,)), gs.layers.Dense(1)])
    >>> model.compile("adam", "mse")
    >>> x, y = np.ones((16, 2)), np.ones(16)
    >>> history = model.fit(x, y, batch_size=8, epochs=2, verbose=0, distribution=team)
    """

    def __init__(
        self,
        shards: int = 8,
        comm: Any = None,
        shard_optimizer: bool = False,
        gradient_dtype: Literal["bfloat16"] | None = None,
        overlap: bool | None = None,
    ) -> None:
        self.shards = check_int("shards", shards, 1)
        self.shard_optimizer = check_bool("shard_optimizer", shard_optimizer)
        self.gradient_dtype = gradient_dtype
        kinds: dict[str, type[TreeSum]] = {"bfloat16": RoundedTreeSum}
        self._tree = TreeSum if gradient_dtype is None else check_choice("gradient_dtype", gradient_dtype, kinds)
        if self.shards & (self.shards - 1):
            raise ValueError(f"shards must be a power of two; got {shards}.")
        self.comm: Any = world() if comm is None else comm
        if self.comm is not None and not hasattr(self.comm, "Alltoall"):
            raise TypeError(f"comm must be a communicator of mpi4py; got {describe(comm)}.")
        if self.comm is not None and self.comm.size == 1:
            self.comm = None
        self.rank: int = 0 if self.comm is None else self.comm.rank
        self.size: int = 1 if self.comm is None else self.comm.size
        if self.shards % self.size:
            raise ValueError(f"shards must be a multiple of the number of processes, {self.size}; got {shards}.")
        given = None if overlap is None else check_bool("overlap", overlap)
        self._check_alike(given)
        self.overlap: bool = self.comm is not None and not _is_on_one_machine(self.comm) if given is None else given
        self._streams: tuple[Any, Any] | None = None

    def __repr__(self) -> str:
        return f"DataParallel(shards={self.shards}), rank {self.rank} of {self.size}"

    @property
    def own(self) -> range:
        """The numbers of the shards of this process."""
        each = self.shards // self.size
        return range(self.rank * each, (self.rank + 1) * each)

    def parts(self, pattern: str) -> Part:
        """The rows of this process, of data in several ``.npy`` files.

        Parameters
        ----------
        pattern : str
            Names of files with ``*`` and ``?``, as of `glob`; sorted, their rows are the data, one file after another.
            How many files there are need not fit the number of processes.

        Returns
        -------
        Part
            For `fit`, as `x`, `y` or `sample_weight`. Files of which this process needs no row are opened for their
            lengths alone.

        Raises
        ------
        FileNotFoundError
            No file matches.
        ValueError
            The files differ in the shape or dtype of a row; or the processes see different files.
        """
        files, lengths = files_of(pattern)
        self.agree(f"the lengths of the files {pattern!r}", tuple(lengths))
        at = borders(sum(lengths), self.shards)
        first, last = at[self.own.start], at[self.own.stop]
        return Part(read_rows(files, lengths, first, last), first, sum(lengths))

    def value_and_grad(
        self, model: Any, x: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> tuple[float, list[np.ndarray]]:
        """Loss of a batch, and its gradient by each weight, each process computing its shards of the batch.

        Parameters
        ----------
        model : Model
            The same in all processes.
        x, y, sample_weight
            As of `Model.value_and_grad`: the whole batch, the same in all processes. Shard ``i`` is the rows
            ``rows * i // shards`` and those after it.

        Returns
        -------
        value : float
        gradients : list of ndarray
            As `Model.value_and_grad` gives them; the same bits for any number of processes.

        Raises
        ------
        TypeError, ValueError
            As `Model.fit` does with a distribution.
        """
        found: tuple[float, list[np.ndarray]] = model._value_and_grad_in_shards(self, x, y, sample_weight)
        return found

    # -- what the processes tell each other ----------------------------------------------------------------------------

    def tree(self, size: int, dtype: Any) -> TreeSum:
        """What sums a vector of each shard."""
        return self._tree(self.comm, size, dtype)

    def streams(self) -> tuple[Any, Any]:
        """Two communicators for messages that are under way while others are sent. In all processes."""
        if self._streams is None:
            self._streams = self.comm.Dup(), self.comm.Dup()
        return self._streams

    def lose_streams(self) -> None:
        """Leave messages under way for ever; in all processes that go on."""
        self._streams = None

    def of_all(self, own: Any) -> list[Any]:
        """What each shard's process has for it, given for the own ones, in the order of the shards."""
        return list(own) if self.comm is None else [one for each in self.comm.allgather(list(own)) for one in each]

    def numbers_of_all(self, own: np.ndarray) -> np.ndarray:
        """The same for numbers, float64 (own shards, n) -> (shards, n)."""
        if self.comm is None:
            return own
        found = np.empty((self.shards, own.shape[1]))
        self.comm.Allgather(np.ascontiguousarray(own, np.float64), found)
        return found

    def of_first(self, value: Any) -> Any:
        """What the first process has."""
        return value if self.comm is None else self.comm.bcast(value, 0)

    def agree(self, what: str, value: Any, error: type[Exception] = ValueError) -> None:
        """Raise an error in all processes if they do not have the same value."""
        if self.comm is None:
            return
        values = self.comm.allgather(value)
        for rank, other in enumerate(values):
            if other != values[0]:
                raise error(f"{what} must be the same in all processes: rank 0 has {values[0]}, rank {rank} {other}.")

    def _check_alike(self, overlap: bool | None) -> None:
        if self.comm is None:
            return
        self.agree("the version of gradstep", _core.__version__, RuntimeError)
        self.agree("shards", self.shards)
        self.agree("shard_optimizer", self.shard_optimizer)
        self.agree("gradient_dtype", self.gradient_dtype)
        self.agree("overlap", overlap)
        sets = self.comm.allgather((_core.build_info()["isa"], tuple(_core.build_info()["isas"])))
        if len({chosen for chosen, _ in sets}) == 1:
            return
        other = next(rank for rank, (chosen, _) in enumerate(sets) if chosen != sets[0][0])
        common = [isa for isa in sets[0][1] if all(isa in usable for _, usable in sets)]
        advice = f" Set GRADSTEP_ISA={common[-1]} for all of them." if common else ""
        raise RuntimeError(
            "all processes must compute with the same instruction set, for sums are rounded in another way by each: "
            f"rank 0 has {sets[0][0]}, rank {other} {sets[other][0]}.{advice}"
        )


def _is_on_one_machine(comm: Any) -> bool:
    from mpi4py import MPI

    near = comm.Split_type(MPI.COMM_TYPE_SHARED)
    found: bool = near.size == comm.size
    near.Free()
    return found


def world() -> Any:
    """All processes that were started together; None if this is the only one."""
    if "mpi4py.MPI" not in sys.modules and not any(name in os.environ for name in LAUNCHED):
        return None
    try:
        from mpi4py import MPI
    except ImportError as error:
        if all(os.environ.get(name, "1") == "1" for name in LAUNCHED[:2]):
            return None
        raise ImportError(
            "training by several processes needs mpi4py: pip install 'gradstep[mpi]', or mpi4py for the MPI of the "
            f"cluster ({error})"
        ) from None
    return MPI.COMM_WORLD
