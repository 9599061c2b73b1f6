"""All that a step may change, as bytes, to be compared with ``==``."""

from __future__ import annotations

import numpy as np
from gradstep.optimizers import Optimizer


def everything(optimizer: Optimizer, *arrays: np.ndarray) -> bytes:
    """The arrays, the state, the hyperparameters and the counter."""
    state = optimizer.state_dict()
    return b"".join([a.tobytes() for a in arrays] + [key.encode() + state[key].tobytes() for key in sorted(state)])
