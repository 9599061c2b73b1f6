"""Scripts that `import keras`, run by Keras or with gradstep in its place."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["leaves", "run"]

LINE = "import keras\n"


def run(script: Path, folder: Path, library: str) -> Any:
    """What a script's ``train`` gathers, as JSON has it.

    The weights with which Keras's models began lie in `folder`, from Keras's run, and ours begin with them.
    """
    text = script.read_text()
    assert text.count(LINE) == 1
    if library != "keras":
        text = text.replace(LINE, f"import {library} as keras\n")
    names: dict[str, Any] = {"__name__": script.stem}
    exec(compile(text, str(script), "exec"), names)
    # From some weights a row comes to lie on the kink of a relu to within a rounding, and the runs part there.
    names["keras"].utils.set_random_seed(2)
    made = names["build"]()
    models = made if isinstance(made, list) else [made]
    start = folder / f"{script.stem}.npz"
    if library == "keras":
        # Keras's Normalization counts what it has seen in a weight of its own, of shape ().
        np.savez(start, *[weight for model in models for weight in model.get_weights() if weight.ndim])
    with np.load(start) as file:
        given = [file[name] for name in file.files]
    for model in models:
        for weight in model.weights if library != "keras" else []:
            weight[...] = given.pop(0)
    assert library == "keras" or not given
    work = folder / f"{script.stem}-{library}"
    work.mkdir()
    answer = json.loads(json.dumps(names["train"](made, str(work)), default=plain))
    if library == "keras":
        (folder / f"{script.stem}.json").write_text(json.dumps(answer))
    return answer


def plain(value: Any) -> Any:
    """Arrays, tensors and scalars of any library as lists and numbers."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
    return np.asarray(value).tolist()


def leaves(answer: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Texts, and numbers or rectangular lists of them, with where they are in a nested answer."""
    if isinstance(answer, dict):
        for key, value in answer.items():
            yield from leaves(value, f"{name}/{key}")
    elif isinstance(answer, list) and not rectangular(answer):
        for i, value in enumerate(answer):
            yield from leaves(value, f"{name}/{i}")
    else:
        yield name, answer


def rectangular(values: list[Any]) -> bool:
    try:
        return np.asarray(values).dtype.kind in "fiub"
    except ValueError:
        return False
