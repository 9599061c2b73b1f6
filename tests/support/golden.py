"""Hashes of what the models of `golden_models` train to, which no change of the engine may change.

``python tests/support/golden.py`` compares, with ``--write`` it records. Record anew only after a change that is meant
to give other numbers, with a build for all instruction sets, and say in the commit why they differ.

Bits are promised at any number of threads, not on all instruction sets: matrix products multiply and add at once where
a processor can. So there is a hash for each instruction set. Everything else that could differ between machines is
kept out: data and weights are whole numbers over powers of two; layers, losses and metrics in NumPy add, multiply and
divide only, and call no BLAS. The C library gives `pow` alone, for the constants of a step: for the betas and steps
used here the exact value is at least 0.06 units in the last place from where its rounding turns.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import gradstep as gs
import numpy as np
from golden_models import MODELS
from gradstep import _core

__all__ = ["COMPILER", "FILE", "THREADS", "bits", "recorded"]

FILE = Path(__file__).with_name("golden.json")
THREADS = (1, 3)
COMPILER = "GNU 12."  # whose choices of fused operations are recorded
DIGITS = 8  # of the hashes that are kept

PARTS = ("weights", "state", "history", "predict", "evaluate")  # what there are hashes of


def bits(name: str, isa: str, threads: int) -> dict[str, str]:
    """The hashes of a model of `MODELS`, trained on an instruction set by so many threads."""
    before, count = _core.build_info()["isa"], gs.get_num_threads()
    _core.set_isa(isa)
    gs.set_num_threads(threads)
    try:
        gs.utils.set_random_seed(1)
        trained = MODELS[name]()
        history, model = trained.train(), trained.model
        found = (
            model.get_weights(),
            trained.state(),
            history,
            model.predict(trained.x, batch_size=48, verbose=0),
            model.evaluate(trained.x, trained.y, batch_size=48, verbose=0),
        )
        return {part: hash_of(value) for part, value in zip(PARTS, found, strict=True)}
    finally:
        _core.set_isa(before)
        gs.set_num_threads(count)


def hash_of(value: Any) -> str:
    """The first digits of a hash of numbers, arrays, or lists and dicts of them."""
    digest = hashlib.sha256()
    for piece in pieces(value):
        digest.update(piece)
    return digest.hexdigest()[:DIGITS]


def pieces(value: Any) -> Iterable[bytes]:
    if isinstance(value, dict):
        for key in sorted(value):
            yield key.encode()
            yield from pieces(value[key])
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from pieces(each)
    else:
        array = np.asarray(value)
        array = array.astype(array.dtype.newbyteorder("<"))
        yield f"{array.dtype.str}{array.shape}".encode()
        yield array.tobytes()


def recorded() -> dict[str, dict[str, dict[str, str]]]:
    """The hashes of each model by instruction set and part."""
    return {
        name: {isa: dict(zip(PARTS, hashes.split(), strict=True)) for isa, hashes in each.items()}
        for name, each in json.loads(FILE.read_text()).items()
    }


def main() -> int:
    parser = argparse.ArgumentParser(description="Compare what models train to with the recorded hashes.")
    parser.add_argument("--write", action="store_true", help="record the hashes of this build instead")
    write = parser.parse_args().write
    kept = recorded() if FILE.exists() else {}
    found = {name: dict(kept.get(name, {})) for name in MODELS}
    isas, differ = _core.build_info()["isas"], 0
    for isa in isas:
        for name, each in found.items():
            try:
                one, other = (bits(name, isa, threads) for threads in THREADS)
            except ModuleNotFoundError as error:
                print(f"{name}, {isa}: {error}")
                continue
            if one != other:
                raise SystemExit(f"{name}, {isa}: not the same bits at {THREADS} threads: {one}, {other}")
            parts = [part for part in PARTS if one[part] != each.get(isa, {}).get(part)]
            if parts:
                print(f"{name}, {isa}: {', '.join(parts)}")
            differ += bool(parts)
            each[isa] = one
    print(f"{len(MODELS)} models on {', '.join(isas)}: {differ} differ from what was recorded")
    if write:
        lines = {name: {isa: " ".join(each[isa].values()) for isa in sorted(each)} for name, each in found.items()}
        FILE.write_text(json.dumps(lines, indent=1) + "\n")
        for isa in sorted({isa for each in kept.values() for isa in each} - set(isas)):
            print(f"{isa} cannot run here: its hashes are as they were")
    return int(differ > 0 and not write)


if __name__ == "__main__":
    sys.exit(main())
