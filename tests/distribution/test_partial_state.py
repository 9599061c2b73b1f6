"""The optimizer's state in parts: who has it when, and what cannot be stepped so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradstep as gs
import numpy as np
import pytest
import team_cases
from team_cases import CASES, Case

DataParallel = gs.distribution.DataParallel


def test_the_bits_are_those_of_whole_state() -> None:
    for name in team_cases.PARTIAL:
        found = [CASES[name].train(DataParallel(shards=4, shard_optimizer=spread)) for spread in (False, True)]
        assert team_cases.hashed(*found[0]) == team_cases.hashed(*found[1]), name
        states = [model.optimizer.state_dict() for model, _ in found]
        assert states[0].keys() == states[1].keys()
        assert all(np.array_equal(states[0][key], states[1][key]) for key in states[0])


def test_training_goes_on_in_either_way() -> None:
    case, team, spread = CASES["dense"], DataParallel(shards=4), DataParallel(shards=4, shard_optimizer=True)
    models = []
    for first, second in [(team, team), (team, spread), (spread, team)]:
        model, _ = case.train(first)
        model.fit(case.x, case.y, batch_size=16, verbose=0, distribution=second)
        models.append(team_cases.hashed(model, {}))
    assert len(set(models)) == 1


def test_rates_that_callbacks_set_count() -> None:
    found = []
    for spread in (False, True):
        rates = gs.callbacks.LearningRateScheduler(lambda epoch: 0.1 / (1 + epoch))
        case = CASES["dense"].train(DataParallel(shards=4, shard_optimizer=spread), callbacks=[rates])
        found.append(team_cases.hashed(*case))
    assert found[0] == found[1]


def test_weights_that_are_spared_from_decay_stay_so() -> None:
    def adam() -> gs.optimizers.Optimizer:
        optimizer = gs.optimizers.AdamW(0.01, weight_decay=0.1)
        optimizer.exclude_from_weight_decay(var_names=["bias"])
        return optimizer

    teams = [DataParallel(shards=4, shard_optimizer=spread) for spread in (False, True)]
    assert len({team_cases.hashed(*Case(optimizer=adam).train(team)) for team in teams}) == 1


def test_a_file_written_in_the_midst_has_the_state_or_is_refused(tmp_path: Path) -> None:
    refused = []

    def save(epoch: int, logs: Any) -> None:
        with pytest.raises(RuntimeError, match="spread over the processes while fit runs"):
            model.save(tmp_path / "own.gradstep")
        refused.append(epoch)

    checkpoint = gs.callbacks.ModelCheckpoint(tmp_path / "saved.gradstep")
    model, case = team_cases.dense(), CASES["dense"]
    model.compile("adam", team_cases.SPARSE)
    team = DataParallel(shards=4, shard_optimizer=True)
    calls = [checkpoint, gs.callbacks.LambdaCallback(on_epoch_end=save)]
    model.fit(case.x, case.y, batch_size=16, verbose=0, distribution=team, callbacks=calls)
    assert refused == [0]
    loaded = gs.saving.load_model(tmp_path / "saved.gradstep").optimizer.state_dict()
    expected = model.optimizer.state_dict()
    assert loaded.keys() == expected.keys()
    assert all(np.array_equal(loaded[key], expected[key]) for key in loaded)


Adam = gs.optimizers.Adam
REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "norm": (lambda: Adam(clipnorm=1.0), "clipnorm looks at whole gradients"),
    "global norm": (lambda: Adam(global_clipnorm=1.0), "global_clipnorm looks at whole gradients"),
    "state": (lambda: Adam(state_dtype="int8"), "state_dtype"),
    "finite": (lambda: Adam(on_nonfinite="skip"), 'on_nonfinite="skip"'),
    "sums": (lambda: gs.optimizers.Lamb(), "Lamb looks at whole weights"),
    "matrices": (lambda: gs.optimizers.Muon(), "Muon looks at whole weights"),
    "wrapper": (lambda: gs.optimizers.Lookahead("adam"), "Lookahead steps whole weights"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_looks_at_whole_weights_is_refused(name: str) -> None:
    make, words = REFUSED[name]
    with pytest.raises(ValueError, match=words):
        Case(optimizer=make).train(DataParallel(shards=4, shard_optimizer=True))


def test_constraints_are_refused() -> None:
    with pytest.raises(ValueError, match="has a constraint"):
        CASES["constraint"].train(DataParallel(shards=4, shard_optimizer=True))
