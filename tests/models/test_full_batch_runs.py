"""Methods over all rows beside callbacks, files and checkpoints; sequences of methods."""

from __future__ import annotations

import copy
import pickle

import gradstep as gs
import numpy as np
import pytest
from gradstep import callbacks, layers, minimizers

RNG = np.random.default_rng(2)
X = RNG.normal(size=(40, 2))
Y = np.sin(2 * X[:, :1]) * X[:, 1:]


def sequence():
    return minimizers.Sequence(gs.optimizers.Adam(0.01), "bfgs", switch=4)


OPTIMIZERS = {name: (lambda name=name: name) for name in ("lbfgs", "bfgs", "cg", "owlqn", "newton-cg")}
OPTIMIZERS |= {"sequence": sequence, "newton-cg of some rows": lambda: minimizers.HessianFree(curvature_rows=15)}


def made(optimizer, seed=5):
    gs.utils.set_random_seed(seed)
    model = gs.Sequential([gs.Input((2,)), layers.Dense(7, "tanh", kernel_regularizer="l2"), layers.Dense(1)])
    model.compile(optimizer, "mse", metrics=["mae"])
    return model


def trained(model, epochs, initial=0, **options):
    return model.fit(X, Y, epochs=epochs, initial_epoch=initial, verbose=0, batch_size=16, **options).history


def bits(model):
    return b"".join(weight.tobytes() for weight in model.weights)


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("border", [2, 4, 7])
def test_resumed_runs_have_the_same_bits(name, border, tmp_path):
    whole = made(OPTIMIZERS[name]())
    histories = trained(whole, 10)
    begun = made(OPTIMIZERS[name]())
    trained(begun, border)
    begun.save(tmp_path / "model")
    gs.saving.Checkpoint(begun).save(tmp_path / "run")
    restored = made(OPTIMIZERS[name](), seed=9)
    trained(restored, 6)
    gs.saving.Checkpoint(restored).restore(tmp_path / "run")
    for model in (gs.saving.load_model(tmp_path / "model"), restored, pickle.loads(pickle.dumps(begun)), begun):
        rest = trained(model, 10, border)
        assert bits(model) == bits(whole)
        for log, values in rest.items():
            assert values == histories[log][-len(values) :], log
        assert model.optimizer.iterations == whole.optimizer.iterations


def test_another_method_does_not_take_a_checkpoint(tmp_path):
    model = made("bfgs")
    trained(model, 2)
    gs.saving.Checkpoint(model).save(tmp_path / "run")
    with pytest.raises(ValueError, match="of the class that was saved, BFGS; it is a LBFGS"):
        gs.saving.Checkpoint(made("lbfgs")).restore(tmp_path / "run")
    with pytest.raises(ValueError, match="differs in H, direction, fresh, s, y"):
        minimizers.LBFGS().load_state_dict(model.optimizer.state_dict())


@pytest.mark.parametrize("name", ["lbfgs", "bfgs", "cg", "lm"])
def test_methods_are_pickled_with_what_they_learned(name):
    gs.utils.set_random_seed(5)
    model = gs.Sequential([gs.Input((2,)), layers.Dense(7, "tanh"), layers.Dense(1)])
    model.compile(name, "mse")
    trained(model, 4)
    other = gs.models.clone_model(model)
    other.set_weights(model.get_weights())
    other.compile(pickle.loads(pickle.dumps(model.optimizer)), "mse")
    assert trained(other, 8, 4) == trained(model, 8, 4)
    assert bits(other) == bits(model)


def test_settings_are_saved():
    settings = made(minimizers.LBFGS(m=3, c2=0.5)).get_compile_config()
    assert settings["optimizer"] == {"class_name": "LBFGS", "config": {"m": 3, "c1": 1e-4, "c2": 0.5, "maxls": 30}}
    other = made("sgd")
    other.compile_from_config(settings)
    assert repr(other.optimizer) == "LBFGS(m=3, c1=0.0001, c2=0.5, maxls=30)"
    again = minimizers.Sequence.from_config(sequence().get_config())
    assert repr(again) == repr(sequence())
    assert repr(copy.deepcopy(again)) == repr(again)


def test_callbacks(tmp_path):
    log, best = tmp_path / "log.csv", tmp_path / "best.gradstep"
    model = made("lbfgs")
    history = model.fit(
        X,
        Y,
        epochs=40,
        validation_split=0.25,
        verbose=0,
        callbacks=[
            callbacks.CSVLogger(log),
            callbacks.ModelCheckpoint(best, monitor="loss", save_best_only=True),
            callbacks.EarlyStopping("loss", min_delta=0.05, patience=2, restore_best_weights=True),
        ],
    ).history
    assert len(history["loss"]) < 40
    assert log.read_text().splitlines()[0] == "epoch,alpha,gnorm,loss,mae,nfev,val_loss,val_mae"
    assert len(log.read_text().splitlines()) == len(history["loss"]) + 1
    assert gs.saving.load_model(best).optimizer.iterations <= len(history["loss"])
    assert history["nfev"] == sorted(history["nfev"])


def test_a_killed_run_goes_on(tmp_path):
    class Stop(callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 6:
                raise KeyboardInterrupt

    whole = made(sequence())
    trained(whole, 10)
    backup = callbacks.BackupAndRestore(tmp_path / "backup")
    with pytest.raises(KeyboardInterrupt):
        trained(made(sequence()), 10, callbacks=[backup, Stop()])
    model = made(sequence(), seed=77)
    trained(model, 10, callbacks=[callbacks.BackupAndRestore(tmp_path / "backup")])
    assert bits(model) == bits(whole)


def test_the_bar_and_lines(capsys):
    model = made("bfgs")
    model.fit(X, Y, epochs=2, verbose=2)
    printed = capsys.readouterr().out
    assert "Epoch 2/2" in printed
    for name in ("loss", "mae", "gnorm", "alpha"):
        assert f"  {name} " in printed
    assert f"  nfev {model.optimizer.nfev} " in printed


def test_a_sequence_goes_from_batches_to_all_rows():
    model = made(sequence())
    steps = []
    seen = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: steps.append((model.optimizer.iterations, *logs)))
    history = trained(model, 8, callbacks=[seen])
    assert [step[0] for step in steps] == [3, 6, 9, 12, 13, 14, 15, 16]  # three batches, then an iteration an epoch
    assert len(history["loss"]) == 8
    assert len(history["nfev"]) == 4
    assert "alpha" not in steps[3]
    assert "alpha" in steps[4]
    assert history["loss"][-1] < 0.95 * history["loss"][3]


def test_logs_of_all_stages_are_known_at_first():
    gs.utils.set_random_seed(0)
    model = gs.Sequential([gs.Input((2,)), layers.Dense(5, "tanh"), layers.Dense(1)])
    model.compile(minimizers.Sequence("adam", "bfgs", "lm", switch=[2, 2]), "mse")
    assert model.optimizer.log_names == ("nfev", "gnorm", "alpha", "damping")
    history = trained(model, 6)
    assert {name: len(values) for name, values in history.items()} == {
        "loss": 6,
        "nfev": 4,
        "gnorm": 4,
        "alpha": 2,
        "damping": 2,
    }


def test_a_plateau_ends_a_stage():
    model = made(minimizers.Sequence(gs.optimizers.SGD(1e-9), "lbfgs"))
    history = trained(model, 60)
    assert len(history["nfev"]) == 60 - 50
    assert history["loss"][-1] < 0.7 * history["loss"][0]


def test_a_function_ends_a_stage():
    seen = []

    def switch(weights, loss):
        seen.append([weight.shape for weight in weights])
        return len(seen) == 2

    model = made(minimizers.Sequence("adam", "cg", switch=switch))
    assert len(trained(model, 5)["nfev"]) == 3
    assert seen == [[weight.shape for weight in model.trainable_weights]] * 2


def test_where_a_stage_can_go_no_further_the_next_one_begins():
    gs.utils.set_random_seed(0)
    model = gs.Sequential([gs.Input((2,)), layers.Dense(1, dtype="float64")])
    model.compile(minimizers.Sequence("bfgs", "cg", switch=400), "mse")
    model.fit(X, Y, epochs=100, verbose=0)
    assert model.optimizer.methods[0].iterations < 50
    assert model.optimizer.message.startswith('"cg" ended training')


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lbfgs", "bfgs", "cg", "owlqn", "newton-cg", "gauss-newton", "levenberg-marquardt"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.filterwarnings("ignore:.*ended training after")
def test_long_runs_raise_nothing(name, dtype):
    """Where no step goes lower any more, training is over, and the method says why."""
    for seed in range(4):
        gs.utils.set_random_seed(seed)
        model = gs.Sequential([gs.Input((2,), dtype=dtype), layers.Dense(4, "tanh", dtype=dtype)])
        model.add(layers.Dense(1, dtype=dtype))
        model.compile(name, "mse")
        losses = model.fit(X, Y, epochs=1500, verbose=0).history["loss"]
        assert len(losses) == 1500 or "ended training after" in model.optimizer.message
        assert losses[-1] == min(losses)


def test_rates_of_a_sequence():
    model = made(sequence())
    rates = trained(model, 3, callbacks=[callbacks.LearningRateScheduler(lambda epoch: 0.1 / (epoch + 1))])
    assert rates["learning_rate"] == [0.1, 0.05, pytest.approx(0.1 / 3)]


def test_predictions_beside_training_see_points_that_were_taken():
    model = made("lbfgs")
    taken = []

    def look(epoch, logs):
        taken.append(model.evaluate(X, Y, batch_size="full", verbose=0, return_dict=True))
        assert logs["loss"] == pytest.approx(taken[-1]["loss"], rel=1e-6)

    trained(model, 5, callbacks=[callbacks.LambdaCallback(on_epoch_end=look)])
    assert len(taken) == 5
