"""The machine and the versions that numbers were made with."""

from __future__ import annotations

import os
import platform
from datetime import datetime, timezone

import numpy as np

from .. import _core
from ..config import get_num_threads

__all__ = ["card"]


def card() -> dict[str, str]:
    """Processor, cores, threads, instruction set, versions, system, date and load."""
    info = _core.build_info()
    found = {
        "processor": _processor(),
        "cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
        "threads": str(get_num_threads()),
        "instruction set": str(info["isa"]),
        "gradstep": str(info["version"]),
        "Python": platform.python_version(),
        "NumPy": np.__version__,
        "system": platform.platform(),
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d"),
    }
    if hasattr(os, "getloadavg"):
        found["load at the start"] = f"{os.getloadavg()[0]:.1f}"
    return found


def _processor() -> str:
    """Its name, as far as the system knows it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()
