"""``gradstep train run.toml``."""

from __future__ import annotations

import argparse

HELP = "train a model that a TOML file describes, on a CSV or npy file, and save it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The run file, and what to do with an unfinished training."""
    parser.add_argument(
        "run_file", metavar="run.toml", help="data, layers and training; docs/run-files.md has all keys"
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--resume", action="store_true", help="go on with an interrupted training, or with more epochs")
    how.add_argument("--restart", action="store_true", help="begin anew, though an unfinished training is there")


def run(given: argparse.Namespace) -> None:
    """Train."""
    from ..run_file.running import train

    train(given.run_file, given.resume, given.restart)
