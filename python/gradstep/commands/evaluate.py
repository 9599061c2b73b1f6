"""``gradstep evaluate run.toml``."""

from __future__ import annotations

import argparse

HELP = "score the model that `train` saved, on its test rows or on another file"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The run file, and other data."""
    parser.add_argument("run_file", metavar="run.toml", help="the file that `train` was given")
    parser.add_argument("--data", metavar="FILE", help="a file with targets (default: the test rows of the run file)")


def run(given: argparse.Namespace) -> None:
    """Evaluate."""
    from ..run_file.running import evaluate

    evaluate(given.run_file, given.data)
