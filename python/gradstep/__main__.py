"""``python -m gradstep info | demo | --version``, or a script of training; its help without any."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from ._core import __version__
from .config import show_config
from .distribution.script import run_script

SCRIPTS = "A name that ends in .py is a script to run: mpiexec -n 4 python -m gradstep train.py [arguments ...]"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    if words and words[0].endswith(".py"):
        run_script(words[0], words[1:])
        return
    parser = argparse.ArgumentParser(
        prog="python -m gradstep", description="Gradient descent for NumPy users.", epilog=SCRIPTS
    )
    parser.add_argument("--version", action="version", version=f"gradstep {__version__}")
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("info", help="print version, compiler, instruction set, threads and OpenMP runtime")
    demo = commands.add_parser("demo", help="train a classifier on real handwritten digits and plot its curves")
    demo.add_argument("--epochs", type=positive, default=30, help="passes over the training data (default: 30)")
    demo.add_argument("--output", default="gradstep-demo.png", help="where the curves go (default: gradstep-demo.png)")
    demo.add_argument("--seed", type=int, default=0, help="of the split, the weights and the shuffles (default: 0)")
    given = parser.parse_args(words)
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
