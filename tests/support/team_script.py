"""A script of training for several processes, of which one may fail in a way that its arguments name."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import gradstep as gs
import numpy as np
from team_cases import CASES, hashed

EPOCHS, BROKEN = 4, 2


class Fails(gs.callbacks.Callback):
    """Breaks the process of rank 1 when an epoch begins."""

    def __init__(self, team: Any, how: str, folder: Path) -> None:
        super().__init__()
        self.team, self.how, self.folder = team, how, folder

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if epoch != BROKEN or self.team.rank != 1:
            return
        (self.folder / "broken").write_text(repr(time.time()))
        if self.how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif self.how == "raise":
            raise KeyError("a fault of rank one")
        elif self.how == "exit":
            sys.exit("an end of rank one")
        elif self.how == "drift":
            self.model.weights[0][0] += 1

    def state_dict(self) -> dict[str, np.ndarray]:
        return {}


def train(how: str, folder: Path, **options: Any) -> str:
    team = gs.distribution.DataParallel(shards=8, **options)
    fails, backup = Fails(team, how, folder), gs.callbacks.BackupAndRestore(folder / "backup")
    table = gs.callbacks.CSVLogger(folder / "table.csv", append=True)
    best = gs.callbacks.ModelCheckpoint(folder / "best.gradstep", "loss", save_best_only=True)
    model, _ = CASES["dense"].train(team, epochs=EPOCHS, callbacks=[backup, table, best, fails])
    return hashed(model, {})


if __name__ == "__main__":
    found = train(sys.argv[1], Path(sys.argv[2]), shard_optimizer=len(sys.argv) > 3)
    print(f"has {found}\n", end="")  # in one piece: the lines of processes may mix
