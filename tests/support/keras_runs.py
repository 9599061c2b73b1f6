"""What Keras itself says, in a process of its own: its backend and its precision are set for a whole process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gradstep as gs
import numpy as np
from children import said
from peers import needs

__all__ = ["assert_files_go_both_ways", "built", "keras_says", "said_with_keras"]

IMPORTS = """
import os, warnings
warnings.simplefilter("ignore")
os.environ.update(KERAS_BACKEND="{backend}", JAX_ENABLE_X64="1", JAX_PLATFORMS="cpu")
os.environ["OMP_NUM_THREADS"] = "1"  # threads of PyTorch that spin for each other are slower on arrays so small
import {backend}, keras
"""


def said_with_keras(program: str, backend: str) -> str:
    """What a program printed, which Keras on `backend` has been imported for; with JAX, float64 is float64."""
    return said(program, after=IMPORTS.format(backend=backend))


def keras_says(program: str, backend: str = "jax", optimized: bool = False, **data: Any) -> Any:
    """The `answer` that a program leaves, as JSON has it; it finds `keras`, `np`, the backend and `data`; float64.

    optimized: JAX compiles as it does for its users, whatever the environment says: what Keras computes in float32 is
    rounded in another way where it does not.
    """
    needs("keras", backend)
    head = f"""
import {backend}, json, keras, numpy as np
if {optimized}:
    jax.config.update("jax_disable_most_optimizations", False)
keras.config.set_floatx("float64")
data = json.loads({json.dumps(json.dumps(data))})
"""
    tail = "\nprint(json.dumps(answer, default=lambda array: np.asarray(array).tolist()))\n"
    return json.loads(said_with_keras(head + program + tail, backend).splitlines()[-1])


def built(library: Any, rows: list[Any]) -> list[Any]:
    """Layers of gradstep or of Keras, for [class, arguments] each; regularizers and constraints likewise."""
    row = []
    for name, arguments in rows:
        options = dict(arguments)
        for key, value in options.items():
            if key.endswith("_regularizer"):
                options[key] = getattr(library.regularizers, value[0])(**value[1])
            if key.endswith("_constraint"):
                options[key] = getattr(library.constraints, value[0])(**value[1])
        row.append(getattr(library.layers, name)(**options, dtype="float64"))
    return row


def assert_files_go_both_ways(model: gs.Model, x: np.ndarray, folder: Path) -> None:
    """Keras predicts what the model does, from its config and `.weights.h5`; and the model comes back from Keras's."""
    needs("keras", "torch", "h5py")
    model.save_weights(folder / "ours.weights.h5")
    (folder / "ours.json").write_text(model.to_json())
    np.save(folder / "x.npy", x)
    program = f"""
import keras, numpy as np
folder = {str(folder)!r}
model = keras.models.model_from_json(open(folder + "/ours.json").read())
model.load_weights(folder + "/ours.weights.h5")
np.save(folder + "/y.npy", model.predict(np.load(folder + "/x.npy"), verbose=0))
model.save(folder + "/theirs.keras")
model.save_weights(folder + "/theirs.weights.h5")
"""
    said_with_keras(program, "torch")
    ours = model.predict(x, verbose=0)
    np.testing.assert_allclose(np.load(folder / "y.npy"), ours, rtol=1e-4, atol=1e-5)
    loaded = gs.models.load_model(folder / "theirs.keras")
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), ours)
    for weight in model.weights:
        weight[...] = 0
    model.load_weights(folder / "theirs.weights.h5")
    np.testing.assert_array_equal(model.predict(x, verbose=0), ours)
