"""Callbacks against Keras's own, told the same losses: the same epochs, rates, files and weights."""

from __future__ import annotations

import json

import gradstep as gs
import numpy as np
import pytest
from callback_runs import CASES, CURVES, drive
from keras_runs import said_with_keras
from peers import needs

pytestmark = pytest.mark.peers

PROGRAM = """
import json, keras
from callback_runs import CASES, CURVES, drive

keras.config.set_floatx("float64")  # it compares numbers as tensors of that type
print(json.dumps([[drive(keras.callbacks, *case, losses) for losses in CURVES] for case in CASES]))
"""


@pytest.fixture(scope="module")
def keras():
    needs("keras", "jax")
    return json.loads(said_with_keras(PROGRAM, "jax").splitlines()[-1])


@pytest.mark.parametrize("case", range(len(CASES)), ids=[f"{name},{given}" for name, given in CASES])
def test_does_what_keras_does(keras, case, capsys):
    acted = set()
    for theirs, losses in zip(keras[case], CURVES, strict=True):
        ours = json.loads(json.dumps(drive(gs.callbacks, *CASES[case], losses)))
        # As they are computed by the same operations on float64: the same bits. NaN is not equal to itself.
        np.testing.assert_equal(ours, theirs)
        acted.add((ours["epochs"], str(ours["done"]), ours["rates"][-1]))
    assert len(acted) > 1 or CASES[case][0] in ("CSVLogger", "LearningRateScheduler", "ModelCheckpoint")
