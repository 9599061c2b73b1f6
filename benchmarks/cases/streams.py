"""What a case of optimizer steps is measured against, sweeps over as many arrays of float32, and its columns."""

from __future__ import annotations

from typing import Any

ONE_THREAD = ", 1 thread"
# Elements from which on a step of ours takes a second thread (csrc/update/chunks.hpp).
SECOND_THREAD = 1_000_000


def sweep(reads: int, writes: int, elements: int, threads: int, name: str = "sweep") -> dict[str, list[Any]]:
    """The limit `name`: read so many arrays and write so many of them, on all threads and on one."""
    kind = f"sweep:{reads}:{writes}"
    return {name: [kind, elements, threads], name + ONE_THREAD: [kind, elements, 1]}


def divider(divisions: int, roots: int, elements: int, threads: int) -> dict[str, list[Any]]:
    """The limit `divider`: so many divisions and roots of each element, in the first cache, if there are any."""
    kind = f"divider:{divisions}:{roots}"
    if divisions + roots == 0:
        return {}
    return {"divider": [kind, elements, threads], "divider" + ONE_THREAD: [kind, elements, 1]}


def floor(measured: dict[str, float], elements: int) -> float:
    """The slower of sweep and divider, on as many threads as a step of ours takes."""
    on_one, on_all = (
        max(seconds for name, seconds in measured.items() if name in ("sweep" + end, "divider" + end))
        for end in (ONE_THREAD, "")
    )
    return on_one if elements < SECOND_THREAD else min(on_one, on_all)


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
