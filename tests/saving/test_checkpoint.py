"""`Checkpoint`: a run that goes on in a model that the program made anew, and the state of callbacks."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from probe import arrays_known, engine_of
from resuming import EPOCHS, RULES, SAVED, model, outcome, train

CASES = ["average", "int8", "accumulation", "lookahead", "sam", "several", "spared", "groups", "rate cosine"]


class Saver(gs.callbacks.Callback):
    def __init__(self, path, callbacks=None):
        super().__init__()
        self.path, self.callbacks = path, callbacks

    def on_epoch_end(self, epoch, logs=None):
        if epoch + 1 == SAVED:
            gs.saving.Checkpoint(self.model, self.callbacks).save(self.path, epoch=epoch + 1, list=[1.5, None])


class Restorer(gs.callbacks.Callback):
    """As a callback that looks for an interrupted run does, when training begins."""

    def __init__(self, path):
        super().__init__()
        self.path = path

    def on_train_begin(self, logs=None):
        gs.saving.Checkpoint(self.model).restore(self.path)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("within", [False, True], ids=["before fit", "in fit"])
@pytest.mark.parametrize("trained", [False, True], ids=["new", "trained"])
def test_goes_on_bit_for_bit(case, within, trained, tmp_path):
    gs.utils.set_random_seed(11)
    first = model(case)
    curves = train(first, case, 0, EPOCHS, [Saver(tmp_path / "run")])
    gs.utils.set_random_seed(77)  # other weights, other dropout, other shuffles
    second = model(case)
    if trained and case != "groups":  # an order of its own would be another optimizer
        train(second, case, 0, 1)
    if within:
        rest = train(second, case, SAVED, EPOCHS, [Restorer(tmp_path / "run")])
    else:
        notes = gs.saving.Checkpoint(second).restore(tmp_path / "run")
        assert notes == {"epoch": SAVED, "list": [1.5, None]}
        rest = train(second, case, SAVED, EPOCHS)
    count = EPOCHS - SAVED
    assert outcome(second, rest, count) == outcome(first, curves, count)


class Slower(gs.callbacks.Callback):
    """Lowers the rate after every third epoch: what it counts belongs to the run."""

    def __init__(self):
        super().__init__()
        self.seen = 0

    def on_epoch_end(self, epoch, logs=None):
        self.seen += 1
        if self.seen % 3 == 0:
            self.model.optimizer.learning_rate *= 0.5

    def state_dict(self):
        return {"seen": self.seen}

    def load_state_dict(self, state):
        self.seen = state["seen"]


def test_state_of_callbacks(tmp_path):
    gs.utils.set_random_seed(11)
    first, slower = model("average"), Slower()
    curves = train(first, "average", 0, EPOCHS, [slower, Saver(tmp_path / "run", [slower])])
    whole = outcome(first, curves, EPOCHS - SAVED)
    again, second = Slower(), model("average")
    gs.saving.Checkpoint(second, [again]).restore(tmp_path / "run")
    assert again.seen == SAVED
    rest = train(second, "average", SAVED, EPOCHS, [again])
    assert outcome(second, rest, EPOCHS - SAVED) == whole
    # The same file is one of a whole model.
    again = Slower()
    loaded = gs.models.load_model(tmp_path / "run", callbacks=[again])
    rest = train(loaded, "average", SAVED, EPOCHS, [again])
    assert outcome(loaded, rest, EPOCHS - SAVED) == whole
    for wrong in ([], [gs.callbacks.History()], [again, again]):
        with pytest.raises(ValueError, match="callbacks must be those"):
            gs.models.load_model(tmp_path / "run", callbacks=wrong)


def test_what_cannot_be_restored_changes_nothing(tmp_path):
    saved = model("average")
    train(saved, "average", 0, 1)
    gs.saving.Checkpoint(saved).save(tmp_path / "run")
    others = [model("rule RMSprop"), model("int8"), model("no dropout"), gs.Sequential([gs.Input((6,)), Dense(16)])]
    others += [gs.models.clone_model(saved)]  # not compiled
    moved = model("groups")
    for other in (*others, moved):
        train_on = other.optimizer is not None
        if train_on:
            train(other, "average", 0, 1)
            state = other.optimizer.state_dict()
        weights, network = other.get_weights(), engine_of(other)
        with pytest.raises(ValueError, match=r"the (model|optimizer|file|layers)|must hold|state"):
            gs.saving.Checkpoint(other).restore(tmp_path / "run")
        assert all(map(np.array_equal, other.get_weights(), weights))
        assert engine_of(other) is network
        if train_on:
            now = other.optimizer.state_dict()
            assert {key: array.tobytes() for key, array in now.items()} == {k: a.tobytes() for k, a in state.items()}


Dense = gs.layers.Dense


def test_new_optimizer_is_forgotten_after_an_error(tmp_path):
    saved = model("int8")
    train(saved, "int8", 0, 1)
    gs.saving.Checkpoint(saved).save(tmp_path / "run")
    other = model("average")
    with pytest.raises(ValueError, match="state"):
        gs.saving.Checkpoint(other).restore(tmp_path / "run")
    assert arrays_known(other.optimizer) == 0


def test_wrong_arguments(tmp_path):
    with pytest.raises(TypeError, match="model must be a Sequential"):
        gs.saving.Checkpoint(RULES)
    with pytest.raises(TypeError, match="notes"):
        gs.saving.Checkpoint(model("average")).save(tmp_path / "run", function=lambda: 1)
    with pytest.raises(TypeError, match="callbacks must be a list"):
        gs.saving.Checkpoint(model("average"), callbacks=3).save(tmp_path / "run")
    assert list(tmp_path.iterdir()) == []
