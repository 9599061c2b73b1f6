"""`python benchmarks/run.py roofline`: what the machine can do, and how near to that each kernel comes.

A kernel does `flops` operations on `bytes` of memory. Its roof is the time that the slower of the two takes alone: the
operations at the peak of fused multiply-adds, the bytes at the bandwidth of a sweep over as much memory, which is that
of the cache they fit in. Kernels of layers are timed as `fit` runs them, stage by stage.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradstep as gs
import harness
import numpy as np
import report
from cases import gemm
from gradstep import _core

NAME = "roofline"
LEVELS = ("second cache", "third cache", "memory")
# Bytes of a sweep that reads two arrays and writes one of them, from within the second cache to far beyond the last: in
# the first one a sweep is shorter than what starts it.
SIZES = tuple(1 << k for k in range(17, 29))
BATCH = 64


@dataclass(frozen=True)
class Kernel:
    """Something to be timed: run() does it once, and gives the seconds that it took."""

    name: str
    kind: str
    flops: float
    bytes: float
    run: Callable[[], float]
    dtype: str = "float32"


def timed(work: Callable[[], Any]) -> Callable[[], float]:
    """Seconds of a call, of a tenth of a millisecond or more together."""

    def run() -> float:
        begin = time.perf_counter()
        calls = 0
        while calls == 0 or time.perf_counter() - begin < 1e-4:
            work()
            calls += 1
        return (time.perf_counter() - begin) / calls

    return run


def products(quick: bool) -> list[Kernel]:
    """Products of a training step, and squares."""
    found = []
    step = [gemm.forward(32, 784, 256), gemm.gradient(32, 784, 256), gemm.back(32, 128, 256), (1, 784, 256, "CC")]
    squares = [(512, 512, 512, "CC"), (1024, 1024, 1024, "CC")]
    for m, k, n, order in step[:1] if quick else [*step, *squares]:
        for dtype in ("float32", "float64"):
            ((a, b, out),) = gemm.inputs({"dtype": dtype, "place": "aligned", "products": [(m, k, n, order)]})
            moved = a.nbytes + b.nbytes + 2 * out.nbytes
            name = f"{m} x {k} x {n} {order} {dtype}"
            work = timed(lambda a=a, b=b, out=out: _core.matmul(a, b, out))
            found.append(Kernel(name, "product", 2 * m * k * n, moved, work, dtype))
    return found


# Rule, operations an element as its formula has them (a division or a root is one), arrays read and written.
RULES = (("SGD", 2, 3), ("Lion", 8, 5), ("RMSprop", 7, 5), ("Adam", 11, 7))


def sweeps(quick: bool) -> list[Kernel]:
    """Steps of optimizers over one array."""
    found = []
    for rule, flops, arrays in RULES:
        for n in (100_000,) if quick else (100_000, 1_000_000, 10_000_000):
            rng = np.random.default_rng(0)
            w, g = (rng.standard_normal(n, np.float32) for _ in range(2))
            step = gs.optimizers.deserialize({"class_name": rule, "config": {"learning_rate": 1e-6}}).bind(w).step
            found.append(Kernel(f"{rule} {n:,}", "sweep", flops * n, 4 * arrays * n, timed(lambda s=step, g=g: s(g))))
    return found


@dataclass(frozen=True)
class Pass:
    """A layer's pass over rows of a shape: operations and numbers moved, a row; back: those of its way back, if any."""

    kind: str
    layer: Callable[[], Any]
    shape: tuple[int, ...]
    flops: float
    moved: float
    back: tuple[float, float] | None = None


def passes() -> dict[str, Pass]:
    """Layers whose kernels are of each kind, at usual sizes. A function such as exp counts as twenty operations."""
    of, wide, image, steps = gs.layers, 4096, (32, 32, 32), (64, 64)
    numbers, units = 32 * 32 * 32, 128
    lstm, cells = 2 * 4 * units * (steps[1] + units) + 90 * units, steps[1] + 6 * units
    attention = 8 * 64 * 64 * 64 + 4 * 64 * 64 * 64 + 25 * 4 * 64 * 64
    return {
        "relu 4096": Pass("map", lambda: of.Activation("relu"), (wide,), wide, 2 * wide),
        "tanh 4096": Pass("map", lambda: of.Activation("tanh"), (wide,), 20 * wide, 2 * wide),
        "gelu 4096": Pass("map", lambda: of.Activation("gelu"), (wide,), 30 * wide, 2 * wide),
        "softmax 4096": Pass("reduce", lambda: of.Activation("softmax"), (wide,), 24 * wide, 2 * wide),
        # What was normalized is kept beside the output.
        "LayerNormalization 4096": Pass("normalize", of.LayerNormalization, (wide,), 7 * wide, 3 * wide),
        "Conv2D 3x3, 32 to 32": Pass(
            "conv", lambda: of.Conv2D(32, 3, padding="same"), image, 18 * 32 * numbers, 2 * numbers,
            (18 * 32 * numbers, 2 * numbers),
        ),
        "DepthwiseConv2D 3x3, 32": Pass(
            "conv", lambda: of.DepthwiseConv2D(3, padding="same"), image, 18 * numbers, 2 * numbers
        ),
        "MaxPooling2D": Pass("pool", of.MaxPooling2D, image, numbers, 1.25 * numbers),
        "LSTM 128": Pass("cell", lambda: of.LSTM(units), steps, steps[0] * lstm, steps[0] * cells),
        "MultiHeadAttention 4 x 16": Pass(
            "attention", lambda: of.MultiHeadAttention(4, 16), steps, attention, 12 * 64 * 64
        ),
    }  # fmt: skip


class Profiled:
    """Seconds of a layer's passes, from the profile of a network that has one output behind it."""

    def __init__(self, of: Pass, batch: int = BATCH) -> None:
        # What comes out of another layer lies near; rows of the data may come from memory.
        inputs, layer = gs.Input(of.shape), of.layer()
        x = gs.layers.ReLU()(inputs)
        hidden = layer(x, x) if isinstance(layer, gs.layers.MultiHeadAttention) else layer(x)
        without, _ = training_loop(inputs, x, 1)
        without.start(None)
        self.before = end_of_forward(without.profile(60.0))
        self.loop, self.batches = training_loop(inputs, hidden, batch)

    def times(self) -> tuple[float, float]:
        """Of the way there and of the way back, a batch."""
        self.loop.start(None)
        stages = [(name, seconds / self.batches) for name, seconds in self.loop.profile(60.0)]
        backs = [k for k, (name, _) in enumerate(stages) if name.startswith("back")]
        after = backs[0] + 1 if backs else len(stages)
        forward = stages[self.before : end_of_forward(stages)]
        return sum(seconds for _, seconds in forward), sum(seconds for _, seconds in stages[after:])


def training_loop(inputs: Any, hidden: Any, batch: int) -> tuple[Any, int]:
    """Of a network with one output behind `hidden`, and its batches."""
    shape = inputs.shape[1:]
    model = gs.Model(inputs, gs.layers.Dense(1)(gs.layers.Flatten()(hidden) if len(hidden.shape) > 2 else hidden))
    network = model._executor.network
    weights = [weight for layer in network.parameters for weight in layer]
    optimizer = _core.Optimizer("SGD", {"learning_rate": 1e-9})
    places = [(0, index) for index in optimizer.add(weights, [f"[{i}]" for i in range(len(weights))])]
    x = np.random.default_rng(0).standard_normal((8 * batch, math.prod(shape)), np.float32)
    loss, y = {"kind": "mean_squared_error"}, np.zeros((len(x), 1), np.float32)
    return _core.TrainLoop(network, loss, [], x, y, batch, [optimizer], places), len(x) // batch


def end_of_forward(stages: list[tuple[str, float]]) -> int:
    """The number of the stage that makes the one output."""
    return max(k for k, (name, _) in enumerate(stages) if name.startswith("forward") and name.endswith("x1"))


def layer_kernels() -> list[Kernel]:
    """Kernels of layers, there and, where that is counted, back."""
    found = []
    for name, of in passes().items():
        profiled = Profiled(of)
        ways = [("", of.flops, of.moved, 0)] + ([(" back", *of.back, 1)] if of.back else [])
        for way, flops, moved, k in ways:
            run = lambda p=profiled, k=k: p.times()[k]  # noqa: E731
            found.append(Kernel(name + way, of.kind, BATCH * flops, 4 * BATCH * moved, run))
    return found


# -- the machine -------------------------------------------------------------------------------------------------------


def machine_limits(machine: harness.Limits, threads: int, seconds: float, quick: bool) -> dict[str, Any]:
    """Peaks (FLOP/s) by dtype, and bandwidths (B/s) by the bytes of a sweep, each the best of its samples."""

    def best(*request: Any) -> float:
        return min(min(machine.measure([*request, threads], seconds)) for _ in range(3))

    peaks = {dtype: 1 / best(kind, 100_000) for dtype, kind in (("float32", "fma"), ("float64", "fma64"))}
    sweeps = {size: size / best("sweep:2:1", size // 12) for size in (SIZES[:7] if quick else SIZES)}
    return {"peaks": peaks, "bandwidths": sweeps}


def bandwidth(bandwidths: dict[int, float], size: float) -> float:
    """Of a sweep over so many bytes, between those measured."""
    sizes = sorted(bandwidths)
    return float(np.exp(np.interp(math.log(size), np.log(sizes), np.log([bandwidths[s] for s in sizes]))))


def levels(bandwidths: dict[int, float], caches: list[int], threads: int) -> dict[str, float]:
    """The bandwidth of each cache, half full, and of memory."""
    _, l2, l3 = caches
    within = (threads * l2 / 2, max(l3 / 2, 2 * threads * l2), max(bandwidths))
    return {level: bandwidth(bandwidths, size) for level, size in zip(LEVELS, within, strict=True)}


def measured(
    kernels: list[Kernel], threads: int, machine: harness.Limits, rounds: int, seconds: float, quick: bool
) -> dict[str, Any]:
    """The limits on so many threads, and each kernel's seconds, those of its best round, beside its roof."""
    _core.set_num_threads(threads)
    limits = machine_limits(machine, threads, seconds, quick)
    found = []
    for kernel in kernels:
        kernel.run()
        seconds_taken = min(kernel.run() for _ in range(rounds))
        at_peak = kernel.flops / limits["peaks"][kernel.dtype]
        of_memory = kernel.bytes / bandwidth(limits["bandwidths"], kernel.bytes)
        found.append(
            {
                "name": kernel.name, "kind": kernel.kind, "flops": kernel.flops, "bytes": kernel.bytes,
                "seconds": seconds_taken, "roof": max(at_peak, of_memory),
                "bound": "operations" if at_peak > of_memory else "bytes",
            }
        )  # fmt: skip
    return {**limits, "kernels": found}


# -- what is said of it ------------------------------------------------------------------------------------------------


def text(results: dict[str, Any]) -> str:
    """The machine and its kernels as tables."""
    caches = results["caches"]
    parts = [
        f"Caches of {caches[0] / 1024:.0f} KB, {caches[1] / 1024:.0f} KB and {caches[2] / 2**20:.0f} MB; a cache line "
        f"goes from one core to another in {results['handover'] * 1e9:.0f} ns."
    ]
    rows = {}
    for threads, found in results["threads"].items():
        rows[f"{threads} thread{'s' * (int(threads) > 1)}"] = {
            **{f"{dtype}, GFLOP/s": f"{peak / 1e9:.0f}" for dtype, peak in found["peaks"].items()},
            **{f"{level}, GB/s": f"{rate / 1e9:.0f}" for level, rate in found["levels"].items()},
        }
    parts.append(report.table(rows))
    for threads, found in results["threads"].items():
        parts.append(f"**{threads} thread{'s' * (int(threads) > 1)}**")
        parts.append(report.table({kernel["name"]: cells(kernel) for kernel in found["kernels"]}))
    return "\n\n".join(parts)


def cells(kernel: dict[str, Any]) -> dict[str, str]:
    """A row of the table."""
    seconds = kernel["seconds"]
    return {
        "kind": kernel["kind"],
        "operations a byte": f"{kernel['flops'] / kernel['bytes']:.2f}",
        "us": f"{seconds * 1e6:,.1f}",
        "GFLOP/s": f"{kernel['flops'] / seconds / 1e9:.1f}",
        "GB/s": f"{kernel['bytes'] / seconds / 1e9:.1f}",
        "bound by": kernel["bound"],
        "of the roof": f"{kernel['roof'] / seconds * 100:.0f} %",
    }


def draw(results: dict[str, Any], path: Path) -> None:
    """A picture for each number of threads: roofs, and every kernel below them."""
    from gradstep.plot.figures import COLOURS, MARKERS, new_figure, saved

    figure = new_figure(6.4 * len(results["threads"]), 5.2)
    panels = np.atleast_1d(figure.subplots(1, len(results["threads"]), sharey=True))
    across = np.logspace(-1.5, 2.5, 100)
    for panel, (threads, found) in zip(panels, results["threads"].items(), strict=True):
        for dtype, peak in found["peaks"].items():
            panel.axhline(peak / 1e9, color="0.3", linestyle="-" if dtype == "float32" else "--", linewidth=1)
            panel.text(across[0], peak / 1e9 * 1.06, f"{dtype} peak", fontsize=8)
        for number, (level, rate) in enumerate(found["levels"].items()):
            begin = across[0] * 1.1 * 2 ** (number % 2)  # neighbours apart, as two caches may be equally fast
            panel.plot(across, np.minimum(rate * across, found["peaks"]["float32"]) / 1e9, color="0.7", linewidth=0.8)
            panel.text(begin, rate * begin / 1.1e9, level, fontsize=7, rotation=38, va="bottom")
        kinds = list(dict.fromkeys(kernel["kind"] for kernel in found["kernels"]))
        for number, kind in enumerate(kinds):
            of_kind = [kernel for kernel in found["kernels"] if kernel["kind"] == kind]
            panel.scatter(
                [kernel["flops"] / kernel["bytes"] for kernel in of_kind],
                [kernel["flops"] / kernel["seconds"] / 1e9 for kernel in of_kind],
                color=COLOURS[number % len(COLOURS)], marker=MARKERS[number % len(MARKERS)], s=30, label=kind, zorder=3,
            )  # fmt: skip
        panel.set(xscale="log", yscale="log", xlabel="operations a byte", ylabel="GFLOP/s")
        panel.set_title(f"{threads} thread{'s' * (int(threads) > 1)}")
        panel.legend(loc="lower right", fontsize=8)
    saved(figure, path)


def run(machine: harness.Limits, threads: int, rounds: int, seconds: float, quick: bool = False) -> dict[str, Any]:
    """Measures on one thread and on all; quick: only a kernel of each kind."""
    caches = list(_core.build_info()["caches"])
    kernels = [*products(quick), *sweeps(quick), *layer_kernels()]
    if quick:
        kernels = list({kernel.kind: kernel for kernel in reversed(kernels)}.values())[::-1]
    handover = min(machine.measure(["handover", 2_000, 2], seconds))
    before = _core.get_num_threads()
    try:
        found = {str(n): measured(kernels, n, machine, rounds, seconds, quick) for n in dict.fromkeys((1, threads))}
    finally:
        _core.set_num_threads(before)
    for n, result in found.items():
        result["levels"] = levels(result["bandwidths"], caches, int(n))
        result["bandwidths"] = {str(size): rate for size, rate in result["bandwidths"].items()}
    return {"caches": caches, "handover": handover, "threads": found}
