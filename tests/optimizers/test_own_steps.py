"""Where PyTorch counts the steps of each tensor, each array is moved as if its optimizer had no other array.

In Keras one counter is for all arrays, and averages go on without a gradient.
"""

from __future__ import annotations

import copy

import gradstep as gs
import numpy as np
import pytest
from gradstep import optimizers
from snapshot import everything
from variants import OPTIMIZERS

OWN = [name for name in OPTIMIZERS if name.endswith("-torch")] + ["RAdam", "ASGD"]
SHAPES = [(6, 4), (3, 5), (8, 2)]


def draws(seed: int) -> tuple[list[np.ndarray], list[list[np.ndarray | None]]]:
    """Arrays, and gradients that are None by chance."""
    rng = np.random.default_rng(seed)
    params = [rng.standard_normal(shape) for shape in SHAPES]
    steps = [[rng.standard_normal(shape) if rng.random() < 0.5 else None for shape in SHAPES] for _ in range(12)]
    return params, steps


@pytest.mark.parametrize("name", OWN)
def test_each_array_is_moved_as_if_it_were_alone(name):
    params, steps = draws(0)
    alone = [(OPTIMIZERS[name](), array.copy()) for array in params]
    optimizer = OPTIMIZERS[name]()
    for gradients in steps:
        optimizer.step(params, gradients)
        for (own, array), gradient in zip(alone, gradients, strict=True):
            own.step(array, gradient)
    state = optimizer.state_dict()
    for i, (own, array) in enumerate(alone):
        assert array.tobytes() == params[i].tobytes()
        assert state[f"{i}.step"] == own.iterations == sum(gradients[i] is not None for gradients in steps)


@pytest.mark.parametrize("name", OWN)
def test_counts_are_saved_copied_and_resumed(name):
    params, steps = draws(1)
    optimizer = OPTIMIZERS[name]()
    for gradients in steps[:7]:
        optimizer.step(params, gradients)
    loaded, resumed = OPTIMIZERS[name](), [array.copy() for array in params]
    loaded.bind(resumed)
    loaded.load_state_dict(optimizer.state_dict())
    copied = copy.deepcopy({"o": optimizer, "p": params})
    bound = optimizer.bind(params)
    for gradients in steps[7:]:
        bound.step(gradients)
        loaded.step(resumed, gradients)
        copied["o"].step(copied["p"], gradients)
    assert everything(optimizer, *params) == everything(loaded, *resumed) == everything(copied["o"], *copied["p"])


PEERS = {
    "Adam-torch": "Adam",
    "AdamW-torch": "AdamW",
    "Adamax-torch": "Adamax",
    "Nadam-torch": "NAdam",
    "Adagrad-torch": "Adagrad",
    "RAdam": "RAdam",
    "ASGD": "ASGD",
}


@pytest.mark.peers
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", PEERS)
def test_equals_torch(name, seed):
    torch = pytest.importorskip("torch")
    params, steps = draws(seed)
    theirs = [torch.nn.Parameter(torch.tensor(array)) for array in params]
    peer = getattr(torch.optim, PEERS[name])(theirs, lr=0.05)
    optimizer = OPTIMIZERS[name](learning_rate=0.05)
    for gradients in steps:
        for tensor, gradient in zip(theirs, gradients, strict=True):
            tensor.grad = None if gradient is None else torch.tensor(gradient)
        peer.step()
        optimizer.step(params, gradients)
    for tensor, array in zip(theirs, params, strict=True):
        np.testing.assert_allclose(array, tensor.detach().numpy(), rtol=0, atol=1e-7)  # some of its numbers are float32


def test_rows_that_are_behind_take_the_steps_of_their_array():
    rng = np.random.default_rng(0)
    table, other = rng.standard_normal((5, 2)), rng.standard_normal(3)
    dense = table.copy()
    one, two = optimizers.Adam(0.1, dialect="torch"), optimizers.Adam(0.1, dialect="torch")
    for step in range(8):
        rows = None if step % 3 == 1 else gs.RowSparse([step % 5], rng.standard_normal((1, 2)), (5, 2))
        one.step([table, other], [rows, np.ones(3)])
        two.step(dense, None if rows is None else rows.to_dense())
    one.flush()
    assert table.tobytes() == dense.tobytes()


def test_a_load_refuses_a_count_below_zero():
    optimizer, w = optimizers.RAdam(), np.ones(2)
    optimizer.step(w, np.ones(2))
    before = everything(optimizer, w)
    with pytest.raises(ValueError, match=r"state\['0.step'\] must be at least 0; got -1"):
        optimizer.load_state_dict({**optimizer.state_dict(), "0.step": np.array(-1)})
    assert everything(optimizer, w) == before


def test_iterations_can_be_set():
    set_, w, reference, v = optimizers.RAdam(), np.ones(2), optimizers.RAdam(), np.ones(2)
    for _ in range(6):
        reference.step(v, np.zeros(2))
    set_.step(w, np.zeros(2))
    set_.iterations = 6
    for optimizer, array in ((set_, w), (reference, v)):
        optimizer.step(array, np.ones(2))
    assert w.tobytes() == v.tobytes()
    assert set_.iterations == 7
    with pytest.raises(ValueError, match="iterations must be at least 0"):
        set_.iterations = -1
    several = optimizers.Lookahead(optimizers.MultiOptimizer({"*": optimizers.SGD()}))
    several.iterations = 3
    assert several.iterations == 3


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize("overwrite", [None, 2])
def test_averages_go_on_without_a_gradient_as_in_keras(dtype, overwrite):
    optimizer = optimizers.SGD(0.5, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=overwrite)
    gaps = np.ones((4, 3), dtype)
    params = [gaps[:, 1], np.ones(3, dtype)]
    averages = [array.astype("f8") for array in params]
    for step in range(5):
        gradients = [np.ones(4, dtype) if step == 1 else None, np.ones(3, dtype)]
        expected = [array.astype("f8") for array in params]
        optimizer.step(params, gradients)
        for i, gradient in enumerate(gradients):
            expected[i] -= 0 if gradient is None else 0.5
            averages[i] = expected[i] if step == 0 else (averages[i] + expected[i]) / 2
            if overwrite and (step + 1) % overwrite == 0:
                expected[i] = averages[i]
            assert params[i].astype("f8").tolist() == expected[i].tolist()
            assert optimizer.state_dict()[f"{i}.average"].tolist() == averages[i].tolist()


def test_the_seed_of_stochastic_rounding_is_state():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    rng = np.random.default_rng(0)
    w = rng.standard_normal(500).astype(ml_dtypes.bfloat16)
    one, two = (optimizers.Adam(0.01, stochastic_rounding=True) for _ in range(2))
    gradients = [rng.standard_normal(500).astype(ml_dtypes.bfloat16) for _ in range(6)]
    for g in gradients[:3]:
        one.step(w, g)
    v = w.copy()
    two.bind(v)
    two.load_state_dict(one.state_dict())
    assert two.get_config() == one.get_config()
    for g in gradients[3:]:
        one.step(w, g)
        two.step(v, g)
    assert everything(one, w) == everything(two, v)
