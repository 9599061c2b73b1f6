"""Names of ``keras.backend`` that plain scripts use."""

from __future__ import annotations

from .config import floatx, set_floatx
from .utils import clear_session

__all__ = ["clear_session", "floatx", "set_floatx"]
