"""``python -m gradstep info | demo | --version``; its help without any."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from . import __version__
from .config import show_config


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m gradstep", description="Gradient descent for NumPy users.")
    parser.add_argument("--version", action="version", version=f"gradstep {__version__}")
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("info", help="print version, compiler, instruction set, threads and OpenMP runtime")
    demo = commands.add_parser("demo", help="train a classifier on real handwritten digits and plot its curves")
    demo.add_argument("--epochs", type=positive, default=30, help="passes over the training data (default: 30)")
    demo.add_argument("--output", default="gradstep-demo.png", help="where the curves go (default: gradstep-demo.png)")
    demo.add_argument("--seed", type=int, default=0, help="of the split, the weights and the shuffles (default: 0)")
    given = parser.parse_args(arguments)
    if given.command is None:
        parser.print_help()
    elif given.command == "info":
        show_config()
    else:
        from .demo import run

        try:
            run(given.epochs, given.output, given.seed)
        except (ImportError, OSError) as error:  # an extra that is not installed, a file that cannot be written
            raise SystemExit(f"gradstep demo: {error}") from None


def positive(text: str) -> int:
    """A whole number of at least 1, as argparse asks for it."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1; got {number}")
    return number


if __name__ == "__main__":
    main()
