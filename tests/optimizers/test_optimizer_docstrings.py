"""The examples in the docstrings give exactly what they say."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest
from gradstep import optimizers

MODULES = [module.name for module in pkgutil.walk_packages(optimizers.__path__, "gradstep.optimizers.")]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0
