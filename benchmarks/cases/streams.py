"""What a case of optimizer steps is measured against, sweeps over as many arrays of float32, and its columns."""

from __future__ import annotations

from typing import Any

ONE_THREAD = ", 1 thread"


def sweep(reads: int, writes: int, elements: int, threads: int, name: str = "sweep") -> dict[str, list[Any]]:
    """The limit `name`: read so many arrays and write so many of them, on all threads and on one."""
    kind = f"sweep:{reads}:{writes}"
    return {name: [kind, elements, threads], name + ONE_THREAD: [kind, elements, 1]}


def fastest(measured: dict[str, float], name: str = "sweep") -> float:
    """Below some size a second thread only costs."""
    return min(measured[name], measured[name + ONE_THREAD])


def times(elements: int, seconds: float, arrays: int) -> dict[str, str]:
    """arrays: how many are read or written; each that is both counts twice."""
    return {
        "us/step": f"{seconds * 1e6:,.2f}",
        "ns/element": f"{seconds * 1e9 / elements:.3f}",
        "GB/s": f"{elements * arrays * 4 / seconds / 1e9:.1f}",
    }


def judged(ratio: float, least: float | None = None, most: float | None = None, digits: int = 2) -> str:
    """A ratio, and beside it what was asked of it where it fell short."""
    text = f"{ratio:.{digits}f}"
    if least is not None and ratio < least:
        return f"**{text}** (< {least:g})"
    return f"**{text}** (> {most:g})" if most is not None and ratio > most else text
