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


def given_to(cls: Any) -> tuple[Any, ...]:
    """Arguments that it cannot be made without."""
    held = {L.TimeDistributed: L.LSTM(2), L.RNN: L.LSTMCell(2), L.StackedRNNCells: [L.LSTMCell(2)]}
    return (held[cls],) if cls in held else ARGUMENTS.get(cls, ())


@pytest.mark.parametrize("cls", [cls for cls in [*CLASSES, *MORE] if cls.__name__ not in LIBRARIES.keys() | OF_ONE_RUN])
def test_a_wrong_argument_is_refused_in_a_short_sentence(cls: Any) -> None:
    given = given_to(cls)
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


@pytest.mark.parametrize("cls", [cls for cls in CLASSES if issubclass(cls, L.Layer)])
@pytest.mark.parametrize("method", ["build", "compute_output_shape"])
def test_a_shape_that_is_none_is_refused_in_a_short_sentence(method: str, cls: Any) -> None:
    for kind, value in {**WRONG, "integer": 3, "number": 1.5, "none": None}.items():
        layer = cls(*given_to(cls))
        try:
            getattr(layer, method)(value)
        except (TypeError, ValueError) as error:
            said = str(error)
            assert not any(words in said for words in RAW), f"{kind}: {said}"
            assert "\n" not in said, f"{kind}: {said}"
            assert len(said) < 300 or kind == "long list", f"{kind}: {said}"
            if not isinstance(value, list):
                assert "input_shape must be" in said or "must get a list of inputs" in said, f"{kind}: {said}"


def rosen(x: np.ndarray) -> float:
    return float(((x - 1) ** 2).sum())


def many(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return ((x - 1) ** 2).sum(axis=1), 2 * (x - 1)


X, Y = np.random.default_rng(0).normal(size=(12, 4)), np.arange(12) % 3
# Functions and methods, what they are called with, and which of their arguments may be anything.
CALLS: dict[str, tuple[Any, tuple[Any, ...], dict[str, Any], set[str]]] = {
    "fit": (lambda: trained().fit, (X, Y), {"verbose": 0}, set()),
    "evaluate": (lambda: trained().evaluate, (X, Y), {"verbose": 0}, set()),
    "predict": (lambda: trained().predict, (X,), {"verbose": 0}, set()),
    "compile": (lambda: trained().compile, ("sgd", "mse"), {}, set()),
    "train_on_batch": (lambda: trained().train_on_batch, (X, Y), {}, set()),
    "value_and_grad": (lambda: trained().value_and_grad, (X, Y), {}, set()),
    "summary": (lambda: trained().summary, (), {"print_fn": lambda line: None}, {"print_fn"}),
    "get_layer": (lambda: trained().get_layer, (), {}, set()),
    "minimize": (lambda: gs.minimize, (rosen, [0.0, 0.0]), {"maxiter": 2}, {"args", "workers"}),
    "minimize_many": (lambda: gs.minimize_many, (many, np.zeros((3, 2))), {"jac": True}, {"args"}),
    "check_grad": (lambda: gs.check_grad, (rosen, lambda x: 2 * (x - 1), [0.0]), {}, {"args"}),
    "step": (lambda: gs.optimizers.Adam().step, (np.zeros(3), np.ones(3)), {}, set()),
    "apply_gradients": (lambda: gs.optimizers.Adam().apply_gradients, ([(np.ones(3), np.zeros(3))],), {}, set()),
    "RowSparse": (lambda: gs.RowSparse, ([0, 1], np.ones((2, 3)), (4, 3)), {}, set()),
    "grid": (lambda: gs.tune.grid, (lambda units: trained(), {"units": [1]}, X, Y), {"epochs": 1}, {"space", "metric"}),
    "pad_sequences": (lambda: gs.utils.pad_sequences, ([[1, 2], [3]],), {}, {"dtype"}),
    "split": (lambda: gs.utils.split, (X, Y), {}, set()),
    "Input": (lambda: gs.Input, ((3,),), {}, set()),
}


def trained() -> Any:
    model = gs.Sequential([gs.Input((4,)), gs.layers.Dense(3, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("called", CALLS)
def test_a_wrong_argument_of_a_call_is_refused_in_a_short_sentence(called: str) -> None:
    find, given, options, free = CALLS[called]
    signature = inspect.signature(find())
    usual = signature.bind_partial(*given, **options)
    for name, parameter in signature.parameters.items():
        if name in free or parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            continue
        for kind, value in WRONG.items():
            if kind == "function" and called.startswith("minimize"):
                continue  # which gives None, and is told so
            call = signature.bind_partial(*given, **options)
            call.arguments = {**usual.arguments, name: value}
            try:
                find()(*call.args, **call.kwargs)
            except (TypeError, ValueError) as error:
                said = str(error)
                assert not any(words in said for words in RAW), f"{name}={kind}: {said}"
                assert "\n" not in said, f"{name}={kind}: {said}"
                assert len(said) < 1000, f"{name}={kind}: {said}"


def test_what_is_shown_of_a_value_is_short() -> None:
    with pytest.raises(TypeError, match=r"use_bias must be True or False; got one array\."):
        gs.layers.Dense(2, use_bias=np.zeros(2))
    with pytest.raises(ValueError, match=r"strides must be an int or 2, one for each axis; got \(1, 2, 3\)\."):
        gs.layers.Conv2D(2, 2, strides=(1, 2, 3))
    with pytest.raises(ValueError, match=r"one for each axis; got a list of 300\."):
        gs.layers.Conv2D(2, 2, strides=[1] * 300)
