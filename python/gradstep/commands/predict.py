"""``gradstep predict run.toml FILE``."""

from __future__ import annotations

import argparse

HELP = "write what the model that `train` saved says of the rows of a file"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The run file, the rows, and where predictions go."""
    parser.add_argument("run_file", metavar="run.toml", help="the file that `train` was given")
    parser.add_argument("data", metavar="FILE", help="rows of the same columns; the target may be missing")
    parser.add_argument("--output", metavar="CSV", help="where predictions go (default: standard output)")


def run(given: argparse.Namespace) -> None:
    """Predict."""
    from ..run_file.running import predict

    predict(given.run_file, given.data, given.output)
