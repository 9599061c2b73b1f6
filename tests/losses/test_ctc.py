"""`CTC`: sums over all paths, central differences, PyTorch's and Keras's numbers, models."""

from __future__ import annotations

from itertools import groupby, product

import gradstep as gs
import numpy as np
import pytest
from gradients import difference, numeric_gradient
from gradstep.losses import CTC, ctc
from keras_runs import keras_says
from peers import needs

LABELS = np.array([[1, 2, 2], [3, 1, 0], [2, 0, 0], [0, 0, 0]])
LOGITS = np.random.default_rng(0).normal(size=(4, 5, 4))


def by_paths(labels, logits):
    """The loss of a row, from every path."""
    p = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    wanted = [label for label in labels if label]
    total = 0.0
    for path in product(range(logits.shape[1]), repeat=len(logits)):
        if [label for label, _ in groupby(path) if label] == wanted:
            total += np.prod(p[np.arange(len(path)), path])
    return -np.log(total)


def test_is_the_sum_over_all_paths():
    expected = [by_paths(*row) for row in zip(LABELS, LOGITS, strict=True)]
    np.testing.assert_allclose(ctc(LABELS, LOGITS), expected, rtol=1e-12)
    np.testing.assert_allclose(CTC(reduction="none")(LABELS, LOGITS), expected, rtol=1e-12)
    assert CTC()(LABELS, LOGITS) == pytest.approx(np.mean(expected), rel=1e-12)
    assert ctc(LABELS, LOGITS.astype("float32")).dtype == np.float32


def test_gradient_is_a_central_difference():
    logits, weights = LOGITS.copy(), np.array([0.5, 2.0, 1.0, 0.0])
    _, gradient = CTC().value_and_grad(LABELS, logits, sample_weight=weights)
    value = lambda: CTC()(LABELS, logits, sample_weight=weights)  # noqa: E731
    assert difference(gradient, numeric_gradient(value, logits)) < 1e-7
    assert np.array_equal(CTC().gradient(LABELS, logits), CTC("sum").value_and_grad(LABELS, logits)[1])


def test_far_logits():
    value, gradient = CTC().value_and_grad([[1, 2]], 1e4 * LOGITS[:1, :, :3])
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()


def test_in_a_model(tmp_path):
    """A recurrent network learns to read labels off sequences whose places it is not told."""
    gs.utils.set_random_seed(0)
    random = np.random.default_rng(0)
    y = random.integers(1, 4, (64, 2))
    x = np.zeros((64, 8, 3), "float32")
    for row, (first, second) in enumerate(y):
        places = np.sort(random.choice(8, 2, replace=False))
        x[row, places[0], first - 1] = x[row, places[1], second - 1] = 1
    model = gs.Sequential([gs.Input((8, 3)), gs.layers.SimpleRNN(16, return_sequences=True), gs.layers.Dense(4)])
    model.compile(gs.optimizers.Adam(0.02), "ctc")
    losses = model.fit(x, y, epochs=60, verbose=0).history["loss"]
    assert losses[-1] < 0.5 < losses[0]
    assert model.evaluate(x, y, verbose=0) == pytest.approx(CTC()(y, model.predict(x, verbose=0)), rel=1e-5)
    model.save(tmp_path / "model.gradstep")
    assert type(gs.models.load_model(tmp_path / "model.gradstep")._compiled["loss"]).__name__ in ("CTC", "str")


def test_what_is_refused():
    with pytest.raises(ValueError, match=r"ctc takes y_true of shape \(rows, length\)"):
        ctc(LABELS[0], LOGITS)
    with pytest.raises(ValueError, match="whole numbers from 0 to 3; got 4"):
        ctc(np.where(LABELS == 3, 4, LABELS), LOGITS)
    with pytest.raises(ValueError, match="behind the labels of a row alone"):
        ctc([[0, 1, 2]], LOGITS[:1])
    with pytest.raises(ValueError, match="row 1 needs 4; got 3 steps"):
        ctc([[1, 2, 3], [1, 2, 2]], LOGITS[:2, :3])
    assert gs.losses.get("ctc").name == gs.losses.get(ctc).name == "ctc"
    assert gs.losses.deserialize(gs.losses.serialize(CTC("sum"))).reduction == "sum"


@pytest.mark.peers
def test_is_that_of_pytorch():
    needs("torch")
    import torch

    y = torch.tensor(LOGITS, requires_grad=True)
    p = torch.log_softmax(y, dim=-1).transpose(0, 1)
    lengths = (torch.full((4,), 5), torch.tensor((LABELS > 0).sum(axis=1)))
    values = torch.nn.functional.ctc_loss(p, torch.tensor(LABELS), *lengths, reduction="none")
    values.sum().backward()
    np.testing.assert_allclose(ctc(LABELS, LOGITS), values.detach().numpy(), rtol=1e-10)
    np.testing.assert_allclose(CTC().gradient(LABELS, LOGITS), y.grad.numpy(), atol=1e-10)


@pytest.mark.peers
def test_is_that_of_keras():
    theirs = keras_says(
        """
y, labels = np.array(data["logits"]), np.array(data["labels"])
answer = [keras.losses.ctc(labels, y), float(keras.losses.CTC()(labels, y))]
""",
        backend="torch",
        logits=LOGITS.tolist(),
        labels=LABELS.tolist(),
    )
    np.testing.assert_allclose(ctc(LABELS, LOGITS), theirs[0], rtol=1e-6)
    assert CTC()(LABELS, LOGITS) == pytest.approx(theirs[1], rel=1e-6)
