"""The examples in the docstrings give exactly what they say; everything public says what it is."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil

import gradstep
import pytest

SKIP = ("gradstep._core", "gradstep.__main__")
# Those of the optimizers are in tests/optimizers, those of gradstep.torch, which needs PyTorch, in tests/pytorch.
MODULES = ["gradstep"] + [
    module.name
    for module in pkgutil.walk_packages(gradstep.__path__, "gradstep.")
    if not module.name.startswith((*SKIP, "gradstep.optimizers", "gradstep.cython", "gradstep.torch"))
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


@pytest.mark.parametrize("name", MODULES)
def test_public_names_have_docstrings(name):
    module = importlib.import_module(name)
    assert module.__doc__
    for public in getattr(module, "__all__", ()):
        member = getattr(module, public)
        if not inspect.isclass(member) and not inspect.isfunction(member):
            continue
        assert member.__doc__, public
        if inspect.isclass(member):
            for attribute, value in vars(member).items():
                if not attribute.startswith("_") and (inspect.isfunction(value) or isinstance(value, property)):
                    assert value.__doc__, f"{public}.{attribute}"
