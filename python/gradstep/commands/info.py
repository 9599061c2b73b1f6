"""``gradstep info``."""

from __future__ import annotations

import argparse

from ..config import show_config

HELP = "print version, compiler, instruction set, threads and OpenMP runtime"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """It has none."""


def run(given: argparse.Namespace) -> None:
    """Print the build and the process's settings."""
    show_config()
