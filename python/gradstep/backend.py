"""Names of ``keras.backend`` that plain scripts use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .config import epsilon, floatx, image_data_format, set_floatx, set_image_data_format
from .hints import missing
from .utils import clear_session

__all__ = ["clear_session", "epsilon", "floatx", "image_data_format", "set_floatx", "set_image_data_format"]


if not TYPE_CHECKING:  # which is to know what there is
    __getattr__ = missing(__name__, __all__, "function of keras.backend")
