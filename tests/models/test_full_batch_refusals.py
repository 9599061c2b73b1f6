"""What methods over all rows cannot train, and what they say."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradstep import layers, minimizers
from gradstep.callbacks import LearningRateScheduler, ReduceLROnPlateau

X, Y = np.linspace(-1, 1, 24).reshape(12, 2), np.linspace(0, 1, 12)[:, None]


def compiled(optimizer="lbfgs", *hidden, loss="mse", **kinds):
    model = gs.Sequential([gs.Input((2,)), *hidden, layers.Dense(1, **kinds)])
    model.compile(optimizer, loss)
    return model


def refused(match, model, x=X, y=Y, **options):
    before = model.get_weights()
    with pytest.raises(ValueError, match=match):
        model.fit(x, y, verbose=0, **options)
    assert all(map(np.array_equal, model.get_weights(), before))
    assert model.optimizer.iterations == 0


def test_methods_that_train_no_models():
    with pytest.raises(ValueError, match=r"trains no models; bfgs, .* do"):
        compiled("cma-es")
    with pytest.raises(ValueError, match="trains no models"):
        compiled(minimizers.FirstOrder(gs.optimizers.SGD(), line_search="armijo"))
    with pytest.raises(TypeError, match="got the class LBFGS: call it"):
        compiled(minimizers.LBFGS)
    with pytest.raises(ValueError, match="optimizer must be one of"):
        compiled("lbfgz")


@pytest.mark.parametrize("name", ["LBFGS", "l-bfgs", "L_BFGS"])
def test_names_in_any_spelling(name):
    assert isinstance(compiled(name).optimizer, minimizers.LBFGS)


def test_data_that_come_in_batches():
    refused("x must be arrays", compiled(), ((X, Y) for _ in range(3)), None)
    refused("steps_per_epoch must be None", compiled(), steps_per_epoch=2)


def test_sparse_data():
    sparse = pytest.importorskip("scipy.sparse")
    refused("x must be dense", compiled(), sparse.csr_matrix(X))


def test_single_batches():
    with pytest.raises(ValueError, match="takes its steps over all rows at once"):
        compiled().train_on_batch(X, Y)


def test_constraints_and_penalties():
    refused("a constraint of layer 'tied'", compiled("bfgs", kernel_constraint="non_neg", name="tied"))
    proximal = gs.regularizers.L1(0.1, proximal=True)
    refused("proximal L1 penalty of layer 'cut'", compiled("bfgs", kernel_regularizer=proximal, name="cut"))
    with pytest.warns(UserWarning, match='kink where a weight is 0.*use "owl-qn"'):
        compiled("bfgs", kernel_regularizer="l1").fit(X, Y, verbose=0)


def test_layers_with_states():
    model = gs.Sequential([gs.Input((2, 1), batch_size=12), layers.SimpleRNN(3, stateful=True), layers.Dense(1)])
    model.compile("cg", "mse")
    refused("a stateful layer", model, X[:, :, None], batch_size=12)


def test_nothing_to_train_and_weights_that_are_none():
    frozen = compiled(name="out", trainable=False)
    refused("none is trainable", frozen)
    broken = compiled(name="out")
    broken.set_weights([np.full((2, 1), np.nan), np.zeros(1)])
    with pytest.raises(ValueError, match="'out/kernel' must be finite"):
        broken.fit(X, Y, verbose=0)


def test_losses_of_whole_batches():
    loss = gs.losses.Dice()
    compiled(loss=loss, activation="sigmoid").fit(X, Y, verbose=0)
    refused('batch_size must be "full" .*depend on each other', compiled(loss=loss, activation="sigmoid"), batch_size=5)


def test_targets_that_are_no_numbers():
    y = Y.copy()
    y[3] = np.nan
    model = compiled()
    before = model.get_weights()
    with pytest.warns(UserWarning, match="the loss at the weights is nan"):
        history = model.fit(X, y, epochs=5, verbose=0).history
    assert len(history["loss"]) == 1
    assert all(map(np.array_equal, model.get_weights(), before))


@pytest.mark.parametrize("callback", [LearningRateScheduler(lambda epoch: 0.1), ReduceLROnPlateau("loss")])
def test_callbacks_of_rates(callback):
    with pytest.raises(TypeError, match='"l-bfgs" has none: its line search'):
        compiled().fit(X, Y, callbacks=[callback], verbose=0)


def test_functions_are_not_saved():
    model = compiled(minimizers.ConjugateGradient(preconditioner=lambda v: v))
    with pytest.raises(TypeError, match="preconditioner of ConjugateGradient is a function"):
        model.get_compile_config()
    model = compiled(minimizers.Sequence("adam", "bfgs", switch=lambda x, f: f < 1))
    with pytest.raises(TypeError, match="switch of Sequence is a function"):
        model.get_compile_config()


def test_names_of_other_libraries():
    with pytest.raises(AttributeError, match=r"compile\(\) takes as well: gradstep.minimizers.LBFGS"):
        gs.optimizers.LBFGS  # noqa: B018
    with pytest.raises(TypeError, match="Did you mean 'm'"):
        minimizers.LBFGS(history_size=10)
