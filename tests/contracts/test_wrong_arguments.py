"""Whatever is given for an argument of a class is taken, or refused in one short sentence that is ours."""

from __future__ import annotations

import inspect
from typing import Any

import gradstep as gs
import numpy as np
import pytest
from class_cases import ARGUMENTS, CLASSES, LIBRARIES, OF_ONE_RUN, L


class Unlike:
    """Can be asked nothing, as an array or a tensor can not be asked whether it is true, or equal."""

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        raise RuntimeError("asked whether it is true")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("asked whether it is equal")

    def __repr__(self) -> str:
        return "Unlike()"


WRONG = {
    "array": np.zeros(500),
    "matrix": np.ones((30, 30)),
    "names": np.array(["a", "b"]),
    "long list": [1.5] * 300,
    "empty list": [],
    "set": {1, 2},
    "word": "no such thing",
    "bytes": b"x",
    "object": object(),
    "class": int,
    "function": lambda *given: None,
    "unlike": Unlike(),
    "negative": -1,
    "huge": 10**30,
    "nan": float("nan"),
    "complex": 1j,
}
# What Python and NumPy say of values that nobody has checked.
RAW = (
    *("truth value", "asked whether", "not iterable", "not subscriptable", "has no len", "unhashable"),
    *("unsupported operand", "not supported between", "could not convert", "incompatible constructor"),
)
FILES = {"vocabulary", "filepath", "filename", "backup_dir", "log_dir"}  # a word is the name of a file
# What is made of others is tried in its own tests.
OF_OTHERS = {
    "Bound",
    "Lookahead",
    "MultiOptimizer",
    "Optimizer",
    "SAM",
    "Method",
    "MultiStart",
    "Population",
    "Sequence",
}
MORE = [
    cls
    for module in (gs.optimizers, gs.minimizers, gs.scalers)
    for cls in (getattr(module, name) for name in module.__all__ if name not in OF_OTHERS)
    if inspect.isclass(cls)
]


@pytest.mark.parametrize("cls", [cls for cls in [*CLASSES, *MORE] if cls.__name__ not in LIBRARIES.keys() | OF_ONE_RUN])
def test_a_wrong_argument_is_refused_in_a_short_sentence(cls: Any) -> None:
    given = (L.LSTM(2),) if cls is L.TimeDistributed else ARGUMENTS.get(cls, ())
    signature = inspect.signature(cls)
    usual = signature.bind_partial(*given).arguments
    for name, parameter in signature.parameters.items():
        if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            continue
        for kind, value in WRONG.items():
            try:
                cls(**{**usual, name: value})
            except (TypeError, ValueError, UserWarning) as error:
                said = str(error)
                where = f"{name}={kind}: {said}"
                assert not any(words in said for words in RAW), where
                assert "\n" not in said, where
                assert len(said) < 1000 if kind == "word" else len(said) < 300, where
            except OSError:
                assert name in FILES, (name, kind)


def test_what_is_shown_of_a_value_is_short() -> None:
    with pytest.raises(TypeError, match=r"use_bias must be True or False; got one array\."):
        gs.layers.Dense(2, use_bias=np.zeros(2))
    with pytest.raises(ValueError, match=r"strides must be an int or 2, one for each axis; got \(1, 2, 3\)\."):
        gs.layers.Conv2D(2, 2, strides=(1, 2, 3))
    with pytest.raises(ValueError, match=r"one for each axis; got a list of 300\."):
        gs.layers.Conv2D(2, 2, strides=[1] * 300)
