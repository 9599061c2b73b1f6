"""Random seed and default names of the whole program."""

from __future__ import annotations

import numpy as np

from .. import naming, seeds
from ..checks import check_bool, check_int

__all__ = ["clear_session", "set_random_seed"]


def set_random_seed(seed: int) -> None:
    """Seed all random numbers: initial weights, shuffles, dropout, and Python's and NumPy's global generators.

    Parameters
    ----------
    seed : int
        0 to 2**32 - 1. The same seed before the same program gives the same bits, with any number of threads.
        Called in a thread beside the main one, it counts for that thread alone; threads that never call it follow the
        main thread's, in the order in which they happen to draw. Python's and NumPy's generators are the process's.

    Raises
    ------
    TypeError, ValueError
        Not an int, or outside that range; nothing is seeded then.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.utils.set_random_seed(7)
    >>> first = gs.initializers.GlorotUniform()((2, 3))
    >>> gs.utils.set_random_seed(7)
    >>> bool((gs.initializers.GlorotUniform()((2, 3)) == first).all())
    True
    """
    import random

    key = seeds.key_of(check_int("seed", seed, 0))
    assert key is not None
    random.seed(key[0])
    np.random.seed(key[0])
    seeds.restart(key[0])


def clear_session(free_memory: bool = True) -> None:
    """Restart the numbers in default names of layers, models and metrics: "dense", "dense_1", and so on.

    Parameters
    ----------
    free_memory : bool, default True
        As in Keras: whether to collect what nobody holds at once. Nothing else is kept here.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.utils.clear_session()
    >>> gs.layers.Dense(1).name, gs.layers.Dense(1).name
    ('dense', 'dense_1')
    """
    naming.forget_names()
    if check_bool("free_memory", free_memory):
        import gc

        gc.collect()
