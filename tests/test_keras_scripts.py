"""Scripts in the manner of Keras's documentation, run by Keras, and by gradstep with one line changed.

From the same initial weights everything that they gather is the same, within 1e-5 relative in float32.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from keras_runs import said_with_keras
from keras_scripting import leaves, run
from peers import needs

pytestmark = pytest.mark.peers

SCRIPTS = sorted(Path(__file__).parent.glob("keras_scripts/*.py"))
# Sums are taken in another order, so float32 differs in its last bits, and training carries that on: in losses and
# metrics to less than 1e-5, in single weights and outputs to a little more.
TOLERANCE, ENTRIES = 1e-5, 3e-5
SINGLE = {"weights", "restored", "predictions", "deep predictions", "one", "loaded", "described"}

PROGRAM = """
import pathlib
from keras_scripting import run
for script in pathlib.Path({scripts!r}).glob("*.py"):
    run(script, pathlib.Path({folder!r}), "keras")
"""


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    """The folder where Keras's runs left what they came to, in a process of its own."""
    needs("keras", "torch", "h5py")
    folder = tmp_path_factory.mktemp("keras")
    # PyTorch compiles nothing: a tenth of the time of JAX.
    said_with_keras(PROGRAM.format(scripts=str(SCRIPTS[0].parent), folder=str(folder)), "torch")
    return folder


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_runs_as_with_keras(theirs, script):
    wanted = json.loads((theirs / f"{script.stem}.json").read_text())
    ours = dict(leaves(run(script, theirs, "gradstep")))
    assert sorted(ours) == sorted(name for name, _ in leaves(wanted))  # Keras sorts its logs
    for name, value in leaves(wanted):
        if isinstance(value, str):
            assert ours[name] == value, name
            continue
        numbers = np.asarray(value, dtype=np.float64)
        tolerance = ENTRIES if name.split("/")[1] in SINGLE else TOLERANCE
        # What cancels to nearly nothing is known as well as what it came from: the largest number of its array.
        scale = tolerance * np.abs(numbers).max(initial=0)
        np.testing.assert_allclose(ours[name], numbers, rtol=tolerance, atol=scale, err_msg=name)
