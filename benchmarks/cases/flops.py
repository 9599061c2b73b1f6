"""What a case of nothing but multiply-adds is measured against, and its columns. A multiply-add counts as two."""

from __future__ import annotations

from typing import Any


def limits(threads: int, dtype: str = "float32") -> dict[str, list[Any]]:
    """The machine's multiply-adds without memory: on all threads, and on the one of the rows that have one."""
    kind = {"float32": "fma", "float64": "fma64"}[dtype]
    return {"fma": [kind, 1_000_000, threads], "fma, 1 thread": [kind, 1_000_000, 1]}


def columns(flops: float, seconds: float, ours: float | None, measured: dict[str, float]) -> dict[str, str]:
    """`measured` has the limit on as many threads as this row, in seconds an operation; `ours` is gradstep's row."""
    row = {
        "GFLOP/s": f"{flops / seconds / 1e9:.1f}",
        "of FMA peak": f"{flops / seconds * measured['fma'] * 100:.0f} %",
    }
    if ours:
        row["x gradstep"] = f"{seconds / ours:.2f}"
    return row
