"""Where the time of a training step goes: each phase of 784-256-128-64-10 against its floor.

    python benchmarks/experiments/phases.py [--batches 32 1024] [--threads 2]

The floor of a product is its multiply-adds over the machine's peak; that of moving weights by Adam its 28 bytes an
element over the bandwidth of a sweep of seven streams of as many floats. Both are measured between the rounds.
"""

from __future__ import annotations

import argparse
import re
import statistics
import sys
import tempfile
from itertools import pairwise
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

import harness
from cases import mlp
from gradstep import _core

ROUNDS = 15


def start(batch: int, threads: int) -> _core.TrainLoop:
    """A run of the network of the `mlp` case, warmed up."""
    _core.set_num_threads(threads)
    names = ["relu"] * (len(mlp.SIZES) - 2) + ["softmax"]
    layers = [
        {"kind": "dense", "units": units, "use_bias": True, "activation": name}
        for units, name in zip(mlp.SIZES[1:], names, strict=True)
    ]
    network = _core.Network(mlp.SIZES[0], layers, "float32")
    parameters = [weight for layer in network.parameters for weight in layer]
    for into, value in zip(parameters, (array for pair in mlp.weights() for array in pair), strict=True):
        into[...] = value
    optimizer = _core.Optimizer("Adam", {})
    indices = optimizer.add(parameters, [f"[{i}]" for i in range(len(parameters))])
    x, y = mlp.data({"batch": batch})
    places = [(0, index) for index in indices]
    run = _core.TrainLoop(network, {"kind": "sparse_categorical_crossentropy"}, [], x, y, batch, [optimizer], places)
    run.start(np.random.default_rng(0).permutation(len(x)))
    run.advance(60.0)
    return run


def measure(batch: int, threads: int, machine: harness.Limits) -> None:
    """Prints the table of one batch size."""
    run = start(batch, threads)
    elements = sum(a * b + b for a, b in pairwise(mlp.SIZES))
    rounds: list[dict[str, float]] = []
    operation, sweep = [], []
    for seed in range(ROUNDS):
        run.start(np.random.default_rng(seed).permutation(mlp.ROWS[batch]))
        times = run.profile(0.3)
        rounds.append({name: seconds / run.progress[0] for name, seconds in times})
        operation.append(statistics.median(machine.measure(["fma", 200_000, threads], 0.05)))
        sweep.append(statistics.median(machine.measure(["sweep", elements, threads], 0.05)))
    flop, byte = statistics.median(operation), statistics.median(sweep) / elements / 28
    print(f"\nbatch {batch}, {threads} threads: peak {1e-9 / flop:.0f} GFLOP/s, sweep {1e-9 / byte:.0f} GB/s\n")
    print("| phase | us | floor: products | floor: moving | over the floor |\n|---|---:|---:|---:|---:|")
    totals = [0.0, 0.0, 0.0]
    for name in rounds[0]:
        took = statistics.median(found[name] for found in rounds)
        products = flop * sum(2 * int(a) * int(b) * int(c) for a, b, c in re.findall(r"(\d+)x(\d+)x(\d+)", name))
        moved = re.findall(r"learn (\d+)x\d+x(\d+)", name)
        moving = byte * 28 * sum(int(a) * int(b) for a, b in moved)
        totals = [a + b for a, b in zip(totals, (took, products, moving), strict=True)]
        print(row(name, took, products, moving))
    print(row("all", *totals), flush=True)


def row(name: str, took: float, products: float, moving: float) -> str:
    """A line of the table."""
    floor = products + moving
    ratio = f"{took / floor:.2f}" if floor else ""
    return f"| {name} | {took * 1e6:.1f} | {products * 1e6:.1f} | {moving * 1e6:.1f} | {ratio} |"


def main() -> None:
    """Parses the arguments and prints a table a batch size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batches", type=int, nargs="+", default=[32, 1024], choices=sorted(mlp.ROWS))
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        program = harness.compile_limits(Path(folder))
        with harness.Limits(program, arguments.threads) as machine:
            for batch in arguments.batches:
                measure(batch, arguments.threads, machine)


if __name__ == "__main__":
    main()
