"""Training in several processes: the sums over processes, two processes against one, and a model of larger teams.

``python benchmarks/distribution.py`` starts mpiexec itself (extra `mpi`), with one core for each process, and prints
ratios within one run; ``--save`` writes them into ``benchmarks/results``. ``--quick`` tries it out on small sizes.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from shutil import which
from statistics import median
from typing import Any

import numpy as np
from harness import card

SIZES = (1_000, 100_000, 1_000_000, 5_000_000, 25_000_000)  # floats of the fit of latency and bandwidth
QUICK_SIZES = (1_000, 10_000, 100_000)
LAYERS, QUICK_LAYERS, BATCH, SMALL = (784, 2048, 2048, 10), (20, 30, 10), 1024, 128
DEEP, QUICK_DEEP = (512, 1024, 1024, 1024, 1024, 1024, 1024, 1024, 10), (20, 30, 30, 10)
RANKS = (1, 2, 4, 8, 16, 32, 64)
LATENCY, BANDWIDTH = 30e-6, 10e9 / 8  # seconds of a message and bytes a second of a 10 Gbit/s network
BUCKET = 1 << 20  # bytes of gradients that are sent together, at least
RATES = (1, 10)  # Gbit/s of each process in networks that the loopback interface stands for


def timed(comm: Any, work: Any) -> float:
    """Seconds until the last process is done."""
    comm.Barrier()
    begin = time.perf_counter()
    work()
    return float(comm.allreduce(time.perf_counter() - begin, op=_mpi().MAX))


def _mpi() -> Any:
    from mpi4py import MPI

    return MPI


def sums(team: Any, size: int, rounds: int) -> tuple[float, float]:
    """Seconds of the tree's exchange, and of MPI_Allreduce, by turns."""
    comm, vector = team.comm, np.ones(size, "f4")
    tree, out = team.tree(size, "f4"), np.empty(size, "f4")
    ours, theirs = [], []
    for _ in range(rounds):
        for _ in team.own:
            tree.add(vector)
        ours.append(timed(comm, lambda: tree.total(1.0, out)))
        theirs.append(timed(comm, lambda: comm.Allreduce(vector, out, op=_mpi().SUM)))
    return median(ours), median(theirs)


def rounded_sums(team: Any, size: int, rounds: int) -> tuple[float, float]:
    """Seconds in which a process takes the gradient of its shard and has the sum: in float32, and in bfloat16."""
    from gradstep.distribution.tree import RoundedTreeSum, TreeSum

    vector, out = np.ones(size, "f4"), np.empty(size, "f4")
    trees = [kind(team.comm, size, "f4") for kind in (TreeSum, RoundedTreeSum)]
    found: list[list[float]] = [[], []]

    def work(tree: Any) -> None:
        for _ in team.own:
            tree.add(vector, 2.0)
        tree.total(3.0, out)

    for _ in range(rounds):
        for times, tree in zip(found, trees, strict=True):
            times.append(timed(team.comm, lambda tree=tree: work(tree)))
    return median(found[0]), median(found[1])


def trained(team: Any, widths: tuple[int, ...], batch: int, each: int, epochs: int, **functions: Any) -> None:
    """`fit` of so many steps in an epoch, with functions as of `LambdaCallback`."""
    import gradstep as gs

    gs.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    rows = batch * each
    x, y = rng.normal(size=(rows, widths[0])).astype("f4"), rng.integers(0, widths[-1], rows)
    layers = [gs.layers.Dense(n, "relu") for n in widths[1:-1]]
    model = gs.Sequential([gs.Input((widths[0],)), *layers, gs.layers.Dense(widths[-1], "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    callback = gs.callbacks.LambdaCallback(**functions)
    model.fit(x, y, batch_size=batch, epochs=epochs, verbose=0, callbacks=[callback], distribution=team)


def steps(team: Any, widths: tuple[int, ...], count: int) -> float:
    """Seconds of a step of `fit`: the median over epochs of one step, which hash the weights."""
    times: list[float] = []
    trained(team, widths, BATCH, 1, count + 2, on_epoch_begin=lambda epoch, logs: times.append(time.perf_counter()))
    return float(median(np.diff(times)[1:]))


def single_steps(team: Any, widths: tuple[int, ...], batch: int) -> list[float]:
    """Seconds of four steps in a row."""
    times: list[float] = []
    trained(team, widths, batch, 5, 2, on_train_batch_end=lambda batch, logs: times.append(time.perf_counter()))
    return list(np.diff(times[5:]))


def overlaps(widths: tuple[int, ...], batch: int, rounds: int) -> dict[str, float]:
    """Seconds of a step of two processes that send gradients after the backward pass, of two that send them during it,
    and of one process alone. Every process has one shard, all of one size."""
    import gradstep as gs

    comm = _mpi().COMM_WORLD
    teams = {name: gs.distribution.DataParallel(shards=2, overlap=name == "during") for name in ("after", "during")}
    times: dict[str, list[float]] = {"after": [], "during": [], "alone": []}
    for _ in range(rounds):
        for name, team in teams.items():
            times[name] += single_steps(team, widths, 2 * batch)
        times["alone"] += single_steps(None, widths, batch)
    comm.Barrier()
    return {name: median(found) for name, found in times.items()}


def measured(kind: str, sizes: tuple[int, ...], widths: tuple[int, ...], deep: tuple[int, ...]) -> None:
    """What a process of a run measures; the first prints it."""
    import gradstep as gs

    gs.set_num_threads(1)
    mpi = _mpi()
    comm = mpi.COMM_WORLD
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[comm.rank % len(cores)]})
    found: dict[str, Any] = {}
    team = gs.distribution.DataParallel(shards=2)
    if kind == "sums":
        found = {str(size): sums(team, size, 7 if size == sizes[-1] else 15) for size in sizes}
    elif kind == "rounded":
        found = {str(size): rounded_sums(team, size, 7) for size in sizes[-1:]}
    elif kind == "overlap":
        problems = {"wide": (widths, SMALL), "deep": (deep, 2 * SMALL)}
        found = {name: overlaps(*problem, rounds=3) for name, problem in problems.items()}
    else:
        # The same call in one process, by turns with that of the team; the other process waits.
        for _ in range(3):
            alone = gs.distribution.DataParallel(shards=2, comm=mpi.COMM_SELF)
            if comm.rank == 0:
                found.setdefault("one", []).append(steps(alone, widths, 3))
                found.setdefault("plain", []).append(steps(None, widths, 3))
            _wait(comm)
            found.setdefault("two", []).append(steps(team, widths, 3))
        found = {name: median(times) for name, times in found.items()}
    if comm.rank == 0:
        print(json.dumps(found), flush=True)


def _wait(comm: Any) -> None:
    """A barrier that does not spin."""
    request = comm.Ibarrier()
    while not request.Test():
        time.sleep(0.01)


def started(kind: str, *options: str, rate: float | None = None) -> dict[str, Any]:
    """Run this file in two processes; rate: Gbit/s that each can send, over TCP through a loopback interface of their
    own that takes twice as many, as Linux makes it for root."""
    starter = Path(sys.executable).with_name("mpiexec")
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [str(starter), "-n", "2", sys.executable, "-m", "gradstep", __file__, "--measure", kind, *options]
    if rate is not None:
        environment |= {"MPIR_CVAR_NOLOCAL": "1", "MPIR_CVAR_CH4_NETMOD": "ofi", "FI_PROVIDER": "tcp"}
        shaped = f"tc qdisc add dev lo root tbf rate {2 * rate}gbit burst 1mb latency 200ms"
        script = f'ip link set lo up && ip link set lo mtu 9000 && {shaped} && exec "$@"'
        command[1:1] = ["-iface", "lo"]
        command = ["unshare", "-n", "sh", "-c", script, "sh", *command]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def fitted(found: dict[str, Any]) -> tuple[float, float]:
    """Latency and bytes a second of what two processes exchange: seconds = 2 latency + bytes / bandwidth."""
    sizes = np.array([float(size) for size in found])
    seconds = np.array([ours for ours, _ in found.values()])
    weights = 1 / seconds  # relative errors count
    matrix = np.stack([2 * np.ones(len(sizes)), 4 * sizes], 1)
    latency, rate = np.linalg.lstsq(matrix * weights[:, None], seconds * weights, rcond=None)[0]
    return max(float(latency), 0.0), 1 / float(rate)


def exchange_seconds(parameters: int, ranks: int) -> float:
    """Of a 10 Gbit/s network: 2 (n - 1) / n vectors, in 2 (n - 1) messages."""
    return 2 * (ranks - 1) / ranks * 4 * parameters / BANDWIDTH + 2 * (ranks - 1) * LATENCY


def overlapped(compute: float, widths: tuple[int, ...], ranks: int) -> float:
    """Seconds of a step in which gradients of weights are sent while others, and those by inputs, are computed.

    Each process computes one shard, for a time in proportion to multiply-adds. The network takes bucket after bucket.
    """
    sizes = list(pairwise(widths))
    work = [a * b for a, b in sizes]  # of a product: forward, by the weights, or by the input, which the first has not
    unit = compute / (3 * sum(work) - work[0])
    now = unit * sum(work)
    sent = waiting = 0.0
    for k in reversed(range(len(sizes))):
        now += unit * work[k]
        waiting += (sizes[k][0] + 1) * sizes[k][1]
        if 4 * waiting >= BUCKET or not k:
            sent, waiting = max(sent, now) + exchange_seconds(int(waiting), ranks), 0
        now += unit * work[k]
    return sent if ranks > 1 else compute


def scaling(compute: float, widths: tuple[int, ...]) -> list[dict[str, float]]:
    """Seconds of a step, efficiency and bytes of each process, of larger teams on a 10 Gbit/s network.

    The batch grows with the team: each process computes as long. Gradients are sent after the backward pass, or during
    it.
    """
    rows, parameters = [], sum((a + 1) * b for a, b in pairwise(widths))
    for n in RANKS:
        step, during = compute + exchange_seconds(parameters, n), overlapped(compute, widths, n)
        whole, shared = 4 * parameters * (1 + 1 + 2), 4 * parameters * (1 + 1 + 2 / n)
        row = {"ranks": n, "step": step, "efficiency": compute / step, "bytes": whole, "ZeRO-1": shared}
        rows.append(row | {"overlapped": during, "efficiency, overlapped": compute / during})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--measure", choices=["sums", "rounded", "overlap", "steps"], help=argparse.SUPPRESS)
    parser.add_argument("--save", action="store_true", help="write benchmarks/results/distribution.json")
    parser.add_argument("--quick", action="store_true", help="small sizes, to see whether it runs; no measurement")
    given = parser.parse_args()
    sizes, widths, deep = (QUICK_SIZES, QUICK_LAYERS, QUICK_DEEP) if given.quick else (SIZES, LAYERS, DEEP)
    if given.measure:
        measured(given.measure, sizes, widths, deep)
        return
    machine, options = card(threads=1), ["--quick"] if given.quick else []
    exchange, step = started("sums", *options), started("steps", *options)
    rounded = started("rounded", *options)[str(sizes[-1])]
    both = {"memory": started("overlap", *options)}
    if os.geteuid() == 0 and which("unshare") and which("tc"):
        both |= {f"{rate} Gbit/s": started("overlap", *options, rate=rate) for rate in RATES}
    ours, theirs = exchange[str(sizes[-1])]
    latency, bandwidth = fitted(exchange)
    parameters = sum((a + 1) * b for a, b in pairwise(widths))
    print(f"tree against MPI_Allreduce, {sizes[-1] / 1e6:g} M floats, 2 processes: {ours / theirs:.2f}x its time")
    print(f"two processes of one core against one: {step['one'] / step['two']:.2f}x the speed")
    print(f"shards in one process against fit without them: {step['one'] / step['plain']:.2f}x its time")
    print(
        f"gradients in bfloat16 against float32, no network between: {rounded[1] / rounded[0]:.2f}x the time of a sum"
    )
    for network, problems in both.items():
        for name, of in problems.items():
            ratio = of["during"] / of["after"]
            print(f"gradients sent during the backward pass against after it, {network}, {name}: {ratio:.2f}x the time")
    print(f"exchange here: latency {latency * 1e6:.0f} us, {bandwidth / 1e9:.2f} GB/s")
    predicted = step["one"] / 2 + 2 * latency + 4 * parameters / bandwidth
    print(f"the model's step of two processes here: {predicted / step['two']:.2f}x the time of the measured one")
    models = {BATCH: scaling(step["one"], widths), SMALL: scaling(both["memory"]["wide"]["alone"], widths)}
    for batch, rows in models.items():
        print(f"\nmodel of 10 Gbit/s, batch {batch} for each process, Adam; MB of weights, gradients and state")
        print("ranks   step s  efficiency  overlapped  efficiency    whole   ZeRO-1")
        for row in rows:
            memory = f"{row['bytes'] / 1e6:8.0f} {row['ZeRO-1'] / 1e6:8.0f}"
            during = f"{row['overlapped']:11.3f} {row['efficiency, overlapped']:11.2f}"
            print(f"{row['ranks']:5.0f} {row['step']:8.3f} {row['efficiency']:11.2f} {during} {memory}")
    if given.save:
        result = {
            "card": machine,
            "sums": exchange,
            "rounded": rounded,
            "overlap": both,
            "steps": step,
            "fit": [latency, bandwidth],
            "model": models[BATCH],
            "model, small batch": models[SMALL],
        }
        path = Path(__file__).parent / "results" / "distribution.json"
        path.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
