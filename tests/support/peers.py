"""Other libraries, which tests compare with or hand data to: those of the extra `peers`, which need not be there."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

__all__ = ["needs"]


def needs(*packages: str) -> None:
    """Skip the test if one of them is missing. None is imported: importing Keras would choose its backend."""
    for package in packages:
        if find_spec(package) is None:
            pytest.skip(f"could not import {package!r}")
