"""``gradstep bench``."""

from __future__ import annotations

import argparse

from ..console import show
from .arguments import positive

HELP = "measure this machine in seconds: a step of Adam, and training a small network"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How long."""
    parser.add_argument("--rounds", type=positive, default=5, help="turns of each case; the median counts (default: 5)")


def run(given: argparse.Namespace) -> None:
    """Measure, and say what this is not."""
    from ..quick_bench import measure

    for case, microseconds in measure(given.rounds).items():
        show(f"{case:<58} {microseconds:>10,.1f} us")
    show(
        "\nThese are figures of gradstep alone, to compare two machines or two settings. The benchmarks against "
        "PyTorch, "
        "JAX, Keras and NumPy, and their results, are in the folder benchmarks/ of the source, which is no part of the "
        "installed package: `python benchmarks/run.py` there."
    )
